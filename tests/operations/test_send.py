"""Reminders leave once, with proof, and only while they are still true."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from connectors.channels.email import Delivery, EmailChannel, SmtpServer
from connectors.errors import Retry
from reminders.evidence import BankDeclaration
from runtime.operations.errors import RefusedError
from runtime.operations.matching.decide import confirm
from runtime.operations.payers.brand import set_colour
from runtime.operations.reaching.contact_language import choose_language
from runtime.operations.reminding.certificates import verify_certificates
from runtime.operations.reminding.in_doubt import settle_doubt
from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.reminding.send import send_reminders
from runtime.operations.systems.deliver import deliver_outbox
from runtime.store import tables as t
from tests.operations.faults import lose_answer, unavailable
from tests.operations.firm import TODAY, Firm, money_in, open_firm


class LostAnswer(EmailChannel):
    """A mail server that takes the message and is cut off before it says so."""

    def send(self, **message: Any) -> Delivery:  # noqa: ANN401 - what the channel takes
        super().send(**message)
        raise Retry("the connection broke after the message", ambiguous=True)


def _planned(firm: Firm) -> Firm:
    firm.switch_sending()
    plan_reminders(firm.app, firm.id)
    return firm


def _mailed(firm: Firm) -> list[str]:
    return sorted(recipient for mail in firm.mailbox.mails for recipient in mail.recipients)


def _states(firm: Firm) -> list[str]:
    return sorted(row.state for row in firm.rows(t.reminder))


def test_what_is_due_is_sent_once_with_a_chain_of_certificates(any_firm: Firm) -> None:
    _planned(any_firm)
    send_reminders(any_firm.app, any_firm.id)
    assert _mailed(any_firm) == ["acme@example.com", "bolt@example.com"]
    assert _states(any_firm) == ["sent", "sent"]
    found = verify_certificates(any_firm.app.store, any_firm.id)
    assert (found.count, found.problem) == (3, None)
    any_firm.work()
    assert len(any_firm.crm.records["TrueDue_Reminder__c"]) == 2


def test_a_customer_is_written_to_in_the_language_that_they_chose(firm: Firm) -> None:
    acme = firm.document("INV-1001").customer_id
    choose_language(firm.app, organisation_id=firm.id, customer_id=acme, language="de", actor="customer")
    send_reminders(_planned(firm).app, firm.id)
    written = {row.recipient: row.body_text for row in firm.rows(t.reminder)}
    assert "Rechnung" in written["acme@example.com"]
    assert "Rechnung" not in written["bolt@example.com"]


def test_what_a_suggestion_leaves_over_is_the_payers_and_covers_other_invoices(firm: Firm) -> None:
    firm.import_lines(money_in("L9", "999.00", "ACME LTD", "INV-1001"))
    firm.work()
    assert (firm.receipt().state, firm.rows(t.proposal)[0].body["best"]["explanation"]) == ("suggested", "overpayment")
    _planned(firm)
    send_reminders(firm.app, firm.id)
    assert _mailed(firm) == ["bolt@example.com"], "Acme's other invoice is covered by what is left"


def test_a_second_run_sends_nothing_again(firm: Firm) -> None:
    _planned(firm)
    send_reminders(firm.app, firm.id)
    assert send_reminders(firm.app, firm.id) == {}
    _planned(firm)
    send_reminders(firm.app, firm.id)
    assert _mailed(firm) == ["acme@example.com", "bolt@example.com"]


def test_a_payment_between_plan_and_send_withdraws(any_firm: Firm) -> None:
    _planned(any_firm)
    any_firm.import_lines(money_in("L1", "300.00", "BOLT", "INV-2001"))
    any_firm.work()
    assert _states(any_firm) == ["planned", "withdrawn"]
    send_reminders(any_firm.app, any_firm.id)
    assert _mailed(any_firm) == ["acme@example.com"]


def test_a_payment_of_one_invoice_takes_it_out_of_the_message(firm: Firm) -> None:
    _planned(firm)
    firm.import_lines(money_in("L1", "120.00", "ACME", "INV-1001"))
    firm.work()
    send_reminders(firm.app, firm.id)
    (mail,) = [mail for mail in firm.mailbox.mails if mail.recipients == ("acme@example.com",)]
    assert "INV-1002" in mail.text
    assert "INV-1001" not in mail.text


def test_what_only_the_ledger_knows_is_read_before_sending(any_firm: Firm) -> None:
    """The accountant records a payment after the plan, and its webhook has not come yet."""
    _planned(any_firm)
    any_firm.ledger.pay_by_hand("INV-2001", "300.00", on=TODAY)
    send_reminders(any_firm.app, any_firm.id)
    assert _mailed(any_firm) == ["acme@example.com"]
    assert _states(any_firm) == ["held", "sent"]


def test_an_invoice_whose_posting_is_in_doubt_waits_until_it_is_looked_up(any_firm: Firm) -> None:
    """The ledger shows what we posted, and its answer was lost: the same money must not be taken off twice."""
    firm = any_firm
    firm.import_lines(money_in("L1", "50.00", "BOLT", "INV-2001"))
    firm.work()
    firm.ledger.standin.interceptor = lose_answer(firm.ledger.standin)
    confirm(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="dana")
    deliver_outbox(firm.app)
    assert firm.ledger.balance("INV-2001") == Decimal(250)
    _planned(firm)
    send_reminders(firm.app, firm.id)
    assert _mailed(firm) == ["acme@example.com"]
    firm.work(minutes=30)
    _planned(firm)
    send_reminders(firm.app, firm.id)
    (mail,) = [each for each in firm.mailbox.mails if each.recipients == ("bolt@example.com",)]
    assert "250.00" in mail.text


def test_a_ledger_that_cannot_be_read_holds_everything(firm: Firm) -> None:
    _planned(firm)
    firm.time.advance(minutes=5)
    firm.estate.xero.interceptor = unavailable
    send_reminders(firm.app, firm.id)
    assert _mailed(firm) == []
    assert {row.why for row in firm.rows(t.reminder)} == {"stale"}


def test_a_crm_that_cannot_be_read_for_a_while_holds_everything(firm: Firm) -> None:
    """Promises, disputes, pauses and opt-outs are noted there: nobody knows what was said meanwhile."""
    _planned(firm)
    firm.time.advance(minutes=16)
    firm.estate.salesforce.interceptor = unavailable
    send_reminders(firm.app, firm.id)
    assert _mailed(firm) == []
    assert {row.why for row in firm.rows(t.reminder)} == {"stale"}
    firm.estate.salesforce.interceptor = None
    _planned(firm)
    send_reminders(firm.app, firm.id)
    assert _mailed(firm) == ["acme@example.com", "bolt@example.com"]


def test_a_crm_that_cannot_be_read_for_a_moment_holds_nothing(firm: Firm) -> None:
    _planned(firm)
    firm.time.advance(minutes=14)
    firm.estate.salesforce.interceptor = unavailable
    send_reminders(firm.app, firm.id)
    assert _mailed(firm) == ["acme@example.com", "bolt@example.com"]


def test_bank_evidence_that_is_too_old_holds_everything(firm: Firm) -> None:
    firm.declare(BankDeclaration.STATEMENT)
    _planned(firm)
    send_reminders(firm.app, firm.id)
    assert _mailed(firm) == []
    assert {row.why for row in firm.rows(t.reminder)} == {"stale"}
    firm.import_lines(money_in("L1", "1.00", "X", "y"), on=TODAY - timedelta(days=1))
    _planned(firm)
    send_reminders(firm.app, firm.id)
    assert _mailed(firm) == ["acme@example.com", "bolt@example.com"]


def test_while_sending_is_off_nothing_changes(firm: Firm) -> None:
    _planned(firm).switch_sending(on=False)
    before = firm.rows(t.reminder)
    with pytest.raises(RefusedError, match="switched off"):
        send_reminders(firm.app, firm.id)
    assert firm.rows(t.reminder) == before
    assert (_mailed(firm), firm.rows(t.certificate)) == ([], [])


def test_without_a_mail_server_nothing_changes(tmp_path: Path) -> None:
    with open_firm(tmp_path, mail=False) as firm:
        firm.invoice("Acme", "INV-1", "10.00")
        firm.connect_all()
        firm.first_sync()
        _planned(firm)
        before = firm.rows(t.reminder)
        assert before
        with pytest.raises(RefusedError, match="TRUEDUE_SMTP_HOST"):
            send_reminders(firm.app, firm.id)
        assert firm.rows(t.reminder) == before


def _lose_answers(firm: Firm) -> None:
    """Send what is due through a mail server whose answers are lost."""
    _planned(firm)
    server = SmtpServer(host=firm.mailbox.host, port=firm.mailbox.port, username="", password="", starttls=False)
    whole, firm.app.email = firm.app.email, LostAnswer(server, firm.time)
    send_reminders(firm.app, firm.id)
    firm.app.email = whole


def test_a_lost_answer_leaves_it_in_doubt_and_never_sends_it_again(firm: Firm) -> None:
    _lose_answers(firm)
    assert _states(firm) == ["in_doubt", "in_doubt"]
    assert firm.problems() == ["reminder_in_doubt", "reminder_in_doubt"]
    for _ in range(2):
        firm.time.advance(minutes=20)
        _planned(firm)
        send_reminders(firm.app, firm.id)
    assert _mailed(firm) == ["acme@example.com", "bolt@example.com"]
    assert _states(firm) == ["in_doubt", "in_doubt"], "it counts as sent: the next level follows, not this one again"


def test_what_may_have_left_counts_for_the_contact_limits(firm: Firm) -> None:
    _lose_answers(firm)
    firm.invoice("Acme", "INV-1009", "310.00")
    firm.poll()
    firm.time.advance(days=1)
    _planned(firm)
    send_reminders(firm.app, firm.id)
    assert _mailed(firm) == ["acme@example.com", "bolt@example.com"], "Acme was written to yesterday, or may have been"


def test_a_sender_killed_while_handing_over_leaves_it_to_a_person(firm: Firm) -> None:
    class Killed(EmailChannel):
        def send(self, **_message: Any) -> Delivery:  # noqa: ANN401
            raise KeyboardInterrupt

    _planned(firm)
    server = SmtpServer(host=firm.mailbox.host, port=firm.mailbox.port, username="", password="", starttls=False)
    whole, firm.app.email = firm.app.email, Killed(server, firm.time)
    with pytest.raises(KeyboardInterrupt):
        send_reminders(firm.app, firm.id)
    firm.app.email = whole
    firm.time.advance(minutes=11)
    send_reminders(firm.app, firm.id)
    assert _states(firm) == ["in_doubt", "sent"], "what may have left waits for a person, the other one leaves"
    assert firm.problems() == ["reminder_in_doubt"]


def test_a_changed_byte_or_a_missing_certificate_breaks_the_chain(firm: Firm) -> None:
    _planned(firm)
    send_reminders(firm.app, firm.id)
    first, second, _ = sorted(firm.rows(t.certificate), key=lambda row: row.sequence)
    with firm.app.store.write() as db:
        changed = second.body.replace("GBP", "GBQ", 1)
        assert changed != second.body
        db.execute(update(t.certificate).where(t.certificate.c.digest == second.digest).values(body=changed))
    assert verify_certificates(firm.app.store, firm.id).problem is not None
    with firm.app.store.write() as db:
        db.execute(update(t.certificate).where(t.certificate.c.digest == second.digest).values(body=second.body))
    assert verify_certificates(firm.app.store, firm.id).problem is None
    with firm.app.store.write() as db:
        db.execute(delete(t.certificate).where(t.certificate.c.digest == first.digest))
    assert verify_certificates(firm.app.store, firm.id).problem is not None


def _left_in_doubt(firm: Firm) -> list[str]:
    """The ids of two reminders that the mail server took without its answer being had."""
    _planned(firm)
    server = SmtpServer(host=firm.mailbox.host, port=firm.mailbox.port, username="", password="", starttls=False)
    whole, firm.app.email = firm.app.email, LostAnswer(server, firm.time)
    send_reminders(firm.app, firm.id)
    firm.app.email = whole
    return [row.id for row in firm.rows(t.reminder)]


def _answer(firm: Firm, reminder_id: str, *, was_sent: bool) -> None:
    settle_doubt(firm.app, organisation_id=firm.id, reminder_id=reminder_id, was_sent=was_sent, actor="Dana Fenwick")


def test_a_person_says_which_reminder_in_doubt_left(firm: Firm) -> None:
    sent, lost = _left_in_doubt(firm)
    before = {row.id: row.sent_at for row in firm.rows(t.reminder)}
    _answer(firm, sent, was_sent=True)
    _answer(firm, lost, was_sent=False)
    assert firm.problems() == []
    states = {row.id: (row.state, row.sent_at) for row in firm.rows(t.reminder)}
    assert states == {sent: ("sent", before[sent]), lost: ("failed", None)}
    said = {(row.action, row.actor) for row in firm.rows(t.event) if row.actor == "Dana Fenwick"}
    assert said == {("reminder_sent", "Dana Fenwick"), ("reminder_not_sent", "Dana Fenwick")}
    mailed = _mailed(firm)
    firm.time.advance(minutes=20)
    _planned(firm)
    send_reminders(firm.app, firm.id)
    again = {row.recipient for row in firm.rows(t.reminder, id=lost)}
    assert set(_mailed(firm)) - set(mailed) <= again and len(_mailed(firm)) == len(mailed) + 1, (
        "only that one, and once"
    )


def test_what_is_not_in_doubt_any_more_is_answered_once(firm: Firm) -> None:
    sent, lost = _left_in_doubt(firm)
    _answer(firm, sent, was_sent=True)
    for reminder_id in (sent, "rem_nobody"):
        with pytest.raises(RefusedError, match="no reminder in doubt"):
            _answer(firm, reminder_id, was_sent=False)
    with pytest.raises(RefusedError, match="no reminder in doubt"):
        settle_doubt(firm.app, organisation_id="org_other", reminder_id=lost, was_sent=False, actor="somebody else")
    assert sorted(_states(firm)) == ["in_doubt", "sent"]


def test_money_that_came_meanwhile_holds_what_did_not_leave(firm: Firm) -> None:
    reminders = _left_in_doubt(firm)
    firm.ledger.pay_by_hand("INV-2001", "300.00", on=TODAY)
    firm.settle()
    for reminder_id in reminders:
        _answer(firm, reminder_id, was_sent=False)
    mailed = len(_mailed(firm))
    firm.time.advance(minutes=20)
    _planned(firm)
    send_reminders(firm.app, firm.id)
    assert len(_mailed(firm)) == mailed + 1, "the customer who paid is not reminded again"


def test_a_message_leads_to_its_invoices_and_to_what_their_payer_wants_to_say(firm: Firm) -> None:
    _planned(firm)
    send_reminders(firm.app, firm.id)
    of_acme, of_bolt = (
        next(each for each in firm.mailbox.mails if each.recipients == (address,))
        for address in ("acme@example.com", "bolt@example.com")
    )
    for number in ("INV-1001", "INV-1002"):
        assert f"/pay/{firm.document(number).id}" in of_acme.text
    for there in ("", "#promise", "#ask", "#dispute"):
        assert f"/pay/{firm.document('INV-2001').id}{there}" in of_bolt.text


def test_the_next_message_stands_in_the_thread_of_the_last(firm: Firm) -> None:
    for _ in range(2):
        _planned(firm)
        send_reminders(firm.app, firm.id)
        firm.time.advance(days=14)
        firm.settle()
    first, second = (each.headers for each in firm.mailbox.mails if each.recipients == ("bolt@example.com",))
    assert "In-Reply-To" not in first
    assert second["In-Reply-To"] == first["Message-ID"] != second["Message-ID"]


def test_a_message_bears_the_colour_of_the_organisations_pages(firm: Firm) -> None:
    set_colour(firm.app, organisation_id=firm.id, colour="#123456", actor="dana")
    _planned(firm)
    send_reminders(firm.app, firm.id)
    assert all("#123456" in each.html for each in firm.mailbox.mails)
