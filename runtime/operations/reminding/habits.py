"""How customers paid in the last year: how late, and by what risk that shows. For many customers in a few queries."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from statistics import median_low

from sqlalchemy import ColumnElement, Connection, case, func, literal, or_, select

from receivables.decline import DeclineGroup
from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money
from receivables.receipt import ReceiptStatus
from reminders.replies.routing import TaskKind
from reminders.risk import GRACE_DAYS, OLD_DAYS, OpenInvoices, PaidInvoice, Risk, RiskFacts, assess
from runtime.operations.matching.in_question import LOST
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.rows import beside_an_index, chunks

HISTORY = timedelta(days=365)
MIN_PAID = 3  # invoices; fewer say nothing about somebody's habit

Paid = Mapping[str, Sequence[PaidInvoice]]


def paid_lately(db: Connection, organisation_id: str, *, customer_ids: Collection[str], today: date) -> Paid:
    """Return, by customer, the invoices due in the last year that the ledger shows as paid, with how late.

    The day is that of the last payment the ledger recorded on an invoice; early ones count as negative.
    """
    found: defaultdict[str, list[PaidInvoice]] = defaultdict(list)
    for chunk in chunks(sorted(customer_ids)):
        due = _due(db, organisation_id, chunk, today)
        for document_id, on in _paid_on(db, organisation_id, chunk, today).items():
            if document_id in due:
                customer_id, due_on, amount = due[document_id]
                found[customer_id].append(PaidInvoice(amount, (on - due_on).days))
    return found


def usually_late(paid: Paid) -> dict[str, int]:
    """Return, of customers who paid MIN_PAID invoices or more, how many days late: the median."""
    return {
        customer_id: median_low(each.days_late for each in those)
        for customer_id, those in paid.items()
        if len(those) >= MIN_PAID
    }


def risks(
    db: Connection, organisation: Organisation, *, customer_ids: Collection[str], now: datetime, paid: Paid
) -> dict[str, Risk]:
    """Return the risk of each of these customers, by the ledger's balances as last read."""
    today = now.astimezone(organisation.zone).date()
    promises = _broken_promises(db, organisation.id, now)
    found: dict[str, Risk] = {}
    for chunk in chunks(sorted(customer_ids)):
        owed, overdue = _owed(db, organisation.id, chunk, today)
        failed, charged_back = _setbacks(db, organisation.id, chunk, today)
        for customer_id in chunk:
            count, oldest = overdue.get(customer_id, (0, today))
            facts = RiskFacts(
                paid=paid.get(customer_id, ()),
                open=owed[customer_id],
                overdue_count=count,
                overdue_days=(today - oldest).days,
                broken_promises=promises[customer_id],
                failed_payments=failed[customer_id],
                chargebacks=charged_back[customer_id],
            )
            found[customer_id] = assess(facts)
    return found


def _due(
    db: Connection, organisation_id: str, customer_ids: Sequence[str], today: date
) -> dict[str, tuple[str, date, Money]]:
    document = t.document.c
    rows = db.execute(
        select(document.id, document.customer_id, document.due_on, document.total_minor, document.currency).where(
            document.organisation_id == organisation_id,
            document.kind == DocumentKind.INVOICE.value,
            beside_an_index(document.status) == DocumentStatus.PAID.value,
            document.due_on >= today - HISTORY,
            document.customer_id.in_(customer_ids),
        )
    )
    return {row.id: (row.customer_id, row.due_on, Money(row.total_minor, row.currency)) for row in rows}


def _paid_on(db: Connection, organisation_id: str, customer_ids: Sequence[str], today: date) -> dict[str, date]:
    payment = t.ledger_payment.c
    paid_on: dict[str, date] = {}
    for row in db.execute(
        select(payment.lines, payment.received_on).where(
            payment.organisation_id == organisation_id,
            payment.customer_id.in_(customer_ids),
            payment.deleted.is_(False),
            payment.received_on >= today - HISTORY,
        )
    ):
        for document_id, _minor in row.lines:
            paid_on[document_id] = max(row.received_on, paid_on.get(document_id, row.received_on))
    return paid_on


def _owed(
    db: Connection, organisation_id: str, customer_ids: Sequence[str], today: date
) -> tuple[defaultdict[str, list[OpenInvoices]], dict[str, tuple[int, date]]]:
    """What is open and not contested, by customer: the sums of each currency; how many are overdue, the oldest day."""
    document = t.document.c
    owed: defaultdict[str, list[OpenInvoices]] = defaultdict(list)
    overdue: dict[str, tuple[int, date]] = {}

    def late(days: int, what: ColumnElement[int]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((document.due_on < today - timedelta(days=days), what), else_=0)), 0)

    rows = db.execute(
        select(
            document.customer_id,
            document.currency,
            func.count().label("invoices"),
            func.sum(document.balance_minor).label("minor"),
            func.min(document.due_on).label("oldest"),
            late(0, literal(1)).label("late"),
            late(GRACE_DAYS, document.balance_minor).label("overdue"),
            late(OLD_DAYS, document.balance_minor).label("old"),
        )
        .where(
            document.organisation_id == organisation_id,
            document.kind == DocumentKind.INVOICE.value,
            beside_an_index(document.status) == DocumentStatus.OPEN.value,
            document.balance_minor > 0,
            document.disputed.is_(False),
            document.customer_id.in_(customer_ids),
        )
        .group_by(document.customer_id, document.currency)
    )
    for row in rows:
        amounts = (Money(int(minor), row.currency) for minor in (row.minor, row.overdue, row.old))
        owed[row.customer_id].append(OpenInvoices(row.invoices, *amounts))
        before, oldest = overdue.get(row.customer_id, (0, row.oldest))
        overdue[row.customer_id] = (before + int(row.late), min(oldest, row.oldest))
    return owed, overdue


def _broken_promises(db: Connection, organisation_id: str, now: datetime) -> Counter[str]:
    """How often promises and plans of each customer of the organisation came to nothing: few did."""
    task = t.task.c
    rows = db.execute(
        select(task.customer_id, func.count().label("promises"))
        .where(
            task.organisation_id == organisation_id,
            task.kind == TaskKind.BROKEN_PROMISE.value,
            task.customer_id.is_not(None),
            task.opened_at > now - HISTORY,
        )
        .group_by(task.customer_id)
    )
    return Counter({row.customer_id: row.promises for row in rows})


def _setbacks(
    db: Connection, organisation_id: str, customer_ids: Sequence[str], today: date
) -> tuple[Counter[str], Counter[str]]:
    """Payments of each customer that failed or went back, but for what failed at our side; and lost chargebacks."""
    receipt = t.receipt.c
    failed: Counter[str] = Counter()
    charged_back: Counter[str] = Counter()
    came_to_nothing = receipt.status.in_((ReceiptStatus.FAILED.value, ReceiptStatus.REVERSED.value))
    for row in db.execute(
        select(receipt.customer_id, receipt.dispute, receipt.decline).where(
            receipt.organisation_id == organisation_id,
            receipt.customer_id.in_(customer_ids),
            receipt.received_on >= today - HISTORY,
            or_(came_to_nothing, receipt.dispute == LOST),
        )
    ):
        if row.dispute == LOST:
            charged_back[row.customer_id] += 1
        elif (row.decline or {}).get("group") != DeclineGroup.OURS.value:
            failed[row.customer_id] += 1
    return failed, charged_back
