"""A letter laid out as PDF: the address where envelopes have their window, the invoices as a table, a code to pay by.

Forms: DIN 5008 form B on A4 (window of a DL or C5/6 envelope: 20 mm from the left, 45 mm from the top, 85 × 45 mm), and
a letter of 8.5 × 11 inches folded for a #10 window envelope. What is printed depends on the letter alone: the same
letter gives the same bytes.
"""

from __future__ import annotations

import io
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor  # type: ignore[import-untyped]
from reportlab.lib.pagesizes import A4, LETTER  # type: ignore[import-untyped]
from reportlab.lib.styles import ParagraphStyle  # type: ignore[import-untyped]
from reportlab.lib.units import inch, mm  # type: ignore[import-untyped]
from reportlab.pdfbase import pdfmetrics  # type: ignore[import-untyped]
from reportlab.pdfbase.ttfonts import TTFont  # type: ignore[import-untyped]
from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped]
from reportlab.platypus import (  # type: ignore[import-untyped]
    BaseDocTemplate,
    Flowable,
    Frame,
    KeepTogether,
    NextPageTemplate,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

from reminders.letter import Letter
from reminders.payment_code import Code
from reminders.templating import TemplateError

MAX_PAGES = 6  # what a window envelope holds, and what carriers take as one letter
_FONT, _BOLD = "letter", "letter-bold"
_GREY = HexColor("#555555")
_QUIET_MODULES = 4  # of light around a QR code (ISO/IEC 18004)
_CODE_SIZE = 34 * mm


class LetterError(TemplateError):
    """A letter that cannot be printed as it should be; the text says why."""


class Form(StrEnum):
    """The sheet, its folds and where the envelope's window is."""

    DIN_5008 = "din_5008"
    US_10 = "us_10"


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
    """Return the PDF. LetterError for a character that the font does not have, and for more than MAX_PAGES pages."""
    _fonts()
    sheet = _SHEETS[form]
    width, height = sheet.size
    right, bottom = 20 * mm, 22 * mm
    inner = width - sheet.left - right
    made = io.BytesIO()
    document = BaseDocTemplate(
        made, pagesize=sheet.size, title=_printable(letter.subject), author=_printable(letter.sender[0]), invariant=1
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
        raise LetterError(f"the letter would have {document.page} pages, more than {MAX_PAGES}")
    return made.getvalue()


def _story(letter: Letter, inner: float) -> list[Flowable]:
    signed = [_paragraph(each, _style(10, after=1)) for each in letter.signature[1:]]
    return [
        _paragraph(letter.subject, _style(11.5, bold=True, after=10)),
        *(_paragraph(each, _style(10, after=7)) for each in letter.opening.split("\n\n")),
        *(_paragraph(each, _style(10, after=7)) for each in letter.news),
        _table(letter, inner),
        Spacer(1, 10),
        *(_paragraph(each, _style(10, after=7)) for each in letter.closing.split("\n\n") if each),
        KeepTogether([_payment(letter, inner)]),
        Spacer(1, 10),
        KeepTogether([_paragraph(letter.signature[0], _style(10, after=12)), *signed]),
    ]


def _table(letter: Letter, inner: float) -> Table:
    head, cell, number = _style(8, grey=True), _style(9.5), _style(9.5, right=True)
    bold, bold_number = _style(9.5, bold=True), _style(9.5, bold=True, right=True)
    heads = [_paragraph(each, _style(8, grey=True, right=place > 2)) for place, each in enumerate(letter.heads)]
    rows = [[_paragraph(each, number if place > 2 else cell) for place, each in enumerate(row)] for row in letter.rows]
    totals = [[_paragraph(name, bold), "", "", "", _paragraph(amount, bold_number)] for name, amount in letter.totals]
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
    lines = [[_paragraph(name, _style(8, grey=True)), _paragraph(value, _style(9.5))] for name, value in letter.payment]
    words = Table(lines, colWidths=[(inner - _CODE_SIZE) * 0.3, (inner - _CODE_SIZE) * 0.7 - 6])
    words.setStyle(TableStyle([("LEFTPADDING", (0, 0), (-1, -1), 0), ("VALIGN", (0, 0), (-1, -1), "TOP")]))
    code = [_Drawn(letter.code, _CODE_SIZE), _paragraph(letter.code_words, _style(7, grey=True))]
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
        canvas.setFillColor(_GREY)
        _lines(canvas, [letter.return_line], x=sheet.left, top=height - sheet.window_top, size=6.5, widest=80 * mm)
        canvas.setFillColorRGB(0, 0, 0)
        _lines(canvas, letter.recipient, x=sheet.left, top=height - sheet.address_top, size=10)
    canvas.setLineWidth(0.3)
    for fold in sheet.folds:
        canvas.line(4 * mm, height - fold, 8 * mm, height - fold)
    _foot(canvas, sheet, letter)


def _foot(canvas: Canvas, sheet: _Sheet, letter: Letter) -> None:
    canvas.setFillColor(_GREY)
    number = letter.page_words.replace("{n}", str(canvas.getPageNumber()))
    _lines(canvas, [f"{letter.sender[0]} · {number}"], x=sheet.left, top=14 * mm, size=7)
    canvas.setFillColorRGB(0, 0, 0)


def _lines(
    canvas: Canvas, lines: list[str] | tuple[str, ...], *, x: float, top: float, size: float, widest: float = 85 * mm
) -> None:
    """Write lines one below the other, each made smaller where it would not fit."""
    for place, line in enumerate(lines):
        text = _printable(line)
        fits = min(1.0, widest / max(pdfmetrics.stringWidth(text, _FONT, size), 1.0))
        canvas.setFont(_FONT, size * fits)
        canvas.drawString(x, top - place * size * 1.28, text)


def _paragraph(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(escape(_printable(" ".join(text.split()))), style)


@cache
def _style(
    size: float, *, bold: bool = False, grey: bool = False, right: bool = False, after: float = 0
) -> ParagraphStyle:
    return ParagraphStyle(
        f"{size}{bold}{grey}{right}{after}",
        fontName=_BOLD if bold else _FONT,
        fontSize=size,
        leading=size * 1.35,
        spaceAfter=after,
        alignment=2 if right else 0,
        textColor=_GREY if grey else HexColor("#000000"),
    )


@cache
def _fonts() -> frozenset[int]:
    """Bitstream Vera, which ReportLab brings along; returns the characters that it has."""
    font = TTFont(_FONT, "Vera.ttf")
    pdfmetrics.registerFont(font)
    pdfmetrics.registerFont(TTFont(_BOLD, "VeraBd.ttf"))
    return frozenset(font.face.charToGlyph)


def _printable(text: str) -> str:
    """The text in characters that the font has: an accent that it lacks is left out, as on envelopes; a script is not.

    LetterError names the first character that cannot be printed at all.
    """
    return "".join(character if ord(character) in _fonts() else _plainer(character) for character in text)


def _plainer(character: str) -> str:
    if character.isspace():
        return " "
    base = unicodedata.normalize("NFKD", character)[0]
    if base != character and ord(base) in _fonts():
        return base
    raise LetterError(f"the letter's font cannot print {character!r} ({unicodedata.name(character, 'unnamed')})")
