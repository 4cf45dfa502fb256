"""How an organisation's pages for payers look: its colour and its logo, checked before they are kept."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass

from PIL import Image, ImageDraw, UnidentifiedImageError
from sqlalchemy import Connection, select

from runtime.app import App
from runtime.operations.errors import InputError
from runtime.store import journal
from runtime.store import tables as t
from runtime.store.rows import upsert

OWN_COLOUR = "#1f5f4a"  # ours, while an organisation has chosen none
MAX_LOGO_BYTES = 256 * 1024
MAX_LOGO_PIXELS = 4_000  # of a side, before it is made smaller
LOGO_BOX = (480, 96)  # pixels that a kept logo fits into: twice what is shown
MIN_CONTRAST = 4.5  # of white words on the colour. Source: WCAG 2.2, 1.4.3
ICON_SIZES = (192, 512)  # what browsers ask of a page that can be put on a phone's first screen
_FORMATS = ("PNG", "JPEG", "WEBP")
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_TICK = ((0.31, 0.52), (0.45, 0.65), (0.70, 0.38))  # of an icon's side, inside what any mask leaves
_TICK_WIDTH = 0.085

Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Brand:
    """The colour and whether there is a logo."""

    colour: str = OWN_COLOUR
    has_logo: bool = False

    @property
    def is_own(self) -> bool:
        """Whether the colour is the organisation's own choice."""
        return self.colour != OWN_COLOUR


def brand(db: Connection, organisation_id: str) -> Brand:
    """Return how the pages of an organisation look."""
    row = db.execute(
        select(t.brand.c.colour, t.brand.c.logo.is_not(None).label("has_logo")).where(
            t.brand.c.organisation_id == organisation_id
        )
    ).first()
    return Brand(row.colour or OWN_COLOUR, row.has_logo) if row else Brand()


def logo(db: Connection, organisation_id: str) -> bytes | None:
    """Return the logo as PNG, None where there is none."""
    return db.scalar(select(t.brand.c.logo).where(t.brand.c.organisation_id == organisation_id))


def set_colour(app: App, *, organisation_id: str, colour: str, actor: str) -> None:
    """Keep the colour (#rrggbb). InputError for none, and for one on which white words cannot be read."""
    chosen = colour.strip().lower()
    if not _COLOUR.fullmatch(chosen):
        raise InputError(f"{colour!r} is no colour such as {OWN_COLOUR}")
    contrast = 1.05 / (_luminance(_rgb(chosen)) + 0.05)
    if contrast < MIN_CONTRAST:
        raise InputError(
            f"{chosen} is too light: white words on it have a contrast of {contrast:.1f}, and {MIN_CONTRAST} is needed"
        )
    _keep(app, organisation_id, {"colour": chosen}, said=chosen, actor=actor)


def set_logo(app: App, *, organisation_id: str, content: bytes, actor: str) -> None:
    """Keep a logo, drawn anew so that nothing but its picture is kept; empty content takes it away.

    InputError for what is larger than MAX_LOGO_BYTES or MAX_LOGO_PIXELS, or no picture.
    """
    kept = _drawn_anew(content) if content else None
    _keep(app, organisation_id, {"logo": kept}, said="a logo" if kept else "no logo", actor=actor)


def stylesheet(colour: str) -> str:
    """Return the style that gives a page its colour."""
    rgb = _rgb(colour)
    dark, soft = _hex(tuple(part * 3 // 4 for part in rgb)), _hex(tuple(255 - (255 - part) // 10 for part in rgb))
    return f":root {{ --accent: {colour}; --accent-dark: {dark}; --accent-soft: {soft}; }}\n"


def icon(colour: str, size: int) -> bytes:
    """Draw the icon of a page on a phone: a tick on the colour, whole to the edge, as PNG."""
    scale = 4  # drawn larger and made smaller, for smooth edges
    side = size * scale
    picture = Image.new("RGB", (side, side), _rgb(colour))
    pen, width = ImageDraw.Draw(picture), int(_TICK_WIDTH * side)
    points = [(x * side, y * side) for x, y in _TICK]
    pen.line(points, fill="white", width=width, joint="curve")
    for x, y in points:
        pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill="white")
    return _png(picture.resize((size, size), Image.Resampling.LANCZOS))


def _drawn_anew(content: bytes) -> bytes:
    if len(content) > MAX_LOGO_BYTES:
        raise InputError(f"the logo is larger than {MAX_LOGO_BYTES // 1024} KiB")
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as picture:
            if max(picture.size) > MAX_LOGO_PIXELS:
                raise InputError(f"a side of the logo has more than {MAX_LOGO_PIXELS:,} pixels")
            plain = picture.convert("RGBA")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise InputError("the logo is no picture in PNG, JPEG or WebP") from None
    plain.thumbnail(LOGO_BOX)
    return _png(plain)


def _png(picture: Image.Image) -> bytes:
    written = io.BytesIO()
    picture.save(written, "PNG", optimize=True)
    return written.getvalue()


def _keep(app: App, organisation_id: str, values: dict[str, object], *, said: str, actor: str) -> None:
    with app.store.write() as db:
        now = app.clock()
        upsert(db, t.brand, [{"organisation_id": organisation_id} | values], keys=["organisation_id"])
        journal.record(
            db,
            organisation_id=organisation_id,
            at=now,
            actor=actor,
            action="brand_changed",
            subject=organisation_id,
            detail=f"pages for payers have {said}",
        )


def _rgb(colour: str) -> Rgb:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _hex(rgb: tuple[int, ...]) -> str:
    return "#" + "".join(f"{part:02x}" for part in rgb)


def _luminance(rgb: Rgb) -> float:
    """Relative luminance. Source: WCAG 2.2, definitions."""
    shares = [part / 255 for part in rgb]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
