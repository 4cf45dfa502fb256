"""A person answers in their own words: in the thread of a mail, or to the customer's own address; once."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from reminders.wording import LANGUAGES
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.payers.question import ask
from runtime.operations.payers.replies.answers import send_answer
from runtime.operations.payers.replies.take_mail import read_stored_mails, store_mail
from runtime.operations.payers.replies.write_answer import MAX_ANSWER_CHARS, write_answer
from runtime.store import tables as t
from sandbox.capture import Fate
from tests.operations.test_answers import PAID, Mailed, desk
from tests.operations.test_mail import bounce
from tests.operations.test_replies import ORG

__all__ = ["desk"]
SAID = "It is for the chairs of 2 March.\n\nThe delivery note comes <today>."


def _write(desk: Mailed, reply_id: str, text: str = SAID) -> None:
    write_answer(desk.app, organisation_id=ORG, reply_id=reply_id, text=text, actor="dana")


def _asked_on_the_page(desk: Mailed) -> str:
    ask(
        desk.app,
        organisation_id=ORG,
        customer_id="acme",
        document_id="inv-1",
        question="Which delivery?",
        actor="customer",
    )
    (reply,) = desk.rows(t.reply)
    return str(reply["id"])


def test_a_question_by_mail_is_answered_in_its_thread_and_settled(desk: Mailed) -> None:
    reply_id = desk.write("What is this invoice for?", "inv-1", message_id="<theirs@example.com>")
    assert desk.held() == {"inv-1", "inv-2", "inv-3"}
    _write(desk, reply_id)
    (mail,) = desk.mails
    assert (mail.recipients, mail.headers["In-Reply-To"]) == (("acme@example.com",), "<theirs@example.com>")
    text = mail.text.replace("\r\n", "\n")
    assert SAID in text and text.startswith("Dear Acme Trading Ltd,")
    assert "&lt;today&gt;" in mail.html
    assert desk.answer() == ("written", "sent")
    assert (desk.reply(reply_id)["state"], desk.reply(reply_id)["settled_by"]) == ("settled", "dana")
    assert (desk.held(), desk.tasks()) == (set(), [])
    with pytest.raises(RefusedError, match="answered already"):
        _write(desk, reply_id)
    assert len(desk.mails) == 1


def test_a_question_of_the_payers_page_is_answered_at_their_own_address(desk: Mailed) -> None:
    reply_id = _asked_on_the_page(desk)
    assert desk.held() == {"inv-1"}
    _write(desk, reply_id)
    (mail,) = desk.mails
    assert mail.recipients == ("acme@example.com",)
    assert mail.subject == "Your message about invoice INV-1"
    assert [row["written"] for row in desk.rows(t.answer)] == [SAID], "as it was written, for their page"
    assert (desk.held(), desk.rows(t.problem, t.problem.c.resolved_at.is_(None))) == (set(), [])


def test_what_says_something_else_is_answered_and_still_waits_for_a_person(desk: Mailed) -> None:
    reply_id = desk.write("Let me talk to my boss about the thing with the boat.")
    _write(desk, reply_id)
    assert len(desk.mails) == 1
    assert desk.reply(reply_id)["state"] == "waiting"
    assert desk.held() == {"inv-1", "inv-2", "inv-3"}


def test_own_words_take_the_place_of_what_was_prepared(desk: Mailed) -> None:
    reply_id = desk.write(PAID, "inv-1")
    _write(desk, reply_id)
    assert desk.answer() == ("written", "sent")
    with pytest.raises(RefusedError, match="no answer that can be sent"):
        send_answer(desk.app, organisation_id=ORG, reply_id=reply_id, actor="dana")
    assert desk.tasks() == []


def test_what_the_server_refuses_can_be_tried_again_and_is_never_taken_for_what_was_prepared(desk: Mailed) -> None:
    reply_id = _asked_on_the_page(desk)
    desk.server.fate = lambda: Fate.PUT_OFF
    with pytest.raises(RefusedError, match="did not take the answer"):
        _write(desk, reply_id)
    assert (desk.answer(), desk.reply(reply_id)["state"]) == (("written", "failed"), "waiting")
    with pytest.raises(RefusedError, match="no answer that can be sent"):
        send_answer(desk.app, organisation_id=ORG, reply_id=reply_id, actor="dana")
    desk.server.fate = lambda: Fate.TAKEN
    _write(desk, reply_id)
    assert desk.answer() == ("written", "sent")


def test_one_that_comes_back_marks_the_address_that_it_went_to(desk: Mailed) -> None:
    _write(desk, _asked_on_the_page(desk))
    store_mail(desk.app, bounce(message_id=desk.mails[0].headers["Message-ID"]), source="test")
    read_stored_mails(desk.app)
    assert desk.answer() == ("written", "failed")
    assert [row["address"] for row in desk.rows(t.bad_address)] == ["acme@example.com"]


@pytest.mark.parametrize("text", ["", "  \n", "x" * (MAX_ANSWER_CHARS + 1)])
def test_an_answer_says_something(desk: Mailed, text: str) -> None:
    with pytest.raises(InputError, match="write an answer"):
        _write(desk, desk.write("What is this invoice for?", "inv-1"), text)
    assert desk.rows(t.answer) == []


def test_there_must_be_somebody_to_answer(desk: Mailed) -> None:
    unknown = desk.write("What is it for?", customer_ids=("acme", "bolt"))
    with pytest.raises(RefusedError, match="which customer"):
        _write(desk, unknown)
    asked = _asked_on_the_page_of_bolt(desk)
    with pytest.raises(RefusedError, match="no e-mail address"):
        _write(desk, asked)
    with pytest.raises(RefusedError, match="no such reply"):
        write_answer(desk.app, organisation_id="org-b", reply_id=asked, text=SAID, actor="dana")
    assert desk.mails == []


def _asked_on_the_page_of_bolt(desk: Mailed) -> str:
    with desk.app.store.write() as db:
        db.execute(update(t.customer).where(t.customer.c.id == "bolt").values(email=None))
    ask(desk.app, organisation_id=ORG, customer_id="bolt", document_id="inv-9", question="Which?", actor="customer")
    (reply,) = desk.rows(t.reply, t.reply.c.channel == "portal")
    return str(reply["id"])


@pytest.mark.parametrize(("language", "greeting"), list(zip(LANGUAGES, ("Dear", "Guten Tag", "Bonjour"), strict=True)))
def test_the_frame_of_an_answer_is_in_the_readers_language(desk: Mailed, language: str, greeting: str) -> None:
    reply_id = _asked_on_the_page(desk)
    with desk.app.store.write() as db:
        db.execute(update(t.reply).values(language=language))
    _write(desk, reply_id)
    assert desk.mails[0].text.startswith(f"{greeting} Acme Trading Ltd,")
