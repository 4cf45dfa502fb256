"""The accounting API's POST, PUT and DELETE routes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from werkzeug.wrappers import Request, Response

from sandbox.standin import route
from sandbox.xero import bank, contacts, credits, invoices, payments
from sandbox.xero.batching import BatchingRoutes, body_of, refuse
from sandbox.xero.books import XeroBooks
from sandbox.xero.reading import API, COLLECTIONS
from sandbox.xero.values import Commit, Record, Refused, respond

MAX_NOTE_CHARACTERS = 250


class WritingRoutes(BatchingRoutes):
    """Everything that changes the books."""

    @route("PUT", f"{API}/Payments")
    @route("POST", f"{API}/Payments")
    def write_payments(self, request: Request) -> Response:
        """Pay invoices or refund credits (PUT: several, POST: one); POST with an id and Status DELETED deletes."""
        books = self.books_of(request)

        def plan(item: Record, pending: dict[str, Decimal]) -> Commit:
            existing = books.payments.get(str(item.get("PaymentID")))
            if existing is not None and item.get("Status") == "DELETED":
                return payments.plan_delete(books, existing)
            return payments.plan(books, item, pending)

        return self.write(request, "Payments", plan)

    @route("POST", f"{API}/Payments/<object_id>")
    def delete_payment(self, request: Request, object_id: str) -> Response:
        """Delete a payment."""
        return self._delete(request, "Payments", object_id, payments.plan_delete)

    @route("PUT", f"{API}/BatchPayments")
    def write_batches(self, request: Request) -> Response:
        """Pay several invoices by one bank line."""
        books = self.books_of(request)
        return self.write(request, "BatchPayments", lambda item, pending: payments.plan_batch(books, item, pending))

    @route("POST", f"{API}/BatchPayments")
    @route("POST", f"{API}/BatchPayments/<object_id>")
    def delete_batch(self, request: Request, object_id: str = "") -> Response:
        """Delete a batch with every payment in it."""
        object_id = object_id or str(body_of(request).get("BatchPaymentID"))
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

        return self.write(request, "BankTransactions", plan)

    @route("PUT", f"{API}/BankTransfers")
    def write_transfers(self, request: Request) -> Response:
        """Move money between bank accounts."""
        books = self.books_of(request)
        return self.write(request, "BankTransfers", lambda item, pending: bank.plan_transfer(books, item, pending))

    @route("POST", f"{API}/BankTransfers")
    @route("POST", f"{API}/BankTransfers/<object_id>")
    def delete_transfers(self, request: Request, object_id: str = "") -> Response:
        """Delete transfers between bank accounts."""
        books = self.books_of(request)

        def plan(item: Record, _pending: dict[str, Decimal]) -> Commit:
            record = books.bank_transfers.get(object_id or str(item.get("BankTransferID")))
            if record is None:
                raise Refused("The bank transfer could not be found")
            if item.get("Status") != "DELETED":
                raise Refused("Only a change of Status to DELETED is possible")
            return bank.plan_delete_transfer(books, record)

        return self.write(request, "BankTransfers", plan)

    @route("POST", f"{API}/Contacts")
    @route("PUT", f"{API}/Contacts")
    def write_contacts(self, request: Request) -> Response:
        """Create or change contacts."""
        books = self.books_of(request)
        return self.write(request, "Contacts", lambda item, _: _told(books, "ContactID", contacts.plan(books, item)))

    @route("POST", f"{API}/Invoices")
    @route("PUT", f"{API}/Invoices")
    def write_invoices(self, request: Request) -> Response:
        """Create invoices; POST also changes them."""
        books, may_update = self.books_of(request), request.method == "POST"

        def plan(item: Record, _pending: dict[str, Decimal]) -> Commit:
            return _told(books, "InvoiceID", invoices.plan(books, item, may_update=may_update))

        return self.write(request, "Invoices", plan)

    @route("POST", f"{API}/CreditNotes")
    @route("PUT", f"{API}/CreditNotes")
    def write_credit_notes(self, request: Request) -> Response:
        """Create sales credit notes; an item with an id changes one."""
        books = self.books_of(request)
        return self.write(request, "CreditNotes", lambda item, _: credits.plan_note(books, item))

    @route("POST", f"{API}/<any(Contacts, Invoices, CreditNotes, BankTransactions):collection>/<object_id>")
    def update_one(self, request: Request, collection: str, object_id: str) -> Response:
        """Change one contact, invoice, credit note or bank transaction."""
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
            if collection == "CreditNotes":
                return credits.plan_note_update(books, record, item)
            return bank.plan_transaction_update(books, record, item)

        return self.write(request, collection, plan)

    @route("PUT", f"{API}/<any(CreditNotes, Overpayments, Prepayments):collection>/<object_id>/Allocations")
    def allocate(self, request: Request, collection: str, object_id: str) -> Response:
        """Set a credit against invoices."""
        books = self.books_of(request)
        credit = getattr(books, COLLECTIONS[collection][0]).get(object_id)
        if credit is None:
            return self.missing()
        return self.write(
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
        if credit is None or all(part["AllocationID"] != allocation_id for part in credit["Allocations"]):
            return self.missing()
        try:
            gone = credits.plan_undo(books, credit, allocation_id)()
        except Refused as refused:
            return refuse(refused)
        return respond({"AllocationId": allocation_id, **gone})  # the SDK needs Amount, which the contract omits

    @route("PUT", f"{API}/<any({', '.join(COLLECTIONS)}):collection>/<object_id>/History")
    def write_history(self, request: Request, collection: str, object_id: str) -> Response:
        """Write notes on a document."""
        books = self.books_of(request)
        if object_id not in getattr(books, COLLECTIONS[collection][0]):
            return self.missing()

        def plan(item: Record, _pending: dict[str, Decimal]) -> Commit:
            if not item.get("Details"):
                raise Refused("The Details field is required")
            if len(str(item["Details"])) > MAX_NOTE_CHARACTERS:
                raise Refused(f"The Details field must not exceed {MAX_NOTE_CHARACTERS} characters")
            return books.note(object_id, str(item["Details"]))

        return self.write(request, "HistoryRecords", plan)

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

        return self.write(request, collection, planner)


def _told(books: XeroBooks, identity: str, commit: Commit) -> Commit:
    """Have the history tell that an app wrote this, as it tells it of any app."""

    def told() -> Record:
        record = commit()
        books.note(record[identity], "Received through the Xero API from TrueDue", changes="Updated")()
        return record

    return told
