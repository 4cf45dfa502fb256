"""Financial Connections: a bank account that was linked on a page, and what Stripe's readings of the bank bring.

What the bank books is seen by nobody before Stripe has read it: `bank_books`, `bank_changes` and `bank_takes_out` are
acts of the bank, `finish_reading` is what makes them visible.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sandbox.stripe import bank_objects
from sandbox.stripe.objects import Object
from sandbox.stripe.payments import Payments
from sandbox.stripe.refusal import Refused

READING_TAKES = timedelta(minutes=2)
READ_AGAIN_AFTER = timedelta(hours=1)
_EVENT = "financial_connections.account"


class BankLinks(Payments):
    """Linked bank accounts and their lines."""

    def link_bank(self, payer_id: str, permissions: list[str]) -> str:
        """Let a person agree at their bank; return the account's id. With `transactions` the bank is read at once."""
        with self._lock:
            account = bank_objects.bank_account(
                id=self.new_id("fca"), created=self.now(), payer=payer_id, permissions=permissions
            )
            self.bank_accounts[account["id"]] = account
            self.emit(f"{_EVENT}.created", account)
            if "transactions" in permissions:
                self.begin_reading(account["id"])
            return str(account["id"])

    def bank_books(
        self, account_id: str, amount: int, text: str, *, pending: bool = False, at: datetime | None = None
    ) -> str:
        """Let the bank book money in (positive) or out; return the line's id. Pending lines move no balance yet."""
        with self._lock:
            line = bank_objects.transaction(
                id=self.new_id("fctxn"), at=self.now(at), account=account_id, amount=amount, text=text, pending=pending
            )
            self.bank_lines[line["id"]] = line
            return str(line["id"])

    def bank_changes(self, line_id: str, state: str) -> None:
        """Let the bank book a pending line, or let a line disappear (`void`)."""
        with self._lock:
            line = self.bank_lines[line_id]
            line |= {"status": state, "updated": self.now(), "transaction_refresh": ""}
            line["status_transitions"]["posted_at" if state == "posted" else "void_at"] = self.now()

    def unlink_bank(self, account_id: str) -> None:
        """Let the bank end what was agreed there."""
        with self._lock:
            account = self.bank_accounts[account_id]
            account["status"] = "inactive"
            self.emit(f"{_EVENT}.deactivated", account)

    def subscribe_bank(self, account_id: str, features: list[str]) -> Object:
        """Have an account read about once a day."""
        with self._lock:
            account = self._readable(account_id, features)
            account["subscriptions"] = sorted({*account["subscriptions"], *features})
            return account

    def refresh_bank(self, account_id: str, features: list[str]) -> Object:
        """Have an account read now; Refused where that is too early."""
        with self._lock:
            account = self._readable(account_id, features)
            refresh = account["transaction_refresh"]
            if refresh is not None and (refresh["next_refresh_available_at"] or self.now() + 1) > self.now():
                raise Refused("This account was refreshed too recently.", param="features")
            self.begin_reading(account_id)
            return account

    def begin_reading(self, account_id: str) -> None:
        """Begin a reading of the bank, which takes minutes."""
        self.bank_accounts[account_id]["transaction_refresh"] = {
            "id": self.new_id("fctxnref"),
            "last_attempted_at": self.now(),
            "next_refresh_available_at": None,
            "status": "pending",
        }

    def finish_readings(self) -> None:
        """End the readings that have taken their time: all that the bank booked or changed until now is visible."""
        with self._lock:
            for account in self.bank_accounts.values():
                refresh = account["transaction_refresh"]
                due = refresh is not None and self.now() >= refresh["last_attempted_at"] + READING_TAKES.total_seconds()
                if due and refresh["status"] == "pending":
                    self._finish(account, refresh)

    def _finish(self, account: Object, refresh: Object) -> None:
        can_be_read = account["status"] == "active"
        refresh["status"] = "succeeded" if can_be_read else "failed"
        refresh["next_refresh_available_at"] = self.now() + int(READ_AGAIN_AFTER.total_seconds())
        if not can_be_read:
            return
        for line in self.bank_lines.values():
            if line["account"] == account["id"] and not line["transaction_refresh"]:
                line["transaction_refresh"] = refresh["id"]
        self.bank_readings.append(refresh["id"])
        self.emit(f"{_EVENT}.refreshed_transactions", account)

    def lines_of(self, account_id: str, *, after: str | None) -> list[Object]:
        """What readings after this one brought or changed."""
        account = self.known(self.bank_accounts, "financial_connections.account", account_id)
        seen = [line for line in self.bank_lines.values() if line["transaction_refresh"]]
        mine = [line for line in seen if line["account"] == account["id"]]
        if after is None:
            return mine
        if after not in self.bank_readings:
            raise Refused(f"No such transaction refresh: {after}", param="transaction_refresh[after]")
        later = self.bank_readings[self.bank_readings.index(after) + 1 :]
        return [line for line in mine if line["transaction_refresh"] in later]

    def _readable(self, account_id: str, features: list[str]) -> Object:
        account = self.known(self.bank_accounts, "financial_connections.account", account_id)
        if account["status"] != "active":
            raise Refused("The account is inactive.", code="financial_connections_account_inactive")
        if not set(features) <= set(account["permissions"]):
            raise Refused("You do not have permission to access this data.", param="features")
        return account
