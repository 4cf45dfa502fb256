"""The situations every receivables product meets, planned once for each organisation.

Each function takes the invoices drawn for its case, lets the money arrive, states the truth, and says what the books
and mails must show in the end. The facts of `expected` are measured by `sandbox.world.checks`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.world.bank import Teller, account_of, payer_name, reference_to
from sandbox.world.company import Profile
from sandbox.world.model import (
    DEMO_START,
    Case,
    Charge,
    Credit,
    Customer,
    Line,
    Organisation,
    TrueInvoice,
    TrueReceipt,
)
from sandbox.world.trade import CENT

NIL = Decimal("0.00")
BANK_FEE = Decimal("15.00")
TODAY = DEMO_START.date()


def text(amount: Decimal) -> str:
    """An amount as the expected facts state it."""
    return str(amount.quantize(CENT))


def paid_once(*invoices: TrueInvoice, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - facts of any kind
    """Expect these invoices paid exactly once in the ledger, settled in the CRM, and not reminded."""
    return {
        "ledger_payments": {i.number: [text(i.total)] for i in invoices},
        "ledger_balance": {i.number: text(NIL) for i in invoices},
        "crm_balance": {i.number: text(NIL) for i in invoices},
        "reminded": {i.number: False for i in invoices},
        **more,
    }


class Cases:
    """Plans the cases of one organisation."""

    def __init__(self, profile: Profile, organisation: Organisation, teller: Teller, rng: random.Random) -> None:
        self.profile = profile
        self.organisation = organisation
        self.teller = teller
        self.rng = rng

    def run(self) -> None:
        """Plan every case once."""
        for name, (plan, description) in PLANS.items():
            invoices = self.organisation.by_role(f"case:{name}")
            expected = plan(self, invoices)
            self.organisation.cases.append(Case(name, self.organisation.key, description, expected))

    def ordinary_receipts(self) -> None:
        """Let the bank role's invoices be paid exactly, with good or lightly damaged references."""
        for invoice in self.organisation.by_role("bank"):
            self.bank(self.customer(invoice), [invoice], reference_to(invoice, self.rng))

    def customer(self, invoice: TrueInvoice) -> Customer:
        """The customer of an invoice."""
        return self.organisation.customer_of(invoice)

    def bank(
        self,
        customer: Customer,
        invoices: Sequence[TrueInvoice],
        remittance: str,
        *,
        amount: Decimal | None = None,
        fee: Decimal = NIL,
        payer: str | None = None,
        day: int | None = None,
    ) -> Line:
        """Money from `customer` reaches the bank account and pays `invoices` in order; the rest stays unapplied.

        `amount` is what arrived (default: what the invoices come to, less the fee); `day` counts the statement's days.
        """
        owed = sum((i.true_open for i in invoices), NIL)
        arrived = owed - fee if amount is None else amount
        line = self.teller.book(
            payer=payer or payer_name(customer, self.rng),
            account=account_of(customer, self.profile.currency) if payer is None else "",
            amount=arrived,
            remittance=remittance,
            on=None if day is None else self.profile.bank_days[day],
            gross=arrived + fee if fee else None,
            fee=fee or None,
        )
        self.receipt(
            line.reference, "bank", customer, invoices, amount=arrived, fee=fee, days_ago=(TODAY - line.booked_on).days
        )
        return line

    def receipt(
        self,
        key: str,
        channel: str,
        customer: Customer,
        invoices: Sequence[TrueInvoice],
        *,
        amount: Decimal,
        fee: Decimal = NIL,
        days_ago: int = 0,
    ) -> TrueReceipt:
        """Record the truth about money that arrived."""
        rest, allocations = amount + fee, []
        for invoice in invoices:
            part = min(rest, invoice.true_open)
            rest -= part
            if part:
                allocations.append((invoice.number, part))
                left = invoice.true_open - part
                invoice.change(open=left, covered=None if left else f"paid_by_{channel}")
        receipt = TrueReceipt(
            key=f"{self.organisation.key}:{key}",
            organisation=self.organisation.key,
            channel=channel,
            received_on=TODAY - timedelta(days=days_ago),
            currency=customer.currency,
            amount=amount,
            payer=customer.key,
            allocations=tuple(allocations),
            fee=fee,
            unapplied=rest,
        )
        self.organisation.receipts.append(receipt)
        return receipt

    def charge(self, invoice: TrueInvoice, *, method: str, state: str, days_ago: int) -> Charge:
        """Plan a payment through the processor for the invoice's whole amount."""
        charge = Charge(
            key=f"charge:{len(self.organisation.charges) + 1}",
            invoice=invoice.number,
            customer=invoice.customer,
            currency=invoice.currency,
            amount=invoice.total,
            method=method,
            state=state,
            created_at=DEMO_START - timedelta(days=days_ago, hours=2, minutes=len(self.organisation.charges)),
            fee=card_fee(invoice.total) if method == "card" else Decimal("0.80"),
        )
        self.organisation.charges.append(charge)
        return charge


def card_fee(amount: Decimal) -> Decimal:
    """What the processor keeps of a card payment: 1.5 % and 25 minor units."""
    return (amount * Decimal("0.015")).quantize(CENT, ROUND_HALF_UP) + Decimal("0.25")


def _exact(cases: Cases, invoices: list[TrueInvoice]) -> dict[str, Any]:
    (invoice,) = invoices
    cases.bank(cases.customer(invoice), [invoice], f"INVOICE {invoice.number}")
    return paid_once(invoice)


def _five(cases: Cases, invoices: list[TrueInvoice]) -> dict[str, Any]:
    digits = [i.number.rpartition("-")[2] for i in invoices]
    cases.bank(cases.customer(invoices[0]), invoices, f"INVOICES {invoices[0].number} {' '.join(digits[1:])}")
    return paid_once(*invoices)


def _partial(cases: Cases, invoices: list[TrueInvoice]) -> dict[str, Any]:
    (invoice,) = invoices
    part = (invoice.total * Decimal("0.6")).quantize(CENT)
    cases.bank(cases.customer(invoice), [invoice], f"PART PAYMENT {invoice.number}", amount=part)
    rest = text(invoice.total - part)
    return {
        "ledger_payments": {invoice.number: [text(part)]},
        "ledger_balance": {invoice.number: rest},
        "crm_balance": {invoice.number: rest},
        "reminded": {invoice.number: True},
    }


def _overpayment(cases: Cases, invoices: list[TrueInvoice]) -> dict[str, Any]:
    (invoice,) = invoices
    extra = Decimal("100.00")
    customer = cases.customer(invoice)
    cases.bank(customer, [invoice], f"{invoice.number} THANK YOU", amount=invoice.total + extra)
    return paid_once(invoice, unapplied={customer.name: text(extra)})


def _net_of_fee(cases: Cases, invoices: list[TrueInvoice]) -> dict[str, Any]:
    (invoice,) = invoices
    cases.bank(cases.customer(invoice), [invoice], f"{invoice.number} LESS BANK CHARGES", fee=BANK_FEE)
    return {
        "ledger_balance": {invoice.number: text(NIL)},
        "crm_balance": {invoice.number: text(NIL)},
        "reminded": {invoice.number: False},
        "fee_postings": {text(BANK_FEE): 1},
    }


def _parent(cases: Cases, invoices: list[TrueInvoice]) -> dict[str, Any]:
    (invoice,) = invoices
    parent = cases.organisation.customers[cases.customer(invoice).parent or ""]
    cases.bank(parent, [invoice], f"GROUP PMT {invoice.number}")
    return paid_once(invoice)


def _identical(cases: Cases, invoices: list[TrueInvoice]) -> dict[str, Any]:
    customer = cases.customer(invoices[0])
    payer = payer_name(customer, cases.rng)
    for invoice in invoices:
        line = cases.teller.book(
            payer=payer,
            account=account_of(customer, cases.profile.currency),
            amount=invoice.total,
            remittance="MONTHLY INVOICE PAYMENT",
            on=cases.profile.bank_days[3],
        )
        cases.receipt(line.reference, "bank", customer, [invoice], amount=invoice.total, days_ago=4)
    return paid_once(*invoices)


def _wrong_reference(cases: Cases, invoices: list[TrueInvoice]) -> dict[str, Any]:
    (invoice,) = invoices
    cases.bank(cases.customer(invoice), [invoice], "REF 77/4410 OCTOBER DELIVERY")
    invoice.change(held="probably_paid")
    return {"reminded": {invoice.number: False}, "settled_or_held": {invoice.number: True}}


def _unknown_payer(cases: Cases, invoices: list[TrueInvoice]) -> dict[str, Any]:
    (invoice,) = invoices
    line = cases.teller.book(
        payer="PAYMENT BUREAU 4471", account="", amount=invoice.total, remittance="TRANSFER OWN REF A77C"
    )
    receipt = cases.receipt(line.reference, "bank", cases.customer(invoice), [], amount=invoice.total)
    receipt.payer, receipt.received_on = None, line.booked_on
    invoice.change(held="probably_paid")
    return {
        "reminded": {invoice.number: False},
        "ledger_payments": {invoice.number: []},
        "product_held": {invoice.number: True},
    }


def _credit_note(cases: Cases, invoices: list[TrueInvoice]) -> dict[str, Any]:
    (invoice,) = invoices
    cases.organisation.credits.append(
        Credit(
            number=f"CN-{invoice.number.rpartition('-')[2]}",
            customer=invoice.customer,
            currency=invoice.currency,
            total=invoice.total + Decimal("20.00"),
            issued_on=TODAY - timedelta(days=12),
        )
    )
    invoice.change(covered="credit_available")
    return {"reminded": {invoice.number: False}, "ledger_payments": {invoice.number: []}}


def _in_flight(cases: Cases, invoices: list[TrueInvoice]) -> dict[str, Any]:
    (invoice,) = invoices
    cases.charge(invoice, method=cases.profile.debit_method, state="processing", days_ago=2)
    invoice.change(held="in_flight")
    return {
        "reminded": {invoice.number: False},
        "ledger_payments": {invoice.number: []},
        "product_holds": {invoice.number: {"in_flight": True}},
    }


def _fails_late(cases: Cases, invoices: list[TrueInvoice]) -> dict[str, Any]:
    (invoice,) = invoices
    cases.charge(invoice, method=cases.profile.debit_method, state="processing", days_ago=3)
    invoice.change(held="in_flight")
    return {
        "ledger_payments": {invoice.number: []},
        "ledger_balance": {invoice.number: text(invoice.total)},
        "crm_balance": {invoice.number: text(invoice.total)},
        "product_holds": {invoice.number: {"in_flight": False}},
    }


def _recorded(days_ago: int, hold: str) -> Callable[[Cases, list[TrueInvoice]], dict[str, Any]]:
    def plan(cases: Cases, invoices: list[TrueInvoice]) -> dict[str, Any]:
        (invoice,) = invoices
        charge = cases.charge(invoice, method="card", state="recorded", days_ago=days_ago)
        customer = cases.customer(invoice)
        receipt = cases.receipt(charge.key, "stripe", customer, [], amount=invoice.total - charge.fee, fee=charge.fee)
        receipt.allocations, receipt.unapplied = ((invoice.number, invoice.total),), NIL
        receipt.received_on = charge.created_at.date()
        return {
            "reminded": {invoice.number: False},
            "ledger_payments": {invoice.number: [text(invoice.total)]},
            "product_holds": {invoice.number: {hold: True}},
        }

    return plan


def _payout(cases: Cases, invoices: list[TrueInvoice]) -> dict[str, Any]:
    net, fees = NIL, []
    for invoice in invoices:
        charge = cases.charge(invoice, method="card", state="paid_out", days_ago=6)
        amount = invoice.total - charge.fee
        cases.receipt(
            charge.key, "stripe", cases.customer(invoice), [invoice], amount=amount, fee=charge.fee, days_ago=6
        )
        net += amount
        fees.append(charge.fee)
    cases.teller.book(
        payer="STRIPE PAYMENTS UK LTD" if cases.profile.currency == "GBP" else "STRIPE",
        account="",
        amount=net,
        remittance="STRIPE PAYOUT" if cases.profile.currency == "GBP" else "STRIPE TRANSFER ST-K4Q9Z7",
        on=cases.profile.bank_days[3],
    )
    return paid_once(*invoices, fees_accounted={"+".join(text(fee) for fee in fees): True})


def _live_hold(hold: str) -> Callable[[Cases, list[TrueInvoice]], dict[str, Any]]:
    def plan(_cases: Cases, invoices: list[TrueInvoice]) -> dict[str, Any]:
        (invoice,) = invoices
        return {
            "reminded": {invoice.number: False},
            "ledger_balance": {invoice.number: text(invoice.total)},
            "product_holds": {invoice.number: {hold: True}},
        }

    return plan


def _coded(cases: Cases, invoices: list[TrueInvoice]) -> dict[str, Any]:
    (invoice,) = invoices
    receipt = cases.receipt("income:1", "coded_to_income", cases.customer(invoice), [invoice], amount=invoice.total)
    receipt.received_on = TODAY - timedelta(days=15)
    cases.organisation.income.append(receipt)
    return {"reminded": {invoice.number: False}, "settled_or_held": {invoice.number: True}}


def _paid_twice(cases: Cases, invoices: list[TrueInvoice]) -> dict[str, Any]:
    (invoice,) = invoices
    customer = cases.customer(invoice)
    cases.bank(customer, [invoice], f"INVOICE {invoice.number}", day=1)
    if cases.profile.system == "quickbooks":  # twice by bank; elsewhere the second time is by card, live
        cases.bank(customer, [invoice], f"INVOICE {invoice.number}", amount=invoice.total, day=4)
    else:
        cases.charge(invoice, method="card", state="live", days_ago=0)
    return paid_once(invoice, unapplied_at_most={customer.name: text(invoice.total)})


def _due_date(_cases: Cases, invoices: list[TrueInvoice]) -> dict[str, Any]:
    (invoice,) = invoices
    later = (TODAY + timedelta(days=21)).isoformat()
    return {
        "ledger_due": {invoice.number: later},
        "crm_due": {invoice.number: later},
        "reminded": {invoice.number: False},
    }


def _contact_email(cases: Cases, invoices: list[TrueInvoice]) -> dict[str, Any]:
    (invoice,) = invoices
    customer = cases.customer(invoice)
    return {"ledger_email": {customer.name: new_email(customer)}, "reminded": {invoice.number: True}}


def new_email(customer: Customer) -> str:
    """The address that the CRM user learns during the demo."""
    return f"new.{(customer.email or '').replace('new.', '')}"


PLANS: dict[str, tuple[Callable[[Cases, list[TrueInvoice]], dict[str, Any]], str]] = {
    "exact_payment": (_exact, "one payment, the invoice's number and exact amount"),
    "five_invoices": (_five, "one payment for five invoices, all named"),
    "partial": (_partial, "60 % of an overdue invoice; the rest is truly due"),
    "overpayment": (_overpayment, "100.00 more than the invoice; the rest is the customer's"),
    "net_of_fee": (_net_of_fee, "a bank on the way kept 15.00"),
    "parent_pays_child": (_parent, "the parent company pays its subsidiary's invoice"),
    "identical_twice": (_identical, "two equal payments on one day for two equal invoices"),
    "wrong_reference": (_wrong_reference, "payer and amount fit an open invoice, the reference names nothing"),
    "unknown_payer": (_unknown_payer, "nobody knows the payer; the amount equals an open invoice"),
    "credit_note": (_credit_note, "an unapplied credit note is larger than the overdue invoice"),
    "ach_in_flight": (_in_flight, "a bank debit has been processing for two days"),
    "ach_fails_late": (_fails_late, "a bank debit fails after three days; the invoice is due again"),
    "refund": (_recorded(20, "refund_review"), "a card payment already in the ledger is refunded"),
    "chargeback": (_recorded(40, "chargeback_open"), "a card payment already in the ledger is charged back"),
    "payout_with_fees": (_payout, "one bank line is six card payments less the processor's fees"),
    "open_dispute": (_live_hold("disputed"), "the customer contests the invoice; sales notes it in the CRM"),
    "promise": (_live_hold("promised"), "the customer promised a date; sales notes it in the CRM"),
    "coded_to_income": (_coded, "the accountant booked the receipt straight to revenue"),
    "paid_twice": (_paid_twice, "the same invoice is paid a second time"),
    "crm_due_date": (_due_date, "sales extends a due date in the CRM"),
    "crm_contact_email": (_contact_email, "sales corrects the contact's e-mail in the CRM"),
    "ledger_due_date": (_due_date, "the accountant extends a due date in the ledger"),
}
