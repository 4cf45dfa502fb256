from __future__ import annotations

import smtplib
import threading
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from sandbox.capture import CaptureServer

NOON = datetime(2026, 11, 17, 12, 0, tzinfo=UTC)
SENDERS, EACH = 4, 5


def _mail(subject: str, *, html: bool = True) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "ar@harbour.example"
    message["To"] = "accounts@bramble-joinery.example"
    message["Subject"] = subject
    message["X-TrueDue-Kind"] = "reminder"
    message.set_content("INV-04217 £1,200.50 überfällig")
    if html:
        message.add_alternative("<p>INV-04217</p>", subtype="html")
    return message


def _send(server: CaptureServer, message: EmailMessage) -> None:
    with smtplib.SMTP(server.host, server.port, timeout=10) as smtp:
        smtp.send_message(message)


def test_a_message_is_kept_with_its_parts() -> None:
    server = CaptureServer(clock=lambda: NOON)
    server.start()
    try:
        _send(server, _mail("Überfällige Rechnung"))
        _send(server, _mail("plain", html=False))
    finally:
        server.stop()
    first, second = server.mails
    assert first.recipients == ("accounts@bramble-joinery.example",)
    assert first.subject == "Überfällige Rechnung"
    assert first.text.strip() == "INV-04217 £1,200.50 überfällig"
    assert first.html.strip() == "<p>INV-04217</p>"
    assert first.headers["X-TrueDue-Kind"] == "reminder"
    assert first.received_at == NOON
    assert second.html == ""
    assert first.order < second.order


def test_messages_from_many_threads_are_all_kept() -> None:
    server = CaptureServer()
    server.start()

    def send(sender: int) -> None:
        for index in range(EACH):
            _send(server, _mail(f"{sender}-{index}"))

    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(SENDERS)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
    finally:
        server.stop()
    assert sorted(m.subject for m in server.mails) == sorted(f"{s}-{i}" for s in range(SENDERS) for i in range(EACH))


def test_a_stopped_server_has_no_port() -> None:
    server = CaptureServer()
    server.start()
    assert server.port > 0
    server.stop()
    with pytest.raises(RuntimeError, match="not started"):
        _ = server.port
