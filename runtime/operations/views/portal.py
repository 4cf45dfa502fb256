"""What a payer sees of their own account."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, select

from receivables.allocation import Decision
from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money, total
from receivables.promise import still_promised
from receivables.receipt import ReceiptStatus
from reminders.autopay import PaymentState
from reminders.evidence import Channel
from reminders.holds import HoldCode
from runtime.operations.matching.open_items import OpenDocument, open_documents
from runtime.operations.payers.checkouts import begun
from runtime.operations.payers.pay_by_card import MAX_INVOICES, may_pay_by_card
from runtime.operations.payers.pay_by_transfer import transfers_in
from runtime.operations.reaching.opt_outs import EVERY, is_stopped, opt_outs
from runtime.operations.reminding.facts import known_credit
from runtime.operations.reminding.on_their_way import OnItsWay, on_their_way
from runtime.operations.systems.absorb.departures import surviving
from runtime.operations.views.autopay import PayersAutopay, payers_autopay
from runtime.operations.views.standing import Standing, standings
from runtime.store import tables as t
from runtime.store.connections import Organisation

MAX_PAYMENTS = 20
PAYMENTS_SHOWN = timedelta(days=120)


@dataclass(frozen=True, slots=True)
class PortalInvoice:
    """An open invoice of the payer; none of which nothing is open but a discount that they were offered.

    `on_its_way`: what of that was paid and has not arrived; `checking`: money arrived that may pay it and is being
    looked at; `still_promised`: what is still to come of a promise of a part; `begun`: the page on which they began to
    pay it; `asked`: a question of theirs about it waits for an answer; `automatic_on`: the day on which autopay takes
    it.
    """

    document_id: str
    number: str
    issued_on: date
    due_on: date
    days_overdue: int
    total: Money
    open_amount: Money
    disputed: bool
    promised_on: date | None
    still_promised: Money | None
    on_its_way: Money
    checking: bool
    begun: str | None = None
    asked: bool = False
    automatic_on: date | None = None

    @property
    def still_open(self) -> Money:
        """What is left to be paid once what is on its way has arrived."""
        return self.open_amount - self.on_its_way

    @property
    def wholly_on_its_way(self) -> bool:
        """Whether a payment on its way leaves nothing to pay."""
        return not self.still_open

    @property
    def partly_on_its_way(self) -> bool:
        """Whether a payment on its way leaves something to pay."""
        return bool(self.on_its_way) and not self.wholly_on_its_way


@dataclass(frozen=True, slots=True)
class PortalPayment:
    """A payment of the payer; `status` is that of a receipt."""

    received_on: date
    amount: Money
    status: str


@dataclass(frozen=True, slots=True)
class PortalBalance:
    """What is open in one currency, what of it is on its way, and what credit stands against it.

    `overdue` leaves out what is on its way.
    """

    opened: Money
    overdue: Money
    on_its_way: Money
    credit: Money

    @property
    def to_pay(self) -> Money:
        """What remains to be paid; never negative."""
        return max(self.opened - self.on_its_way - self.credit, Money.zero(self.opened.currency))


@dataclass(frozen=True, slots=True)
class PortalAccount:
    """The payer's page."""

    customer_id: str
    customer_name: str
    country: str | None
    language: str | None  # that they chose
    opted_out_of: frozenset[str]  # channels, or EVERY
    balances: tuple[PortalBalance, ...]
    invoices: tuple[PortalInvoice, ...]
    on_their_way: tuple[PortalPayment, ...]
    payments: tuple[PortalPayment, ...]
    may_pay_by_card: bool
    transfers_in: Collection[str]  # currencies in which they may pay by transfer to the processor
    autopay: PayersAutopay

    def credit(self, currency: str) -> Money:
        """Return what stands to their credit in a currency."""
        return next((each.credit for each in self.balances if each.opened.currency == currency), Money.zero(currency))

    @property
    def wants_nothing(self) -> bool:
        """Whether they want no messages at all."""
        return EVERY in self.opted_out_of

    @property
    def wants_no_email(self) -> bool:
        """Whether they want no e-mails."""
        return is_stopped({self.customer_id: self.opted_out_of}, self.customer_id, Channel.EMAIL)

    @property
    def chosen_first(self) -> frozenset[str]:
        """What is chosen to be paid before they choose: the oldest that one payment can name, of its currency."""
        waiting = [
            each
            for each in self.invoices
            if not (each.on_its_way or each.checking or each.disputed or each.automatic_on)
        ]
        currency = waiting[0].open_amount.currency if waiting else ""
        fit = [each.document_id for each in waiting if each.open_amount.currency == currency]
        return frozenset(fit[:MAX_INVOICES])

    def invoice(self, document_id: str) -> PortalInvoice | None:
        """Return an open invoice of theirs, None for any other."""
        return next((each for each in self.invoices if each.document_id == document_id), None)


def portal(db: Connection, organisation: Organisation, customer_id: str, *, now: datetime) -> PortalAccount | None:
    """Return the page of one customer of this organisation, None when there is no such customer.

    The link of a customer that was merged into another leads to that one's page.
    """
    customer_id = surviving(db, organisation.id, customer_id)
    customer = db.execute(
        select(t.customer).where(t.customer.c.organisation_id == organisation.id, t.customer.c.id == customer_id)
    ).first()
    if customer is None:
        return None
    documents = open_documents(db, organisation.id, document_ids=_open_ids(db, organisation.id, customer_id))
    ids = [each.document.document_id for each in documents if each.document.kind is DocumentKind.INVOICE]
    standing = standings(db, organisation, now=now, document_ids=ids).invoices
    autopay = payers_autopay(db, organisation, customer_id, now=now)
    began = _begun(db, organisation.id, customer_id, now)
    announced = {each.document_id: each.day for each in autopay.coming if each.state is PaymentState.ANNOUNCED}
    opened = {each.document.document_id: each.open_amount for each in documents}
    coming = on_their_way(db, organisation, opened, now=now)
    invoices = _invoices(db, organisation.id, documents, standing, coming=coming, began=began, announced=announced)
    payments = _payments(db, organisation, customer_id, now)
    credit = known_credit(db, organisation.id, [customer_id])
    return PortalAccount(
        customer_id=customer_id,
        customer_name=customer.name,
        country=customer.country,
        language=customer.language,
        opted_out_of=frozenset(opt_outs(db, organisation.id, [customer_id]).get(customer_id, ())),
        balances=_balances(invoices, {code: each for (_, code), each in credit.items()}),
        invoices=invoices,
        on_their_way=_on_their_way(db, organisation.id, ids),
        payments=payments[:MAX_PAYMENTS],
        may_pay_by_card=may_pay_by_card(db, organisation),
        transfers_in=transfers_in(db, organisation),
        autopay=autopay,
    )


def _open_ids(db: Connection, organisation_id: str, customer_id: str) -> list[str]:
    """Return the ids of what is open and was really sent to the customer."""
    statement = select(t.document.c.id).where(
        t.document.c.organisation_id == organisation_id,
        t.document.c.customer_id == customer_id,
        t.document.c.status == DocumentStatus.OPEN.value,
        t.document.c.sent,
    )
    return list(db.scalars(statement))


def _begun(db: Connection, organisation_id: str, customer_id: str, now: datetime) -> dict[str, str]:
    """Return, by invoice, the newest page on which the payer began to pay it and may go on."""
    mine = [each for each in begun(db, organisation_id, now) if each.customer_id == customer_id and each.address]
    return {document_id: str(each.address) for each in reversed(mine) for document_id in each.amounts}


def _invoices(
    db: Connection,
    organisation_id: str,
    documents: Iterable[OpenDocument],
    standing: dict[str, Standing],
    *,
    coming: Mapping[str, OnItsWay],
    began: dict[str, str],
    announced: dict[str, date],
) -> tuple[PortalInvoice, ...]:
    said = {
        row.id: row
        for row in db.execute(
            select(
                t.document.c.id, t.document.c.disputed, t.document.c.promised_on, t.document.c.promise_leaves_minor
            ).where(t.document.c.organisation_id == organisation_id, t.document.c.id.in_(list(standing)))
        )
    }

    def begun_of(each: OpenDocument) -> Money:
        way = coming.get(each.document.document_id)
        return way.amount if way else Money.zero(each.open_amount.currency)

    return tuple(
        PortalInvoice(
            document_id=each.document.document_id,
            number=each.document.number,
            issued_on=each.document.issued_on,
            due_on=each.document.due_on,
            days_overdue=place.days_overdue,
            total=each.document.total,
            open_amount=each.open_amount,
            disputed=said[each.document.document_id].disputed,
            promised_on=said[each.document.document_id].promised_on,
            still_promised=still_promised(
                each.open_amount - begun_of(each), said[each.document.document_id].promise_leaves_minor
            ),
            on_its_way=begun_of(each),
            checking=any(hold.code is HoldCode.PROBABLY_PAID for hold in place.holds),
            begun=began.get(each.document.document_id),
            asked=any(hold.code is HoldCode.REPLY_UNREAD for hold in place.holds),
            automatic_on=announced.get(each.document.document_id),
        )
        for each in documents
        if (place := standing.get(each.document.document_id)) is not None
        and each.open_amount
        and not any(hold.code is HoldCode.DISCOUNT for hold in place.holds)
    )


def _balances(invoices: Iterable[PortalInvoice], credit: Mapping[str, Money]) -> tuple[PortalBalance, ...]:
    opened: defaultdict[str, list[Money]] = defaultdict(list)
    overdue: defaultdict[str, list[Money]] = defaultdict(list)
    on_its_way: defaultdict[str, list[Money]] = defaultdict(list)
    for invoice in invoices:
        opened[invoice.open_amount.currency].append(invoice.open_amount)
        on_its_way[invoice.open_amount.currency].append(invoice.on_its_way)
        if invoice.days_overdue > 0:
            overdue[invoice.open_amount.currency].append(invoice.still_open)
    return tuple(
        PortalBalance(
            total(opened[code], code),
            total(overdue[code], code),
            total(on_its_way[code], code),
            credit.get(code, Money.zero(code)),
        )
        for code in sorted({*opened, *credit})
    )


def _payments(db: Connection, organisation: Organisation, customer_id: str, now: datetime) -> tuple[PortalPayment, ...]:
    """Payments known to be this customer's: applied or recorded for them, never only guessed."""
    since = (now - PAYMENTS_SHOWN).date()
    receipt = t.receipt
    ours = db.execute(
        select(receipt)
        .where(
            receipt.c.organisation_id == organisation.id,
            receipt.c.customer_id == customer_id,
            receipt.c.received_on >= since,
            receipt.c.state.in_(("applied", "recorded")),
        )
        .order_by(receipt.c.received_on.desc(), receipt.c.id)
        .limit(MAX_PAYMENTS)
    ).all()
    own = {row.id for row in ours}
    recorded = db.execute(
        select(t.ledger_payment)
        .where(
            t.ledger_payment.c.organisation_id == organisation.id,
            t.ledger_payment.c.customer_id == customer_id,
            t.ledger_payment.c.deleted.is_(False),
            t.ledger_payment.c.received_on >= since,
        )
        .order_by(t.ledger_payment.c.received_on.desc(), t.ledger_payment.c.id)
        .limit(MAX_PAYMENTS)
    )
    payments = [PortalPayment(row.received_on, Money(row.amount_minor, row.currency), row.status) for row in ours]
    payments += [
        PortalPayment(row.received_on, Money(row.amount_minor, row.currency), "received")
        for row in recorded
        if row.receipt_id not in own
    ]
    return tuple(sorted(payments, key=lambda each: each.received_on, reverse=True))


def _on_their_way(db: Connection, organisation_id: str, document_ids: list[str]) -> tuple[PortalPayment, ...]:
    """Payments begun for exactly these invoices, by proof; one that is only guessed could be somebody else's."""
    rows = db.execute(
        select(t.receipt, t.proposal.c.plausible)
        .join(t.proposal, t.proposal.c.receipt_id == t.receipt.c.id)
        .where(
            t.receipt.c.organisation_id == organisation_id,
            t.receipt.c.status == ReceiptStatus.IN_FLIGHT.value,
            t.proposal.c.organisation_id == organisation_id,
            t.proposal.c.state == "in_flight",
            t.proposal.c.decision == Decision.APPLY.value,
        )
        .order_by(t.receipt.c.received_on, t.receipt.c.id)
    )
    mine = set(document_ids)
    return tuple(
        PortalPayment(row.received_on, Money(row.amount_minor, row.currency), row.status)
        for row in rows
        if row.plausible and mine.issuperset(row.plausible)
    )
