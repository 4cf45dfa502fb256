"""A document as the vendors print it: a PDF of one page of plain lines (ISO 32000-1, 7.5)."""

from __future__ import annotations

from collections.abc import Sequence

_TOP, _LEFT, _STEP = 790, 56, 18  # points, on A4


def one_page(lines: Sequence[str]) -> bytes:
    """Return a page with these lines in Helvetica; what Latin-1 does not have is shown as a question mark."""
    shown = "\n".join(f"({_escaped(line)}) Tj 0 -{_STEP} Td" for line in lines)
    content = f"BT /F1 11 Tf {_LEFT} {_TOP} Td\n{shown}\nET".encode("latin-1", "replace")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica"
        b" /Encoding /WinAnsiEncoding >> >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    entries = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    return out + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        size,
        entries,
        size,
        len(out),
    )


def _escaped(line: str) -> str:
    return line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
