"""What an accountant does in each ledger, in one vocabulary."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Protocol

from sandbox.world.books import LedgerBooks
from sandbox.world.model import Customer, TrueInvoice
from sandbox.world.quickbooks_books import QuickBooksLedger
from sandbox.world.xero_books import BANK, XeroLedger


class Accountant(LedgerBooks, Protocol):
    """Acts of a person in the ledger. Each raises the stand-in's own refusal where the vendor would refuse."""

    def sell(self, invoice: TrueInvoice, customer: Customer) -> None:
        """Write an invoice and send it; fills its id in."""

    def record_payment(self, invoice: TrueInvoice, amount: Decimal, on: date) -> str:
        """Record money that came to the bank account; the payment's id."""

    def delete_payment(self, payment_id: str) -> None:
        """Remove a payment."""

    def void(self, invoice: TrueInvoice) -> None:
        """Void an invoice on which nothing is paid."""

    def credit(self, invoice: TrueInvoice, customer: Customer, amount: Decimal, number: str, on: date) -> None:
        """Write a credit note; Xero's is set against the invoice, QuickBooks' stays open for the customer."""

    def change_email(self, customer: Customer, email: str) -> None:
        """Correct the customer's address."""

    def lines(self, invoice: TrueInvoice) -> str:
        """What was sold, as text."""


class XeroAccountant(XeroLedger):
    """A person in Xero."""

    def sell(self, invoice: TrueInvoice, customer: Customer) -> None:
        """Write an approved invoice."""
        invoice.ledger_id = self.books.add_invoice(
            contact_id=customer.ledger_id,
            number=invoice.number,
            total=invoice.total,
            currency=invoice.currency,
            issued_on=invoice.issued_on,
            due_on=invoice.due_on,
            reference=invoice.reference,
        )

    def record_payment(self, invoice: TrueInvoice, amount: Decimal, on: date) -> str:
        """Record a payment into the bank account."""
        return self.books.add_payment(invoice_id=invoice.ledger_id, amount=amount, paid_on=on, account_code=BANK)

    def delete_payment(self, payment_id: str) -> None:
        """Remove a payment."""
        self.books.delete_payment(payment_id)

    def void(self, invoice: TrueInvoice) -> None:
        """Void an invoice."""
        self.books.void_invoice(invoice.ledger_id)

    def credit(self, invoice: TrueInvoice, customer: Customer, amount: Decimal, number: str, on: date) -> None:
        """Write a credit note and set it against the invoice."""
        note = self.books.add_credit_note(
            contact_id=customer.ledger_id, number=number, total=amount, currency=invoice.currency, issued_on=on
        )
        self.books.allocate_credit(credit_note_id=note, invoice_id=invoice.ledger_id, amount=amount)

    def change_email(self, customer: Customer, email: str) -> None:
        """Correct the contact's address."""
        self.books.edit_contact(customer.ledger_id, EmailAddress=email)

    def lines(self, invoice: TrueInvoice) -> str:
        """What was sold."""
        return str(self.books.invoices[invoice.ledger_id]["LineItems"])


class QuickBooksAccountant(QuickBooksLedger):
    """A person in QuickBooks."""

    def sell(self, invoice: TrueInvoice, customer: Customer) -> None:
        """Write an invoice."""
        invoice.ledger_id = self.books.add_invoice(
            customer_id=customer.ledger_id,
            number=invoice.number,
            total=invoice.total,
            currency=invoice.currency,
            issued_on=invoice.issued_on,
            due_on=invoice.due_on,
        )

    def record_payment(self, invoice: TrueInvoice, amount: Decimal, on: date) -> str:
        """Receive a payment into the checking account."""
        return self.books.add_payment(
            customer_id=str(self.books.invoices[invoice.ledger_id]["CustomerRef"]["value"]),
            lines=[(invoice.ledger_id, amount)],
            total=amount,
            paid_on=on,
            deposit_to=self.account_ids["Checking"],
        )

    def delete_payment(self, payment_id: str) -> None:
        """Delete a payment."""
        self.books.delete_payment(payment_id)

    def void(self, invoice: TrueInvoice) -> None:
        """Void an invoice."""
        self.books.void_invoice(invoice.ledger_id)

    def credit(self, invoice: TrueInvoice, customer: Customer, amount: Decimal, number: str, on: date) -> None:
        """Write a credit memo for the customer."""
        del invoice
        self.books.add_credit_memo(
            customer_id=customer.ledger_id, number=number, total=amount, currency=customer.currency, issued_on=on
        )

    def change_email(self, customer: Customer, email: str) -> None:
        """Correct the customer's address."""
        self.books.edit_customer(customer.ledger_id, PrimaryEmailAddr={"Address": email})

    def lines(self, invoice: TrueInvoice) -> str:
        """What was sold."""
        return str(self.books.invoices[invoice.ledger_id]["Line"])
