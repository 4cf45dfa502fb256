"""How customers paid in the last year: how late, and by what risk that shows. For many customers in a few queries."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from statistics import median_low
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, bindparam, case, func, literal, or_, select

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
_document, _payment, _receipt, _task = (table.c for table in (t.document, t.ledger_payment, t.receipt, t.task))
_ORGANISATION = bindparam("organisation_id", type_=_document.organisation_id.type)
_CUSTOMERS: BindParameter[str] = bindparam("customer_ids", expanding=True)
# The accounts of the CRM show them after whatever changes, so each is built once.
_DUE = select(_document.id, _document.customer_id, _document.due_on, _document.total_minor, _document.currency).where(
    _document.organisation_id == _ORGANISATION,
    _document.kind == DocumentKind.INVOICE.value,
    beside_an_index(_document.status) == DocumentStatus.PAID.value,
    _document.due_on >= bindparam("since"),
    _document.customer_id.in_(_CUSTOMERS),
)
_PAID = select(_payment.lines, _payment.received_on).where(
    _payment.organisation_id == _ORGANISATION,
    _payment.customer_id.in_(_CUSTOMERS),
    _payment.deleted.is_(False),
    _payment.received_on >= bindparam("since"),
)
_PROMISES = (
    select(_task.customer_id, func.count().label("promises"))
    .where(
        _task.organisation_id == _ORGANISATION,
        _task.kind == TaskKind.BROKEN_PROMISE.value,
        _task.customer_id.is_not(None),
        _task.opened_at > bindparam("since"),
    )
    .group_by(_task.customer_id)
)
_TROUBLE = select(_receipt.customer_id, _receipt.dispute, _receipt.decline).where(
    _receipt.organisation_id == _ORGANISATION,
    _receipt.customer_id.in_(_CUSTOMERS),
    _receipt.received_on >= bindparam("since"),
    or_(_receipt.status.in_((ReceiptStatus.FAILED.value, ReceiptStatus.REVERSED.value)), _receipt.dispute == LOST),
)


def _late(before: str, what: ColumnElement[int]) -> ColumnElement[int]:
    """The sum of what is due before a day that is given."""
    return func.coalesce(func.sum(case((_document.due_on < bindparam(before), what), else_=0)), 0)


_OWED = (
    select(
        _document.customer_id,
        _document.currency,
        func.count().label("invoices"),
        func.sum(_document.balance_minor).label("minor"),
        func.min(_document.due_on).label("oldest"),
        _late("today", literal(1)).label("late"),
        _late("grace", _document.balance_minor).label("overdue"),
        _late("long_ago", _document.balance_minor).label("old"),
    )
    .where(
        _document.organisation_id == _ORGANISATION,
        _document.kind == DocumentKind.INVOICE.value,
        beside_an_index(_document.status) == DocumentStatus.OPEN.value,
        _document.balance_minor > 0,
        _document.disputed.is_(False),
        _document.customer_id.in_(_CUSTOMERS),
    )
    .group_by(_document.customer_id, _document.currency)
)


def paid_lately(db: Connection, organisation_id: str, *, customer_ids: Collection[str], today: date) -> Paid:
    """Return, by customer, the invoices due in the last year that the ledger shows as paid, with how late.

    The day is that of the last payment the ledger recorded on an invoice; early ones count as negative.
    """
    found: defaultdict[str, list[PaidInvoice]] = defaultdict(list)
    for chunk in chunks(sorted(customer_ids)):
        theirs = {"organisation_id": organisation_id, "customer_ids": list(chunk), "since": today - HISTORY}
        due = _due(db, theirs)
        for document_id, on in _paid_on(db, theirs).items() if due else ():
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


def _due(db: Connection, theirs: Mapping[str, Any]) -> dict[str, tuple[str, date, Money]]:
    return {
        row.id: (row.customer_id, row.due_on, Money(row.total_minor, row.currency)) for row in db.execute(_DUE, theirs)
    }


def _paid_on(db: Connection, theirs: Mapping[str, Any]) -> dict[str, date]:
    paid_on: dict[str, date] = {}
    for row in db.execute(_PAID, theirs):
        for document_id, _minor in row.lines:
            paid_on[document_id] = max(row.received_on, paid_on.get(document_id, row.received_on))
    return paid_on


def _owed(
    db: Connection, organisation_id: str, customer_ids: Sequence[str], today: date
) -> tuple[defaultdict[str, list[OpenInvoices]], dict[str, tuple[int, date]]]:
    """What is open and not contested, by customer: the sums of each currency; how many are overdue, the oldest day."""
    owed: defaultdict[str, list[OpenInvoices]] = defaultdict(list)
    overdue: dict[str, tuple[int, date]] = {}
    days = {
        "today": today,
        "grace": today - timedelta(days=GRACE_DAYS),
        "long_ago": today - timedelta(days=OLD_DAYS),
    }
    theirs = {"organisation_id": organisation_id, "customer_ids": list(customer_ids)}
    for row in db.execute(_OWED, theirs | days):
        amounts = (Money(int(minor), row.currency) for minor in (row.minor, row.overdue, row.old))
        owed[row.customer_id].append(OpenInvoices(row.invoices, *amounts))
        before, oldest = overdue.get(row.customer_id, (0, row.oldest))
        overdue[row.customer_id] = (before + int(row.late), min(oldest, row.oldest))
    return owed, overdue


def _broken_promises(db: Connection, organisation_id: str, now: datetime) -> Counter[str]:
    """How often promises and plans of each customer of the organisation came to nothing: few did."""
    rows = db.execute(_PROMISES, {"organisation_id": organisation_id, "since": now - HISTORY})
    return Counter({row.customer_id: row.promises for row in rows})


def _setbacks(
    db: Connection, organisation_id: str, customer_ids: Sequence[str], today: date
) -> tuple[Counter[str], Counter[str]]:
    """Payments of each customer that failed or went back, but for what failed at our side; and lost chargebacks."""
    failed: Counter[str] = Counter()
    charged_back: Counter[str] = Counter()
    theirs = {"organisation_id": organisation_id, "customer_ids": list(customer_ids), "since": today - HISTORY}
    for row in db.execute(_TROUBLE, theirs):
        if row.dispute == LOST:
            charged_back[row.customer_id] += 1
        elif (row.decline or {}).get("group") != DeclineGroup.OURS.value:
            failed[row.customer_id] += 1
    return failed, charged_back
