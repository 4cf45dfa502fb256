"""By which channel a customer is reached, and what keeps a channel from being used."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reminders.contact import DEFAULT_LIMITS, is_reachable, obstacles
from reminders.evidence import Channel, ContactEvidence, LawfulBasis
from reminders.policy import DunningLevel, Tone
from reminders.policy_file import PolicyFileError, read_policies, write_policies
from reminders.reach import as_reached, choose
from tests.reminders.facts import NOW, contact

TEXT_OR_MAIL = DunningLevel(1, 1, Tone.FRIENDLY, Channel.SMS, Channel.EMAIL)


def _by(**texted: object) -> ContactEvidence:
    facts: dict[str, object] = {"channel": Channel.SMS, "address": "+4915112345678", "country": "DE"}
    return contact(**(facts | texted))


@pytest.mark.parametrize(
    ("texted", "channel"),
    [
        ({}, Channel.SMS),
        ({"address": None}, Channel.EMAIL),
        ({"lawful_basis": None}, Channel.EMAIL),
        ({"opted_out": True}, Channel.EMAIL),
        ({"bounced": True}, Channel.EMAIL),
        ({"switched_on": False}, Channel.EMAIL),
        ({"address": "+14155552671"}, Channel.EMAIL),
        ({"contacts_this_week": 9}, Channel.SMS),
    ],
)
def test_what_lasts_makes_the_other_channel_serve_and_what_passes_does_not(
    texted: dict[str, object], channel: Channel
) -> None:
    contacts = {Channel.SMS: _by(**texted), Channel.EMAIL: contact()}
    assert choose(TEXT_OR_MAIL, contacts.__getitem__).channel is channel


def test_where_no_channel_serves_the_first_one_says_why() -> None:
    contacts = {Channel.SMS: _by(switched_on=False), Channel.EMAIL: contact(address=None)}
    chosen = choose(TEXT_OR_MAIL, contacts.__getitem__)
    assert chosen.channel is Channel.SMS
    (found,) = obstacles(contact=chosen, as_of=NOW, limits=DEFAULT_LIMITS)
    assert found.reason == "Contact by sms is not switched on."
    assert choose(None, contacts.__getitem__).channel is Channel.EMAIL


def test_a_telephone_that_may_ring_elsewhere_is_left_in_peace_there_too() -> None:
    home = contact(channel=Channel.SMS, address="+12125550100", lawful_basis=LawfulBasis.EXPRESS_CONSENT)
    away = contact(
        channel=Channel.SMS,
        address="+12125550100",
        lawful_basis=LawfulBasis.EXPRESS_CONSENT,
        other_time_zones=("America/New_York",),
    )
    assert obstacles(contact=home, as_of=NOW, limits=DEFAULT_LIMITS) == []
    (found,) = obstacles(contact=away, as_of=NOW, limits=DEFAULT_LIMITS)
    assert "05:00" in found.reason
    assert obstacles(contact=away, as_of=NOW + timedelta(hours=5), limits=DEFAULT_LIMITS) == []


def test_handing_over_asks_for_no_contact() -> None:
    over = contact(channel=Channel.HAND_OVER, opted_out=True, bounced=True, lawful_basis=None)
    assert is_reachable(over)
    assert obstacles(contact=over, as_of=NOW, limits=DEFAULT_LIMITS) == []


def test_past_days_are_played_by_the_levels_own_channel() -> None:
    assert as_reached(contact(), TEXT_OR_MAIL).channel is Channel.SMS
    assert as_reached(contact(), None) == contact()


def test_a_file_names_channel_and_otherwise_and_reads_back() -> None:
    text = "policies:\n- name: a\n  levels:\n  - {days_after_due: 1, tone: firm, channel: sms, otherwise: letter}\n"
    book = read_policies(text)
    assert book.default.levels == (DunningLevel(1, 1, Tone.FIRM, Channel.SMS, Channel.LETTER),)
    assert read_policies(write_policies(book)) == book
    with pytest.raises(PolicyFileError, match="'otherwise' names another way"):
        read_policies(text.replace("letter", "sms"))
