"""Where a mail provider posts the mails that payers send; those of nobody we know are given to an organisation."""

from __future__ import annotations

import hmac
from typing import Annotated

from fastapi import Form, HTTPException, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from runtime.operations.payers.replies.take_mail import claim_mail, read_stored_mails, store_mail
from runtime.store.tables import ID_LENGTH
from runtime.web.access import ANYONE, HERE, routes
from runtime.web.numbers import RowId
from runtime.web.pages import go
from runtime.web.running import Running

ROUTES = routes("mail")
SOURCE = "http"


@ROUTES.post("/mail", dependencies=[ANYONE], status_code=200)
async def take(app: Running, request: Request) -> Response:
    """Store a whole mail (message/rfc822) and read it.

    It comes with TRUEDUE_INBOUND_MAIL_SECRET as bearer token. The answer has no body: 200 stored, 401 another secret,
    404 while none is set.
    """
    secret = app.settings.inbound_mail_secret.get_secret_value()
    if not secret:
        raise HTTPException(404)
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not hmac.compare_digest(given.encode(), secret.encode()):
        return Response(status_code=401)
    body = await request.body()
    await run_in_threadpool(store_mail, app, body, source=SOURCE)
    await run_in_threadpool(read_stored_mails, app)
    return Response()


@ROUTES.post("/unclaimed/mails/{mail_id}", dependencies=[HERE], status_code=303)
def claim(app: Running, mail_id: RowId, organisation: Annotated[str, Form(max_length=ID_LENGTH)]) -> Response:
    """Give an unclaimed mail to an organisation."""
    claim_mail(app, mail_id=mail_id, organisation_id=organisation)
    return go("/unclaimed", "mail_claimed")
