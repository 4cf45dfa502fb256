"""What happens while the demo runs: people edit records, payers pay, a debit fails, a bank takes money back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from sandbox.world.books import Books
from sandbox.world.cases import new_email
from sandbox.world.model import Charge, Clock, Organisation, TrueInvoice, TrueReceipt
from sandbox.world.takings import NIL, TODAY

PROMISED_ON = date(2026, 11, 27)
LATER = TODAY + timedelta(days=21)


@dataclass
class LiveStep:
    """One thing that somebody outside the product does, once.

    `stage` says when it belongs: `before` or `after` the reminders go out.
    """

    name: str
    organisation: str
    invoice: str
    stage: str
    description: str
    _happen: Callable[[], None] = field(repr=False)
    fired: bool = False

    def fire(self) -> None:
        """Let it happen; RuntimeError when it already has."""
        if self.fired:
            raise RuntimeError(f"{self.organisation} {self.name} {self.invoice} happened already")
        self._happen()
        self.fired = True


class LivePayment(LiveStep):
    """Something that happens at the payment processor."""


class LiveEdit(LiveStep):
    """Something that a person does in the CRM or the ledger."""


def edits(organisation: Organisation, books: Books) -> Iterator[LiveEdit]:
    """Yield the edits of one organisation, to be fired once the product has written its records to the CRM."""

    def edit(case: str, description: str, happen: Callable[[TrueInvoice], None]) -> LiveEdit:
        (invoice,) = organisation.by_role(f"case:{case}")
        return LiveEdit(case, organisation.key, invoice.number, "before", description, lambda: happen(invoice))

    def dispute(invoice: TrueInvoice) -> None:
        books.crm.edit_invoice(invoice, Disputed__c=True, Dispute_Reason__c="Two boxes arrived damaged")
        invoice.change(held="disputed")

    def promise(invoice: TrueInvoice) -> None:
        books.crm.edit_invoice(invoice, Promised_On__c=PROMISED_ON.isoformat())
        invoice.change(held="promised")

    def extend_in_crm(invoice: TrueInvoice) -> None:
        books.crm.edit_invoice(invoice, Due_Date__c=LATER.isoformat())
        invoice.change(due_on=LATER)

    def correct_email(invoice: TrueInvoice) -> None:
        customer = organisation.customer_of(invoice)
        books.crm.edit_email(customer, new_email(customer))
        customer.change_email(new_email(customer))

    def extend_in_ledger(invoice: TrueInvoice) -> None:
        books.ledger.move_due_date(invoice, LATER)
        invoice.change(due_on=LATER)

    yield edit("open_dispute", "sales notes a dispute in the CRM", dispute)
    yield edit("promise", "sales notes a promised date in the CRM", promise)
    yield edit("crm_due_date", "sales extends a due date in the CRM", extend_in_crm)
    yield edit("crm_contact_email", "sales corrects an e-mail address in the CRM", correct_email)
    yield edit("ledger_due_date", "the accountant extends a due date in the ledger", extend_in_ledger)


def payments(organisation: Organisation, books: Books, clock: Clock) -> Iterator[LivePayment]:
    """Yield what happens at the processor: card payments, a late failure, a refund, a chargeback."""
    cards = [charge for charge in organisation.charges if charge.state == "live"]
    pay = _pay(organisation, books, clock)

    def payment(name: str, text: str, charge: Charge, happen: Callable[[Charge], None], *, stage: str) -> LivePayment:
        return LivePayment(name, organisation.key, charge.invoice, stage, text, lambda: happen(charge))

    for index, charge in enumerate(cards):
        twice = organisation.invoices[charge.invoice].role == "case:paid_twice"
        name, text = (
            ("paid_twice", "a customer who has paid by bank pays again by card")
            if twice
            else ("card", "a customer pays by card")
        )
        yield payment(name, text, charge, pay, stage="before" if index % 2 == 0 else "after")
    earlier = {organisation.invoices[c.invoice].role: c for c in organisation.charges if c.state != "live"}
    for name, text, happen, stage in (
        ("ach_fails_late", "a bank debit fails after three days", _fail(organisation, books), "after"),
        ("refund", "the card payment is refunded", _refund(organisation, books), "before"),
        ("chargeback", "the card's bank charges the payment back", _charge_back(organisation, books), "before"),
    ):
        yield payment(name, text, earlier[f"case:{name}"], happen, stage=stage)


def _refund(organisation: Organisation, books: Books) -> Callable[[Charge], None]:
    return _take_back(organisation, books.processor.refund, "refund_review")


def _charge_back(organisation: Organisation, books: Books) -> Callable[[Charge], None]:
    return _take_back(organisation, books.processor.charge_back, "chargeback_open")


def _pay(organisation: Organisation, books: Books, clock: Clock) -> Callable[[Charge], None]:
    def happen(charge: Charge) -> None:
        books.processor.pay(charge, organisation.customers[charge.customer])
        invoice = organisation.invoices[charge.invoice]
        used = min(charge.amount, invoice.true_open)
        organisation.receipts.append(
            TrueReceipt(
                key=f"{organisation.key}:{charge.key}",
                organisation=organisation.key,
                channel="stripe",
                received_on=clock().date(),
                currency=charge.currency,
                amount=charge.amount - charge.fee,
                payer=charge.customer,
                allocations=((invoice.number, used),) if used else (),
                fee=charge.fee,
                unapplied=charge.amount - used,
            )
        )
        invoice.change(open=invoice.true_open - used, covered="paid_by_stripe")

    return happen


def _fail(organisation: Organisation, books: Books) -> Callable[[Charge], None]:
    def happen(charge: Charge) -> None:
        books.processor.fail(charge)
        organisation.invoices[charge.invoice].change(held=None)

    return happen


def _take_back(organisation: Organisation, act: Callable[[Charge], object], hold: str) -> Callable[[Charge], None]:
    def happen(charge: Charge) -> None:
        act(charge)
        invoice = organisation.invoices[charge.invoice]
        receipt = next(r for r in organisation.receipts if r.key == f"{organisation.key}:{charge.key}")
        receipt.allocations, receipt.refunded = (), charge.amount
        receipt.unapplied = NIL
        invoice.change(open=charge.amount, covered=None, held=hold)

    return happen
