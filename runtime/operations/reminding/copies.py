"""An organisation's own words for each tone and language: kept in versions, tried before they count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from reminders.message import Message
from reminders.own_copy import our_copy, try_copy
from reminders.policy import Tone
from reminders.templating import TemplateError
from reminders.wording import LANGUAGES
from runtime.app import App
from runtime.operations.errors import InputError
from runtime.operations.reminding.compose import COPY_BROKEN, brand_of, copy_name, portal_links
from runtime.store import connections, copies, journal
from runtime.store import tables as t
from runtime.store.connections import Organisation

SAMPLE_CUSTOMER = "sample"


@dataclass(frozen=True, slots=True)
class Copy:
    """The words of a tone that count in a language; `set_by` is empty for ours."""

    language: str
    tone: Tone
    text: str
    set_by: str = ""
    set_at: datetime | None = None

    @property
    def is_own(self) -> bool:
        """Whether the organisation wrote them."""
        return bool(self.set_by)


def every_copy(db: Connection, organisation_id: str) -> list[Copy]:
    """Return the words that count, by language and tone."""
    own = copies.own_copies(db, organisation_id)
    found = []
    for language in LANGUAGES:
        for tone in Tone:
            row = own.get((language, tone.value))
            found.append(
                Copy(language, tone, row.body, row.set_by, row.set_at)
                if row is not None
                else Copy(language, tone, our_copy(language, tone))
            )
    return found


def tried(app: App, organisation: Organisation, *, language: str, tone: Tone, text: str) -> Message:
    """Render `text` on samples; InputError, in words for whoever wrote it, when it may not count."""
    _check(language)
    with app.store.read() as db:
        others = {each.tone: each.text for each in every_copy(db, organisation.id) if each.language == language}
        brand = brand_of(db, organisation)
    try:
        return try_copy(
            text,
            language=language,
            tone=tone,
            others=others,
            brand=brand,
            links=portal_links(app, organisation.id, SAMPLE_CUSTOMER),
            today=app.clock().astimezone(organisation.zone).date(),
        )
    except TemplateError as error:
        raise InputError(f"the words for {tone} ({language}) cannot count: {error}") from None


def set_copy(app: App, *, organisation: Organisation, language: str, tone: Tone, text: str, actor: str) -> None:
    """Let these words count from now on; an empty text lets ours count again. InputError when they may not."""
    _check(language)
    if text.strip():
        tried(app, organisation, language=language, tone=tone, text=text)
    copy = t.message_copy.c
    with app.store.write() as db:
        connections.lock_organisation(db, organisation.id)
        mine = (copy.organisation_id == organisation.id) & (copy.language == language) & (copy.tone == tone.value)
        version = (db.scalar(select(func.max(copy.version)).where(mine)) or 0) + 1
        db.execute(
            insert(t.message_copy).values(
                organisation_id=organisation.id,
                language=language,
                tone=tone.value,
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
            detail=f"{tone} ({language}), version {version}",
        )
        journal.resolve_problem(
            db,
            organisation_id=organisation.id,
            code=COPY_BROKEN,
            subject=copy_name(language, tone),
            at=app.clock(),
        )


def _check(language: str) -> None:
    if language not in LANGUAGES:
        raise InputError(f"{language!r} is not one of {', '.join(LANGUAGES)}")
