"""Files that stand on an invoice."""

from __future__ import annotations

import mimetypes

from werkzeug.wrappers import Request, Response

from sandbox.standin import route
from sandbox.xero.batching import refuse
from sandbox.xero.books import XeroBooks
from sandbox.xero.pay_buttons import PayButtonRoutes
from sandbox.xero.reading import API
from sandbox.xero.values import Record, Refused, respond, stable_id

SCOPE = "accounting.attachments"
MAX_ATTACHMENTS = 10  # of an invoice
MAX_ATTACHMENT_BYTES = 3 * 1024 * 1024


class AttachmentRoutes(PayButtonRoutes):
    """What only a consent with the scope `accounting.attachments` reaches."""

    @route("GET", f"{API}/Invoices/<invoice_id>/Attachments")
    def attachments(self, request: Request, invoice_id: str) -> Response:
        """The files of an invoice, without their content."""
        books = self.books_of(request)
        if invoice_id not in books.invoices:
            return self.missing()
        return respond(self.envelope(Attachments=[_shown(each) for each in _of(books, invoice_id)]))

    @route("PUT", f"{API}/Invoices/<invoice_id>/Attachments/<file_name>")
    def attach(self, request: Request, invoice_id: str, file_name: str) -> Response:
        """Attach the body to an invoice; a file of the same name is replaced."""
        books = self.books_of(request)
        if invoice_id not in books.invoices:
            return self.missing()
        return self.once(request, lambda: self._attach(request, books, invoice_id, file_name))

    def _attach(self, request: Request, books: XeroBooks, invoice_id: str, file_name: str) -> Response:
        content, identity = request.get_data(), stable_id("attachment", invoice_id, file_name)
        if not content or len(content) > MAX_ATTACHMENT_BYTES:
            return refuse(Refused(f"An attachment has 1 to {MAX_ATTACHMENT_BYTES} bytes"))
        if identity not in books.attachments and len(_of(books, invoice_id)) >= MAX_ATTACHMENTS:
            return refuse(Refused(f"Only {MAX_ATTACHMENTS} attachments can stand on a document"))
        kept: Record = {
            "AttachmentID": identity,
            "FileName": file_name,
            "Url": f"https://api.xero.com{API}/Invoices/{invoice_id}/Attachments/{file_name}",
            "MimeType": mimetypes.guess_type(file_name)[0] or "application/octet-stream",
            "ContentLength": len(content),
            "IncludeOnline": request.args.get("IncludeOnline", "false").lower() == "true",
        }
        books.attachments[identity] = kept | {"InvoiceID": invoice_id, "Content": content}
        books.invoices[invoice_id]["HasAttachments"] = True
        return respond(self.envelope(Attachments=[kept]))


def _of(books: XeroBooks, invoice_id: str) -> list[Record]:
    return [each for each in books.attachments.values() if each["InvoiceID"] == invoice_id]


def _shown(attachment: Record) -> Record:
    return {name: value for name, value in attachment.items() if name not in ("InvoiceID", "Content")}
