"""A statement leaves once a month and states only what is certain; an instalment is told of once."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from connectors.channels.email import Delivery, EmailChannel, SmtpServer
from receivables.money import Money
from reminders.evidence import Channel
from runtime.operations.plans.agree_plan import agree_plan
from runtime.operations.plans.announce_instalments import announce_instalments
from runtime.operations.reaching.opt_out import opt_out
from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.reminding.send_statements import send_statements, switch_statements
from runtime.store import tables as t
from tests.operations.faults import unavailable
from tests.operations.firm import TODAY, Firm

SUBJECT = "Your statement of account, 10 Mar 2026"
FIRST = TODAY + timedelta(days=6)


class Killed(EmailChannel):
    """A sender that ends while the mail server has the message."""

    def send(self, **_message: Any) -> Delivery:  # noqa: ANN401 - what the channel takes
        raise KeyboardInterrupt


@pytest.fixture
def stating(firm: Firm) -> Firm:
    """Sending and monthly statements are on; it is the tenth of the month."""
    firm.switch_sending()
    switch_statements(firm.app, organisation_id=firm.id, on=True, actor="dana")
    return firm


def _got(firm: Firm) -> list[str]:
    return sorted(recipient for mail in firm.mailbox.mails for recipient in mail.recipients)


def _customer(firm: Firm, name: str) -> str:
    return str(next(row.id for row in firm.rows(t.customer) if row.name == name))


def test_each_customer_gets_one_a_month_with_what_is_open(stating: Firm) -> None:
    calls = sum(stating.ledger.standin.calls.values())
    assert send_statements(stating.app, stating.id) == {"sent": 2}
    assert sum(stating.ledger.standin.calls.values()) - calls == 1, "read again in one call"
    assert _got(stating) == ["acme@example.com", "bolt@example.com"]
    (mail,) = [each for each in stating.mailbox.mails if "acme@example.com" in each.recipients]
    assert mail.subject == SUBJECT
    for words in ("2 invoices are open, £195.50 in all", "INV-1001", "INV-1002", "/statement.pdf", "/unsubscribe"):
        assert words in mail.text
    stating.time.advance(hours=2)
    assert send_statements(stating.app, stating.id) == {}
    stating.time.advance(days=22)
    assert send_statements(stating.app, stating.id) == {"sent": 2}, "the first of April"


def test_nothing_leaves_where_it_is_off_at_night_or_late_in_the_month(stating: Firm) -> None:
    switch_statements(stating.app, organisation_id=stating.id, on=False, actor="dana")
    assert send_statements(stating.app, stating.id) == {}
    switch_statements(stating.app, organisation_id=stating.id, on=True, actor="dana")
    stating.time.advance(hours=10)
    assert send_statements(stating.app, stating.id) == {}, "eight in the evening"
    stating.time.advance(hours=14)
    assert send_statements(stating.app, stating.id) == {}, "the eleventh"
    assert (_got(stating), stating.rows(t.courtesy)) == ([], [])


def test_what_is_in_doubt_is_not_stated_and_what_was_paid_is_seen_first(stating: Firm) -> None:
    stating.edit_in_crm("INV-1002", Disputed__c=True, Dispute_Reason__c="wrong price")
    stating.settle()
    stating.ledger.pay_by_hand("INV-2001", "100.00", on=TODAY)  # nobody has told us
    assert send_statements(stating.app, stating.id) == {"sent": 1}
    (mail,) = stating.mailbox.mails
    assert mail.recipients == ("bolt@example.com",)
    assert "£200.00 in all" in mail.text


def test_without_the_ledger_none_leaves(stating: Firm) -> None:
    stating.ledger.standin.interceptor = unavailable
    assert send_statements(stating.app, stating.id) == {}
    assert stating.rows(t.courtesy) == []


def test_who_wants_no_messages_is_left_out_and_it_counts_as_a_contact(stating: Firm) -> None:
    bolt = _customer(stating, "Bolt")
    opt_out(stating.app, organisation_id=stating.id, customer_id=bolt, channel=Channel.EMAIL, actor="customer")
    assert send_statements(stating.app, stating.id) == {"sent": 1, "left_out": 1}
    assert _got(stating) == ["acme@example.com"]
    stating.time.advance(hours=1)
    plan_reminders(stating.app, stating.id)
    assert stating.rows(t.reminder, state="planned") == [], "Acme was written to an hour ago"


def test_what_may_have_left_never_leaves_again(stating: Firm) -> None:
    server = SmtpServer(host=stating.mailbox.host, port=stating.mailbox.port, username="", password="", starttls=False)
    whole, stating.app.email = stating.app.email, Killed(server, stating.time)
    with pytest.raises(KeyboardInterrupt):
        send_statements(stating.app, stating.id)
    stating.app.email = whole
    assert send_statements(stating.app, stating.id) == {"sent": 1}
    assert sorted(row.state for row in stating.rows(t.courtesy)) == ["handing", "sent"]
    assert len(_got(stating)) == 1


def _agree(firm: Firm) -> None:
    """Sending is on, and Acme pays 195.50 in two instalments, the first in six days."""
    firm.switch_sending()
    agree_plan(
        firm.app,
        organisation_id=firm.id,
        customer_id=_customer(firm, "Acme"),
        debt=Money(19_550, "GBP"),
        count=2,
        first_on=FIRST,
        consent="I agree.",
        actor="customer",
    )


def test_an_instalment_is_told_of_once_some_days_before(firm: Firm) -> None:
    _agree(firm)
    assert announce_instalments(firm.app, firm.id) == {}, "six days before"
    firm.time.advance(days=3)
    firm.settle()
    assert announce_instalments(firm.app, firm.id) == {"sent": 1}
    (mail,) = firm.mailbox.mails
    assert (mail.recipients, mail.subject) == (
        ("acme@example.com",),
        "Your next instalment of £97.75 is due on 16 Mar 2026",
    )
    assert "£195.50 of what we agreed are still to be paid" in mail.text
    assert announce_instalments(firm.app, firm.id) == {}
    firm.ledger.pay_by_hand("INV-1001", "97.75", on=date(2026, 3, 14))
    firm.time.advance(days=28)
    firm.ledger.pay_by_hand("INV-1001", "22.25", on=date(2026, 4, 9))
    firm.ledger.pay_by_hand("INV-1002", "75.50", on=date(2026, 4, 9))
    firm.time.advance(days=3)
    assert announce_instalments(firm.app, firm.id)["sent"] == 0, "it is paid, and the ledger is read first"
    assert len(firm.mailbox.mails) == 1


def test_of_an_instalment_that_is_paid_in_part_the_rest_is_asked_for(firm: Firm) -> None:
    _agree(firm)
    firm.ledger.pay_by_hand("INV-1001", "40.00", on=TODAY)
    firm.time.advance(days=3)
    firm.settle()
    assert announce_instalments(firm.app, firm.id) == {"sent": 1}
    (mail,) = firm.mailbox.mails
    assert "Your next instalment of £97.75 is due on 16 Mar 2026. Of it, £57.75 are still to be paid." in mail.text
    assert "With it, £155.50 of what we agreed are still to be paid" in mail.text
    assert "Total to pay: £57.75" in " ".join(mail.text.split()), mail.text
