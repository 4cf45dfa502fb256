"""What is open now: the ledger's balance less what we have applied and the ledger does not show yet."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, RowMapping, Select, bindparam, or_, select, true

from receivables.allocation import Allocation
from receivables.document import Document, DocumentKind, DocumentStatus
from receivables.money import Money
from receivables.open_item import OpenItem
from runtime.store import tables as t
from runtime.store.rows import among_given, beside_an_index, chunks, owned_by

_document, _allocation = t.document.c, t.allocation.c


class _Which(StrEnum):
    """Which documents are asked about."""

    ALL = "all"
    OPEN = "open"
    THESE = "these"
    OF_CUSTOMERS = "of customers"
    OPEN_OF_CUSTOMERS = "open of customers"


# Asked for every customer and every match, so each is built once.
@cache
def _documents(dialect: str, which: _Which) -> Select[Any]:
    return (
        select(t.document, t.customer.c.name, t.customer.c.parent_id)
        .outerjoin(t.customer, t.customer.c.id == _document.customer_id)
        .where(_mine(which), _wanted(dialect, which))
        .order_by(_document.due_on, _document.id)
    )


def _mine(which: _Which) -> ColumnElement[bool]:
    """Those named by their ids are looked up: else SQLite reads all that an organisation has for a page of them."""
    if which is _Which.THESE:
        return owned_by(t.document, bindparam("organisation_id"))
    return _document.organisation_id == bindparam("organisation_id")


@cache
def _unshown(dialect: str, which: _Which) -> Select[Any]:
    unshown = or_(_allocation.posted_at.is_(None), _allocation.posted_at > _document.read_at)
    return (
        select(
            _document.id,
            _document.currency,
            _document.total_minor,
            _document.balance_minor,
            _allocation.amount_minor,
            unshown.label("unshown"),
        )
        .join(t.allocation, _document.id == _allocation.document_id)
        .where(
            _allocation.organisation_id == bindparam("organisation_id"),
            _allocation.undone_at.is_(None),
            or_(unshown, _document.balance_minor > 0),
            _wanted(dialect, which),
        )
        .order_by(_document.id, _allocation.id)
    )


def _wanted(dialect: str, which: _Which) -> ColumnElement[bool]:
    theirs = among_given(dialect, _document.customer_id, "given")
    wanted: dict[_Which, ColumnElement[bool]] = {
        _Which.ALL: true(),
        _Which.OPEN: _document.status == DocumentStatus.OPEN.value,
        _Which.THESE: among_given(dialect, _document.id, "given"),
        _Which.OF_CUSTOMERS: theirs,
        _Which.OPEN_OF_CUSTOMERS: theirs & (beside_an_index(_document.status) == DocumentStatus.OPEN.value),
    }
    return wanted[which]


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
    which, pieces = _pieces(document_ids, customer_ids, _Which.OPEN_OF_CUSTOMERS, _Which.OPEN)
    found = [each for given in pieces for each in _open_documents(db, organisation_id, which, given)]
    if document_ids is not None and customer_ids is not None:
        found = [each for each in found if each.document.customer_id in customer_ids]
    return found if len(pieces) == 1 else sorted(found, key=_oldest_first)


def _pieces(
    document_ids: Collection[str] | None, customer_ids: Collection[str] | None, theirs: _Which, every: _Which
) -> tuple[_Which, list[Sequence[str]]]:
    """Which documents are asked about, and what each query is given; without a condition one query is given nothing."""
    if document_ids is not None:
        return _Which.THESE, list(chunks(sorted(document_ids)))
    if customer_ids is not None:
        return theirs, list(chunks(sorted(customer_ids)))
    return every, [()]


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


def _open_documents(db: Connection, organisation_id: str, which: _Which, given: Sequence[str]) -> list[OpenDocument]:
    asked = {"organisation_id": organisation_id, "given": list(given)}
    rows = db.execute(_documents(db.dialect.name, which), asked).all()
    pending = _minor(_unshown_allocations(db, organisation_id, which, given)) if rows else {}
    return [
        OpenDocument(
            document=_as_document(row._mapping),
            customer_name=row.name or "",
            parent_id=row.parent_id,
            pending=Money(pending.get(row.id, 0), row.currency),
        )
        for row in rows
    ]


def pending_allocations(
    db: Connection,
    organisation_id: str,
    *,
    document_ids: Collection[str] | None = None,
    customer_ids: Collection[str] | None = None,
    is_open: bool = False,
) -> dict[str, int]:
    """Return, by document, the minor units we have applied that the last reading of the ledger cannot show.

    Of all documents, unless of these, of these customers, or of those that the ledger has as open.
    """
    which, pieces = _pieces(document_ids, customer_ids, _Which.OF_CUSTOMERS, _Which.OPEN if is_open else _Which.ALL)
    return {
        document_id: minor
        for given in pieces
        for document_id, minor in _minor(_unshown_allocations(db, organisation_id, which, given)).items()
    }


def unshown_allocations(
    db: Connection, organisation_id: str, document_ids: Collection[str]
) -> dict[str, list[Allocation]]:
    """Return, by document, our allocations to these that the ledger's balance, as last read, cannot show yet.

    An allocation shows in the ledger once it was posted before that reading began, unless more is open there than it
    leaves: then what was posted is gone (somebody deleted it), or a replica that is behind was read.
    """
    return {
        document_id: pending
        for given in chunks(sorted(document_ids))
        for document_id, pending in _unshown_allocations(db, organisation_id, _Which.THESE, given).items()
    }


def _minor(unshown: Mapping[str, Sequence[Allocation]]) -> dict[str, int]:
    return {document_id: sum(each.amount.minor for each in pending) for document_id, pending in unshown.items()}


def _unshown_allocations(
    db: Connection, organisation_id: str, which: _Which, given: Sequence[str]
) -> dict[str, list[Allocation]]:
    asked = {"organisation_id": organisation_id, "given": list(given)}
    rows = db.execute(_unshown(db.dialect.name, which), asked)
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


def _as_document(row: RowMapping) -> Document:
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
