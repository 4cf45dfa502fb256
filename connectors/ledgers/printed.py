"""An invoice as its ledger prints it: a PDF, of a size that can be passed on."""

from __future__ import annotations

from connectors.errors import Retry

MAX_PDF_BYTES = 10_000_000  # an invoice of hundreds of lines with pictures stays far below
_BEGINS = b"%PDF-"


def checked(content: bytes, title: str) -> bytes:
    """Return `content`; Retry when it is no PDF or too large to be one of an invoice: nobody is shown half a file."""
    if not content.startswith(_BEGINS):
        raise Retry(f"{title}'s answer is no PDF")
    if len(content) > MAX_PDF_BYTES:
        raise Retry(f"{title}'s PDF is larger than {MAX_PDF_BYTES} bytes")
    return content
