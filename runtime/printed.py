"""Invoices that were printed lately: whoever opens one again costs their ledger no call."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from cachetools import LRUCache

MAX_KEPT_BYTES = 64_000_000  # of one process

_Name = tuple[str, datetime]


class PrintedInvoices:
    """Keeps PDFs by document and the time at which it was last changed. Safe to use from many threads."""

    def __init__(self) -> None:
        self._kept: LRUCache[_Name, bytes] = LRUCache(MAX_KEPT_BYTES, getsizeof=len)
        self._lock = threading.Lock()

    def get(self, document_id: str, changed_at: datetime, print_it: Callable[[], bytes]) -> bytes:
        """Return the PDF of a document as it is since `changed_at`; `print_it` makes it where it is not kept."""
        name = (document_id, changed_at)
        with self._lock:
            kept = self._kept.get(name)
        if kept is not None:
            return kept
        printed = print_it()
        with self._lock:
            self._kept[name] = printed
        return printed
