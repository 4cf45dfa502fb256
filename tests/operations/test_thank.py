"""A payer is thanked once for what they were reminded of, where the organisation wants it, and never late."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connectors.channels.email import Delivery, EmailChannel, SmtpServer
from reminders.evidence import Channel
from reminders.own_copy import CopyKind
from runtime.operations.reaching.opt_out import opt_out
from runtime.operations.reminding.copies import set_copy
from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.reminding.remind import remind_organisation
from runtime.operations.reminding.send import send_reminders
from runtime.operations.reminding.thank import switch_thanks, thank_payers
from runtime.store import connections
from runtime.store import tables as t
from tests.operations.faults import unavailable
from tests.operations.firm import Firm, money_in

SUBJECT = "Thank you: we received £300.00"


class Killed(EmailChannel):
    """A sender that ends while the mail server has the message."""

    def send(self, **_message: Any) -> Delivery:  # noqa: ANN401 - what the channel takes
        raise KeyboardInterrupt


def _switch(firm: Firm) -> None:
    switch_thanks(firm.app, organisation_id=firm.id, on=True, actor="Dana Fenwick")


def _paid(firm: Firm, *, thanks: bool = True, reminded: bool = True) -> Firm:
    """Bolt was reminded of 300.00 and pays it; it stands in the ledger."""
    firm.switch_sending()
    if thanks:
        _switch(firm)
    if reminded:
        plan_reminders(firm.app, firm.id)
        send_reminders(firm.app, firm.id)
    firm.import_lines(money_in("L1", "300.00", "BOLT", "INV-2001"))
    firm.settle()
    assert firm.ledger.balance("INV-2001") == 0
    return firm


def _thanked(firm: Firm) -> list[str]:
    return [recipient for mail in firm.mailbox.mails if mail.subject == SUBJECT for recipient in mail.recipients]


def _states(firm: Firm) -> list[str]:
    return [row.state for row in firm.rows(t.thanks)]


def test_who_was_reminded_and_paid_is_thanked_once(any_stored_firm: Firm) -> None:
    firm = _paid(any_stored_firm)
    assert thank_payers(firm.app, firm.id) == {"sent": 1}
    assert _thanked(firm) == ["bolt@example.com"]
    (mail,) = [mail for mail in firm.mailbox.mails if mail.subject == SUBJECT]
    assert "INV-2001" in mail.text
    assert "Everything listed above is now paid." in mail.text
    firm.settle()
    firm.time.advance(hours=2)
    assert remind_organisation(firm.app, firm.id)["thanks_sent"] == 0
    assert _thanked(firm) == ["bolt@example.com"]


def test_an_answer_to_it_reaches_where_answers_to_reminders_do(firm: Firm) -> None:
    settings = firm.app.settings.model_copy(update={"reply_to": "desk@truedue.example"})
    firm = replace(firm, app=replace(firm.app, settings=settings))
    _paid(firm)
    assert thank_payers(firm.app, firm.id) == {"sent": 1}
    assert {mail.headers["Reply-To"] for mail in firm.mailbox.mails} == {"desk@truedue.example"}


def test_nobody_is_thanked_where_it_is_off_or_for_what_came_before(firm: Firm) -> None:
    _paid(firm, thanks=False)
    assert thank_payers(firm.app, firm.id) == {}
    firm.time.advance(minutes=1)
    _switch(firm)
    assert thank_payers(firm.app, firm.id) == {}
    assert firm.rows(t.thanks) == []


def test_who_paid_without_a_reminder_is_left_alone(firm: Firm) -> None:
    _paid(firm, reminded=False)
    assert thank_payers(firm.app, firm.id) == {}


def test_a_payment_that_is_not_in_the_ledger_yet_waits(firm: Firm) -> None:
    firm.switch_sending()
    _switch(firm)
    plan_reminders(firm.app, firm.id)
    send_reminders(firm.app, firm.id)
    firm.estate.xero.interceptor = unavailable
    firm.import_lines(money_in("L1", "300.00", "BOLT", "INV-2001"))
    firm.work()
    assert firm.receipt().state == "applied"
    assert thank_payers(firm.app, firm.id) == {}


def test_at_night_it_waits_and_after_three_days_it_is_left(firm: Firm) -> None:
    _paid(firm)
    firm.time.advance(hours=10)  # eight in the evening
    assert thank_payers(firm.app, firm.id) == {"waiting": 1}
    assert firm.rows(t.thanks) == []
    firm.time.advance(days=3)
    assert thank_payers(firm.app, firm.id) == {"left_out": 1}
    (row,) = firm.rows(t.thanks)
    assert "more than 3 days ago" in row.why
    assert _thanked(firm) == []


def test_who_wants_no_messages_gets_no_thanks(firm: Firm) -> None:
    _paid(firm)
    bolt = next(row.id for row in firm.rows(t.customer) if row.name == "Bolt")
    opt_out(firm.app, organisation_id=firm.id, customer_id=bolt, channel=Channel.EMAIL, actor="payer")
    assert thank_payers(firm.app, firm.id) == {"left_out": 1}
    assert _thanked(firm) == []


def test_what_may_have_left_never_leaves_again(firm: Firm) -> None:
    _paid(firm)
    server = SmtpServer(host=firm.mailbox.host, port=firm.mailbox.port, username="", password="", starttls=False)
    whole, firm.app.email = firm.app.email, Killed(server, firm.time)
    with pytest.raises(KeyboardInterrupt):
        thank_payers(firm.app, firm.id)
    firm.app.email = whole
    assert thank_payers(firm.app, firm.id) == {}
    assert (_states(firm), _thanked(firm)) == (["handing"], [])


def test_thanks_count_for_the_contact_limits(firm: Firm) -> None:
    _paid(firm)
    thank_payers(firm.app, firm.id)
    firm.invoice("Bolt", "INV-2009", "310.00")
    firm.settle()
    firm.time.advance(days=1)
    assert "INV-2009" not in _planned(firm), "Bolt was thanked yesterday"
    firm.time.advance(days=6)
    assert "INV-2009" in _planned(firm)


def _planned(firm: Firm) -> set[str]:
    plan_reminders(firm.app, firm.id)
    ids = {row.id: row.number for row in firm.rows(t.document)}
    return {ids[row.document_id] for row in firm.rows(t.reminder_item, state="planned")}


def test_a_thank_you_counts_from_the_moment_that_it_may_have_left(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    _paid(firm)
    seen: list[bool] = []

    def look(**_message: object) -> None:
        seen.extend(row.sent_at is not None for row in firm.rows(t.thanks))

    assert firm.app.email is not None
    monkeypatch.setattr(firm.app.email, "send", look)
    thank_payers(firm.app, firm.id)
    assert seen == [True], "a sender that is killed now leaves what may have been sent"


def _words(firm: Firm, text: str) -> None:
    with firm.app.store.read() as db:
        organisation = connections.organisation(db, firm.id)
    assert organisation is not None
    named: dict[str, Any] = {"kind": CopyKind.THANKS, "language": "en", "tone": None}
    set_copy(firm.app, organisation=organisation, **named, text=text, actor="Dana Fenwick")


def test_a_payer_is_thanked_in_the_organisations_own_words(firm: Firm) -> None:
    _words(firm, "We got {{ amount }}\n---\nHello {{ recipient }}, lovely.\n---\nBye")
    assert thank_payers(_paid(firm).app, firm.id) == {"sent": 1}
    (mail,) = [mail for mail in firm.mailbox.mails if mail.subject == "We got £300.00"]
    for part in ("Hello Bolt, lovely.", "INV-2001", "/unsubscribe"):
        assert part in mail.text


def test_own_words_that_cannot_be_rendered_hold_the_thanks_until_they_are_right(firm: Firm) -> None:
    _words(firm, "We got {{ amount }}\n---\nHello {{ recipient }}.\n---\nBye")
    with firm.app.store.write() as db:
        db.execute(t.message_copy.update().values(body="{{ gone }}\n---\nb\n---\nc"))
    _paid(firm)
    assert thank_payers(firm.app, firm.id) == {"waiting": 1}
    assert firm.problems() == ["copy_broken"]
    (problem,) = firm.rows(t.problem, code="copy_broken")
    assert "thanks (en)" in problem.text and "gone" in problem.text
    assert _thanked(firm) == [] and firm.rows(t.thanks) == []
    _words(firm, "")
    assert firm.problems() == []
    assert thank_payers(firm.app, firm.id) == {"sent": 1}
    assert _thanked(firm) == ["bolt@example.com"]
