"""Safeguards of autopay."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from connectors.intents import TakePayment
from runtime.simulation.sabotages.sabotage import Sabotage, all_of, doing_nothing, replacing, wrapping
from runtime.store import queues


def _without_ceiling(real: Any) -> Any:  # noqa: ANN401
    def unbounded(*, terms: Any, **others: Any) -> Any:  # noqa: ANN401
        return real(terms=replace(terms, ceiling=None), **others)

    return unbounded


def _no_payment(real: Any) -> Any:  # noqa: ANN401
    def passing_over(connector: Any, rows: Any) -> Any:  # noqa: ANN401
        return real(connector, [row for row in rows if not isinstance(queues.read_intent(row), TakePayment)])

    return passing_over


def _without_key(real: Any) -> Any:  # noqa: ANN401
    return lambda connector, asked, _options: real(connector, asked, {})


SABOTAGES = (
    Sabotage(
        "autopay-told-first",
        "nothing is taken of which its payer was not told",
        33,
        replacing("runtime.operations.autopay.take._told", lambda _db, courtesy_ids: set(courtesy_ids)),
        often={"nights": 8, "mail_refused": 6},
    ),
    Sabotage(
        "autopay-ceiling",
        "no more is taken for an invoice than its payer allows",
        33,
        all_of(
            wrapping("runtime.operations.autopay.announce.refused", _without_ceiling),
            wrapping("runtime.operations.autopay.take.refused", _without_ceiling),
        ),
        often={"nights": 8},
    ),
    Sabotage(
        "autopay-withdrawn",
        "nothing is taken after its payer switched autopay off",
        33,
        replacing("runtime.operations.autopay.agree.close_mandate", doing_nothing),
        often={"nights": 8, "visits": 3, "withdraw from autopay": 6},
    ),
    Sabotage(
        "autopay-asked-again",
        "what is owed is asked once more right before it is taken",
        34,
        replacing("runtime.operations.systems.deliver.held_back", lambda *_: {}),
        often={"nights": 8, "pay by card": 4, "webhook_drop": 10},
    ),
    Sabotage(
        "autopay-once",
        "what may have been taken is looked up, and bears the same key when it is asked for again",
        34,
        all_of(
            wrapping("runtime.operations.systems.deliver.look_up", _no_payment),
            wrapping("connectors.payments.stripe.connector.StripeConnector._take", _without_key),
        ),
        often={"nights": 8, "answer_lost": 6, "visits": 3, "agree to autopay": 6},
    ),
    Sabotage(
        "autopay-followed",
        "what was taken is followed to its end",
        34,
        replacing("runtime.operations.systems.deliver.after_taking", doing_nothing),
        often={"nights": 8},
    ),
)
