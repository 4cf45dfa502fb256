"""Mails that payers send: each is stored first, then read once: a reply of a customer, or what became of a message."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from connectors.channels.contract import Fate
from connectors.channels.incoming import MAX_MAIL_BYTES, Bounce, IncomingMail, read_mail
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.payers.replies.our_mails import note_fate, our_mail
from runtime.operations.payers.replies.take import Incoming, Kept, ReplyChannel, follow_up, keep_reply
from runtime.operations.reaching.bad_addresses import normal
from runtime.store import connections
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.rows import insert_new

_log = logging.getLogger(__name__)
MAX_A_RUN = 200
MAX_CANDIDATES = 20  # customers who share an address; of more, a person says who wrote
NEW, DONE, UNCLAIMED, ASIDE = "new", "done", "unclaimed", "aside"
_FATES = {"failed": Fate.UNDELIVERED, "delivered": Fate.DELIVERED}


def store_mail(app: App, raw: bytes, *, source: str) -> bool:
    """Keep a mail as it came, its first MAX_MAIL_BYTES; False when it was kept before."""
    mail = read_mail(raw)
    row = {
        "key": mail.key,
        "source": source,
        "sender": mail.sender,
        "subject": mail.subject,
        "body": raw[:MAX_MAIL_BYTES],
        "state": NEW,
        "problem": "",
        "received_at": app.clock(),
        "done_at": None,
    }
    with app.store.write() as db:
        return insert_new(db, t.mail, [row], keys=["key"]) > 0


def read_stored_mails(app: App) -> int:
    """Read the mails that wait, each once; what one of them says is kept in the unit of work that ends it.

    Returns how many. A mail of nobody we know waits for a person on the page of what is unclaimed.
    """
    with app.store.read() as db:
        waiting = select(t.mail.c.id).where(t.mail.c.state == NEW).order_by(t.mail.c.id).limit(MAX_A_RUN)
        ids = list(db.scalars(waiting))
    for mail_id in ids:
        try:
            with app.store.write() as db:
                claimed = select(t.mail).where(t.mail.c.id == mail_id, t.mail.c.state == NEW)
                row = db.execute(claimed.with_for_update(skip_locked=True)).first()
                kept = _read(app, db, dict(row._mapping)) if row is not None else None
        except Exception as error:
            _log.exception("a mail cannot be read: %s", mail_id)
            with app.store.write() as db:
                why = f"it cannot be read ({type(error).__name__}): this is a defect of ours"
                _end(db, mail_id, ASIDE, why, app.clock(), is_kept=True)
            continue
        if kept is not None:
            follow_up(app, kept)
    return len(ids)


def claim_mail(app: App, *, mail_id: int, organisation_id: str) -> None:
    """Say whose an unclaimed mail is: it becomes a reply there, of a customer whom its people name.

    RefusedError when it is not unclaimed (any more), or there is no such organisation.
    """
    with app.store.write() as db:
        mine = (t.mail.c.id == mail_id) & t.mail.c.state.in_((UNCLAIMED, ASIDE))
        row = db.execute(select(t.mail).where(mine)).first()
        organisation = connections.organisation(db, organisation_id)
        if row is None or organisation is None:
            raise RefusedError("this mail is not unclaimed (any more), or there is no such organisation")
        kept = _keep(db, organisation, dict(row._mapping), read_mail(row.body), app.clock())
    follow_up(app, kept)


def unclaimed_mails(db: Connection) -> list[dict[str, Any]]:
    """Return the mails of nobody we know."""
    rows = db.execute(
        select(t.mail.c.id, t.mail.c.sender, t.mail.c.subject, t.mail.c.problem, t.mail.c.received_at)
        .where(t.mail.c.state.in_((UNCLAIMED, ASIDE)))
        .order_by(t.mail.c.id)
        .limit(MAX_A_RUN)
    )
    return [dict(row._mapping) for row in rows]


def _read(app: App, db: Connection, row: dict[str, Any]) -> Kept | None:
    mail, now = read_mail(row["body"]), app.clock()
    if mail.bounces:
        for bounce in mail.bounces:
            _note(db, bounce, now)
        _end(db, row["id"], DONE, "", now)
        return None
    if not mail.sender or mail.sender in _ours(app):
        _end(db, row["id"], DONE, "it is our own, or of nobody", now)
        return None
    found = _answered(db, mail) or _written_by(db, mail.sender)
    if found is None:
        _end(db, row["id"], UNCLAIMED, "nobody here is written to at this address", now, is_kept=True)
        return None
    organisation_id, customers, about = found
    organisation = connections.organisation(db, organisation_id)
    if organisation is None:
        raise RefusedError("there is no such organisation")
    return _keep(db, organisation, row, mail, now, customers=customers, about=about)


def _keep(
    db: Connection,
    organisation: Organisation,
    row: dict[str, Any],
    mail: IncomingMail,
    now: datetime,
    *,
    customers: tuple[str, ...] = (),
    about: tuple[str, ...] = (),
) -> Kept:
    connections.lock_organisation(db, organisation.id)
    incoming = Incoming(
        channel=ReplyChannel.EMAIL,
        external_id=mail.key,
        sender=mail.sender,
        text=mail.text,
        received_at=row["received_at"],
        customer_ids=customers,
        about=about,
        subject=mail.subject,
        message_id=mail.message_id,
        is_automatic=mail.is_automatic,
        is_their_address=_is_theirs(db, organisation.id, customers, mail.sender),
    )
    kept = keep_reply(db, organisation_id=organisation.id, incoming=incoming, at=now)
    _end(db, row["id"], DONE, "", now)
    return kept


def _answered(db: Connection, mail: IncomingMail) -> tuple[str, tuple[str, ...], tuple[str, ...]] | None:
    """Whose message the mail answers, to which customer, about which invoices; None where it answers none of ours."""
    for message_id in mail.references:
        sent = our_mail(db, message_id)
        if sent is not None:
            return sent.organisation_id, (sent.customer_id,), sent.about
    return None


def _written_by(db: Connection, sender: str) -> tuple[str, tuple[str, ...], tuple[str, ...]] | None:
    """Which customers of one organisation have this address; None where none has it, or several organisations do."""
    customer = t.customer.c
    rows = db.execute(
        select(customer.organisation_id, customer.id)
        .where(
            func.lower(customer.email) == normal(sender),
            customer.deleted.is_(False),
            customer.merged_into.is_(None),
        )
        .order_by(customer.organisation_id, customer.id)
        .limit(MAX_CANDIDATES + 1)
    ).all()
    owners = {row.organisation_id for row in rows}
    if len(owners) != 1 or len(rows) > MAX_CANDIDATES:
        return None
    return owners.pop(), tuple(row.id for row in rows), ()


def _is_theirs(db: Connection, organisation_id: str, customers: tuple[str, ...], sender: str) -> bool:
    """Whether one of these customers, or who pays for them, is written to at this address."""
    customer = t.customer.c
    ours = customer.organisation_id == organisation_id
    parents = select(customer.parent_id).where(ours, customer.id.in_(customers))
    theirs = (customer.id.in_(customers) | customer.id.in_(parents)) & (func.lower(customer.email) == normal(sender))
    return db.scalar(select(customer.id).where(ours, theirs).limit(1)) is not None


def _note(db: Connection, bounce: Bounce, now: datetime) -> None:
    """Note what became of a message of ours; a report about another address than it went to counts for nothing."""
    fate, sent = _FATES.get(bounce.action), our_mail(db, bounce.message_id)
    if fate is None or sent is None or normal(sent.recipient) != bounce.recipient:
        return
    connections.lock_organisation(db, sent.organisation_id)
    detail = f"{bounce.status} {bounce.detail}".strip()[:300]
    note_fate(db, sent, fate, message_id=bounce.message_id, detail=detail, at=now)


def _end(db: Connection, mail_id: int, state: str, problem: str, now: datetime, *, is_kept: bool = False) -> None:
    values: dict[str, object] = {"state": state, "problem": problem, "done_at": now}
    if not is_kept:
        values["body"] = b""  # what it says is kept elsewhere, and the mail itself in the mailbox
    db.execute(update(t.mail).where(t.mail.c.id == mail_id).values(**values))


def _ours(app: App) -> set[str]:
    """The addresses that we write from."""
    named = (app.settings.mail_from, app.settings.reply_to)
    return {normal(each.rpartition("<")[2].rstrip("> ")) for each in named if each}
