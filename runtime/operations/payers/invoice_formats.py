"""An invoice in the format that its payer chooses. Data formats are made of what the ledger states, when asked for.

Only what keeps the rules of EN 16931 is given: of the rest an accountant is told what is missing.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from connectors.contract import StatesInvoices
from connectors.errors import ConnectorError, Reject
from receivables.e_invoice import EInvoice, NotStated, e_invoice
from receivables.invoiced import Invoiced, InvoiceFormat, Issuer, Party
from reminders.places import country_code
from reminders.templating import PrintError
from runtime.app import App
from runtime.operations.customers import keep_choice
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.payers.print_invoice import LATER, AtLedger, at_ledger, print_invoice
from runtime.store import connections
from runtime.store import tables as t
from runtime.vault import VaultError

NOT_GIVEN = "this invoice is not given in this format: choose another one"
LINE_COLUMNS = ("invoice", "line", "description", "quantity", "net", "currency", "tax", "tax_percent")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Formats:
    """What an invoice can be given as, and why not as the rest."""

    number: str
    offered: tuple[InvoiceFormat, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InvoiceFile:
    """An invoice as a file, or its lines as rows of a table."""

    number: str
    form: InvoiceFormat
    content: bytes = b""
    rows: tuple[tuple[str, ...], ...] = ()


def formats(
    app: App, *, organisation_id: str, document_id: str, customer_id: str | None = None, afresh: bool = False
) -> Formats:
    """Return the formats of an invoice that was sent (to this customer, where one is named).

    `afresh` asks the ledger again: somebody may have corrected there what was missing. RefusedError where there is no
    such invoice, or the ledger cannot be asked now.
    """
    found = at_ledger(app, organisation_id=organisation_id, document_id=document_id, customer_id=customer_id)
    try:
        issuer, invoiced = _stated(app, organisation_id, document_id, found, afresh=afresh)
    except RefusedError as error:
        if not isinstance(error.__cause__, Reject):
            raise
        return Formats(found.number, (InvoiceFormat.PDF,), (str(error.__cause__),))
    made = e_invoice(issuer, invoiced)
    if isinstance(made, NotStated):
        return Formats(found.number, (InvoiceFormat.PDF, InvoiceFormat.CSV), made.reasons)
    unprintable = _unprintable(made)
    offered = tuple(each for each in InvoiceFormat if each is not InvoiceFormat.FACTUR_X or not unprintable)
    return Formats(found.number, offered, unprintable)


def invoice_file(
    app: App, *, organisation_id: str, customer_id: str, document_id: str, form: InvoiceFormat, language: str
) -> InvoiceFile:
    """Return an invoice that was sent to this customer in a format; RefusedError where it is not given in it."""
    if form is InvoiceFormat.PDF:
        number, pdf = print_invoice(
            app, organisation_id=organisation_id, customer_id=customer_id, document_id=document_id
        )
        return InvoiceFile(number, form, pdf)
    found = at_ledger(app, organisation_id=organisation_id, document_id=document_id, customer_id=customer_id)
    issuer, invoiced = _stated(app, organisation_id, document_id, found, afresh=False)
    if form is InvoiceFormat.CSV:
        return InvoiceFile(found.number, form, rows=_rows(invoiced))
    made = e_invoice(issuer, invoiced)
    if isinstance(made, NotStated):
        raise RefusedError(NOT_GIVEN)
    return InvoiceFile(found.number, form, _written(made, form, language))


def wished_file(app: App, *, organisation_id: str, customer_id: str, document_id: str, language: str) -> InvoiceFile:
    """Return an invoice in the format that its customer asked for, else as the ledger prints it."""
    with app.store.read() as db:
        wish = wished_format(db, organisation_id, customer_id)
    asked = {
        "organisation_id": organisation_id,
        "customer_id": customer_id,
        "document_id": document_id,
        "language": language,
    }
    try:
        return invoice_file(app, form=wish or InvoiceFormat.PDF, **asked)
    except RefusedError as error:
        if wish is None or str(error) != NOT_GIVEN:
            raise
    return invoice_file(app, form=InvoiceFormat.PDF, **asked)


def wished_format(db: Connection, organisation_id: str, customer_id: str) -> InvoiceFormat | None:
    """Return the format that a customer asked for; None: as the ledger prints it."""
    mine = (t.customer.c.organisation_id == organisation_id) & (t.customer.c.id == customer_id)
    wish = db.scalar(select(t.customer.c.invoice_format).where(mine))
    return next((each for each in InvoiceFormat if each.value == wish), None)


def choose_format(app: App, *, organisation_id: str, customer_id: str, form: str, actor: str) -> None:
    """Give this customer invoices in a format from now on. InputError for one that there is not."""
    wish = next((each for each in InvoiceFormat if each.value == form), None)
    if wish is None:
        raise InputError("choose one of the formats")
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        keep_choice(
            db,
            organisation_id,
            customer_id,
            {"invoice_format": wish.value},
            action="format_chosen",
            detail=f"the customer gets invoices as {wish.value}",
            actor=actor,
            at=app.clock(),
        )


def _stated(
    app: App, organisation_id: str, document_id: str, found: AtLedger, *, afresh: bool
) -> tuple[Issuer, Invoiced]:
    """Return the invoice in full, with countries in two letters; RefusedError where the ledger cannot tell it now."""
    connector = found.connector
    if not isinstance(connector, StatesInvoices):
        raise RefusedError(LATER)
    account = (organisation_id, found.system, found.account)
    try:
        issuer = app.stated.issuer(account, connector, afresh=afresh)
        invoiced = app.stated.invoice(
            document_id, found.changed_at, lambda: connector.invoiced(found.external_id, issuer), afresh=afresh
        )
    except Reject as error:
        raise RefusedError(NOT_GIVEN) from error
    except (ConnectorError, VaultError) as error:
        _log.warning("an invoice of %s cannot be read in full: %s", found.system, error)
        raise RefusedError(LATER) from error
    with app.store.read() as db:
        document, customer = t.document.c, t.customer.c
        country = db.scalar(
            select(customer.country)
            .join(t.document, document.customer_id == customer.id)
            .where(document.organisation_id == organisation_id, document.id == document_id)
        )
    seller, buyer = _placed(issuer.seller, None), _placed(invoiced.buyer, country)
    return replace(issuer, seller=seller), replace(invoiced, buyer=buyer)


def _placed(party: Party, known: str | None) -> Party:
    """A party with its country in two letters: as the invoice says it, else as it is `known` of the customer."""
    return replace(party, country=country_code(party.country) or country_code(known) or "")


def _unprintable(made: EInvoice) -> tuple[str, ...]:
    """Why the page of a hybrid invoice cannot be printed; nothing where it can."""
    from runtime.e_invoices.drawn import refuse_unprintable  # noqa: PLC0415 - ReportLab takes a quarter of a second

    try:
        refuse_unprintable(made)
    except PrintError as error:
        return (f"it cannot be printed as Factur-X: {error}",)
    return ()


def _written(made: EInvoice, form: InvoiceFormat, language: str) -> bytes:
    from runtime.e_invoices.factur_x import write_factur_x  # noqa: PLC0415 - ReportLab takes a quarter of a second
    from runtime.e_invoices.ubl import write_ubl  # noqa: PLC0415

    if form is InvoiceFormat.UBL:
        return write_ubl(made)
    if _unprintable(made):
        raise RefusedError(NOT_GIVEN)
    return write_factur_x(made, language=language)


def _rows(invoiced: Invoiced) -> tuple[tuple[str, ...], ...]:
    """The lines, and what is taken off the whole, as LINE_COLUMNS."""
    code = invoiced.total.currency
    lines = [
        (" ".join(line.text.split()), f"{line.quantity:f}", line.net.text(), line.tax_name, line.tax)
        for line in invoiced.lines
    ]
    off = [(" ".join(each.text.split()), "1", (-each.amount).text(), "", None) for each in invoiced.discounts]
    return tuple(
        (invoiced.number, str(place), text, quantity, net, code, name, f"{tax.percent:f}" if tax else "")
        for place, (text, quantity, net, name, tax) in enumerate([*lines, *off], 1)
    )
