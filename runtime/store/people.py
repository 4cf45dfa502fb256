"""People, what they are in which organisation, invitations and sessions, as rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update

from runtime.roles import MemberRole
from runtime.store import tables as t
from runtime.store.rows import insert_new


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs in."""

    id: str
    email: str
    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """A person and what they are in an organisation."""

    person: Person
    role: MemberRole
    since: datetime


@dataclass(frozen=True, slots=True)
class Invitation:
    """A membership that waits for its person."""

    id: str
    organisation_id: str
    email: str
    role: MemberRole
    invited_by: str
    expires_at: datetime


# Asked for each page, so built once.
_SESSION = (
    select(t.session.c.seen_at, t.session.c.ends_at, t.person)
    .join(t.person, t.person.c.id == t.session.c.person_id)
    .where(t.session.c.digest == bindparam("digest"))
)
_ROLES = select(t.membership.c.organisation_id, t.membership.c.role).where(
    t.membership.c.person_id == bindparam("person_id")
)


def session(db: Connection, digest: str) -> Row[Any] | None:
    """Return a session with its person, None when there is none."""
    return db.execute(_SESSION, {"digest": digest}).first()


def roles(db: Connection, person_id: str) -> dict[str, MemberRole]:
    """Return what a person is, by organisation."""
    return {row.organisation_id: MemberRole(row.role) for row in db.execute(_ROLES, {"person_id": person_id})}


def person_of(db: Connection, issuer: str, subject: str) -> Person | None:
    """Return whom a provider means, None when nobody signed in with that before."""
    mine = (t.identity.c.issuer == issuer) & (t.identity.c.subject == subject)
    row = db.execute(select(t.person).join(t.identity, t.identity.c.person_id == t.person.c.id).where(mine)).first()
    return _person(row) if row else None


def add_person(db: Connection, person: Person, *, issuer: str, subject: str, at: datetime) -> None:
    """Keep a person who signs in for the first time."""
    db.execute(insert(t.person).values(id=person.id, email=person.email, name=person.name, created_at=at))
    db.execute(insert(t.identity).values(issuer=issuer, subject=subject, person_id=person.id, created_at=at))


def members(db: Connection, organisation_id: str) -> list[Member]:
    """Return an organisation's members by address."""
    rows = db.execute(
        select(t.membership.c.role, t.membership.c.since, t.person)
        .join(t.person, t.person.c.id == t.membership.c.person_id)
        .where(t.membership.c.organisation_id == organisation_id)
        .order_by(t.person.c.email, t.person.c.id)
    )
    return [Member(_person(row), MemberRole(row.role), row.since) for row in rows]


def add_member(
    db: Connection, *, organisation_id: str, person_id: str, role: MemberRole, at: datetime, actor: str
) -> bool:
    """Make a person a member; False when they are one already, and stay what they are."""
    row = {
        "organisation_id": organisation_id,
        "person_id": person_id,
        "role": role.value,
        "since": at,
        "added_by": actor,
    }
    return insert_new(db, t.membership, [row], keys=["organisation_id", "person_id"]) == 1


def set_role(db: Connection, organisation_id: str, person_id: str, role: MemberRole) -> None:
    """Give a member another role."""
    db.execute(update(t.membership).where(_member(organisation_id, person_id)).values(role=role.value))


def remove_member(db: Connection, organisation_id: str, person_id: str) -> None:
    """Take a membership away; it ends with the person's next request."""
    db.execute(delete(t.membership).where(_member(organisation_id, person_id)))


def invitations(db: Connection, organisation_id: str, now: datetime) -> list[Invitation]:
    """Return the invitations that can still be taken."""
    rows = db.execute(
        select(t.invitation)
        .where(t.invitation.c.organisation_id == organisation_id, t.invitation.c.expires_at > now)
        .order_by(t.invitation.c.email)
    )
    return [_invitation(row) for row in rows]


def invitation_of(db: Connection, digest: str, now: datetime) -> Invitation | None:
    """Return the invitation whose link has this digest, None when it is over."""
    mine = (t.invitation.c.digest == digest) & (t.invitation.c.expires_at > now)
    row = db.execute(select(t.invitation).where(mine)).first()
    return _invitation(row) if row else None


def invitations_to(db: Connection, email: str, now: datetime) -> list[Invitation]:
    """Return every invitation to an address, of whatever organisation."""
    mine = (t.invitation.c.email == email) & (t.invitation.c.expires_at > now)
    return [_invitation(row) for row in db.execute(select(t.invitation).where(mine))]


def drop_invitation(db: Connection, organisation_id: str, email: str) -> bool:
    """Take an invitation away; False when there was none."""
    mine = (t.invitation.c.organisation_id == organisation_id) & (t.invitation.c.email == email)
    return db.execute(delete(t.invitation).where(mine)).rowcount > 0


def newest_sessions(db: Connection, person_id: str, most: int) -> list[str]:
    """Return the digests of the `most` sessions of a person that were seen last."""
    mine = select(t.session.c.digest).where(t.session.c.person_id == person_id)
    return list(db.scalars(mine.order_by(t.session.c.seen_at.desc()).limit(most)))


def count_owners(db: Connection, organisation_id: str) -> int:
    """Return how many owners an organisation has."""
    owners = (t.membership.c.organisation_id == organisation_id) & (t.membership.c.role == MemberRole.OWNER.value)
    return int(db.scalar(select(func.count()).select_from(t.membership).where(owners)) or 0)


def _member(organisation_id: str, person_id: str) -> Any:  # noqa: ANN401 - a condition
    return (t.membership.c.organisation_id == organisation_id) & (t.membership.c.person_id == person_id)


def _person(row: Row[Any]) -> Person:
    return Person(row.id, row.email, row.name)


def _invitation(row: Row[Any]) -> Invitation:
    return Invitation(
        id=row.id,
        organisation_id=row.organisation_id,
        email=row.email,
        role=MemberRole(row.role),
        invited_by=row.invited_by,
        expires_at=row.expires_at,
    )
