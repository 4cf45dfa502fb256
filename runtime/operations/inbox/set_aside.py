"""Rows that were set aside: what could not be read, followed or written, shown with the reason, and replayed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Table, and_, exists, select

from connectors import registry
from receivables.identity import stable_id
from runtime.app import App
from runtime.operations.applying.applications import POSTINGS
from runtime.operations.applying.undo import is_wanted
from runtime.operations.errors import RefusedError
from runtime.operations.inbox.take_webhook import notice_rows
from runtime.store import journal, queues
from runtime.store import tables as t
from runtime.store.connections import DISCONNECTED, VendorConnection
from runtime.store.intake import store_notices

MAX_SHOWN = 500


class Queue(StrEnum):
    """Where a row was set aside."""

    INBOX = "inbox"
    OUTBOX = "outbox"


_TABLES: dict[Queue, Table] = {Queue.INBOX: t.inbox, Queue.OUTBOX: t.outbox}


@dataclass(frozen=True, slots=True)
class SetAside:
    """One row: what it is about and why it waits. `organisation_id` None: nobody has connected its account.

    `is_unread` is a webhook that could not be read, so that nobody knows whose it is.
    """

    queue: Queue
    row_id: int
    organisation_id: str | None
    system: str
    what: str
    why: str
    since: datetime
    is_unread: bool = False

    @property
    def name(self) -> str:
        """What people call it in commands, such as `outbox:12`."""
        return f"{self.queue}:{self.row_id}"


def set_aside(db: Connection, organisation_id: str | None) -> list[SetAside]:
    """Return what waits of one organisation, or (None) of nobody: at most MAX_SHOWN of each queue, the oldest first."""
    notices = [_notice(row, organisation_id) for row in db.execute(_notices(organisation_id))]
    if organisation_id is None:
        return notices
    return [*notices, *(_write(row) for row in db.execute(_writes(organisation_id)) if _may_be_written(db, row))]


def replay(app: App, *, organisation_id: str | None, queue: Queue, row_id: int, actor: str) -> None:
    """Let a row be worked off again, from its first attempt. RefusedError when it does not wait (here) any more.

    A write in doubt stays in doubt: it is looked up before it is written. A webhook that could not be read is nobody's
    (`organisation_id` None): it is read by today's code, and RefusedError says why it still cannot be.
    """
    if still_unread := _replay(app, organisation_id, queue, row_id, actor):
        raise RefusedError(f"{queue}:{row_id} stays aside: {still_unread}")
    app.wake()


def _replay(app: App, organisation_id: str | None, queue: Queue, row_id: int, actor: str) -> str | None:
    """Replay a row; returns what keeps a webhook from being read."""
    with app.store.write() as db:
        named = {(each.queue, each.row_id): each for each in set_aside(db, organisation_id)}
        found = named.get((queue, row_id))
        if found is None:
            raise RefusedError(f"{queue}:{row_id} is not set aside (any more)")
        now = app.clock()
        if found.is_unread:
            return _read_again(db, row_id, now)
        if found.organisation_id is None:
            raise RefusedError(f"connect the {found.system} account first: {found.why}")
        queues.begin_again(db, _TABLES[queue], row_id, now)
        _resolve(db, found, now)
        journal.record(
            db,
            organisation_id=found.organisation_id,
            at=now,
            actor=actor,
            action="replayed",
            subject=found.name,
            detail=f"{found.system}: {found.what}",
        )
    return None


def _read_again(db: Connection, row_id: int, now: datetime) -> str | None:
    """Store the notices of a webhook that could not be read, and have done with it; returns why it still cannot be."""
    row = db.execute(select(t.inbox).where(t.inbox.c.id == row_id)).one()
    notices, problem = notice_rows(registry.declaration(row.system), row.body, now)
    if problem is not None:
        queues.settle(db, t.inbox, row_id, problem=problem)
        return problem
    store_notices(db, notices)
    queues.settle(db, t.inbox, row_id, state=queues.DONE, done_at=now, problem=None)
    return None


def resume(db: Connection, connection: VendorConnection, at: datetime) -> int:
    """Work off again what waited for this connection's consent, now that it is given. Returns how many rows."""
    notices = select(t.inbox).where(
        t.inbox.c.system == connection.system,
        t.inbox.c.account == connection.account.external_id,
        t.inbox.c.state == queues.UNCONNECTED,
    )
    writes = select(t.outbox).where(
        t.outbox.c.organisation_id == connection.organisation_id,
        t.outbox.c.system == connection.system,
        t.outbox.c.state == queues.UNCONNECTED,
    )
    waiting = [_notice(row, connection.organisation_id) for row in db.execute(notices)]
    waiting += [_write(row) for row in db.execute(writes)]
    for each in waiting:
        queues.begin_again(db, _TABLES[each.queue], each.row_id, at)
        _resolve(db, each, at)
    return len(waiting)


def _notices(organisation_id: str | None) -> Any:  # noqa: ANN401 - a statement
    whose = and_(
        t.connection.c.system == t.inbox.c.system,
        t.connection.c.account == t.inbox.c.account,
        t.connection.c.status != DISCONNECTED,
    )
    is_theirs = (
        ~exists().where(whose)
        if organisation_id is None
        else exists().where(whose, t.connection.c.organisation_id == organisation_id)
    )
    waiting = select(t.inbox).where(t.inbox.c.state.in_(queues.SET_ASIDE), is_theirs)
    return waiting.order_by(t.inbox.c.id).limit(MAX_SHOWN)


def _writes(organisation_id: str) -> Any:  # noqa: ANN401 - a statement
    mine = (t.outbox.c.organisation_id == organisation_id) & t.outbox.c.state.in_(queues.SET_ASIDE)
    return select(t.outbox).where(mine).order_by(t.outbox.c.id).limit(MAX_SHOWN)


def _may_be_written(db: Connection, row: Any) -> bool:  # noqa: ANN401 - a row of the outbox
    """Whether a refused write is still wanted: a refused match went back to review and is decided there."""
    intent = queues.read_intent(dict(row._mapping))
    return not isinstance(intent, POSTINGS) or is_wanted(db, row.organisation_id, row.subject, intent)


def _notice(row: Any, organisation_id: str | None) -> SetAside:  # noqa: ANN401 - a row of the inbox
    kind = str(row.kind or "").replace("_", " ")
    what = f"notice of {kind} {row.external_id}" if kind else f"webhook {row.event_id}"
    account = f" of account {row.account}" if row.account and organisation_id is None else ""
    why = row.problem or ""
    return SetAside(
        Queue.INBOX, row.id, organisation_id, row.system, what + account, why, row.received_at, is_unread=not kind
    )


def _write(row: Any) -> SetAside:  # noqa: ANN401 - a row of the outbox
    what = str(row.intent["intent"]).replace("_", " ")
    return SetAside(Queue.OUTBOX, row.id, row.organisation_id, row.system, what, row.problem or "", row.created_at)


def _resolve(db: Connection, found: SetAside, now: datetime) -> None:
    """Settle the problems that this row was shown by."""
    if found.organisation_id is None:
        return
    row = db.execute(select(_TABLES[found.queue]).where(_TABLES[found.queue].c.id == found.row_id)).one()
    shown = (
        [("webhook_not_processed", stable_id("ntc", row.system, str(row.kind), row.external_id))]
        if found.queue is Queue.INBOX
        else [(code, row.subject) for code in journal.WRITE_PROBLEMS]
    )
    for code, subject in shown:
        journal.resolve_problem(db, organisation_id=found.organisation_id, code=code, subject=subject, at=now)
