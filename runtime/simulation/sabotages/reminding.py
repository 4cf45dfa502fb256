"""Safeguards of the send gate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from reminders import holds
from reminders.evidence import FlagCode
from reminders.holds import HoldCode
from runtime.simulation.autopay import OFFERED
from runtime.simulation.discounts import GIVEN
from runtime.simulation.sabotages.sabotage import Sabotage, SwitchOff, doing_nothing, replacing, wrapping


def _without_hold(check: Callable[..., Any]) -> SwitchOff:
    return lambda: patch.object(holds, "_CHECKS", tuple(each for each in holds._CHECKS if each is not check))


def _without_flag(code: FlagCode) -> SwitchOff:
    """Switch off one of the checks that only differ by the flag they look for."""

    def without(check: Callable[..., Any]) -> Callable[..., Any]:
        def passing(evidence: Any, as_of: Any) -> Any:  # noqa: ANN401
            hold = check(evidence, as_of)
            return None if hold is not None and hold.code is HoldCode(code.value) else hold

        return passing

    @contextmanager
    def switched_off() -> Iterator[None]:
        with patch.object(holds, "_CHECKS", tuple(without(each) for each in holds._CHECKS)):
            yield

    return switched_off


def _without_opt_out(real: Any) -> Any:  # noqa: ANN401
    return lambda contact: real(replace(contact, opted_out=False))


def _totals(real: Any) -> Any:  # noqa: ANN401
    def in_full(*, reminder: Any, **others: Any) -> Any:  # noqa: ANN401
        lines = tuple(replace(line, amount_due=line.total) for line in reminder.lines)
        return real(reminder=replace(reminder, lines=lines), **others)

    return in_full


def _surely_not_sent(real: Any) -> Any:  # noqa: ANN401
    def trusting(app: Any, organisation_id: str, reminder_id: str, error: Any) -> Any:  # noqa: ANN401
        error.ambiguous = False
        return real(app, organisation_id, reminder_id, error)

    return trusting


# Whoever pays by autopay, or early for a discount, is asked for less: the safeguards of asking are seldom needed.
_ASKED = {OFFERED: 0.0, GIVEN: 0.0}

_SABOTAGES = (
    Sabotage(
        "hold-settled",
        "what is paid is not reminded",
        19,
        _without_hold(holds.settled),
        often={"nights": 3, "close books": 12, "pay by bank": 4},
    ),
    Sabotage(
        "hold-in-flight",
        "what is being paid is not reminded",
        19,
        _without_hold(holds.in_flight),
        often={"pay by debit": 3},
    ),
    Sabotage(
        "hold-probably-paid",
        "what unmatched money may pay is not reminded",
        19,
        _without_hold(holds.probably_paid),
        often={"pay by bank": 3},
    ),
    Sabotage(
        "hold-credit",
        "what credit would cover is not reminded",
        19,
        _without_hold(holds.credit_available),
        often={"credit in full": 10},
    ),
    Sabotage(
        "hold-disputed",
        "a contested invoice is not reminded",
        19,
        _without_hold(holds.disputed),
        often={"nights": 3, "contest": 4},
    ),
    Sabotage(
        "hold-promised",
        "a promised invoice is not reminded before its day",
        19,
        _without_hold(holds.promised),
        often={"promise": 5},
    ),
    Sabotage(
        "hold-refund",
        "a refunded invoice waits for a person",
        19,
        _without_flag(FlagCode.REFUND_REVIEW),
        often={"nights": 3, "refund at once": 60},
    ),
    Sabotage(
        "hold-chargeback",
        "a charged-back invoice waits for the bank",
        19,
        _without_flag(FlagCode.CHARGEBACK_OPEN),
        often={"nights": 3, "charge back": 30, "pay by card": 4},
    ),
    Sabotage(
        "hold-reply",
        "what a payer asks about waits for an answer",
        19,
        _without_flag(FlagCode.REPLY_UNREAD),
        often={"visits": 5},
    ),
    Sabotage(
        "hold-plan",
        "what is paid by a plan is not reminded",
        19,
        _without_flag(FlagCode.PLAN),
        often={"nights": 3, "visits": 8, "agree on a plan": 20},
    ),
    Sabotage(
        "hold-discount",
        "a discount that waits for a person is not asked for",
        19,
        _without_flag(FlagCode.DISCOUNT),
        often={"nights": 8, "visits": 8, "take a discount": 10, OFFERED: 1.0, GIVEN: 1.0},
    ),
    Sabotage(
        "hold-paused",
        "what a person paused is not reminded",
        19,
        _without_flag(FlagCode.PAUSED),
        often={"pause": 8},
    ),
    Sabotage(
        "hold-not-final",
        "what was not sent to the customer is not reminded",
        19,
        _without_hold(holds.not_final),
        often={"sell and send later": 6},
    ),
    Sabotage(
        "hold-stale",
        "nothing is sent on old evidence",
        19,
        replacing("reminders.holds.stale", doing_nothing),
        often={"nights": 3, "statement_missed": 9, "pay by bank": 2},
    ),
    Sabotage(
        "contact-pause",
        "a customer is left in peace between two messages",
        19,
        replacing("reminders.contact._passing", lambda *_: []),
        often={"nights": 3, "sell": 2},
    ),
    Sabotage(
        "contact-wish",
        "who asked not to be written to is not",
        19,
        wrapping("reminders.contact._lasting", _without_opt_out),
        often={"opt out": 10},
    ),
    Sabotage(
        "doubt-is-not-repeated",
        "a message that may have left is not sent again",
        20,
        wrapping("runtime.operations.reminding.send._not_sent", _surely_not_sent),
        often={"mail_accepted_then_lost": 6},
    ),
    Sabotage(
        "ledger-read-again",
        "an invoice is read again before its reminder leaves",
        21,
        replacing("runtime.operations.reminding.gate.Gate._read_ledger_again", doing_nothing),
    ),
    Sabotage(
        "open-amounts",
        "a message names what is still open",
        22,
        wrapping("runtime.operations.reminding.compose.render", _totals),
        often={"nights": 3, "pay in instalments": 5},
    ),
    Sabotage(
        "balance-we-change",
        "nothing is asked for by a balance that our own postings are about to change",
        22,
        replacing("runtime.operations.reminding.facts.being_written", lambda *_: set()),
        often={"nights": 3, "close books": 8, "pay in instalments": 12, "send back": 12},
    ),
    Sabotage(
        "contact-hours",
        "nobody is written to at night",
        23,
        replacing("reminders.contact._out_of_hours", lambda *_: []),
    ),
)

SABOTAGES = tuple(replace(each, often={**_ASKED, **each.often}) for each in _SABOTAGES)
