"""Telephones and postal addresses of the ledger and the CRM: used where nobody noted others, never as a consent."""

from __future__ import annotations

import pytest

from receivables.address import PostalAddress
from reminders.evidence import Channel, LawfulBasis
from runtime.operations.reaching.bad_addresses import bad_addresses
from runtime.operations.reaching.contact_book import Point, contact_point
from runtime.operations.reaching.contact_points import forget_contact, note_contact
from runtime.operations.reaching.deliveries import note_unreachable
from runtime.operations.views.contacts import customer_contacts
from runtime.store import connections
from runtime.store import tables as t
from tests.operations.firm import Firm

MOBILE, OFFICE = "07400 123456", "020 7946 0958"


def id_of(firm: Firm, name: str = "Acme") -> str:
    (row,) = firm.rows(t.customer, name=name)
    return str(row.id)


def point(firm: Firm, channel: Channel) -> Point | None:
    with firm.app.store.read() as db:
        return contact_point(db, firm.id, id_of(firm), channel)


def address(firm: Firm, channel: Channel) -> str | None:
    found = point(firm, channel)
    return None if found is None else found.spoken("GB")


def read(firm: Firm) -> None:
    firm.time.advance(minutes=5)
    firm.poll()


def note(firm: Firm, channel: Channel, text: str) -> None:
    note_contact(
        firm.app,
        organisation_id=firm.id,
        customer_id=id_of(firm),
        channel=channel,
        address=text,
        basis=LawfulBasis.CONTRACT,
        evidence="",
        actor="Dana Fenwick",
    )


def test_what_the_ledger_tells_is_used_and_a_number_is_no_consent(any_firm: Firm) -> None:
    firm = any_firm
    firm.ledger.edit_ways(firm.customers["Acme"], mobile=MOBILE, telephone=OFFICE, street="7 Mill Lane")
    read(firm)
    text, call, letter = (point(firm, each) for each in (Channel.SMS, Channel.CALL_TASK, Channel.LETTER))
    assert text and call and letter
    assert (text.address, text.basis) == ("+447400123456", None)
    assert (call.address, call.basis) == ("+442079460958", LawfulBasis.CONTRACT)
    assert letter.postal == PostalAddress("Acme", "7 Mill Lane", "Leeds", "LS1 1AA", "GB")
    assert {each.told_by for each in (text, call, letter)} == {firm.ledger.system}
    firm.ledger.edit_ways(firm.customers["Acme"], mobile=MOBILE)
    read(firm)
    assert address(firm, Channel.LETTER) is None
    assert address(firm, Channel.CALL_TASK) == "+447400123456", "whoever has a mobile can be called there"


def test_what_a_person_notes_counts_until_it_is_forgotten(firm: Firm) -> None:
    firm.ledger.edit_ways(firm.customers["Acme"], mobile=MOBILE)
    note(firm, Channel.SMS, "07400 999999")
    read(firm)
    assert address(firm, Channel.SMS) == "+447400999999"
    forget_contact(firm.app, organisation_id=firm.id, customer_id=id_of(firm), channel=Channel.SMS, actor="Dana")
    assert address(firm, Channel.SMS) == "+447400123456"


def test_the_ledger_goes_before_the_crm_and_each_may_change_its_word(firm: Firm) -> None:
    contact = firm.contacts["Acme"]
    town = {"MailingCity": "York", "MailingPostalCode": "YO1 7HH"}
    firm.crm.update("Contact", contact, MobilePhone=MOBILE, MailingStreet="Unit 2\n9 Shambles", **town)
    read(firm)
    assert address(firm, Channel.SMS) == "+447400123456"
    assert address(firm, Channel.LETTER) == "Acme, Unit 2, 9 Shambles, York YO1 7HH"
    firm.ledger.edit_ways(firm.customers["Acme"], mobile="07400 777777")
    read(firm)
    assert address(firm, Channel.SMS) == "+447400777777"
    firm.ledger.edit_ways(firm.customers["Acme"], mobile="extension 12")
    read(firm)
    assert address(firm, Channel.SMS) == "+447400123456", "what cannot be used does not stand in the way"
    firm.crm.delete("Contact", contact)
    read(firm)
    assert address(firm, Channel.SMS) is None
    assert address(firm, Channel.LETTER) is None


@pytest.mark.parametrize(
    ("ways", "channel", "why"),
    [
        ({"mobile": OFFICE}, Channel.SMS, "no mobile number"),
        ({"telephone": "ask for Ana"}, Channel.CALL_TASK, "no telephone number"),
    ],
)
def test_what_cannot_be_used_is_shown_with_the_reason(
    firm: Firm, ways: dict[str, str], channel: Channel, why: str
) -> None:
    firm.ledger.edit_ways(firm.customers["Acme"], **ways)
    read(firm)
    with firm.app.store.read() as db:
        organisation = connections.organisation(db, firm.id)
        assert organisation is not None
        view = customer_contacts(db, organisation, id_of(firm))
    assert view is not None
    assert view.contacts[channel].point is None
    (told,) = view.contacts[channel].told
    assert (told.title, told.written) == ("Xero", next(iter(ways.values())))
    assert why in told.why


def test_an_address_at_which_nothing_arrives_is_asked_for_until_the_ledger_has_another(firm: Firm) -> None:
    firm.ledger.edit_ways(firm.customers["Acme"], street="7 Mill Lane")
    read(firm)
    spoken = address(firm, Channel.LETTER) or ""
    with firm.app.store.write() as db:
        about = {"channel": Channel.LETTER, "why": "moved", "at": firm.app.clock()}
        note_unreachable(db, firm.id, id_of(firm), spoken="somewhere else", **about)  # type: ignore[arg-type]
        assert bad_addresses(db, firm.id) == {}
        note_unreachable(db, firm.id, id_of(firm), spoken=spoken, **about)  # type: ignore[arg-type]
        assert list(bad_addresses(db, firm.id).values()) == ["moved"]
    assert firm.problems() == ["contact_needed"]
    firm.ledger.edit_ways(firm.customers["Acme"], street="8 Mill Lane")
    read(firm)
    assert firm.problems() == []


def test_a_corrected_e_mail_address_ends_the_question(any_firm: Firm) -> None:
    firm = any_firm
    with firm.app.store.write() as db:
        about = {"channel": Channel.EMAIL, "spoken": "acme@example.com", "why": "no such user", "at": firm.app.clock()}
        note_unreachable(db, firm.id, id_of(firm), **about)  # type: ignore[arg-type]
    assert firm.problems() == ["contact_needed"]
    firm.ledger.edit_email(firm.customers["Acme"], "new@example.com")
    read(firm)
    assert firm.problems() == []
