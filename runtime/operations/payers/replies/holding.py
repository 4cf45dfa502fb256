"""What a reply holds: placed with it, and ended with it unless another reply holds the same invoice."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from reminders.evidence import FlagCode
from runtime.operations.reminding.standing_holds import place_hold, release_hold
from runtime.operations.reminding.withdraw import withdraw_reminders
from runtime.store import tables as t
from runtime.store.touch import touch_documents

HOLD = FlagCode.REPLY_UNREAD.value


def hold(
    db: Connection,
    *,
    organisation_id: str,
    reply_id: str,
    document_ids: Collection[str],
    until: datetime,
    reason: str,
    actor: str,
    at: datetime,
) -> None:
    """Hold these invoices in place of what the reply held before, and take them out of planned reminders."""
    release(db, organisation_id=organisation_id, reply_id=reply_id, at=at)
    mine = (t.reply.c.organisation_id == organisation_id) & (t.reply.c.id == reply_id)
    db.execute(update(t.reply).where(mine).values(held=sorted(document_ids), holds_until=until))
    for document_id in sorted(document_ids):
        others = [row.holds_until for row in _holding(db, organisation_id, document_id, at) if row.id != reply_id]
        place_hold(
            db,
            organisation_id=organisation_id,
            document_id=document_id,
            code=HOLD,
            reason=reason,
            placed_by=actor,
            at=at,
            until=max([until, *others]),
        )
    withdraw_reminders(db, organisation_id=organisation_id, document_ids=document_ids, why=reason, at=at)
    touch_documents(db, organisation_id, document_ids, at)


def release(db: Connection, *, organisation_id: str, reply_id: str, at: datetime) -> None:
    """End what a reply holds; what another one holds as well is held on for its reason."""
    mine = (t.reply.c.organisation_id == organisation_id) & (t.reply.c.id == reply_id)
    held = db.scalar(select(t.reply.c.held).where(mine)) or []
    db.execute(update(t.reply).where(mine).values(held=[], holds_until=None))
    for document_id in held:
        others = _holding(db, organisation_id, document_id, at)
        if not others:
            release_hold(db, organisation_id, document_id, HOLD, at)
            continue
        last = max(others, key=lambda row: row.holds_until)
        place_hold(
            db,
            organisation_id=organisation_id,
            document_id=document_id,
            code=HOLD,
            reason=reason_of(last.words),
            placed_by="replies",
            at=at,
            until=last.holds_until,
        )
    touch_documents(db, organisation_id, held, at)


def reason_of(words: str) -> str:
    """Return why what somebody wrote holds, with its beginning."""
    return f"The customer wrote, and nobody has settled it yet: {shortened(words)}"


def shortened(words: str, longest: int = 200) -> str:
    """Return the beginning of what somebody wrote, on one line."""
    line = " ".join(words.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def _holding(db: Connection, organisation_id: str, document_id: str, at: datetime) -> list[Row[Any]]:
    """The replies that hold an invoice at this time; few replies of an organisation hold anything."""
    reply = t.reply.c
    rows: Iterable[Row[Any]] = db.execute(
        select(reply.id, reply.held, reply.holds_until, reply.words).where(
            reply.organisation_id == organisation_id, reply.holds_until > at
        )
    )
    return [row for row in rows if document_id in row.held]
