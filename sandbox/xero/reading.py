"""The accounting API's GET routes."""

from __future__ import annotations

from decimal import Decimal

from werkzeug.wrappers import Request, Response

from sandbox.pdf import one_page
from sandbox.standin import route
from sandbox.xero import render
from sandbox.xero.books import XeroBooks
from sandbox.xero.identity import IdentityRoutes
from sandbox.xero.listing import asked_for, is_first_page, page_of, select
from sandbox.xero.values import Record, respond, stable_id
from sandbox.xero.where import NotUnderstood

API = "/api.xro/2.0"
# collection: (attribute of XeroBooks, id field, renderer in full, renderer in lists without a page)
COLLECTIONS: dict[str, tuple[str, str, render.Renderer, render.Renderer]] = {
    "Accounts": ("accounts", "AccountID", render.plain, render.plain),
    "Contacts": ("contacts", "ContactID", render.plain, render.contact_listed),
    "Invoices": ("invoices", "InvoiceID", render.document, render.summary),
    "CreditNotes": ("credit_notes", "CreditNoteID", render.document, render.summary),
    "Payments": ("payments", "PaymentID", render.payment, render.payment),
    "BatchPayments": ("batch_payments", "BatchPaymentID", render.plain, render.plain),
    "BankTransactions": ("bank_transactions", "BankTransactionID", render.document, render.summary),
    "BankTransfers": ("bank_transfers", "BankTransferID", render.transfer, render.transfer),
    "Overpayments": ("overpayments", "OverpaymentID", render.document, render.document),
    "Prepayments": ("prepayments", "PrepaymentID", render.document, render.document),
}
_NEEDS_LINES = {"BankTransactions"}  # the SDK's model refuses one without


class ReadingRoutes(IdentityRoutes):
    """Everything that is read."""

    def envelope(self, **content: object) -> Record:
        """The frame of every answer of the accounting API."""
        now = self.clock()
        frame: Record = {"Id": stable_id(now, sum(self.calls.values())), "Status": "OK", "ProviderName": "TrueDue"}
        return frame | {"DateTimeUTC": now, **content}

    def books_of(self, request: Request) -> XeroBooks:
        """The organisation that the `xero-tenant-id` header names; `before` has checked it."""
        return self.organisations[request.headers["xero-tenant-id"]]

    def missing(self) -> Response:
        """Answer an id that this organisation does not have."""
        return Response("The resource you're looking for cannot be found", status=404, content_type="text/html")

    @route("GET", f"{API}/Organisation")
    def organisation(self, request: Request) -> Response:
        """The organisation."""
        return respond(self.envelope(Organisations=[render.organisation(self.books_of(request))]))

    @route("GET", f"{API}/InvoiceReminders/Settings")
    def reminders(self, request: Request) -> Response:
        """Whether Xero itself reminds customers."""
        return respond(self.envelope(InvoiceReminders=[{"Enabled": self.books_of(request).sends_reminders}]))

    @route("GET", f"{API}/TaxRates")
    def tax_rates(self, request: Request) -> Response:
        """All tax rates, of sales and of purchases; those that were deleted are shown as such."""
        books = self.books_of(request)
        shown = [render.tax_rate(tax_type, rate) for tax_type, rate in books.tax_rates.items()]
        shown += [render.tax_rate(name, rate, status="DELETED") for name, rate in books.gone_tax_rates.items()]
        return respond(self.envelope(TaxRates=[*shown, render.tax_rate("INPUT2", Decimal(20), is_for_sales=False)]))

    @route("GET", f"{API}/<any({', '.join(COLLECTIONS)}):collection>")
    def listing(self, request: Request, collection: str) -> Response:
        """A list, filtered, ordered and paged."""
        books = self.books_of(request)
        _, id_field, full, short = COLLECTIONS[collection]
        try:
            asked = (collection, asked_for(request))
            if books.paging is None or books.paging[0] != asked or is_first_page(request):
                found = select(
                    request, _visible(request, books, collection), id_field=id_field,
                    see=lambda record: _seen(books, record),
                )  # fmt: skip
                books.paging = (asked, found)
            found = books.paging[1]
            shown, pagination = page_of(request, found)
        except NotUnderstood as error:
            body = {"ErrorNumber": 16, "Type": "QueryParseException", "Message": str(error)}
            return respond(body, 400)
        light = request.args.get("summaryOnly", "").lower() == "true" or pagination is None
        renderer = short if light and collection not in _NEEDS_LINES else full
        content: Record = {"pagination": pagination} if pagination else {}
        return respond(self.envelope(**content, **{collection: [renderer(books, record) for record in shown]}))

    @route("GET", f"{API}/<any({', '.join(COLLECTIONS)}):collection>/<object_id>")
    def one(self, request: Request, collection: str, object_id: str) -> Response:
        """One record in full; invoices and contacts are also found by number."""
        books = self.books_of(request)
        attribute, _, full, _ = COLLECTIONS[collection]
        record = getattr(books, attribute).get(object_id) or _by_number(books, collection, object_id)
        if record is None:
            return self.missing()
        if collection == "Invoices" and request.accept_mimetypes.best == "application/pdf":
            return Response(_printed(books, record), content_type="application/pdf")
        shown = full(books, record)
        if collection == "Invoices":
            shown = render.with_addresses(books, shown)
        return respond(self.envelope(**{collection: [shown]}))

    @route("GET", f"{API}/Invoices/<invoice_id>/OnlineInvoice")
    def online_invoice(self, request: Request, invoice_id: str) -> Response:
        """The address where the customer sees the invoice."""
        record = self.books_of(request).invoices.get(invoice_id)
        if record is None or record["Status"] in ("DRAFT", "SUBMITTED"):
            return self.missing()
        url = f"https://in.xero.com/{stable_id(invoice_id).replace('-', '')}"
        return respond(self.envelope(OnlineInvoices=[{"OnlineInvoiceUrl": url}]))

    @route("GET", f"{API}/<any({', '.join(COLLECTIONS)}):collection>/<object_id>/History")
    def read_history(self, request: Request, collection: str, object_id: str) -> Response:
        """The notes on a document, newest first."""
        books = self.books_of(request)
        if object_id not in getattr(books, COLLECTIONS[collection][0]):
            return self.missing()
        notes = [note for note in books.history.values() if note["ObjectID"] == object_id]
        return respond(self.envelope(HistoryRecords=[history_record(note) for note in reversed(notes)]))


def history_record(note: Record) -> Record:
    """A note as Xero shows it."""
    shown = {name: value for name, value in note.items() if name != "ObjectID"}
    return shown | {"DateUTCString": f"{note['DateUTC']:%Y-%m-%dT%H:%M:%S}"}


def _printed(books: XeroBooks, record: Record) -> bytes:
    contact = books.contacts[record["Contact"]["ContactID"]]
    lines = [books.name, "", f"INVOICE {record.get('InvoiceNumber', '')}", f"To {contact['Name']}", ""]
    lines += [f"{line.get('Description', '')}   {line.get('LineAmount', '')}" for line in record.get("LineItems", [])]
    return one_page([*lines, "", f"Amount due {record['CurrencyCode']} {record['AmountDue']}"])


def _visible(request: Request, books: XeroBooks, collection: str) -> list[Record]:
    records: list[Record] = list(getattr(books, COLLECTIONS[collection][0]).values())
    if collection == "Invoices" and _asked(request, "createdByMyApp"):
        return [record for record in records if record["InvoiceID"] in books.made_through_api]
    if "IDs" in request.args or _asked(request, "includeArchived") or _asked(request, "includeDeleted"):
        return records
    if collection == "Contacts":
        return [record for record in records if record["ContactStatus"] == "ACTIVE"]
    if collection == "BankTransfers":
        return [record for record in records if record["Status"] != "DELETED"]
    return records


def _asked(request: Request, name: str) -> bool:
    return request.args.get(name, "").lower() == "true"


def _seen(books: XeroBooks, record: Record) -> Record:
    contact = books.contacts.get(record.get("Contact", {}).get("ContactID", ""))
    invoice = books.invoices.get(record["Invoice"]["InvoiceID"]) if "Invoice" in record else None
    return record | ({"Contact": contact} if contact else {}) | ({"Invoice": invoice} if invoice else {})


def _by_number(books: XeroBooks, collection: str, number: str) -> Record | None:
    if collection == "Invoices":
        return books.invoices.get(books.numbers.get(number, ""))
    if collection == "Contacts":
        return next((c for c in books.contacts.values() if c.get("ContactNumber") == number), None)
    return None
