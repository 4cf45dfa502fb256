"""What one Xero organisation keeps, and what every rule asks of it: the time, the next id, open periods, rates.

Records are kept in Xero's JSON field names with Decimal amounts, `date` days and aware UTC instants.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

from sandbox.xero.values import ONE, Commit, Record, Refused, stable_id

Emit = Callable[["Ledger", str, str, Record], None]
_WITH_WEBHOOKS = ("INVOICE", "CONTACT", "CREDITNOTE")


class Ledger:
    """The records of one organisation. `period_lock_date` and `end_of_year_lock_date` refuse writes dated until then.

    `day_rates` holds the units of a currency that one of the base currency buys today, `tax_rates` per cent by tax
    type of what is sold, `gone_tax_rates` those that a person deleted, `realised_gains` what each payment in a foreign
    currency gained, in the base currency, `told` what people filled in of the organisation itself, by JSON names.
    """

    def __init__(
        self,
        *,
        tenant_id: str,
        name: str,
        base_currency: str,
        short_code: str,
        clock: Callable[[], datetime],
        emit: Emit,
        lock: threading.RLock,
    ) -> None:
        self.lock = lock
        self.tenant_id = tenant_id
        self.name = name
        self.base_currency = base_currency
        self.short_code = short_code
        self.created_at = clock()
        self.period_lock_date: date | None = None
        self.end_of_year_lock_date: date | None = None
        self.sends_reminders = False
        self.accounts: dict[str, Record] = {}
        self.contacts: dict[str, Record] = {}
        self.invoices: dict[str, Record] = {}
        self.credit_notes: dict[str, Record] = {}
        self.payments: dict[str, Record] = {}
        self.batch_payments: dict[str, Record] = {}
        self.bank_transactions: dict[str, Record] = {}
        self.bank_transfers: dict[str, Record] = {}
        self.overpayments: dict[str, Record] = {}
        self.prepayments: dict[str, Record] = {}
        self.history: dict[str, Record] = {}
        self.attachments: dict[str, Record] = {}
        self.payment_services: dict[str, Record] = {}
        self.branding_themes: dict[str, Record] = {}
        self.numbers: dict[str, str] = {}
        self.made_through_api: set[str] = set()
        self.day_rates: dict[str, Decimal] = {}
        self.tax_rates: dict[str, Decimal] = {"NONE": Decimal(0), "OUTPUT2": Decimal(20)}
        self.gone_tax_rates: dict[str, Decimal] = {}
        self.told: Record = {}
        self.realised_gains: dict[str, Decimal] = {}
        # What a client pages through and the records that it asked for, until something changes.
        self.paging: tuple[object, list[Record]] | None = None
        self._clock = clock
        self._emit = emit
        self._counters: defaultdict[str, int] = defaultdict(int)

    def now(self) -> datetime:
        """The instant that changes are stamped with."""
        return self._clock().astimezone(UTC)

    def new_id(self, kind: str) -> str:
        """The next id of a kind."""
        self._counters[kind] += 1
        return stable_id(self.tenant_id, kind, self._counters[kind])

    def changed(self, category: str, event: str, record: Record) -> None:
        """Stamp `record` as changed now and, for what Xero has webhooks of, tell subscribers."""
        record["UpdatedDateUTC"] = self.now()
        self.paging = None
        if category in _WITH_WEBHOOKS:
            self._emit(self, category, event, record)

    def check_open(self, day: date) -> None:
        """Refuse a date in a locked period."""
        for name, last in (("period", self.period_lock_date), ("end of year", self.end_of_year_lock_date)):
            if last is not None and day <= last:
                raise Refused(
                    f"The document date cannot be before the {name} lock date, currently set at {last:%d-%b-%Y}"
                )

    def rate(self, currency: str, given: object = None) -> Decimal:
        """Units of `currency` for one of the base currency: as given, else the day's."""
        if currency == self.base_currency:
            return ONE
        rate = Decimal(str(given)) if given else self.day_rates.get(currency, ONE)
        if rate <= 0:
            raise Refused("The currency rate must be greater than 0")
        return rate

    def account(self, reference: object) -> Record:
        """The account that `{AccountID}` or `{Code}` names; Refused when there is none."""
        wanted = reference if isinstance(reference, dict) else {}
        found = self.accounts.get(str(wanted.get("AccountID"))) or next(
            (a for a in self.accounts.values() if wanted.get("Code") and a["Code"] == str(wanted["Code"])), None
        )
        if found is None:
            raise Refused("Account could not be found")
        return found

    def contact(self, reference: object) -> Record:
        """The contact that `{ContactID}`, `{ContactNumber}` or `{Name}` names; Refused when there is none."""
        wanted = reference if isinstance(reference, dict) else {}
        found = self.contacts.get(str(wanted.get("ContactID")))
        for field in ("ContactNumber", "Name"):
            if found is None and wanted.get(field):
                found = next((c for c in self.contacts.values() if c.get(field) == wanted[field]), None)
        if found is None:
            raise Refused("The contact could not be found")
        return found

    def note(self, object_id: str, details: str, *, changes: str = "Note", user: str = "System Generated") -> Commit:
        """Plan a line in the history of a document."""

        def commit() -> Record:
            history_id = self.new_id("history")
            self.history[history_id] = {
                "ObjectID": object_id, "Changes": changes, "DateUTC": self.now(), "User": user, "Details": details,
            }  # fmt: skip
            return self.history[history_id]

        return commit
