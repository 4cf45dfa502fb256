"""The words that an organisation wrote itself, as rows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, func, select

from runtime.store import tables as t


def own_copies(db: Connection, organisation_id: str) -> dict[tuple[str, str], Row[Any]]:
    """Return, by language and tone, the newest version of an organisation's own words that is not empty."""
    copy = t.message_copy.c
    newest = (
        select(copy.language, copy.tone, func.max(copy.version).label("version"))
        .where(copy.organisation_id == organisation_id)
        .group_by(copy.language, copy.tone)
        .subquery()
    )
    rows = db.execute(
        select(t.message_copy)
        .join(
            newest,
            (newest.c.language == copy.language) & (newest.c.tone == copy.tone) & (newest.c.version == copy.version),
        )
        .where(copy.organisation_id == organisation_id)
    )
    return {(row.language, row.tone): row for row in rows if row.body}
