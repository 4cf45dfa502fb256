"""Outbox and inbox: rows that are claimed for a while, so that a killed worker's rows come back by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Select, Table, Update, bindparam, case, insert, literal, select, tuple_, update

from connectors.intents import Intent
from runtime.store import tables as t
from runtime.store.rows import insert_new, update_row

NEW, DONE, ASIDE, SUPERSEDED = "new", "done", "aside", "superseded"
UNCONNECTED = "unconnected"  # set aside as well, for want of a consent: it begins again when its account is connected
SET_ASIDE = (ASIDE, UNCONNECTED)
LEASE = timedelta(minutes=5)  # far above one group's calls and waits for call limits: a slow worker keeps its rows
CLAIM_ROWS = 100
# Edits share calls (50 at Xero, 30 at QuickBooks, 200 at Salesforce): a claim takes enough to fill whole calls of each.
EDIT_ROWS = 600
_EDITS = ("edit_document", "edit_contact")
MAX_ATTEMPTS = 8
_BACKOFF_SECONDS = (1, 5, 15, 60, 300, 900, 1800, 3600)

_INTENTS: TypeAdapter[Intent] = TypeAdapter(Intent)


def enqueue(db: Connection, *, organisation_id: str, system: str, intent: Intent, subject: str, at: datetime) -> bool:
    """Promise one write to a vendor; False when the same intent was promised before (it is never written twice)."""
    row = {
        "organisation_id": organisation_id,
        "system": system,
        "key": intent.key,
        "intent": _INTENTS.dump_python(intent, mode="json"),
        "subject": subject,
        "state": NEW,
        "attempts": 0,
        "in_doubt": False,
        "next_at": at,
        "external_ids": [],
        "created_at": at,
    }
    return insert_new(db, t.outbox, [row], keys=["organisation_id", "system", "key"]) == 1


def promised(db: Connection, *, organisation_id: str, system: str, key: str) -> dict[str, Any] | None:
    """Return the outbox row of an intent, None when it was never promised."""
    mine = (t.outbox.c.organisation_id == organisation_id) & (t.outbox.c.system == system) & (t.outbox.c.key == key)
    row = db.execute(select(t.outbox).where(mine)).first()
    return dict(row._mapping) if row else None


def promise_again(
    db: Connection, *, organisation_id: str, system: str, key: str, at: datetime, intent: Intent | None = None
) -> bool:
    """Promise a write that was set aside once more, as `intent` says it now; False when none was set aside.

    A write in doubt keeps its words: it may stand already, and is looked up by them first.
    """
    row = promised(db, organisation_id=organisation_id, system=system, key=key)
    if row is None or row["state"] not in SET_ASIDE:
        return False
    begin_again(db, t.outbox, row["id"], at)
    if intent is not None and not row["in_doubt"]:
        settle(db, t.outbox, row["id"], intent=_INTENTS.dump_python(intent, mode="json"))
    return True


def read_intent(row: dict[str, Any]) -> Intent:
    """Return the intent that an outbox row keeps."""
    return _INTENTS.validate_python(row["intent"])


def claim(db: Connection, table: Table, now: datetime) -> list[dict[str, Any]]:
    """Take up to CLAIM_ROWS rows that are due; nobody else gets them until the lease ends, which is their `next_at`.

    A due notice brings those of its account along that came a moment later.
    """
    rows = [dict(row._mapping) for row in db.execute(_due(table), {"now": now})]
    if rows and table is t.inbox:
        rows += _arrived_with(db, rows, now)
    elif rows and table is t.outbox:
        rows += _edits_after(db, rows, now)
    lease = {"next_at": now + LEASE}
    if rows:
        db.execute(_begin_attempt(table), lease | {"ids": [row["id"] for row in rows]})
    return [row | lease for row in rows]


@cache
def _due(table: Table) -> Select[Any]:
    is_due = (table.c.state == NEW) & (table.c.next_at <= bindparam("now"))
    return select(table).where(is_due).order_by(table.c.id).limit(CLAIM_ROWS).with_for_update(skip_locked=True)


@cache
def _begin_attempt(table: Table) -> Update:
    mine = table.c.id.in_(bindparam("ids", expanding=True))
    return update(table).where(mine).values(attempts=table.c.attempts + 1, next_at=bindparam("next_at"))


def held(db: Connection, rows: Sequence[dict[str, Any]]) -> set[int]:
    """Return which claimed outbox rows are still ours; nobody claims them before this unit of work ends.

    A row is not when its lease ended and another worker claimed it, or somebody settled it. A lease's end names it: no
    two claims of a row have the same.
    """
    leases = {row["id"]: row["next_at"] for row in rows}
    return {each.id for each in db.execute(_HELD, {"ids": list(leases)}) if each.next_at == leases[each.id]}


_HELD = (
    select(t.outbox.c.id, t.outbox.c.next_at)
    .where(t.outbox.c.id.in_(bindparam("ids", expanding=True)), t.outbox.c.state == NEW)
    .with_for_update()
)


def look_up_again(db: Connection, row_id: int, at: datetime) -> bool:
    """Have a write looked up that took effect, or may have, for a worker who holds it no more; False when it is done.

    Whoever holds it now holds it no more either: only what is looked up now is known. It is looked up once the call
    that its holder may be making has ended, else that call could write what was not found a moment before.
    """
    undecided = (t.outbox.c.id == row_id) & (t.outbox.c.state != DONE)
    next_at = case((t.outbox.c.state == NEW, literal(at + LEASE, t.Instant())), else_=literal(at, t.Instant()))
    values = {"state": NEW, "in_doubt": True, "attempts": 0, "next_at": next_at, "done_at": None}
    return db.execute(update(t.outbox).where(undecided).values(**values)).rowcount == 1


def _arrived_with(db: Connection, rows: list[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """Take up to CLAIM_ROWS fresh notices of the same accounts before their time: all are read in one call."""
    accounts = sorted({(row["system"], row["account"]) for row in rows})
    return [dict(row._mapping) for row in db.execute(_FRESH, {"now": now, "accounts": accounts})]


_FRESH = (
    select(t.inbox)
    .where(t.inbox.c.state == NEW, t.inbox.c.attempts == 0, t.inbox.c.next_at > bindparam("now"))
    .where(tuple_(t.inbox.c.system, t.inbox.c.account).in_(bindparam("accounts", expanding=True)))
    .order_by(t.inbox.c.id)
    .limit(CLAIM_ROWS)
    .with_for_update(skip_locked=True)
)


def _edits_after(db: Connection, rows: list[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """Take further edits that are due, where the claim has some, up to EDIT_ROWS together."""
    claimed = sum(row["intent"]["intent"] in _EDITS for row in rows)
    if not claimed or len(rows) < CLAIM_ROWS:
        return []
    due = (
        select(t.outbox)
        .where(t.outbox.c.state == NEW, t.outbox.c.next_at <= now, t.outbox.c.id > rows[-1]["id"])
        .where(t.outbox.c.intent["intent"].as_string().in_(_EDITS))
        .order_by(t.outbox.c.id)
        .limit(EDIT_ROWS - claimed)
        .with_for_update(skip_locked=True)
    )
    return [dict(row._mapping) for row in db.execute(due)]


def mark_in_doubt(db: Connection, ids: list[int]) -> None:
    """Note that these writes are about to be sent: from here on their effect is unknown until they are settled."""
    db.execute(update(t.outbox).where(t.outbox.c.id.in_(ids)).values(in_doubt=True))


def settle(db: Connection, table: Table, row_id: int, **values: Any) -> None:  # noqa: ANN401 - column values
    """Write the outcome of a claimed row."""
    update_row(db, table, row_id, **values)


def supersede_waiting(db: Connection, *, organisation_id: str, system: str, at: datetime) -> None:
    """Write nothing any more of what was promised to an organisation's account at `system`."""
    mine = (t.outbox.c.organisation_id == organisation_id) & (t.outbox.c.system == system)
    waiting = mine & t.outbox.c.state.in_((NEW, *SET_ASIDE))
    db.execute(update(t.outbox).where(waiting).values(state=SUPERSEDED, done_at=at))


def begin_again(db: Connection, table: Table, row_id: int, at: datetime) -> None:
    """Let a row that was set aside be worked off from `at` on, from its first attempt.

    What is in doubt stays so: it is looked up before it is written.
    """
    settle(db, table, row_id, state=NEW, attempts=0, next_at=at, done_at=None, problem=None)


def next_try(row: dict[str, Any], now: datetime, after_seconds: float, *, given_up: str = ASIDE) -> dict[str, Any]:
    """Return the columns of a row that is to be tried again, or set aside as `given_up` says after MAX_ATTEMPTS."""
    attempts = row["attempts"] + 1
    if attempts >= MAX_ATTEMPTS:
        return {"state": given_up, "done_at": now}
    pause = max(after_seconds, _BACKOFF_SECONDS[min(attempts, len(_BACKOFF_SECONDS)) - 1])
    return {"state": NEW, "next_at": now + timedelta(seconds=pause)}


def untried(row: dict[str, Any], now: datetime, after_seconds: float) -> dict[str, Any]:
    """Return the columns of a claimed row for which no call was made: it is put off, and no attempt is counted."""
    return {"state": NEW, "attempts": row["attempts"], "next_at": now + timedelta(seconds=after_seconds)}


def record_statement(db: Connection, row: dict[str, Any]) -> None:
    """Remember that a statement file was imported."""
    db.execute(insert(t.statement).values(**row))
