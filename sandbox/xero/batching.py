"""How several items of one call are written: all refused together, or with an error per item, once per key."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal

from werkzeug.wrappers import Request, Response

from sandbox.standin import Replays
from sandbox.xero.books import XeroBooks
from sandbox.xero.reading import COLLECTIONS, ReadingRoutes, history_record
from sandbox.xero.values import NO_ID, Commit, Record, Refused, read_day, respond

MAX_ELEMENTS = 50
MAX_BODY_BYTES = 3_500_000
MAX_KEY_CHARS = 128
IDEMPOTENCY_SECONDS = 360
# All that a refused call says of each of its items.
_ELEMENT_FIELDS = (
    "ValidationErrors", "BatchPaymentID", "BankTransactionID", "CreditNoteID", "ContactID", "InvoiceID",
)  # fmt: skip

# What an object shows of an error beside the messages; a collection that is not named shows the messages alone.
_FLAGS: dict[str, tuple[str, ...]] = {
    "Allocations": (),
    "BankTransactions": (),
    "Contacts": ("HasValidationErrors",),
    "CreditNotes": ("HasErrors",),
    "Invoices": ("HasErrors",),
    "Payments": ("HasValidationErrors",),
}

Planner = Callable[[Record, dict[str, Decimal]], Commit]


class BatchingRoutes(ReadingRoutes):
    """Planning first, then committing, so that a refused call changes nothing."""

    replays: Replays

    def write(self, request: Request, collection: str, plan: Planner) -> Response:
        """Do what `plan` asks for every item of the body, once per Idempotency-Key."""
        return self.once(request, lambda: self._perform(request, collection, plan))

    def once(self, request: Request, perform: Callable[[], Response]) -> Response:
        """Perform a request once per Idempotency-Key."""
        key = request.headers.get("Idempotency-Key")
        if key and len(key) > MAX_KEY_CHARS:
            return _bad_request("The idempotency key is longer than 128 characters")
        return self.replays.answer(
            account=request.headers["xero-tenant-id"],
            key=key,
            fingerprint=f"{request.method} {request.full_path}\n".encode() + request.get_data(),
            conflict=lambda: _bad_request("The Idempotency-Key was used before with a different request"),
            perform=perform,
        )

    def _perform(self, request: Request, collection: str, plan: Planner) -> Response:
        body = body_of(request)
        items = body[collection] if isinstance(body.get(collection), list) else [body]
        if not items or len(items) > MAX_ELEMENTS or len(request.get_data()) > MAX_BODY_BYTES:
            return _bad_request(f"A request holds 1 to {MAX_ELEMENTS} elements and at most {MAX_BODY_BYTES} bytes")
        books = self.books_of(request)
        if request.args.get("summarizeErrors", "true").lower() == "false":
            shown = [self._one_by_one(books, collection, plan, item) for item in items]
            return respond(self.envelope(**{collection: shown}))
        pending: dict[str, Decimal] = {}
        planned = [_planned(plan, item, pending) for item in items]
        if any(isinstance(outcome, Refused) for outcome in planned):
            return _refuse(
                [{**item, **_errors(collection, outcome)} for item, outcome in zip(items, planned, strict=True)]
            )
        made = [outcome() for outcome in planned if not isinstance(outcome, Refused)]
        return respond(self.envelope(**{collection: [_shown(books, collection, record) for record in made]}))

    def _one_by_one(self, books: XeroBooks, collection: str, plan: Planner, item: Record) -> Record:
        outcome = _planned(plan, item, {})
        if isinstance(outcome, Refused):
            return _refused_item(collection, item) | _errors(collection, outcome)
        told: Record = {"StatusAttributeString": "OK"} if collection in _FLAGS else {}
        return _shown(books, collection, outcome()) | told


def _planned(plan: Planner, item: Record, pending: dict[str, Decimal]) -> Commit | Refused:
    try:
        return plan(item, pending)
    except Refused as refused:
        return refused


def _shown(books: XeroBooks, collection: str, record: Record) -> Record:
    if collection == "HistoryRecords":
        return history_record(record)
    if collection in ("Allocations", "PaymentServices"):
        return record
    return COLLECTIONS[collection][2](books, record)


def _errors(collection: str, outcome: Commit | Refused) -> Record:
    if not isinstance(outcome, Refused):
        return {"ValidationErrors": []}
    shown: Record = {"ValidationErrors": [{"Message": message} for message in outcome.messages]}
    if collection in _FLAGS:
        shown |= {"StatusAttributeString": "ERROR", **dict.fromkeys(_FLAGS[collection], True)}
    return shown


def _refused_item(collection: str, item: Record) -> Record:
    shown = dict(item)
    for name in ("Date", "DueDate"):
        if shown.get(name):
            try:
                shown[name] = read_day(shown[name], field=name)
            except Refused:
                del shown[name]
    if collection in COLLECTIONS:
        shown.setdefault(COLLECTIONS[collection][1], NO_ID)
    return shown


def refuse(refused: Refused) -> Response:
    """Answer a call about one object that breaks a rule."""
    return _refuse([_errors("", refused)])


def _refuse(elements: list[Record]) -> Response:
    elements = [{name: element[name] for name in _ELEMENT_FIELDS if name in element} for element in elements]
    error = {"ErrorNumber": 10, "Type": "ValidationException", "Message": "A validation exception occurred"}
    return respond({**error, "Elements": elements}, 400)


def body_of(request: Request) -> Record:
    """The JSON object of a request, empty when it is none."""
    try:
        body = json.loads(request.get_data() or b"{}", parse_float=Decimal)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _bad_request(message: str) -> Response:
    return respond({"ErrorNumber": 14, "Type": "PostDataInvalidException", "Message": message}, 400)
