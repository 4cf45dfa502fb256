"""Where customers are reached beside e-mail, as people note it: telephone, mobile, postal address, and why we may."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select

from receivables.address import AddressError, PostalAddress
from reminders.evidence import Channel, LawfulBasis
from reminders.places import country_code
from reminders.telephone import TelephoneError, number_of
from runtime.app import App
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.payers.replies.act import TEXT, WAITING
from runtime.operations.payers.replies.settle import note_answered
from runtime.operations.reaching.bad_addresses import another_is_known, trust_again
from runtime.operations.reaching.take_text import TEXT_UNREAD
from runtime.store import connections, journal
from runtime.store import tables as t
from runtime.store.rows import upsert
from runtime.store.weighing import weigh_again

NOTED = (Channel.SMS, Channel.CALL_TASK, Channel.LETTER)
MAX_EVIDENCE_CHARACTERS = 500


def note_contact(
    app: App,
    *,
    organisation_id: str,
    customer_id: str,
    channel: Channel,
    address: str,
    basis: LawfulBasis | None,
    evidence: str,
    actor: str,
) -> None:
    """Note where a customer is reached by `channel`, with the right to use it and what proves that right.

    `address` is a telephone number, or a `PostalAddress` as text. What came back before counts no more: whoever notes
    an address again has looked. InputError when it is none, or an express consent has no evidence.
    """
    if channel not in NOTED:
        raise InputError(f"an address for {channel} is not noted here")
    if basis is LawfulBasis.EXPRESS_CONSENT and not evidence.strip():
        raise InputError("say how the customer consented: when, where, in which words")
    if len(evidence) > MAX_EVIDENCE_CHARACTERS or not evidence.replace("\n", " ").replace("\r", " ").isprintable():
        raise InputError(f"what proves the right has at most {MAX_EVIDENCE_CHARACTERS} characters")
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        customer = _customer(db, organisation_id, customer_id)
        organisation = connections.organisation(db, organisation_id)
        home = country_code(customer["country"]) or (organisation.country if organisation else "")
        row = {
            "customer_id": customer_id,
            "channel": channel.value,
            "organisation_id": organisation_id,
            "address": _checked(channel, address, home),
            "basis": basis.value if basis else None,
            "evidence": evidence.strip(),
            "noted_by": actor,
            "noted_at": app.clock(),
        }
        upsert(db, t.contact_point, [row], keys=["customer_id", "channel"])
        trust_again(db, organisation_id, channel=channel, address=str(row["address"]))
        weigh_again(db, organisation_id, customer_ids=[customer_id])
        _record(
            db,
            organisation_id,
            customer_id,
            detail=f"{channel}: {row['address']}, {basis}: {row['evidence']}",
            actor=actor,
            at=app.clock(),
        )
        another_is_known(db, organisation_id, customer_id, channel=channel, at=app.clock())
    app.wake()


def forget_contact(app: App, *, organisation_id: str, customer_id: str, channel: Channel, actor: str) -> None:
    """Forget where a customer is reached by `channel`; one that is not noted is forgotten already."""
    point = t.contact_point.c
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        mine = (point.organisation_id == organisation_id) & (point.customer_id == customer_id)
        if db.execute(delete(t.contact_point).where(mine, point.channel == channel.value)).rowcount:
            weigh_again(db, organisation_id, customer_ids=[customer_id])
            _record(db, organisation_id, customer_id, detail=f"{channel}: forgotten", actor=actor, at=app.clock())


def text_is_read(app: App, *, organisation_id: str, customer_id: str, actor: str) -> None:
    """Note that a customer's answer by text was read: what is open is due again. RefusedError when none waits."""
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        waiting = journal.troubled(organisation_id, (TEXT_UNREAD,)).where(t.problem.c.subject == customer_id)
        if db.scalar(waiting) is None:
            raise RefusedError("no text of this customer waits (any more)")
        texts = select(t.reply.c.id).where(
            t.reply.c.organisation_id == organisation_id,
            t.reply.c.customer_id == customer_id,
            t.reply.c.channel == TEXT,
            t.reply.c.state == WAITING,
        )
        read = list(db.scalars(texts))
        note_answered(db, organisation_id=organisation_id, reply_ids=read, by=actor, at=now)
        journal.resolve_problem(db, organisation_id=organisation_id, code=TEXT_UNREAD, subject=customer_id, at=now)
        _record(db, organisation_id, customer_id, detail="the customer's text was read", actor=actor, at=app.clock())
    app.wake()


def _customer(db: Connection, organisation_id: str, customer_id: str) -> Mapping[str, Any]:
    mine = (t.customer.c.organisation_id == organisation_id) & (t.customer.c.id == customer_id)
    row = db.execute(select(t.customer).where(mine)).first()
    if row is None:
        raise RefusedError("there is no such customer")
    return dict(row._mapping)


def _checked(channel: Channel, address: str, home: str) -> str:
    try:
        if channel is Channel.LETTER:
            return PostalAddress.from_text(address).as_text()
        return number_of(address, country=home, takes_texts=channel is Channel.SMS)
    except (AddressError, TelephoneError) as error:
        raise InputError(str(error)) from None


def _record(db: Connection, organisation_id: str, customer_id: str, *, detail: str, actor: str, at: datetime) -> None:
    journal.record(
        db,
        organisation_id=organisation_id,
        at=at,
        actor=actor,
        action="contact_noted",
        subject=customer_id,
        detail=detail,
    )
