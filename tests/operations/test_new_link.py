"""A payer whose link has expired is sent a new one: to the address that is known, once a day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import update

from connectors.errors import Retry
from reminders.evidence import Channel
from runtime.operations.organisations import switch_sending
from runtime.operations.payers import new_link
from runtime.operations.payers.end_links import end_links
from runtime.operations.payers.new_link import send_new_link
from runtime.operations.payers.replies.take_mail import read_stored_mails, store_mail
from runtime.operations.reaching.bad_addresses import note_bad
from runtime.operations.reaching.contact_language import choose_language
from runtime.operations.reaching.opt_out import opt_out
from runtime.operations.reminding.plan import plan_reminders
from runtime.portal_links import LIFETIME_DAYS, Opened
from runtime.signed_tokens import LinkError
from runtime.store import tables as t
from sandbox.capture import CapturedMail
from tests.operations.autopay import acme
from tests.operations.firm import Firm
from tests.operations.test_mail import bounce


@pytest.fixture
def sending(firm: Firm) -> Firm:
    firm.switch_sending()
    return firm


def _opened(firm: Firm) -> Opened:
    """What a link says that expired a day ago."""
    return Opened(firm.id, acme(firm), firm.time() - timedelta(days=LIFETIME_DAYS + 1))


def _ask(firm: Firm) -> list[CapturedMail]:
    """Ask for a new link; the mails that have left by now."""
    send_new_link(firm.app, _opened(firm), actor="customer")
    return list(firm.mailbox.mails)


def _actions(firm: Firm) -> list[tuple[str, str, str]]:
    return [(row.action, row.actor, row.detail) for row in firm.rows(t.event) if row.action.startswith("new_link")]


def test_a_new_link_goes_to_the_known_address_and_opens_their_page(sending: Firm) -> None:
    sending.time.advance(hours=11)  # at night: they wait for it
    (mail,) = _ask(sending)
    assert mail.recipients == ("acme@example.com",)
    assert mail.subject == "Your new link to your account with Firm"
    assert mail.headers["From"].startswith("Firm <")
    assert f"for {LIFETIME_DAYS} days" in mail.text
    assert "To pay" not in mail.html, "it lists nothing"
    address = next(word for word in mail.text.split() if "/p/" in word)
    links = sending.app.portal_links()
    assert links.read(address.rsplit("/p/", 1)[1])[:2] == (sending.id, acme(sending))
    assert [each[:2] for each in _actions(sending)] == [("new_link_sent", "customer")]


def test_one_leaves_a_day(sending: Firm) -> None:
    assert len(_ask(sending)) == 1
    assert len(_ask(sending)) == 1
    sending.time.advance(days=1)
    assert len(_ask(sending)) == 2


def test_it_is_in_the_language_that_they_chose(sending: Firm) -> None:
    choose_language(sending.app, organisation_id=sending.id, customer_id=acme(sending), language="de", actor="customer")
    assert _ask(sending)[0].subject == "Ihr neuer Link zu Ihrem Konto bei Firm"


def test_it_keeps_no_reminder_back(sending: Firm) -> None:
    _ask(sending)
    plan_reminders(sending.app, sending.id)
    assert acme(sending) in {row.customer_id for row in sending.rows(t.reminder, state="planned")}


def _no_sending(firm: Firm) -> None:
    switch_sending(firm.app, organisation_id=firm.id, on=False, actor="owner")


def _no_server(firm: Firm) -> None:
    firm.app.email = None


def _wants_none(firm: Firm) -> None:
    opt_out(firm.app, organisation_id=firm.id, customer_id=acme(firm), channel=Channel.EMAIL, actor="customer")


def _bounced(firm: Firm) -> None:
    with firm.app.store.write() as db:
        note_bad(db, firm.id, channel=Channel.EMAIL, address="acme@example.com", why="550", at=firm.time())


def _no_address(firm: Firm) -> None:
    with firm.app.store.write() as db:
        db.execute(update(t.customer).where(t.customer.c.id == acme(firm)).values(email=None))


@pytest.mark.parametrize(
    ("prepare", "why"),
    [
        (_no_sending, ""),
        (_no_server, ""),
        (_wants_none, "they want no e-mails"),
        (_bounced, "nothing arrives at the address that is known"),
        (_no_address, "no e-mail address of theirs is known"),
    ],
)
def test_nothing_is_sent_where_nothing_may_be_and_the_history_says_why_once(
    sending: Firm, prepare: Callable[[Firm], None], why: str
) -> None:
    prepare(sending)
    assert _ask(sending) == _ask(sending) == []
    assert [(action, detail.rpartition(": ")[2]) for action, _, detail in _actions(sending)] == (
        [("new_link_left_out", why)] if why else []
    )


def test_whose_links_a_person_ended_is_sent_none(sending: Firm) -> None:
    opened = _opened(sending)
    end_links(sending.app, organisation_id=sending.id, customer_id=acme(sending), actor="dana")
    with pytest.raises(LinkError):
        send_new_link(sending.app, opened, actor="customer")
    assert not sending.mailbox.mails


def test_a_customer_of_another_organisation_is_sent_none(sending: Firm) -> None:
    with pytest.raises(LinkError):
        send_new_link(sending.app, _opened(sending)._replace(organisation_id="org-other"), actor="customer")
    with pytest.raises(LinkError):
        send_new_link(sending.app, _opened(sending)._replace(customer_id="nobody"), actor="customer")


def test_an_address_of_many_customers_is_sent_few_a_day(sending: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_link, "MAX_AN_ADDRESS", 1)
    with sending.app.store.write() as db:
        db.execute(update(t.customer).values(email="ACME@example.com"))
    _ask(sending)
    bolt = next(row.id for row in sending.rows(t.customer) if row.id != acme(sending))
    send_new_link(sending.app, _opened(sending)._replace(customer_id=bolt), actor="customer")
    assert len(sending.mailbox.mails) == 1
    sending.time.advance(days=1, minutes=1)
    send_new_link(sending.app, _opened(sending)._replace(customer_id=bolt), actor="customer")
    assert len(sending.mailbox.mails) == 2


def test_an_answer_of_the_mail_server_that_is_lost_sends_no_second_one(
    sending: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object, **__: object) -> None:
        raise Retry("the answer was lost", ambiguous=True)

    assert sending.app.email is not None
    with monkeypatch.context() as patched:
        patched.setattr(type(sending.app.email), "send", lost)
        _ask(sending)
    assert [each[0] for each in _actions(sending)] == ["new_link_in_doubt"]
    assert _ask(sending) == []


def test_one_that_comes_back_marks_the_address(sending: Firm) -> None:
    (mail,) = _ask(sending)
    raw = bounce(recipient=mail.recipients[0], message_id=mail.headers["Message-ID"])
    assert store_mail(sending.app, raw, source="test")
    read_stored_mails(sending.app)
    assert [row.address for row in sending.rows(t.bad_address)] == ["acme@example.com"]
    assert "new_link_undelivered" in [each[0] for each in _actions(sending)]
