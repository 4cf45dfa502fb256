"""Reads of one QuickBooks company: all objects by query, changes by change data capture, single objects again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from connectors.errors import Absent, Fatal
from connectors.ledgers.pages import legible, listed, page
from connectors.ledgers.printed import checked
from connectors.ledgers.quickbooks import convert, invoiced
from connectors.ledgers.quickbooks.client import Json, QuickBooksClient
from connectors.records import CustomerFields, Kind, Page, Record, TaxCode
from receivables.invoiced import Invoiced, Issuer
from receivables.problem import Problem

PAGE_SIZE = 1000  # the largest that QuickBooks gives
MAX_PAGES = 10_000  # of one read
OVERLAP = 20  # objects of a page read again with the next: a deletion meanwhile shifts what follows to the left
CDC_OBJECTS = 1000  # an answer of so many is cut off
MAX_CDC_PARTS = 100  # further answers of changes after one that was cut off
CDC_REACH = timedelta(days=29)  # Intuit keeps changes for 30 days
FETCH_BATCH = 100
TITLE = "QuickBooks"
MERGED_INTO = ">"  # between the ids of a customer that is gone and of the one that took its place


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
            for items in self.items(source.entity, urgent=False, is_whole=True):
                found = self._page(kind, items)
                yield replace(found, records=tuple(record for record in found.records if not record.deleted))
            return
        reach = self._clock() - CDC_REACH
        changed = self._client.changes(source.entity, max(since, reach))
        if since >= reach and len(changed) < CDC_OBJECTS:
            yield self._page(kind, changed)
            return
        # What lives is read by query, as change data capture left some out; only that knows what was deleted.
        yield self._page(kind, [item for item in changed if convert.is_tombstone(item)])
        where = _changed_since(source.entity, since)
        for items in self.items(source.entity, where=where, urgent=False, is_whole=True):
            yield self._page(kind, items)
        yield from self._deleted_later(kind, changed)
        if since < reach:
            yield Page((), (_unknown_deletions(kind, f"before {reach:%Y-%m-%d}"),))

    def fetch(self, kind: Kind, external_ids: Sequence[str]) -> Page:
        """Read these objects again; those that are gone are left out."""
        source = _source(kind)
        merges = dict(each.split(MERGED_INTO) for each in external_ids if MERGED_INTO in each)
        single = {each for each in external_ids if MERGED_INTO not in each}
        wanted = sorted(single.union(merges, merges.values()))
        found: list[Json] = []
        for start in range(0, len(wanted), FETCH_BATCH):
            found += self.by_ids(source.entity, wanted[start : start + FETCH_BATCH])
        page = self._page(kind, found)
        living = {record.external_id for record in page.records if not record.deleted}
        merged = [_merged(gone, into) for gone, into in merges.items() if _is_merged(gone, into, living)]
        others = [record for record in page.records if record.external_id not in {each.external_id for each in merged}]
        return replace(page, records=(*others, *merged))

    def printed(self, external_id: str) -> bytes:
        """Return an invoice as QuickBooks prints it, in the company's own style."""
        return checked(self._client.printed(external_id), TITLE)

    def online(self, external_id: str) -> str:
        """Return the address at which a customer pays the invoice; "" where the company takes no payments by it."""
        return str(self._client.invoice_with_link(external_id).get("InvoiceLink") or "")

    def tax_codes(self) -> tuple[TaxCode, ...]:
        """Return the tax codes for sales. A company of the United States has one for our lines: that without tax.

        There QuickBooks works the tax out itself, by where the customer is: nobody can say before what a line comes to.
        """
        rates = {
            str(rate["Id"]): Decimal(str(rate.get("RateValue") or 0))
            for items in self.items("TaxRate", urgent=False)
            for rate in items
        }
        found = listed(
            (convert.tax_code(item, rates) for items in self.items("TaxCode", urgent=False) for item in items), TITLE
        )
        untaxed = tuple(code for code in found if code.code == convert.WITHOUT_TAX)
        return untaxed or found

    def issuer(self) -> Issuer:
        """Return the company that issues the invoices, with its taxes, in five calls."""
        (company,), (preferences,) = (self._all(entity) for entity in ("CompanyInfo", "Preferences"))
        agencies, codes, rates = (self._all(entity) for entity in ("TaxAgency", "TaxCode", "TaxRate"))

        def read() -> Issuer:
            home = str(preferences["CurrencyPrefs"]["HomeCurrency"]["value"])
            return invoiced.issuer(invoiced.Setup(company, agencies, codes, rates, home))

        return legible(read, what="the company", title=TITLE)

    def invoiced(self, external_id: str, issuer: Issuer) -> Invoiced:
        """Return an invoice with its lines; Absent when it is gone."""
        found = self.by_ids("Invoice", [external_id])
        if not found:
            raise Absent("QuickBooks does not have this invoice")
        return legible(lambda: invoiced.invoiced(found[0], issuer), what="the invoice", title=TITLE)

    def by_ids(self, entity: str, external_ids: Sequence[str]) -> list[Json]:
        """Read the raw objects with these ids, at most a page of them."""
        if not external_ids:
            return []
        wanted = ", ".join(f"'{quoted(external_id)}'" for external_id in external_ids)
        where = f"Id IN ({wanted}){_with_inactive(entity)}"
        select = f"SELECT * FROM {entity} WHERE {where} MAXRESULTS {PAGE_SIZE}"  # noqa: S608 - quoted above
        return list(self._client.query(select, urgent=True).get(entity) or [])

    def items(self, entity: str, *, urgent: bool, where: str = "", is_whole: bool = False) -> Iterator[list[Json]]:
        """Yield the raw objects of an entity, page by page in the order of their ids, none twice in a row of pages.

        A replica that lags leaves out what is new, so that a page that is not full may be one of the first, and
        QuickBooks does not say how many there are: with `is_whole` they are read up to one that shows nothing new.
        """
        condition = f" WHERE {where}" if where else ""
        before: set[str] = set()
        start = 1
        for _ in range(MAX_PAGES):
            paging = f"ORDERBY Id STARTPOSITION {start} MAXRESULTS {PAGE_SIZE}"
            select = f"SELECT * FROM {entity}{condition} {paging}"  # noqa: S608 - no outside text
            answer = self._client.query(select, urgent=urgent)
            found = list(answer.get(entity) or [])
            fresh = [item for item in found if str(item.get("Id")) not in before]
            yield fresh
            if not fresh or (len(found) < PAGE_SIZE and not is_whole):
                return
            before = {str(item.get("Id")) for item in found}
            start += PAGE_SIZE - OVERLAP
        raise Fatal(f"QuickBooks' list {entity} has more than {MAX_PAGES} pages")

    def _all(self, entity: str) -> list[Json]:
        """Return what there is a handful of, such as tax codes."""
        select = f"SELECT * FROM {entity} MAXRESULTS {PAGE_SIZE}"  # noqa: S608 - no outside text
        return list(self._client.query(select, urgent=True).get(entity) or [])

    def _deleted_later(self, kind: Kind, changed: Sequence[Json]) -> Iterator[Page]:
        """Yield what was deleted after the last change of a cut answer, oldest changes first as Intuit gives them."""
        entity = _source(kind).entity
        since: datetime | None = None
        for _ in range(MAX_CDC_PARTS):
            if len(changed) < CDC_OBJECTS:
                return
            last = max(convert.moment(item) for item in changed)
            if since is not None and last <= since:  # more than an answer's worth within one second
                break
            since = last
            changed = self._client.changes(entity, since)
            yield self._page(kind, [item for item in changed if convert.is_tombstone(item)])
        yield Page((), (_unknown_deletions(kind, f"after {since:%Y-%m-%d %H:%M}"),))

    def _page(self, kind: Kind, items: Sequence[Json]) -> Page:
        source = _source(kind)

        def read(item: Mapping[str, Any]) -> Record:
            return convert.tombstone(kind, item) if convert.is_tombstone(item) else source.convert(item)

        return page(kind, items, read, identity="Id", title=TITLE)


def _is_merged(gone: str, into: str, living: Collection[str]) -> bool:
    """Whether what is there now bears a merge out that was told: the one is gone, and the other lives."""
    return gone not in living and into in living


def _merged(gone: str, into: str) -> Record:
    fields = CustomerFields("", merged_into_external_id=into)
    return Record(Kind.CUSTOMER, gone, "", None, fields, deleted=True)


def quoted(text: str) -> str:
    """Escape text for a query's quotes."""
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _with_inactive(entity: str) -> str:
    """Customers and accounts that are inactive are shown only to those who ask."""
    return " AND Active IN (true, false)" if entity in ("Customer", "Account") else ""


def _changed_since(entity: str, since: datetime) -> str:
    stamp = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")
    return f"MetaData.LastUpdatedTime >= '{stamp}'{_with_inactive(entity)}"


def _unknown_deletions(kind: Kind, when: str) -> Problem:
    what = kind.value.replace("_", " ")
    return Problem(
        code="deletions_unknown",
        text=f"{TITLE} no longer tells which objects ({what}) were deleted {when}.",
        remedy=f"Compare what is open here with the ageing report in {TITLE}; open and save what differs.",
        subject=what,
    )


def _source(kind: Kind) -> Source:
    try:
        return SOURCES[kind]
    except KeyError:
        raise Fatal(f"QuickBooks has no {kind.value}") from None
