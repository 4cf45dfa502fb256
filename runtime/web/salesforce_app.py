"""A customer's statement of account for the panel in Salesforce, asked for by the package with the key of its org.

The person's permissions are asked in Salesforce: the package reads the account as them before it calls. Here the key
says which org it is; what is given is that org's organisation's, and only while the org is connected.
"""

from __future__ import annotations

import hmac

from fastapi import HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from connectors import registry
from connectors.records import Kind
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.payers.print_statement import print_statement
from runtime.operations.reaching.contact_language import language_for
from runtime.operations.views.portal import portal
from runtime.store import connections
from runtime.store.isolation import within
from runtime.store.links import links_to
from runtime.web.access import ANYONE, routes
from runtime.web.running import Running

PATH = "/apps/salesforce/statement"
HEADER = "x-truedue-key"
SYSTEM = "salesforce"
ROUTES = routes("salesforce app")


class Asked(BaseModel):
    """Whose statement: Salesforce's ids of the org and the account."""

    model_config = ConfigDict(extra="forbid")

    org: str = Field(max_length=18)
    account: str = Field(max_length=18)


@ROUTES.post(PATH, dependencies=[ANYONE])
async def give_statement(app: Running, request: Request) -> Response:
    """Give the statement as PDF.

    401 for another key than `truedue key knock` printed for this org, 404 with a sentence in `said` where nobody knows
    the customer, 409 where it cannot be printed, 404 while TRUEDUE_SALESFORCE_WEBHOOK_SECRET is not set.
    """
    secret = app.settings.salesforce_webhook_secret.get_secret_value()
    if not secret:
        raise HTTPException(404)
    try:
        asked = Asked.model_validate_json(await request.body())
    except ValidationError:
        return _refused(400, "The package and this installation do not understand each other: update the package.")
    key_of = registry.declaration(SYSTEM).knock_key
    given = request.headers.get(HEADER, "")
    if key_of is None or not hmac.compare_digest(key_of(secret, asked.org).encode(), given.encode()):
        return _refused(401, "TrueDue does not know this org's key: ask your administrator to enter it again.")
    return await run_in_threadpool(_printed, app, asked)


def _printed(app: App, asked: Asked) -> Response:
    with app.store.read() as db:
        connection = connections.connection_for_account(db, SYSTEM, asked.org)
    if connection is None:
        return _refused(404, "This org is not connected to TrueDue.")
    now = app.clock()
    with within(connection.organisation_id), app.store.read() as db:
        organisation = connections.organisation(db, connection.organisation_id)
        links = links_to(db, connection.organisation_id, SYSTEM, Kind.CUSTOMER.value, [asked.account])
        link = links.get(asked.account)
        account = portal(db, organisation, link["local_id"], now=now) if organisation and link else None
        if organisation is None or account is None:
            return _refused(404, "TrueDue does not know yet which customer of the ledger this account is.")
        language = language_for(db, organisation.id, account.customer_id, account.country)
    try:
        pdf = print_statement(organisation, account, language=language, now=now)
    except RefusedError as error:
        return _refused(409, str(error))
    return Response(pdf, media_type="application/pdf")


def _refused(status: int, said: str) -> Response:
    return JSONResponse({"said": said}, status)
