"""What is open now: the ledger's balance less what we have applied and the ledger does not show yet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, func, or_, select, true

from receivables.allocation import Allocation
from receivables.document import Document, DocumentKind, DocumentStatus
from receivables.money import Money
from receivables.open_item import OpenItem
from runtime.store import tables as t


@dataclass(frozen=True, slots=True)
class OpenDocument:
    """A document with its customer's name and parent, and our allocations that its balance does not show yet."""

    document: Document
    customer_name: str
    parent_id: str | None
    pending: Money

    @property
    def open_amount(self) -> Money:
        """What is really open: never negative."""
        return max(self.document.balance - self.pending, Money.zero(self.pending.currency))

    def item(self) -> OpenItem:
        """The document as the matcher sees it."""
        return OpenItem(
            item_id=self.document.document_id,
            kind=self.document.kind,
            number=self.document.number,
            customer_id=self.document.customer_id,
            customer_name=self.customer_name,
            open_amount=self.open_amount,
            issued_on=self.document.issued_on,
            due_on=self.document.due_on,
            references=self.document.references,
            parent_id=self.parent_id,
        )


def open_documents(
    db: Connection,
    organisation_id: str,
    *,
    document_ids: Collection[str] | None = None,
    customer_ids: Collection[str] | None = None,
) -> list[OpenDocument]:
    """Return the documents with an open balance (of these customers), or exactly those of `document_ids`."""
    wanted = (
        t.document.c.status == DocumentStatus.OPEN.value if document_ids is None else t.document.c.id.in_(document_ids)
    )
    if customer_ids is not None:
        wanted &= t.document.c.customer_id.in_(customer_ids)
    rows = db.execute(
        select(t.document, t.customer.c.name, t.customer.c.parent_id)
        .outerjoin(t.customer, t.customer.c.id == t.document.c.customer_id)
        .where(t.document.c.organisation_id == organisation_id, wanted)
        .order_by(t.document.c.due_on, t.document.c.id)
    ).all()
    pending = pending_allocations(db, organisation_id, where=wanted)
    return [
        OpenDocument(
            document=_document(row._mapping),
            customer_name=row.name or "",
            parent_id=row.parent_id,
            pending=Money(pending.get(row.id, 0), row.currency),
        )
        for row in rows
    ]


def pending_allocations(
    db: Connection, organisation_id: str, *, where: ColumnElement[bool] | None = None
) -> dict[str, int]:
    """Return, by document, the minor units we have applied that the last reading of the ledger cannot show.

    `where` narrows it to some documents.
    """
    return {
        document_id: sum(each.amount.minor for each in pending)
        for document_id, pending in unshown_allocations(db, organisation_id, where=where).items()
    }


def unshown_allocations(
    db: Connection, organisation_id: str, *, where: ColumnElement[bool] | None = None
) -> dict[str, list[Allocation]]:
    """Return, by document, our allocations that the ledger's balance, as last read, cannot show yet.

    An allocation shows in the ledger once it was posted before that reading began, unless more is open there than it
    leaves: then what was posted is gone (somebody deleted it), or a replica that is behind was read.
    `where` narrows it to some documents.
    """
    allocation, document = t.allocation, t.document
    rows = db.execute(
        select(allocation.c.document_id, allocation.c.amount_minor, allocation.c.currency)
        .join(document, document.c.id == allocation.c.document_id)
        .where(
            allocation.c.organisation_id == organisation_id,
            allocation.c.undone_at.is_(None),
            or_(allocation.c.posted_at.is_(None), allocation.c.posted_at >= document.c.read_at),
            true() if where is None else where,
        )
    )
    found: defaultdict[str, list[Allocation]] = defaultdict(list)
    for row in rows:
        found[row.document_id].append(Allocation(row.document_id, Money(row.amount_minor, row.currency)))
    for row in db.execute(_more_open(organisation_id, where)):
        excess = row.applied + row.balance_minor - row.total_minor - sum(each.amount.minor for each in found[row.id])
        if excess > 0:
            found[row.id].append(Allocation(row.id, Money(excess, row.currency)))
    return {document_id: these for document_id, these in found.items() if these}


def _more_open(organisation_id: str, where: ColumnElement[bool] | None) -> Select[Any]:
    """Documents of which the ledger shows more open than we left of them, with what we applied in all."""
    allocation, document = t.allocation.c, t.document.c
    applied = func.sum(allocation.amount_minor)
    return (
        select(document.id, document.currency, document.total_minor, document.balance_minor, applied.label("applied"))
        .join(t.allocation, document.id == allocation.document_id)
        .where(
            document.organisation_id == organisation_id,
            document.balance_minor > 0,
            allocation.undone_at.is_(None),
            true() if where is None else where,
        )
        .group_by(document.id)
        .having(applied > document.total_minor - document.balance_minor)
    )


def _document(row: RowMapping) -> Document:
    currency = row["currency"]
    return Document(
        document_id=row["id"],
        kind=DocumentKind(row["kind"]),
        customer_id=row["customer_id"],
        number=row["number"],
        total=Money(row["total_minor"], currency),
        balance=Money(row["balance_minor"], currency),
        issued_on=row["issued_on"],
        due_on=row["due_on"],
        status=DocumentStatus(row["status"]),
        references=tuple(row["references"]),
        sent=row["sent"],
    )
