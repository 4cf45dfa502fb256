"""What a payer is shown whose link has expired, and the one thing that they can do there: have a new one sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.background import BackgroundTask
from starlette.responses import Response

from runtime.operations.payers.new_link import asker, send_new_link
from runtime.operations.reaching.contact_language import language_of
from runtime.portal_links import LIFETIME_DAYS, Opened
from runtime.store.connections import Organisation
from runtime.web.access import PAYER, routes
from runtime.web.languages import Language, choose, language
from runtime.web.pages import go, page
from runtime.web.portal import ACTOR
from runtime.web.running import Running

ROUTES = routes("portal", prefix="/new-link/{expired}", dependencies=[PAYER])
ASKED = "link_asked"


@dataclass(frozen=True, slots=True)
class Late:
    """A payer who came too late: with which link, whose it was, and in which language they read."""

    expired: str
    opened: Opened
    organisation: Organisation
    language: Language


def late(request: Request, app: Running, expired: str) -> Late:
    """Return who comes with this link; LinkError unless it is ours, has expired, and was ended by nobody."""
    opened = app.portal_links().read_expired(expired)
    with app.store.read() as db:
        found = asker(db, opened)
    accepted = request.headers.get("accept-language", "")
    spoken = language(choose(chosen=found.language, accepted=accepted, fallback=language_of(found.country)))
    request.state.language = spoken
    return Late(expired, opened, found.organisation, spoken)


TooLate = Annotated[Late, Depends(late)]


@ROUTES.get("")
def show_expired(visiting: TooLate, notice: str = "") -> Response:
    """Say that the link has ended, and offer a new one; nothing is shown of whose it was."""
    return page(
        "portal_new_link.html",
        notice=notice,
        spoken=visiting.language,
        organisation=visiting.organisation,
        expired=visiting.expired,
        days=LIFETIME_DAYS,
        asked=notice == ASKED,
    )


@ROUTES.post("", status_code=303)
def ask_for_another(app: Running, visiting: TooLate) -> Response:
    """Have a new link sent; the answer is given before it is looked whether one can be, so its time tells nothing."""
    answer = go(f"/new-link/{visiting.expired}", ASKED)
    answer.background = BackgroundTask(send_new_link, app, visiting.opened, actor=ACTOR)
    return answer
