"""A weekly limit that organisations of one owner share, where each of them switched it on; they share nothing else.

A table that every organisation can read keeps, for each message that left or may have, a digest of its address and the
time. The digest is made with a key that only organisations of one owner have, in a row that the database shows to
nobody else: without it the table says neither whom nor which organisation it is about.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, select

from reminders.evidence import Channel
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.organisations import OWNER, keep_switch
from runtime.operations.reaching.bad_addresses import normal
from runtime.roles import MemberRole
from runtime.store import connections, people
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.isolation import among_everybody
from runtime.store.rows import chunks, upsert
from runtime.store.weighing import weigh_everybody_again

KEPT_FOR = timedelta(days=7)
_KEY_BYTES = 32
_LOCK_DIGITS = 15  # of a digest, in hexadecimal: a number that PostgreSQL can lock


def switch_shared_limit(app: App, *, organisation_id: str, on: bool, actor: str) -> None:
    """Count contacts together with the other organisations of the same owner that switched it on, or alone.

    The owner is `actor`, who must be one; whoever decides on this machine stands for the only owner. RefusedError where
    that is nobody, or it is not said which of several owners.
    """
    with among_everybody(), app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        owner = _owner(db, organisation_id, actor) if on else None
        key = _key_of(db, owner) if owner else None
        shared = {"limit_key": key, "limit_shared_by": owner}
        keep_switch(db, organisation_id, shared, action="limit_sharing_switched", actor=actor, at=app.clock())
        weigh_everybody_again(db, organisation_id)


def stop_sharing_by(db: Connection, organisation_id: str, person_id: str, *, actor: str, at: datetime) -> None:
    """Let an organisation count alone again whose owner no longer is one."""
    of = t.organisation.c
    if db.scalar(select(of.id).where(of.id == organisation_id, of.limit_shared_by == person_id)) is not None:
        alone = {"limit_key": None, "limit_shared_by": None}
        keep_switch(db, organisation_id, alone, action="limit_sharing_switched", actor=actor, at=at)


def share_contact(
    db: Connection, organisation_id: str, message_id: str, *, channel: Channel, address: str, at: datetime
) -> None:
    """Let the others know that somebody at `address` is contacted, where the organisation shares its limit."""
    key = _key(db, organisation_id)
    if key is None or channel is Channel.HAND_OVER:
        return
    row = {"id": _digest(key, f"{organisation_id} {message_id}"), "address": _digest(key, normal(address)), "at": at}
    upsert(db, t.shared_contact, [row], keys=["id"])
    db.execute(delete(t.shared_contact).where(t.shared_contact.c.at < at - KEPT_FOR))


def unshare_contact(db: Connection, organisation_id: str, message_id: str) -> None:
    """Take that back: it did not leave, or reached nobody."""
    key = _key(db, organisation_id)
    if key is not None:
        mine = t.shared_contact.c.id == _digest(key, f"{organisation_id} {message_id}")
        db.execute(delete(t.shared_contact).where(mine))


def contacts_elsewhere(
    db: Connection,
    organisation: Organisation,
    *,
    addresses: Collection[str],
    but: Collection[str],
    now: datetime,
) -> dict[str, list[datetime]]:
    """Return, by address as it is compared, when the owner's other organisations contacted it in seven days.

    `but` are the ids of the organisation's own messages. One query serves as many addresses as a query can name.
    """
    key = organisation.limit_key
    if key is None:
        return {}
    own = {_digest(key, f"{organisation.id} {message_id}") for message_id in but}
    whose = {_digest(key, normal(each)): normal(each) for each in addresses}
    found: defaultdict[str, list[datetime]] = defaultdict(list)
    of = t.shared_contact.c
    for chunk in chunks(sorted(whose)):
        for row in db.execute(select(t.shared_contact).where(of.address.in_(chunk), of.at > now - KEPT_FOR)):
            if row.id not in own:
                found[whose[row.address]].append(row.at)
    return found


def wait_for_the_others(db: Connection, organisation: Organisation, address: str) -> None:
    """Have organisations that share a limit contact one address one after the other, so that each sees the last one."""
    if organisation.limit_key is not None and db.dialect.name == "postgresql":
        number = int(_digest(organisation.limit_key, normal(address))[:_LOCK_DIGITS], 16)
        db.execute(select(func.pg_advisory_xact_lock(number)))


def _key(db: Connection, organisation_id: str) -> str | None:
    return db.scalar(select(t.organisation.c.limit_key).where(t.organisation.c.id == organisation_id))


def _digest(key: str, text: str) -> str:
    return hmac.new(bytes.fromhex(key), text.encode(), hashlib.sha256).hexdigest()


def _owner(db: Connection, organisation_id: str, actor: str) -> str:
    """Who the owner is: a person by their id; where nobody signs in, whoever decides on this machine."""
    members = people.members(db, organisation_id)
    owners = {each.person.email: each.person.id for each in members if each.role is MemberRole.OWNER}
    if not owners and actor == OWNER:
        return OWNER
    if actor in owners:
        return owners[actor]
    if actor == OWNER and len(owners) == 1:
        return next(iter(owners.values()))
    raise RefusedError("an owner of the organisation shares its limit with others of theirs: sign in as one")


def _key_of(db: Connection, owner: str) -> str:
    """The key of the owner's organisations: that of one that shares already, or a new one."""
    of = t.organisation.c
    if owner != OWNER:  # two of their organisations that begin at once wait for each other
        db.execute(select(t.person.c.id).where(t.person.c.id == owner).with_for_update())
    known = db.scalar(select(of.limit_key).where(of.limit_shared_by == owner, of.limit_key.is_not(None)).limit(1))
    return known or secrets.token_hex(_KEY_BYTES)
