"""What people and processors do in the books of one QuickBooks company: it costs no API call and emits webhooks."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

from sandbox.locking import locked
from sandbox.quickbooks import settlement
from sandbox.quickbooks.ledger import Emit, Ledger
from sandbox.quickbooks.values import ZERO, Record, stamp


class QuickBooksBooks(Ledger):
    """One company. Methods raise Fault for the reasons the API would."""

    def __init__(
        self,
        *,
        realm_id: str,
        name: str,
        home_currency: str,
        multicurrency: bool,
        clock: Callable[[], datetime],
        emit: Emit,
        lock: threading.RLock,
    ) -> None:
        self.lock = lock
        super().__init__(
            realm_id=realm_id,
            name=name,
            home_currency=home_currency,
            multicurrency=multicurrency,
            clock=clock,
            emit=emit,
        )
        self.undeposited_funds_id = self.add_account(
            name="Undeposited Funds", type="Other Current Asset", sub_type="UndepositedFunds"
        )
        self.receivables_account(home_currency)
        self.services_item_id = self._new_id("Item")  # every company has it; its account is the first of income
        services = {"Id": self.services_item_id, "Name": "Services", "FullyQualifiedName": "Services"}
        self._keep("Item", services | {"Type": "Service", "Active": True, "domain": "QBO", "sparse": False}, "created")
        if home_currency == "USD":
            self._add_codes_without_rates()
        self.flush()

    def _add_codes_without_rates(self) -> None:
        """The two codes that lines in the United States bear: QuickBooks finds the rate by where the customer is."""
        for code, is_taxed in (("TAX", True), ("NON", False)):
            told = {"Id": code, "Name": code, "Active": True, "Taxable": is_taxed, "TaxGroup": False}
            self._keep("TaxCode", told | {"SalesTaxRateList": {"TaxRateDetail": []}, "domain": "QBO"}, "created")

    @locked
    def add_account(self, *, name: str, type: str, sub_type: str | None = None, currency: str | None = None) -> str:
        """Add an account to the chart of accounts."""
        body: Record = {"Name": name, "AccountType": type, "AccountSubType": sub_type or type.replace(" ", "")}
        body["Classification"] = {"Income": "Revenue", "Expense": "Expense"}.get(type, "Asset")
        body["CurrencyRef"] = {"value": currency or self.home_currency}
        account_id = self._by_person("Account", body)
        if type == "Income":
            self.items[self.services_item_id].setdefault("IncomeAccountRef", {"value": account_id, "name": name})
        return account_id

    @locked
    def add_tax_code(self, *, name: str, percent: Decimal) -> str:
        """Set up a tax code for sales with one rate."""
        rate_id = self._by_person("TaxRate", {"Name": name, "RateValue": percent})
        detail = {"TaxRateRef": {"value": rate_id, "name": name}, "TaxTypeApplicable": "TaxOnAmount", "TaxOrder": 0}
        return self._by_person("TaxCode", {"Name": name, "SalesTaxRateList": {"TaxRateDetail": [detail]}})

    @locked
    def add_tax_agency(self, *, name: str, number: str) -> str:
        """Set up whom the tax is paid to, with the company's number there."""
        return self._by_person("TaxAgency", {"DisplayName": name, "TaxRegistrationNumber": number})

    @locked
    def add_customer(
        self, *, name: str, email: str | None = None, parent_id: str | None = None, bill_with_parent: bool = False,
        currency: str | None = None, country: str | None = None,
    ) -> str:  # fmt: skip
        """Add a customer or, with `parent_id`, a sub-customer."""
        body: Record = {"DisplayName": name, "CompanyName": name, "BillWithParent": bill_with_parent}
        body |= {"PrimaryEmailAddr": {"Address": email}} if email else {}
        body |= {"ParentRef": {"value": parent_id}} if parent_id else {}
        body |= {"BillAddr": {"Country": country}} if country else {}
        body |= {"CurrencyRef": {"value": currency}} if currency else {}
        return self._by_person("Customer", body)

    @locked
    def add_invoice(
        self, *, customer_id: str, number: str, total: Decimal, currency: str, issued_on: date, due_on: date,
        sent: bool = True, tax_code: str = "",
    ) -> str:  # fmt: skip
        """Add an invoice with one line; the tax of its code comes on top of `total`."""
        body = _sale(customer_id, number, total, currency, issued_on) | {"DueDate": due_on.isoformat()}
        if address := self.customers[customer_id].get("BillAddr"):
            body["BillAddr"] = dict(address)
        if tax_code:
            body["Line"][0]["SalesItemLineDetail"]["TaxCodeRef"] = {"value": tax_code}
        body["EmailStatus"] = "EmailSent" if sent else "NotSet"
        if sent:
            body["DeliveryInfo"] = {"DeliveryType": "Email", "DeliveryTime": stamp(self.now())}
        return self._by_person("Invoice", body)

    @locked
    def add_credit_memo(self, *, customer_id: str, number: str, total: Decimal, currency: str, issued_on: date) -> str:
        """Add a credit memo."""
        return self._by_person("CreditMemo", _sale(customer_id, number, total, currency, issued_on))

    @locked
    def add_payment(
        self, *, customer_id: str, lines: list[tuple[str, Decimal]], total: Decimal, paid_on: date,
        deposit_to: str | None = None, reference: str = "",
    ) -> str:  # fmt: skip
        """Receive a payment by hand for (invoice id, amount) lines; what is left of `total` is unapplied."""
        linked = [{"Amount": amount, "LinkedTxn": [{"TxnId": i, "TxnType": "Invoice"}]} for i, amount in lines]
        currency = self.invoices[lines[0][0]]["CurrencyRef"] if lines else self.customers[customer_id]["CurrencyRef"]
        body: Record = {"CustomerRef": {"value": customer_id}, "Line": linked, "TotalAmt": total}
        body |= {"TxnDate": paid_on.isoformat(), "PaymentRefNum": reference, "CurrencyRef": dict(currency)}
        body |= {"DepositToAccountRef": {"value": deposit_to}} if deposit_to else {}
        return self._by_person("Payment", body)

    @locked
    def apply_credit(self, *, credit_memo_id: str, invoice_id: str, amount: Decimal, on: date) -> str:
        """Set a part of a credit memo against an invoice of its customer, by a payment of nothing."""
        linked = [
            {"Amount": amount, "LinkedTxn": [{"TxnId": each, "TxnType": kind}]}
            for each, kind in ((invoice_id, "Invoice"), (credit_memo_id, "CreditMemo"))
        ]
        memo = self.credit_memos[credit_memo_id]
        body: Record = {"CustomerRef": dict(memo["CustomerRef"]), "Line": linked, "TotalAmt": ZERO}
        return self._by_person("Payment", body | {"TxnDate": on.isoformat(), "CurrencyRef": dict(memo["CurrencyRef"])})

    @locked
    def add_deposit(
        self, *, account_id: str, line_account_id: str, amount: Decimal, currency: str, deposited_on: date,
        customer_id: str | None = None, memo: str = "",
    ) -> str:  # fmt: skip
        """Deposit money coded straight to an account such as income."""
        detail: Record = {"AccountRef": {"value": line_account_id}}
        detail |= {"Entity": {"value": customer_id, "type": "CUSTOMER"}} if customer_id else {}
        line = {"Amount": amount, "DetailType": "DepositLineDetail", "DepositLineDetail": detail, "Description": memo}
        body: Record = {"DepositToAccountRef": {"value": account_id}, "Line": [line], "PrivateNote": memo}
        return self._by_person(
            "Deposit", body | {"TxnDate": deposited_on.isoformat(), "CurrencyRef": {"value": currency}}
        )

    @locked
    def edit_invoice(self, /, invoice_id: str, **fields: object) -> None:
        """Change fields of an invoice, by their JSON names."""
        self._edit("Invoice", invoice_id, fields)

    @locked
    def edit_customer(self, /, customer_id: str, **fields: object) -> None:
        """Change fields of a customer, by their JSON names."""
        self._edit("Customer", customer_id, fields)

    @locked
    def convert_estimate(self, estimate_id: str, *, number: str) -> str:
        """Turn an estimate into an invoice, which keeps its lines, note and custom fields and is linked to it."""
        estimate = self.entities["Estimate"][estimate_id]
        kept = (
            "CustomerRef",
            "CurrencyRef",
            "ExchangeRate",
            "Line",
            "TxnDate",
            "DueDate",
            "PrivateNote",
            "CustomField",
        )
        body = copy.deepcopy({name: estimate[name] for name in kept if name in estimate})
        invoice = self.create("Invoice", {**body, "DocNumber": number})
        invoice["LinkedTxn"] = [{"TxnId": estimate_id, "TxnType": "Estimate"}]
        estimate |= {"TxnStatus": "Closed", "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]}
        self.touch("Estimate", estimate, "updated")
        self.flush()
        return str(invoice["Id"])

    @locked
    def merge_customers(self, *, kept_id: str, gone_id: str) -> None:
        """Merge a customer into another, which takes its transactions and debts; the webhook alone tells both."""
        kept, gone = self.customers[kept_id], self.customers[gone_id]
        for name in ("Invoice", "CreditMemo", "Payment", "Estimate"):
            for record in self.entities[name].values():
                if record["CustomerRef"]["value"] == gone_id:
                    record["CustomerRef"] = {"value": kept_id, "name": kept["DisplayName"]}
                    self.touch(name, record, "updated")
        settlement.owe(self, kept_id, gone["Balance"])
        self.touch("Customer", gone, "deleted")
        self.gone["Customer"][gone_id] = self.customers.pop(gone_id)
        self._changes.remove(("Customer", gone_id, "deleted"))
        self.merged[kept_id] = gone_id
        self.touch("Customer", kept, "merged")
        self.flush()

    @locked
    def reconcile(self, transaction_id: str) -> None:
        """Match a transaction to a line of the bank: from now on it resists being changed."""
        self.reconciled.add(transaction_id)

    @locked
    def add_note(self, *, invoice_id: str, text: str) -> str:
        """Attach a note to an invoice."""
        entity = {"type": "Invoice", "value": invoice_id}
        return self._by_person("Attachable", {"AttachableRef": [{"EntityRef": entity}], "Note": text})

    @locked
    def edit_note(self, note_id: str, text: str) -> None:
        """Change what a note says."""
        self._edit("Attachable", note_id, {"Note": text})

    @locked
    def remove_note(self, note_id: str) -> None:
        """Remove a note."""
        self.delete("Attachable", self.entities["Attachable"][note_id])
        self.flush()

    @locked
    def notes_of(self, invoice_id: str) -> list[str]:
        """What the notes attached to an invoice say, the oldest first."""
        return [
            str(note["Note"])
            for note in self.entities["Attachable"].values()
            if any(each["EntityRef"]["value"] == invoice_id for each in note["AttachableRef"])
        ]

    @locked
    def void_invoice(self, invoice_id: str) -> None:
        """Void an invoice; what was paid on it becomes unapplied."""
        self.void("Invoice", self.invoices[invoice_id])
        self.flush()

    @locked
    def delete_payment(self, payment_id: str) -> None:
        """Delete a payment; its invoices are open again."""
        self.delete("Payment", self.payments[payment_id])
        self.flush()

    def _by_person(self, name: str, body: Record) -> str:
        record = self.create(name, body)
        self.flush()
        return str(record["Id"])

    def _edit(self, name: str, object_id: str, fields: Record) -> None:
        record = self.entities[name][object_id]
        self.update(name, {**fields, "Id": object_id, "SyncToken": record["SyncToken"], "sparse": True})
        self.flush()


def _sale(customer_id: str, number: str, total: Decimal, currency: str, issued_on: date) -> Record:
    item = {"ItemRef": {"value": "1", "name": "Services"}, "Qty": 1, "UnitPrice": total}
    line = {"LineNum": 1, "Amount": total, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": item}
    subtotal = {"Amount": total, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}}
    return {
        "CustomerRef": {"value": customer_id}, "DocNumber": number, "Line": [line, subtotal],
        "CurrencyRef": {"value": currency}, "TxnDate": issued_on.isoformat(), "TxnTaxDetail": {"TotalTax": ZERO},
    }  # fmt: skip
