"""How customers can be reached beside their e-mail address: contact points, switches, stops, what is under way."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, select

from reminders.evidence import Channel, ContactEvidence
from reminders.telephone import zones_of
from runtime.operations.reaching.bad_addresses import Bad, bad_addresses, normal
from runtime.operations.reaching.contact_book import Point, Points, contact_points
from runtime.operations.reaching.contacted import Contacts, contacts
from runtime.operations.reaching.opt_outs import OptOuts, is_stopped, opt_outs, parents_who_opted_out
from runtime.operations.reminding.withdraw import HANDING, IN_DOUBT
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.rows import beside_an_index

# A message that may have left keeps other channels quiet for as long as it counts for the weekly cap.
UNDER_WAY_FOR = timedelta(days=7)
_TELEPHONES = (Channel.SMS, Channel.CALL_TASK)
_switch, _stop, _reminder = t.channel_switch.c, t.stopped_number.c, t.reminder.c
_ORGANISATION = bindparam("organisation_id", type_=_reminder.organisation_id.type)
_SWITCHED_ON = select(_switch.channel).where(_switch.organisation_id == _ORGANISATION, _switch.switched_on.is_(True))
_STOPPED = select(_stop.number).where(_stop.organisation_id == _ORGANISATION, _stop.ended_at.is_(None))
# Few are under way, many were sent in the last days.
_UNDER_WAY = (
    select(_reminder.customer_id, _reminder.channel, _reminder.recipient)
    .where(
        _reminder.organisation_id == _ORGANISATION,
        _reminder.state.in_((HANDING, IN_DOUBT)),
        beside_an_index(_reminder.sent_at) > bindparam("since"),
    )
    .order_by(beside_an_index(_reminder.sent_at))
)


@dataclass(frozen=True, slots=True)
class Reach:
    """What is known of many customers at once. `under_way` is the channel by which each, or an address, is just being
    written to.
    """

    home: str
    points: Points
    opt_outs: OptOuts
    parents: Mapping[str, str]  # of customers whose parents opted out of something
    bad: Bad
    switched_on: frozenset[str]
    stopped: frozenset[str]
    under_way: Mapping[str, Channel]
    contacts: Contacts
    known: dict[tuple[str, Channel], ContactEvidence] = field(default_factory=dict)

    def contact(self, mail: ContactEvidence, channel: Channel) -> ContactEvidence:
        """Return who would be reached by `channel`; `mail` is the same customer's e-mail contact."""
        key = (mail.recipient_id, channel)
        if key not in self.known:  # it is asked for each invoice
            self.known[key] = self._contact(mail, channel)
        return self.known[key]

    def _contact(self, mail: ContactEvidence, channel: Channel) -> ContactEvidence:
        contact = mail if channel is Channel.EMAIL else self._by_point(mail, channel)
        running = self.under_way.get(mail.recipient_id) or self.under_way.get(normal(contact.address or ""))
        lately = self.contacts.of(mail.recipient_id, contact.address)
        elsewhere = self.contacts.of_others(contact.address)
        return replace(
            contact,
            other_channel_running=running if running is not channel else None,
            contacts_this_week=len(lately) + len(elsewhere),
            contacts_elsewhere=len(elsewhere),
            last_elsewhere_at=max(elsewhere, default=None),
            contacts_for_others=sum(each.customer_id != mail.recipient_id for each in lately),
            last_contact_at=lately[-1].at if lately else None,
        )

    def _by_point(self, mail: ContactEvidence, channel: Channel) -> ContactEvidence:
        if channel is Channel.HAND_OVER:
            return replace(mail, channel=channel, address=mail.recipient_name or mail.recipient_id, bounced=False)
        point = self._point(mail.recipient_id, channel)
        address = None if point is None else point.spoken(self.home)
        return replace(
            mail,
            channel=channel,
            address=address,
            # What is wrong with an e-mail address says nothing of a telephone.
            bounced=point is not None and (channel, point.address) in self.bad,
            lawful_basis=None if point is None else point.basis,
            opted_out=self._is_stopped(mail.recipient_id, channel, point)
            or (channel is Channel.SMS and address in self.stopped),
            switched_on=channel.is_task or channel.value in self.switched_on,
            other_time_zones=zones_of(address, besides=mail.time_zone) if address and channel in _TELEPHONES else (),
        )

    def _is_stopped(self, customer_id: str, channel: Channel, point: Point | None) -> bool:
        """Whether nothing is wanted by `channel`: by the customer, or by the parent where theirs is the address."""
        parent_id = self.parents.get(customer_id, "")
        theirs = self._point(parent_id, channel)
        is_parents = point is not None and theirs is not None and point.address == theirs.address
        readers = [customer_id, *([parent_id] if is_parents else [])]
        return any(is_stopped(self.opt_outs, each, channel) for each in readers)

    def _point(self, customer_id: str, channel: Channel) -> Point | None:
        found = self.points.get((customer_id, channel))
        if found is None and channel is Channel.CALL_TASK:
            return self.points.get((customer_id, Channel.SMS))  # whoever reads texts there can be called there
        return found


def reach(
    db: Connection,
    organisation: Organisation,
    *,
    mails: Collection[ContactEvidence],
    now: datetime,
    is_counted: bool = True,
) -> Reach:
    """Return how the customers of these e-mail contacts can be reached at `now`, and what they heard from us lately.

    Unless that `is_counted`, only what lasts is known: no message may be sent on it.
    """
    customer_ids = {each.recipient_id for each in mails}
    parents = parents_who_opted_out(db, organisation.id, customer_ids)
    known = {*customer_ids, *parents.values()}
    points = contact_points(db, organisation.id, known)
    addresses = {each.address for each in mails if each.address}
    addresses |= {each.spoken(organisation.country) for each in points.values()}
    lately = (
        contacts(db, organisation, customer_ids=customer_ids, addresses=addresses, now=now)
        if is_counted
        else Contacts({}, {}, {})
    )
    return Reach(
        home=organisation.country,
        points=points,
        opt_outs=opt_outs(db, organisation.id, known),
        parents=parents,
        bad=bad_addresses(db, organisation.id),
        switched_on=frozenset(db.scalars(_SWITCHED_ON, {"organisation_id": organisation.id})),
        stopped=frozenset(db.scalars(_STOPPED, {"organisation_id": organisation.id})),
        under_way=_under_way(db, organisation.id, now),
        contacts=lately,
    )


def _under_way(db: Connection, organisation_id: str, now: datetime) -> dict[str, Channel]:
    rows = db.execute(_UNDER_WAY, {"organisation_id": organisation_id, "since": now - UNDER_WAY_FOR})
    found: dict[str, Channel] = {}
    for row in rows:
        found |= dict.fromkeys((row.customer_id, normal(row.recipient)), Channel(row.channel))
    return found
