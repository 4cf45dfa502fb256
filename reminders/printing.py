"""What printed papers have in common: the font, the styles, and which characters can be printed at all."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor  # type: ignore[import-untyped]
from reportlab.lib.pagesizes import A4  # type: ignore[import-untyped]
from reportlab.lib.styles import ParagraphStyle  # type: ignore[import-untyped]
from reportlab.lib.units import mm  # type: ignore[import-untyped]
from reportlab.pdfbase import pdfmetrics  # type: ignore[import-untyped]
from reportlab.pdfbase.ttfonts import TTFont  # type: ignore[import-untyped]
from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped]
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate  # type: ignore[import-untyped]

from reminders.templating import PrintError
from reminders.wording import Wording

FONT, BOLD = "house", "house-bold"
GREY = HexColor("#555555")
_MARGIN = 20 * mm
_FRAME_PADDING = 6  # points, which SimpleDocTemplate's frame keeps at each side


def print_paper(
    story: Callable[[float], Sequence[Flowable]],
    *,
    words: Wording,
    title: str,
    author: str,
    about: str,
    **options: str,
) -> tuple[bytes, int]:
    """Return a paper on A4 as PDF, and how many pages it has; the same paper gives the same bytes.

    `story` is given the width of its text in points. Each page says at its foot who wrote it `about` what, with its
    number. `options` are ReportLab's own. PrintError as `printable` raises it.
    """
    use_fonts()
    made = io.BytesIO()
    document = SimpleDocTemplate(
        made,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
        title=printable(title),
        author=printable(author),
        lang=words.language,
        invariant=1,
        **options,
    )

    def foot(canvas: Canvas, _document: object) -> None:
        canvas.setFont(FONT, 7)
        canvas.setFillColor(GREY)
        number = words.labels["letter"]["page"].replace("{n}", str(canvas.getPageNumber()))
        canvas.drawString(_MARGIN, 12 * mm, printable(f"{author} · {about} · {number}"))

    document.build(list(story(document.width - 2 * _FRAME_PADDING)), onFirstPage=foot, onLaterPages=foot)
    return made.getvalue(), document.page


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
