"""The words that an organisation wrote itself, as rows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, func, select

from reminders.own_copy import CopyKind
from reminders.policy import Tone
from runtime.store import tables as t

CopyName = tuple[CopyKind, str, Tone | None]  # what for, in which language, in which tone


def own_copies(db: Connection, organisation_id: str) -> dict[CopyName, Row[Any]]:
    """Return the newest version of each of an organisation's own words that is not empty."""
    copy = t.message_copy.c
    newest = (
        select(copy.kind, copy.language, copy.tone, func.max(copy.version).label("version"))
        .where(copy.organisation_id == organisation_id)
        .group_by(copy.kind, copy.language, copy.tone)
        .subquery()
    )
    rows = db.execute(
        select(t.message_copy)
        .join(
            newest,
            (newest.c.kind == copy.kind)
            & (newest.c.language == copy.language)
            & (newest.c.tone == copy.tone)
            & (newest.c.version == copy.version),
        )
        .where(copy.organisation_id == organisation_id)
    )
    return {(CopyKind(row.kind), row.language, Tone(row.tone) if row.tone else None): row for row in rows if row.body}


def own_words(db: Connection, organisation_id: str, name: CopyName) -> str | None:
    """Return an organisation's own words for this; None where it has none."""
    row = own_copies(db, organisation_id).get(name)
    return row.body if row else None
