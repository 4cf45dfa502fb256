"""The accounting API's POST, PUT and DELETE routes: several items a call, all refused together or one by one."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal

from werkzeug.wrappers import Request, Response

from sandbox.standin import Replays, route
from sandbox.xero import bank, contacts, credits, invoices, payments
from sandbox.xero.books import XeroBooks
from sandbox.xero.reading import API, COLLECTIONS, ReadingRoutes, history_record
from sandbox.xero.values import NO_ID, Commit, Record, Refused, read_day, respond

MAX_ELEMENTS = 50
MAX_BODY_BYTES = 3_500_000
MAX_KEY_CHARS = 128
IDEMPOTENCY_SECONDS = 360

Planner = Callable[[Record, dict[str, Decimal]], Commit]


class WritingRoutes(ReadingRoutes):
    """Everything that changes the books."""

    replays: Replays

    @route("PUT", f"{API}/Payments")
    @route("POST", f"{API}/Payments")
    def write_payments(self, request: Request) -> Response:
        """Pay invoices or refund credits (PUT: several, POST: one)."""
        books = self.books_of(request)
        return self._write(request, "Payments", lambda item, pending: payments.plan(books, item, pending))

    @route("POST", f"{API}/Payments/<object_id>")
    def delete_payment(self, request: Request, object_id: str) -> Response:
        """Delete a payment."""
        return self._delete(request, "Payments", object_id, payments.plan_delete)

    @route("PUT", f"{API}/BatchPayments")
    def write_batches(self, request: Request) -> Response:
        """Pay several invoices by one bank line."""
        books = self.books_of(request)
        return self._write(request, "BatchPayments", lambda item, pending: payments.plan_batch(books, item, pending))

    @route("POST", f"{API}/BatchPayments")
    @route("POST", f"{API}/BatchPayments/<object_id>")
    def delete_batch(self, request: Request, object_id: str = "") -> Response:
        """Delete a batch with every payment in it."""
        object_id = object_id or str(_body(request).get("BatchPaymentID"))
        return self._delete(request, "BatchPayments", object_id, payments.plan_delete_batch)

    @route("PUT", f"{API}/BankTransactions")
    @route("POST", f"{API}/BankTransactions")
    def write_bank_transactions(self, request: Request) -> Response:
        """Record received or spent money; POST with an id changes or deletes."""
        books = self.books_of(request)

        def plan(item: Record, pending: dict[str, Decimal]) -> Commit:
            existing = books.bank_transactions.get(str(item.get("BankTransactionID")))
            return (
                bank.plan_transaction_update(books, existing, item)
                if existing
                else bank.plan_transaction(books, item, pending)
            )

        return self._write(request, "BankTransactions", plan)

    @route("PUT", f"{API}/BankTransfers")
    def write_transfers(self, request: Request) -> Response:
        """Move money between bank accounts."""
        books = self.books_of(request)
        return self._write(request, "BankTransfers", lambda item, pending: bank.plan_transfer(books, item, pending))

    @route("POST", f"{API}/Contacts")
    @route("PUT", f"{API}/Contacts")
    def write_contacts(self, request: Request) -> Response:
        """Create or change contacts."""
        books = self.books_of(request)
        return self._write(request, "Contacts", lambda item, _: contacts.plan(books, item))

    @route("POST", f"{API}/Invoices")
    @route("PUT", f"{API}/Invoices")
    def write_invoices(self, request: Request) -> Response:
        """Create invoices; POST also changes them."""
        books, may_update = self.books_of(request), request.method == "POST"
        return self._write(request, "Invoices", lambda item, _: invoices.plan(books, item, may_update=may_update))

    @route("POST", f"{API}/<any(Contacts, Invoices, BankTransactions):collection>/<object_id>")
    def update_one(self, request: Request, collection: str, object_id: str) -> Response:
        """Change one contact, invoice or bank transaction."""
        books = self.books_of(request)
        attribute, id_field, _, _ = COLLECTIONS[collection]
        record = getattr(books, attribute).get(object_id)
        if record is None:
            return self.missing()

        def plan(item: Record, _pending: dict[str, Decimal]) -> Commit:
            if collection == "Contacts":
                return contacts.plan(books, {**item, id_field: object_id})
            if collection == "Invoices":
                return invoices.plan_update(books, record, item)
            return bank.plan_transaction_update(books, record, item)

        return self._write(request, collection, plan)

    @route("PUT", f"{API}/<any(CreditNotes, Overpayments, Prepayments):collection>/<object_id>/Allocations")
    def allocate(self, request: Request, collection: str, object_id: str) -> Response:
        """Set a credit against invoices."""
        books = self.books_of(request)
        credit = getattr(books, COLLECTIONS[collection][0]).get(object_id)
        if credit is None:
            return self.missing()
        return self._write(
            request, "Allocations", lambda item, pending: credits.plan_allocation(books, credit, item, pending)
        )

    @route(
        "DELETE",
        f"{API}/<any(CreditNotes, Overpayments, Prepayments):collection>/<object_id>/Allocations/<allocation_id>",
    )
    def undo_allocation(self, request: Request, collection: str, object_id: str, allocation_id: str) -> Response:
        """Take an allocation back."""
        books = self.books_of(request)
        credit = getattr(books, COLLECTIONS[collection][0]).get(object_id)
        try:
            gone = credits.plan_undo(books, credit or {"CreditNoteID": "", "Allocations": []}, allocation_id)()
        except Refused:
            return self.missing()
        return respond(
            {
                "AllocationId": gone["AllocationID"],
                "Date": gone["Date"],
                "Invoice": [gone["Invoice"]],
                "IsDeleted": True,
            }
        )

    @route("PUT", f"{API}/<any({', '.join(COLLECTIONS)}):collection>/<object_id>/History")
    def write_history(self, request: Request, collection: str, object_id: str) -> Response:
        """Write notes on a document."""
        books = self.books_of(request)
        if object_id not in getattr(books, COLLECTIONS[collection][0]):
            return self.missing()

        def plan(item: Record, _pending: dict[str, Decimal]) -> Commit:
            if not item.get("Details"):
                raise Refused("The Details field is required")
            return books.note(object_id, str(item["Details"]))

        return self._write(request, "HistoryRecords", plan)

    @route("POST", f"{API}/Invoices/<invoice_id>/Email")
    def email_invoice(self, request: Request, invoice_id: str) -> Response:
        """Have Xero e-mail the invoice."""
        books = self.books_of(request)
        record = books.invoices.get(invoice_id)
        if record is None:
            return self.missing()
        record["SentToContact"] = True
        books.changed("INVOICE", "UPDATE", record)
        return Response(status=204)

    def _delete(
        self, request: Request, collection: str, object_id: str, plan: Callable[[XeroBooks, Record], Commit]
    ) -> Response:
        books = self.books_of(request)
        record = getattr(books, COLLECTIONS[collection][0]).get(object_id)
        if record is None:
            return self.missing()

        def planner(item: Record, _pending: dict[str, Decimal]) -> Commit:
            if item.get("Status") != "DELETED":
                raise Refused("Only a change of Status to DELETED is possible")
            return plan(books, record)

        return self._write(request, collection, planner)

    def _write(self, request: Request, collection: str, plan: Planner) -> Response:
        key = request.headers.get("Idempotency-Key")
        if key and len(key) > MAX_KEY_CHARS:
            return _bad_request("The idempotency key is longer than 128 characters")
        return self.replays.answer(
            account=request.headers["xero-tenant-id"],
            key=key,
            fingerprint=f"{request.method} {request.full_path}\n".encode() + request.get_data(),
            conflict=lambda: _bad_request("The Idempotency-Key was used before with a different request"),
            perform=lambda: self._perform(request, collection, plan),
        )

    def _perform(self, request: Request, collection: str, plan: Planner) -> Response:
        body = _body(request)
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
            elements = [{**item, **_errors(outcome)} for item, outcome in zip(items, planned, strict=True)]
            error = {"ErrorNumber": 10, "Type": "ValidationException", "Message": "A validation exception occurred"}
            return respond({**error, "Elements": elements}, 400)
        made = [outcome() for outcome in planned if not isinstance(outcome, Refused)]
        return respond(self.envelope(**{collection: [_shown(books, collection, record) for record in made]}))

    def _one_by_one(self, books: XeroBooks, collection: str, plan: Planner, item: Record) -> Record:
        outcome = _planned(plan, item, {})
        if isinstance(outcome, Refused):
            return _refused_item(collection, item) | _errors(outcome)
        return _shown(books, collection, outcome()) | {"StatusAttributeString": "OK"}


def _planned(plan: Planner, item: Record, pending: dict[str, Decimal]) -> Commit | Refused:
    try:
        return plan(item, pending)
    except Refused as refused:
        return refused


def _shown(books: XeroBooks, collection: str, record: Record) -> Record:
    if collection == "HistoryRecords":
        return history_record(record)
    if collection == "Allocations":
        return record
    return COLLECTIONS[collection][2](books, record)


def _errors(outcome: Commit | Refused) -> Record:
    if not isinstance(outcome, Refused):
        return {"ValidationErrors": []}
    messages = [{"Message": message} for message in outcome.messages]
    return {
        "HasErrors": True,
        "HasValidationErrors": True,
        "StatusAttributeString": "ERROR",
        "ValidationErrors": messages,
    }


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


def _body(request: Request) -> Record:
    try:
        body = json.loads(request.get_data() or b"{}", parse_float=Decimal)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _bad_request(message: str) -> Response:
    return respond({"ErrorNumber": 14, "Type": "PostDataInvalidException", "Message": message}, 400)
