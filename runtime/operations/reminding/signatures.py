"""Who signs messages: a person or a team, of every message or of one tone. Else accounts receivable do."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, delete, select

from reminders.policy import Tone
from runtime.app import App
from runtime.operations.errors import InputError
from runtime.store import connections, journal
from runtime.store import tables as t
from runtime.store.rows import upsert

MAX_SIGNATURE_CHARS = 80
EVERY_TONE = ""  # stands in place of a tone: whoever signs what no tone has a name for


def sign_as(app: App, *, organisation_id: str, tone: Tone | None, name: str, actor: str) -> None:
    """Let `name` sign messages of a tone, None: all that have no name of their own. An empty one takes it back.

    InputError for a name that is too long or no line of text.
    """
    said = name.strip()
    if len(said) > MAX_SIGNATURE_CHARS or not said.isprintable():
        raise InputError(f"a name is one line of at most {MAX_SIGNATURE_CHARS} characters")
    of = tone.value if tone else EVERY_TONE
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        mine = (t.signature.c.organisation_id == organisation_id) & (t.signature.c.tone == of)
        if said:
            row = {"organisation_id": organisation_id, "tone": of, "name": said}
            upsert(db, t.signature, [row], keys=["organisation_id", "tone"])
        else:
            db.execute(delete(t.signature).where(mine))
        journal.record(
            db,
            organisation_id=organisation_id,
            at=app.clock(),
            actor=actor,
            action="signature_changed",
            subject=organisation_id,
            detail=f"{of or 'every message'}: {said or 'accounts receivable'}",
        )


def signatures(db: Connection, organisation_id: str) -> Mapping[str, str]:
    """Return who signs, by tone or EVERY_TONE."""
    rows = db.execute(
        select(t.signature.c.tone, t.signature.c.name).where(t.signature.c.organisation_id == organisation_id)
    )
    return {row.tone: row.name for row in rows}


def signature_of(db: Connection, organisation_id: str, tone: Tone | None) -> str:
    """Return who signs a message of this tone; empty where nobody is named."""
    known = signatures(db, organisation_id)
    return (known.get(tone.value) if tone else None) or known.get(EVERY_TONE, "")
