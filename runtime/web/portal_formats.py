"""The payer's own page of formats: the invoice as a file of each kind that works, and the one they want from now on."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form
from starlette.responses import Response

from receivables.invoiced import InvoiceFormat
from runtime.operations.payers.invoice_formats import (
    LINE_COLUMNS,
    InvoiceFile,
    choose_format,
    formats,
    invoice_file,
    wished_file,
    wished_format,
)
from runtime.web.access import PAYER, routes
from runtime.web.exports import download
from runtime.web.pages import go
from runtime.web.portal import ACTOR, Visiting, file_name
from runtime.web.running import Running

ROUTES = routes("portal", prefix="/p/{token}", dependencies=[PAYER])
MAX_FORMAT_CHARS = 16
_MEDIA = {InvoiceFormat.PDF: "application/pdf", InvoiceFormat.FACTUR_X: "application/pdf"}


@ROUTES.get("/invoices/{document_id}/formats")
def show_formats(app: Running, visiting: Visiting, document_id: str) -> Response:
    """Show as what an invoice of the payer can be downloaded; the ledger is asked for its lines."""
    organisation_id, customer_id = visiting.organisation.id, visiting.account.customer_id
    found = formats(app, organisation_id=organisation_id, customer_id=customer_id, document_id=document_id)
    with app.store.read() as db:
        wish = wished_format(db, organisation_id, customer_id) or InvoiceFormat.PDF
    return visiting.page("portal_formats.html", formats=found, wish=wish, document_id=document_id)


@ROUTES.get("/invoices/{document_id}/as/wished")
def give_wished(app: Running, visiting: Visiting, document_id: str) -> Response:
    """Give an invoice of the payer in the format that they chose, else as the ledger prints it."""
    return _as_file(
        wished_file(
            app,
            organisation_id=visiting.organisation.id,
            customer_id=visiting.account.customer_id,
            document_id=document_id,
            language=visiting.language.locale.replace("_", "-"),
        )
    )


@ROUTES.get("/invoices/{document_id}/as/{form}")
def give_file(app: Running, visiting: Visiting, document_id: str, form: InvoiceFormat) -> Response:
    """Give an invoice of the payer in a format."""
    return _as_file(
        invoice_file(
            app,
            organisation_id=visiting.organisation.id,
            customer_id=visiting.account.customer_id,
            document_id=document_id,
            form=form,
            language=visiting.language.locale.replace("_", "-"),
        )
    )


@ROUTES.post("/format", status_code=303)
def take_format(
    app: Running, visiting: Visiting, form: Annotated[str, Form(alias="format", max_length=MAX_FORMAT_CHARS)]
) -> Response:
    """Give the payer invoices in the format that they choose."""
    choose_format(
        app,
        organisation_id=visiting.organisation.id,
        customer_id=visiting.account.customer_id,
        form=form,
        actor=ACTOR,
    )
    return go(f"/p/{visiting.token}", "format_chosen")


def _as_file(made: InvoiceFile) -> Response:
    """Return a file that a browser keeps instead of showing it."""
    name = file_name(made.number)
    if made.form is InvoiceFormat.CSV:
        return download(f"{name}.csv", LINE_COLUMNS, made.rows)
    ending = {InvoiceFormat.UBL: "xml", InvoiceFormat.FACTUR_X: "factur-x.pdf"}.get(made.form, "pdf")
    headers = {"Content-Disposition": f'attachment; filename="{name}.{ending}"'}
    return Response(made.content, media_type=_MEDIA.get(made.form, "application/xml"), headers=headers)
