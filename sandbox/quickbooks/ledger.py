"""The books of one QuickBooks company: every change of them, with its stamps, links and balances.

Records are kept in QuickBooks' JSON names with Decimal amounts; days and instants are text as QuickBooks writes them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Literal

from sandbox.quickbooks import entities, settlement
from sandbox.quickbooks.values import ZERO, Fault, Record, business, not_found, stale, stamp

Verb = Literal["created", "updated", "deleted", "voided", "merged"]
Emit = Callable[["Ledger", list[tuple[str, str, Verb]]], None]


class Ledger:
    """The books as the API changes them. `book_close_date` refuses writes dated on or before it."""

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
        if (name, record["Id"], verb) not in self._changes:
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

    def create(self, name: str, body: Record) -> Record:
        """Create an entity; Fault when it is refused."""
        record = entities.shape(self, name, body, None)
        self._next_id += 1
        record["Id"] = str(self._next_id)
        self._keep(name, record, "created")
        return record

    def update(self, name: str, body: Record) -> Record:
        """Change an entity, fully or sparsely; Fault 5010 when its SyncToken is outdated."""
        old = self.current(name, body)
        record = entities.shape(self, name, body, old)
        self._release(name, old)
        self._keep(name, record, "updated")
        return self.entities[name][record["Id"]]

    def delete(self, name: str, body: Record) -> Record:
        """Delete a transaction; names cannot be deleted."""
        record = self.current(name, body)
        if name in entities.NAMES:
            raise Fault("500", "Unsupported Operation", f"Operation delete is not supported for {name}")
        self.check_open(record["TxnDate"])
        self._check_undeposited(name, record)
        self._release(name, record)
        if name in ("Invoice", "CreditMemo"):
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
        self._check_undeposited(name, record)
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
        elif name in ("Invoice", "CreditMemo"):
            settlement.owe(self, kept, kept["TotalAmt"] if name == "Invoice" else -kept["TotalAmt"])
        self.touch(name, kept, verb)

    def _release(self, name: str, record: Record) -> None:
        if name == "Payment":
            settlement.apply(self, record, sign=-1)
        elif name == "Deposit":
            settlement.mark_deposited(self, record, sign=-1)
        elif name in ("Invoice", "CreditMemo"):
            settlement.owe(self, record, -record["TotalAmt"] if name == "Invoice" else record["TotalAmt"])

    def _check_undeposited(self, name: str, record: Record) -> None:
        if name == "Payment" and any(link["TxnType"] == "Deposit" for link in record["LinkedTxn"]):
            raise business("The payment has been deposited; remove it from the deposit first")
