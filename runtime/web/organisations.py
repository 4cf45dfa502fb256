"""The first page: the organisations, and the form that makes one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated
from zoneinfo import available_timezones

from fastapi import APIRouter, Form
from starlette.responses import Response

from runtime.operations.errors import InputError
from runtime.operations.organisations import create_organisation
from runtime.store import connections
from runtime.web.pages import go, page
from runtime.web.running import Running

ROUTES = APIRouter(tags=["organisations"], default_response_class=Response)
Text = Annotated[str, Form()]


@ROUTES.get("/")
def home(app: Running) -> Response:
    """List the organisations; the only one opens by itself, and without one the form to make it is shown."""
    with app.store.read() as db:
        every = connections.organisations(db)
    if not every:
        return _form({}, is_first=True)
    return go(f"/o/{every[0].id}") if len(every) == 1 else page("organisations.html", organisations=every)


@ROUTES.get("/organisations/new")
def show_form(app: Running) -> Response:
    """Show the form that makes an organisation."""
    with app.store.read() as db:
        return _form({}, is_first=not connections.organisations(db))


@ROUTES.post("/organisations", status_code=303)
def make(app: Running, name: Text = "", currency: Text = "", time_zone: Text = "", country: Text = "") -> Response:
    """Make an organisation, or show the form again with what is wrong."""
    given = {
        "name": name.strip(),
        "base_currency": currency.strip().upper(),
        "time_zone": time_zone.strip(),
        "country": country.strip().upper(),
    }
    try:
        organisation = create_organisation(app, **given)
    except InputError as error:
        with app.store.read() as db:
            return _form(given, wrong=str(error), is_first=not connections.organisations(db))
    return go(f"/o/{organisation.id}/connections", "created")


def _form(given: Mapping[str, str], *, is_first: bool, wrong: str = "") -> Response:
    return page(
        "organisation_new.html",
        status=400 if wrong else 200,
        given={"name": "", "base_currency": "", "time_zone": "", "country": "", **given},
        wrong=wrong,
        is_first=is_first,
        zones=sorted(available_timezones()),
    )
