"""Money received, and what became of it; problems that wait for a person; statement files taken in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, func, select

from receivables.money import Money
from runtime.operations.payers.question import PROBLEM as QUESTION
from runtime.operations.reminding.in_doubt import REMINDER_IN_DOUBT
from runtime.operations.systems.looked_at import LOOKED_AT
from runtime.store import tables as t
from runtime.store.connections import Organisation

PAGE_ROWS = 50
MAX_PROBLEMS = 500
MAX_STATEMENTS = 50
MAX_CASH_ROWS = 200
SHOWN_MOVEMENTS = 5  # of each payer's cash


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """One receipt; `paid` are the invoices (id, number, amount) it is set against now."""

    receipt_id: str
    received_on: date
    amount: Money
    unapplied: Money
    source: str
    payer_name: str
    remittance: str
    status: str
    state: str
    paid: tuple[tuple[str, str, Money], ...]


@dataclass(frozen=True, slots=True)
class CashRow:
    """Money that a processor keeps for a payer; `customer` is who that is, None where nobody knows.

    `movements` are the newest first: day, the processor's word, signed amount.
    """

    system: str
    payer_name: str
    payer: str
    customer: str | None
    amount: Money
    movements: tuple[tuple[date, str, Money], ...]


@dataclass(frozen=True, slots=True)
class ReceiptPage:
    """One page of PAGE_ROWS receipts, counted from 1, the newest first, of `count` in all."""

    rows: tuple[ReceiptRow, ...]
    count: int
    page: int

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.count // PAGE_ROWS))


@dataclass(frozen=True, slots=True)
class ProblemRow:
    """Something only a person can settle; `document_id` is set when it is about an invoice.

    `is_doubt` is a reminder of which a person says whether it left; `subject` is its id.
    """

    code: str
    subject: str
    text: str
    remedy: str
    found_at: datetime
    document_id: str | None

    @property
    def is_question(self) -> bool:
        """Whether a payer asked, so that a person says here when they have answered."""
        return self.code == QUESTION

    @property
    def is_for_a_look(self) -> bool:
        """Whether nothing settles it but that a person says they have looked."""
        return self.code in LOOKED_AT

    @property
    def is_doubt(self) -> bool:
        """Whether a person can answer it here."""
        return self.code == REMINDER_IN_DOUBT


@dataclass(frozen=True, slots=True)
class StatementRow:
    """A statement file that was taken in."""

    file: str
    account: str
    entries: int
    added: int
    imported_at: datetime


def receipts(
    db: Connection, organisation_id: str, *, states: Collection[str] | None = None, account: str = "", page: int = 1
) -> ReceiptPage:
    """Return a page of receipts: those in one of `states` and of an account, where these are named."""
    mine = t.receipt.c.organisation_id == organisation_id
    if states is not None:
        mine &= t.receipt.c.state.in_(states)
    if account:
        mine &= t.receipt.c.source_account == account
    count = db.scalar(select(func.count()).where(mine)) or 0
    rows = db.execute(
        select(t.receipt)
        .where(mine)
        .order_by(t.receipt.c.received_on.desc(), t.receipt.c.id)
        .limit(PAGE_ROWS)
        .offset((page - 1) * PAGE_ROWS)
    ).all()
    paid = paid_by(db, organisation_id, [row.id for row in rows])
    return ReceiptPage(
        rows=tuple(
            ReceiptRow(
                receipt_id=row.id,
                received_on=row.received_on,
                amount=Money(row.amount_minor, row.currency),
                unapplied=Money(row.unapplied_minor, row.currency),
                source=row.source,
                payer_name=row.payer_name,
                remittance=row.remittance,
                status=row.status,
                state=row.state,
                paid=tuple(paid[row.id]),
            )
            for row in rows
        ),
        count=count,
        page=page,
    )


def held_cash(db: Connection, organisation: Organisation) -> tuple[CashRow, ...]:
    """Return the money that processors keep for payers, the most first in each currency."""
    held = t.held_cash.c
    rows = db.execute(
        select(t.held_cash, t.customer.c.name)
        .outerjoin(
            t.customer, (t.customer.c.id == held.customer_id) & (t.customer.c.organisation_id == organisation.id)
        )
        .where(held.organisation_id == organisation.id, held.amount_minor != 0)
        .order_by(held.currency, held.amount_minor.desc(), held.id)
        .limit(MAX_CASH_ROWS)
    )
    return tuple(
        CashRow(
            system=row.system,
            payer_name=row.payer_name,
            payer=row.external_id,
            customer=row.name,
            amount=Money(row.amount_minor, row.currency),
            movements=tuple(
                (datetime.fromisoformat(at).astimezone(organisation.zone).date(), kind, Money(minor, row.currency))
                for _, kind, minor, at, _ in row.movements[:SHOWN_MOVEMENTS]
            ),
        )
        for row in rows
    )


def receipt_exists(db: Connection, organisation_id: str, receipt_id: str) -> bool:
    """Whether this organisation has a receipt of this id."""
    statement = select(t.receipt.c.id).where(
        t.receipt.c.organisation_id == organisation_id, t.receipt.c.id == receipt_id
    )
    return db.scalar(statement) is not None


def problems(db: Connection, organisation_id: str) -> tuple[ProblemRow, ...]:
    """Return the problems that are not settled, the newest first."""
    rows = db.execute(
        select(t.problem, t.document.c.id.label("document_id"))
        .outerjoin(
            t.document,
            (t.document.c.id == t.problem.c.subject) & (t.document.c.organisation_id == organisation_id),
        )
        .where(t.problem.c.organisation_id == organisation_id, t.problem.c.resolved_at.is_(None))
        .order_by(t.problem.c.found_at.desc(), t.problem.c.id)
        .limit(MAX_PROBLEMS)
    )
    return tuple(ProblemRow(row.code, row.subject, row.text, row.remedy, row.found_at, row.document_id) for row in rows)


def statements(db: Connection, organisation_id: str) -> tuple[StatementRow, ...]:
    """Return the statement files taken in lately, the newest first."""
    rows = db.execute(
        select(t.statement)
        .where(t.statement.c.organisation_id == organisation_id)
        .order_by(t.statement.c.id.desc())
        .limit(MAX_STATEMENTS)
    )
    return tuple(StatementRow(row.file, row.account, row.entries, row.added, row.imported_at) for row in rows)


def paid_by(db: Connection, organisation_id: str, receipt_ids: list[str]) -> dict[str, list[tuple[str, str, Money]]]:
    """Return the invoices (id, number, amount) that each of these receipts is set against now."""
    allocation = t.allocation
    rows = db.execute(
        select(allocation, t.document.c.number)
        .join(t.document, t.document.c.id == allocation.c.document_id)
        .where(
            allocation.c.organisation_id == organisation_id,
            allocation.c.receipt_id.in_(receipt_ids),
            allocation.c.undone_at.is_(None),
        )
        .order_by(allocation.c.id)
    )
    paid: defaultdict[str, list[tuple[str, str, Money]]] = defaultdict(list)
    for row in rows:
        paid[row.receipt_id].append((row.document_id, row.number, Money(row.amount_minor, row.currency)))
    return paid
