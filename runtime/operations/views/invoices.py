"""A page of an organisation's invoices, filtered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, func, or_, select

from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money
from reminders.holds import HoldCode
from runtime.operations.views.standing import Standing, standings
from runtime.store import tables as t
from runtime.store.connections import Organisation

PAGE_ROWS = 50
MAX_COUNTED = 10_000  # invoices that a list counts and pages through: nobody turns more pages, a search narrows them
MAX_PAGE = MAX_COUNTED // PAGE_ROWS
MAX_WEIGHED = 1_000  # overdue invoices of which a list by standing asks where they stand: the oldest


class InvoiceState(StrEnum):
    """Which invoices to list; those of _SELECTS depend on the moment, the others on the ledger."""

    OPEN = "open"
    OVERDUE = "overdue"
    DUE = "due"
    HELD = "held"
    REMINDED = "reminded"
    PAID = "paid"
    DRAFT = "draft"
    VOID = "void"
    ALL = "all"


_SELECTS: dict[InvoiceState, Callable[[Standing], bool]] = {
    InvoiceState.OVERDUE: lambda invoice: invoice.overdue,
    InvoiceState.DUE: lambda invoice: invoice.truly_due,
    InvoiceState.HELD: lambda invoice: invoice.overdue and invoice.covered,
    InvoiceState.REMINDED: lambda invoice: invoice.overdue and invoice.all_sent,
}


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """One line of the list; `standing` is None for what is not open."""

    document_id: str
    number: str
    customer_name: str
    issued_on: date
    due_on: date
    total: Money
    open_amount: Money
    status: DocumentStatus
    standing: Standing | None


@dataclass(frozen=True, slots=True)
class InvoicePage:
    """One page of PAGE_ROWS lines, counted from 1, of `count` in all; not `is_whole`, there are more."""

    rows: tuple[InvoiceRow, ...]
    count: int
    page: int
    is_whole: bool = True

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.count // PAGE_ROWS))


def invoices(
    db: Connection,
    organisation: Organisation,
    *,
    now: datetime,
    state: InvoiceState = InvoiceState.OPEN,
    hold: HoldCode | None = None,
    text: str = "",
    page: int = 1,
) -> InvoicePage:
    """Return a page of invoices by due date.

    `hold` leaves the overdue ones that it holds; `text` is a part of the number or of the customer's name.
    """
    statement = _filtered(organisation.id, state, text)
    chosen = _chosen(db, organisation, now, state, hold)
    if chosen is None:
        counted = statement.with_only_columns(t.document.c.id).order_by(None).limit(MAX_COUNTED + 1)
        count = db.scalar(select(func.count()).select_from(counted.subquery())) or 0
        is_whole = count <= MAX_COUNTED
        rows = list(db.execute(statement.limit(PAGE_ROWS).offset((page - 1) * PAGE_ROWS)).mappings())
        known = standings(db, organisation, now=now, document_ids=[row["id"] for row in rows]).invoices
    else:
        fits = statement.where(t.document.c.id.in_(chosen.invoices))
        every = list(db.execute(fits).mappings())
        count, rows, known = len(every), every[(page - 1) * PAGE_ROWS :][:PAGE_ROWS], chosen.invoices
        is_whole = chosen.is_whole
    return InvoicePage(tuple(_row(row, known.get(row["id"])) for row in rows), min(count, MAX_COUNTED), page, is_whole)


def _filtered(organisation_id: str, state: InvoiceState, text: str) -> Select[tuple[object, ...]]:
    statement = (
        select(t.document, t.customer.c.name.label("customer_name"))
        .outerjoin(t.customer, t.customer.c.id == t.document.c.customer_id)
        .where(t.document.c.organisation_id == organisation_id, t.document.c.kind == DocumentKind.INVOICE.value)
        .order_by(t.document.c.due_on, t.document.c.id)
    )
    if state is not InvoiceState.ALL:
        status = DocumentStatus.OPEN if state in _SELECTS else DocumentStatus(state.value)
        statement = statement.where(t.document.c.status == status.value)
    return statement.where(_mentions(text)) if text else statement


def _mentions(text: str) -> ColumnElement[bool]:
    return or_(t.document.c.number.icontains(text, autoescape=True), t.customer.c.name.icontains(text, autoescape=True))


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Open invoices that a filter on their standing leaves; not `is_whole`, younger ones were not asked about."""

    invoices: dict[str, Standing]
    is_whole: bool


def _chosen(
    db: Connection, organisation: Organisation, now: datetime, state: InvoiceState, hold: HoldCode | None
) -> _Chosen | None:
    """Return what a filter on the standing leaves of the oldest overdue invoices; None when there is no such filter."""
    if hold is None and state not in _SELECTS:
        return None
    wanted = _SELECTS.get(state, _SELECTS[InvoiceState.OVERDUE])
    document = t.document.c
    overdue = (
        select(document.id)
        .where(
            document.organisation_id == organisation.id,
            document.status == DocumentStatus.OPEN.value,
            document.kind == DocumentKind.INVOICE.value,
            document.due_on <= now.astimezone(organisation.zone).date(),
        )
        .order_by(document.due_on, document.id)
        .limit(MAX_WEIGHED + 1)
    )
    ids = list(db.scalars(overdue))
    found = standings(db, organisation, now=now, document_ids=ids[:MAX_WEIGHED]).invoices.items()
    left = {
        document_id: invoice
        for document_id, invoice in found
        if wanted(invoice) and (hold is None or any(each.code is hold for each in invoice.holds))
    }
    return _Chosen(left, len(ids) <= MAX_WEIGHED)


def _row(row: RowMapping, standing: Standing | None) -> InvoiceRow:
    currency = row["currency"]
    is_open = row["status"] == DocumentStatus.OPEN.value
    return InvoiceRow(
        document_id=row["id"],
        number=row["number"],
        customer_name=row["customer_name"] or "",
        issued_on=row["issued_on"],
        due_on=row["due_on"],
        total=Money(row["total_minor"], currency),
        open_amount=standing.open_amount if standing and is_open else Money(row["balance_minor"], currency),
        status=DocumentStatus(row["status"]),
        standing=standing if is_open else None,
    )


def customer_of(db: Connection, organisation_id: str, document_id: str) -> str | None:
    """Return whose invoice this is, None when the organisation has none of this id."""
    document = t.document.c
    mine = (document.organisation_id == organisation_id) & (document.id == document_id)
    whose: str | None = db.scalar(select(document.customer_id).where(mine, document.kind == DocumentKind.INVOICE.value))
    return whose


def document_exists(db: Connection, organisation_id: str, document_id: str) -> bool:
    """Whether this organisation has a document of this id."""
    statement = select(t.document.c.id).where(
        t.document.c.organisation_id == organisation_id, t.document.c.id == document_id
    )
    return db.scalar(statement) is not None
