"""The index of open items of each organisation, kept from one run of matching to the next."""

from __future__ import annotations

import gc
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection, Select, Text, cast, select

from receivables.document import DocumentKind, DocumentStatus
from reconcile.candidates import OpenItemIndex
from runtime.operations.matching.open_items import OpenDocument, open_documents, pending_allocations
from runtime.store import tables as t
from runtime.store.rows import chunks

MAX_KEPT_DOCUMENTS = 2_000_000  # of all organisations together: some 400 bytes each; whoever was asked for last stays
MAX_READ_SINGLY = 5_000  # changed documents that are read by their ids; from more on all that are open are read
FREEZE_FROM = 50_000  # documents
CLOSED_REMEMBERED = timedelta(days=400)
_DOUBTED = 0
_IS_OPEN = t.document.c.status == DocumentStatus.OPEN.value


class KeptIndex:
    """One organisation's index, and a hash of what it was last told about each document.

    No cursor over changes would be safe: a unit of work that began earlier may commit later, and not every change
    that matters here marks its document. So what is open is read in narrow rows and compared, which misses nothing
    whoever wrote it; only what differs is read whole and indexed anew.
    """

    def __init__(self) -> None:
        self.index = OpenItemIndex()
        self._told: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._told)

    def follow(self, db: Connection, organisation_id: str, now: datetime) -> None:
        """Bring the index to what this unit of work sees."""
        is_new = not self._told
        pending = pending_allocations(db, organisation_id, is_open=True)
        opened = {row.id: hash((*row, pending.get(row.id, 0))) for row in db.execute(_open(organisation_id))}
        closed = {row.id: (hash(tuple(row)), row) for row in db.execute(_closed(organisation_id, now))}
        # In their order: the rows of those that go are used again, and an item's row must not hang on chance.
        for gone in sorted(self._told.keys() - opened.keys() - closed.keys()):
            self.index.remove(gone)
            del self._told[gone]
        changed = [item_id for item_id, told in opened.items() if self._told.get(item_id) != told]
        for document in _read(db, organisation_id, changed):
            self._take(document, opened[document.document.document_id])
        for item_id, (told, row) in closed.items():
            if self._told.get(item_id) != told:
                self.index.note_closed(row.number, row.id, row.customer_id)
                self._told[item_id] = told
        names = select(t.customer.c.id, t.customer.c.name).where(t.customer.c.organisation_id == organisation_id)
        for customer in db.execute(names):
            self.index.note_customer(customer.id, customer.name)
        if is_new and len(self) >= FREEZE_FROM:
            # It lives as long as the process, and its million texts would be walked at every full collection.
            gc.freeze()

    def doubt(self, item_id: str) -> None:
        """Have an item read again at the next look, because the index was changed ahead of the store."""
        self._told[item_id] = _DOUBTED

    def _take(self, document: OpenDocument, told: int) -> None:
        item = document.item()
        # By now it may have been closed: what was told then is compared at the next look.
        if item.open_amount and document.document.status is DocumentStatus.OPEN:
            self.index.add(item)
        else:
            self.index.remove(item.item_id)
        self._told[item.item_id] = told


class KeptIndexes:
    """The indexes of one process, at most MAX_KEPT_DOCUMENTS in all: who was not asked for longest is built again."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, KeptIndex] = OrderedDict()
        self._lock = threading.Lock()

    def up_to_date(self, db: Connection, organisation_id: str, now: datetime) -> KeptIndex:
        """Return an organisation's index as this unit of work sees its documents.

        Whoever holds the organisation's lock (`connections.lock_organisation`) has it alone until that unit ends.
        """
        with self._lock:
            kept = self._kept.setdefault(organisation_id, KeptIndex())
            self._kept.move_to_end(organisation_id)
        kept.follow(db, organisation_id, now)
        with self._lock:
            while len(self._kept) > 1 and sum(map(len, self._kept.values())) > MAX_KEPT_DOCUMENTS:
                self._kept.popitem(last=False)
        return kept

    def forget(self, organisation_id: str) -> None:
        """Build an organisation's index anew when it is next asked for."""
        with self._lock:
            self._kept.pop(organisation_id, None)


def _open(organisation_id: str) -> Select[tuple[str, ...]]:
    """Everything of an open document that the matcher knows, as plain values that cost nothing to read."""
    document, customer = t.document.c, t.customer.c
    return (
        select(
            document.id,
            document.kind,
            document.number,
            cast(document.references, Text),
            document.customer_id,
            document.currency,
            document.balance_minor,
            cast(document.issued_on, Text),
            cast(document.due_on, Text),
            customer.parent_id,
        )
        .outerjoin(t.customer, customer.id == document.customer_id)
        .where(document.organisation_id == organisation_id, _IS_OPEN)
    )


def _closed(organisation_id: str, now: datetime) -> Select[tuple[str, str, str]]:
    document = t.document.c
    return select(document.number, document.id, document.customer_id).where(
        document.organisation_id == organisation_id,
        document.status == DocumentStatus.PAID.value,
        document.kind == DocumentKind.INVOICE.value,
        document.issued_on >= (now - CLOSED_REMEMBERED).date(),
    )


def _read(db: Connection, organisation_id: str, document_ids: list[str]) -> Iterable[OpenDocument]:
    if len(document_ids) > MAX_READ_SINGLY:
        wanted = set(document_ids)
        documents = open_documents(db, organisation_id)
        return (each for each in documents if each.document.document_id in wanted)
    return _read_singly(db, organisation_id, document_ids)


def _read_singly(db: Connection, organisation_id: str, document_ids: list[str]) -> Iterator[OpenDocument]:
    for ids in chunks(document_ids):
        yield from open_documents(db, organisation_id, document_ids=ids)
