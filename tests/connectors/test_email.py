"""The e-mail channel against a real SMTP server on loopback."""

from __future__ import annotations

import email
import smtplib
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from typing import Any, cast

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope
from hypothesis import given
from hypothesis import strategies as st

from connectors.channels import email as channel_module
from connectors.channels.email import MAX_MESSAGE_BYTES, Delivery, EmailChannel, SmtpServer, message_id_of
from connectors.errors import ConnectorError, Fatal, Reconnect, Reject, Retry

NOW = datetime(2026, 11, 17, 10, 0, tzinfo=UTC)
USUAL: dict[str, Any] = {
    "message_id": "reminder-1",
    "to": "ana@customer.example",
    "subject": "Invoice INV-1 — 12,50 € is due",
    "text": "Dear Ana,\nplease pay 12,50 €.\n.\nA line with one dot above.",
    "html": "<p>Dear Ana, please pay <b>12,50 €</b>.</p>",
    "sender": "Brightwater Büro <office@brightwater.example>",
    "reply_to": "money@brightwater.example",
    "unsubscribe_url": "https://pay.brightwater.example/u/" + "x" * 300 + "?a=b&c=%20d",
}


class Mailbox:
    """Keeps what arrives; answers RCPT and DATA as told."""

    def __init__(self, *, rcpt: str = "250 OK", data: str = "250 taken") -> None:
        self.rcpt, self.data = rcpt, data
        self.envelopes: list[Envelope] = []

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: object, session: object, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server: object, session: object, envelope: Envelope) -> str:  # noqa: N802
        if self.data.startswith("250"):
            self.envelopes.append(envelope)
        return self.data

    def message(self, index: int = -1) -> EmailMessage:
        content = cast(bytes, self.envelopes[index].content)
        return email.message_from_bytes(content, policy=policy.default)


@contextmanager
def listening(mailbox: Mailbox, **options: Any) -> Iterator[SmtpServer]:  # noqa: ANN401 - aiosmtpd's options
    controller = Controller(mailbox, hostname="127.0.0.1", port=0, **options)
    # With port 0 the controller itself cannot tell the port it got, so a free one is taken beforehand.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        controller.port = probe.getsockname()[1]
    controller.start()
    try:
        yield SmtpServer("127.0.0.1", controller.port)
    finally:
        controller.stop()


def send(server: SmtpServer, **changes: Any) -> Delivery:  # noqa: ANN401 - any argument
    return EmailChannel(server, lambda: NOW).send(**(USUAL | changes))


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def server(mailbox: Mailbox) -> Iterator[SmtpServer]:
    with listening(mailbox) as one:
        yield one


def test_a_message_arrives_as_it_was_written(mailbox: Mailbox, server: SmtpServer) -> None:
    delivery = send(server, in_reply_to="<earlier@brightwater.example>")
    (envelope,) = mailbox.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("office@brightwater.example", ["ana@customer.example"])
    message = mailbox.message()
    assert message["Subject"] == USUAL["subject"]
    assert message["From"] == USUAL["sender"] and message["To"] == USUAL["to"]
    assert message["Reply-To"] == USUAL["reply_to"]
    assert message["Date"].datetime == NOW
    assert message["List-Unsubscribe"] == f"<{USUAL['unsubscribe_url']}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["In-Reply-To"] == message["References"] == "<earlier@brightwater.example>"
    assert message["Message-ID"] == delivery.message_id == message_id_of("reminder-1", USUAL["sender"])
    assert message.get_content_type() == "multipart/alternative"
    text, html = (part.get_content() for part in message.iter_parts())
    assert text.replace("\r\n", "\n").rstrip("\n") == USUAL["text"]
    assert html.strip() == USUAL["html"]
    assert delivery.answer == "taken"


def test_the_unsubscribe_header_is_one_unfolded_line_on_the_wire(mailbox: Mailbox, server: SmtpServer) -> None:
    send(server)
    content = cast(bytes, mailbox.envelopes[0].content)
    assert f"List-Unsubscribe: <{USUAL['unsubscribe_url']}>\r\n".encode() in content
    assert content.isascii() and max(map(len, content.split(b"\r\n"))) <= 998


def test_a_repeated_reminder_is_recognised_by_its_message_id(mailbox: Mailbox, server: SmtpServer) -> None:
    ids = [send(server, message_id=reminder).message_id for reminder in ("r1", "r1", "r2")]
    assert ids[0] == ids[1] != ids[2] and ids[0].endswith("@brightwater.example>")
    assert [mailbox.message(n)["Message-ID"] for n in range(3)] == ids


@pytest.mark.parametrize("field", ["to", "subject", "sender", "reply_to", "unsubscribe_url", "in_reply_to"])
@pytest.mark.parametrize("evil", ["\r\nBcc: all@example.com", "\nX: y", "\r", "\x00", "\u2028X: y", "\x0bX", "\x85Y"])
def test_no_header_can_be_injected(mailbox: Mailbox, server: SmtpServer, field: str, evil: str) -> None:
    start = USUAL.get(field, "<a@b.example>")
    for value in (start + evil, evil + start):
        with pytest.raises(Reject):
            send(server, **{field: value})
    assert mailbox.envelopes == []


HEADERS = {
    "message-id",
    "date",
    "from",
    "to",
    "reply-to",
    "subject",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "auto-submitted",
    "content-type",
    "mime-version",
}


@given(st.dictionaries(st.sampled_from(["to", "subject", "sender", "reply_to", "unsubscribe_url"]), st.text()))
def test_whatever_is_typed_only_the_known_headers_leave(changes: dict[str, str]) -> None:
    sent: list[bytes] = []

    class Capture(EmailChannel):
        def _open(self) -> smtplib.SMTP:
            return cast(smtplib.SMTP, _Recorder(sent))

    try:
        Capture(SmtpServer("127.0.0.1", 9), lambda: NOW).send(**(USUAL | changes))
    except Reject:
        return
    head = sent[0].partition(b"\r\n\r\n")[0].decode("ascii")
    lines = [line for line in head.split("\r\n") if not line.startswith((" ", "\t"))]
    assert {line.partition(":")[0].lower() for line in lines} == HEADERS and len(lines) == len(HEADERS)


class _Recorder:
    """As much of an SMTP connection as a message needs, without a network, for many examples a second."""

    def __init__(self, sent: list[bytes]) -> None:
        self._sent = sent

    def has_extn(self, name: str) -> bool:
        return name == "smtputf8"

    def mail(self, sender: str, options: list[str]) -> tuple[int, bytes]:
        return (250, b"")

    def rcpt(self, recipient: str) -> tuple[int, bytes]:
        return (250, b"")

    def data(self, body: bytes) -> tuple[int, bytes]:
        self._sent.append(body)
        return (250, b"")

    def close(self) -> None:
        pass


@pytest.mark.parametrize("to", ["", "ana", "a b@c.example", "a@b.example, c@d.example", "<a@b>c", "a@", "@b.example"])
def test_one_well_formed_recipient_is_wanted(mailbox: Mailbox, server: SmtpServer, to: str) -> None:
    with pytest.raises(Reject):
        send(server, to=to)
    assert mailbox.envelopes == []


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://a.example/ b", "https://a.example/>,<mailto:x", ""])
def test_only_a_web_address_can_unsubscribe(server: SmtpServer, url: str) -> None:
    with pytest.raises(Reject):
        send(server, unsubscribe_url=url)


def test_typographic_spaces_pass_and_half_characters_do_not(mailbox: Mailbox, server: SmtpServer) -> None:
    send(server, subject="Facture F-1\u00a0: 1\u202f234,50\u00a0€")
    assert mailbox.message()["Subject"] == "Facture F-1\u00a0: 1\u202f234,50\u00a0€"
    for changes in ({"subject": "\ud800"}, {"text": "\ud800"}, {"html": "\udfff"}):
        with pytest.raises(Reject):
            send(server, **changes)


def test_a_message_too_large_is_not_sent(mailbox: Mailbox, server: SmtpServer) -> None:
    with pytest.raises(Reject) as raised:
        send(server, text="x" * MAX_MESSAGE_BYTES)
    assert raised.value.code == "too_large" and mailbox.envelopes == []


def test_a_domain_beyond_ascii_is_sent_as_idna(mailbox: Mailbox, server: SmtpServer) -> None:
    send(server, to="ana@bücher.example")
    assert mailbox.envelopes[0].rcpt_tos == ["ana@xn--bcher-kva.example"]
    with pytest.raises(Reject):
        send(server, to="jörg@customer.example")


@pytest.mark.parametrize(
    ("answers", "error", "code"),
    [
        ({"rcpt": "550 5.1.1 no such user"}, Reject, "unreachable"),
        ({"rcpt": "550 no such user here"}, Reject, "unreachable"),
        ({"rcpt": "550 5.2.1 mailbox disabled"}, Reject, "unreachable"),
        ({"rcpt": "550 5.7.1 blocked by a list"}, Reject, "550"),
        ({"rcpt": "552 5.2.2 mailbox full"}, Reject, "552"),
        ({"data": "554 5.7.1 looks like spam"}, Reject, "554"),
        ({"rcpt": "450 4.2.0 greylisted"}, Retry, None),
        ({"data": "451 4.3.0 later"}, Retry, None),
        ({"rcpt": "530 5.7.0 authentication required"}, Reconnect, None),
    ],
)
def test_a_refusal_tells_what_to_do(answers: dict[str, str], error: type[ConnectorError], code: str | None) -> None:
    mailbox = Mailbox(**answers)
    with listening(mailbox) as server, pytest.raises(error) as raised:
        send(server)
    if isinstance(raised.value, Retry):
        assert not raised.value.ambiguous
    assert code is None or getattr(raised.value, "code", None) == code
    assert mailbox.envelopes == []


def test_nobody_listening_is_surely_not_sent() -> None:
    with pytest.raises(Retry) as raised:
        send(SmtpServer("127.0.0.1", 9))
    assert not raised.value.ambiguous


# --- servers that break off at each step ---------------------------------------------------------------------


class _Script(socketserver.StreamRequestHandler):
    """Answers an SMTP dialogue, and hangs up or falls silent at `stop`."""

    stop = ""
    silent = False

    def handle(self) -> None:
        self.wfile.write(b"220 hello\r\n")
        while line := self.rfile.readline():
            verb = line.split()[0].upper().decode()
            if verb == self.stop:
                return self._break_off()
            if verb == "DATA":
                self.wfile.write(b"354 go on\r\n")
                while self.rfile.readline() not in (b".\r\n", b""):
                    pass
                if self.stop == ".":
                    return self._break_off()
            self.wfile.write(b"250 ok\r\n")
        return None

    def _break_off(self) -> None:
        if self.silent:
            self.rfile.readline()  # until the client gives up


@contextmanager
def breaking_off(stop: str, *, silent: bool) -> Iterator[SmtpServer]:
    handler = type("Handler", (_Script,), {"stop": stop, "silent": silent})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as tcp:
        tcp.daemon_threads = True
        thread = threading.Thread(target=tcp.serve_forever, daemon=True)
        thread.start()
        yield SmtpServer("127.0.0.1", tcp.server_address[1])
        tcp.shutdown()
        thread.join()


@pytest.mark.parametrize("silent", [False, True])
@pytest.mark.parametrize(("stop", "ambiguous"), [("EHLO", False), ("MAIL", False), ("RCPT", False), (".", True)])
def test_only_a_lost_answer_to_the_message_is_ambiguous(
    monkeypatch: pytest.MonkeyPatch, stop: str, ambiguous: bool, silent: bool
) -> None:
    monkeypatch.setattr(channel_module, "CALL_TIMEOUT_SECONDS", 0.3)
    with breaking_off(stop, silent=silent) as server, pytest.raises(Retry) as raised:
        send(server)
    assert raised.value.ambiguous is ambiguous


# --- signing in -----------------------------------------------------------------------------------------------


def _only(password: bytes) -> Callable[..., AuthResult]:
    def check(*facts: Any) -> AuthResult:  # noqa: ANN401 - server, session, envelope, mechanism, login data
        return AuthResult(success=facts[4].password == password, handled=False)

    return check


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # aiosmtpd warns of what only loopback may do
def test_signing_in_works_or_asks_a_person(mailbox: Mailbox) -> None:
    with listening(mailbox, authenticator=_only(b"right"), auth_required=True, auth_require_tls=False) as open_one:
        for password in ("right", "wrong"):
            server = SmtpServer(open_one.host, open_one.port, username="u", password=password)
            if password == "right":
                send(server)
            else:
                with pytest.raises(Reconnect):
                    send(server)
        with pytest.raises(Reconnect):
            send(open_one)
    assert len(mailbox.envelopes) == 1


def test_a_server_without_starttls_or_a_trusted_certificate_asks_a_person(mailbox: Mailbox, server: SmtpServer) -> None:
    with pytest.raises(Reconnect):
        send(SmtpServer(server.host, server.port, starttls=True))
    assert mailbox.envelopes == []


def test_a_password_never_travels_in_the_open() -> None:
    with pytest.raises(Fatal, match="TLS"):
        EmailChannel(SmtpServer("mail.example", 25, username="u", password="p"), lambda: NOW)
    EmailChannel(SmtpServer("mail.example", 587, username="u", password="p", starttls=True), lambda: NOW)


def test_starttls_reaches_a_trusted_server(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:  # noqa: ANN401
    certificate, key = _self_signed(tmp_path)
    offered = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    offered.load_cert_chain(certificate, key)
    with listening(mailbox, tls_context=offered, require_starttls=True) as plain:
        server = SmtpServer(plain.host, plain.port, starttls=True)
        with pytest.raises(Reconnect, match="certificate"):
            send(server)
        trusting = ssl.create_default_context(cafile=certificate)
        monkeypatch.setattr(ssl, "create_default_context", lambda: trusting)
        send(server)
    assert len(mailbox.envelopes) == 1


def _self_signed(folder: Any) -> tuple[str, str]:  # noqa: ANN401
    from datetime import timedelta
    from ipaddress import IPv4Address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = str(folder / "certificate.pem"), str(folder / "key.pem")
    encodings = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(*encodings))
    return paths
