"""The page of a hybrid invoice: drawn from the same model as its XML, so that both say the same.

It keeps what PDF/A-3 asks of the page (ISO 19005-3): fonts are embedded, and colours are meant as sRGB.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import astuple

from PIL import ImageCms
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject, StreamObject, TextStringObject
from reportlab.platypus import (  # type: ignore[import-untyped]
    Flowable,
    Spacer,
    Table,
    TableStyle,
)

from receivables.e_invoice import EInvoice, Line
from receivables.invoiced import Party, TaxCategory
from reminders.printing import FONT, GREY, paragraph, print_paper, printable, style
from reminders.wording import Wording, wording
from runtime.e_invoices.xml import plain

_COLUMNS = (0.46, 0.12, 0.16, 0.1, 0.16)  # of the width
_COLOURS = 3  # components of an RGB profile
_LABEL_OF = {TaxCategory.ZERO: "zero", TaxCategory.EXEMPT: "exempt", TaxCategory.OUTSIDE: "outside"}


def refuse_unprintable(invoice: EInvoice) -> None:
    """PrintError names the first character of an invoice that the font does not have."""
    printable(json.dumps(astuple(invoice), default=str, ensure_ascii=False))


def draw_invoice(invoice: EInvoice, *, language: str) -> bytes:
    """Return the invoice as PDF in `language`; PrintError for a character that the font does not have."""
    words = wording(language)
    paper, _ = print_paper(
        lambda width: list(_story(invoice, words, width)),
        words=words,
        title=_said(words, "title", number=invoice.number),
        author=invoice.seller.name,
        about=invoice.number,
        initialFontName=FONT,  # one that is not embedded would begin each page otherwise
    )
    return _with_profile(paper)


def _story(invoice: EInvoice, words: Wording, width: float) -> Iterator[Flowable]:
    yield paragraph(invoice.seller.name, style(12, bold=True, after=2))
    for text in _about(invoice.seller, words):
        yield paragraph(text, style(9, grey=True))
    yield Spacer(1, 18)
    yield paragraph(invoice.buyer.name, style(11, after=2))
    for text in _about(invoice.buyer, words):
        yield paragraph(text, style(10))
    yield Spacer(1, 18)
    yield paragraph(_said(words, "title", number=invoice.number), style(16, bold=True, after=4))
    told = [
        _said(words, "issued", date=words.day(invoice.issued_on)),
        _said(words, "due", date=words.day(invoice.due_on)),
    ]
    if invoice.order_number:
        told.append(_said(words, "order_number", number=invoice.order_number))
    yield paragraph(" · ".join(told), style(10, grey=True, after=12))
    yield _lines(invoice.lines, words, width)
    yield Spacer(1, 12)
    yield _totals(invoice, words, width)


def _about(party: Party, words: Wording) -> Iterator[str]:
    town = " ".join(part for part in (party.post_code, party.city, party.region) if part)
    yield ", ".join(part for part in (*party.lines, town, party.country) if part)
    if party.tax_number:
        yield _said(words, "tax_number", number=party.tax_number)
    if party.registration:
        yield _said(words, "registration", number=party.registration)


def _lines(lines: Sequence[Line], words: Wording, width: float) -> Table:
    labels = words.labels["e_invoice"]
    heads = [labels[name] for name in ("item", "quantity", "price", "tax", "net_amount")]
    rows = [
        [
            line.description or line.name,
            plain(line.quantity),
            plain(line.price) + (f" / {plain(line.base)}" if line.base != 1 else ""),
            "–" if line.tax.category is TaxCategory.OUTSIDE else f"{plain(line.tax.percent)} %",
            words.money(line.net),
        ]
        for line in lines
    ]
    head = [paragraph(text, style(8, grey=True, right=place > 0)) for place, text in enumerate(heads)]
    body = [[paragraph(text, style(9, right=place > 0)) for place, text in enumerate(row)] for row in rows]
    table = Table([head, *body], colWidths=[width * share for share in _COLUMNS], repeatRows=1)
    table.setStyle(
        TableStyle(
            [
                ("FONTNAME", (0, 0), (-1, -1), FONT),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (0, -1), 0),
                ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
                ("LINEBELOW", (0, 0), (-1, 0), 0.5, GREY),
                ("LINEBELOW", (0, -1), (-1, -1), 0.5, GREY),
            ]
        )
    )
    return table


def _totals(invoice: EInvoice, words: Wording, width: float) -> Table:
    totals, labels = invoice.totals, words.labels["e_invoice"]
    rows = [(labels["lines"], totals.lines)] if invoice.allowances else []
    rows += [(_said(words, "discount", reason=each.reason), -each.amount) for each in invoice.allowances]
    rows.append((labels["net"], totals.net))
    for each in invoice.breakdown:
        label = _LABEL_OF.get(each.tax.category, "rate")
        percent = plain(each.tax.percent)
        rows.append((_said(words, label, percent=percent, amount=words.money(each.taxable)), each.amount))
    rows.append((labels["total"], totals.total))
    if totals.paid:
        rows.append((labels["paid"], -totals.paid))
    cells = [[paragraph(name, style(9.5)), paragraph(words.money(each), style(9.5, right=True))] for name, each in rows]
    due = [
        paragraph(labels["to_pay"], style(10, bold=True)),
        paragraph(words.money(totals.due), style(10, bold=True, right=True)),
    ]
    table = Table([*cells, due], colWidths=[0.42 * width, 0.22 * width], hAlign="RIGHT")
    table.setStyle(
        TableStyle(
            [
                ("FONTNAME", (0, 0), (-1, -1), FONT),
                ("LINEABOVE", (0, -1), (-1, -1), 0.5, GREY),
                ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
            ]
        )
    )
    return table


def _said(words: Wording, label: str, **facts: str) -> str:
    """A label with facts in their places; a fact is not looked through for more places."""
    parts = str(words.labels["e_invoice"][label]).split("{")
    return parts[0] + "".join(facts[name] + rest for name, _, rest in (part.partition("}") for part in parts[1:]))


def _with_profile(pdf: bytes) -> bytes:
    """State that colours are sRGB, as a document for archives has to say."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf)))
    writer.pdf_header = "%PDF-1.7"
    profile = StreamObject()
    profile.set_data(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[NameObject("/N")] = NumberObject(_COLOURS)
    intent = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/OutputIntent"),
            NameObject("/S"): NameObject("/GTS_PDFA1"),
            NameObject("/OutputConditionIdentifier"): TextStringObject("sRGB IEC61966-2.1"),
            NameObject("/DestOutputProfile"): writer._add_object(profile),
        }
    )
    writer.root_object[NameObject("/OutputIntents")] = ArrayObject([writer._add_object(intent)])
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()
