"""The books of one QuickBooks company: every change of them, with its stamps, links and balances.

Records are kept in QuickBooks' JSON names with Decimal amounts; days and instants are text as QuickBooks writes them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal

from sandbox.quickbooks import entities, settlement
from sandbox.quickbooks.values import (
    ZERO,
    Fault,
    Record,
    deposited,
    matched,
    not_found,
    not_valid,
    read_rate,
    reference,
    stale,
    stamp,
)

Verb = Literal["created", "updated", "deleted", "voided", "merged"]
Emit = Callable[["Ledger", list[tuple[str, str, Verb]]], None]


class Ledger:
    """The books as the API changes them.

    `book_close_date` refuses writes dated on or before it; `reconciled` are the ids of transactions that a line of
    the bank was matched to, which cannot be undone; `rates` are home units for one unit of a foreign currency;
    `custom_field_names` are the sales forms' own fields by DefinitionId ("1" to "3"), and
    `unused_field_names` those that were switched off; `told` is what people filled in of the company itself.
    """

    def __init__(
        self,
        *,
        realm_id: str,
        name: str,
        home_currency: str,
        multicurrency: bool,
        clock: Callable[[], datetime],
        emit: Emit,
    ) -> None:
        self.realm_id = realm_id
        self.name = name
        self.home_currency = home_currency
        self.multicurrency = multicurrency
        self.book_close_date: date | None = None
        self.entities: dict[str, dict[str, Record]] = {entity: {} for entity in entities.ENTITIES}
        self.invoices = self.entities["Invoice"]
        self.customers = self.entities["Customer"]
        self.payments = self.entities["Payment"]
        self.deposits = self.entities["Deposit"]
        self.credit_memos = self.entities["CreditMemo"]
        self.journal_entries = self.entities["JournalEntry"]
        self.accounts = self.entities["Account"]
        self.transfers = self.entities["Transfer"]
        self.items = self.entities["Item"]
        self.reconciled: set[str] = set()
        self.rates: dict[str, Decimal] = {}
        self.custom_field_names: dict[str, str] = {}
        self.unused_field_names: dict[str, str] = {}
        self.told: Record = {}
        self.merged: dict[str, str] = {}  # a customer and the one that was merged into it last
        self.gone: dict[str, dict[str, Record]] = {entity: {} for entity in entities.ENTITIES}
        self.created_at = clock()
        self._clock = clock
        self._emit = emit
        self._next_id = 0
        self._changes: list[tuple[str, str, Verb]] = []
        self.undeposited_funds_id = ""

    def now(self) -> datetime:
        """The instant that changes are stamped with."""
        return self._clock().astimezone(UTC)

    def touch(self, name: str, record: Record, verb: Verb) -> None:
        """Stamp a change: LastUpdatedTime and SyncToken rise, and `flush` will tell subscribers."""
        moment = stamp(self.now())
        if verb == "created":
            record |= {"SyncToken": "0", "MetaData": {"CreateTime": moment, "LastUpdatedTime": moment}}
        else:
            record["SyncToken"] = str(int(record["SyncToken"]) + 1)
            record["MetaData"] = {**record["MetaData"], "LastUpdatedTime": moment}
        if name not in entities.NOTES and (name, record["Id"], verb) not in self._changes:
            self._changes.append((name, record["Id"], verb))

    def flush(self) -> None:
        """Tell subscribers what changed since the last time."""
        changes, self._changes = self._changes, []
        if changes:
            self._emit(self, changes)

    def check_open(self, day: str) -> None:
        """Refuse a day in the closed period (code 6210)."""
        if self.book_close_date is not None and day <= self.book_close_date.isoformat():
            raise Fault("6210", "Account Period Closed, Cannot Update Through Services Error",
                        f"The account period has closed and the account books cannot be updated : {day}")  # fmt: skip

    def rate_of(self, currency: str, told: object) -> Decimal:
        """The exchange rate of a transaction: as told, else the rate known, 1 for the home currency."""
        if currency == self.home_currency:
            return Decimal(1)
        return self.rates.get(currency, Decimal(1)) if told is None else read_rate(told)

    def sales_tax_rate(self, code: str) -> Decimal:
        """The percentage that a tax code adds to a sale; Fault 2500 for a code that does not exist."""
        if code not in self.entities["TaxCode"]:
            raise not_valid("TaxCodeRef")
        details = self.entities["TaxCode"][code].get("SalesTaxRateList", {}).get("TaxRateDetail", [])
        rates = (self.entities["TaxRate"][reference(each["TaxRateRef"])]["RateValue"] for each in details)
        return sum(rates, ZERO)

    def receivables_account(self, currency: str) -> str:
        """The account of receivables in a currency, opened by the first sale in it."""
        name = "Accounts Receivable (A/R)" + ("" if currency == self.home_currency else f" - {currency}")
        return self.account_named(name, settlement.RECEIVABLES, "AccountsReceivable", currency)

    def account_named(self, name: str, kind: str, sub_type: str, currency: str) -> str:
        """The account of that name, opened when there is none."""
        for account in self.accounts.values():
            if account["Name"] == name:
                return str(account["Id"])
        body = {"Name": name, "AccountType": kind, "AccountSubType": sub_type, "CurrencyRef": {"value": currency}}
        return str(self.create("Account", body)["Id"])

    def create(self, name: str, body: Record) -> Record:
        """Create an entity; Fault when it is refused."""
        record = entities.shape(self, name, body, None)
        record["Id"] = self._new_id(name)
        self._keep(name, record, "created")
        return record

    def update(self, name: str, body: Record) -> Record:
        """Change an entity, fully or sparsely; Fault 5010 when its SyncToken is outdated."""
        old = self.current(name, body)
        self._check_free(name, old)
        record = entities.shape(self, name, body, old)
        self._release(name, old)
        self._keep(name, record, "updated")
        return self.entities[name][record["Id"]]

    def delete(self, name: str, body: Record) -> Record:
        """Delete a transaction; names cannot be deleted."""
        record = self.current(name, body)
        if name in entities.NAMES:
            raise Fault("500", "Unsupported Operation", f"Operation delete is not supported for {name}")
        if name in entities.TRANSACTIONS:
            self.check_open(record["TxnDate"])
        self._check_free(name, record)
        self._release(name, record)
        if name in ("Invoice", *settlement.CREDITS):
            settlement.unlink(self, name, record["Id"])
        del self.entities[name][record["Id"]]
        self.touch(name, record, "deleted")
        self.gone[name][record["Id"]] = record
        return {"domain": "QBO", "status": "Deleted", "Id": record["Id"]}

    def void(self, name: str, body: Record) -> Record:
        """Void an invoice or a payment: amounts become zero, the document stays."""
        if name not in ("Invoice", "Payment"):
            raise Fault("500", "Unsupported Operation", f"Operation void is not supported for {name}")
        record = self.current(name, body)
        self.check_open(record["TxnDate"])
        self._check_free(name, record)
        self._release(name, record)
        if name == "Invoice":
            settlement.unlink(self, name, record["Id"])
            record |= {"Balance": ZERO, "LinkedTxn": []}
            for line in record["Line"]:
                line["Amount"] = ZERO
        else:
            record |= {"UnappliedAmt": ZERO, "Line": []}
        record |= {"TotalAmt": ZERO, "PrivateNote": "Voided"}
        self.touch(name, record, "voided")
        return record

    def current(self, name: str, body: Record) -> Record:
        """The record that a change is about; Fault 610 when it is gone, 5010 when the SyncToken is outdated."""
        record = self.entities[name].get(str(body.get("Id")))
        if record is None:
            raise not_found()
        if str(body.get("SyncToken")) != record["SyncToken"]:
            raise stale()
        return record

    def _keep(self, name: str, record: Record, verb: Verb) -> None:
        kept = self.entities[name].setdefault(record["Id"], record)
        if kept is not record:
            kept.clear()
            kept.update(record)
        if name == "Payment":
            settlement.apply(self, kept, sign=1)
        elif name == "Deposit":
            settlement.mark_deposited(self, kept, sign=1)
        else:
            self._owe(name, kept, sign=1)
        self.touch(name, kept, verb)

    def _release(self, name: str, record: Record) -> None:
        if name == "Payment":
            settlement.apply(self, record, sign=-1)
        elif name == "Deposit":
            settlement.mark_deposited(self, record, sign=-1)
        else:
            self._owe(name, record, sign=-1)

    def _owe(self, name: str, record: Record, *, sign: int) -> None:
        if name == "Invoice":
            settlement.owe(self, reference(record["CustomerRef"]), sign * record["TotalAmt"])
        elif name == "CreditMemo":
            settlement.owe(self, reference(record["CustomerRef"]), -sign * record["TotalAmt"])
        elif name == "JournalEntry":
            for customer_id, amount in settlement.receivables_of(self, record):
                settlement.owe(self, customer_id, sign * amount)

    def _check_free(self, name: str, record: Record) -> None:
        """Refuse to change a payment that a deposit holds, or what the bank's line was matched to."""
        if name == "Payment" and any(link["TxnType"] == "Deposit" for link in record["LinkedTxn"]):
            raise deposited()
        if name in ("Payment", "Deposit", "JournalEntry", "Transfer") and record["Id"] in self.reconciled:
            raise matched()

    def _new_id(self, name: str) -> str:
        """Transactions, accounts and customers count together here; items and taxes each on their own."""
        if name in ("Item", *entities.TAXES):
            return str(len(self.entities[name]) + 1)
        self._next_id += 1
        return str(self._next_id)
