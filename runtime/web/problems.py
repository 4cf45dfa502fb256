"""The problems page: what waits for a person, what was set aside, and notices of accounts nobody connected."""

from __future__ import annotations

from starlette.responses import Response

from runtime.operations.inbox.set_aside import Queue, replay, set_aside
from runtime.operations.payers.replies.take_mail import unclaimed_mails
from runtime.operations.reminding.in_doubt import settle_doubt
from runtime.operations.systems.looked_at import looked_at
from runtime.operations.views import receipts
from runtime.store import connections
from runtime.web.access import AGREE, CHASE, HERE, SEE, Who, routes
from runtime.web.numbers import RowId
from runtime.web.pages import go, page
from runtime.web.running import Running
from runtime.web.staff import organisation_or_404
from runtime.web.work import known

ROUTES = routes("problems")


@ROUTES.get("/o/{organisation_id}/problems", dependencies=[SEE])
def show_problems(app: Running, organisation_id: str, notice: str = "") -> Response:
    """List what waits for a person."""
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        view = receipts.problems(db, organisation.id)
        rows = set_aside(db, organisation.id)
    return page("problems.html", organisation=organisation, problems=view, rows=rows, notice=notice)


@ROUTES.post("/o/{organisation_id}/problems/{queue}/{row_id}/replay", dependencies=[AGREE], status_code=303)
def try_again(app: Running, who: Who, organisation_id: str, queue: Queue, row_id: RowId) -> Response:
    """Work a row off again that was set aside."""
    known(app, organisation_id)
    replay(app, organisation_id=organisation_id, queue=queue, row_id=row_id, actor=who)
    return go(f"/o/{organisation_id}/problems", "replayed")


@ROUTES.post("/o/{organisation_id}/problems/{code}/{subject}/looked-at", dependencies=[AGREE], status_code=303)
def it_was_looked_at(app: Running, who: Who, organisation_id: str, code: str, subject: str) -> Response:
    """Say that a problem was looked at which nothing else settles."""
    known(app, organisation_id)
    looked_at(app, organisation_id=organisation_id, code=code, subject=subject, actor=who)
    return go(f"/o/{organisation_id}/problems", "looked_at")


@ROUTES.post("/o/{organisation_id}/problems/reminders/{reminder_id}/sent", dependencies=[CHASE], status_code=303)
def it_left(app: Running, who: Who, organisation_id: str, reminder_id: str) -> Response:
    """Say that a reminder in doubt left."""
    known(app, organisation_id)
    settle_doubt(app, organisation_id=organisation_id, reminder_id=reminder_id, was_sent=True, actor=who)
    return go(f"/o/{organisation_id}/problems", "reminder-sent")


@ROUTES.post("/o/{organisation_id}/problems/reminders/{reminder_id}/not-sent", dependencies=[CHASE], status_code=303)
def it_did_not_leave(app: Running, who: Who, organisation_id: str, reminder_id: str) -> Response:
    """Say that a reminder in doubt did not leave."""
    known(app, organisation_id)
    settle_doubt(app, organisation_id=organisation_id, reminder_id=reminder_id, was_sent=False, actor=who)
    return go(f"/o/{organisation_id}/problems", "reminder-not-sent")


@ROUTES.get("/unclaimed", dependencies=[HERE])
def show_unclaimed(app: Running, notice: str = "") -> Response:
    """List the notices whose account nobody has connected, and bodies that cannot be read."""
    with app.store.read() as db:
        rows = set_aside(db, None)
        mails = unclaimed_mails(db)
        organisations = connections.organisations(db)
    return page("unclaimed.html", rows=rows, mails=mails, organisations=organisations, notice=notice)


@ROUTES.post("/unclaimed/{row_id}/replay", dependencies=[HERE], status_code=303)
def read_again(app: Running, who: Who, row_id: RowId) -> Response:
    """Read a webhook again that could not be read, with what is known of its vendor today."""
    replay(app, organisation_id=None, queue=Queue.INBOX, row_id=row_id, actor=who)
    return go("/unclaimed", "replayed")
