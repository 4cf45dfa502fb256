"""By which carrier an organisation's messages go: channel by channel, where one is switched on and set up."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from connectors.channels import registry
from connectors.channels.contract import Carrier
from connectors.channels.email import MailCarrier, message_id_of
from connectors.errors import Reject
from reminders.evidence import Channel
from runtime.app import App
from runtime.store import tables as t

MAIL = "smtp"
_SWITCHED_ON = select(t.channel_switch.c.channel, t.channel_switch.c.carrier).where(
    t.channel_switch.c.organisation_id == bindparam("organisation_id"), t.channel_switch.c.switched_on.is_(True)
)


@dataclass(frozen=True, slots=True)
class Way:
    """A carrier with its name."""

    name: str
    carrier: Carrier


def carriers_of(app: App, db: Connection, organisation_id: str) -> dict[Channel, Way]:
    """Return the way of each channel by which this organisation can send now."""
    ways = (
        {Channel.EMAIL: Way(MAIL, MailCarrier(app.email, app.settings.mail_from, app.settings.reply_to))}
        if app.email
        else {}
    )
    for row in db.execute(_SWITCHED_ON, {"organisation_id": organisation_id}):
        carrier = app.carriers.get(row.carrier) if row.carrier in registry.CARRIERS else None
        if carrier is not None:
            ways[Channel(row.channel)] = Way(row.carrier, carrier)
    return ways


def message_id_for(app: App, key: str) -> str | None:
    """Return the Message-ID under which a mail leaves; None where our own address is none, so that no mail does."""
    try:
        return message_id_of(key, app.settings.mail_from)
    except Reject:
        return None


def way_by_name(app: App, name: str) -> Way | None:
    """Return the carrier of this name, whoever uses it; None where it is not set up (any more)."""
    carrier = app.carriers.get(name) if name in registry.CARRIERS else None
    return Way(name, carrier) if carrier is not None else None
