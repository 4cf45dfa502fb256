"""Answers: what was found of a payer's money, told to them and to us; sent once, in the thread of their mail."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from connectors.channels.email import EmailChannel, SmtpServer
from receivables.money import Money
from reminders.message import Answer, AnswerKind, Brand, Links, render_answer
from reminders.wording import LANGUAGES
from runtime.operations.errors import RefusedError
from runtime.operations.payers.replies.answers import send_answer, switch_answers
from runtime.operations.payers.replies.take_mail import read_stored_mails, store_mail
from runtime.store import tables as t
from sandbox.capture import CapturedMail, CaptureServer, Fate
from tests.operations.test_mail import bounce
from tests.operations.test_replies import ORG, Desk
from tests.web.build import NOW, TODAY, Books, running


class Mailed(Desk):
    """A desk with a mail server."""

    server: CaptureServer

    @property
    def mails(self) -> list[CapturedMail]:
        return self.server.mails

    def receipt(self, receipt_id: str, minor: int, **values: object) -> None:
        books = Books.__new__(Books)
        books.app, books.id = self.app, ORG
        proposed = values.pop("proposed", None)
        books.receipt(receipt_id, minor, **values)
        if isinstance(proposed, dict):
            books.proposal(receipt_id, proposed)

    def answer(self) -> tuple[str, str]:
        (row,) = self.rows(t.answer)
        return row["kind"], row["state"]

    def send(self, reply_id: str) -> None:
        send_answer(self.app, organisation_id=ORG, reply_id=reply_id, actor="owner")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Mailed]:
    server = CaptureServer()
    server.start()
    with running(tmp_path, mail_from="Harbour <billing@harbour.example>") as (app, time):
        app.email = EmailChannel(SmtpServer(host=server.host, port=server.port), time)
        desk = Mailed(app, time)
        desk.server = server
        yield desk
    server.stop()


PAID = "We have already paid this."


def test_nothing_is_sent_until_a_person_sends_it(desk: Mailed) -> None:
    reply_id = desk.write(PAID, "inv-1", message_id="<their-mail@example.com>")
    assert desk.answer() == ("not_found", "prepared")
    assert desk.mails == []
    assert desk.tasks() == [("answer", reply_id)]
    desk.send(reply_id)
    (mail,) = desk.mails
    assert mail.recipients == ("acme@example.com",)
    assert mail.headers["In-Reply-To"] == "<their-mail@example.com>"
    assert "have not found it yet" in mail.text
    assert "INV-1" in mail.text
    assert (desk.answer(), desk.tasks()) == (("not_found", "sent"), [])
    assert desk.rows(t.answer)[0]["proof"] == "taken over by the mail server: OK"
    with pytest.raises(RefusedError, match="no answer that can be sent"):
        desk.send(reply_id)


def test_money_that_waits_is_found_and_theirs_is_told_to_them(desk: Mailed) -> None:
    desk.receipt("rcp-1", 10_000, customer_id="acme", state="suggested")
    reply_id = desk.write(PAID, "inv-1")
    assert desk.answer() == ("arrived", "prepared")
    assert "100.00 GBP" in desk.rows(t.answer)[0]["findings"][0]
    desk.send(reply_id)
    assert "£100.00" in desk.mails[0].text


def test_what_belongs_to_others_is_shown_to_us_and_never_to_the_payer(desk: Mailed) -> None:
    yesterday = TODAY - timedelta(days=1)
    desk.receipt("rcp-1", 10_000, customer_id="bolt", state="applied", payer_name="BOLT SECRET", received_on=yesterday)
    reply_id = desk.write("I paid £100.00 yesterday.", "inv-1")
    assert desk.answer()[0] == "not_found"
    assert "BOLT SECRET" in desk.rows(t.answer)[0]["findings"][0]
    desk.send(reply_id)
    assert "BOLT" not in desk.mails[0].text + desk.mails[0].html


def test_money_of_others_long_before_the_day_that_is_named_is_not_it(desk: Mailed) -> None:
    desk.receipt("rcp-1", 10_000, state="unidentified", received_on=TODAY - timedelta(days=40))
    desk.write("I paid £100.00 yesterday.", "inv-1")
    assert desk.answer()[0] == "not_found"


@pytest.mark.parametrize("is_proposed", [True, False])
def test_money_of_an_unknown_payer_is_being_checked_and_its_amount_is_not_told(
    desk: Mailed, *, is_proposed: bool
) -> None:
    desk.receipt("rcp-1", 10_000, state="unidentified", proposed={"inv-1": 10_000} if is_proposed else None)
    reply_id = desk.write(PAID, "inv-1")
    assert desk.answer()[0] == "arrived"
    desk.send(reply_id)
    assert "received on" not in desk.mails[0].text


def test_another_organisations_money_is_not_looked_at(desk: Mailed) -> None:
    other = Books(desk.app, "org-b", "Another")
    other.receipt("rcp-b", 10_000, state="unidentified")
    desk.write(PAID, "inv-1")
    assert desk.answer()[0] == "not_found"


def test_an_answer_that_waited_says_what_is_true_when_it_leaves(desk: Mailed) -> None:
    reply_id = desk.write(PAID, "inv-1")
    desk.receipt("rcp-1", 10_000, customer_id="acme", state="applied")
    with desk.app.store.write() as db:
        db.execute(update(t.document).where(t.document.c.id == "inv-1").values(status="paid", balance_minor=0))
    desk.send(reply_id)
    assert "Nothing is open" in desk.mails[0].text


def test_where_it_is_switched_on_sure_ones_leave_by_themselves_but_not_without_end(desk: Mailed) -> None:
    switch_answers(desk.app, organisation_id=ORG, on=True, actor="owner")
    for number in range(5):
        desk.write(f"Please send the invoice again. {'Thanks! ' * number}", "inv-1")
    assert len(desk.mails) == 3
    assert "/p/" in desk.mails[0].text
    assert len(desk.tasks()) == 2, "the others wait for a person"


@pytest.mark.parametrize("sending", [True, False])
def test_a_stranger_and_a_silent_organisation_get_no_answer_by_themselves(desk: Mailed, *, sending: bool) -> None:
    switch_answers(desk.app, organisation_id=ORG, on=True, actor="owner")
    with desk.app.store.write() as db:
        db.execute(update(t.organisation).values(sending_on=sending))
    desk.write(PAID, "inv-1", sender="eve@example.net" if sending else "acme@example.com")
    assert desk.mails == []
    assert desk.answer() == ("not_found", "prepared")


def test_what_may_have_left_never_leaves_again(desk: Mailed) -> None:
    reply_id = desk.write(PAID, "inv-1")
    desk.server.fate = lambda: Fate.ANSWER_LOST
    desk.send(reply_id)
    assert desk.answer()[1] == "in_doubt"
    with pytest.raises(RefusedError):
        desk.send(reply_id)
    assert len(desk.mails) == 1


def test_one_that_was_refused_can_be_sent_again(desk: Mailed) -> None:
    reply_id = desk.write(PAID, "inv-1")
    desk.server.fate = lambda: Fate.REFUSED
    desk.send(reply_id)
    assert desk.answer()[1] == "failed"
    desk.server.fate = lambda: Fate.TAKEN
    desk.send(reply_id)
    assert (desk.answer()[1], len(desk.mails)) == ("sent", 1)


def test_the_report_of_a_mail_server_is_the_proof_of_delivery(desk: Mailed) -> None:
    reply_id = desk.write("Please send the invoice again.", "inv-1")
    desk.send(reply_id)
    message_id = desk.rows(t.answer)[0]["message_id"]
    assert desk.mails[0].headers["Message-ID"] == message_id
    store_mail(desk.app, bounce(action="delivered", message_id=message_id), source="test")
    read_stored_mails(desk.app)
    assert desk.rows(t.answer)[0]["proof"].startswith("delivered: ")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", list(AnswerKind))
def test_answers_are_written_in_every_language(language: str, kind: AnswerKind) -> None:
    page = "https://pay.example/p/x"
    links = Links(page, page, page, page, page, page, page)
    answer = Answer(kind, "Acme", (("INV-1", Money(10_000, "EUR")),), 14, Money(10_000, "EUR"), date(2026, 3, 3))
    message = render_answer(answer=answer, brand=Brand("Harbour", "Dana"), links=links, language=language)
    assert "Acme" in message.text
    assert "INV-1" in message.html
    assert "{" not in message.text + message.subject
    assert NOW.year == 2026
