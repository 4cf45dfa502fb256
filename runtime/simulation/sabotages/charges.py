"""Safeguards of late charges."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reminders.charges import Settled
from runtime.operations.views.standing import Standings
from runtime.simulation.charges import CHARGED
from runtime.simulation.sabotages.sabotage import Sabotage, all_of, replacing, wrapping


def _held_by_nothing(real: Any) -> Any:  # noqa: ANN401
    def standing(*args: Any, **others: Any) -> Standings:  # noqa: ANN401
        found: Standings = real(*args, **others)
        return replace(found, invoices={key: replace(each, holds=()) for key, each in found.invoices.items()})

    return standing


def _for_nothing(real: Any) -> Any:  # noqa: ANN401
    """The days that were decided about stay decided: a second decision about one is refused by the database."""

    def settled(*args: Any) -> dict[str, list[Settled]]:  # noqa: ANN401
        found: dict[str, list[Settled]] = real(*args)
        return {
            key: [replace(each, interest=each.interest - each.interest, fixed=each.fixed - each.fixed) for each in past]
            for key, past in found.items()
        }

    return settled


_LATE = {"nights": 8, CHARGED: 6}
SABOTAGES = (
    Sabotage(
        "charge-once",
        "what was charged or waived before is taken off",
        36,
        wrapping("runtime.operations.charges.propose._settled", _for_nothing),
        often=_LATE,
    ),
    Sabotage(
        "charge-held",
        "what is contested or held is not charged for",
        36,
        wrapping("runtime.operations.charges.propose.standings", _held_by_nothing),
        often=_LATE | {"visits": 6, "contest on a page": 6},
    ),
    Sabotage(
        "charge-paid",
        "what is paid is charged for where a policy says so alone",
        36,
        all_of(
            replacing("runtime.operations.charges.paid_late.policies_that_charge", lambda *_: ("every one",)),
            replacing(
                "runtime.operations.charges.propose.charged_when_paid", lambda _db, _of, customers, **_: set(customers)
            ),
        ),
        often=_LATE | {"pay by card": 4, "pay on a page": 4},
    ),
)
