"""Payments that somebody booked in the ledger. Where no webhook tells of them, a fallen balance gives them away.

Until they are read, the money behind them would be taken for new when the bank shows it, and be posted a second time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, exists, func, select

from runtime.store import tables as t
from runtime.store.rows import chunks

_IDS: BindParameter[str] = bindparam("ids", expanding=True)
_PAID = select(t.document).where(
    t.document.c.organisation_id == bindparam("organisation_id"),
    t.document.c.id.in_(_IDS),
    t.document.c.balance_minor < t.document.c.total_minor,
)
_CHANGED = _PAID.where(t.document.c.changed_at == bindparam("read_at"))
_OURS = (
    select(t.allocation.c.document_id, func.sum(t.allocation.c.amount_minor))
    .where(
        t.allocation.c.organisation_id == bindparam("organisation_id"),
        t.allocation.c.document_id.in_(_IDS),
        t.allocation.c.posted_at.is_not(None),
        t.allocation.c.undone_at.is_(None),
    )
    .group_by(t.allocation.c.document_id)
)
# What we posted is known as ours before it is read, so only what others booked is added up.
_OTHERS = (
    select(t.ledger_payment.c.lines)
    .outerjoin(t.receipt, t.receipt.c.id == t.ledger_payment.c.receipt_id)
    .where(
        t.ledger_payment.c.organisation_id == bindparam("organisation_id"),
        t.ledger_payment.c.customer_id.in_(_IDS),
        t.ledger_payment.c.deleted.is_(False),
        t.receipt.c.id.is_(None) | (t.receipt.c.state != "applied"),
    )
)

_BOOKED = select(
    exists().where(
        t.ledger_payment.c.organisation_id == bindparam("organisation_id"),
        t.ledger_payment.c.external_id.in_(_IDS),
        t.ledger_payment.c.receipt_id.is_(None),
        t.ledger_payment.c.deleted.is_(False),
    )
)


def somebody_paid(db: Connection, organisation_id: str, document_ids: Collection[str], read_at: datetime) -> bool:
    """Whether one of these documents, as it was read at `read_at`, is paid by more than all payments that are known.

    Credit that people set against it is no payment and counts as one here: a reading too many does no harm.
    """
    return any(
        _beyond_known(
            db, organisation_id, db.execute(_CHANGED, _named(organisation_id, ids) | {"read_at": read_at}).all()
        )
        for ids in chunks(sorted(document_ids))
    )


def paid_beyond_known(db: Connection, organisation_id: str, document_ids: Collection[str]) -> bool:
    """Whether one of these documents is paid by more than all payments that are known, whenever that was seen."""
    return any(
        _beyond_known(db, organisation_id, db.execute(_PAID, _named(organisation_id, ids)).all())
        for ids in chunks(sorted(document_ids))
    )


def _named(organisation_id: str, ids: Sequence[str]) -> dict[str, Any]:
    return {"organisation_id": organisation_id, "ids": list(ids)}


def _beyond_known(db: Connection, organisation_id: str, documents: Sequence[Any]) -> bool:
    if not documents:
        return False
    ours = _named(organisation_id, [row.id for row in documents])
    known = Counter({row.document_id: row[1] for row in db.execute(_OURS, ours)})
    for lines in db.scalars(_OTHERS, _named(organisation_id, sorted({row.customer_id for row in documents}))):
        for document_id, minor in lines:
            known[document_id] += minor
    return any(row.total_minor - row.balance_minor > known[row.id] for row in documents)


def somebody_booked(db: Connection, organisation_id: str, external_ids: Collection[str]) -> bool:
    """Whether one of these objects of the ledger is a payment that no money of ours was found for yet."""
    return bool(db.scalar(_BOOKED, _named(organisation_id, list(external_ids))))
