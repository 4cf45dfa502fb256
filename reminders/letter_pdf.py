"""A letter laid out as PDF: the address where envelopes have their window, the invoices as a table, a code to pay by.

Forms: DIN 5008 form B on A4 (window of a DL or C5/6 envelope: 20 mm from the left, 45 mm from the top, 85 × 45 mm), and
a letter of 8.5 × 11 inches folded for a #10 window envelope. What is printed depends on the letter alone: the same
letter gives the same bytes.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

from reportlab.lib.pagesizes import A4, LETTER  # type: ignore[import-untyped]
from reportlab.lib.units import inch, mm  # type: ignore[import-untyped]
from reportlab.pdfbase import pdfmetrics  # type: ignore[import-untyped]
from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped]
from reportlab.platypus import (  # type: ignore[import-untyped]
    BaseDocTemplate,
    Flowable,
    Frame,
    KeepTogether,
    NextPageTemplate,
    PageTemplate,
    Spacer,
    Table,
    TableStyle,
)

from reminders.letter import Form, Letter
from reminders.payment_code import Code
from reminders.printing import FONT, GREY, paragraph, printable, style, use_fonts
from reminders.templating import PrintError

MAX_PAGES = 6  # what a window envelope holds, and what carriers take as one letter
_QUIET_MODULES = 4  # of light around a QR code (ISO/IEC 18004)
_CODE_SIZE = 34 * mm


@dataclass(frozen=True, slots=True)
class _Sheet:
    """Measures in points from the top left corner of the first page."""

    size: tuple[float, float]
    left: float
    window_top: float  # the small line with who sent it, for whoever cannot deliver it
    address_top: float
    block_left: float  # the sender's own block, beside the window
    text_top: float
    folds: tuple[float, ...]


_SHEETS = {
    Form.DIN_5008: _Sheet(A4, 25 * mm, 58 * mm, 64.5 * mm, 125 * mm, 98 * mm, (105 * mm, 210 * mm)),
    Form.US_10: _Sheet(LETTER, 1 * inch, 1.98 * inch, 2.2 * inch, 5 * inch, 3.85 * inch, (3.667 * inch, 7.333 * inch)),
}


def draw_letter(letter: Letter, *, form: Form) -> bytes:
    """Return the PDF. PrintError for a character that the font does not have, and for more than MAX_PAGES pages."""
    use_fonts()
    sheet = _SHEETS[form]
    width, height = sheet.size
    right, bottom = 20 * mm, 22 * mm
    inner = width - sheet.left - right
    made = io.BytesIO()
    document = BaseDocTemplate(
        made, pagesize=sheet.size, title=printable(letter.subject), author=printable(letter.sender[0]), invariant=1
    )
    first = Frame(sheet.left, bottom, inner, height - sheet.text_top - bottom, 0, 0, 0, 0)
    later = Frame(sheet.left, bottom, inner, height - 25 * mm - bottom, 0, 0, 0, 0)
    document.addPageTemplates(
        [
            PageTemplate("first", [first], onPage=lambda canvas, _doc: _head(canvas, sheet, letter)),
            PageTemplate("later", [later], onPage=lambda canvas, _doc: _foot(canvas, sheet, letter)),
        ]
    )
    document.lang = letter.language
    document.build([NextPageTemplate("later"), *_story(letter, inner)])
    if document.page > MAX_PAGES:
        raise PrintError(f"the letter would have {document.page} pages, more than {MAX_PAGES}")
    return made.getvalue()


def _story(letter: Letter, inner: float) -> list[Flowable]:
    signed = [paragraph(each, style(10, after=1)) for each in letter.signature[1:]]
    return [
        paragraph(letter.subject, style(11.5, bold=True, after=10)),
        *(paragraph(each, style(10, after=7)) for each in letter.opening.split("\n\n")),
        *(paragraph(each, style(10, after=7)) for each in letter.news),
        _table(letter, inner),
        Spacer(1, 10),
        *(paragraph(each, style(10, after=7)) for each in letter.closing.split("\n\n") if each),
        KeepTogether([_payment(letter, inner)]),
        Spacer(1, 10),
        KeepTogether([paragraph(letter.signature[0], style(10, after=12)), *signed]),
    ]


def _table(letter: Letter, inner: float) -> Table:
    head, cell, number = style(8, grey=True), style(9.5), style(9.5, right=True)
    bold, bold_number = style(9.5, bold=True), style(9.5, bold=True, right=True)
    heads = [paragraph(each, style(8, grey=True, right=place > 2)) for place, each in enumerate(letter.heads)]
    rows = [[paragraph(each, number if place > 2 else cell) for place, each in enumerate(row)] for row in letter.rows]
    totals = [[paragraph(name, bold), "", "", "", paragraph(amount, bold_number)] for name, amount in letter.totals]
    widths = [inner * share for share in (0.26, 0.18, 0.18, 0.19, 0.19)]
    table = Table([heads, *rows, *totals], colWidths=widths, repeatRows=1)
    last = len(rows)
    table.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (0, -1), 0),
                ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
                ("TOPPADDING", (0, 0), (-1, -1), 3),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
                ("LINEBELOW", (0, 0), (-1, 0), 0.5, head.textColor),
                ("LINEABOVE", (0, last + 1), (-1, last + 1), 0.5, head.textColor),
                *(("SPAN", (0, last + 1 + place), (3, last + 1 + place)) for place in range(len(totals))),
            ]
        )
    )
    return table


def _payment(letter: Letter, inner: float) -> Table:
    lines = [[paragraph(name, style(8, grey=True)), paragraph(value, style(9.5))] for name, value in letter.payment]
    words = Table(lines, colWidths=[(inner - _CODE_SIZE) * 0.3, (inner - _CODE_SIZE) * 0.7 - 6])
    words.setStyle(TableStyle([("LEFTPADDING", (0, 0), (-1, -1), 0), ("VALIGN", (0, 0), (-1, -1), "TOP")]))
    code = [_Drawn(letter.code, _CODE_SIZE), paragraph(letter.code_words, style(7, grey=True))]
    table = Table([[words, code]], colWidths=[inner - _CODE_SIZE, _CODE_SIZE])
    table.setStyle(
        TableStyle(
            [
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 0),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ]
        )
    )
    return table


class _Drawn(Flowable):  # type: ignore[misc]
    """A QR code as vectors, with the light around it that readers need."""

    def __init__(self, code: Code, size: float) -> None:
        super().__init__()
        self.code, self.width, self.height = code, size, size

    def draw(self) -> None:
        """Draw the dark modules."""
        side = self.width / (len(self.code.rows) + 2 * _QUIET_MODULES)
        self.canv.setFillColorRGB(0, 0, 0)
        for down, row in enumerate(self.code.rows):
            for along, is_dark in enumerate(row):
                if is_dark:
                    x, y = (along + _QUIET_MODULES) * side, self.height - (down + 1 + _QUIET_MODULES) * side
                    self.canv.rect(x, y, side, side, stroke=0, fill=1)


def _head(canvas: Canvas, sheet: _Sheet, letter: Letter) -> None:
    """What stands on the first page alone: address, sender, date, and where to fold."""
    _, height = sheet.size
    _lines(canvas, letter.sender, x=sheet.block_left, top=height - 32 * mm, size=9)
    _lines(canvas, [letter.date], x=sheet.block_left, top=height - sheet.text_top + 14 * mm, size=9.5)
    if letter.recipient:
        canvas.setFillColor(GREY)
        _lines(canvas, [letter.return_line], x=sheet.left, top=height - sheet.window_top, size=6.5, widest=80 * mm)
        canvas.setFillColorRGB(0, 0, 0)
        _lines(canvas, letter.recipient, x=sheet.left, top=height - sheet.address_top, size=10)
    canvas.setLineWidth(0.3)
    for fold in sheet.folds:
        canvas.line(4 * mm, height - fold, 8 * mm, height - fold)
    _foot(canvas, sheet, letter)


def _foot(canvas: Canvas, sheet: _Sheet, letter: Letter) -> None:
    canvas.setFillColor(GREY)
    number = letter.page_words.replace("{n}", str(canvas.getPageNumber()))
    _lines(canvas, [f"{letter.sender[0]} · {number}"], x=sheet.left, top=14 * mm, size=7)
    canvas.setFillColorRGB(0, 0, 0)


def _lines(
    canvas: Canvas, lines: list[str] | tuple[str, ...], *, x: float, top: float, size: float, widest: float = 85 * mm
) -> None:
    """Write lines one below the other, each made smaller where it would not fit."""
    for place, line in enumerate(lines):
        text = printable(line)
        fits = min(1.0, widest / max(pdfmetrics.stringWidth(text, FONT, size), 1.0))
        canvas.setFont(FONT, size * fits)
        canvas.drawString(x, top - place * size * 1.28, text)
