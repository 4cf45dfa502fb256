"""What is open now: the ledger's balance less what we have applied and the ledger does not show yet."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, RowMapping, or_, select, true

from receivables.allocation import Allocation
from receivables.document import Document, DocumentKind, DocumentStatus
from receivables.money import Money
from receivables.open_item import OpenItem
from runtime.store import tables as t
from runtime.store.rows import beside_an_index, chunks

_IS_OPEN = t.document.c.status == DocumentStatus.OPEN.value
_IS_STILL_OPEN = beside_an_index(t.document.c.status) == DocumentStatus.OPEN.value


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
    pieces: list[ColumnElement[bool]]
    if document_ids is not None:
        theirs = true() if customer_ids is None else t.document.c.customer_id.in_(customer_ids)
        pieces = [t.document.c.id.in_(chunk) & theirs for chunk in chunks(sorted(document_ids))]
    elif customer_ids is not None:
        pieces = [t.document.c.customer_id.in_(chunk) & _IS_STILL_OPEN for chunk in chunks(sorted(customer_ids))]
    else:
        pieces = [_IS_OPEN]
    found = [each for wanted in pieces for each in _open_documents(db, organisation_id, wanted)]
    return (
        found if len(pieces) == 1 else sorted(found, key=lambda each: (each.document.due_on, each.document.document_id))
    )


def open_invoices(
    db: Connection, organisation_id: str, customer_id: str, document_id: str | None = None
) -> list[OpenDocument]:
    """Return the invoices of a customer of which something is open, or only this one of them, if it is one."""
    return [
        each
        for each in open_documents(db, organisation_id, customer_ids=[customer_id])
        if each.document.kind is DocumentKind.INVOICE and each.open_amount
        if document_id in (None, each.document.document_id)
    ]


def _oldest_first(each: OpenDocument) -> tuple[date, str]:
    return each.document.due_on, each.document.document_id


def _open_documents(db: Connection, organisation_id: str, wanted: ColumnElement[bool]) -> list[OpenDocument]:
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
    allocation, document = t.allocation.c, t.document.c
    unshown = or_(allocation.posted_at.is_(None), allocation.posted_at > document.read_at)
    rows = db.execute(
        select(
            document.id,
            document.currency,
            document.total_minor,
            document.balance_minor,
            allocation.amount_minor,
            unshown.label("unshown"),
        )
        .join(t.allocation, document.id == allocation.document_id)
        .where(
            allocation.organisation_id == organisation_id,
            allocation.undone_at.is_(None),
            or_(unshown, document.balance_minor > 0),
            true() if where is None else where,
        )
        .order_by(document.id, allocation.id)
    )
    found: dict[str, list[Allocation]] = {}
    for document_id, these in groupby(rows, key=lambda row: str(row.id)):
        pending = list(_pending(list(these)))
        if pending:
            found[document_id] = pending
    return found


def _pending(applied: Sequence[Row[Any]]) -> Iterator[Allocation]:
    """Yield, of what we applied to one document, what its balance does not show: what is whole, then what is gone."""
    first = applied[0]
    excess = sum(row.amount_minor for row in applied) - (first.total_minor - first.balance_minor)
    for row in applied:
        if row.unshown:
            excess -= row.amount_minor
            yield Allocation(row.id, Money(row.amount_minor, row.currency))
    if first.balance_minor > 0 and excess > 0:
        yield Allocation(first.id, Money(excess, first.currency))


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
