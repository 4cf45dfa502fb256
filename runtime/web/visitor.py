"""Who sits at the browser of a request, for handlers and for the pages that they render."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from fastapi import Request

from runtime.operations.organisations import OWNER
from runtime.operations.people.sessions import SignedIn
from runtime.roles import GRANTS, MemberRole, Permission

SESSION_COOKIE = "__Host-truedue"
CSRF_FIELD = "csrf"
SUBMITTED_BY_NOBODY = ""  # where nobody signs in no cookie is worth stealing a form for


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who acts: `actor` as the journal names them, `roles` by organisation; without roles, everything everywhere.

    `csrf` is what each form of theirs must bring along.
    """

    actor: str
    person_id: str | None
    roles: Mapping[str, MemberRole] | None
    csrf: str = SUBMITTED_BY_NOBODY

    @classmethod
    def of(cls, found: SignedIn, secret: str) -> Visitor:
        """Return the visitor that a session means."""
        token = hashlib.sha256(b"truedue form 1\0" + secret.encode()).hexdigest()
        return cls(found.person.email, found.person.id, found.roles, token)

    def may(self, permission: Permission, organisation_id: str) -> bool:
        """Whether they are granted `permission` in an organisation."""
        if self.roles is None:
            return True
        role = self.roles.get(organisation_id)
        return role is not None and permission in GRANTS[role]


AT_THIS_MACHINE = Visitor(actor=OWNER, person_id=None, roles=None)

# Set for as long as a request is answered, so that a page knows whom it is for.
_SEATED: ContextVar[Visitor | None] = ContextVar("visitor", default=None)


@contextmanager
def seated(request: Request, visitor: Visitor | None) -> Iterator[None]:
    """Let handlers and pages know the visitor of a request."""
    request.state.visitor = visitor
    token = _SEATED.set(visitor)
    try:
        yield
    finally:
        _SEATED.reset(token)


def visitor_of(request: Request) -> Visitor | None:
    """Return the visitor of a request that was admitted."""
    found: Visitor | None = request.state.visitor
    return found


def visitor() -> Visitor | None:
    """Return whom the page that is being made is for."""
    return _SEATED.get()


def is_token(visitor: Visitor, given: object) -> bool:
    """Whether a form brought the token of its visitor's session."""
    return isinstance(given, str) and hmac.compare_digest(given.encode(), visitor.csrf.encode())
