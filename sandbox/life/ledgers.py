"""What an accountant does in each ledger, in one vocabulary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Protocol

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

    def keep_credit(self, customer: Customer, amount: Decimal, number: str, on: date) -> str:
        """Write a credit note that is set against nothing yet; its id."""

    def credit_left(self, credit_id: str) -> Decimal:
        """What of a credit note is set against nothing."""

    def mark_sent(self, invoice: TrueInvoice, is_sent: bool) -> None:
        """Mark an invoice as sent to the customer, or as one that still has to be."""

    def about(self, customer: Customer) -> str:
        """What the ledger says of a customer beside the address, as text."""

    def marks(self) -> Iterator[str]:
        """What tells the postings that stand in the books apart, where whoever posted them said it."""


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
        """What was sold, when and under which number."""
        return _text(self.books.invoices[invoice.ledger_id], "InvoiceNumber", "Date", "Total", "LineItems")

    def keep_credit(self, customer: Customer, amount: Decimal, number: str, on: date) -> str:
        """Write an approved credit note."""
        return self.books.add_credit_note(
            contact_id=customer.ledger_id, number=number, total=amount, currency=customer.currency, issued_on=on
        )

    def credit_left(self, credit_id: str) -> Decimal:
        """What remains of a credit note."""
        return Decimal(self.books.credit_notes[credit_id]["RemainingCredit"])

    def mark_sent(self, invoice: TrueInvoice, is_sent: bool) -> None:
        """Mark an invoice as sent, or not."""
        self.books.edit_invoice(invoice.ledger_id, SentToContact=is_sent)

    def about(self, customer: Customer) -> str:
        """Name, telephones and addresses."""
        return _text(self.books.contacts[customer.ledger_id], "Name", "Phones", "Addresses")

    def marks(self) -> Iterator[str]:
        """The reference of a payment with its invoice, and the details of a batch."""
        for payment in self.books.payments.values():
            if payment["Status"] != "DELETED" and payment.get("Reference"):
                yield f"{payment['Reference']} {payment.get('Invoice', {}).get('InvoiceID')}"
        for batch in self.books.batch_payments.values():
            if batch["Status"] != "DELETED" and batch.get("Details"):
                yield str(batch["Details"])


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
        """What was sold, when and under which number."""
        return _text(self.books.invoices[invoice.ledger_id], "DocNumber", "TxnDate", "TotalAmt", "Line")

    def keep_credit(self, customer: Customer, amount: Decimal, number: str, on: date) -> str:
        """Write a credit memo."""
        return self.books.add_credit_memo(
            customer_id=customer.ledger_id, number=number, total=amount, currency=customer.currency, issued_on=on
        )

    def credit_left(self, credit_id: str) -> Decimal:
        """What remains of a credit memo."""
        return Decimal(self.books.credit_memos[credit_id]["Balance"])

    def mark_sent(self, invoice: TrueInvoice, is_sent: bool) -> None:
        """Mark an invoice as sent, or as one that still has to be."""
        self.books.edit_invoice(invoice.ledger_id, EmailStatus="EmailSent" if is_sent else "NeedToSend")

    def about(self, customer: Customer) -> str:
        """Names and address."""
        return _text(self.books.customers[customer.ledger_id], "DisplayName", "CompanyName", "BillAddr", "ParentRef")

    def marks(self) -> Iterator[str]:
        """The number of a payment and of a journal entry."""
        for payment in self.books.payments.values():
            if payment.get("PaymentRefNum"):
                yield str(payment["PaymentRefNum"])
        for entry in self.books.journal_entries.values():
            if entry.get("DocNumber"):
                yield str(entry["DocNumber"])


def _text(record: Mapping[str, Any], *names: str) -> str:
    return " ".join(str(record.get(name)) for name in names)
