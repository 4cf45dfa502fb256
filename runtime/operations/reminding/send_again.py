"""A person says that a reminder did not arrive: its level counts as not reached, and is due again.

Nothing is sent here. The next plan takes it like any other message: every hold is asked again, and so are the limits on
how often somebody may be written to, for which the one that did not arrive still counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from runtime.operations.errors import RefusedError
from runtime.operations.matching.open_items import OpenDocument
from runtime.operations.payers.payers_word import follow
from runtime.operations.reminding.withdraw import SENT, UNDELIVERED
from runtime.store import reminder_rows
from runtime.store import tables as t
from runtime.store.rows import among, chunks


def send_again(
    db: Connection,
    organisation_id: str,
    invoices: Sequence[OpenDocument],
    *,
    actor: str,
    asked_at: datetime,
    at: datetime,
) -> int:
    """Let the last reminder of each of these invoices be sent again; returns of how many invoices one was.

    The caller has locked the organisation. RefusedError, and nothing is changed, when one was sent since `asked_at`, or
    each of them is due again already.
    """
    last = _last_sent(db, organisation_id, [invoice.document.document_id for invoice in invoices])
    if any(row.sent_at > asked_at for row in last.values()):
        raise RefusedError("a reminder was sent since then")
    again = {item_id: row for item_id, row in last.items() if row.state == SENT}
    if last and not again:
        raise RefusedError("the last reminder is due again already")
    for invoice in invoices:
        item_id = invoice.document.document_id
        row = again.get(item_id)
        if row is None:
            continue
        reminder_rows.set_item(db, row.reminder_id, item_id, state=UNDELIVERED)
        reminder_rows.release_slots(db, [row.reminder_id], document_ids=[item_id])
        follow(
            db,
            organisation_id=organisation_id,
            document_id=item_id,
            actor=actor,
            action="asked_again",
            detail=f"the reminder of {invoice.document.number} at level {row.level} did not arrive: it is due again",
            at=at,
        )
    return len(again)


def _last_sent(db: Connection, organisation_id: str, document_ids: Sequence[str]) -> dict[str, Any]:
    """Return, by invoice, the item of the last reminder that was sent, be that one that reached nobody."""
    item, reminder = t.reminder_item.c, t.reminder.c
    return {
        row.document_id: row
        for chunk in chunks(document_ids)
        for row in db.execute(
            select(item.document_id, item.reminder_id, item.level, item.state, reminder.sent_at)
            .join(t.reminder, reminder.id == item.reminder_id)
            .where(
                item.organisation_id == organisation_id,
                item.state.in_((SENT, UNDELIVERED)),
                reminder.sent_at.is_not(None),
                among(db, item.document_id, chunk),
            )
            .order_by(reminder.sent_at, item.level)  # the last one stays
        )
    }
