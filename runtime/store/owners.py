"""Whose word counts in an organisation: the table of `sync.owners` with what its administrator decided."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from runtime.store import tables as t
from runtime.store.rows import upsert
from sync.owners import Owner, Owners, owners

_DECIDED = select(t.field_owner.c.field, t.field_owner.c.owner).where(
    t.field_owner.c.organisation_id == bindparam("organisation_id")
)


def owners_of(db: Connection, organisation_id: str) -> Owners:
    """Return the owner of each field."""
    rows = db.execute(_DECIDED, {"organisation_id": organisation_id})
    return owners({row.field: row.owner for row in rows})


def keep_owner(db: Connection, organisation_id: str, field: str, owner: Owner) -> None:
    """Remember an administrator's decision."""
    row = {"organisation_id": organisation_id, "field": field, "owner": owner.value}
    upsert(db, t.field_owner, [row], keys=["organisation_id", "field"])
