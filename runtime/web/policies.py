"""The page of policies: edited as a file, weighed on what is really open, and set in versions."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import Form
from starlette.responses import Response

from reminders.policy_book import EXAMPLES
from reminders.policy_file import write_policies
from runtime.app import App
from runtime.operations.errors import InputError
from runtime.operations.reminding import policies
from runtime.operations.reminding.policy_preview import Preview, preview
from runtime.web.access import CONFIGURE, SEE, Who, routes
from runtime.web.numbers import Asked
from runtime.web.pages import go, page
from runtime.web.running import Running
from runtime.web.staff import organisation_or_404
from runtime.web.work import known

ROUTES = routes("policies")
SOURCE = "the policies"  # what a complaint calls the text of the form
MAX_CHANGES_SHOWN = 100


class Step(StrEnum):
    """What a person does with the text."""

    PREVIEW = "preview"
    SET = "set"


@ROUTES.get("/o/{organisation_id}/policies", dependencies=[SEE])
def show_policies(
    app: Running, organisation_id: str, *, example: str = "", version: Asked | None = None, notice: str = ""
) -> Response:
    """Show the policies that count, an earlier version of them, or a ready example."""
    with app.store.read() as db:
        organisation_or_404(db, organisation_id)
        every = policies.versions(db, organisation_id)
    text = next((each.text for each in every if version in (None, each.version)), every[0].text)
    if example in EXAMPLES:
        text = write_policies(EXAMPLES[example])
    return _show(app, organisation_id, text, notice=notice)


@ROUTES.post("/o/{organisation_id}/policies", dependencies=[CONFIGURE])
def take_policies(
    app: Running, who: Who, organisation_id: str, *, text: Annotated[str, Form()], step: Annotated[Step, Form()]
) -> Response:
    """Show what the text would change today, or let it count; what is wrong with it is said above it."""
    organisation = known(app, organisation_id)
    text = text.replace("\r\n", "\n")  # as browsers send it
    try:
        book = policies.checked(text, source=SOURCE)
        if step is Step.SET:
            policies.set_policies(app, organisation_id=organisation_id, text=text, source=SOURCE, actor=who)
            return go(f"/o/{organisation_id}/policies", "policies_set")
    except InputError as error:
        return _show(app, organisation_id, text, wrong=str(error))
    with app.store.read() as db:
        found = preview(db, organisation, book=book, now=app.clock())
    return _show(app, organisation_id, text, weighed=found)


def _show(
    app: App, organisation_id: str, text: str, *, weighed: Preview | None = None, wrong: str = "", notice: str = ""
) -> Response:
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        every = policies.versions(db, organisation_id)
    return page(
        "policies.html",
        status=400 if wrong else 200,
        organisation=organisation,
        text=text,
        versions=every,
        examples=tuple(EXAMPLES),
        weighed=weighed,
        most=MAX_CHANGES_SHOWN,
        wrong=wrong,
        notice=notice,
    )
