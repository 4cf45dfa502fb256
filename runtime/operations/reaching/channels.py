"""Channels of an organisation: switched on and off, each with the carrier that takes its messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from connectors.channels import registry
from connectors.channels.contract import CarrierDeclaration
from reminders.evidence import Channel
from runtime.app import App
from runtime.operations.errors import InputError
from runtime.operations.organisations import OWNER
from runtime.operations.reaching.letterhead import DETAILS, read_letterhead
from runtime.store import connections, journal
from runtime.store import tables as t
from runtime.store.rows import upsert
from runtime.store.weighing import weigh_everybody_again


@dataclass(frozen=True, slots=True)
class Offer:
    """A carrier that a channel may use; `missing` are the settings without which it cannot."""

    name: str
    title: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChannelSetup:
    """How a channel stands; `details` is what the organisation said for it."""

    channel: Channel
    switched_on: bool
    carrier: str
    offers: tuple[Offer, ...]
    details: Mapping[str, str] = field(default_factory=dict)

    @property
    def can_send(self) -> bool:
        """Whether messages leave by it."""
        return self.switched_on and any(each.name == self.carrier and not each.missing for each in self.offers)


SWITCHED = (Channel.SMS, Channel.LETTER)  # every channel that a carrier serves; e-mail has the switch of sending itself


def channel_setups(app: App, db: Connection, organisation_id: str) -> list[ChannelSetup]:
    """Return how each channel stands that an organisation can switch on."""
    rows = {row.channel: row for row in db.execute(_switches(organisation_id))}
    found = []
    for channel in SWITCHED:
        row = rows.get(channel.value)
        offers = tuple(
            Offer(each.name, each.title, app.carriers.missing(each)) for each in registry.carriers_of(channel.value)
        )
        found.append(
            ChannelSetup(
                channel=channel,
                switched_on=row.switched_on if row else False,
                carrier=row.carrier if row else offers[0].name,
                offers=offers,
                details=dict(row.details) if row else {},
            )
        )
    return found


def switch_channel(
    app: App,
    *,
    organisation_id: str,
    channel: Channel,
    on: bool,
    carrier: str = "",
    details: Mapping[str, str] | None = None,
    actor: str = OWNER,
) -> None:
    """Switch a channel on or off. InputError for one that no carrier serves, or a carrier that is not set up."""
    offers = registry.carriers_of(channel.value)
    if channel not in SWITCHED or not offers:
        raise InputError(f"{channel} cannot be switched")
    chosen = next((each for each in offers if each.name == (carrier or offers[0].name)), None)
    if chosen is None:
        raise InputError(f"{carrier!r} is not one of {', '.join(each.name for each in offers)}")
    missing = app.carriers.missing(chosen)
    if on and missing:
        raise InputError(f"{chosen.title} is not set up: set {' and '.join(missing)}")
    said = _checked(channel, details, chosen)
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        known = db.execute(_switches(organisation_id).where(t.channel_switch.c.channel == channel.value)).first()
        kept = dict(known.details) if known else {}
        if on and channel is Channel.LETTER and not (said or kept):
            raise InputError("letters need to say who sends them: give the address")
        row: dict[str, Any] = {
            "organisation_id": organisation_id,
            "channel": channel.value,
            "carrier": chosen.name,
            "switched_on": on,
            "details": said or kept,
            "changed_at": now,
            "changed_by": actor,
        }
        upsert(db, t.channel_switch, [row], keys=["organisation_id", "channel"])
        weigh_everybody_again(db, organisation_id)
        journal.record(
            db,
            organisation_id=organisation_id,
            at=now,
            actor=actor,
            action="channel_switched",
            subject=organisation_id,
            detail=f"{channel} {'on' if on else 'off'}, by {chosen.title}",
        )
    app.wake()


def _checked(channel: Channel, details: Mapping[str, str] | None, carrier: CarrierDeclaration) -> dict[str, str]:
    """Return the details as they are kept, empty where none are given; InputError where they cannot be."""
    given = {name: value.strip() for name, value in (details or {}).items() if value.strip()}
    unknown = sorted(given.keys() - DETAILS)
    if unknown or (given and channel is not Channel.LETTER):
        raise InputError(f"{channel} has no detail {(unknown or sorted(given))[0]!r}")
    if given:
        read_letterhead(given, carrier)
    return given


def _switches(organisation_id: str) -> Any:  # noqa: ANN401 - a select of rows
    return select(t.channel_switch).where(t.channel_switch.c.organisation_id == organisation_id)
