"""How pages for payers look: colour, logo, and what a phone asks for that keeps such a page on its first screen."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from fastapi import File, Form, HTTPException, UploadFile
from starlette.responses import Response

from reminders.policy import Tone
from runtime.app import App
from runtime.operations.payers.brand import ICON_SIZES, brand, icon, logo, set_colour, set_logo, stylesheet
from runtime.operations.reminding.signatures import MAX_SIGNATURE_CHARS, sign_as
from runtime.store import connections
from runtime.web.access import CONFIGURE, PAYER, Who, routes
from runtime.web.pages import go
from runtime.web.running import Running
from runtime.web.work import known

ROUTES = routes("brand")
_SHORT_NAME_CHARS = 12  # what fits below an icon


@ROUTES.post("/o/{organisation_id}/settings/colour", dependencies=[CONFIGURE], status_code=303)
def take_colour(app: Running, who: Who, organisation_id: str, colour: Annotated[str, Form(max_length=20)]) -> Response:
    """Keep the colour of the pages for payers."""
    known(app, organisation_id)
    set_colour(app, organisation_id=organisation_id, colour=colour, actor=who)
    return go(f"/o/{organisation_id}/settings", "brand_changed")


@ROUTES.post("/o/{organisation_id}/settings/logo", dependencies=[CONFIGURE], status_code=303)
def take_logo(
    app: Running, who: Who, organisation_id: str, logo: Annotated[UploadFile | None, File()] = None
) -> Response:
    """Keep the logo of the pages for payers, or take it away where no file comes."""
    known(app, organisation_id)
    set_logo(app, organisation_id=organisation_id, content=logo.file.read() if logo else b"", actor=who)
    return go(f"/o/{organisation_id}/settings", "brand_changed")


@ROUTES.post("/o/{organisation_id}/settings/signature", dependencies=[CONFIGURE], status_code=303)
def take_signature(
    app: Running,
    who: Who,
    organisation_id: str,
    *,
    tone: Annotated[Tone | Literal[""], Form()] = "",
    name: Annotated[str, Form(max_length=MAX_SIGNATURE_CHARS)] = "",
) -> Response:
    """Keep who signs messages of a tone, or all others; an empty name takes it back."""
    known(app, organisation_id)
    sign_as(app, organisation_id=organisation_id, tone=tone or None, name=name, actor=who)
    return go(f"/o/{organisation_id}/settings", "signature_changed")


@ROUTES.get("/p/{token}/brand.css", dependencies=[PAYER])
def payers_style(app: Running, token: str) -> Response:
    """Give the colour of a payer's page."""
    return _style(app, app.portal_links().read(token).organisation_id)


@ROUTES.get("/pay/{button}/brand.css", dependencies=[PAYER])
def buttons_style(app: Running, button: str) -> Response:
    """Give the colour of the page behind a pay-now button."""
    return _style(app, app.button_links().read(button))


@ROUTES.get("/p/{token}/logo.png", dependencies=[PAYER])
def payers_logo(app: Running, token: str) -> Response:
    """Give the logo of a payer's page."""
    return _logo(app, app.portal_links().read(token).organisation_id)


@ROUTES.get("/pay/{button}/logo.png", dependencies=[PAYER])
def buttons_logo(app: Running, button: str) -> Response:
    """Give the logo of the page behind a pay-now button."""
    return _logo(app, app.button_links().read(button))


@ROUTES.get("/p/{token}/app.webmanifest", dependencies=[PAYER])
def manifest(app: Running, token: str) -> Response:
    """Say how a phone keeps a payer's page on its first screen; nothing of it is kept there but the address."""
    organisation_id = app.portal_links().read(token).organisation_id
    with app.store.read() as db:
        organisation = connections.organisation(db, organisation_id)
        colour = brand(db, organisation_id).colour
    if organisation is None:
        raise HTTPException(404)
    icons = [
        {"src": f"/p/{token}/icon-{size}.png", "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
        for size in ICON_SIZES
        for purpose in ("any", "maskable")
    ]
    said = {
        "name": organisation.name,
        "short_name": organisation.name[:_SHORT_NAME_CHARS].strip(),
        "start_url": f"/p/{token}",
        "scope": f"/p/{token}",
        "display": "standalone",
        "background_color": "#ffffff",
        "theme_color": colour,
        "icons": icons,
    }
    return Response(json.dumps(said, ensure_ascii=False), media_type="application/manifest+json")


@ROUTES.get("/p/{token}/icon-{size}.png", dependencies=[PAYER])
def payers_icon(app: Running, token: str, size: int) -> Response:
    """Draw the icon of a payer's page."""
    if size not in ICON_SIZES:
        raise HTTPException(404)
    organisation_id = app.portal_links().read(token).organisation_id
    with app.store.read() as db:
        colour = brand(db, organisation_id).colour
    return Response(icon(colour, size), media_type="image/png")


def _style(app: App, organisation_id: str) -> Response:
    with app.store.read() as db:
        return Response(stylesheet(brand(db, organisation_id).colour), media_type="text/css")


def _logo(app: App, organisation_id: str) -> Response:
    with app.store.read() as db:
        picture = logo(db, organisation_id)
    if picture is None:
        raise HTTPException(404)
    return Response(picture, media_type="image/png")
