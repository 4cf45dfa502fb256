"""What people and processors do in the books of one Xero organisation.

It costs no API call and emits webhooks as Xero would.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from urllib.parse import quote

from sandbox.locking import locked
from sandbox.xero import bank, contacts, credits, invoices, payments
from sandbox.xero.ledger import Ledger
from sandbox.xero.lines import Taxed, line, taxed
from sandbox.xero.values import ZERO, Record

BOOKKEEPER = "Ada Bookkeeper"  # who does what no app does
_CLASSES = {"BANK": "ASSET", "CURRENT": "ASSET", "FIXED": "ASSET", "PREPAYMENT": "ASSET", "EQUITY": "EQUITY"}
_CLASSES |= dict.fromkeys(("REVENUE", "SALES", "OTHERINCOME"), "REVENUE")
_CLASSES |= dict.fromkeys(("LIABILITY", "CURRLIAB", "TERMLIAB"), "LIABILITY")


class XeroBooks(Ledger):
    """One organisation, as the people see it who keep its books."""

    @locked
    def delete_tax_rate(self, tax_type: str) -> None:
        """Delete a tax rate: it is shown as deleted, and nothing is booked under it any more."""
        self.gone_tax_rates[tax_type] = self.tax_rates.pop(tax_type)

    @locked
    def archive_account(self, code: str) -> None:
        """Archive an account: nothing is booked to it any more."""
        record = next(each for each in self.accounts.values() if each["Code"] == code)
        record["Status"] = "ARCHIVED"
        self.changed("ACCOUNT", "UPDATE", record)

    @locked
    def add_account(
        self,
        *,
        code: str,
        name: str,
        type: str,
        currency: str | None = None,
        enable_payments: bool = False,
    ) -> str:
        """Add an account to the chart of accounts."""
        account_id = self.new_id("account")
        record: Record = {"AccountID": account_id, "Code": code, "Name": name, "Status": "ACTIVE", "Type": type}
        record |= {
            "TaxType": "NONE",
            "Class": _CLASSES.get(type, "EXPENSE"),
            "EnablePaymentsToAccount": enable_payments,
        }
        record |= {"ShowInExpenseClaims": False, "HasAttachments": False, "AddToWatchlist": False}
        if type == "BANK":
            record |= {"BankAccountType": "BANK", "BankAccountNumber": f"12{len(self.accounts):08d}"}
            record["CurrencyCode"] = currency or self.base_currency
        self.accounts[account_id] = record
        self.changed("ACCOUNT", "CREATE", record)
        return account_id

    @locked
    def add_branding_theme(self, name: str, *services: str) -> str:
        """Add a style of invoices, with these payment services on it."""
        theme_id = self.new_id("theme")
        theme: Record = {"BrandingThemeID": theme_id, "Name": name, "Type": "INVOICE", "CreatedDateUTC": self.now()}
        theme |= {"SortOrder": len(self.branding_themes), "Services": list(services)}
        self.branding_themes[theme_id] = theme
        return theme_id

    @locked
    def keep_payment_service(self, *, name: str, url: str, words: str = "Pay now", kind: str = "Custom") -> Record:
        """Add a payment service, as an app does, or a person by hand."""
        service_id = self.new_id("payment service")
        service: Record = {"PaymentServiceID": service_id, "PaymentServiceName": name, "PaymentServiceType": kind}
        service |= {"PaymentServiceUrl": url, "PayNowText": words}
        self.payment_services[service_id] = service
        return service

    def press_pay_now(self, number: str, service_id: str) -> str:
        """Where the button of an invoice leads, as the online invoice shows it now."""
        record = self.invoices[self.numbers[number]]
        shown = {"INVOICENUMBER": number, "CURRENCY": record["CurrencyCode"], "SHORTCODE": self.short_code}
        shown["AMOUNTDUE"] = str(record["AmountDue"])
        url = str(self.payment_services[service_id]["PaymentServiceUrl"])
        for name, value in shown.items():
            url = url.replace(f"[{name}]", quote(value, safe=""))
        return url

    @locked
    def add_contact(
        self, *, name: str, email: str | None = None, number: str | None = None, country: str | None = None
    ) -> str:
        """Add a customer; `number` is Xero's ContactNumber."""
        item: Record = {"Name": name, "EmailAddress": email or ""}
        item |= {"ContactNumber": number} if number else {}
        item |= (
            {"Addresses": [{"AddressType": "POBOX", "City": "", "Region": "", "PostalCode": "", "Country": country}]}
            if country
            else {}
        )
        return str(contacts.plan(self, item)()["ContactID"])

    @locked
    def add_invoice(
        self, *, contact_id: str, number: str, total: Decimal, currency: str, issued_on: date, due_on: date,
        reference: str = "", status: str = "AUTHORISED", sent: bool = True, rate: Decimal | None = None,
        tax_type: str = "NONE",
    ) -> str:  # fmt: skip
        """Add a sales invoice with one line; `rate` is units of its currency for one of the base currency.

        Its tax is contained in `total`.
        """
        sold, amount_types = line("Goods and services", total), "NoTax" if tax_type == "NONE" else "Inclusive"
        made = Taxed([sold], total, ZERO)  # a line without tax needs no account of the chart
        if amount_types == "Inclusive":
            made = taxed(self, [sold | {"TaxType": tax_type}], amount_types)
        record = invoices.new(
            self, kind="ACCREC", contact_id=contact_id, number=number, taxed=made, amount_types=amount_types,
            currency=currency, rate=self.rate(currency, rate), issued_on=issued_on, due_on=due_on,
            reference=reference, status=status,
        )  # fmt: skip
        record["SentToContact"] = sent
        self.changed("INVOICE", "CREATE", record)
        return str(record["InvoiceID"])

    @locked
    def add_credit_note(self, *, contact_id: str, number: str, total: Decimal, currency: str, issued_on: date) -> str:
        """Add an approved sales credit note."""
        return str(
            credits.new_note(
                self,
                contact_id=contact_id,
                number=number,
                taxed=Taxed([line("Credit", total)], total, ZERO),
                currency=currency,
                issued_on=issued_on,
            )["CreditNoteID"]
        )

    @locked
    def allocate_credit(self, *, credit_note_id: str, invoice_id: str, amount: Decimal) -> str:
        """Set part of a credit note against an invoice."""
        item = {"Invoice": {"InvoiceID": invoice_id}, "Amount": amount, "Date": self.now().date()}
        return str(credits.plan_allocation(self, self.credit_notes[credit_note_id], item, {})()["AllocationID"])

    @locked
    def free_credit(self, *, credit_note_id: str) -> None:
        """Take everything back that a credit note is set against."""
        note = self.credit_notes[credit_note_id]
        for part in list(note["Allocations"]):
            credits.plan_undo(self, note, part["AllocationID"])()

    @locked
    def add_prepaid(self, *, account_code: str, contact_id: str, amount: Decimal, received_on: date, kind: str) -> str:
        """Record money received for nothing yet; `kind` is RECEIVE-OVERPAYMENT or RECEIVE-PREPAYMENT."""
        line = {"Description": "Received", "Quantity": 1, "UnitAmount": amount}
        item: Record = {"Type": kind, "BankAccount": {"Code": account_code}, "LineItems": [line]}
        item |= {"Contact": {"ContactID": contact_id}, "Date": received_on}
        return str(bank.plan_transaction(self, item, {})()["BankTransactionID"])

    @locked
    def add_payment(
        self, *, invoice_id: str, amount: Decimal, paid_on: date, account_code: str, reference: str = ""
    ) -> str:
        """Record a payment by hand; Refused for the same reasons as through the API."""
        item = {"Invoice": {"InvoiceID": invoice_id}, "Account": {"Code": account_code}, "Amount": amount}
        item |= {"Date": paid_on, "Reference": reference}
        return str(payments.plan(self, item, {})()["PaymentID"])

    @locked
    def add_receive_money(
        self, *, account_code: str, line_account_code: str, amount: Decimal, currency: str, received_on: date,
        contact_id: str | None = None, reference: str = "",
    ) -> str:  # fmt: skip
        """Record money coded straight to income."""
        line = {"Description": reference, "Quantity": 1, "UnitAmount": amount, "AccountCode": line_account_code}
        item: Record = {"Type": "RECEIVE", "BankAccount": {"Code": account_code}, "LineItems": [line]}
        item |= {"Date": received_on, "CurrencyCode": currency, "Reference": reference}
        item |= {"Contact": {"ContactID": contact_id}} if contact_id else {}
        return str(bank.plan_transaction(self, item, {}, by_person=True)()["BankTransactionID"])

    @locked
    def edit_invoice(self, /, invoice_id: str, **fields: object) -> None:
        """Change fields as a person may in Xero, by their JSON names."""
        invoices.plan_update(self, self.invoices[invoice_id], fields)()
        self.note(invoice_id, self.name, changes="Edited", user=BOOKKEEPER)()

    @locked
    def edit_contact(self, /, contact_id: str, **fields: object) -> None:
        """Change fields of a contact, by their JSON names."""
        contacts.plan(self, {"ContactID": contact_id, **fields})()
        self.note(contact_id, self.name, changes="Edited", user=BOOKKEEPER)()

    @locked
    def merge_contact(self, contact_id: str, *, into: str) -> None:
        """Merge a contact into another: its documents move and it is archived."""
        contacts.merge(self, contact_id, into)

    @locked
    def void_invoice(self, invoice_id: str) -> None:
        """Void an approved invoice; Refused while something is paid on it."""
        invoices.plan_update(self, self.invoices[invoice_id], {"Status": "VOIDED"})()

    @locked
    def delete_payment(self, payment_id: str) -> None:
        """Remove a payment; the invoice is open again."""
        payments.plan_delete(self, self.payments[payment_id])()

    @locked
    def reconcile(self, external_id: str) -> None:
        """Confirm a payment or bank transaction against its bank line: from then on it resists deletion."""
        record = self.payments.get(external_id) or self.bank_transactions[external_id]
        record["IsReconciled"] = True
        if batch := self.batch_payments.get(record.get("BatchPaymentID", "")):
            batch["IsReconciled"] = True
        self.changed("PAYMENT", "UPDATE", record)
