"""The calls that deliver promised writes: lost ones are looked up, and one bad row keeps no other from its answer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connectors.contract import Connector
from connectors.errors import ConnectorError, Reconnect, Retry
from connectors.intents import Done, Found, Intent, Outcome
from runtime.store import queues

MAX_STOPPED_CALLS = 24  # of one group: a defect among 600 rows is found in ten
Row = dict[str, Any]
_log = logging.getLogger(__name__)


def look_up(connector: Connector, rows: Sequence[Row]) -> dict[int, Outcome]:
    """Find out about writes whose answer was lost, before anything is repeated."""
    found = _in_parts([row for row in rows if row["in_doubt"]], connector.find)
    told = ((row_id, _told(answer)) for row_id, answer in found.items())
    return {row_id: outcome for row_id, outcome in told if outcome is not None}


def write(connector: Connector, rows: Sequence[Row]) -> dict[int, Outcome]:
    """Write these rows. A part of a call that a defect stopped may have taken effect: that is looked up first."""
    written = _in_parts(rows, connector.write, lambda part: _look_up_stopped(connector, part))
    return {row_id: outcome for row_id, outcome in written.items() if outcome is not None}


def _look_up_stopped(connector: Connector, rows: Sequence[Row]) -> dict[int, Outcome]:
    """Find out about rows whose call was stopped. They were not in doubt when they were claimed, and are from here on:
    what is not answered now must say so.
    """
    outcomes = look_up(connector, [row | {"in_doubt": True} for row in rows])
    return {
        row_id: outcome if isinstance(outcome, Done) else _undecided(outcome) for row_id, outcome in outcomes.items()
    }


def _in_parts(
    rows: Sequence[Row],
    ask: Callable[[Sequence[Intent]], Sequence[Found]],
    known: Callable[[Sequence[Row]], Mapping[int, Outcome]] = lambda _: {},
) -> dict[int, Found]:
    """Ask about rows at once and, where a defect stops the call, about halves, down to the row that uncovers it.

    It keeps no other from its answer, and is tried again later. `known` answers for rows before they are asked
    about again. After MAX_STOPPED_CALLS nothing is divided any more.
    """
    answers: dict[int, Found] = {}
    parts, stopped = [list(rows)] if rows else [], 0
    while parts:
        part = parts.pop()
        try:
            answers |= zip((row["id"] for row in part), ask([queues.read_intent(row) for row in part]), strict=True)
            continue
        except ConnectorError as error:
            answers |= dict.fromkeys((row["id"] for row in part), error)
            continue
        except Exception as error:
            _log.exception("a call for %d promised writes was stopped", len(part))
            stopped += 1
            if len(part) == 1 or stopped >= MAX_STOPPED_CALLS:
                answers |= dict.fromkeys((row["id"] for row in part), defect(error))
                continue
        middle = len(part) // 2
        for half in (part[middle:], part[:middle]):  # the earlier half is taken next
            answers |= known(half)
            parts += [left] if (left := [row for row in half if row["id"] not in answers]) else []
    return answers


def defect(error: Exception) -> Retry:
    """What becomes of a write that a defect stopped: nobody knows whether it took effect."""
    return Retry(f"a defect of ours ({type(error).__name__}: {error})", ambiguous=True)


def _told(found: Found) -> Found:
    """Whatever keeps a look-up from answering, the write may stand: it is looked up again."""
    if isinstance(found, ConnectorError) and not isinstance(found, Retry | Reconnect):
        return _undecided(found)
    return found


def _undecided(error: ConnectorError) -> Retry:
    pause = {"after_seconds": error.after_seconds} if isinstance(error, Retry) else {}
    return Retry(f"it cannot be looked up: {error}", ambiguous=True, **pause)
