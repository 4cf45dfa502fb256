"""The organisation's Xero."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.world.model import Customer, Organisation, TrueInvoice

if TYPE_CHECKING:
    from sandbox.xero import XeroBooks

BANK, BANK_FEES, SALES, CLEARING = "090", "404", "200", "835"
_NIL = Decimal("0.00")
_ACCOUNTS: tuple[dict[str, Any], ...] = (
    {"code": BANK, "name": "Business Current", "type": "BANK", "currency": "GBP"},
    {"code": "091", "name": "Business Euro", "type": "BANK", "currency": "EUR"},
    {"code": "092", "name": "Business Dollar", "type": "BANK", "currency": "USD"},
    {"code": CLEARING, "name": "Stripe Clearing", "type": "BANK", "currency": "GBP"},
    {"code": SALES, "name": "Sales", "type": "REVENUE"},
    {"code": BANK_FEES, "name": "Bank Fees", "type": "EXPENSE", "enable_payments": True},
    {"code": "610", "name": "Accounts Receivable", "type": "CURRENT"},
)
_ORGANISATION: dict[str, Any] = {
    "LegalName": "Harbour & Pine Ltd", "CountryCode": "GB", "Version": "UK", "PaysTax": True,
    "TaxNumber": "GB 999 9999 73", "RegistrationNumber": "00000000",
    "Addresses": [
        {"AddressType": "POBOX", "AddressLine1": "1 Quay Street", "City": "Bristol", "Region": "",
         "PostalCode": "BS1 0ZZ", "Country": "United Kingdom"},
    ],
}  # fmt: skip
BANK_OF = {"GBP": BANK, "EUR": "091", "USD": "092"}


class XeroLedger:
    """The truth of one organisation, written into Xero's books and measured there."""

    def __init__(self, books: XeroBooks) -> None:
        self.books = books

    def seed(self, organisation: Organisation) -> None:
        """Write accounts, contacts, invoices, credit notes and what was recorded as paid."""
        self.books.told = dict(_ORGANISATION)
        self.books.tax_rates["ZERORATEDOUTPUT"] = _NIL
        for account in _ACCOUNTS:
            self.books.add_account(**account)
        for customer in organisation.customers.values():
            customer.ledger_id = self.books.add_contact(
                name=customer.name, email=customer.email, number=customer.number, country=customer.country
            )
        for invoice in organisation.invoices.values():
            self._invoice(organisation, invoice)
        self._payments(organisation)
        for credit in organisation.credits:
            credit.ledger_id = self.books.add_credit_note(
                contact_id=organisation.customers[credit.customer].ledger_id,
                number=credit.number,
                total=credit.total,
                currency=credit.currency,
                issued_on=credit.issued_on,
            )
        for receipt in organisation.income:
            customer = organisation.customers[receipt.payer or ""]
            self.books.add_receive_money(
                account_code=BANK,
                line_account_code=SALES,
                amount=receipt.amount,
                currency=receipt.currency,
                received_on=receipt.received_on,
                contact_id=customer.ledger_id,
                reference=f"{customer.name} receipt",
            )

    def move_due_date(self, invoice: TrueInvoice, on: date) -> None:
        """Change a due date as the accountant."""
        self.books.edit_invoice(invoice.ledger_id, DueDate=on)

    def balance(self, invoice: TrueInvoice) -> Decimal:
        """What Xero shows as due."""
        return Decimal(self.books.invoices[invoice.ledger_id]["AmountDue"])

    def payments(self, invoice: TrueInvoice) -> list[Decimal]:
        """Payments, and allocations of overpayments and prepayments."""
        paid = [
            Decimal(payment["Amount"])
            for payment in self.books.payments.values()
            if payment["Status"] != "DELETED" and payment.get("Invoice", {}).get("InvoiceID") == invoice.ledger_id
        ]
        allocated = [
            Decimal(allocation["Amount"])
            for credit in self._cash_credits()
            for allocation in credit["Allocations"]
            if allocation["Invoice"]["InvoiceID"] == invoice.ledger_id
        ]
        return sorted(paid + allocated)

    def due_on(self, invoice: TrueInvoice) -> date:
        """The due date in Xero."""
        due: date = self.books.invoices[invoice.ledger_id]["DueDate"]
        return due

    def email(self, customer: Customer) -> str:
        """The contact's address."""
        return str(self.books.contacts[customer.ledger_id].get("EmailAddress") or "")

    def unapplied(self, customer: Customer) -> Decimal:
        """What remains of the contact's overpayments and prepayments."""
        return sum(
            (
                Decimal(credit["RemainingCredit"])
                for credit in self._cash_credits()
                if credit["Contact"]["ContactID"] == customer.ledger_id
            ),
            _NIL,
        )

    def fee_postings(self) -> list[Decimal]:
        """Payments from, and spent money coded to, the bank fees account."""
        paid = [
            Decimal(payment["Amount"])
            for payment in self.books.payments.values()
            if payment["Status"] != "DELETED" and payment["Account"]["Code"] == BANK_FEES
        ]
        spent = [
            Decimal(line["LineAmount"])
            for transaction in self.books.bank_transactions.values()
            if transaction["Type"] == "SPEND" and transaction["Status"] != "DELETED"
            for line in transaction["LineItems"]
            if line["AccountCode"] == BANK_FEES
        ]
        return paid + spent

    def _cash_credits(self) -> list[dict[str, Any]]:
        both = [*self.books.overpayments.values(), *self.books.prepayments.values()]
        return [credit for credit in both if credit["Status"] != "VOIDED"]

    def _invoice(self, organisation: Organisation, invoice: TrueInvoice) -> None:
        invoice.ledger_id = self.books.add_invoice(
            contact_id=organisation.customer_of(invoice).ledger_id,
            number=invoice.number,
            total=invoice.total,
            currency=invoice.currency,
            issued_on=invoice.issued_on,
            due_on=invoice.due_on,
            reference=invoice.reference,
            # The tax of the country is charged on sales at home; abroad goes what is exported.
            tax_type="OUTPUT2" if invoice.currency == organisation.currency else "ZERORATEDOUTPUT",
            status="DRAFT" if invoice.role == "draft" else "AUTHORISED",
            sent=invoice.role != "draft",
        )
        if invoice.role == "void":
            self.books.void_invoice(invoice.ledger_id)

    def _payments(self, organisation: Organisation) -> None:
        for receipt in organisation.receipts:
            if receipt.channel == "ledger":
                for number, amount in receipt.allocations:
                    account = BANK_OF[receipt.currency]
                    paid = self._pay(organisation.invoices[number], amount, receipt.received_on, account)
                    self.books.reconcile(paid)
        for charge in organisation.charges:
            if charge.state == "recorded":
                invoice = organisation.invoices[charge.invoice]
                self._pay(invoice, charge.amount, charge.created_at.date(), CLEARING, charge.payment_intent)

    def _pay(self, invoice: TrueInvoice, amount: Decimal, on: date, account: str, reference: str = "") -> str:
        return self.books.add_payment(
            invoice_id=invoice.ledger_id, amount=amount, paid_on=on, account_code=account, reference=reference
        )
