"""Bank accounts that the processor reads: linked, looked at and confirmed on the settings page."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import Form
from starlette.responses import Response

from runtime.operations.bank_feeds.link import begin_feed, confirm_feed, end_feed
from runtime.operations.bank_feeds.read import read_feeds
from runtime.web.access import CONFIGURE, Who, routes
from runtime.web.pages import go, page
from runtime.web.running import Running
from runtime.web.staff import organisation_or_404
from runtime.web.work import known

ROUTES = routes("bank feeds")


class Sign(StrEnum):
    """Which lines of a feed are money in."""

    POSITIVE = "positive"
    NEGATIVE = "negative"


@ROUTES.post("/o/{organisation_id}/settings/feed", dependencies=[CONFIGURE])
def begin(app: Running, who: Who, organisation_id: str, handle: Annotated[str, Form()]) -> Response:
    """Lead to the processor's page on which a bank account is linked; no form may lead there itself."""
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
    back_to = f"{app.settings.public_url.rstrip('/')}/o/{organisation_id}/settings"
    address = begin_feed(app, organisation_id=organisation_id, handle=handle, back_to=back_to, actor=who)
    return page("bank_feed_begun.html", organisation=organisation, address=address)


@ROUTES.post("/o/{organisation_id}/settings/feeds/look", dependencies=[CONFIGURE], status_code=303)
def look(app: Running, organisation_id: str) -> Response:
    """Ask the processor what was linked and read since."""
    known(app, organisation_id)
    read_feeds(app, organisation_id)
    return go(f"/o/{organisation_id}/settings", "feeds_read")


@ROUTES.post("/o/{organisation_id}/settings/feeds/{feed_id}/confirm", dependencies=[CONFIGURE], status_code=303)
def confirm(app: Running, who: Who, organisation_id: str, feed_id: str, money_in: Annotated[Sign, Form()]) -> Response:
    """Switch a feed on by what a person says of its first lines."""
    known(app, organisation_id)
    is_positive = money_in is Sign.POSITIVE
    confirm_feed(app, organisation_id=organisation_id, feed_id=feed_id, money_in_is_positive=is_positive, actor=who)
    return go(f"/o/{organisation_id}/settings", "feed_on")


@ROUTES.post("/o/{organisation_id}/settings/feeds/{feed_id}/end", dependencies=[CONFIGURE], status_code=303)
def end(app: Running, who: Who, organisation_id: str, feed_id: str) -> Response:
    """Take nothing more from a feed."""
    known(app, organisation_id)
    end_feed(app, organisation_id=organisation_id, feed_id=feed_id, actor=who)
    return go(f"/o/{organisation_id}/settings", "feed_ended")
