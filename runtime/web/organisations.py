"""The first page: the organisations, and the form that makes one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import Form, HTTPException
from starlette.responses import Response

from runtime.app import App
from runtime.operations.errors import InputError
from runtime.operations.organisations import create_organisation, time_zones
from runtime.roles import Permission
from runtime.settings import SignUp
from runtime.store import connections
from runtime.store.connections import Organisation
from runtime.web.access import SIGNED_IN, Seated, routes
from runtime.web.pages import go, page
from runtime.web.running import Running
from runtime.web.visitor import Visitor

ROUTES = routes("organisations")
Text = Annotated[str, Form()]


@ROUTES.get("/", dependencies=[SIGNED_IN])
def home(app: Running, visitor: Seated) -> Response:
    """List the visitor's organisations; the only one opens by itself, and so does the form that makes the first."""
    theirs, may = _theirs(app, visitor), may_add(app, visitor)
    if not theirs and may:
        return _form({}, is_first=True)
    if len(theirs) == 1:
        return go(f"/o/{theirs[0].id}")
    return page("organisations.html", organisations=theirs, may_add=may)


@ROUTES.get("/organisations/new", dependencies=[SIGNED_IN])
def show_form(app: Running, visitor: Seated) -> Response:
    """Show the form that makes an organisation."""
    _require_may_add(app, visitor)
    return _form({}, is_first=not _theirs(app, visitor))


@ROUTES.post("/organisations", dependencies=[SIGNED_IN], status_code=303)
def make(
    app: Running, visitor: Seated, *, name: Text = "", currency: Text = "", time_zone: Text = "", country: Text = ""
) -> Response:
    """Make an organisation, whose owner is who made it, or show the form again with what is wrong."""
    _require_may_add(app, visitor)
    given = {
        "name": name.strip(),
        "base_currency": currency.strip().upper(),
        "time_zone": time_zone.strip(),
        "country": country.strip().upper(),
    }
    try:
        organisation = create_organisation(app, **given, owner_id=visitor.person_id if visitor else None)
    except InputError as error:
        return _form(given, wrong=str(error), is_first=not _theirs(app, visitor))
    return go(f"/o/{organisation.id}/connections", "created")


def _theirs(app: App, visitor: Visitor | None) -> list[Organisation]:
    with app.store.read() as db:
        every = connections.organisations(db)
    return [each for each in every if visitor is not None and visitor.may(Permission.SEE, each.id)]


def may_add(app: App, visitor: Visitor | None) -> bool:
    """Whether the visitor may make an organisation: on this machine, or where anybody may."""
    return visitor is not None and (visitor.person_id is None or app.settings.sign_up is SignUp.ANYONE)


def _require_may_add(app: App, visitor: Visitor | None) -> None:
    if not may_add(app, visitor):
        raise HTTPException(403, "Organisations are made by whoever runs this installation: ask them.")


def _form(given: Mapping[str, str], *, is_first: bool, wrong: str = "") -> Response:
    return page(
        "organisation_new.html",
        status=400 if wrong else 200,
        given={"name": "", "base_currency": "", "time_zone": "", "country": "", **given},
        wrong=wrong,
        is_first=is_first,
        zones=sorted(time_zones()),
    )
