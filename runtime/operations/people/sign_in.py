"""Signing in at a vendor, and who is let in then.

Somebody unknown is let in by an invitation only: by its link, for the address that it was made for, or by an address
of which the vendor says that it is verified. An address alone, however equal, opens nothing.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from connectors import registry
from connectors.openid import Identity, OpenIdFlow
from receivables.identity import stable_id
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.people.members import read_address, take_invitation
from runtime.operations.people.sessions import begin_session, digest_of
from runtime.roles import MemberRole
from runtime.settings import SettingsError, SignUp
from runtime.store import connections, people
from runtime.store.people import Invitation, Person
from runtime.vault import VaultError

ATTEMPT_LIFETIME = timedelta(minutes=10)
MAX_BACK_CHARS = 500
_NONCE_BYTES = 32
_PURPOSE = "sign-in attempt"
_MAX_NAME_CHARS = 200
_BEGIN_AGAIN = "this sign-in is unknown here or too old: begin again"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in that was begun: the vendor's page, and what the browser keeps until it comes back, sealed.

    Nothing of it is stored: strangers begin as many as they like.
    """

    url: str
    sealed: str


@dataclass(frozen=True, slots=True)
class Welcome:
    """Somebody who signed in: the secret of their session, and the page that they wanted."""

    secret: str
    back_to: str


@dataclass(frozen=True, slots=True)
class Invited:
    """What an invitation is for, as its page says it."""

    organisation: str
    email: str
    role: MemberRole


def sign_in_systems(app: App) -> list[str]:
    """Return the systems at which people can sign in here: those whose client is set."""
    return [system for system in registry.SYSTEMS if _can_sign_in(app, system)]


def begin_sign_in(app: App, *, system: str, back_to: str = "/", invitation: str = "") -> Attempt:
    """Begin to sign in at `system`, to return to the page `back_to`; `invitation` is the secret of one's link."""
    nonce = secrets.token_urlsafe(_NONCE_BYTES)
    authorization = _flow(app, system).begin(redirect_uri(app, system), nonce=nonce)
    kept = {
        "system": system,
        "state": authorization.state,
        "verifier": authorization.verifier,
        "nonce": nonce,
        "back_to": own_page(back_to),
        "invitation": invitation,
        "begun_at": app.clock().isoformat(),
    }
    sealed = app.vault.seal(json.dumps(kept), _PURPOSE)
    return Attempt(authorization.url, base64.urlsafe_b64encode(sealed).decode())


def finish_sign_in(app: App, *, system: str, query: Mapping[str, str], sealed: str, instead_of: str = "") -> Welcome:
    """Take the person back from the vendor: they get a session of their own, and `instead_of` ends.

    RefusedError when the attempt is not this browser's or too old, or nobody has invited them.
    """
    kept = _attempt(app, sealed)
    if kept["system"] != system or not hmac.compare_digest(kept["state"], query.get("state", "")):
        raise RefusedError(_BEGIN_AGAIN)
    if "code" not in query:
        raise RefusedError("the sign-in was given up at the vendor: nothing was changed")
    identity = _flow(app, system).finish(
        redirect_uri=redirect_uri(app, system), code=query["code"], verifier=kept["verifier"], nonce=kept["nonce"]
    )
    with app.store.write() as db:
        person = _let_in(db, app, identity, kept["invitation"])
        secret = begin_session(db, person.id, now=app.clock(), instead_of=instead_of)
    return Welcome(secret, kept["back_to"])


def invited_to(app: App, secret: str) -> Invited | None:
    """Return what the link of an invitation is for, None when it is over."""
    with app.store.read() as db:
        found = people.invitation_of(db, digest_of(secret), app.clock())
        organisation = connections.organisation(db, found.organisation_id) if found else None
    return Invited(organisation.name, found.email, found.role) if found and organisation else None


def redirect_uri(app: App, system: str) -> str:
    """Return the address that the vendor sends the person back to."""
    return f"{app.settings.public_url.rstrip('/')}/sign-in/{system}/callback"


def own_page(path: str) -> str:
    """Return a path of ours as it is, and the first page for anything that could lead elsewhere."""
    is_own = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if is_own and len(path) <= MAX_BACK_CHARS else "/"


def _can_sign_in(app: App, system: str) -> bool:
    try:
        app.settings.endpoint(system)
    except SettingsError:
        return False
    return registry.declaration(system).sign_in is not None


def _flow(app: App, system: str) -> OpenIdFlow:
    declaration = registry.declaration(system)
    if declaration.sign_in is None:
        raise RefusedError(f"nobody signs in with {declaration.title}")
    return OpenIdFlow(declaration.oauth, declaration.sign_in, app.settings.endpoint(system), app.clock)


def _attempt(app: App, sealed: str) -> dict[str, str]:
    try:
        kept: dict[str, str] = json.loads(app.vault.open(base64.urlsafe_b64decode(sealed), _PURPOSE))
    except (VaultError, binascii.Error, ValueError):
        raise RefusedError(_BEGIN_AGAIN) from None
    if datetime.fromisoformat(kept["begun_at"]) <= app.clock() - ATTEMPT_LIFETIME:
        raise RefusedError(_BEGIN_AGAIN)
    return kept


def _let_in(db: Connection, app: App, identity: Identity, invitation: str) -> Person:
    """Return the person, made when they are let in for the first time, with every invitation taken that is theirs."""
    known = people.person_of(db, identity.issuer, identity.subject)
    taken = _invitations(db, app, identity, invitation)
    if known is None and not taken and app.settings.sign_up is not SignUp.ANYONE:
        raise RefusedError(f"nobody has invited {identity.email}: ask an owner of the organisation for an invitation")
    person = known or _new_person(db, app, identity)
    for each in taken:
        take_invitation(db, app, each, person)
    return person


def _invitations(db: Connection, app: App, identity: Identity, secret: str) -> list[Invitation]:
    address, now = read_address(identity.email), app.clock()
    verified = people.invitations_to(db, address, now) if identity.email_is_verified else []
    if not secret:
        return verified
    invited = people.invitation_of(db, digest_of(secret), now)
    if invited is None:
        raise RefusedError("this invitation was taken, withdrawn or is too old: ask for another one")
    if invited.email != address:
        raise RefusedError(f"the invitation is for {invited.email}, and you are {address}: ask for another one")
    return [invited, *(each for each in verified if each.id != invited.id)]


def _new_person(db: Connection, app: App, identity: Identity) -> Person:
    name = "".join(letter for letter in identity.name if letter.isprintable())[:_MAX_NAME_CHARS]
    person = Person(stable_id("per", identity.issuer, identity.subject), read_address(identity.email), name)
    people.add_person(db, person, issuer=identity.issuer, subject=identity.subject, at=app.clock())
    return person
