"""Invoices that a ledger stated in full lately: whoever asks for another format of one costs it no call."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from cachetools import TTLCache

from connectors.contract import StatesInvoices
from receivables.invoiced import Invoiced, Issuer
from runtime.clock import Clock

MAX_KEPT_INVOICES = 2_000  # of one process; a few kilobytes each
INVOICES_KEPT = timedelta(minutes=15)  # lines may change without a change of what else we know of an invoice
MAX_KEPT_ISSUERS = 256
ISSUERS_KEPT = timedelta(days=1)  # names, numbers and rates of tax seldom change

Name = TypeVar("Name")
Made = TypeVar("Made")
_Account = tuple[str, str, str]  # organisation, system, account


class StatedInvoices:
    """Keeps what ledgers stated, by document and the time at which it was last changed. Safe to use from threads."""

    def __init__(self, clock: Clock) -> None:
        def now() -> float:
            return clock().timestamp()

        self._invoices: TTLCache[tuple[str, datetime], Invoiced] = TTLCache(
            MAX_KEPT_INVOICES, INVOICES_KEPT.total_seconds(), now
        )
        self._issuers: TTLCache[_Account, Issuer] = TTLCache(MAX_KEPT_ISSUERS, ISSUERS_KEPT.total_seconds(), now)
        self._lock = threading.Lock()

    def issuer(self, account: _Account, connector: StatesInvoices, *, afresh: bool) -> Issuer:
        """Return who issues the invoices of an account; `afresh` asks the ledger in any case."""
        return self._kept(self._issuers, account, connector.issuer, afresh=afresh)

    def invoice(
        self, document_id: str, changed_at: datetime, read: Callable[[], Invoiced], *, afresh: bool
    ) -> Invoiced:
        """Return a document as it is since `changed_at`; `read` asks the ledger where it is not kept, or `afresh`."""
        return self._kept(self._invoices, (document_id, changed_at), read, afresh=afresh)

    def _kept(self, kept: TTLCache[Name, Made], name: Name, read: Callable[[], Made], *, afresh: bool) -> Made:
        with self._lock:
            found = None if afresh else kept.get(name)
        if found is not None:
            return found
        made = read()
        with self._lock:
            kept[name] = made
        return made
