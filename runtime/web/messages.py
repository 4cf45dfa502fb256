"""The page of messages: the words of each tone and language, edited, tried on a sample, and looked at as e-mail."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import Form
from starlette.responses import Response

from reminders.policy import Tone
from reminders.wording import LANGUAGES
from runtime.app import App
from runtime.operations.errors import InputError
from runtime.operations.reminding.copies import every_copy, set_copy, tried
from runtime.web.access import CONFIGURE, SEE, Who, routes
from runtime.web.pages import go, page
from runtime.web.running import Running
from runtime.web.staff import organisation_or_404
from runtime.web.work import known

ROUTES = routes("messages")
# An e-mail styles itself inline and loads nothing.
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


class Step(StrEnum):
    """What a person does with the words."""

    LOOK = "look"
    SET = "set"
    OURS = "ours"


class Language(StrEnum):
    """A language that messages are written in."""

    EN = "en"
    DE = "de"
    FR = "fr"


@ROUTES.get("/o/{organisation_id}/messages", dependencies=[SEE])
def show_messages(
    app: Running,
    organisation_id: str,
    *,
    language: Language = Language.EN,
    tone: Tone = Tone.FRIENDLY,
    notice: str = "",
) -> Response:
    """Show the words of a tone."""
    return _show(app, organisation_id, language, tone, notice=notice)


@ROUTES.post("/o/{organisation_id}/messages", dependencies=[CONFIGURE])
def take_message(
    app: Running,
    who: Who,
    organisation_id: str,
    *,
    language: Annotated[Language, Form()],
    tone: Annotated[Tone, Form()],
    step: Annotated[Step, Form()],
    text: Annotated[str, Form()] = "",
) -> Response:
    """Show the e-mail that the words make, let them count, or let ours count again."""
    organisation = known(app, organisation_id)
    text = text.replace("\r\n", "\n")  # as browsers send it
    try:
        if step is Step.LOOK:
            message = tried(app, organisation, language=language, tone=tone, text=text)
            headers = {"Content-Security-Policy": MAIL_POLICY}
            return Response(message.html, media_type="text/html", headers=headers)
        if step is Step.SET and not text.strip():
            raise InputError("there are no words: write some, or go back to ours")
        kept = "" if step is Step.OURS else text
        set_copy(app, organisation=organisation, language=language, tone=tone, text=kept, actor=who)
    except InputError as error:
        return _show(app, organisation_id, language, tone, text=text, wrong=str(error))
    return go(f"/o/{organisation_id}/messages?language={language}&tone={tone}", "copy_set")


def _show(
    app: App,
    organisation_id: str,
    language: str,
    tone: Tone,
    *,
    text: str | None = None,
    wrong: str = "",
    notice: str = "",
) -> Response:
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        every = every_copy(db, organisation_id)
    (chosen,) = [each for each in every if (each.language, each.tone) == (language, tone)]
    return page(
        "messages.html",
        status=400 if wrong else 200,
        organisation=organisation,
        every=every,
        languages=LANGUAGES,
        tones=tuple(Tone),
        chosen=chosen,
        text=chosen.text if text is None else text,
        wrong=wrong,
        notice=notice,
    )
