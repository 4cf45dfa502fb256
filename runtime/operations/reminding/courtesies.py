"""Messages beside reminders that nobody has to answer: each is a row before it leaves, so it leaves at most once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, update

from connectors.channels.email import EmailChannel
from connectors.errors import ConnectorError, Retry
from receivables.document import DocumentKind
from receivables.identity import stable_id
from reminders.contact import DEFAULT_LIMITS
from reminders.courtesy import CourtesyVerdict, decide_courtesy
from reminders.evidence import Channel, ContactEvidence
from reminders.message import Message
from runtime.app import App
from runtime.operations.reaching.by_mail import read_mailing
from runtime.operations.reaching.deliveries import note_refused_mail
from runtime.operations.reaching.reach import reach
from runtime.operations.reaching.shared_limit import share_contact, unshare_contact
from runtime.operations.reaching.ways import message_id_for
from runtime.operations.reminding.compose import portal_links, sender_of
from runtime.operations.reminding.withdraw import FAILED, HANDING, IN_DOUBT, SENT
from runtime.store import connections, journal
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.rows import chunks

LEFT_OUT, WAITING, TAKEN = "left_out", "waiting", "taken"
_document = t.document.c
_WHOSE = select(_document.due_on, _document.id, _document.customer_id).where(
    _document.organisation_id == bindparam("organisation_id"),
    _document.id.in_(bindparam("document_ids", expanding=True)),
    _document.kind == DocumentKind.INVOICE.value,
)


@dataclass(frozen=True, slots=True)
class Courtesy:
    """What a message is about: its kind, one word for which of them, whose it is, and the invoices that it rests on."""

    kind: str
    about: str
    customer_id: str
    documents: tuple[str, ...]

    def id_in(self, organisation_id: str) -> str:
        """Return the id of the one message of this kind about this."""
        return stable_id("cty", organisation_id, self.kind, self.customer_id, self.about)


Write = Callable[[Connection, ContactEvidence, datetime], Message | None]


def not_told(db: Connection, organisation_id: str, about: Mapping[str, Courtesy]) -> dict[str, Courtesy]:
    """Return those of these messages that there is no row of yet, by the keys that they are given under."""
    ids = {each.id_in(organisation_id): key for key, each in about.items()}
    known = (db.scalars(select(t.courtesy.c.id).where(t.courtesy.c.id.in_(some))).all() for some in chunks(sorted(ids)))
    told = {each for some in known for each in some}
    return {key: about[key] for courtesy_id, key in ids.items() if courtesy_id not in told}


def contact_of(db: Connection, organisation: Organisation, courtesy: Courtesy, now: datetime) -> ContactEvidence | None:
    """Return how the customer is reached by e-mail; None when none of the invoices is known any more.

    It is whoever has the oldest of the invoices now: customers are merged.
    """
    known = [
        tuple(row)
        for chunk in chunks(sorted(courtesy.documents))
        for row in db.execute(_WHOSE, {"organisation_id": organisation.id, "document_ids": list(chunk)})
    ]
    if not known:
        return None
    _, _, customer_id = min(known)
    mail = read_mailing(db, organisation, [customer_id]).contact(customer_id)
    return reach(db, organisation, mails=[mail], now=now).contact(mail, Channel.EMAIL)


def send_once(
    app: App,
    email: EmailChannel,
    organisation: Organisation,
    courtesy: Courtesy,
    write: Write,
    *,
    actor: str = "reminders",
) -> str:
    """Send one message where all that a reminder asks of a contact allows it; returns how it ended.

    `write` gives its words in the same unit of work, or None where it cannot be said now. What this person may never
    be sent is kept as left out, so that it is not asked again.
    """
    courtesy_id = courtesy.id_in(organisation.id)
    with app.store.write() as db:
        connections.lock_organisation(db, organisation.id)
        now = app.clock()
        contact = contact_of(db, organisation, courtesy, now)
        known = db.scalar(select(t.courtesy.c.id).where(t.courtesy.c.id == courtesy_id))
        if contact is None or known is not None:
            return TAKEN
        decision = decide_courtesy(contact=contact, as_of=now, limits=DEFAULT_LIMITS)
        message = write(db, contact, now) if decision.verdict is CourtesyVerdict.NOW else None
        if message is None and decision.verdict is not CourtesyVerdict.NEVER:
            return WAITING
        to = contact.address or ""
        keep_courtesy(app, db, organisation.id, courtesy, message, to=to, why=decision.reason, at=now)
        if message is not None:
            share_contact(db, organisation.id, courtesy_id, channel=Channel.EMAIL, address=to, at=now)
        sender = sender_of(app, db, organisation)
    if message is None:
        return LEFT_OUT
    return hand_over(app, email, organisation.id, courtesy, message, sender=sender, to=to, actor=actor)


def keep_courtesy(
    app: App,
    db: Connection,
    organisation_id: str,
    courtesy: Courtesy,
    message: Message | None,
    *,
    to: str,
    why: str,
    at: datetime,
) -> None:
    """Keep that a message is handed over next, or, without one, that this person is never sent it, and why."""
    courtesy_id = courtesy.id_in(organisation_id)
    db.execute(
        insert(t.courtesy).values(
            id=courtesy_id,
            organisation_id=organisation_id,
            customer_id=courtesy.customer_id,
            kind=courtesy.kind,
            about=courtesy.about,
            state=HANDING if message else LEFT_OUT,
            recipient=to,
            subject=message.subject if message else "",
            body_text=message.text if message else "",
            decided_at=at,
            sent_at=at if message else None,
            why=why,
            message_id=message_id_for(app, courtesy_id) if message else None,
            documents=list(courtesy.documents),
        )
    )


def hand_over(
    app: App,
    email: EmailChannel,
    organisation_id: str,
    courtesy: Courtesy,
    message: Message,
    *,
    sender: str,
    to: str,
    actor: str,
) -> str:
    """Send a message that is kept as being handed over; returns how that ended."""
    courtesy_id, state = courtesy.id_in(organisation_id), SENT
    refused: ConnectorError | None = None
    try:
        email.send(
            message_id=courtesy_id,
            to=to,
            subject=message.subject,
            text=message.text,
            html=message.html,
            sender=sender,
            reply_to=app.settings.reply_to or app.settings.mail_from,
            unsubscribe_url=portal_links(app, organisation_id, courtesy.customer_id).unsubscribe,
        )
    except ConnectorError as error:
        state = IN_DOUBT if isinstance(error, Retry) and error.ambiguous else FAILED
        refused = error
    why = str(refused) if refused else ""
    with app.store.write() as db:
        now = app.clock()
        sent_at = None if state == FAILED else now
        mine = (t.courtesy.c.id == courtesy_id) & (t.courtesy.c.state == HANDING)  # it may have come back already
        db.execute(update(t.courtesy).where(mine).values(state=state, why=why, sent_at=sent_at))
        if refused is not None and state == FAILED:
            unshare_contact(db, organisation_id, courtesy_id)
            note_refused_mail(db, organisation_id, courtesy.customer_id, refused, address=to, at=now)
        journal.record(
            db,
            organisation_id=organisation_id,
            at=now,
            actor=actor,
            action=f"{courtesy.kind}_{state}",
            subject=courtesy.customer_id,
            detail=f"{message.subject} → {to}" + (f": {why}" if why else ""),
        )
    return state
