"""Mails that come: found to be whose by the message they answer or by their sender, read once; bounces; the mailbox."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from connectors.channels.incoming import MAX_MAIL_BYTES, read_mail
from connectors.channels.mailbox import ImapServer, Mailbox
from connectors.errors import Fatal
from runtime.operations.payers.replies.poll_mailbox import look_after_mail, poll_mailbox
from runtime.operations.payers.replies.take_mail import claim_mail, read_stored_mails, store_mail, unclaimed_mails
from runtime.operations.reaching.ways import MAIL
from runtime.store import tables as t
from tests.http_client import client_of
from tests.operations.test_replies import ACME, FRIDAY, ORG, Desk
from tests.web.build import NOW, Books, running
from tests.web.serving import serving

OURS = "<0123456789abcdef@harbour.example>"
SECRET = "not-a-real-secret"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    others = {"mail_from": "Harbour <billing@harbour.example>", "inbound_mail_secret": SECRET}
    with running(tmp_path, **others) as (app, time):
        desk = Desk(app, time)
        with app.store.write() as db:
            sent = {"state": "sent", "recipient": "acme@example.com", "sent_at": NOW - timedelta(days=20)}
            db.execute(update(t.reminder).values(**sent))
            db.execute(update(t.reminder_item).values(state="sent"))
            times = dict.fromkeys(("handed_at", "changed_at", "looked_at"), NOW)
            row = {"reminder_id": "rem-1", "organisation_id": ORG, "carrier": MAIL, "external_id": OURS}
            db.execute(insert(t.delivery).values(**row, **times, state="accepted", detail=""))
        yield desk


def mail(text: str, *, sender: str = "acme@example.com", answers: str = "", number: int = 1, **headers: Any) -> bytes:  # noqa: ANN401 - texts
    message = EmailMessage()
    message["From"] = f"Somebody <{sender}>"
    message["Message-ID"] = f"<{number}@example.com>"
    message["Subject"] = "Re: your invoice"
    if answers:
        message["References"] = f"<other@example.com> {answers}"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()


def bounce(*, action: str = "failed", recipient: str = "acme@example.com", message_id: str = OURS) -> bytes:
    return (
        "From: MAILER-DAEMON@mx.example\nSubject: Undelivered\nMessage-ID: <dsn@mx.example>\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nSorry.\n"
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n"
        f"Final-Recipient: rfc822; {recipient}\nAction: {action}\nStatus: 5.1.1\n"
        "Diagnostic-Code: smtp; 550 no such user\n\n"
        f"--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: {message_id}\nSubject: x\n\n--b--\n"
    ).encode()


def take(desk: Desk, raw: bytes) -> dict[str, Any]:
    """Store and read a mail; gives its row."""
    assert store_mail(desk.app, raw, source="test")
    assert read_stored_mails(desk.app) == 1
    return desk.rows(t.mail)[-1]


def test_an_answer_to_our_message_is_about_its_invoices(desk: Desk) -> None:
    row = take(desk, mail("We will pay on Friday.", sender="clerk@acme.example", answers=OURS))
    assert (row["state"], row["body"]) == ("done", b"")
    (reply,) = desk.rows(t.reply)
    assert (reply["customer_id"], reply["documents"], reply["state"]) == ("acme", ["inv-1"], "acted")
    assert [row["id"] for row in desk.rows(t.document, t.document.c.promised_on == FRIDAY)] == ["inv-1"]


def test_the_same_mail_twice_counts_once(desk: Desk) -> None:
    take(desk, mail("The boat."))
    assert not store_mail(desk.app, mail("The boat."), source="test")
    assert read_stored_mails(desk.app) == 0
    assert len(desk.rows(t.reply)) == 1


def test_without_a_message_of_ours_the_sender_says_whose_it_is(desk: Desk) -> None:
    take(desk, mail("The boat.", sender="ACME@example.com"))
    assert desk.rows(t.reply)[0]["customer_id"] == "acme"
    assert desk.held() == ACME


def test_customers_who_share_an_address_are_all_held(desk: Desk) -> None:
    with desk.app.store.write() as db:
        db.execute(update(t.customer).values(email="shared@example.com"))
    take(desk, mail("The boat.", sender="shared@example.com"))
    assert desk.rows(t.reply)[0]["candidates"] == ["acme", "bolt"]
    assert desk.held() == ACME | {"inv-9"}


def test_an_address_of_two_organisations_is_nobodys_until_a_person_says_so(desk: Desk) -> None:
    Books(desk.app, "org-b", "Another").customer("zeta", "Zeta", email="acme@example.com")
    assert take(desk, mail("The boat."))["state"] == "unclaimed"
    assert desk.rows(t.reply) == []
    (waiting,) = unclaimed_mails_of(desk)
    claim_mail(desk.app, mail_id=waiting["id"], organisation_id=ORG)
    assert [(row["organisation_id"], row["customer_id"]) for row in desk.rows(t.reply)] == [(ORG, None)]
    assert unclaimed_mails_of(desk) == []


def unclaimed_mails_of(desk: Desk) -> list[dict[str, Any]]:
    with desk.app.store.read() as db:
        return unclaimed_mails(db)


def test_a_stranger_in_the_thread_stops_no_messages(desk: Desk) -> None:
    take(desk, mail("Please unsubscribe me.", sender="eve@example.net", answers=OURS))
    assert desk.rows(t.opt_out) == []
    assert desk.held() == ACME


def test_our_own_mails_are_left_alone(desk: Desk) -> None:
    assert take(desk, mail("Pay.", sender="billing@harbour.example", answers=OURS))["state"] == "done"
    assert desk.rows(t.reply) == []


@pytest.mark.parametrize(
    "headers",
    [{"Auto_Submitted": "auto-replied"}, {"Precedence": "auto_reply"}, {"X_Autoreply": "yes"}, {"Return_Path": "<>"}],
)
def test_what_a_machine_answers_holds_nothing(desk: Desk, headers: dict[str, Any]) -> None:
    take(desk, mail("Thank you for your mail.", answers=OURS, **headers))
    assert desk.rows(t.reply)[0]["kind"] == "out_of_office"
    assert desk.held() == set()


def test_a_bounce_marks_the_address_and_asks_for_another(desk: Desk) -> None:
    take(desk, bounce())
    assert desk.rows(t.delivery)[0]["state"] == "undelivered"
    assert [(row["channel"], row["address"]) for row in desk.rows(t.bad_address)] == [("email", "acme@example.com")]
    assert desk.rows(t.problem)[0]["code"] == "contact_needed"


@pytest.mark.parametrize(
    "report",
    [bounce(action="delayed"), bounce(recipient="eve@example.net"), bounce(message_id="<guessed@harbour.example>")],
)
def test_a_report_that_is_none_of_ours_marks_nothing(desk: Desk, report: bytes) -> None:
    assert take(desk, report)["state"] == "done"
    assert desk.rows(t.delivery)[0]["state"] == "accepted"
    assert desk.rows(t.bad_address) == []


def test_a_report_of_delivery_is_the_proof_of_it(desk: Desk) -> None:
    take(desk, bounce(action="delivered"))
    (row,) = desk.rows(t.delivery)
    assert (row["state"], "5.1.1" in row["detail"]) == ("delivered", True)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00",
        b"From: \nSubject: =?x?q?\n\n",
        b"Content-Type: multipart/report\n\n",
        b"From: a@b.example\nContent-Type: text/plain; charset=nonsense\n\nhi",
        b'From: "a" <a@b.example>, \nMessage-ID: \nContent-Type: multipart/mixed; boundary=x\n\n--x\n',
        b"From: a@b.example\n" + b"X: " + b"y" * 100_000 + b"\n\nhi",
    ],
)
def test_no_mail_is_too_broken_to_be_read(raw: bytes) -> None:
    found = read_mail(raw)
    assert len(found.key) == 64
    assert found == read_mail(raw)


def test_words_of_a_page_are_read_without_what_it_quotes() -> None:
    message = EmailMessage()
    message["From"] = "a@b.example"
    message.set_content(
        "<style>p{}</style><body><p>We have paid.<br>Bye</p><blockquote>Stop mails</blockquote></body>",
        subtype="html",
    )
    assert read_mail(message.as_bytes()).text.split() == ["We", "have", "paid.", "Bye"]


class Imap(socketserver.ThreadingTCPServer):
    """A mailbox of RFC 3501 as far as it is read, over a real socket."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.mails: dict[int, bytes] = {}
        self.numbering = 7
        self.written: list[str] = []


class _Session(socketserver.StreamRequestHandler):
    server: Imap

    def handle(self) -> None:
        self._say("* OK ready")
        while line := self.rfile.readline().decode().strip():
            tag, command, *rest = line.split(" ", 2)
            self.server.written.append(" ".join([command, *rest]))
            self._answer(tag, command.upper(), rest[0] if rest else "")
            if command.upper() == "LOGOUT":
                return

    def _answer(self, tag: str, command: str, rest: str) -> None:
        mails, done = self.server.mails, "OK done"
        match command:
            case "CAPABILITY":
                self._say("* CAPABILITY IMAP4rev1")
            case "LOGIN" if '"right"' not in rest:
                done = "NO wrong password"
            case "EXAMINE" | "SELECT":
                self._say(f"* {len(mails)} EXISTS")
                self._say(f"* OK [UIDVALIDITY {self.server.numbering}] valid")
                self._say(f"* OK [UIDNEXT {max(mails, default=0) + 1}] next")
            case "UID" if rest.startswith("SEARCH UID"):
                first = int(rest.split()[2].split(":", maxsplit=1)[0])
                # RFC 3501: `n:*` always holds the last mail, even one before n.
                found = {number for number in mails if number >= first} | set(sorted(mails)[-1:])
                self._say("* SEARCH " + " ".join(str(number) for number in sorted(found)))
            case "UID" if rest.startswith("SEARCH"):
                self._say("* SEARCH " + " ".join(str(number) for number in sorted(mails)))
            case "UID":
                number = int(rest.split()[1])
                body = mails[number][:MAX_MAIL_BYTES]
                self.wfile.write(f"* 1 FETCH (UID {number} BODY[]<0> {{{len(body)}}}\r\n".encode() + body + b")\r\n")
        self._say(f"{tag} {done}")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def imap() -> Iterator[Imap]:
    with Imap() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(5)


def _box(server: Imap, says: str = "right") -> Mailbox:
    return Mailbox(ImapServer("127.0.0.1", server.server_address[1], "billing", says, tls=False))


def test_the_mailbox_is_read_from_now_on_and_only_looked_at(desk: Desk) -> None:
    with imap() as server:
        desk.app.mailbox = _box(server)
        server.mails[3] = mail("An old mail.", number=3)
        assert poll_mailbox(desk.app) == 0, "what lay there before is no answer to us"
        assert poll_mailbox(desk.app) == 0, "a range to the end names the last mail again"
        server.mails[4] = mail("We will pay on Friday.", number=4, answers=OURS)
        server.mails[9] = mail("x" * (2 * MAX_MAIL_BYTES), number=9)
        assert look_after_mail(desk.app) >= 2
        assert look_after_mail(desk.app) == 0
        assert sorted(row["state"] for row in desk.rows(t.reply)) == ["acted", "waiting"]
        server.numbering = 8
        server.mails = {1: mail("We will pay on Friday.", number=4, answers=OURS), 2: mail("The boat.", number=5)}
        assert poll_mailbox(desk.app) == 1, "numbered anew, each mail still counts once"
        assert {line.split()[0] for line in server.written} <= {"CAPABILITY", "LOGIN", "EXAMINE", "UID", "LOGOUT"}


def test_a_mailbox_that_cannot_be_read_says_why_and_loses_nothing(desk: Desk) -> None:
    with imap() as server:
        desk.app.mailbox = _box(server)
        poll_mailbox(desk.app)
        server.mails[1] = mail("The boat.")
        desk.app.mailbox = _box(server, "wrong")
        assert poll_mailbox(desk.app) == 0
        assert "refuses our sign-in" in desk.rows(t.mailbox)[0]["problem"]
        desk.app.mailbox = _box(server)
        assert poll_mailbox(desk.app) == 1
        assert desk.rows(t.mailbox)[0]["problem"] == ""
    assert poll_mailbox(desk.app) == 0
    assert "cannot be read" in desk.rows(t.mailbox)[0]["problem"]


def test_a_password_leaves_this_machine_only_over_tls() -> None:
    with pytest.raises(Fatal, match="TLS"):
        Mailbox(ImapServer("imap.example.com", 143, "billing", "right", tls=False))


def test_a_provider_posts_mails_with_the_secret_alone(desk: Desk) -> None:
    with serving(desk.app) as address, client_of(address) as web:
        raw = mail("We will pay on Friday.", answers=OURS)
        assert web.post("/mail", content=raw).status_code == 401
        assert web.post("/mail", content=raw, headers={"Authorization": "Bearer wrong"}).status_code == 401
        assert desk.rows(t.mail) == []
        answer = web.post("/mail", content=raw, headers={"Authorization": f"Bearer {SECRET}"})
        assert (answer.status_code, answer.content) == (200, b"")
        assert desk.rows(t.reply)[0]["state"] == "acted"
        big = web.post("/mail", content=b"x" * (MAX_MAIL_BYTES + 1), headers={"Authorization": f"Bearer {SECRET}"})
        assert big.status_code == 413


def test_without_a_secret_there_is_no_such_address(tmp_path: Path) -> None:
    with running(tmp_path) as (app, _), serving(app) as address, client_of(address) as web:
        assert web.post("/mail", content=b"x", headers={"Authorization": "Bearer x"}).status_code == 404
        with app.store.read() as db:
            assert db.execute(select(t.mail)).first() is None
