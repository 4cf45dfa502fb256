"""The organisation's QuickBooks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.world.model import Customer, Organisation, TrueInvoice

if TYPE_CHECKING:
    from sandbox.quickbooks import QuickBooksBooks

_NIL = Decimal("0.00")
_ACCOUNTS = (
    ("Checking", "Bank"),
    ("Stripe Clearing", "Bank"),
    ("Sales", "Income"),
    ("Bank Charges", "Expense"),
    ("Undeposited Funds", "Other Current Asset"),
)
_COMPANY: dict[str, Any] = {
    "LegalName": "Cedar Ridge Supply Inc.",
    "EmployerId": "00-0000000",
    "CompanyAddr": {
        "Id": "1",
        "Line1": "100 Cedar Ridge Road",
        "City": "Boulder",
        "Country": "US",
        "CountrySubDivisionCode": "CO",
        "PostalCode": "80301",
    },
}


class QuickBooksLedger:
    """The truth of one company, written into QuickBooks' books and measured there."""

    def __init__(self, books: QuickBooksBooks) -> None:
        self.books = books
        self.account_ids: dict[str, str] = {}

    def seed(self, organisation: Organisation) -> None:
        """Write accounts, customers (parents first), invoices, credit memos and what was recorded as paid."""
        self.books.told = dict(_COMPANY)
        for name, kind in _ACCOUNTS:
            self.account_ids[name] = self._account(name, kind)
        for customer in sorted(organisation.customers.values(), key=lambda c: c.parent is not None):
            customer.ledger_id = self.books.add_customer(
                name=customer.name,
                email=customer.email,
                parent_id=organisation.customers[customer.parent].ledger_id if customer.parent else None,
                bill_with_parent=customer.bill_with_parent,
                currency=customer.currency,
                country=customer.country,
            )
        for invoice in organisation.invoices.values():
            self._invoice(organisation, invoice)
        self._payments(organisation)
        for credit in organisation.credits:
            credit.ledger_id = self.books.add_credit_memo(
                customer_id=organisation.customers[credit.customer].ledger_id,
                number=credit.number,
                total=credit.total,
                currency=credit.currency,
                issued_on=credit.issued_on,
            )
        for receipt in organisation.income:
            customer = organisation.customers[receipt.payer or ""]
            self.books.add_deposit(
                account_id=self.account_ids["Checking"],
                line_account_id=self.account_ids["Sales"],
                amount=receipt.amount,
                currency=receipt.currency,
                deposited_on=receipt.received_on,
                customer_id=customer.ledger_id,
                memo=f"{customer.name} deposit",
            )

    def move_due_date(self, invoice: TrueInvoice, on: date) -> None:
        """Change a due date as the accountant."""
        self.books.edit_invoice(invoice.ledger_id, DueDate=on.isoformat())

    def balance(self, invoice: TrueInvoice) -> Decimal:
        """What QuickBooks shows as open."""
        return Decimal(self.books.invoices[invoice.ledger_id]["Balance"])

    def payments(self, invoice: TrueInvoice) -> list[Decimal]:
        """The lines of payments that are linked to the invoice."""
        return sorted(
            Decimal(line["Amount"])
            for payment in self.books.payments.values()
            for line in payment["Line"]
            for linked in line["LinkedTxn"]
            if linked["TxnType"] == "Invoice" and linked["TxnId"] == invoice.ledger_id and line["Amount"]
        )

    def due_on(self, invoice: TrueInvoice) -> date:
        """The due date in QuickBooks."""
        return date.fromisoformat(str(self.books.invoices[invoice.ledger_id]["DueDate"]))

    def email(self, customer: Customer) -> str:
        """The customer's address."""
        return str((self.books.customers[customer.ledger_id].get("PrimaryEmailAddr") or {}).get("Address") or "")

    def unapplied(self, customer: Customer) -> Decimal:
        """What payments of the customer left unapplied."""
        return sum(
            (
                Decimal(payment["UnappliedAmt"])
                for payment in self.books.payments.values()
                if payment["CustomerRef"]["value"] == customer.ledger_id
            ),
            _NIL,
        )

    def fee_postings(self) -> list[Decimal]:
        """Lines of deposits and journal entries that post to Bank Charges, as positive amounts."""
        return [abs(amount) for account, amount in self._postings() if account == self.account_ids["Bank Charges"]]

    def _postings(self) -> Iterator[tuple[str, Decimal]]:
        both: list[dict[str, Any]] = [*self.books.deposits.values(), *self.books.journal_entries.values()]
        for line in (line for document in both for line in document["Line"]):
            detail = line.get("DepositLineDetail") or line.get("JournalEntryLineDetail") or {}
            if "AccountRef" in detail:
                yield str(detail["AccountRef"]["value"]), Decimal(line["Amount"])

    def _account(self, name: str, kind: str) -> str:
        """The account of that name: a new company has some already."""
        known = next((key for key, account in self.books.accounts.items() if account["Name"] == name), None)
        return known or self.books.add_account(name=name, type=kind)

    def _invoice(self, organisation: Organisation, invoice: TrueInvoice) -> None:
        invoice.ledger_id = self.books.add_invoice(
            customer_id=organisation.customer_of(invoice).ledger_id,
            number=invoice.number,
            total=invoice.total,
            currency=invoice.currency,
            issued_on=invoice.issued_on,
            due_on=invoice.due_on,
        )
        if invoice.role == "void":
            self.books.void_invoice(invoice.ledger_id)

    def _payments(self, organisation: Organisation) -> None:
        for receipt in organisation.receipts:
            if receipt.channel == "ledger":
                for number, amount in receipt.allocations:
                    invoice = organisation.invoices[number]
                    self._pay(invoice, amount=amount, on=receipt.received_on, account="Checking")
        for charge in organisation.charges:
            if charge.state == "recorded":
                self._pay(
                    organisation.invoices[charge.invoice],
                    amount=charge.amount,
                    on=charge.created_at.date(),
                    account="Stripe Clearing",
                    reference=charge.payment_intent,
                )

    def _pay(self, invoice: TrueInvoice, *, amount: Decimal, on: date, account: str, reference: str = "") -> None:
        self.books.add_payment(
            customer_id=str(self.books.invoices[invoice.ledger_id]["CustomerRef"]["value"]),
            lines=[(invoice.ledger_id, amount)],
            total=amount,
            paid_on=on,
            deposit_to=self.account_ids[account],
            reference=reference,
        )
