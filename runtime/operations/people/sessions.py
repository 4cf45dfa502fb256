"""Sessions: a browser stays signed in for a while, by a random secret of which only the digest is kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, update

from runtime.app import App
from runtime.roles import MemberRole
from runtime.store import people
from runtime.store import tables as t
from runtime.store.people import Person

IDLE = timedelta(hours=1)  # without a request
LONGEST = timedelta(hours=12)  # whatever is done meanwhile
SEEN_EVERY = timedelta(minutes=1)  # a page more often than that writes nothing
MAX_SESSIONS = 20  # of a person; the one that was seen longest ago makes room
_SECRET_BYTES = 32
_MAX_SECRET_CHARS = 100


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who sits at a browser, and what they are in which organisation at this moment."""

    person: Person
    roles: Mapping[str, MemberRole]


def begin_session(db: Connection, person_id: str, *, now: datetime, instead_of: str = "") -> str:
    """Begin a session and return its secret; the one that this browser had before ends, as those do that are over."""
    over = (t.session.c.ends_at <= now) | (t.session.c.seen_at <= now - IDLE)
    db.execute(delete(t.session).where(over | (t.session.c.digest == digest_of(instead_of))))
    kept = people.newest_sessions(db, person_id, MAX_SESSIONS - 1)
    db.execute(delete(t.session).where(t.session.c.person_id == person_id, t.session.c.digest.not_in(kept)))
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    row = {"digest": digest_of(secret), "person_id": person_id, "begun_at": now, "seen_at": now}
    db.execute(insert(t.session).values(**row, ends_at=now + LONGEST))
    return secret


def signed_in(app: App, secret: str) -> SignedIn | None:
    """Return who holds this secret, None when the session is unknown or over."""
    if not secret or len(secret) > _MAX_SECRET_CHARS:
        return None
    digest, now = digest_of(secret), app.clock()
    with app.store.read() as db:
        row = people.session(db, digest)
        if row is None or row.ends_at <= now or row.seen_at <= now - IDLE:
            return None
        found = SignedIn(Person(row.id, row.email, row.name), people.roles(db, row.id))
    if row.seen_at <= now - SEEN_EVERY:
        with app.store.write() as db:
            db.execute(update(t.session).where(t.session.c.digest == digest).values(seen_at=now))
    return found


def end_session(app: App, secret: str) -> None:
    """Sign a browser out."""
    with app.store.write() as db:
        db.execute(delete(t.session).where(t.session.c.digest == digest_of(secret)))


def end_sessions(app: App, person_id: str) -> int:
    """Sign a person out everywhere; return how many browsers that were."""
    with app.store.write() as db:
        return db.execute(delete(t.session).where(t.session.c.person_id == person_id)).rowcount


def digest_of(secret: str) -> str:
    """Return what is kept of a random secret: nobody who reads the database can use it."""
    return hashlib.sha256(secret.encode()).hexdigest()
