"""Marking what changed, so that everything derived from it (the CRM's pages) follows."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, select, update

from runtime.store import tables as t

IDS_PER_STATEMENT = 500


def touch_documents(db: Connection, organisation_id: str, document_ids: Collection[str], at: datetime) -> None:
    """Note that these documents, and so their customers' balances, changed at `at`."""
    ids = sorted(set(document_ids))
    for start in range(0, len(ids), IDS_PER_STATEMENT):
        mine = (t.document.c.organisation_id == organisation_id) & t.document.c.id.in_(
            ids[start : start + IDS_PER_STATEMENT]
        )
        db.execute(update(t.document).where(mine).values(changed_at=at))
        owners = select(t.document.c.customer_id).where(mine)
        db.execute(
            update(t.customer)
            .where(t.customer.c.organisation_id == organisation_id, t.customer.c.id.in_(owners))
            .values(changed_at=at)
        )
