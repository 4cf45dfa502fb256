"""What an accountant does in each ledger, in one vocabulary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

from sandbox.world.books import LedgerBooks
from sandbox.world.model import Customer, TrueInvoice
from sandbox.world.quickbooks_books import QuickBooksLedger
from sandbox.world.xero_books import BANK_OF, XeroLedger

_CLEARING_ABROAD, _CHECKING, _RATE = "836", "Checking", Decimal("0.000001")
_CHARGE_MARK = " chg_"  # between the number of the late invoice and what tells its charges apart


@dataclass(frozen=True)
class Draft:
    """What was drafted for somebody, now an invoice."""

    invoice_id: str
    customer_id: str
    total: Decimal
    issued_on: date
    due_on: date


class Accountant(LedgerBooks, Protocol):
    """Acts of a person in the ledger. Each raises the stand-in's own refusal where the vendor would refuse."""

    def sell(self, invoice: TrueInvoice, customer: Customer) -> None:
        """Write an invoice and send it; fills its id in."""

    def deal_in(self, currency: str, rate: Decimal) -> None:
        """Open accounts in a second currency, of which the firm's own buys so many units: a bank's, a processor's."""

    def record_payment(self, invoice: TrueInvoice, amount: Decimal, on: date, *, into: str = "") -> str:
        """Record that an invoice was paid, into the account of its currency or of another; the payment's id."""

    def delete_payment(self, payment_id: str) -> None:
        """Remove a payment."""

    def postings(self, invoice: TrueInvoice) -> list[str]:
        """The ids of the payments that stand on an invoice, oldest first."""

    def paid_into(self, invoice: TrueInvoice) -> Iterator[tuple[str, str]]:
        """Each payment of an invoice, and the currency of the bank account that it lies in, if it lies in one."""

    def void(self, invoice: TrueInvoice) -> None:
        """Void an invoice on which nothing is paid."""

    def close_until(self, day: date | None) -> None:
        """Close the books up to a day; None opens them again."""

    def credit(self, invoice: TrueInvoice, customer: Customer, amount: Decimal, number: str, on: date) -> None:
        """Write a credit note; Xero's is set against the invoice, QuickBooks' stays open for the customer."""

    def use_credit(self, credit: str, invoice: TrueInvoice, amount: Decimal, on: date) -> None:
        """Set a part of a credit note against an invoice."""

    def merge(self, kept: Customer, gone: Customer) -> None:
        """Merge a customer into another."""

    def archive(self, customer: Customer) -> None:
        """Put a customer away."""

    def restore(self, customer: Customer) -> None:
        """Take a customer up again."""

    def finish_draft(self, number: str) -> Draft | None:
        """Make an invoice of the first draft that lies there; None when there is none."""

    def lines(self, invoice: TrueInvoice) -> str:
        """What was sold, as text."""

    def keep_credit(self, customer: Customer, amount: Decimal, currency: str, number: str, on: date) -> str:
        """Write a credit note that is set against nothing yet; its id."""

    def credit_left(self, credit_id: str) -> Decimal:
        """What of a credit note is set against nothing."""

    def changed_at(self, invoice: TrueInvoice) -> datetime:
        """When anything of an invoice changed last, as the ledger stamps it."""

    def mark_sent(self, invoice: TrueInvoice, is_sent: bool) -> None:
        """Mark an invoice as sent to the customer, or as one that still has to be."""

    def about(self, customer: Customer) -> str:
        """What the ledger says of a customer beside the address, as text."""

    def marks(self) -> Iterator[str]:
        """What tells the postings that stand in the books apart, where whoever posted them said it."""

    def notes(self) -> Iterator[str]:
        """The lines in which apps told of invoices, in a history or in notes, each with its invoice."""

    def charges(self) -> Iterator[tuple[str, Decimal]]:
        """What was invoiced for late payment: under which reference, the late invoice's number first, and how much."""


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

    def deal_in(self, currency: str, rate: Decimal) -> None:
        """Set the day's rate, and open a clearing account: the bank accounts are there."""
        self.books.day_rates[currency] = rate
        self.books.add_account(
            code=_CLEARING_ABROAD, name=f"Stripe Clearing {currency}", type="BANK", currency=currency
        )

    def record_payment(self, invoice: TrueInvoice, amount: Decimal, on: date, *, into: str = "") -> str:
        """Record a payment into a bank account."""
        account = BANK_OF[into or invoice.currency]
        return self.books.add_payment(invoice_id=invoice.ledger_id, amount=amount, paid_on=on, account_code=account)

    def delete_payment(self, payment_id: str) -> None:
        """Remove a payment."""
        self.books.delete_payment(payment_id)

    def postings(self, invoice: TrueInvoice) -> list[str]:
        """The payments on an invoice."""
        return [str(each["PaymentID"]) for each in self.books.invoices[invoice.ledger_id]["Payments"]]

    def paid_into(self, invoice: TrueInvoice) -> Iterator[tuple[str, str]]:
        """By the payment's account."""
        for payment_id in self.postings(invoice):
            account = self.books.accounts[self.books.payments[payment_id]["Account"]["AccountID"]]
            if account["Type"] == "BANK":
                yield payment_id, str(account["CurrencyCode"])

    def void(self, invoice: TrueInvoice) -> None:
        """Void an invoice."""
        self.books.void_invoice(invoice.ledger_id)

    def close_until(self, day: date | None) -> None:
        """Set the lock date."""
        self.books.period_lock_date = day

    def credit(self, invoice: TrueInvoice, customer: Customer, amount: Decimal, number: str, on: date) -> None:
        """Write a credit note and set it against the invoice."""
        note = self.books.add_credit_note(
            contact_id=customer.ledger_id, number=number, total=amount, currency=invoice.currency, issued_on=on
        )
        self.books.allocate_credit(credit_note_id=note, invoice_id=invoice.ledger_id, amount=amount)

    def use_credit(self, credit: str, invoice: TrueInvoice, amount: Decimal, on: date) -> None:
        """Allocate a part of a credit note."""
        del on
        self.books.allocate_credit(credit_note_id=credit, invoice_id=invoice.ledger_id, amount=amount)

    def merge(self, kept: Customer, gone: Customer) -> None:
        """Merge a contact into another."""
        self.books.merge_contact(gone.ledger_id, into=kept.ledger_id)

    def archive(self, customer: Customer) -> None:
        """Archive a contact."""
        self.books.edit_contact(customer.ledger_id, ContactStatus="ARCHIVED")

    def restore(self, customer: Customer) -> None:
        """Restore a contact."""
        self.books.edit_contact(customer.ledger_id, ContactStatus="ACTIVE")

    def finish_draft(self, number: str) -> Draft | None:
        """Approve a draft and send it."""
        draft = next((each for each in self.books.invoices.values() if each["Status"] == "DRAFT"), None)
        if draft is None:
            return None
        invoice_id = str(draft["InvoiceID"])
        self.books.edit_invoice(invoice_id, Status="AUTHORISED", InvoiceNumber=number, SentToContact=True)
        contact = str(draft["Contact"]["ContactID"])
        return Draft(invoice_id, contact, Decimal(draft["Total"]), draft["Date"], draft["DueDate"])

    def lines(self, invoice: TrueInvoice) -> str:
        """What was sold, when and under which number."""
        return _text(self.books.invoices[invoice.ledger_id], "InvoiceNumber", "Date", "Total", "LineItems")

    def keep_credit(self, customer: Customer, amount: Decimal, currency: str, number: str, on: date) -> str:
        """Write an approved credit note."""
        return self.books.add_credit_note(
            contact_id=customer.ledger_id, number=number, total=amount, currency=currency, issued_on=on
        )

    def credit_left(self, credit_id: str) -> Decimal:
        """What remains of a credit note."""
        return Decimal(self.books.credit_notes[credit_id]["RemainingCredit"])

    def changed_at(self, invoice: TrueInvoice) -> datetime:
        """The UpdatedDateUTC."""
        changed: datetime = self.books.invoices[invoice.ledger_id]["UpdatedDateUTC"]
        return changed

    def mark_sent(self, invoice: TrueInvoice, is_sent: bool) -> None:
        """Mark an invoice as sent, or not."""
        self.books.edit_invoice(invoice.ledger_id, SentToContact=is_sent)

    def about(self, customer: Customer) -> str:
        """Name, telephones and addresses."""
        return _text(self.books.contacts[customer.ledger_id], "Name", "Phones", "Addresses")

    def notes(self) -> Iterator[str]:
        """The notes of histories, each with its invoice."""
        kept = (line for line in self.books.history.values() if line["Changes"] == "Note")
        yield from (f"{line['ObjectID']} {line['Details']}" for line in kept)

    def marks(self) -> Iterator[str]:
        """The reference of a payment with its invoice and of a transfer, the details of a batch, texts of lines: those
        of money that was kept or spent, and of a draft those below its own.
        """
        for payment in _standing(self.books.payments):
            if payment.get("Reference"):
                yield f"{payment['Reference']} {payment.get('Invoice', {}).get('InvoiceID')}"
        yield from (str(batch["Details"]) for batch in _standing(self.books.batch_payments) if batch.get("Details"))
        yield from (f"transfer {transfer['Reference']}" for transfer in _standing(self.books.bank_transfers))
        for money in _standing(self.books.bank_transactions):
            yield from (f"{money['Type']} {line['Description']}" for line in money["LineItems"])
        for invoice in _standing(self.books.invoices):
            yield from (str(line["Description"]) for line in invoice["LineItems"] if not line.get("LineAmount"))

    def charges(self) -> Iterator[tuple[str, Decimal]]:
        """Invoices whose reference bears the mark."""
        for invoice in _standing(self.books.invoices):
            if _CHARGE_MARK in str(invoice.get("Reference")):
                yield str(invoice["Reference"]), Decimal(invoice["Total"])


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

    def deal_in(self, currency: str, rate: Decimal) -> None:
        """Set the rate, and open a bank account and a clearing account."""
        self.books.rates[currency] = (1 / rate).quantize(_RATE)
        for name in (_CHECKING, "Stripe Clearing"):
            abroad = f"{name} {currency}"
            self.account_ids[abroad] = self.books.add_account(name=abroad, type="Bank", currency=currency)

    def record_payment(self, invoice: TrueInvoice, amount: Decimal, on: date, *, into: str = "") -> str:
        """Receive a payment into a checking account."""
        currency = into or invoice.currency
        account = _CHECKING if currency == self.books.home_currency else f"{_CHECKING} {currency}"
        return self.books.add_payment(
            customer_id=str(self.books.invoices[invoice.ledger_id]["CustomerRef"]["value"]),
            lines=[(invoice.ledger_id, amount)],
            total=amount,
            paid_on=on,
            deposit_to=self.account_ids[account],
        )

    def delete_payment(self, payment_id: str) -> None:
        """Delete a payment."""
        self.books.delete_payment(payment_id)

    def postings(self, invoice: TrueInvoice) -> list[str]:
        """The payments on an invoice."""
        links = self.books.invoices[invoice.ledger_id]["LinkedTxn"]
        return [str(each["TxnId"]) for each in links if each["TxnType"] == "Payment"]

    def paid_into(self, invoice: TrueInvoice) -> Iterator[tuple[str, str]]:
        """By the payment's account, or the account that it was deposited in."""
        for payment_id in self.postings(invoice):
            payment = self.books.payments[payment_id]
            taken = [each["TxnId"] for each in payment["LinkedTxn"] if each["TxnType"] == "Deposit"]
            lies = self.books.deposits[str(taken[0])] if taken else payment
            account = self.books.accounts[str(lies["DepositToAccountRef"]["value"])]
            if account["AccountType"] == "Bank":
                yield payment_id, str(account["CurrencyRef"]["value"])

    def close_until(self, day: date | None) -> None:
        """Set the closing date."""
        self.books.book_close_date = day

    def void(self, invoice: TrueInvoice) -> None:
        """Void an invoice."""
        self.books.void_invoice(invoice.ledger_id)

    def credit(self, invoice: TrueInvoice, customer: Customer, amount: Decimal, number: str, on: date) -> None:
        """Write a credit memo for the customer."""
        del invoice
        self.books.add_credit_memo(
            customer_id=customer.ledger_id, number=number, total=amount, currency=customer.currency, issued_on=on
        )

    def use_credit(self, credit: str, invoice: TrueInvoice, amount: Decimal, on: date) -> None:
        """Set a credit memo against an invoice, by a payment of nothing."""
        self.books.apply_credit(credit_memo_id=credit, invoice_id=invoice.ledger_id, amount=amount, on=on)

    def merge(self, kept: Customer, gone: Customer) -> None:
        """Merge a customer into another."""
        self.books.merge_customers(kept_id=kept.ledger_id, gone_id=gone.ledger_id)

    def archive(self, customer: Customer) -> None:
        """Make a customer inactive."""
        self.books.edit_customer(customer.ledger_id, Active=False)

    def restore(self, customer: Customer) -> None:
        """Make a customer active, under the old name."""
        self.books.edit_customer(customer.ledger_id, Active=True, DisplayName=customer.name)

    def finish_draft(self, number: str) -> Draft | None:
        """Turn an estimate into an invoice and send it."""
        estimates = self.books.entities["Estimate"].values()
        draft = next((each for each in estimates if each.get("TxnStatus") != "Closed"), None)
        if draft is None:
            return None
        invoice_id = self.books.convert_estimate(str(draft["Id"]), number=number)
        self.books.edit_invoice(invoice_id, EmailStatus="EmailSent")
        made = self.books.invoices[invoice_id]
        days = [date.fromisoformat(str(made[name])) for name in ("TxnDate", "DueDate")]
        return Draft(invoice_id, str(made["CustomerRef"]["value"]), Decimal(made["TotalAmt"]), *days)

    def lines(self, invoice: TrueInvoice) -> str:
        """What was sold, when and under which number."""
        return _text(self.books.invoices[invoice.ledger_id], "DocNumber", "TxnDate", "TotalAmt", "Line")

    def keep_credit(self, customer: Customer, amount: Decimal, currency: str, number: str, on: date) -> str:
        """Write a credit memo."""
        return self.books.add_credit_memo(
            customer_id=customer.ledger_id, number=number, total=amount, currency=currency, issued_on=on
        )

    def credit_left(self, credit_id: str) -> Decimal:
        """What remains of a credit memo."""
        return Decimal(self.books.credit_memos[credit_id]["Balance"])

    def changed_at(self, invoice: TrueInvoice) -> datetime:
        """The LastUpdatedTime."""
        return datetime.fromisoformat(str(self.books.invoices[invoice.ledger_id]["MetaData"]["LastUpdatedTime"]))

    def mark_sent(self, invoice: TrueInvoice, is_sent: bool) -> None:
        """Mark an invoice as sent, or as one that still has to be."""
        self.books.edit_invoice(invoice.ledger_id, EmailStatus="EmailSent" if is_sent else "NeedToSend")

    def about(self, customer: Customer) -> str:
        """Names and address."""
        return _text(self.books.customers[customer.ledger_id], "DisplayName", "CompanyName", "BillAddr", "ParentRef")

    def notes(self) -> Iterator[str]:
        """The lines of the notes attached to invoices, each with its invoice; the heading of a note is none."""
        for invoice_id in self.books.invoices:
            for note in self.books.notes_of(invoice_id):
                yield from (f"{invoice_id} {line}" for line in note.split("\n") if line.endswith("]"))

    def marks(self) -> Iterator[str]:
        """The numbers of payments and journal entries, and the notes of estimates.

        What is written down is an entry that a payment sets against its invoice, both under one number.
        """
        for payment in self.books.payments.values():
            if payment.get("PaymentRefNum"):
                yield str(payment["PaymentRefNum"])
        for entry in self.books.journal_entries.values():
            if entry.get("DocNumber"):
                yield f"entry {entry['DocNumber']}"
        for estimate in self.books.entities["Estimate"].values():
            if estimate.get("PrivateNote"):
                yield str(estimate["PrivateNote"])

    def charges(self) -> Iterator[tuple[str, Decimal]]:
        """Invoices whose note bears the mark."""
        for invoice in self.books.invoices.values():
            if _CHARGE_MARK in str(invoice.get("PrivateNote")):
                yield str(invoice["PrivateNote"]), Decimal(invoice["TotalAmt"])


def _standing(records: Mapping[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return (each for each in records.values() if each["Status"] != "DELETED")


def _text(record: Mapping[str, Any], *names: str) -> str:
    return " ".join(str(record.get(name)) for name in names)
