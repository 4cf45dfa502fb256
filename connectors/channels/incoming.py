"""A mail that came: who wrote what, in answer to which message; and what mail servers report of ours (RFC 3464)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.errors import HeaderParseError, MessageError
from email.message import EmailMessage, Message
from email.utils import getaddresses
from html.parser import HTMLParser

MAX_MAIL_BYTES = 1_000_000  # of one mail; what lies beyond, mostly attachments, is not read
MAX_TEXT_CHARS = 20_000
MAX_REFERENCES = 20
MAX_PARTS = 50
_MAX_HEADER_CHARS = 1_000
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,300}>")
_UNSEEN = frozenset({"script", "style", "head", "title", "blockquote"})
_LINES = frozenset({"br", "p", "div", "li", "tr", "h1", "h2", "h3"})
_BULK = frozenset({"bulk", "junk", "list", "auto_reply"})
_AUTOMATIC = ("X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress")


@dataclass(frozen=True, slots=True)
class Bounce:
    """What a mail server says became of a message of ours; `action` as in RFC 3464: failed, delayed, delivered…"""

    message_id: str
    recipient: str
    action: str
    status: str
    detail: str


@dataclass(frozen=True, slots=True)
class IncomingMail:
    """One mail. `references` are the Message-IDs that it answers, the nearest first.

    `key` is the same whenever the mail comes again. `is_automatic` where a machine wrote it (RFC 3834).
    """

    key: str
    message_id: str
    sender: str
    subject: str
    text: str
    references: tuple[str, ...]
    is_automatic: bool
    bounces: tuple[Bounce, ...] = ()


def read_mail(raw: bytes) -> IncomingMail:
    """Read a mail, however broken: what cannot be read of it is empty. Its first MAX_MAIL_BYTES count."""
    raw = raw[:MAX_MAIL_BYTES]
    message = message_from_bytes(raw, policy=policy.default)
    message_id = _first(_MESSAGE_ID.findall(_header(message, "Message-ID")))
    parents = [*_MESSAGE_ID.findall(_header(message, "In-Reply-To"))]
    parents += reversed(_MESSAGE_ID.findall(_header(message, "References")))
    return IncomingMail(
        key=hashlib.sha256(message_id.encode() if message_id else raw).hexdigest(),
        message_id=message_id,
        sender=_first([address for _, address in getaddresses([_header(message, "From")]) if "@" in address]).lower(),
        subject=_header(message, "Subject"),
        text=_text(message),
        references=tuple(dict.fromkeys(parents))[:MAX_REFERENCES],
        is_automatic=_is_automatic(message),
        bounces=tuple(_bounces(message)),
    )


def _header(message: Message, name: str) -> str:
    try:
        value = str(message.get(name, ""))
    except (HeaderParseError, MessageError, ValueError, IndexError, AttributeError):
        return ""  # the standard library gives up on some broken headers
    return " ".join(value.split())[:_MAX_HEADER_CHARS]


def _first(found: list[str]) -> str:
    return found[0] if found else ""


def _is_automatic(message: Message) -> bool:
    submitted = _header(message, "Auto-Submitted").lower()
    return (
        submitted not in ("", "no")
        or _header(message, "Precedence").lower() in _BULK
        or any(_header(message, name) for name in _AUTOMATIC)
        or _header(message, "Return-Path") == "<>"
    )


def _text(message: EmailMessage) -> str:
    """The words of a mail: its plain text, or else what its HTML says."""
    try:
        part = message.get_body(preferencelist=("plain", "html"))
        content = part.get_content() if part is not None else ""
    except (LookupError, MessageError, ValueError, AttributeError):
        return ""
    if not isinstance(content, str):
        return ""
    is_html = part is not None and part.get_content_subtype() == "html"
    return (_of_html(content) if is_html else content)[:MAX_TEXT_CHARS].replace("\0", "")


class _Words(HTMLParser):
    """What a reader sees of a page; quotes of earlier mails are left out."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._hidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._hidden.append(tag)
        elif tag in _LINES:
            self.found.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if self._hidden and self._hidden[-1] == tag:
            self._hidden.pop()
        elif tag in _LINES:
            self.found.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.found.append(" ".join(data.split()) + (" " if data[-1:].isspace() else ""))


def _of_html(source: str) -> str:
    words = _Words()
    words.feed(source)
    words.close()
    return "\n".join(line.strip() for line in "".join(words.found).splitlines()).strip()


def _bounces(message: Message) -> Iterator[Bounce]:
    if message.get_content_type() != "multipart/report":
        return
    parts = list(message.walk())[:MAX_PARTS]
    original = ""
    for part in parts:
        if part.get_content_type() == "text/rfc822-headers":
            original = original or _first(_MESSAGE_ID.findall(_after("message-id", str(part.get_payload()))))
        elif part.get_content_type() == "message/rfc822":
            for whole in _inside(part):
                original = original or _first(_MESSAGE_ID.findall(_header(whole, "Message-ID")))
    for part in parts:
        if part.get_content_type() != "message/delivery-status":
            continue
        for block in _inside(part):
            if block.get("Action"):
                yield Bounce(
                    message_id=original,
                    recipient=_header(block, "Final-Recipient").rpartition(";")[2].strip().lower(),
                    action=_header(block, "Action").lower(),
                    status=_header(block, "Status"),
                    detail=_header(block, "Diagnostic-Code").rpartition(";")[2].strip(),
                )


def _inside(part: Message) -> list[Message]:
    """The messages, or blocks of fields, that a part consists of."""
    payload = part.get_payload()
    return [each for each in payload if isinstance(each, Message)] if isinstance(payload, list) else []


def _after(name: str, headers: str) -> str:
    return next((line for line in headers.splitlines() if line.lower().startswith(f"{name}:")), "")
