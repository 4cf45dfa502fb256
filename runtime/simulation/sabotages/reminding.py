"""Safeguards of the send gate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from reminders import holds
from runtime.simulation.sabotages.sabotage import Sabotage, SwitchOff, doing_nothing, replacing, wrapping


def _without_hold(check: Callable[..., Any]) -> SwitchOff:
    return lambda: patch.object(holds, "_CHECKS", tuple(each for each in holds._CHECKS if each is not check))


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


SABOTAGES = (
    Sabotage("hold-settled", "what is paid is not reminded", 19, _without_hold(holds.settled)),
    Sabotage("hold-disputed", "a contested invoice is not reminded", 19, _without_hold(holds.disputed)),
    Sabotage("hold-promised", "a promised invoice is not reminded before its day", 19, _without_hold(holds.promised)),
    Sabotage("hold-not-final", "what was not sent to the customer is not reminded", 19, _without_hold(holds.not_final)),
    Sabotage("hold-stale", "nothing is sent on old evidence", 19, replacing("reminders.holds.stale", doing_nothing)),
    Sabotage(
        "contact-pause",
        "a customer is left in peace between two messages",
        19,
        replacing("reminders.contact._passing", lambda *_: []),
    ),
    Sabotage(
        "doubt-is-not-repeated",
        "a message that may have left is not sent again",
        20,
        wrapping("runtime.operations.send._not_sent", _surely_not_sent),
    ),
    Sabotage(
        "ledger-read-again",
        "an invoice is read again before its reminder leaves",
        21,
        replacing("runtime.operations.gate.Gate._read_ledger_again", doing_nothing),
    ),
    Sabotage(
        "open-amounts", "a message names what is still open", 22, wrapping("runtime.operations.gate.render", _totals)
    ),
    Sabotage(
        "contact-hours",
        "nobody is written to at night",
        23,
        replacing("reminders.contact._out_of_hours", lambda *_: []),
    ),
)
