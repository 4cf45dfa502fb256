"""Reads of one Xero tenant: all objects or those changed, in the largest pages, and single objects again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.errors import Absent, Fatal
from connectors.ledgers.pages import legible, listed, page, unreadable
from connectors.ledgers.printed import checked
from connectors.ledgers.xero import convert, invoiced
from connectors.ledgers.xero.client import Json, XeroClient
from connectors.records import Kind, Page, Record, TaxCode
from receivables.invoiced import Invoiced, Issuer
from receivables.problem import Problem

PAGE_SIZE = 1000  # the largest that Xero gives
MAX_PAGES = 10_000  # of one read: ten million objects
FETCH_BATCH = 50  # so many ids make a query of 1,980 characters; servers of its kind stop at 2,048
TITLE = "Xero"


@dataclass(frozen=True, slots=True)
class Source:
    """A list of Xero's API: the SDK's operations, the name of the list, the id field and how an object is read."""

    listing: str
    single: str
    items: str
    identity: str
    convert: Callable[[Mapping[str, Any]], Record | None]
    paged: bool = True
    options: tuple[tuple[str, object], ...] = ()


CONTACTS = Source(
    "get_contacts", "get_contact", "Contacts", "ContactID", convert.customer, options=(("include_archived", True),)
)
INVOICES = Source(
    "get_invoices",
    "get_invoice",
    "Invoices",
    "InvoiceID",
    convert.invoice,
    options=(("where", 'Type=="ACCREC"'),),
)
CREDIT_NOTES = Source(
    "get_credit_notes",
    "get_credit_note",
    "CreditNotes",
    "CreditNoteID",
    convert.credit_note,
    options=(("where", 'Type=="ACCRECCREDIT"'),),
)
PAYMENTS = Source("get_payments", "get_payment", "Payments", "PaymentID", convert.payment)
BATCHES = Source(
    "get_batch_payments", "get_batch_payment", "BatchPayments", "BatchPaymentID", lambda _: None, paged=False
)
OVERPAYMENTS = Source("get_overpayments", "get_overpayment", "Overpayments", "OverpaymentID", convert.held_credit)
PREPAYMENTS = Source("get_prepayments", "get_prepayment", "Prepayments", "PrepaymentID", convert.held_credit)
BANK = Source(
    "get_bank_transactions",
    "get_bank_transaction",
    "BankTransactions",
    "BankTransactionID",
    convert.coded_receipt,
)
OUR_INVOICES = replace(INVOICES, options=(("created_by_my_app", True),))
RECEIVED = replace(BANK, options=(("where", 'Type=="RECEIVE"'),))
ACCOUNTS = Source("get_accounts", "get_account", "Accounts", "AccountID", convert.account, paged=False)
TRANSFERS = Source(
    "get_bank_transfers", "get_bank_transfer", "BankTransfers", "BankTransferID", lambda _: None, paged=False
)

_SOURCES = {
    Kind.CUSTOMER: CONTACTS,
    Kind.INVOICE: INVOICES,
    Kind.CREDIT_NOTE: CREDIT_NOTES,
    Kind.CODED_RECEIPT: RECEIVED,
    Kind.ACCOUNT: ACCOUNTS,
}
_BY_IDS = (Kind.CUSTOMER, Kind.INVOICE)  # the lists that take IDs=
_ID_OPTIONS = {CONTACTS.items: {"page": 1}}  # without a page Xero leaves out what a contact was merged into


class XeroReader:
    """Reads for one tenant."""

    def __init__(self, client: XeroClient) -> None:
        self._client = client

    def read(self, kind: Kind, *, since: datetime | None) -> Iterator[Page]:
        """Yield all objects of `kind`, or those changed at or after `since`."""
        if kind is Kind.PAYMENT:
            yield from self._payments(since)
            return
        source = _source(kind)
        for items in self.items(source, since=since, urgent=False):
            yield page(kind, items, source.convert, identity=source.identity, title=TITLE)

    def fetch(self, kind: Kind, external_ids: Sequence[str]) -> Page:
        """Read these objects again; those that are gone are left out."""
        if kind is Kind.PAYMENT:
            return self._fetch_payments(external_ids)
        source = _source(kind)
        found: list[Json] = []
        if kind in _BY_IDS:
            for start in range(0, len(external_ids), FETCH_BATCH):
                found += self.by_ids(source, external_ids[start : start + FETCH_BATCH])
        else:
            for external_id in external_ids:
                found += self.one(source, external_id)
        return page(kind, found, source.convert, identity=source.identity, title=TITLE)

    def one(self, source: Source, external_id: str) -> list[Json]:
        """Read one object: a list of it, or an empty list when it is gone."""
        try:
            answer = self._client.get(getattr(self._client.api, source.single), external_id, urgent=True)
        except Absent:
            return []
        return list(answer.get(source.items) or [])

    def printed(self, external_id: str) -> bytes:
        """Return an invoice as Xero prints it, in the organisation's own branding."""
        return checked(self._client.get_file(self._client.api.get_invoice_as_pdf, external_id), TITLE)

    def online(self, external_id: str) -> str:
        """Return the address of Xero's online invoice; "" for one that is not approved yet."""
        try:
            answer = self._client.get(self._client.api.get_online_invoice, external_id, urgent=True)
        except Absent:
            return ""
        shown: list[Json] = answer.get("OnlineInvoices") or [{}]
        return str(shown[0].get("OnlineInvoiceUrl") or "")

    def issuer(self) -> Issuer:
        """Return the organisation that issues the invoices, with its tax rates, in two calls."""
        told = self._client.get(self._client.api.get_organisations, urgent=True)
        rates = self._client.get(self._client.api.get_tax_rates, urgent=True).get("TaxRates") or []
        return legible(lambda: invoiced.issuer(told["Organisations"][0], rates), what="the organisation", title=TITLE)

    def invoiced(self, external_id: str, issuer: Issuer) -> Invoiced:
        """Return an invoice with its lines; Absent when it is gone."""
        operation, digits = self._client.api.get_invoice, invoiced.UNIT_DECIMALS
        told = self._client.get(operation, external_id, urgent=True, unitdp=digits)
        return legible(lambda: invoiced.invoiced(told["Invoices"][0], issuer), what="the invoice", title=TITLE)

    def reminds(self) -> bool:
        """Return whether Xero's own invoice reminders are switched on; Fatal when it does not say."""
        told = self._client.get(self._client.api.get_invoice_reminders, urgent=False).get("InvoiceReminders") or []
        if not told or not all(isinstance(each, dict) and isinstance(each.get("Enabled"), bool) for each in told):
            raise Fatal("Xero does not say whether it sends invoice reminders: the API has changed")
        return any(each["Enabled"] for each in told)

    def tax_codes(self) -> tuple[TaxCode, ...]:
        """Return the tax rates for sales, which one call lists."""
        items = self._client.get(self._client.api.get_tax_rates, urgent=False).get("TaxRates") or []
        return listed((convert.tax_code(item) for item in items), TITLE)

    def by_ids(self, source: Source, external_ids: Sequence[str]) -> list[Json]:
        """Read up to FETCH_BATCH invoices or contacts in one call, in any order; what is gone is left out."""
        listing = getattr(self._client.api, source.listing)
        options = dict(source.options) | _ID_OPTIONS.get(source.items, {}) | {"i_ds": list(external_ids)}
        return list(self._client.get(listing, urgent=True, **options).get(source.items) or [])

    def items(self, source: Source, *, since: datetime | None, urgent: bool) -> Iterator[list[Json]]:
        """Yield the raw objects of a list, page by page, in the order of their ids.

        Xero never removes an object, so an order that does not change while paging can show one twice but misses none.
        """
        options = dict(source.options)
        if since is not None:
            # Whole seconds, rounded down: the header knows nothing finer.
            options["if_modified_since"] = (since.astimezone(UTC) - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        listing = getattr(self._client.api, source.listing)
        if not source.paged:
            yield list(self._client.get(listing, urgent=urgent, **options).get(source.items) or [])
            return
        for number in range(1, MAX_PAGES + 1):
            answer = self._client.get(
                listing, urgent=urgent, page=number, page_size=PAGE_SIZE, order=f"{source.identity} ASC", **options
            )
            found = list(answer.get(source.items) or [])
            yield found
            # A replica that lags leaves out what is new: a page that is not full may be one of the first.
            if len(found) < PAGE_SIZE and number >= _page_count(answer):
                return
        raise Fatal(f"Xero's list {source.items} has more than {MAX_PAGES} pages")

    def _payments(self, since: datetime | None) -> Iterator[Page]:
        batched: dict[str, list[Json]] = {}
        for items in self.items(PAYMENTS, since=since, urgent=False):
            single: list[Json] = []
            for item in items:
                batch = _batch_of(item)
                if batch is None:
                    single.append(item)
                elif item.get("PaymentType") == "ACCRECPAYMENT":
                    batched.setdefault(batch, []).append(item)
            yield page(Kind.PAYMENT, single, convert.payment, identity="PaymentID", title=TITLE)
        if batched:
            listed = [item for items in self.items(BATCHES, since=since, urgent=False) for item in items]
            yield self._batches(batched, listed)
        for source in (OVERPAYMENTS, PREPAYMENTS):
            for items in self.items(source, since=since, urgent=False):
                yield page(Kind.PAYMENT, items, source.convert, identity=source.identity, title=TITLE)

    def _batches(self, batched: Mapping[str, list[Json]], listed: Sequence[Json]) -> Page:
        """Read the batch payments that these payments belong to: a batch is one payment, with a line an invoice."""
        found = {str(item.get("BatchPaymentID")): item for item in listed if isinstance(item, dict)}
        records: list[Record] = []
        problems: list[Problem] = []
        for identity, payments in batched.items():
            item = found.get(identity) or next(iter(self.one(BATCHES, identity)), {"BatchPaymentID": identity})
            try:
                records.append(convert.batch_payment(item, payments))
            except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
                problems.append(unreadable(Kind.PAYMENT, item, error, identity="BatchPaymentID", title=TITLE))
        return Page(tuple(records), tuple(problems))

    def _fetch_payments(self, external_ids: Sequence[str]) -> Page:
        """Read payments, batch payments, overpayments and prepayments by id: Xero's ids do not tell which they are."""
        pages = [self._fetch_payment(external_id) for external_id in external_ids]
        return Page(
            tuple(record for each in pages for record in each.records),
            tuple(problem for each in pages for problem in each.problems),
        )

    def _fetch_payment(self, external_id: str) -> Page:
        for source in (PAYMENTS, OVERPAYMENTS, PREPAYMENTS):
            if items := self.one(source, external_id):
                if batch := _batch_of(items[0]):
                    return self._batches({batch: items}, ())
                return page(Kind.PAYMENT, items, source.convert, identity=source.identity, title=TITLE)
        if batches := self.one(BATCHES, external_id):
            first = next(iter(batches[0].get("Payments") or []), None)  # a deleted batch may have lost its payments
            payments = self.one(PAYMENTS, str(first["PaymentID"])) if first else []
            return self._batches({external_id: payments}, batches)
        return Page(())


def _source(kind: Kind) -> Source:
    try:
        return _SOURCES[kind]
    except KeyError:
        raise Fatal(f"Xero has no {kind.value}") from None


def _page_count(answer: Json) -> int:
    """Return how many pages Xero says that a list has; 0 where it does not say."""
    told = answer.get("pagination")
    count = told.get("pageCount") if isinstance(told, dict) else None
    return count if isinstance(count, int) else 0


def _batch_of(item: object) -> str | None:
    if not isinstance(item, dict):
        return None
    identity = item.get("BatchPaymentID") or (item.get("BatchPayment") or {}).get("BatchPaymentID")
    return str(identity) if identity else None
