"""The page of messages: the words of each kind, tone and language, edited, tried on samples, and looked at."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, TypedDict

from fastapi import Form
from starlette.responses import Response

from reminders.own_copy import CopyKind
from reminders.policy import Tone
from reminders.text_message import MAX_SEGMENTS, segments
from reminders.wording import LANGUAGES
from runtime.app import App
from runtime.operations.errors import InputError
from runtime.operations.reminding.copies import every_copy, set_copy, tried
from runtime.store.copies import CopyName
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
    kind: CopyKind = CopyKind.EMAIL,
    language: Language = Language.EN,
    tone: Tone = Tone.FRIENDLY,
    notice: str = "",
) -> Response:
    """Show the words of a kind of message, of a tone where it has tones."""
    return _show(app, organisation_id, _name(kind, language, tone), notice=notice)


@ROUTES.post("/o/{organisation_id}/messages", dependencies=[CONFIGURE])
def take_message(
    app: Running,
    who: Who,
    organisation_id: str,
    *,
    language: Annotated[Language, Form()],
    step: Annotated[Step, Form()],
    kind: Annotated[CopyKind, Form()] = CopyKind.EMAIL,
    tone: Annotated[Tone, Form()] = Tone.FRIENDLY,
    text: Annotated[str, Form()] = "",
) -> Response:
    """Show what the words make, let them count, or let ours count again."""
    organisation = known(app, organisation_id)
    text = text.replace("\r\n", "\n")  # as browsers send it
    name = _name(kind, language, tone)
    named: _Named = {"kind": kind, "language": language, "tone": name[2]}
    try:
        if step is Step.LOOK:
            made = tried(app, organisation, **named, text=text)
            if isinstance(made, str):
                return _show(app, organisation_id, name, text=text, made=made)
            return Response(made.html, media_type="text/html", headers={"Content-Security-Policy": MAIL_POLICY})
        if step is Step.SET and not text.strip():
            raise InputError("there are no words: write some, or go back to ours")
        kept = "" if step is Step.OURS else text
        set_copy(app, organisation=organisation, **named, text=kept, actor=who)
    except InputError as error:
        return _show(app, organisation_id, name, text=text, wrong=str(error))
    return go(f"/o/{organisation_id}/messages?kind={kind}&language={language}&tone={tone}", "copy_set")


class _Named(TypedDict):
    kind: CopyKind
    language: str
    tone: Tone | None


def _name(kind: CopyKind, language: Language, tone: Tone) -> CopyName:
    """What words are called: of a kind that has the same for all tones, without the tone."""
    return kind, language.value, tone if tone in kind.tones else None


def _show(
    app: App,
    organisation_id: str,
    name: CopyName,
    *,
    text: str | None = None,
    wrong: str = "",
    made: str = "",
    notice: str = "",
) -> Response:
    """Show words; `made` is the text or script that they make, where somebody wants to see it."""
    kind, language, tone = name
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        every = every_copy(db, organisation_id, kind)
    (chosen,) = [each for each in every if (each.language, each.tone) == (language, tone)]
    return page(
        "messages.html",
        status=400 if wrong else 200,
        organisation=organisation,
        every=every,
        kinds=tuple(CopyKind),
        languages=LANGUAGES,
        chosen=chosen,
        text=chosen.text if text is None else text,
        wrong=wrong,
        made=made,
        segments=segments(made) if made and kind is CopyKind.TEXT else 0,
        most_segments=MAX_SEGMENTS,
        notice=notice,
    )
