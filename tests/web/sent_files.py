"""Files as payers send them: small, and what they say they are."""

from __future__ import annotations

import io

from PIL import Image
from pypdf import PdfWriter


def picture(form: str = "PNG", side: int = 8) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (side, side), "red").save(written, form)
    return written.getvalue()


def pdf(*, password: str = "") -> bytes:
    writer, written = PdfWriter(), io.BytesIO()
    writer.add_blank_page(72, 72)
    if password:
        writer.encrypt(password)
    writer.write(written)
    return written.getvalue()
