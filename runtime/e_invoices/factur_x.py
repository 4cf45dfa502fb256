"""A hybrid invoice by Factur-X 1.0 (ZUGFeRD 2): a page for people, with the XML for their books inside it."""

from __future__ import annotations

from facturx import generate_from_binary  # type: ignore[import-untyped]

from receivables.e_invoice import EInvoice
from reminders.wording import wording
from runtime.e_invoices.cii import write_cii
from runtime.e_invoices.drawn import draw_invoice


def write_factur_x(invoice: EInvoice, *, language: str) -> bytes:
    """Return the PDF in `language`; PrintError for a character that the font does not have."""
    title = f"{invoice.seller.name}: {invoice.number}"
    made: bytes = generate_from_binary(
        draw_invoice(invoice, language=language),
        write_cii(invoice),
        flavor="factur-x",
        level="en16931",
        check_xsd=True,
        pdf_metadata={"author": invoice.seller.name, "keywords": "Factur-X", "title": title, "subject": title},
        lang=wording(language).language,
        afrelationship="data",
        xmp_compression=False,
    )
    return made
