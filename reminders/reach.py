"""By which channel a customer is reached for a level of a policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from reminders.contact import is_reachable
from reminders.evidence import Channel, ContactEvidence, LawfulBasis
from reminders.policy import DunningLevel


def choose(step: DunningLevel | None, contact_by: Callable[[Channel], ContactEvidence]) -> ContactEvidence:
    """Return the contact of the first of the level's channels by which the customer can be reached.

    Where none of them can, the first one, so that its obstacles say why nothing leaves; without a level, by e-mail.
    """
    if step is None:
        return contact_by(Channel.EMAIL)
    contacts = [contact_by(channel) for channel in step.channels]
    first = contacts[0]
    none_left = replace(first, none_left=first.opted_out)
    return next((contact for contact in contacts if is_reachable(contact)), none_left)


def as_reached(contact: ContactEvidence, step: DunningLevel | None) -> ContactEvidence:
    """Return the contact of a past day: by which channels a customer could be reached then is not known any more, so
    the level's own counts as open wherever it is not e-mail.
    """
    if step is None or step.channel is contact.channel:
        return contact
    address = contact.address or contact.recipient_name
    return replace(contact, channel=step.channel, address=address, lawful_basis=LawfulBasis.EXPRESS_CONSENT)
