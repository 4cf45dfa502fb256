"""The page of messages that wait for a person's eye before they leave."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form
from starlette.responses import Response

from reminders.approval import APPROVAL_LASTS, MAX_NOTE_CHARACTERS
from runtime.operations.reminding.approvals import decide_message, switch_approvals, take_decision_back
from runtime.operations.views.approvals import approvals_view
from runtime.web.access import CHASE, SEE, SWITCH, Who, routes
from runtime.web.pages import go, page
from runtime.web.running import Running
from runtime.web.setup import Switch
from runtime.web.staff import organisation_or_404
from runtime.web.work import WITH_KEYS, known

ROUTES = routes("approvals")
Digest = Annotated[str, Form(max_length=64)]


@ROUTES.get("/o/{organisation_id}/approvals", dependencies=[SEE])
def show_approvals(app: Running, organisation_id: str, notice: str = "") -> Response:
    """Show the messages that wait, as they would read now."""
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        view = approvals_view(app, db, organisation, now=app.clock())
    shown = page(
        "approvals.html",
        organisation=organisation,
        view=view,
        longest=MAX_NOTE_CHARACTERS,
        days=APPROVAL_LASTS.days,
        notice=notice,
    )
    shown.headers["Content-Security-Policy"] = WITH_KEYS
    return shown


@ROUTES.post("/o/{organisation_id}/settings/approvals", dependencies=[SWITCH], status_code=303)
def switch(app: Running, who: Who, organisation_id: str, approvals: Annotated[Switch, Form()]) -> Response:
    """Have a person see each message first, or not."""
    known(app, organisation_id)
    switch_approvals(app, organisation_id=organisation_id, on=approvals is Switch.ON, actor=who)
    return go(f"/o/{organisation_id}/settings", f"approvals_{approvals}")


@ROUTES.post("/o/{organisation_id}/approvals/{reminder_id}/approve", dependencies=[CHASE], status_code=303)
def approve(
    app: Running, who: Who, organisation_id: str, reminder_id: str, *, digest: Digest, note: Annotated[str, Form()] = ""
) -> Response:
    """Let a message leave as it was shown, with a note."""
    known(app, organisation_id)
    decide_message(
        app,
        organisation_id=organisation_id,
        reminder_id=reminder_id,
        digest=digest,
        approves=True,
        note=note,
        actor=who,
    )
    return go(f"/o/{organisation_id}/approvals", "message_approved")


@ROUTES.post("/o/{organisation_id}/approvals/{reminder_id}/reject", dependencies=[CHASE], status_code=303)
def reject(app: Running, who: Who, organisation_id: str, reminder_id: str, *, digest: Digest) -> Response:
    """Keep a message from leaving."""
    known(app, organisation_id)
    decide_message(
        app, organisation_id=organisation_id, reminder_id=reminder_id, digest=digest, approves=False, actor=who
    )
    return go(f"/o/{organisation_id}/approvals", "message_rejected")


@ROUTES.post("/o/{organisation_id}/message-decisions/{message_digest}/take-back", dependencies=[CHASE], status_code=303)
def take_back(app: Running, who: Who, organisation_id: str, message_digest: str) -> Response:
    """Have a message wait again for a decision."""
    known(app, organisation_id)
    take_decision_back(app, organisation_id=organisation_id, digest=message_digest, actor=who)
    return go(f"/o/{organisation_id}/approvals", "decision_taken_back")
