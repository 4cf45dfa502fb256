"""The situations every receivables product meets, planned once for each organisation.

Each function takes the invoices drawn for its case, lets the money arrive, states the truth, and says what the books
and mails must show in the end. The facts of `expected` are measured by `sandbox.world.checks`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sandbox.world.bank import account_of, payer_name, reference_to
from sandbox.world.model import Case, Credit, Customer, TrueInvoice
from sandbox.world.takings import NIL, TODAY, Takings
from sandbox.world.trade import CENT

BANK_FEE = Decimal("15.00")


def plan_cases(takings: Takings) -> None:
    """Plan every case once."""
    organisation = takings.organisation
    for name, (plan, description) in PLANS.items():
        expected = plan(takings, organisation.by_role(f"case:{name}"))
        organisation.cases.append(Case(name, organisation.key, description, expected))


def plan_ordinary_receipts(takings: Takings) -> None:
    """Let the bank role's invoices be paid exactly, with good or lightly damaged references."""
    for invoice in takings.organisation.by_role("bank"):
        takings.bank(takings.customer(invoice), [invoice], reference_to(invoice, takings.rng))


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


def new_email(customer: Customer) -> str:
    """The address that the CRM user learns during the demo."""
    return f"new.{(customer.email or '').replace('new.', '')}"


def _exact(takings: Takings, invoices: list[TrueInvoice]) -> dict[str, Any]:
    (invoice,) = invoices
    takings.bank(takings.customer(invoice), [invoice], f"INVOICE {invoice.number}")
    return paid_once(invoice)


def _five(takings: Takings, invoices: list[TrueInvoice]) -> dict[str, Any]:
    digits = [i.number.rpartition("-")[2] for i in invoices]
    takings.bank(takings.customer(invoices[0]), invoices, f"INVOICES {invoices[0].number} {' '.join(digits[1:])}")
    return paid_once(*invoices)


def _partial(takings: Takings, invoices: list[TrueInvoice]) -> dict[str, Any]:
    (invoice,) = invoices
    part = (invoice.total * Decimal("0.6")).quantize(CENT)
    takings.bank(takings.customer(invoice), [invoice], f"PART PAYMENT {invoice.number}", amount=part)
    rest = text(invoice.total - part)
    return {
        "ledger_payments": {invoice.number: [text(part)]},
        "ledger_balance": {invoice.number: rest},
        "crm_balance": {invoice.number: rest},
        "reminded": {invoice.number: True},
    }


def _overpayment(takings: Takings, invoices: list[TrueInvoice]) -> dict[str, Any]:
    (invoice,) = invoices
    extra = Decimal("100.00")
    customer = takings.customer(invoice)
    takings.bank(customer, [invoice], f"{invoice.number} THANK YOU", amount=invoice.total + extra)
    return paid_once(invoice, unapplied={customer.name: text(extra)})


def _net_of_fee(takings: Takings, invoices: list[TrueInvoice]) -> dict[str, Any]:
    (invoice,) = invoices
    takings.bank(takings.customer(invoice), [invoice], f"{invoice.number} LESS BANK CHARGES", fee=BANK_FEE)
    return {
        "ledger_balance": {invoice.number: text(NIL)},
        "crm_balance": {invoice.number: text(NIL)},
        "reminded": {invoice.number: False},
        "fee_postings": {text(BANK_FEE): 1},
    }


def _parent(takings: Takings, invoices: list[TrueInvoice]) -> dict[str, Any]:
    (invoice,) = invoices
    parent = takings.organisation.customers[takings.customer(invoice).parent or ""]
    takings.bank(parent, [invoice], f"GROUP PMT {invoice.number}")
    return paid_once(invoice)


def _identical(takings: Takings, invoices: list[TrueInvoice]) -> dict[str, Any]:
    customer = takings.customer(invoices[0])
    payer = payer_name(customer, takings.rng)
    for invoice in invoices:
        line = takings.teller.book(
            payer=payer,
            account=account_of(customer, takings.profile.currency),
            amount=invoice.total,
            remittance="MONTHLY INVOICE PAYMENT",
            on=takings.profile.bank_days[3],
        )
        takings.receipt(line.reference, "bank", customer, [invoice], amount=invoice.total, days_ago=4)
    return paid_once(*invoices)


def _wrong_reference(takings: Takings, invoices: list[TrueInvoice]) -> dict[str, Any]:
    (invoice,) = invoices
    takings.bank(takings.customer(invoice), [invoice], "REF 77/4410 OCTOBER DELIVERY")
    invoice.change(held="probably_paid")
    return {"reminded": {invoice.number: False}, "settled_or_held": {invoice.number: True}}


def _unknown_payer(takings: Takings, invoices: list[TrueInvoice]) -> dict[str, Any]:
    (invoice,) = invoices
    line = takings.teller.book(
        payer="PAYMENT BUREAU 4471", account="", amount=invoice.total, remittance="TRANSFER OWN REF A77C"
    )
    receipt = takings.receipt(line.reference, "bank", takings.customer(invoice), [], amount=invoice.total)
    receipt.payer, receipt.received_on = None, line.booked_on
    invoice.change(held="probably_paid")
    return {
        "reminded": {invoice.number: False},
        "ledger_payments": {invoice.number: []},
        "product_held": {invoice.number: True},
    }


def _credit_note(takings: Takings, invoices: list[TrueInvoice]) -> dict[str, Any]:
    (invoice,) = invoices
    takings.organisation.credits.append(
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


def _in_flight(takings: Takings, invoices: list[TrueInvoice]) -> dict[str, Any]:
    (invoice,) = invoices
    takings.charge(invoice, method=takings.profile.debit_method, state="processing", days_ago=2)
    invoice.change(held="in_flight")
    return {
        "reminded": {invoice.number: False},
        "ledger_payments": {invoice.number: []},
        "product_holds": {invoice.number: {"in_flight": True}},
    }


def _fails_late(takings: Takings, invoices: list[TrueInvoice]) -> dict[str, Any]:
    (invoice,) = invoices
    takings.charge(invoice, method=takings.profile.debit_method, state="processing", days_ago=3)
    invoice.change(held="in_flight")
    return {
        "ledger_payments": {invoice.number: []},
        "ledger_balance": {invoice.number: text(invoice.total)},
        "crm_balance": {invoice.number: text(invoice.total)},
        "product_holds": {invoice.number: {"in_flight": False}},
    }


def _recorded(days_ago: int, hold: str) -> Callable[[Takings, list[TrueInvoice]], dict[str, Any]]:
    def plan(takings: Takings, invoices: list[TrueInvoice]) -> dict[str, Any]:
        (invoice,) = invoices
        charge = takings.charge(invoice, method="card", state="recorded", days_ago=days_ago)
        customer = takings.customer(invoice)
        receipt = takings.receipt(charge.key, "stripe", customer, [], amount=invoice.total - charge.fee, fee=charge.fee)
        receipt.allocations, receipt.unapplied = ((invoice.number, invoice.total),), NIL
        receipt.received_on = charge.created_at.date()
        return {
            "reminded": {invoice.number: False},
            "ledger_payments": {invoice.number: [text(invoice.total)]},
            "product_holds": {invoice.number: {hold: True}},
        }

    return plan


def _payout(takings: Takings, invoices: list[TrueInvoice]) -> dict[str, Any]:
    net, fees = NIL, []
    for invoice in invoices:
        charge = takings.charge(invoice, method="card", state="paid_out", days_ago=6)
        amount = invoice.total - charge.fee
        takings.receipt(
            charge.key, "stripe", takings.customer(invoice), [invoice], amount=amount, fee=charge.fee, days_ago=6
        )
        net += amount
        fees.append(charge.fee)
    takings.teller.book(
        payer="STRIPE PAYMENTS UK LTD" if takings.profile.currency == "GBP" else "STRIPE",
        account="",
        amount=net,
        remittance="STRIPE PAYOUT" if takings.profile.currency == "GBP" else "STRIPE TRANSFER ST-K4Q9Z7",
        on=takings.profile.bank_days[3],
    )
    return paid_once(*invoices, fees_accounted={"+".join(text(fee) for fee in fees): True})


def _live_hold(hold: str) -> Callable[[Takings, list[TrueInvoice]], dict[str, Any]]:
    def plan(_takings: Takings, invoices: list[TrueInvoice]) -> dict[str, Any]:
        (invoice,) = invoices
        return {
            "reminded": {invoice.number: False},
            "ledger_balance": {invoice.number: text(invoice.total)},
            "product_holds": {invoice.number: {hold: True}},
        }

    return plan


def _coded(takings: Takings, invoices: list[TrueInvoice]) -> dict[str, Any]:
    (invoice,) = invoices
    receipt = takings.receipt("income:1", "coded_to_income", takings.customer(invoice), [invoice], amount=invoice.total)
    receipt.received_on = TODAY - timedelta(days=15)
    takings.organisation.income.append(receipt)
    return {"reminded": {invoice.number: False}, "settled_or_held": {invoice.number: True}}


def _paid_twice(takings: Takings, invoices: list[TrueInvoice]) -> dict[str, Any]:
    (invoice,) = invoices
    customer = takings.customer(invoice)
    takings.bank(customer, [invoice], f"INVOICE {invoice.number}", day=1)
    if takings.profile.system == "quickbooks":  # twice by bank; elsewhere the second time is by card, live
        takings.bank(customer, [invoice], f"INVOICE {invoice.number}", amount=invoice.total, day=4)
    else:
        takings.charge(invoice, method="card", state="live", days_ago=0)
    return paid_once(invoice, unapplied_at_most={customer.name: text(invoice.total)})


def _due_date(_takings: Takings, invoices: list[TrueInvoice]) -> dict[str, Any]:
    (invoice,) = invoices
    later = (TODAY + timedelta(days=21)).isoformat()
    return {
        "ledger_due": {invoice.number: later},
        "crm_due": {invoice.number: later},
        "reminded": {invoice.number: False},
    }


def _contact_email(takings: Takings, invoices: list[TrueInvoice]) -> dict[str, Any]:
    (invoice,) = invoices
    customer = takings.customer(invoice)
    return {"ledger_email": {customer.name: new_email(customer)}, "reminded": {invoice.number: True}}


PLANS: dict[str, tuple[Callable[[Takings, list[TrueInvoice]], dict[str, Any]], str]] = {
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
