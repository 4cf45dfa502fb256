"""What people refused: a set of items for a receipt, remembered for as long as the receipt."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select

from receivables.identity import stable_id
from runtime.operations.applying.applications import items_asked_about
from runtime.store import tables as t
from runtime.store.rows import chunks, upsert


def refuse_proposal(db: Connection, *, organisation_id: str, receipt_id: str, actor: str, at: datetime) -> None:
    """Remember that the items which a person was asked about are not what a receipt pays, or are booked by hand."""
    body = db.scalar(
        select(t.proposal.c.body).where(
            t.proposal.c.organisation_id == organisation_id, t.proposal.c.receipt_id == receipt_id
        )
    )
    if body is None:
        return
    items = items_asked_about(body)
    row = {
        "id": _refusal_id(receipt_id, items),
        "organisation_id": organisation_id,
        "receipt_id": receipt_id,
        "items": sorted(items),
        "refused_by": actor,
        "refused_at": at,
    }
    upsert(db, t.refusal, [row], keys=["id"])


def forget_refusal(db: Connection, receipt_id: str, items: Collection[str]) -> None:
    """Forget that a person refused exactly these items for this receipt."""
    db.execute(delete(t.refusal).where(t.refusal.c.id == _refusal_id(receipt_id, items)))


_LATEST = (
    select(t.refusal.c.receipt_id, t.refusal.c["items"])
    .where(
        t.refusal.c.organisation_id == bindparam("organisation_id"),
        t.refusal.c.receipt_id.in_(bindparam("ids", expanding=True)),
    )
    .order_by(t.refusal.c.refused_at.desc(), t.refusal.c.id)
)


def refused_items(db: Connection, organisation_id: str, receipt_ids: Iterable[str]) -> dict[str, list[frozenset[str]]]:
    """Return the sets of items that people refused, the latest first, for each of these receipts that has any."""
    found: dict[str, list[frozenset[str]]] = {}
    for ids in chunks(sorted(receipt_ids)):
        for receipt_id, items in db.execute(_LATEST, {"organisation_id": organisation_id, "ids": list(ids)}):
            found.setdefault(receipt_id, []).append(frozenset(items))
    return found


def _refusal_id(receipt_id: str, items: Collection[str]) -> str:
    return stable_id("rfs", receipt_id, *sorted(items))
