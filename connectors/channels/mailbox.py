"""A mailbox read by IMAP: only looked at, nothing in it is changed, marked or deleted."""

from __future__ import annotations

import imaplib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from connectors.channels.incoming import MAX_MAIL_BYTES
from connectors.contract import CALL_TIMEOUT_SECONDS
from connectors.errors import Fatal, Reconnect, Retry

MAX_MAILS = 50  # that one reading takes; the next one goes on from there
_READ_AGAIN = timedelta(days=14)  # of mails that are read again when the server numbers them anew
_LOOPBACK = ("127.0.0.1", "localhost")
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


@dataclass(frozen=True, slots=True)
class ImapServer:
    """Where mail lies. `tls` is needed for every server but one on this machine."""

    host: str
    port: int
    username: str
    password: str
    folder: str = "INBOX"
    tls: bool = True


@dataclass(frozen=True, slots=True)
class Place:
    """Up to where a mailbox was read: the last number, and the numbering that it is of (RFC 3501, UIDVALIDITY)."""

    numbering: int
    last: int


@dataclass(frozen=True, slots=True)
class Reading:
    """New mails, and up to where the mailbox is read with them. `is_all` unless more wait."""

    mails: tuple[bytes, ...]
    place: Place
    is_all: bool


class Mailbox:
    """Reads one folder; each reading has its own connection."""

    def __init__(self, server: ImapServer) -> None:
        if not server.tls and server.host not in _LOOPBACK:
            raise Fatal("a mail password is only sent over TLS: switch on TRUEDUE_IMAP_TLS")
        self._server = server

    def read(self, place: Place | None, *, today: date) -> Reading:
        """Return what came after `place`, at most MAX_MAILS; without one nothing but where the mailbox stands.

        Retry: the server cannot be reached, or breaks off. Reconnect: it refuses our sign-in, its certificate is not
        trusted, or the folder is not there.
        """
        try:
            with self._open() as imap:
                numbering, coming = self._enter(imap)
                if place is None:
                    return Reading((), Place(numbering, coming - 1), is_all=True)
                is_same = numbering == place.numbering
                wanted = f"UID {place.last + 1}:*" if is_same else f"SINCE {_day(today - _READ_AGAIN)}"
                found = sorted(number for number in _search(imap, wanted) if not is_same or number > place.last)
                taken = found[:MAX_MAILS]
                mails = tuple(_fetch(imap, taken))
                last = taken[-1] if taken else place.last if is_same else coming - 1
                return Reading(mails, Place(numbering, last), is_all=len(taken) == len(found))
        except ssl.SSLCertVerificationError as error:
            raise Reconnect(f"the mail server's certificate is not trusted: {error}") from error
        except (imaplib.IMAP4.error, OSError) as error:
            raise Retry(f"the mailbox cannot be read: {error}", after_seconds=60.0) from error

    def _open(self) -> imaplib.IMAP4:
        where = (self._server.host, self._server.port)
        if self._server.tls:
            context = ssl.create_default_context()
            return imaplib.IMAP4_SSL(*where, ssl_context=context, timeout=CALL_TIMEOUT_SECONDS)
        return imaplib.IMAP4(*where, timeout=CALL_TIMEOUT_SECONDS)

    def _enter(self, imap: imaplib.IMAP4) -> tuple[int, int]:
        """Sign in and look into the folder. Returns its numbering and the number of the next mail to come."""
        try:
            imap.login(self._server.username, self._server.password)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            raise Reconnect(f"the mail server refuses our sign-in: {error}") from error
        status, _ = imap.select(f'"{self._server.folder}"', readonly=True)
        if status != "OK":
            raise Reconnect(f"the mailbox has no folder {self._server.folder!r}")
        return _number(imap, "UIDVALIDITY"), _number(imap, "UIDNEXT")


def _day(day: date) -> str:
    return f"{day.day}-{_MONTHS[day.month - 1]}-{day.year}"  # in English, whatever the locale is


def _number(imap: imaplib.IMAP4, name: str) -> int:
    values = imap.response(name)[1]
    if not values or values[0] is None:
        raise imaplib.IMAP4.error(f"the server does not tell {name}")
    return int(values[0])


def _search(imap: imaplib.IMAP4, wanted: str) -> list[int]:
    status, data = imap.uid("SEARCH", wanted)
    if status != "OK":
        raise imaplib.IMAP4.error(f"the search {wanted} was refused")
    return [int(number) for number in (data[0] or b"").split()]


def _fetch(imap: imaplib.IMAP4, numbers: list[int]) -> Iterator[bytes]:
    for number in numbers:
        status, data = imap.uid("FETCH", str(number), f"(BODY.PEEK[]<0.{MAX_MAIL_BYTES}>)")
        if status != "OK":
            raise imaplib.IMAP4.error(f"mail {number} was refused")
        for part in data:  # a mail that somebody deleted meanwhile has none
            if isinstance(part, tuple):
                yield part[1]
