"""Bounces of, and replies to, what is no reminder: statements, announcements, thanks and answers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.channels.contract import UNREACHABLE
from connectors.errors import Reject
from runtime.operations.autopay.take import promise_payments
from runtime.operations.payers.replies.answers import send_answer
from runtime.operations.payers.replies.take_mail import read_stored_mails, store_mail
from runtime.operations.plans.agree_plan import agree_plan
from runtime.operations.plans.announce_instalments import announce_instalments
from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.reminding.send import send_reminders
from runtime.operations.reminding.send_statements import send_statements, switch_statements
from runtime.operations.reminding.thank import switch_thanks, thank_payers
from runtime.operations.work import work
from runtime.store import tables as t
from sandbox.capture import CapturedMail
from tests.operations.autopay import acme, gbp, payment, remind, states, switch_on, taken
from tests.operations.firm import TODAY, Firm, money_in
from tests.operations.test_mail import bounce, mail

ACME = "acme@example.com"
DISPUTE = "We contest INV-1001, it is wrong. Do not write to us any more."


def _stated(firm: Firm) -> CapturedMail:
    firm.switch_sending()
    switch_statements(firm.app, organisation_id=firm.id, on=True, actor="dana")
    assert send_statements(firm.app, firm.id)["sent"] == 2
    return _last(firm)


def _last(firm: Firm, to: str = ACME) -> CapturedMail:
    return [each for each in firm.mailbox.mails if to in each.recipients][-1]


def _take(firm: Firm, raw: bytes) -> str:
    """Take a mail that came; how it ended."""
    assert store_mail(firm.app, raw, source="test")
    read_stored_mails(firm.app)
    return str(max(firm.rows(t.mail), key=lambda row: row.id).state)


def _came_back(firm: Firm, sent: CapturedMail, **said: str) -> None:
    raw = bounce(recipient=sent.recipients[0], message_id=sent.headers["Message-ID"], **said)
    assert _take(firm, raw.replace(b"<dsn@", f"<dsn-{len(firm.rows(t.mail))}@".encode())) == "done"


def _bad(firm: Firm) -> list[tuple[str, str]]:
    return [(row.channel, row.address) for row in firm.rows(t.bad_address)]


def _actions(firm: Firm) -> list[str]:
    return [row.action for row in firm.rows(t.event)]


def _reminded(firm: Firm) -> set[str]:
    plan_reminders(firm.app, firm.id)
    names = {row.id: row.name for row in firm.rows(t.customer)}
    return {names[row.customer_id] for row in firm.rows(t.reminder, state="planned")}


def test_a_statement_that_comes_back_marks_the_address_and_asks_for_another(stored_firm: Firm) -> None:
    firm = stored_firm
    _came_back(firm, _stated(firm))
    assert _bad(firm) == [("email", ACME)]
    assert firm.problems() == ["contact_needed"]
    assert sorted(row.state for row in firm.rows(t.courtesy)) == ["sent", "undelivered"]
    assert _actions(firm).count("statement_undelivered") == 1
    firm.time.advance(days=6)
    firm.settle()
    assert _reminded(firm) == {"Bolt"}, "nothing is sent there any more"


@pytest.mark.parametrize(
    "said",
    [{"action": "delayed"}, {"action": "delivered"}, {"recipient": "eve@example.net"}],
)
def test_a_report_that_says_nothing_against_the_address_marks_nothing(firm: Firm, said: dict[str, str]) -> None:
    sent = _stated(firm)
    assert _take(firm, bounce(**{"recipient": ACME, "message_id": sent.headers["Message-ID"], **said})) == "done"
    assert (_bad(firm), firm.problems()) == ([], [])
    assert {row.state for row in firm.rows(t.courtesy)} == {"sent"}


def test_a_colleagues_answer_to_a_statement_is_their_companys(stored_firm: Firm) -> None:
    firm = stored_firm
    sent = _stated(firm)
    raw = mail(DISPUTE, sender="ap.team@acme.example", answers=sent.headers["Message-ID"])
    assert _take(firm, raw) == "done"
    (reply,) = firm.rows(t.reply)
    assert reply.customer_id == acme(firm)
    numbers = {row.id: row.number for row in firm.rows(t.document)}
    assert {numbers[each] for each in reply.held} == {"INV-1001", "INV-1002"}
    assert [row.subject for row in firm.rows(t.task)] == [reply.id]
    firm.time.advance(days=6)
    firm.settle()
    assert _reminded(firm) == {"Bolt"}


def test_a_reply_to_a_statement_is_about_what_it_stated(firm: Firm) -> None:
    sent = _stated(firm)
    _take(firm, mail("We will pay on Friday.", sender="ap.team@acme.example", answers=sent.headers["Message-ID"]))
    (reply,) = firm.rows(t.reply)
    assert sorted(reply.documents) == sorted([firm.document("INV-1001").id, firm.document("INV-1002").id])


def test_an_instalment_notice_that_comes_back_asks_for_another_address(firm: Firm) -> None:
    firm.switch_sending()
    agree_plan(
        firm.app,
        organisation_id=firm.id,
        customer_id=acme(firm),
        debt=gbp(19_550),
        count=2,
        first_on=TODAY + timedelta(days=3),
        consent="I agree.",
        actor="customer",
    )
    assert announce_instalments(firm.app, firm.id) == {"sent": 1}
    _came_back(firm, _last(firm))
    assert _bad(firm) == [("email", ACME)]
    assert "instalment_undelivered" in _actions(firm)


def test_what_was_announced_to_nobody_is_not_taken(stored_firm: Firm) -> None:
    firm = stored_firm
    switch_on(firm)
    remind(firm)
    assert states(firm) == states(firm, "INV-1002") == ["announced"]
    _came_back(firm, _last(firm))
    firm.time.advance(days=2)
    firm.settle()
    assert promise_payments(firm.app, firm.id) == {"left": 2}
    assert payment(firm).why == "The payer could not be told of it beforehand."
    remind(firm)
    assert (taken(firm), states(firm)) == ([], ["left"]), "it is not announced there again either"


def test_an_announcement_that_comes_back_before_the_payment_is_made_keeps_it_from_being_made(firm: Firm) -> None:
    switch_on(firm)
    remind(firm)
    sent = _last(firm)
    firm.time.advance(days=2)
    firm.settle()
    assert promise_payments(firm.app, firm.id) == {"promised": 2}
    _came_back(firm, sent)
    work(firm.app)
    assert (taken(firm), states(firm)) == ([], ["left"])
    assert payment(firm).why == "The payer could not be told of it beforehand."


def test_a_reply_to_an_announcement_is_about_what_it_announced(firm: Firm) -> None:
    switch_on(firm)
    remind(firm)
    raw = mail("This is wrong.", sender="ap.team@acme.example", answers=_last(firm).headers["Message-ID"])
    _take(firm, raw)
    (reply,) = firm.rows(t.reply)
    assert sorted(reply.documents) == sorted([firm.document("INV-1001").id, firm.document("INV-1002").id])


def _thanked(firm: Firm) -> CapturedMail:
    """Bolt pays 300.00 of which they were reminded; the thank-you."""
    firm.switch_sending()
    switch_thanks(firm.app, organisation_id=firm.id, on=True, actor="dana")
    plan_reminders(firm.app, firm.id)
    send_reminders(firm.app, firm.id)
    firm.import_lines(money_in("L1", "300.00", "BOLT", "INV-2001"))
    firm.settle()
    assert thank_payers(firm.app, firm.id) == {"sent": 1}
    return _last(firm, "bolt@example.com")


def test_thanks_that_come_back_mark_the_address(firm: Firm) -> None:
    _came_back(firm, _thanked(firm))
    assert _bad(firm) == [("email", "bolt@example.com")]
    assert [row.state for row in firm.rows(t.thanks)] == ["undelivered"]
    assert "thanks_undelivered" in _actions(firm)


def test_who_answers_thanks_is_known(firm: Firm) -> None:
    firm.app.settings = firm.app.settings.model_copy(update={"reply_to": "replies@harbour.example"})
    sent = _thanked(firm)
    assert sent.headers["Reply-To"] == "replies@harbour.example", "where mails are read"
    raw = mail("You are welcome, but INV-2001 is wrong.", sender="ap@bolt.example", answers=sent.headers["Message-ID"])
    assert _take(firm, raw) == "done"
    (reply,) = firm.rows(t.reply)
    assert reply.customer_id == firm.document("INV-2001").customer_id


def test_a_colleagues_answer_to_our_answer_is_their_companys(firm: Firm) -> None:
    firm.switch_sending()
    _take(firm, mail("We have already paid INV-1001."))
    (asked,) = firm.rows(t.reply)
    send_answer(firm.app, organisation_id=firm.id, reply_id=asked.id, actor="dana")
    raw = mail("From our other account.", sender="ap@acme.example", answers=_last(firm).headers["Message-ID"], number=2)
    assert _take(firm, raw) == "done"
    (reply,) = [row for row in firm.rows(t.reply) if row.id != asked.id]
    assert (reply.customer_id, reply.documents) == (acme(firm), [firm.document("INV-1001").id])


def test_an_answer_that_comes_back_marks_the_customers_address(firm: Firm) -> None:
    firm.switch_sending()
    _take(firm, mail("We have already paid INV-1001."))
    (asked,) = firm.rows(t.reply)
    send_answer(firm.app, organisation_id=firm.id, reply_id=asked.id, actor="dana")
    _came_back(firm, _last(firm))
    assert _bad(firm) == [("email", ACME)]
    assert firm.problems() == ["contact_needed"]
    assert [row.state for row in firm.rows(t.answer)] == ["failed"]


def test_an_answer_that_comes_back_from_another_address_says_nothing_of_the_customers(firm: Firm) -> None:
    firm.switch_sending()
    _take(
        firm,
        mail("INV-1001 is paid already.", sender="clerk@acme.example", answers=_stated(firm).headers["Message-ID"]),
    )
    (asked,) = firm.rows(t.reply)
    send_answer(firm.app, organisation_id=firm.id, reply_id=asked.id, actor="dana")
    _came_back(firm, _last(firm, "clerk@acme.example"))
    assert _bad(firm) == [("email", "clerk@acme.example")]
    assert firm.problems() == []


def _refuse(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the mail server know nobody of these names."""

    def gone(**_message: object) -> None:
        raise Reject("550 5.1.1 no such user", code=UNREACHABLE)

    assert firm.app.email is not None
    monkeypatch.setattr(firm.app.email, "send", gone)


def test_a_refused_recipient_is_not_written_to_again(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    _refuse(firm, monkeypatch)
    firm.switch_sending()
    switch_statements(firm.app, organisation_id=firm.id, on=True, actor="dana")
    assert send_statements(firm.app, firm.id) == {"failed": 2}
    assert sorted(_bad(firm)) == [("email", ACME), ("email", "bolt@example.com")]
    assert firm.problems() == ["contact_needed", "contact_needed"]


def test_an_answer_that_is_refused_marks_the_address_too(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    firm.switch_sending()
    _take(firm, mail("We have already paid INV-1001."))
    (asked,) = firm.rows(t.reply)
    _refuse(firm, monkeypatch)
    send_answer(firm.app, organisation_id=firm.id, reply_id=asked.id, actor="dana")
    assert (_bad(firm), firm.problems()) == ([("email", ACME)], ["contact_needed"])


def test_thanks_that_are_refused_mark_the_address_too(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    firm.switch_sending()
    switch_thanks(firm.app, organisation_id=firm.id, on=True, actor="dana")
    plan_reminders(firm.app, firm.id)
    send_reminders(firm.app, firm.id)
    firm.import_lines(money_in("L1", "300.00", "BOLT", "INV-2001"))
    firm.settle()
    _refuse(firm, monkeypatch)
    assert thank_payers(firm.app, firm.id) == {"failed": 1}
    assert _bad(firm) == [("email", "bolt@example.com")]
