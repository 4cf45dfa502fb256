"""May this person be contacted on this channel, now? Each obstacle is a sentence with its end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from reminders.business_time import in_contact_window, is_holiday, next_contact_time
from reminders.evidence import Channel, ContactEvidence, LawfulBasis
from reminders.telephone import country_of

_ANY_BASIS = frozenset(LawfulBasis)
_CONTRACT_OR_CONSENT = frozenset({LawfulBasis.CONTRACT, LawfulBasis.EXPRESS_CONSENT})
_CONSENT_ONLY = frozenset({LawfulBasis.EXPRESS_CONSENT})
_ACCEPTED_BASES = {
    Channel.EMAIL: _ANY_BASIS,
    Channel.LETTER: _ANY_BASIS,
    Channel.CALL_TASK: _ANY_BASIS,
    Channel.SMS: _CONTRACT_OR_CONSENT,
    Channel.VOICE: _CONTRACT_OR_CONSENT,
    Channel.CHAT: _CONTRACT_OR_CONSENT,
    Channel.HAND_OVER: _ANY_BASIS,
}
# 47 CFR 64.1200: automated texts and calls to telephones in the United States need prior express consent.
_CONSENT_COUNTRIES = frozenset({"US"})
_CONSENT_CHANNELS = frozenset({Channel.SMS, Channel.VOICE})
_WEEK = timedelta(days=7)
_MESSAGES = {
    Channel.EMAIL: "e-mails",
    Channel.SMS: "texts",
    Channel.VOICE: "automatic calls",
    Channel.CHAT: "chat messages",
    Channel.LETTER: "letters",
    Channel.CALL_TASK: "calls",
}


@dataclass(frozen=True, slots=True)
class ContactLimits:
    """How often one person may hear from us, all channels, tools and customers that they answer for together."""

    weekly_cap: int = 2
    min_days_between: int = 3


DEFAULT_LIMITS = ContactLimits()


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why no message may go out; without `until` a person or the customer must change something."""

    reason: str
    until: datetime | None = None


def accepted_bases(channel: Channel, country: str | None) -> frozenset[LawfulBasis]:
    """The lawful bases that permit `channel` to a person in `country`; an unknown country counts as strict."""
    strict = country is None or country.upper() in _CONSENT_COUNTRIES
    if strict and channel in _CONSENT_CHANNELS:
        return _CONSENT_ONLY
    return _ACCEPTED_BASES[channel]


def basis_of_told(channel: Channel) -> LawfulBasis | None:
    """The basis to use an address that the ledger or the CRM tells of and nobody here looked at.

    It is the one that e-mail addresses from there have. That a telephone is known is no consent to texts.
    """
    return None if channel in _CONSENT_CHANNELS else LawfulBasis.CONTRACT


def messages_by(channel: Channel | None) -> str:
    """What comes by a channel, as people call it; None: whatever comes by any."""
    return "messages" if channel is None else _MESSAGES.get(channel, "messages")


def _accepted(contact: ContactEvidence) -> frozenset[LawfulBasis]:
    """The bases that permit this contact: where the customer is, and where the telephone is."""
    found = accepted_bases(contact.channel, contact.country)
    rings_in = country_of(contact.address or "") if contact.channel in _CONSENT_CHANNELS else None
    return found if rings_in is None else found & accepted_bases(contact.channel, rings_in)


def obstacles(*, contact: ContactEvidence, as_of: datetime, limits: ContactLimits) -> list[Obstacle]:
    """Return everything that forbids the contact at `as_of`, the lasting obstacles first.

    Handing a debt over writes to nobody: what keeps us from the customer does not keep us from that.
    """
    if contact.channel is Channel.HAND_OVER:
        return []
    return [*_lasting(contact), *_passing(contact, as_of, limits), *_out_of_hours(contact, as_of)]


def is_reachable(contact: ContactEvidence) -> bool:
    """Whether nothing lasting forbids this channel: its hours and limits may still ask for patience."""
    return contact.channel is Channel.HAND_OVER or not _lasting(contact)


def _lasting(contact: ContactEvidence) -> list[Obstacle]:
    channel = _spoken(contact.channel)
    found = []
    if not contact.switched_on:
        found.append(Obstacle(f"Contact by {channel} is not switched on."))
    if not contact.address:
        found.append(Obstacle(f"The customer has no address for {channel}."))
    if contact.lawful_basis not in _accepted(contact):
        held = "none is recorded" if contact.lawful_basis is None else f"{_spoken(contact.lawful_basis)} is not enough"
        found.append(Obstacle(f"There is no lawful basis for {channel} to this customer: {held}."))
    if contact.opted_out:
        nothing = ", and no other channel of this level is left" if contact.none_left else ""
        found.append(Obstacle(f"The customer asked for no more {messages_by(contact.channel)}{nothing}."))
    if contact.bounced:
        found.append(
            Obstacle(
                f"Nothing is sent to {contact.address}: it takes no mail, or its reader says that it is the wrong one."
            )
        )
    return found


def _passing(contact: ContactEvidence, as_of: datetime, limits: ContactLimits) -> list[Obstacle]:
    found = []
    pause = timedelta(days=limits.min_days_between)
    if contact.contacts_this_week >= limits.weekly_cap:
        found.append(_capped(contact, limits))
    if contact.last_contact_at is not None and as_of < contact.last_contact_at + pause:
        last = _day(contact, contact.last_contact_at)
        text = f"The customer was last contacted on {last}, less than {limits.min_days_between} days ago."
        found.append(Obstacle(text, contact.last_contact_at + pause))
    if contact.other_channel_running is not None:
        found.append(Obstacle(f"A contact by {_spoken(contact.other_channel_running)} is already under way."))
    sent_at = contact.ledger_reminder_sent_at
    if sent_at is not None and as_of < sent_at + pause:
        text = f"The ledger or the payment processor sent its own reminder on {_day(contact, sent_at)}."
        found.append(Obstacle(text, sent_at + pause))
    return found


def _capped(contact: ContactEvidence, limits: ContactLimits) -> Obstacle:
    last = max((at for at in (contact.last_contact_at, contact.last_elsewhere_at) if at is not None), default=None)
    free_from = None if last is None else last + _WEEK
    count, others = contact.contacts_this_week, contact.contacts_for_others
    theirs = f", {others} of them for another customer at the same address" if others else ""
    said = f"The customer was contacted {count} times in seven days{theirs}"
    if contact.contacts_elsewhere:
        said = f"The customer was already contacted {count} times this week, counting your other organisations"
    return Obstacle(f"{said}; the limit is {limits.weekly_cap}.", free_from)


def _out_of_hours(contact: ContactEvidence, as_of: datetime) -> list[Obstacle]:
    return [
        found
        for time_zone in (contact.time_zone, *contact.other_time_zones)
        if (found := _closed(contact.country, time_zone, as_of)) is not None
    ][:1]


def _closed(country: str | None, time_zone: str, as_of: datetime) -> Obstacle | None:
    if in_contact_window(as_of, time_zone=time_zone, country=country):
        return None
    local = as_of.astimezone(ZoneInfo(time_zone))
    opens = next_contact_time(as_of, time_zone=time_zone, country=country)
    cause = "a public holiday" if is_holiday(local.date(), country) else "outside its working days, 08:00 to 18:00"
    text = f"It is {local:%A %H:%M} for the payer, {cause}; the next contact time is {opens:%Y-%m-%d %H:%M}."
    return Obstacle(text, opens)


def _day(contact: ContactEvidence, at: datetime) -> str:
    return contact.local(at).date().isoformat()


def _spoken(name: Channel | LawfulBasis) -> str:
    return name.value.replace("_", " ")
