"""An organisation's members: invite, change a role, remove. Nothing is sent: who invites passes the link on."""

from __future__ import annotations

import secrets
from datetime import timedelta

from sqlalchemy import Connection

from receivables.identity import stable_id
from runtime.app import App
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.people.sessions import digest_of
from runtime.operations.people.tasks import let_go
from runtime.operations.reaching.shared_limit import stop_sharing_by
from runtime.roles import GRANTS, MemberRole, Permission
from runtime.store import connections, journal, people
from runtime.store import tables as t
from runtime.store.people import Invitation, Person
from runtime.store.rows import upsert
from runtime.store.tables.people import EMAIL_LENGTH

INVITATION_LIFETIME = timedelta(days=7)
_SECRET_BYTES = 32


def invite(app: App, *, organisation_id: str, email: str, role: MemberRole, actor: str) -> str:
    """Invite whoever signs in with this address, and return the link for them; an earlier link to it is over.

    InputError for what is no address, RefusedError for an address that is a member's.
    """
    address = read_address(email)
    secret, now = secrets.token_urlsafe(_SECRET_BYTES), app.clock()
    row = {
        "id": stable_id("inv", organisation_id, address),
        "organisation_id": organisation_id,
        "digest": digest_of(secret),
        "email": address,
        "role": role.value,
        "invited_by": actor,
        "invited_at": now,
        "expires_at": now + INVITATION_LIFETIME,
    }
    with app.store.write() as db:
        if address in {each.person.email for each in people.members(db, organisation_id)}:
            raise RefusedError(f"{address} is a member already: change the role instead")
        upsert(db, t.invitation, [row], keys=["organisation_id", "email"])
        _record(db, app, organisation_id, actor=actor, action="member_invited", detail=f"{address} as {role}")
    return f"{app.settings.public_url.rstrip('/')}/join/{secret}"


def withdraw_invitation(app: App, *, organisation_id: str, email: str, actor: str) -> None:
    """Let an invitation be over. RefusedError when there is none."""
    with app.store.write() as db:
        if not people.drop_invitation(db, organisation_id, email):
            raise RefusedError("there is no such invitation any more")
        _record(db, app, organisation_id, actor=actor, action="invitation_withdrawn", detail=email)


def take_invitation(db: Connection, app: App, invitation: Invitation, person: Person) -> None:
    """Make a person the member that an invitation was for; who is one already stays what they are."""
    people.drop_invitation(db, invitation.organisation_id, invitation.email)
    joined = people.add_member(
        db,
        organisation_id=invitation.organisation_id,
        person_id=person.id,
        role=invitation.role,
        at=app.clock(),
        actor=invitation.invited_by,
    )
    if joined:
        _record(
            db,
            app,
            invitation.organisation_id,
            actor=person.email,
            action="member_joined",
            detail=f"as {invitation.role}",
        )


def change_role(app: App, *, organisation_id: str, person_id: str, role: MemberRole, actor: str) -> None:
    """Give a member another role. RefusedError when they are none, or the only owner."""
    with app.store.write() as db:
        member = _member(db, organisation_id, person_id, still_owner=role is MemberRole.OWNER)
        people.set_role(db, organisation_id, person_id, role)
        if role is not MemberRole.OWNER:
            stop_sharing_by(db, organisation_id, person_id, actor=actor, at=app.clock())
        if Permission.CHASE not in GRANTS[role]:
            let_go(db, organisation_id, name=member.email, at=app.clock(), actor=actor)
        _record(db, app, organisation_id, actor=actor, action="role_changed", detail=f"{member.email} to {role}")


def remove_member(app: App, *, organisation_id: str, person_id: str, actor: str) -> None:
    """Let a person be no member any more. RefusedError when they are none, or the only owner."""
    with app.store.write() as db:
        member = _member(db, organisation_id, person_id, still_owner=False)
        people.remove_member(db, organisation_id, person_id)
        stop_sharing_by(db, organisation_id, person_id, actor=actor, at=app.clock())
        let_go(db, organisation_id, name=member.email, at=app.clock(), actor=actor)
        _record(db, app, organisation_id, actor=actor, action="member_removed", detail=member.email)


def read_address(email: str) -> str:
    """Return an address as it is compared, in lower case; InputError for what is none."""
    address = email.strip().lower()
    name, at, domain = address.rpartition("@")
    if not (name and at and domain) or not address.isprintable() or any(c in address for c in ' <>"'):
        raise InputError("“%(given)s” is not an e-mail address", given=email)
    if len(address) > EMAIL_LENGTH:
        raise InputError("the address is longer than %(longest)s characters", longest=EMAIL_LENGTH)
    return address


def _member(db: Connection, organisation_id: str, person_id: str, *, still_owner: bool) -> Person:
    """Return a member who may change, while nobody else changes the members."""
    connections.lock_organisation(db, organisation_id)
    for member in people.members(db, organisation_id):
        if member.person.id == person_id:
            is_last = member.role is MemberRole.OWNER and people.count_owners(db, organisation_id) == 1
            if is_last and not still_owner:
                raise RefusedError(f"{member.person.email} is the only owner: make somebody else an owner first")
            return member.person
    raise RefusedError("this person is no member any more")


def _record(db: Connection, app: App, organisation_id: str, *, actor: str, action: str, detail: str) -> None:
    journal.record(
        db,
        organisation_id=organisation_id,
        at=app.clock(),
        actor=actor,
        action=action,
        subject=organisation_id,
        detail=detail,
    )
