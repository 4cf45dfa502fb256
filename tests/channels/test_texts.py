"""Texts: the same gate, once each, receipts and cost; STOP counts at once; what reaches nobody goes another way."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import update
from werkzeug.wrappers import Request, Response

from connectors.channels.contract import Fate, Report
from reminders.evidence import Channel, LawfulBasis
from reminders.own_copy import CopyKind
from reminders.policy import Tone
from runtime.operations.errors import InputError
from runtime.operations.inbox.take_webhook import BadSignatureError
from runtime.operations.payers.replies.take_mail import read_stored_mails, store_mail
from runtime.operations.reaching.bad_addresses import mark_bad
from runtime.operations.reaching.channels import switch_channel
from runtime.operations.reaching.deliveries import keep_report
from runtime.operations.reaching.look_up import look_up
from runtime.operations.reaching.opt_out import opt_out
from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.reminding.policies import set_policies
from runtime.store import tables as t
from tests.channels.conftest import ACME, BOLT, POLICY, Texting, own_words
from tests.operations.faults import lose_answer
from tests.operations.firm import TODAY
from tests.operations.test_mail import bounce


def test_a_level_goes_by_text_with_certificate_slot_and_what_is_still_open(texting: Texting) -> None:
    firm = texting.firm
    firm.ledger.pay_by_hand("INV-2001", "50.00", on=TODAY)  # between plan and send only the gate can know it
    assert texting.send()["sent"] == 2
    (text,) = texting.twilio.sent_to(BOLT)
    assert "£250.00" in text
    assert text.startswith("Firm: invoice INV-2001")
    assert "/t/" in text
    assert text.endswith("Reply STOP to end texts.")
    assert firm.mailbox.mails == []
    assert {row.channel for row in firm.rows(t.reminder_slot)} == {"sms"}
    assert all('"channel":"sms"' in row.body for row in firm.rows(t.certificate))
    assert texting.send().get("sent", 0) == 0, "the same level does not go twice"
    firm.work()
    told = {each["Channel__c"] for each in firm.crm.records["TrueDue_Reminder__c"].values()}
    assert told == {"sms"}


@pytest.mark.long
def test_a_channel_that_is_not_switched_on_sends_nothing(texting: Texting) -> None:
    switch_channel(texting.firm.app, organisation_id=texting.firm.id, channel=Channel.SMS, on=False)
    assert texting.send().get("sent", 0) == 0
    assert texting.twilio.messages == []
    texting.policy(more=", otherwise: email")
    assert texting.send()["sent"] == 2
    assert len(texting.firm.mailbox.mails) == 2


@pytest.mark.long
def test_a_carrier_that_is_not_set_up_cannot_be_switched_on(texting: Texting) -> None:
    texting.firm.app.settings.twilio_from_number = ""
    with pytest.raises(InputError, match="TRUEDUE_TWILIO_FROM_NUMBER"):
        switch_channel(texting.firm.app, organisation_id=texting.firm.id, channel=Channel.SMS, on=True)


def test_a_lost_answer_is_looked_up_and_never_sent_again(texting: Texting) -> None:
    firm = texting.firm
    texting.twilio.interceptor = lose_answer(texting.twilio)
    assert texting.send() == {"ledger_reads": 1, "in_doubt": 1, "sent": 1}
    assert look_up(firm.app, firm.id) == {}, "too early: a carrier may list it in a moment"
    firm.time.advance(minutes=3)
    assert look_up(firm.app, firm.id)["was_taken"] == 1
    assert texting.states() == [("sms", "sent"), ("sms", "sent")]
    assert firm.problems() == []
    assert len(firm.rows(t.delivery)) == 2
    firm.time.advance(minutes=20)
    assert texting.send().get("sent", 0) == 0
    assert len(texting.twilio.messages) == 2


@pytest.mark.long
def test_what_the_carrier_did_not_take_is_planned_again(texting: Texting) -> None:
    firm = texting.firm

    def cut(request: Request, handle: Callable[[], Response]) -> Response:
        return handle() if request.method == "GET" else Response(b"{", headers={"Content-Length": "99"})

    texting.twilio.interceptor = cut
    assert texting.send()["in_doubt"] == 2
    texting.twilio.interceptor = None
    firm.time.advance(minutes=3)
    assert look_up(firm.app, firm.id)["was_not_taken"] == 2
    assert firm.problems() == []
    assert texting.send()["sent"] == 2
    assert len(texting.twilio.messages) == 2


@pytest.mark.long
def test_an_account_that_keeps_no_words_leaves_the_doubt_to_a_person(texting: Texting) -> None:
    texting.twilio.keeps_words = False
    texting.twilio.interceptor = lose_answer(texting.twilio)
    texting.send()
    texting.firm.time.advance(minutes=3)
    assert look_up(texting.firm.app, texting.firm.id)["in_doubt_still"] == 1
    assert texting.firm.problems() == ["reminder_in_doubt"]


@pytest.mark.long
def test_being_put_off_is_no_text_and_comes_again(texting: Texting) -> None:
    texting.twilio.puts_off = 1
    assert texting.send() == {"ledger_reads": 1, "failed": 1, "sent": 1}
    assert texting.send()["sent"] == 1
    assert len(texting.twilio.messages) == 2


@pytest.mark.long
def test_receipts_and_cost_are_kept_and_never_go_back(texting: Texting) -> None:
    firm = texting.firm
    texting.send()
    late = texting.twilio.settle(ACME, "sent")
    done = texting.twilio.settle(ACME, "delivered")
    for delivery in (*done, *late, *done):
        texting.take(delivery)
    firm.work()
    (row,) = firm.rows(t.delivery, state="delivered")
    with firm.app.store.write() as db:
        stale = Report(row.external_id, Fate.SENT, "sent")
        keep_report(db, firm.id, row.reminder_id, carrier="twilio", report=stale, at=firm.app.clock())
    (row,) = firm.rows(t.delivery, state="delivered")
    assert (row.state, row.cost, row.cost_currency) == ("delivered", "0.0083", "USD")
    assert len([each for each in firm.rows(t.inbox) if each.system == "twilio"]) == 2, "told twice, kept once"


@pytest.mark.long
def test_a_missed_callback_is_asked_for(texting: Texting) -> None:
    texting.send()
    texting.twilio.settle(ACME, "delivered")
    assert look_up(texting.firm.app, texting.firm.id) == {}
    texting.firm.time.advance(hours=2)
    assert look_up(texting.firm.app, texting.firm.id) == {"is_delivered": 1, "is_accepted": 1}


@pytest.mark.long
def test_what_reaches_nobody_goes_another_way_and_asks_for_another_number(texting: Texting) -> None:
    firm = texting.firm
    texting.policy(more=", otherwise: email")
    texting.send()
    for delivery in texting.twilio.settle(BOLT, "undelivered", error_code=30005):
        texting.take(delivery)
    firm.work()
    assert texting.states() == [("sms", "sent"), ("sms", "undelivered")]
    assert firm.problems() == ["contact_needed"]
    assert texting.send()["sent"] == 1
    (mail,) = firm.mailbox.mails
    assert mail.recipients == ("bolt@example.com",)
    assert len(texting.twilio.sent_to(BOLT)) == 1
    texting.note("Bolt", "07400 999999")
    assert firm.problems() == []


@pytest.mark.long
def test_without_another_way_it_is_held_until_another_number_is_noted(texting: Texting) -> None:
    firm = texting.firm
    texting.twilio.account.refused[BOLT] = 21614
    assert texting.send() == {"ledger_reads": 1, "sent": 1, "failed": 1}
    assert "contact_needed" in firm.problems()
    assert texting.send().get("sent", 0) == 0
    texting.note("Bolt", "07400 999999")
    assert texting.send()["sent"] == 1
    assert texting.twilio.sent_to("+447400999999")


def test_stop_counts_at_once_and_can_be_proved(texting: Texting) -> None:
    firm = texting.firm
    texting.send()
    stop = texting.twilio.answer(ACME, "Stop, please")
    assert texting.take(stop) == 1
    assert texting.take(stop) == 0
    (row,) = firm.rows(t.stopped_number)
    assert (row.number, row.words, row.ended_at) == (ACME, "Stop, please", None)
    said = [each.detail for each in firm.rows(t.event, action="texts_stop")]
    assert said == [f"{ACME} answered 'Stop, please' ({row.message_id})"]
    only_texts = POLICY.format(channel="sms", more="").rsplit("      - ", 1)[0]
    set_policies(firm.app, organisation_id=firm.id, text=only_texts, source="test", actor="owner")
    firm.time.advance(days=7)
    firm.invoice("Acme", "INV-1005", "10.00", late=5)
    firm.settle()
    asked = texting.twilio.calls.copy()
    texting.send()
    assert texting.twilio.calls == asked, "the carrier, which would refuse, is not even asked"
    texting.take(texting.twilio.answer(ACME, "START"))
    texting.send()
    assert len(texting.twilio.sent_to(ACME)) == 2


@pytest.mark.long
def test_a_stop_between_plan_and_send_withdraws(texting: Texting) -> None:
    firm = texting.firm
    firm.switch_sending()
    plan_reminders(firm.app, firm.id)
    texting.take(texting.twilio.answer(BOLT, "STOP"))
    assert ("sms", "withdrawn") in texting.states()
    texting.send()
    assert texting.twilio.sent_to(BOLT) == []


@pytest.mark.long
def test_a_number_that_the_carrier_knows_as_stopped_is_asked_no_more(texting: Texting) -> None:
    texting.twilio.stopped.add(ACME)
    assert texting.send()["failed"] == 1
    assert [row.number for row in texting.firm.rows(t.stopped_number)] == [ACME]
    assert texting.send().get("failed", 0) == 0


@pytest.mark.long
def test_other_words_are_kept_as_a_reply_and_hold_what_is_owed(texting: Texting) -> None:
    firm = texting.firm
    texting.send()
    answer = texting.twilio.answer(BOLT, "What is this about? Ring my colleague Tim.")
    texting.take(answer)
    texting.take(answer)
    (reply,) = firm.rows(t.reply)
    assert (reply.channel, reply.sender, reply.customer_id) == ("text", BOLT, texting.id_of("Bolt"))
    assert reply.documents == [firm.document("INV-2001").id]
    (hold,) = firm.rows(t.hold)
    assert (hold.code, hold.document_id) == ("reply_unread", firm.document("INV-2001").id)


@pytest.mark.long
def test_an_e_mail_address_at_which_nothing_arrives_is_passed_over_for_a_text(texting: Texting) -> None:
    firm = texting.firm
    texting.policy("email", ", otherwise: sms")
    with firm.app.store.write() as db:
        mark_bad(
            db,
            firm.id,
            address="bolt@example.com",
            why="it bounced",
            subject=texting.id_of("Bolt"),
            at=firm.app.clock(),
        )
    assert texting.send()["sent"] == 2
    assert [mail.recipients for mail in firm.mailbox.mails] == [("acme@example.com",)]
    assert len(texting.twilio.sent_to(BOLT)) == 1


def test_an_e_mail_that_bounces_is_said_by_text_at_the_same_level(texting: Texting) -> None:
    firm = texting.firm
    texting.policy("email", ", otherwise: sms")
    assert texting.send()["sent"] == 2
    (mail,) = firm.rows(t.reminder, recipient="bolt@example.com")
    (delivery,) = firm.rows(t.delivery, reminder_id=mail.id)
    raw = bounce(recipient="bolt@example.com", message_id=delivery.external_id)
    assert store_mail(firm.app, raw, source="test") and read_stored_mails(firm.app) == 1
    assert firm.problems() == ["contact_needed"]
    assert texting.send()["sent"] == 1
    assert len(texting.twilio.sent_to(BOLT)) == 1
    assert {row.level for row in firm.rows(t.reminder, customer_id=texting.id_of("Bolt"))} == {1}


@pytest.mark.long
def test_a_text_to_the_united_states_needs_express_consent(texting: Texting) -> None:
    texting.note("Bolt", "+1 415 555 2671")
    texting.firm.time.advance(hours=7)  # 17:00 in London, morning in California
    assert texting.send()["sent"] == 1
    assert texting.twilio.sent_to("+14155552671") == []
    with pytest.raises(InputError, match="say how the customer consented"):
        texting.note("Bolt", "+1 415 555 2671", basis=LawfulBasis.EXPRESS_CONSENT)
    texting.note("Bolt", "+1 415 555 2671", basis=LawfulBasis.EXPRESS_CONSENT, evidence="order form of 2 March")
    assert texting.send()["sent"] == 1
    assert len(texting.twilio.sent_to("+14155552671")) == 1


@pytest.mark.long
def test_nobody_is_texted_in_the_night_of_their_telephone(texting: Texting) -> None:
    texting.note("Bolt", "+1 415 555 2671", basis=LawfulBasis.EXPRESS_CONSENT, evidence="order form")
    assert texting.send()["sent"] == 1, "it is 10:00 in London and 03:00 in California"
    assert texting.twilio.sent_to("+14155552671") == []


@pytest.mark.long
def test_forged_webhooks_change_nothing(texting: Texting) -> None:
    stop = texting.twilio.answer(ACME, "STOP")
    stop.body = stop.body.replace(b"447400123456", b"447400123457")
    with pytest.raises(BadSignatureError):
        texting.take(stop)
    assert texting.firm.rows(t.stopped_number) == []


@pytest.mark.long
def test_messages_by_several_channels_keep_the_pause(texting: Texting) -> None:
    """Acme was texted; a new invoice whose level goes by e-mail waits for the pause between two contacts."""
    firm = texting.firm
    texting.send()
    texting.policy(channel="email")
    firm.invoice("Acme", "INV-1005", "10.00", late=5)
    firm.settle()
    firm.time.advance(days=1)
    assert texting.send().get("sent", 0) == 0
    firm.time.advance(days=6)  # a Tuesday again
    assert texting.send()["sent"] >= 1


@pytest.mark.long
def test_on_postgresql_a_lost_answer_is_found_and_a_stop_withdraws(shared_texting: Texting) -> None:
    texting, firm = shared_texting, shared_texting.firm
    texting.twilio.interceptor = lose_answer(texting.twilio)
    assert texting.send() == {"ledger_reads": 1, "in_doubt": 1, "sent": 1}
    firm.time.advance(minutes=3)
    assert look_up(firm.app, firm.id)["was_taken"] == 1
    for delivery in texting.twilio.settle(BOLT, "undelivered", error_code=30006):
        texting.take(delivery)
    firm.work()
    assert texting.states() == [("sms", "sent"), ("sms", "undelivered")]
    texting.note("Bolt", "07400 999999")
    plan_reminders(firm.app, firm.id)
    assert ("sms", "planned") in texting.states()
    texting.take(texting.twilio.answer("+447400999999", "STOP"))
    assert texting.states() == [("sms", "sent"), ("sms", "undelivered"), ("sms", "withdrawn")]
    texting.take(texting.twilio.answer(ACME, "Who are you?"))
    assert [row.channel for row in firm.rows(t.reply)] == ["text"]
    assert len(texting.twilio.messages) == 4


def test_who_wants_no_e_mail_is_texted_where_the_policy_and_the_law_let_us(texting: Texting) -> None:
    firm = texting.firm
    texting.policy(channel="email", more=", otherwise: sms")
    texting.note("Bolt", "07400 123457", basis=None)
    for name in ("Acme", "Bolt"):
        opt_out(
            firm.app,
            organisation_id=firm.id,
            customer_id=texting.id_of(name),
            channel=Channel.EMAIL,
            actor="customer",
        )
    assert texting.send()["sent"] == 1
    assert texting.twilio.sent_to(ACME) and not texting.twilio.sent_to(BOLT)
    assert firm.mailbox.mails == []
    assert _asked(texting) == ["Bolt"], "Acme still hears from us"


def test_who_wants_no_texts_gets_e_mail_and_somebody_is_asked_only_where_there_is_none(texting: Texting) -> None:
    texting.policy(more=", otherwise: email")
    texting.take(texting.twilio.answer(ACME, "STOP"))
    assert _asked(texting) == []
    assert texting.send()["sent"] == 2
    (mail,) = texting.firm.mailbox.mails
    assert mail.recipients == ("acme@example.com",)
    only_texts = POLICY.format(channel="sms", more="").rsplit("      - ", 1)[0]
    set_policies(texting.firm.app, organisation_id=texting.firm.id, text=only_texts, source="test", actor="owner")
    texting.take(texting.twilio.answer(BOLT, "STOP"))
    assert _asked(texting) == ["Bolt"]
    texting.take(texting.twilio.answer(BOLT, "START"))
    assert _asked(texting) == []


def test_a_parent_who_wants_no_texts_is_not_texted_for_a_branch_that_has_its_number(texting: Texting) -> None:
    firm = texting.firm
    parent, branch = texting.id_of("Acme"), texting.id_of("Bolt")
    with firm.app.store.write() as db:
        db.execute(update(t.customer).where(t.customer.c.id == branch).values(parent_id=parent))
    opt_out(firm.app, organisation_id=firm.id, customer_id=parent, channel=Channel.SMS, actor="customer")
    texting.note("Bolt", "07400 123456")
    assert texting.send().get("sent", 0) == 0
    texting.note("Bolt", "07400 123457")
    assert texting.send()["sent"] == 1, "what the parent said is of the parent's telephone"
    assert texting.twilio.sent_to(BOLT)


def _asked(texting: Texting) -> list[str]:
    """The customers about whom somebody is asked, as no channel reaches them."""
    names = {row.id: row.name for row in texting.firm.rows(t.customer)}
    tasks = texting.firm.rows(t.task, kind="opted_out")
    return sorted(names[row.customer_id] for row in tasks if row.closed_at is None)


def test_a_text_goes_in_the_organisations_own_words_with_what_each_one_carries(texting: Texting) -> None:
    firm = texting.firm
    own_words(texting, CopyKind.TEXT, Tone.FRIENDLY, "Hello {{ recipient }}, {{ number }}: {{ total }}.")
    assert texting.send()["sent"] == 2
    (text,) = texting.twilio.sent_to(BOLT)
    assert text.startswith("Firm: Hello Bolt, INV-2001: £300.00. http")
    assert "/t/" in text
    assert text.endswith("Reply STOP to end texts.")
    assert firm.problems() == []


def test_a_text_whose_own_words_became_too_long_is_held_and_says_why(texting: Texting) -> None:
    firm = texting.firm
    own_words(texting, CopyKind.TEXT, Tone.FRIENDLY, "{{ recipient }}: {{ total }}")
    with firm.app.store.write() as db:
        db.execute(update(t.message_copy).values(body="{{ total }}" + "x" * 500))
    assert texting.send().get("sent", 0) == 0
    assert texting.twilio.messages == []
    assert firm.problems() == ["copy_broken"]
    (problem,) = firm.rows(t.problem, code="copy_broken")
    assert "text, friendly (en)" in problem.text and "more than 3" in problem.text
    own_words(texting, CopyKind.TEXT, Tone.FRIENDLY, "")
    assert firm.problems() == []
