"""Signing in, joining by an invitation, and signing out."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import HTTPException, Query, Request
from starlette.responses import RedirectResponse, Response

from runtime.app import App
from runtime.operations.people.sessions import LONGEST, end_session
from runtime.operations.people.sign_in import (
    ATTEMPT_LIFETIME,
    MAX_BACK_CHARS,
    begin_sign_in,
    finish_sign_in,
    invited_to,
    sign_in_systems,
)
from runtime.roles import Permission
from runtime.store import connections
from runtime.web.access import ANYONE, SIGNED_IN, Seated, routes
from runtime.web.connecting import named_account
from runtime.web.pages import go, page
from runtime.web.running import Running
from runtime.web.visitor import SESSION_COOKIE

ROUTES = routes("signing in")
ATTEMPT_COOKIE = "__Host-truedue-sign-in"
MAX_SECRET_CHARS = 100
BackTo = Annotated[str, Query(alias="back", max_length=MAX_BACK_CHARS)]


@ROUTES.get("/sign-in", dependencies=[ANYONE])
def choose(app: Running, back_to: BackTo = "/", notice: str = "") -> Response:
    """Show where one can sign in."""
    systems = sign_in_systems(app)
    return page("sign_in.html", systems=systems, back_to=back_to, invitation="", invited=None, notice=notice)


@ROUTES.get("/join/{secret}", dependencies=[ANYONE])
def show_invitation(app: Running, secret: str) -> Response:
    """Show what an invitation is for; looking at it takes nothing: mail scanners open every link."""
    invited = invited_to(app, secret[:MAX_SECRET_CHARS])
    if invited is None:
        raise HTTPException(404)
    return page("sign_in.html", systems=sign_in_systems(app), back_to="/", invitation=secret, invited=invited)


@ROUTES.get("/sign-in/{system}", dependencies=[ANYONE])
def begin(
    app: Running,
    system: str,
    back_to: BackTo = "/",
    invitation: Annotated[str, Query(max_length=MAX_SECRET_CHARS)] = "",
) -> Response:
    """Lead to the vendor's sign-in page; the browser keeps the attempt until it comes back."""
    if system not in sign_in_systems(app):
        raise HTTPException(404)
    return lead_to(app, system, back_to=back_to, invitation=invitation)


def lead_to(app: App, system: str, *, back_to: str, invitation: str = "") -> Response:
    """Lead to the sign-in page of `system`, and from there to `back_to`."""
    attempt = begin_sign_in(app, system=system, back_to=back_to, invitation=invitation)
    answer = RedirectResponse(attempt.url, 303)
    _set(answer, ATTEMPT_COOKIE, attempt.sealed, int(ATTEMPT_LIFETIME.total_seconds()))
    return answer


@ROUTES.get("/sign-in/{system}/callback", dependencies=[ANYONE])
def finish(app: Running, system: str, request: Request) -> Response:
    """Take the person back from the vendor, with a new session."""
    if system not in sign_in_systems(app):
        raise HTTPException(404)
    welcome = finish_sign_in(
        app,
        system=system,
        query=dict(request.query_params),
        sealed=request.cookies.get(ATTEMPT_COOKIE, ""),
        instead_of=request.cookies.get(SESSION_COOKIE, ""),
    )
    answer = go(welcome.back_to)
    _set(answer, SESSION_COOKIE, welcome.secret, int(LONGEST.total_seconds()))
    answer.delete_cookie(ATTEMPT_COOKIE, secure=True, httponly=True, samesite="lax")
    return answer


@ROUTES.get("/launch/{system}", dependencies=[ANYONE])
def launch(app: Running, visitor: Seated, system: str) -> Response:
    """Take in a person who comes from the vendor's own list of apps: they sign in there, if they have not yet."""
    if system not in sign_in_systems(app):
        raise HTTPException(404)
    return go("/") if visitor is not None else lead_to(app, system, back_to="/")


@ROUTES.get("/reconnect/{system}", dependencies=[SIGNED_IN])
def reconnect(app: Running, visitor: Seated, system: str, request: Request) -> Response:
    """Take in a person whom the vendor sends to connect again: to the consent page, where it is theirs to give."""
    account = named_account(request.query_params)
    with app.store.read() as db:
        connection = connections.connection_for_account(db, system, account)
    if connection is None or visitor is None or not visitor.may(Permission.CONNECT, connection.organisation_id):
        return go("/")
    return go(f"/connect/{system}?organisation={quote(connection.organisation_id)}")


@ROUTES.post("/sign-out", dependencies=[SIGNED_IN], status_code=303)
def leave(app: Running, request: Request) -> Response:
    """End the session."""
    end_session(app, request.cookies.get(SESSION_COOKIE, ""))
    answer = go("/sign-in", "signed_out")
    answer.delete_cookie(SESSION_COOKIE, secure=True, httponly=True, samesite="lax")
    return answer


def _set(answer: Response, name: str, value: str, seconds: int) -> None:
    """Set a cookie of this host alone. Lax: a vendor's page leads back here, and no page of ours is framed anywhere."""
    answer.set_cookie(name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax")
