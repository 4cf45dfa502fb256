"""Holds that stand until somebody or something releases them: placed by systems, people and payers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from receivables.identity import stable_id
from runtime.store import journal
from runtime.store import tables as t
from runtime.store.rows import upsert
from runtime.store.touch import touch_balances
from runtime.store.weighing import weigh_again


def place_hold(
    db: Connection,
    *,
    organisation_id: str,
    document_id: str,
    code: str,
    reason: str,
    placed_by: str,
    at: datetime,
    until: datetime | None = None,
) -> None:
    """Hold reminders of an item for `reason`; the same code placed again renews the reason and the end."""
    row = {
        "id": stable_id("hld", organisation_id, document_id, code),
        "organisation_id": organisation_id,
        "document_id": document_id,
        "code": code,
        "reason": reason,
        "until": until,
        "placed_by": placed_by,
        "placed_at": at,
        "released_at": None,
    }
    upsert(db, t.hold, [row], keys=["id"])
    _follow(db, organisation_id, document_id, at)
    journal.record(
        db,
        organisation_id=organisation_id,
        at=at,
        actor=placed_by,
        action="hold_placed",
        subject=document_id,
        detail=f"{code}: {reason}",
    )


def release_hold(db: Connection, organisation_id: str, document_id: str, code: str, at: datetime) -> None:
    """End a hold, if it stands."""
    released = db.execute(
        update(t.hold)
        .where(
            t.hold.c.organisation_id == organisation_id,
            t.hold.c.document_id == document_id,
            t.hold.c.code == code,
            t.hold.c.released_at.is_(None),
        )
        .values(released_at=at)
    )
    if released.rowcount:
        _follow(db, organisation_id, document_id, at)


def _follow(db: Connection, organisation_id: str, document_id: str, at: datetime) -> None:
    """Let the next planning, and what the CRM shows of the customer, follow."""
    weigh_again(db, organisation_id, document_ids=[document_id])
    mine = (t.document.c.organisation_id == organisation_id) & (t.document.c.id == document_id)
    touch_balances(db, organisation_id, db.scalars(select(t.document.c.customer_id).where(mine)).all(), at)
