"""What printed papers have in common: the font, the styles, and which characters can be printed at all."""

from __future__ import annotations

import unicodedata
from functools import cache
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor  # type: ignore[import-untyped]
from reportlab.lib.styles import ParagraphStyle  # type: ignore[import-untyped]
from reportlab.pdfbase import pdfmetrics  # type: ignore[import-untyped]
from reportlab.pdfbase.ttfonts import TTFont  # type: ignore[import-untyped]
from reportlab.platypus import Paragraph  # type: ignore[import-untyped]

from reminders.templating import PrintError

FONT, BOLD = "house", "house-bold"
GREY = HexColor("#555555")


def paragraph(text: str, style: ParagraphStyle) -> Paragraph:
    """Return text as running text; PrintError as `printable` raises it."""
    return Paragraph(escape(printable(" ".join(text.split()))), style)


@cache
def style(
    size: float, *, bold: bool = False, grey: bool = False, right: bool = False, after: float = 0
) -> ParagraphStyle:
    """Return a style; `size` and the space `after` it are in points."""
    return ParagraphStyle(
        f"{size}{bold}{grey}{right}{after}",
        fontName=BOLD if bold else FONT,
        fontSize=size,
        leading=size * 1.35,
        spaceAfter=after,
        alignment=2 if right else 0,
        textColor=GREY if grey else HexColor("#000000"),
    )


@cache
def use_fonts() -> frozenset[int]:
    """Bitstream Vera, which ReportLab brings along; returns the characters that it has."""
    font = TTFont(FONT, "Vera.ttf")
    pdfmetrics.registerFont(font)
    pdfmetrics.registerFont(TTFont(BOLD, "VeraBd.ttf"))
    return frozenset(font.face.charToGlyph)


def printable(text: str) -> str:
    """The text in characters that the font has: an accent that it lacks is left out, as on envelopes; a script is not.

    PrintError names the first character that cannot be printed at all.
    """
    return "".join(character if ord(character) in use_fonts() else _plainer(character) for character in text)


def _plainer(character: str) -> str:
    if character.isspace():
        return " "
    base = unicodedata.normalize("NFKD", character)[0]
    if base != character and ord(base) in use_fonts():
        return base
    raise PrintError(f"the font cannot print {character!r} ({unicodedata.name(character, 'unnamed')})")
