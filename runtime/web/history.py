"""The audit trail: its page with filters, and the same lines as a file."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Query
from starlette.responses import Response

from runtime.operations.views.history import MAX_ACTOR_CHARS, MAX_PAGE, Asked, history, whole_history
from runtime.web.access import EXPORT, SEE, routes
from runtime.web.action_words import ACTIONS
from runtime.web.days import MAX_DAY_CHARS, day_of
from runtime.web.exports import download
from runtime.web.pages import page
from runtime.web.running import Running
from runtime.web.staff import organisation_or_404
from runtime.web.words import done, told, who

ROUTES = routes("history")
COLUMNS = ("at", "who", "what", "action", "about", "subject", "detail")
MAX_ACTION_CHARS = 64
Day = Annotated[str, Query(max_length=MAX_DAY_CHARS)]


def asked(
    actor: Annotated[str, Query(alias="who", max_length=MAX_ACTOR_CHARS)] = "",
    what: Annotated[str, Query(max_length=MAX_ACTION_CHARS)] = "",
    since: Annotated[Day, Query(alias="from")] = "",
    until: Annotated[Day, Query(alias="to")] = "",
) -> Asked:
    """Return which lines a form asks for; what is left empty narrows nothing."""
    return Asked(actor.strip(), what, day_of(since) if since else None, day_of(until) if until else None)


Wanted = Annotated[Asked, Depends(asked)]


@ROUTES.get("/o/{organisation_id}/history", dependencies=[SEE])
def show_history(
    app: Running,
    organisation_id: str,
    wanted: Wanted,
    number: Annotated[int, Query(alias="page", ge=1, le=MAX_PAGE)] = 1,
) -> Response:
    """Show what happened, the newest first."""
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        view = history(db, organisation, wanted, page=number)
    chosen = {"who": wanted.who, "what": wanted.what, "from": wanted.since, "to": wanted.until}
    return page(
        "history.html",
        organisation=organisation,
        view=view,
        wanted=wanted,
        query=urlencode({name: value for name, value in chosen.items() if value}),
        actions=sorted(ACTIONS.items(), key=lambda each: each[1]),
        longest=MAX_ACTOR_CHARS,
    )


@ROUTES.get("/o/{organisation_id}/history.csv", dependencies=[EXPORT])
def download_history(app: Running, organisation_id: str, wanted: Wanted) -> Response:
    """Give the lines that are asked for as a file; times are UTC."""
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        lines = whole_history(db, organisation, wanted)
    rows = (
        (
            each.at.astimezone(UTC).isoformat(),
            who(each.actor),
            done(each.action),
            each.action,
            each.about,
            each.subject,
            told(each.detail, each.action),
        )
        for each in lines
    )
    return download("history.csv", COLUMNS, rows)
