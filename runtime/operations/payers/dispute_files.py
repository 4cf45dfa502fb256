"""Files that payers send with a dispute: checked before they are kept, and kept for some time after it is over.

A file is kept as it came: it is evidence, and nothing here shows it. So it is told by its first bytes and by what a
parser makes of it, and whoever fetches it gets it as a download.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from PIL import Image
from pypdf import PdfReader
from sqlalchemy import Connection, delete, exists, func, insert, or_, select, update

from receivables.document import DocumentStatus
from receivables.identity import stable_id
from runtime.app import App
from runtime.operations.errors import InputError
from runtime.store import tables as t

MAX_FILES = 3  # of one dispute
MAX_FILE_BYTES = 3 * 1024 * 1024  # what Xero was known to take of an attachment
MAX_NAME_CHARS = 100
MAX_PIXELS = 80_000_000  # of a picture: more than telephones take
KEPT_FOR = timedelta(days=90)  # after the dispute is over
NO_FILE_OF_THESE = "only PDF, PNG and JPEG files are taken, without a password"
TOO_LARGE = "the file is larger than 3 MB"
TOO_MANY = "Send three files at most"
_PDF, _PNG, _JPEG = "application/pdf", "image/png", "image/jpeg"
_FIRST_BYTES = {b"%PDF-": _PDF, b"\x89PNG\r\n\x1a\n": _PNG, b"\xff\xd8\xff": _JPEG}
_ENDINGS = {_PDF: (".pdf",), _PNG: (".png",), _JPEG: (".jpg", ".jpeg")}  # the first one is given where none is there
_FOLDERS = re.compile(r"[/\\]")
_NOT_IN_NAMES = re.compile(r'[<>:"|?*]')  # of files on any system


class UnfitFileError(InputError):
    """A file that is not taken: its name, and `why`, which is one of the lines above."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: {why}")
        self.name = name
        self.why = why

    def said(self, translate: Callable[[str], str]) -> str:
        """Return the line in another language; the name stays as it is."""
        return f"“{self.name}”: {translate(self.why)}"


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file as a payer's browser sent it."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class FitFile:
    """A file that was checked: its clean name, what it is, and its bytes."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class DisputeFile:
    """A file that is kept, as a list shows it."""

    file_id: str
    name: str
    size_bytes: int
    sent_at: datetime


def check(files: Sequence[SentFile]) -> list[FitFile]:
    """Return the files under clean names; InputError when there are too many, UnfitFileError for one not taken."""
    if len(files) > MAX_FILES:
        raise InputError(TOO_MANY)
    return [_checked(each) for each in files]


def keep(
    db: Connection, *, organisation_id: str, document_id: str, files: Sequence[FitFile], at: datetime
) -> list[str]:
    """Keep files of a dispute; returns their ids."""
    rows = [
        {
            "id": stable_id("dsf", organisation_id, document_id, at.isoformat(), str(place)),
            "organisation_id": organisation_id,
            "document_id": document_id,
            "name": each.name,
            "media_type": each.media_type,
            "content": each.content,
            "sent_at": at,
        }
        for place, each in enumerate(files)
    ]
    if rows:
        db.execute(insert(t.dispute_file), rows)
    return [str(row["id"]) for row in rows]


def dispute_files(db: Connection, organisation_id: str, document_id: str) -> tuple[DisputeFile, ...]:
    """Return the files that are kept of an invoice's disputes, the oldest first."""
    file = t.dispute_file.c
    rows = db.execute(
        select(file.id, file.name, func.length(file.content).label("size_bytes"), file.sent_at)
        .where(file.organisation_id == organisation_id, file.document_id == document_id)
        .order_by(file.sent_at, file.id)
    )
    return tuple(DisputeFile(row.id, row.name, row.size_bytes, row.sent_at) for row in rows)


def dispute_file(db: Connection, organisation_id: str, document_id: str, file_id: str) -> FitFile | None:
    """Return one file of an invoice, None when it has none of this id (any more)."""
    file = t.dispute_file.c
    row = db.execute(
        select(file.name, file.media_type, file.content).where(
            file.organisation_id == organisation_id, file.document_id == document_id, file.id == file_id
        )
    ).first()
    return FitFile(row.name, row.media_type, row.content) if row else None


def end_dispute_files(app: App, organisation_id: str) -> int:
    """Remove the files whose dispute has been over for KEPT_FOR. Returns how many.

    A dispute is over when it is settled, wherever that was said, or when nothing is open on the invoice any more.
    """
    file, document, now = t.dispute_file.c, t.document.c, app.clock()
    mine = file.organisation_id == organisation_id
    contested = exists(
        select(document.id).where(
            document.organisation_id == organisation_id,
            document.id == file.document_id,
            document.disputed,
            document.status == DocumentStatus.OPEN.value,
        )
    )
    over = mine & file.ends_at.is_(None) & ~contested
    ended = mine & (file.ends_at <= now)
    with app.store.read() as db:
        if not db.scalar(select(exists(select(file.id).where(or_(over, ended))))):
            return 0
    with app.store.write() as db:
        db.execute(update(t.dispute_file).where(over).values(ends_at=now + KEPT_FOR))
        return db.execute(delete(t.dispute_file).where(ended)).rowcount


def _checked(sent: SentFile) -> FitFile:
    name = _clean(sent.name)
    if len(sent.content) > MAX_FILE_BYTES:
        raise UnfitFileError(name, TOO_LARGE)
    kinds = [kind for first, kind in _FIRST_BYTES.items() if sent.content.startswith(first)]
    if not kinds or not (_is_pdf(sent.content) if kinds[0] == _PDF else _is_picture(sent.content)):
        raise UnfitFileError(name, NO_FILE_OF_THESE)
    return FitFile(_ending(name, kinds[0]), kinds[0], sent.content)


def _clean(name: str) -> str:
    """Return the last part of a path as one line that can be a file's name anywhere."""
    last = _NOT_IN_NAMES.sub("", _FOLDERS.split(unicodedata.normalize("NFC", name))[-1])
    return "".join(letter for letter in last if letter.isprintable()).strip(" .")[:MAX_NAME_CHARS] or "file"


def _ending(name: str, media_type: str) -> str:
    """Return the name with the ending of what the file is: a system opens a file by its ending."""
    ending = next((name[-len(each) :] for each in _ENDINGS[media_type] if name.lower().endswith(each)), "")
    stem = name[: len(name) - len(ending)].rstrip(" .") or "file"
    ending = ending or _ENDINGS[media_type][0]
    return stem[: MAX_NAME_CHARS - len(ending)] + ending


def _is_picture(content: bytes) -> bool:
    """Whether its headers, and the checksums that a PNG has, are those of a picture; nothing is drawn of it."""
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as picture:
            width, height = picture.size
            picture.verify()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return False
    return width * height <= MAX_PIXELS


def _is_pdf(content: bytes) -> bool:
    """Whether it has pages that can be read without a password."""
    try:
        return len(PdfReader(io.BytesIO(content)).pages) > 0
    except Exception:  # whatever a broken file does to its reader, it is no PDF
        return False
