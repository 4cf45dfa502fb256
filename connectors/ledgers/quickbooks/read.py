"""Reads of one QuickBooks company: all objects by query, changes by change data capture, single objects again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.errors import Fatal
from connectors.ledgers.pages import page
from connectors.ledgers.quickbooks import convert
from connectors.ledgers.quickbooks.client import Json, QuickBooksClient
from connectors.records import Kind, Page, Record

PAGE_SIZE = 1000  # the largest that QuickBooks gives
MAX_PAGES = 10_000  # of one read
OVERLAP = 20  # objects of a page read again with the next: a deletion meanwhile shifts what follows to the left
CDC_OBJECTS = 1000  # an answer of so many is cut off
CDC_REACH = timedelta(days=29)  # Intuit keeps changes for 30 days
FETCH_BATCH = 100
TITLE = "QuickBooks"


@dataclass(frozen=True, slots=True)
class Source:
    """An entity of QuickBooks and how an object of it is read."""

    entity: str
    convert: Callable[[Mapping[str, Any]], Record]


SOURCES = {
    Kind.CUSTOMER: Source("Customer", convert.customer),
    Kind.INVOICE: Source("Invoice", convert.invoice),
    Kind.CREDIT_NOTE: Source("CreditMemo", convert.credit_memo),
    Kind.PAYMENT: Source("Payment", convert.payment),
    Kind.CODED_RECEIPT: Source("Deposit", convert.coded_receipt),
    Kind.ACCOUNT: Source("Account", convert.account),
}


class QuickBooksReader:
    """Reads for one company."""

    def __init__(self, client: QuickBooksClient, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._clock = clock

    def read(self, kind: Kind, *, since: datetime | None) -> Iterator[Page]:
        """Yield all objects of `kind` (deleted ones left out), or those changed at or after `since`."""
        source = _source(kind)
        if since is None:
            for items in self.items(source.entity, urgent=False):
                found = self._page(kind, items)
                yield replace(found, records=tuple(record for record in found.records if not record.deleted))
            return
        if self._clock() - since <= CDC_REACH:
            changed = self._client.changes(source.entity, since)
            yield self._page(kind, changed)
            if len(changed) < CDC_OBJECTS:
                return
        stamp = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")
        for items in self.items(source.entity, where=f"MetaData.LastUpdatedTime >= '{stamp}'", urgent=False):
            yield self._page(kind, items)

    def fetch(self, kind: Kind, external_ids: Sequence[str]) -> Page:
        """Read these objects again; those that are gone are left out."""
        source = _source(kind)
        found: list[Json] = []
        for start in range(0, len(external_ids), FETCH_BATCH):
            found += self.by_ids(source.entity, external_ids[start : start + FETCH_BATCH])
        return self._page(kind, found)

    def by_ids(self, entity: str, external_ids: Sequence[str]) -> list[Json]:
        """Read the raw objects with these ids, at most a page of them."""
        wanted = ", ".join(f"'{quoted(external_id)}'" for external_id in external_ids)
        select = f"SELECT * FROM {entity} WHERE Id IN ({wanted}) MAXRESULTS {PAGE_SIZE}"  # noqa: S608 - quoted above
        return list(self._client.query(select, urgent=True).get(entity) or [])

    def items(self, entity: str, *, urgent: bool, where: str = "") -> Iterator[list[Json]]:
        """Yield the raw objects of an entity, page by page in the order of their ids, none twice in a row of pages."""
        condition = f" WHERE {where}" if where else ""
        before: set[str] = set()
        start = 1
        for _ in range(MAX_PAGES):
            paging = f"ORDERBY Id STARTPOSITION {start} MAXRESULTS {PAGE_SIZE}"
            select = f"SELECT * FROM {entity}{condition} {paging}"  # noqa: S608 - no outside text
            answer = self._client.query(select, urgent=urgent)
            found = list(answer.get(entity) or [])
            yield [item for item in found if str(item.get("Id")) not in before]
            if len(found) < PAGE_SIZE:
                return
            before = {str(item.get("Id")) for item in found}
            start += PAGE_SIZE - OVERLAP
        raise Fatal(f"QuickBooks' list {entity} has more than {MAX_PAGES} pages")

    def _page(self, kind: Kind, items: Sequence[Json]) -> Page:
        source = _source(kind)

        def read(item: Mapping[str, Any]) -> Record:
            return convert.tombstone(kind, item) if convert.is_tombstone(item) else source.convert(item)

        return page(kind, items, read, identity="Id", title=TITLE)


def quoted(text: str) -> str:
    """Escape text for a query's quotes."""
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _source(kind: Kind) -> Source:
    try:
        return SOURCES[kind]
    except KeyError:
        raise Fatal(f"QuickBooks has no {kind.value}") from None
