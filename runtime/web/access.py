"""Who may use a route: declared where the route is, and asked before anything of a request is read.

    ROUTES = routes("work")

    @ROUTES.post("/o/{organisation_id}/review/{receipt_id}/confirm", dependencies=[MATCH], status_code=303)

A route that declares nothing stops the program when it starts.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.params import Depends as Declared
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount

from runtime.operations.people.sessions import signed_in
from runtime.roles import GRANTS, Permission, roles_with
from runtime.settings import SignInRule
from runtime.store.isolation import EVERYBODY, within
from runtime.web.frame import framed
from runtime.web.guards import is_here
from runtime.web.running import running
from runtime.web.visitor import (
    AT_THIS_MACHINE,
    CSRF_FIELD,
    SESSION_COOKIE,
    SUBMITTED_BY_NOBODY,
    Visitor,
    is_token,
    seated,
    visitor_of,
)

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_STALE_FORM = "This form is of another sign-in, or was not ours: go back, load the page again, and send it from there."


class UndeclaredRouteError(Exception):
    """A route does not say who may use it."""


class SignInNeededError(Exception):
    """Nobody is signed in at this browser."""


class Door(Enum):
    """What is asked before a permission is."""

    ANYONE = "anyone"  # strangers too
    PAYER = "payer"  # the link in the address is the authority
    HERE = "here"  # this machine
    SIGNED_IN = "signed in"
    MEMBER = "member"  # of the organisation that the address names, with a permission


@dataclass(frozen=True)
class Needs:
    """What a route asks of its visitor."""

    door: Door
    permission: Permission | None = None

    async def __call__(self, request: Request) -> None:
        """Ask a form for the token of the session that it was made for: HTTPException 403 for another one."""
        visitor = visitor_of(request)
        if request.method in _SAFE_METHODS or visitor is None or visitor.csrf == SUBMITTED_BY_NOBODY:
            return
        form = await request.form()
        if not is_token(visitor, form.get(CSRF_FIELD)):
            raise HTTPException(403, _STALE_FORM)


def _needs(door: Door, permission: Permission | None = None) -> Any:  # noqa: ANN401 - as FastAPI types it
    return Depends(Needs(door, permission))


ANYONE = _needs(Door.ANYONE)
PAYER = _needs(Door.PAYER)
HERE = _needs(Door.HERE)
SIGNED_IN = _needs(Door.SIGNED_IN)
SEE = _needs(Door.MEMBER, Permission.SEE)
MATCH = _needs(Door.MEMBER, Permission.MATCH)
CHASE = _needs(Door.MEMBER, Permission.CHASE)
AGREE = _needs(Door.MEMBER, Permission.AGREE)
CONFIGURE = _needs(Door.MEMBER, Permission.CONFIGURE)
SWITCH = _needs(Door.MEMBER, Permission.SWITCH)
CONNECT = _needs(Door.MEMBER, Permission.CONNECT)
PEOPLE = _needs(Door.MEMBER, Permission.PEOPLE)
EXPORT = _needs(Door.MEMBER, Permission.EXPORT)


class Route(APIRoute):
    """A route that admits its visitor before it reads what they sent."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, behind its door; UndeclaredRouteError when the route declares none."""
        handler = super().get_route_handler()
        needs = needs_of(self)

        async def admitted(request: Request) -> Response:
            visitor = await _admit(needs, request)
            app = await running(request)
            with seated(request, visitor), within(await _whose(needs, request)), framed(app):
                return await handler(request)

        return admitted


def routes(tag: str, *, prefix: str = "", dependencies: list[Any] | None = None) -> APIRouter:
    """Return a router for a module of routes; each declares who may use it, or all do by `dependencies`."""
    return APIRouter(
        prefix=prefix, tags=[tag], dependencies=dependencies, default_response_class=Response, route_class=Route
    )


def needs_of(route: APIRoute) -> Needs:
    """Return what a route asks; UndeclaredRouteError unless it declares one thing."""
    declared = [each.dependency for each in route.dependencies if isinstance(each, Declared)]
    needs = [each for each in declared if isinstance(each, Needs)]
    if len(needs) != 1:
        raise UndeclaredRouteError(_advice(route.path, "declares nothing" if not needs else "declares several things"))
    return needs[0]


def require_declarations(web: FastAPI) -> None:
    """Refuse to start while any route says not who may use it: UndeclaredRouteError names it and what to add."""
    for context in iter_route_contexts(web.routes):
        route = context.original_route
        if not isinstance(route, Route) and not _is_of_files(route):
            raise UndeclaredRouteError(_advice(str(context.path), "is made by another router"))


def _is_of_files(route: BaseRoute) -> bool:
    return isinstance(route, Mount) and route.path == "/static"


def _advice(path: str, what: str) -> str:
    return (
        f"{path} {what}: make its router with `routes(...)` of runtime.web.access and give the route one of "
        "dependencies=[SEE], [MATCH], [CHASE], [AGREE], [CONFIGURE], [SWITCH], [CONNECT], [PEOPLE], [EXPORT], "
        "[SIGNED_IN], [HERE], [PAYER] or [ANYONE] (runtime/roles.py says which role has which)"
    )


async def _admit(needs: Needs, request: Request) -> Visitor | None:
    """Return who comes in; an exception for who does not."""
    if needs.door is Door.PAYER:
        return None
    if needs.door is Door.HERE:
        if not is_here(request.scope):
            raise HTTPException(403, "This page is only served on the machine that TrueDue runs on.")
        return AT_THIS_MACHINE
    visitor = await _visitor(request)
    if needs.door is Door.ANYONE:
        return visitor
    if visitor is None:
        raise SignInNeededError
    if needs.door is Door.MEMBER:
        _require(needs.permission, visitor, request)
    return visitor


async def _whose(needs: Needs, request: Request) -> str:
    """Return the organisation whose rows a request reaches: the one that its address, or a payer's link, names."""
    if needs.door is Door.MEMBER:
        return named_organisation(request)
    if needs.door is Door.PAYER and "button" in request.path_params:
        app = await running(request)
        return app.button_links().read(request.path_params["button"])
    if needs.door is Door.PAYER and "token" in request.path_params:
        app = await running(request)
        links = app.portal_links()
        return links.read(request.path_params["token"]).organisation_id
    if needs.door is Door.PAYER and "expired" in request.path_params:
        app = await running(request)
        expired = app.portal_links()
        return expired.read_expired(request.path_params["expired"]).organisation_id
    return EVERYBODY


def named_organisation(request: Request) -> str:
    """Return the id of the organisation that an address names, empty when it names none."""
    named: str = request.path_params.get("organisation_id") or request.query_params.get("organisation", "")
    return "" if named == EVERYBODY else named


async def _visitor(request: Request) -> Visitor | None:
    app = await running(request)
    if is_here(request.scope) and app.settings.sign_in is SignInRule.LOOPBACK:
        return AT_THIS_MACHINE
    secret = request.cookies.get(SESSION_COOKIE, "")
    found = await run_in_threadpool(signed_in, app, secret) if secret else None
    return Visitor.of(found, secret) if found is not None else None


def _require(permission: Permission | None, visitor: Visitor, request: Request) -> None:
    """HTTPException 404 in an organisation that the visitor is not a member of, 403 where their role is not enough."""
    if visitor.roles is None:
        return
    role = visitor.roles.get(named_organisation(request))
    if role is None or permission is None:
        raise HTTPException(404)
    if permission not in GRANTS[role]:
        able = ", ".join(roles_with(permission))
        raise HTTPException(403, f"Your role here is {role}. This takes one of: {able}. Ask an owner.")


async def _actor(request: Request) -> str:
    visitor = visitor_of(request)
    if visitor is None:
        raise SignInNeededError
    return visitor.actor


async def _optional(request: Request) -> Visitor | None:
    return visitor_of(request)


# Who does it, as the journal names them.
Who = Annotated[str, Depends(_actor)]
# Who sits at the browser; None for a stranger.
Seated = Annotated[Visitor | None, Depends(_optional)]
