"""Everything about one invoice: amounts, holds, payments, reminders, certificates, conflicts and its history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, or_, select

from connectors import registry
from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money
from receivables.promise import still_promised
from reminders.holds import HoldCode
from runtime.operations.matching.settle_question import Question, questions_about
from runtime.operations.payers.dispute_files import DisputeFile, dispute_files
from runtime.operations.reminding.withdraw import SENT, UNDELIVERED
from runtime.operations.views.certificates import CertificateView, certificates
from runtime.operations.views.conflicts import ConflictView, conflicts
from runtime.operations.views.standing import Standing, standings
from runtime.store import connections, journal
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.links import links_of

MAX_PAYMENTS = 200
MAX_REMINDERS = 100
# A customer's word by the hold that it places: what its noting is called here, and its field in the CRM.
_WORDS = (
    (HoldCode.PROMISED.value, "promised", "promised_on"),
    (HoldCode.DISPUTED.value, "disputed", "disputed"),
)


@dataclass(frozen=True, slots=True)
class InvoicePayment:
    """Money set against the invoice; `receipt_id` is None for what the ledger recorded without us."""

    received_on: date
    amount: Money
    source: str
    payer: str
    reference: str
    receipt_id: str | None
    posted_at: datetime | None
    undone_at: datetime | None


@dataclass(frozen=True, slots=True)
class InvoiceReminder:
    """A message that named the invoice, or was to name it."""

    state: str
    level: int
    channel: str
    recipient: str
    subject: str
    amount: Money
    planned_at: datetime
    sent_at: datetime | None
    why: str


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One line of the audit trail."""

    at: datetime
    actor: str
    action: str
    detail: str


@dataclass(frozen=True, slots=True)
class Place:
    """A system that has the invoice, and where people see it there, as far as that is known."""

    system: str
    address: str


@dataclass(frozen=True, slots=True)
class InvoiceView:
    """An invoice and all that is known about it."""

    document_id: str
    number: str
    customer_id: str
    customer_name: str
    status: DocumentStatus
    issued_on: date
    due_on: date
    total: Money
    ledger_balance: Money
    open_amount: Money
    disputed: bool
    dispute_reason: str
    files: tuple[DisputeFile, ...]  # that its customer sent with a dispute
    questions: tuple[Question, ...]  # of a processor: what the bank took back is looked at on the review page
    promised_on: date | None
    still_promised: Money | None  # of a promise of a part: what is still to come
    said_by: Mapping[str, str]  # who placed a hold, by its code; a customer's word is whose who noted it
    read_at: datetime
    places: tuple[Place, ...]
    standing: Standing | None
    payments: tuple[InvoicePayment, ...]
    reminders: tuple[InvoiceReminder, ...]
    certificates: tuple[CertificateView, ...]
    conflicts: tuple[ConflictView, ...]
    history: tuple[HistoryLine, ...]

    @property
    def may_be_sent_again(self) -> bool:
        """Whether its last reminder left and counts as arrived, and something is still open."""
        sent = [each for each in self.reminders if each.state in (SENT, UNDELIVERED) and each.sent_at is not None]
        is_open = self.standing is not None and self.standing.open_amount.minor > 0
        return is_open and bool(sent) and max(sent, key=lambda each: (each.sent_at, each.level)).state == SENT

    @property
    def held_as(self) -> frozenset[str]:
        """The codes of what holds its reminders."""
        return frozenset(hold.code.value for hold in self.standing.holds) if self.standing else frozenset()


def invoice(db: Connection, organisation: Organisation, document_id: str, *, now: datetime) -> InvoiceView | None:
    """Return one invoice of this organisation, None when it has none of this id."""
    row = (
        db.execute(
            select(t.document, t.customer.c.name.label("customer_name"))
            .outerjoin(t.customer, t.customer.c.id == t.document.c.customer_id)
            .where(
                t.document.c.organisation_id == organisation.id,
                t.document.c.id == document_id,
                t.document.c.kind == DocumentKind.INVOICE.value,
            )
        )
        .mappings()
        .first()
    )
    if row is None:
        return None
    is_open = row["status"] == DocumentStatus.OPEN.value
    found = standings(db, organisation, now=now, document_ids=[document_id]).invoices
    balance = Money(row["balance_minor"], row["currency"])
    payments = _payments(db, organisation.id, row)
    subjects = [document_id, *sorted({each.receipt_id for each in payments if each.receipt_id})]
    return InvoiceView(
        document_id=document_id,
        number=row["number"],
        customer_id=row["customer_id"],
        customer_name=row["customer_name"] or "",
        status=DocumentStatus(row["status"]),
        issued_on=row["issued_on"],
        due_on=row["due_on"],
        total=Money(row["total_minor"], row["currency"]),
        ledger_balance=balance,
        open_amount=found[document_id].open_amount if is_open else balance,
        disputed=row["disputed"],
        dispute_reason=row["dispute_reason"] or "",
        files=dispute_files(db, organisation.id, document_id),
        questions=questions_about(db, organisation.id, document_id),
        promised_on=row["promised_on"],
        still_promised=still_promised(
            found[document_id].open_amount if is_open else balance, row["promise_leaves_minor"]
        ),
        said_by=_said_by(db, organisation.id, document_id),
        read_at=row["read_at"],
        places=_places(db, organisation.id, document_id),
        standing=found[document_id] if is_open else None,
        payments=payments,
        reminders=_reminders(db, organisation.id, document_id),
        certificates=certificates(db, organisation.id, document_id),
        conflicts=conflicts(db, organisation.id, local_id=document_id, with_settled=True).rows,
        history=_history(db, organisation.id, subjects),
    )


def _said_by(db: Connection, organisation_id: str, document_id: str) -> dict[str, str]:
    """Return who placed each hold that stands, and who last noted a promise and a dispute, here or in the CRM."""
    hold, event = t.hold.c, t.event.c
    standing = (hold.organisation_id == organisation_id) & (hold.document_id == document_id)
    rows = db.execute(select(hold.code, hold.placed_by).where(standing, hold.released_at.is_(None)))
    found: dict[str, str] = {row.code: row.placed_by for row in rows}
    for code, action, field in _WORDS:
        in_crm = (event.action == "document_changed") & event.detail.contains(f"{field}:")
        noted = (
            select(event.actor)
            .where(
                event.organisation_id == organisation_id,
                event.subject == document_id,
                or_(event.action == action, in_crm),
            )
            .order_by(event.id.desc())
            .limit(1)
        )
        if (actor := db.scalar(noted)) is not None:
            found[code] = actor
    return found


def _places(db: Connection, organisation_id: str, document_id: str) -> tuple[Place, ...]:
    accounts = {each.system: each.account for each in connections.connections(db, organisation_id)}
    found = {}
    for link in links_of(db, organisation_id, [document_id]):
        page, account = registry.declaration(link["system"]).invoice_page, accounts.get(link["system"])
        found[link["system"]] = page(account, link["external_id"]) if page and account else ""
    return tuple(Place(system, address) for system, address in sorted(found.items()))


def _payments(db: Connection, organisation_id: str, document: RowMapping) -> tuple[InvoicePayment, ...]:
    """Our allocations, and what the ledger recorded beside them."""
    allocation, receipt = t.allocation, t.receipt
    ours = db.execute(
        select(allocation, receipt.c.received_on, receipt.c.source, receipt.c.payer_name, receipt.c.remittance)
        .join(receipt, receipt.c.id == allocation.c.receipt_id)
        .where(allocation.c.organisation_id == organisation_id, allocation.c.document_id == document["id"])
        .order_by(allocation.c.created_at, allocation.c.id)
        .limit(MAX_PAYMENTS)
    ).all()
    found = [
        InvoicePayment(
            received_on=row.received_on,
            amount=Money(row.amount_minor, row.currency),
            source=row.source,
            payer=row.payer_name,
            reference=row.remittance,
            receipt_id=row.receipt_id,
            posted_at=row.posted_at,
            undone_at=row.undone_at,
        )
        for row in ours
    ]
    own = {each.receipt_id for each in found}
    recorded = db.execute(
        select(t.ledger_payment).where(
            t.ledger_payment.c.organisation_id == organisation_id,
            or_(t.ledger_payment.c.customer_id == document["customer_id"], t.ledger_payment.c.customer_id.is_(None)),
            t.ledger_payment.c.deleted.is_(False),
        )
    )
    for row in recorded:
        minor = sum(line[1] for line in row.lines if line[0] == document["id"])
        if minor and row.receipt_id not in own:
            amount = Money(minor, row.currency)
            found.append(InvoicePayment(row.received_on, amount, "ledger", "", row.reference, None, row.read_at, None))
    return tuple(sorted(found, key=lambda each: each.received_on))[:MAX_PAYMENTS]


def _reminders(db: Connection, organisation_id: str, document_id: str) -> tuple[InvoiceReminder, ...]:
    rows = db.execute(
        select(
            t.reminder,
            t.reminder_item.c.state.label("item_state"),
            t.reminder_item.c.level.label("item_level"),
            t.reminder_item.c.amount_minor,
            t.reminder_item.c.currency,
        )
        .join(t.reminder_item, t.reminder_item.c.reminder_id == t.reminder.c.id)
        .where(t.reminder_item.c.organisation_id == organisation_id, t.reminder_item.c.document_id == document_id)
        .order_by(t.reminder.c.planned_at.desc(), t.reminder.c.id)
        .limit(MAX_REMINDERS)
    )
    return tuple(
        InvoiceReminder(
            state=row.item_state,
            level=row.item_level,
            channel=row.channel,
            recipient=row.recipient,
            subject=row.subject,
            amount=Money(row.amount_minor, row.currency),
            planned_at=row.planned_at,
            sent_at=row.sent_at,
            why=row.why,
        )
        for row in rows
    )


def _history(db: Connection, organisation_id: str, subjects: list[str]) -> tuple[HistoryLine, ...]:
    lines: list[Any] = journal.history(db, organisation_id, subjects)
    return tuple(HistoryLine(line["at"], line["actor"], line["action"], line["detail"]) for line in lines)
