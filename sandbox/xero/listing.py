"""Lists: which records a GET asks for, in which order, and which page of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from operator import itemgetter
from typing import Any

from werkzeug.wrappers import Request

from sandbox.xero.values import Record
from sandbox.xero.where import NotUnderstood, field_of, parse_where

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1_000
_CSV_FILTERS = {
    "InvoiceNumbers": "InvoiceNumber",
    "ContactIDs": "Contact.ContactID",
    "Statuses": "Status",
    "References": "Reference",
}


def select(
    request: Request, records: Iterable[Record], *, id_field: str, see: Callable[[Record], Record]
) -> list[Record]:
    """The records that match the request's filters, ordered; `see` shows one as `where` and `order` see it."""
    found = list(records)
    if since := _modified_since(request):
        found = [record for record in found if record["UpdatedDateUTC"] >= since]
    for parameter, field in {"IDs": id_field, **_CSV_FILTERS}.items():
        if wanted := request.args.get(parameter):
            allowed = {part.strip() for part in wanted.split(",")}
            found = [record for record in found if field_of(record, field) in allowed]
    if term := request.args.get("searchTerm"):
        fields = ("InvoiceNumber", "CreditNoteNumber", "Reference", "Name", "EmailAddress", "ContactNumber")
        found = [r for r in found if any(term.lower() in str(r.get(name, "")).lower() for name in fields)]
    if expression := request.args.get("where"):
        test = parse_where(expression)
        found = [record for record in found if test(see(record))]
    for part in reversed([p for p in request.args.get("order", "").split(",") if p.strip()]):
        name, _, direction = part.strip().partition(" ")
        keyed = [(_sort_key(field_of(see(record), name)), record) for record in found]
        keyed.sort(key=itemgetter(0), reverse=direction.strip().upper() == "DESC")
        found = [record for _, record in keyed]
    return found


def asked_for(request: Request) -> object:
    """What decides which records a list holds and in which order: everything asked for but the page."""
    filters = {name: value for name, value in request.args.items() if name not in ("page", "pageSize")}
    return request.headers.get("If-Modified-Since"), frozenset(filters.items())


def is_first_page(request: Request) -> bool:
    """Whether a list is asked for anew."""
    return request.args.get("page", "1") == "1"


def page_of(request: Request, found: list[Record]) -> tuple[list[Record], Record | None]:
    """One page and its `pagination` object; everything and None when no page is asked for."""
    if "page" not in request.args and "pageSize" not in request.args:
        return found, None
    try:
        page = max(1, int(request.args.get("page", 1)))
        size = int(request.args.get("pageSize", DEFAULT_PAGE_SIZE))
    except ValueError:
        raise NotUnderstood("page and pageSize must be whole numbers") from None
    if not 1 <= size <= MAX_PAGE_SIZE:
        raise NotUnderstood(f"pageSize must be between 1 and {MAX_PAGE_SIZE}")
    count = len(found)
    shown = {"page": page, "pageSize": size, "pageCount": -(-count // size), "itemCount": count}
    return found[(page - 1) * size : page * size], shown


def _modified_since(request: Request) -> datetime | None:
    header = request.headers.get("If-Modified-Since")
    if not header:
        return None
    try:
        moment = datetime.fromisoformat(header)
    except ValueError:
        try:
            moment = parsedate_to_datetime(header)
        except ValueError:
            raise NotUnderstood("If-Modified-Since is no date") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _sort_key(value: object) -> tuple[bool, Any]:
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value is not None, value if value is not None else 0
