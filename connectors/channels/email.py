"""E-mail through SMTP: one message to one recipient, built so that nothing a person typed can become a header."""

from __future__ import annotations

import hashlib
import re
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from connectors.channels.contract import UNREACHABLE, Fate, Outgoing, Report
from connectors.contract import CALL_TIMEOUT_SECONDS
from connectors.errors import ConnectorError, Fatal, Reconnect, Reject, Retry

MAX_MESSAGE_BYTES = 1_000_000
MAX_NAME_CHARACTERS = 120
MAX_HEADER_CHARACTERS = 800  # of one value: below the 998 of RFC 5322 section 2.1.1, so that no URL is ever folded
GREYLIST_SECONDS = 300.0  # servers that put strangers off accept them after about five minutes

_POLICY = SMTP.clone(max_line_length=900, cte_type="7bit")
# Control characters, line ends of every kind, and halves of characters; no-break spaces are typography and may pass.
_BREAKING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# Any domain, sent as IDNA; a local part beyond ASCII would need SMTPUTF8 (RFC 6531) all the way to the mailbox.
_ADDRESS = re.compile(r"(?P<local>[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64})@(?P<domain>[^\s@<>,;:\"()\[\]\\]{1,255})")
_UNNAMED = re.compile(rf"{_BREAKING.pattern}|[<>\"]")
_NAMED = re.compile(r"(?P<name>[^<>]*)<(?P<spec>[^<>]+)>")
_STATUS = re.compile(r"5\.(?P<subject>\d{1,3})\.(?P<detail>\d{1,3})\b")
_MESSAGE_ID = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]+@[\x21-\x3b\x3d\x3f-\x7e]+>")
_URL = re.compile(r"https?://[\x21-\x3b\x3d\x3f-\x7e]+")
_LOOPBACK = ("127.0.0.1", "localhost")


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed over. `starttls` upgrades a plain connection; `tls` speaks TLS from the first byte."""

    host: str
    port: int
    username: str = ""
    password: str = ""
    starttls: bool = False
    tls: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """The server took the message over. `message_id` is its Message-ID, to thread replies and recognise duplicates."""

    message_id: str
    answer: str


def message_id_of(reminder_id: str, sender: str) -> str:
    """Return the Message-ID of a reminder: the same for every attempt, so that a duplicate can be recognised."""
    digest = hashlib.sha256(reminder_id.encode()).hexdigest()[:32]
    return f"<{digest}@{_address(sender, 'sender').domain}>"


def under_name(sender: str, name: str) -> str:
    """Return the address of `sender` under another name, as mail programs show it; as it is where there is no name.

    What could break out of a header, or is longer than a mail program shows, is left out of it.
    """
    shown = " ".join(_UNNAMED.sub(" ", name).split())[:MAX_NAME_CHARACTERS].rstrip()
    found = _NAMED.fullmatch(sender)
    return f"{shown} <{found['spec'] if found else sender}>" if shown else sender


class EmailChannel:
    """Sends through one SMTP server; each message has its own connection."""

    def __init__(self, server: SmtpServer, clock: Callable[[], datetime]) -> None:
        if server.username and not (server.tls or server.starttls) and server.host not in _LOOPBACK:
            raise Fatal("a mail password is only sent over TLS: switch on TLS or STARTTLS")
        self._server = server
        self._clock = clock

    def send(
        self,
        *,
        message_id: str,
        to: str,
        subject: str,
        text: str,
        html: str,
        sender: str,
        reply_to: str,
        unsubscribe_url: str,
        in_reply_to: str | None = None,
    ) -> Delivery:
        """Send one message; `message_id` is the reminder's id, `in_reply_to` a whole Message-ID.

        Reject: an address, header or size is not acceptable, or the recipient is refused. Retry: the server cannot
        be reached or puts us off; `ambiguous` when its answer to the whole message was lost. Reconnect: the
        server refuses our sign-in or cannot protect it.
        """
        message = EmailMessage(policy=_POLICY)
        message["Message-ID"] = message_id_of(message_id, sender)
        message["Date"] = format_datetime(self._clock())
        message["From"] = _address(sender, "sender")
        message["To"] = _address(to, "recipient")
        message["Reply-To"] = _address(reply_to, "reply address")
        message["Subject"] = _header(subject, "subject")
        message["List-Unsubscribe"] = f"<{_matching(_URL, unsubscribe_url, 'unsubscribe address')}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday replies, please
        if in_reply_to is not None:
            parent = _matching(_MESSAGE_ID, in_reply_to, "Message-ID replied to")
            message["In-Reply-To"] = parent
            message["References"] = parent
        try:
            message.set_content(text)
            message.add_alternative(html, subtype="html")
        except UnicodeEncodeError as error:
            raise Reject(f"the message holds half a character: {error}", code="bad_text") from error
        return self._hand_over(message, sender=_address(sender, "sender"), to=_address(to, "recipient"))

    def _hand_over(self, message: EmailMessage, *, sender: Address, to: Address) -> Delivery:
        body = message.as_bytes()
        if len(body) > MAX_MESSAGE_BYTES:
            raise Reject(f"the message has {len(body)} bytes, more than {MAX_MESSAGE_BYTES}", code="too_large")
        smtp = self._open()
        try:
            _expect(smtp.mail(sender.addr_spec, [f"size={len(body)}"] if smtp.has_extn("size") else []), "sender")
            _expect(smtp.rcpt(to.addr_spec), "recipient")
        except (smtplib.SMTPException, OSError) as error:
            smtp.close()
            raise Retry(f"the mail server broke off: {error}") from error
        except ConnectorError:
            smtp.close()
            raise
        return Delivery(str(message["Message-ID"]), _transmit(smtp, body))

    def _open(self) -> smtplib.SMTP:
        smtp: smtplib.SMTP | None = None
        try:
            smtp = self._connect()
            if self._server.starttls:
                smtp.starttls(context=ssl.create_default_context())
            if self._server.username:
                smtp.login(self._server.username, self._server.password)
            smtp.ehlo_or_helo_if_needed()
        except (smtplib.SMTPException, OSError) as error:
            if smtp is not None:
                smtp.close()
            raise _opening_error(error) from error
        return smtp

    def _connect(self) -> smtplib.SMTP:
        where = (self._server.host, self._server.port)
        if self._server.tls:
            return smtplib.SMTP_SSL(*where, timeout=CALL_TIMEOUT_SECONDS, context=ssl.create_default_context())
        return smtplib.SMTP(*where, timeout=CALL_TIMEOUT_SECONDS)


@dataclass(frozen=True, slots=True)
class MailCarrier:
    """The mail server as a carrier. It tells nobody what it took, nor what became of it."""

    channel: EmailChannel
    sender: str
    reply_to: str = ""

    def send(self, message: Outgoing) -> Report:
        """Hand one message to the server, as `EmailChannel.send` does."""
        taken = self.channel.send(
            message_id=message.key,
            to=message.to,
            subject=message.subject,
            text=message.text,
            html=message.html,
            sender=under_name(self.sender, message.from_name),
            reply_to=self.reply_to or self.sender,
            unsubscribe_url=message.unsubscribe_url,
            in_reply_to=message_id_of(message.follows, self.sender) if message.follows else None,
        )
        return Report(taken.message_id, Fate.ACCEPTED, taken.answer)

    def find(self, message: Outgoing) -> Report | None:
        """Reject: only the server's log knows."""
        raise Reject(f"a mail server cannot be asked whether it took {message.key}", code="not_told")

    def look(self, external_id: str) -> Report:
        """Reject: what comes back comes as a mail."""
        raise Reject(f"a mail server does not tell what became of {external_id}", code="not_told")


def _transmit(smtp: smtplib.SMTP, body: bytes) -> str:
    """Send the content and return the server's answer; without one, nobody knows whether it was taken."""
    try:
        code, answer = smtp.data(body)
    except smtplib.SMTPDataError as error:  # DATA itself was refused: nothing was sent
        raise _refused(error.smtp_code, error.smtp_error, "message") from error
    except (smtplib.SMTPException, OSError) as error:
        raise Retry(f"the mail server's answer to the message was lost: {error}", ambiguous=True) from error
    finally:
        smtp.close()  # without QUIT: after the answer to DATA it changes nothing, and could only fail
    _expect((code, answer), "message")
    return _shown(answer)


def _expect(reply: tuple[int, bytes], what: str) -> None:
    code, answer = reply
    if code not in (250, 251):
        raise _refused(code, answer, what)


def _refused(code: int, answer: bytes | str, what: str) -> ConnectorError:
    text = f"the mail server refuses the {what}: {code} {_shown(answer)}"
    if code == 530:
        return Reconnect(f"the mail server wants us to sign in: {_shown(answer)}")
    if code < 500:
        return Retry(text, after_seconds=GREYLIST_SECONDS)
    remedy = {
        "recipient": "Ask the customer for an address that works, and correct it.",
        "sender": "Let the mail provider allow this sender address.",
    }.get(what, "Read what the server says; the message's content or size is not acceptable to it.")
    is_gone = what == "recipient" and _names_nobody(code, _shown(answer))
    return Reject(text, code=UNREACHABLE if is_gone else str(code), remedy=remedy)


def _names_nobody(code: int, answer: str) -> bool:
    """Whether a refused recipient takes no mail of anybody (RFC 3463: X.1 is the address, X.2.1 a disabled mailbox).

    Without such a status the code counts (RFC 5321, 4.2.3); what is refused by a policy may be let in another day.
    """
    status = _STATUS.match(answer)
    if status is None:
        return code in (550, 551, 553)
    return status["subject"] == "1" or (status["subject"], status["detail"]) == ("2", "1")


def _opening_error(error: Exception) -> ConnectorError:
    match error:
        case smtplib.SMTPAuthenticationError(smtp_code=code) if code >= 500:
            return Reconnect(f"the mail server refuses our sign-in: {_shown(error.smtp_error)}")
        case smtplib.SMTPNotSupportedError():
            return Reconnect(f"the mail server does not offer what is configured: {error}")
        case ssl.SSLCertVerificationError():
            return Reconnect(f"the mail server's certificate is not trusted: {error}")
        case _:
            return Retry(f"the mail server cannot be reached: {error}", after_seconds=30.0)


def _address(text: str, what: str) -> Address:
    """Read `Name <address>` or a bare address; Reject when it is neither, or one that older servers do not take."""
    named = _NAMED.fullmatch(_header(text, what))
    name, spec = (named["name"].strip().strip('"'), named["spec"]) if named else ("", text)
    found = _ADDRESS.fullmatch(spec)
    if found is None:
        raise Reject(f"the {what} {text!r} is no e-mail address that every server takes", code=_no_address(what))
    try:
        return Address(display_name=name, username=found["local"], domain=found["domain"].encode("idna").decode())
    except ValueError as error:
        raise Reject(f"the {what} {text!r} is no e-mail address: {error}", code=_no_address(what)) from error


def _no_address(what: str) -> str:
    return UNREACHABLE if what == "recipient" else "bad_address"


def _header(text: str, what: str) -> str:
    """Refuse what could break out of a header or out of a line."""
    if _BREAKING.search(text):
        raise Reject(f"the {what} holds a line break or control character", code="bad_header")
    if len(text) > MAX_HEADER_CHARACTERS:
        raise Reject(f"the {what} is longer than {MAX_HEADER_CHARACTERS} characters", code="bad_header")
    return text


def _matching(pattern: re.Pattern[str], text: str, what: str) -> str:
    if not pattern.fullmatch(_header(text, what)):
        raise Reject(f"the {what} {text!r} is not well formed", code="bad_address")
    return text


def _shown(answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return " ".join(text.split())[:200]
