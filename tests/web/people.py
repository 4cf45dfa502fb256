"""People at browsers that are signed in, at a site that answers under its public name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from fastapi.routing import APIRoute, iter_route_contexts

from runtime.app import App
from runtime.operations.people.sessions import begin_session
from runtime.roles import MemberRole
from runtime.store import people
from runtime.store import tables as t
from runtime.store.people import Person
from runtime.store.rows import insert_new
from runtime.web.access import Needs, needs_of
from runtime.web.application import web_of
from runtime.web.visitor import SESSION_COOKIE, Visitor, is_token
from tests.http_client import client_of
from tests.web.build import NOW, Books, Time, filled, running, two_organisations
from tests.web.serving import serving

HOST = "pay.harbour.example"
ORIGIN = f"https://{HOST}"


@dataclass
class Browser:
    """A browser of somebody who is signed in; without a secret, a stranger's."""

    http: httpx.Client
    secret: str = ""
    csrf: str = ""

    def get(self, path: str) -> httpx.Response:
        return self.http.get(path, headers=self._headers())

    def post(self, path: str, data: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        form = ({"csrf": self.csrf} if self.csrf else {}) | (data or {})
        return self.http.post(path, data=form, headers=self._headers() | headers)

    def send(self, method: str, path: str) -> httpx.Response:
        return self.post(path) if method == "POST" else self.http.request(method, path, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {"Cookie": f"{SESSION_COOKIE}={self.secret}"} if self.secret else {}


@dataclass
class PublicSite:
    """`org-a`, filled, and `org-b` beside it, under their public name."""

    app: App
    time: Time
    http: httpx.Client
    books: Books

    @cached_property
    def routes(self) -> list[tuple[str, str, Needs]]:
        """Every route: method, path, and what it asks of its visitor."""
        found = [
            (method, str(context.path), needs_of(context.original_route))
            for context in iter_route_contexts(web_of(self.app).routes)
            if isinstance(context.original_route, APIRoute)
            for method in sorted(context.methods or ())
        ]
        assert len(found) > 50
        return found

    def stranger(self) -> Browser:
        return Browser(self.http)

    def browser(self, name: str, **roles: MemberRole) -> Browser:
        """A browser at which `name` is signed in, who is what `roles` says by organisation (org_a for org-a)."""
        person_id = f"per-{name}"
        with self.app.store.write() as db:
            row = {"id": person_id, "email": f"{name}@example.com", "name": name, "created_at": NOW}
            insert_new(db, t.person, [row], keys=["id"])
            for each, role in roles.items():
                organisation = each.replace("_", "-")
                people.add_member(
                    db, organisation_id=organisation, person_id=person_id, role=role, at=NOW, actor="owner"
                )
            secret = begin_session(db, person_id, now=self.app.clock())
        return Browser(self.http, secret, csrf_of(secret))


def csrf_of(secret: str) -> str:
    """What the forms of a session bring along."""
    from runtime.operations.people.sessions import SignedIn

    made = Visitor.of(SignedIn(Person("", "", ""), {}), secret)
    assert is_token(made, made.csrf)
    return made.csrf


@contextmanager
def public_site(folder: Path, **settings: str) -> Iterator[PublicSite]:
    """The filled site; `settings` are further ones."""
    with (
        running(folder, filled(two_organisations), public_url=ORIGIN, **settings) as (app, time),
        serving(app) as address,
        client_of(address, headers={"Host": HOST}, timeout=60) as http,
    ):
        yield PublicSite(app, time, http, Books.of(app, "org-a"))
