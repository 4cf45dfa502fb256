"""A payer whose link has expired asks for a new one: it goes to the address that is known of them, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from reminders.courtesy_message import render_new_link
from reminders.evidence import ContactEvidence
from runtime.app import App
from runtime.operations.payers.end_links import are_ended
from runtime.operations.reaching.bad_addresses import normal
from runtime.operations.reaching.by_mail import read_mailing
from runtime.operations.reaching.contact_language import language_for
from runtime.operations.reaching.contacted import NEW_LINK
from runtime.operations.reminding.compose import brand_of, portal_links, sender_of
from runtime.operations.reminding.courtesies import LEFT_OUT, Courtesy, hand_over, keep_courtesy
from runtime.operations.systems.absorb.departures import surviving
from runtime.portal_links import LIFETIME_DAYS, Opened
from runtime.signed_tokens import LinkError
from runtime.store import connections, journal
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.isolation import within

MAX_AN_ADDRESS = 5  # new links that one address is sent in a day: a parent's may be that of many branches
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who comes with an expired link: whose customer they are, which one, and what tells their language."""

    organisation: Organisation
    customer_id: str
    language: str | None
    country: str | None


def asker(db: Connection, opened: Opened) -> Asker:
    """Return who comes with a link that has expired. LinkError where a person ended it: that shuts its holder out."""
    organisation = connections.organisation(db, opened.organisation_id)
    if organisation is None or are_ended(db, opened):
        raise LinkError
    customer, customer_id = t.customer.c, surviving(db, organisation.id, opened.customer_id)
    mine = (customer.organisation_id == organisation.id) & (customer.id == customer_id)
    row = db.execute(select(customer.language, customer.country).where(mine)).first()
    if row is None:
        raise LinkError
    return Asker(organisation, customer_id, row.language, row.country)


def send_new_link(app: App, opened: Opened, *, actor: str) -> None:
    """Mail a customer a link in place of one that has expired: once a day, and never where they want no e-mails.

    It is sent at once, whatever the hour, since they wait for it. Whoever asks is told nothing of what became of it;
    the history tells it to the organisation. LinkError where a person ended the link.
    """
    with within(opened.organisation_id):
        _send(app, opened, actor)


def _send(app: App, opened: Opened, actor: str) -> None:
    if app.email is None:
        return
    with app.store.write() as db:
        connections.lock_organisation(db, opened.organisation_id)
        asking, now = asker(db, opened), app.clock()
        organisation, customer_id = asking.organisation, asking.customer_id
        asked = Courtesy(NEW_LINK, f"{now.astimezone(organisation.zone):%Y-%m-%d}", customer_id, ())
        known = select(t.courtesy.c.id).where(t.courtesy.c.id == asked.id_in(organisation.id))
        if not organisation.sending_on or db.scalar(known) is not None:
            return
        contact = read_mailing(db, organisation, [customer_id]).contact(customer_id)
        to, why = contact.address or "", _why_not(contact)
        if not why and _sent_there(db, organisation.id, to, since=now - _DAY) >= MAX_AN_ADDRESS:
            return
        message = render_new_link(
            recipient=contact.recipient_name,
            days=LIFETIME_DAYS,
            brand=brand_of(db, organisation),
            links=portal_links(app, organisation.id, customer_id),
            language=language_for(db, organisation.id, customer_id, contact.country),
        )
        keep_courtesy(app, db, organisation.id, asked, None if why else message, to=to, why=why, at=now)
        sender = sender_of(app, db, organisation)
        if why:
            journal.record(
                db,
                organisation_id=organisation.id,
                at=now,
                actor=actor,
                action=f"{NEW_LINK}_{LEFT_OUT}",
                subject=customer_id,
                detail=f"a new link to their page was asked for and not sent: {why}",
            )
            return
    hand_over(app, app.email, organisation.id, asked, message, sender=sender, to=to, actor=actor)


def _why_not(contact: ContactEvidence) -> str:
    """Why nothing is sent to a contact; an empty text where something may be."""
    if contact.opted_out:
        return "they want no e-mails"
    if not contact.address:
        return "no e-mail address of theirs is known"
    return "nothing arrives at the address that is known" if contact.bounced else ""


def _sent_there(db: Connection, organisation_id: str, address: str, *, since: datetime) -> int:
    """How many new links may have left to an address."""
    courtesy = t.courtesy.c
    there = (courtesy.organisation_id == organisation_id) & (func.lower(courtesy.recipient) == normal(address))
    lately = (courtesy.kind == NEW_LINK) & (courtesy.sent_at > since)
    return db.scalar(select(func.count()).where(there, lately)) or 0
