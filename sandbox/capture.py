"""A mail server that keeps what it is given: the sandbox's customers' mailboxes."""

from __future__ import annotations

import threading
import time
from asyncio import WriteTransport
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import Enum, auto
from socket import socket

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

LOOPBACK = "127.0.0.1"
MAX_MAILS = 100_000


def _wall_clock() -> datetime:
    return datetime.now(UTC)


class Fate(Enum):
    """What a mail server makes of a message."""

    TAKEN = auto()
    REFUSED = auto()
    PUT_OFF = auto()
    ANSWER_LOST = auto()  # it is taken, and the connection breaks before the sender is told


@dataclass(frozen=True)
class CapturedMail:
    """One delivered message. `order` grows with every later event of this process (`time.monotonic_ns`)."""

    recipients: tuple[str, ...]
    subject: str
    text: str
    html: str
    headers: dict[str, str]
    received_at: datetime
    order: int = field(default_factory=time.monotonic_ns)


def _nobody(_mail: CapturedMail) -> None:
    """Listen to no mail."""


class CaptureServer:
    """Listens on loopback and keeps every message, at most MAX_MAILS; further ones are refused with 452.

    `hear` is told of each mail before its sender is answered; `fate` says what becomes of the next one.
    """

    def __init__(
        self, *, clock: Callable[[], datetime] = _wall_clock, hear: Callable[[CapturedMail], None] = _nobody
    ) -> None:
        self._clock = clock
        self._hear = hear
        self.fate: Callable[[], Fate] = lambda: Fate.TAKEN
        self._lock = threading.Lock()
        self._mails: list[CapturedMail] = []
        self._controller: Controller | None = None

    @property
    def host(self) -> str:
        """The host to send to."""
        return LOOPBACK

    @property
    def port(self) -> int:
        """The port to send to; RuntimeError when it is not started."""
        if self._controller is None:
            raise RuntimeError("the capture server is not started")
        return self._controller.port

    @property
    def mails(self) -> list[CapturedMail]:
        """The messages so far, in the order of arrival."""
        with self._lock:
            return list(self._mails)

    def start(self) -> None:
        """Listen on a free port; OSError when that is not possible."""
        controller = _AnyPort(_Mailbox(self), hostname=LOOPBACK, port=0)
        controller.start()
        self._controller = controller

    def stop(self) -> None:
        """Stop listening; the messages stay."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def keep(self, raw: bytes, recipients: tuple[str, ...]) -> bool:
        """Keep one message; False when MAX_MAILS are kept already."""
        mail = parse(raw, recipients=recipients, received_at=self._clock())
        with self._lock:
            if len(self._mails) >= MAX_MAILS:
                return False
            self._mails.append(mail)
        self._hear(mail)
        return True


class _Mailbox:
    """The SMTP hooks, apart from the server: aiosmtpd looks at every attribute of its handler."""

    def __init__(self, capture: CaptureServer) -> None:
        self._capture = capture

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        fate = self._capture.fate()
        if fate is Fate.REFUSED:
            return "550 no such mailbox"
        if fate is Fate.PUT_OFF:
            return "451 try again later"
        content = envelope.content
        raw = content if isinstance(content, bytes) else (content or "").encode()
        kept = self._capture.keep(raw, tuple(envelope.rcpt_tos))
        if fate is Fate.ANSWER_LOST and isinstance(server.transport, WriteTransport):
            server.transport.abort()
        return "250 OK" if kept else "452 too many messages"


class _AnyPort(Controller):
    """Port 0 means a free one: the controller's own start-up check must ask the port that was really taken."""

    def _trigger_server(self) -> None:
        sockets: list[socket] = getattr(self.server, "sockets", [])
        self.port = sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


def parse(raw: bytes, *, recipients: tuple[str, ...], received_at: datetime) -> CapturedMail:
    """Read one RFC 5322 message; a missing text or HTML part is the empty text."""
    message = message_from_bytes(raw, policy=policy.default)
    return CapturedMail(
        recipients=recipients,
        subject=str(message.get("Subject", "")),
        text=_body(message, "plain"),
        html=_body(message, "html"),
        headers={name: str(value) for name, value in message.items()},
        received_at=received_at,
    )


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    if part is None:
        return ""
    content = part.get_content()
    return content if isinstance(content, str) else ""
