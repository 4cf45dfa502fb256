"""Routes that vendors and their consent pages call."""

from __future__ import annotations

from fastapi import HTTPException, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from connectors import registry
from runtime.app import App
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.inbox.take_webhook import BadSignatureError
from runtime.operations.organisations import OWNER
from runtime.operations.payers.short_links import portal_token
from runtime.operations.reaching.carrier_webhooks import has_webhooks, take_carrier_webhook
from runtime.operations.systems.connect import begin_connect, finish_connect
from runtime.roles import Permission
from runtime.store import connections
from runtime.store.connections import VendorConnection
from runtime.web.access import ANYONE, CONNECT, PAYER, Seated, routes
from runtime.web.pages import go, page
from runtime.web.running import Running
from runtime.web.visitor import Visitor

ROUTES = routes("vendors")


@ROUTES.post("/webhooks/{system}", dependencies=[ANYONE], status_code=200, response_class=Response)
async def webhook(app: Running, system: str, request: Request) -> Response:
    """Store a signed webhook; the answer has no body: 200 stored, 401 not signed by the vendor, 503 come again."""
    # The lane of webhooks takes those of the systems we know: here come those of carriers, far fewer, and others.
    if not has_webhooks(system):
        raise HTTPException(404, f"there is no system {system!r} here")
    body = await request.body()
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        await run_in_threadpool(take_carrier_webhook, app, name=system, headers=headers, body=body)
    except BadSignatureError:
        return Response(status_code=401)
    return Response()


@ROUTES.get("/connect/{system}", dependencies=[CONNECT], status_code=303, response_class=RedirectResponse)
def connect(app: Running, system: str, visitor: Seated, organisation: str = "") -> RedirectResponse:
    """Lead a person to the vendor's consent page."""
    if system not in registry.SYSTEMS:
        raise HTTPException(404)
    with app.store.read() as db:
        if connections.organisation(db, organisation) is None:
            raise HTTPException(404)
    return RedirectResponse(_begin(app, organisation, system, visitor), 303)


@ROUTES.get("/connect/{system}/callback", dependencies=[ANYONE], status_code=303, response_class=RedirectResponse)
def callback(app: Running, system: str, request: Request, visitor: Seated) -> Response:
    """Take the person back from the vendor."""
    if system not in registry.SYSTEMS:
        raise HTTPException(404)
    try:
        connection = finish_connect(
            app,
            system=system,
            query=dict(request.query_params),
            person_id=visitor.person_id if visitor else None,
            actor=visitor.actor if visitor else OWNER,
        )
    except RefusedError as error:
        raise InputError(str(error)) from error
    app.wake()
    return _welcome_back(visitor, connection)


@ROUTES.get("/t/{code}", dependencies=[PAYER], status_code=303, response_class=RedirectResponse)
def short(app: Running, code: str) -> RedirectResponse:
    """Lead a payer from a short address, as a text or a letter has it, to their own page."""
    return RedirectResponse(f"/p/{portal_token(app, code)}", 303)


def _begin(app: App, organisation_id: str, system: str, visitor: Visitor | None) -> str:
    person_id = visitor.person_id if visitor else None
    return begin_connect(app, organisation_id=organisation_id, system=system, person_id=person_id)


def _welcome_back(visitor: Visitor | None, connection: VendorConnection) -> Response:
    """Lead to the staff pages where the visitor sees them; for anybody else a page of its own ends it."""
    if visitor is not None and visitor.may(Permission.SEE, connection.organisation_id):
        return go(f"/o/{connection.organisation_id}/connections", "connected")
    return page("connected.html", connection=connection)
