"""An organisation's own words for its messages: kept in versions, tried before they count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from reminders.message import Message
from reminders.own_copy import CopyKind, our_copy, try_copy, try_script, try_text, try_thanks
from reminders.policy import Tone
from reminders.templating import TemplateError
from reminders.wording import LANGUAGES
from runtime.app import App
from runtime.operations.errors import InputError
from runtime.operations.payers.short_links import sample_link
from runtime.operations.reminding.compose import COPY_BROKEN, brand_of, copy_name, portal_links, spoken_of
from runtime.store import connections, copies, journal
from runtime.store import tables as t
from runtime.store.connections import Organisation

SAMPLE_CUSTOMER = "sample"


@dataclass(frozen=True, slots=True)
class Copy:
    """The words that count for a kind of message; `set_by` is empty for ours."""

    kind: CopyKind
    language: str
    tone: Tone | None
    text: str
    set_by: str = ""
    set_at: datetime | None = None

    @property
    def is_own(self) -> bool:
        """Whether the organisation wrote them."""
        return bool(self.set_by)


def every_copy(db: Connection, organisation_id: str, kind: CopyKind) -> list[Copy]:
    """Return the words of a kind that count, by language and tone."""
    own = copies.own_copies(db, organisation_id)
    found = []
    for language in LANGUAGES:
        for tone in kind.tones:
            row = own.get((kind, language, tone))
            found.append(
                Copy(kind, language, tone, row.body, row.set_by, row.set_at)
                if row is not None
                else Copy(kind, language, tone, our_copy(language, tone, kind))
            )
    return found


def tried(
    app: App, organisation: Organisation, *, kind: CopyKind, language: str, tone: Tone | None, text: str
) -> Message | str:
    """Render `text` on samples; InputError, in words for whoever wrote it, when it may not count.

    It is an e-mail, or for texts and calls what is read or said.
    """
    _check(kind, language, tone)
    with app.store.read() as db:
        same_language = [each for each in every_copy(db, organisation.id, kind) if each.language == language]
        brand = brand_of(db, organisation)
    others = {each.tone: each.text for each in same_language if each.tone is not None}
    links = portal_links(app, organisation.id, SAMPLE_CUSTOMER)
    today = app.clock().astimezone(organisation.zone).date()
    try:
        match kind, tone:
            case CopyKind.TEXT, Tone():
                link, sender = sample_link(app), organisation.name
                return try_text(
                    text, language=language, tone=tone, others=others, sender=sender, link=link, today=today
                )
            case CopyKind.CALL, _:
                return try_script(text, language=language, sender=organisation.name, today=today)
            case CopyKind.EMAIL, Tone():
                return try_copy(
                    text, language=language, tone=tone, others=others, brand=brand, links=links, today=today
                )
        return try_thanks(text, language=language, brand=brand, links=links, today=today)
    except TemplateError as error:
        raise InputError(f"the words for {spoken_of((kind, language, tone))} cannot count: {error}") from None


def set_copy(
    app: App, *, organisation: Organisation, kind: CopyKind, language: str, tone: Tone | None, text: str, actor: str
) -> None:
    """Let these words count from now on; an empty text lets ours count again. InputError when they may not."""
    _check(kind, language, tone)
    if text.strip():
        tried(app, organisation, kind=kind, language=language, tone=tone, text=text)
    name, copy, written_tone = (kind, language, tone), t.message_copy.c, tone.value if tone else ""
    with app.store.write() as db:
        connections.lock_organisation(db, organisation.id)
        mine = (copy.organisation_id == organisation.id) & (copy.kind == kind.value)
        mine &= (copy.language == language) & (copy.tone == written_tone)
        version = (db.scalar(select(func.max(copy.version)).where(mine)) or 0) + 1
        db.execute(
            insert(t.message_copy).values(
                organisation_id=organisation.id,
                kind=kind.value,
                language=language,
                tone=written_tone,
                version=version,
                body=text if text.strip() else "",
                set_by=actor,
                set_at=app.clock(),
            )
        )
        journal.record(
            db,
            organisation_id=organisation.id,
            at=app.clock(),
            actor=actor,
            action="copy_set",
            subject=organisation.id,
            detail=f"{spoken_of(name)}, version {version}",
        )
        journal.resolve_problem(
            db, organisation_id=organisation.id, code=COPY_BROKEN, subject=copy_name(name), at=app.clock()
        )


def _check(kind: CopyKind, language: str, tone: Tone | None) -> None:
    if language not in LANGUAGES:
        raise InputError(f"{language!r} is not one of {', '.join(LANGUAGES)}")
    if tone not in kind.tones:
        raise InputError(f"choose a tone for {kind}" if tone is None else f"words for {kind} have no tone")
