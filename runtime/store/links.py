"""The identity map, read from our side: what an object of ours is called elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Text, bindparam, delete, func, select, true, update
from sqlalchemy.dialects import postgresql

from runtime.store import tables as t
from runtime.store.rows import chunks, owned_by
from sync.merge import Pair
from sync.versions import UNKNOWN, Version, after_write

# What an object is called is asked all the time, so built once.
_THERE = select(t.link.c.local_id, t.link.c.external_id).where(
    owned_by(t.link, bindparam("organisation_id")),
    t.link.c.system == bindparam("system"),
    t.link.c.kind == bindparam("kind"),
    t.link.c.local_id.in_(bindparam("local_ids", expanding=True)),
)
_HERE = select(t.link.c.local_id).where(
    t.link.c.organisation_id == bindparam("organisation_id"),
    t.link.c.system == bindparam("system"),
    t.link.c.external_id.in_(bindparam("external_ids", expanding=True)),
)
_OF_KIND = select(t.link).where(
    t.link.c.organisation_id == bindparam("organisation_id"),
    t.link.c.system == bindparam("system"),
    t.link.c.kind == bindparam("kind"),
)
_LINKS = select(t.link).where(
    owned_by(t.link, bindparam("organisation_id")), t.link.c.local_id.in_(bindparam("local_ids", expanding=True))
)
_ONE = update(t.link).where(
    t.link.c.organisation_id == bindparam("the_organisation"),
    t.link.c.system == bindparam("the_system"),
    t.link.c.kind == bindparam("the_kind"),
    t.link.c.external_id == bindparam("the_external_id"),
)


def external_ids(
    db: Connection, organisation_id: str, system: str, kind: str, local_ids: Collection[str]
) -> dict[str, str]:
    """Return the ids that `system` has for these objects of ours; unlinked ones are left out."""
    if not local_ids:
        return {}
    which = {"organisation_id": organisation_id, "system": system, "kind": kind, "local_ids": list(local_ids)}
    rows = db.execute(_THERE, which)
    return {row.local_id: row.external_id for row in rows}


def local_ids(db: Connection, organisation_id: str, system: str, external_ids: Collection[str]) -> set[str]:
    """Return our ids of what `system` calls `external_ids`, of any kind."""
    which = {"organisation_id": organisation_id, "system": system, "external_ids": list(external_ids)}
    return set(db.scalars(_HERE, which))


def links_to(
    db: Connection, organisation_id: str, system: str, kind: str, external_ids: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """Return the links of these objects of `system`, by external id."""
    found: dict[str, dict[str, Any]] = {}
    look_up = _ONE_BY_ONE if db.dialect.name == "postgresql" else _ALL_AT_ONCE
    which = {"organisation_id": organisation_id, "system": system, "kind": kind}
    for chunk in chunks(sorted(set(external_ids))):
        rows = db.execute(look_up, which | {"external_ids": list(chunk)})
        found |= {row.external_id: dict(row._mapping) for row in rows}
    return found


def _one_by_one() -> Select[Any]:
    """Look each id up by the whole key, in one statement.

    Given a list of ids, PostgreSQL may use the key without them and read all links of the kind for every page: it takes
    them for one or two until they are counted, and nobody counts them in the middle of a first load.
    """
    given = func.unnest(bindparam("external_ids", type_=postgresql.ARRAY(Text)))
    wanted = given.table_valued("external_id", name="wanted").render_derived()
    one = _OF_KIND.where(t.link.c.external_id == wanted.c.external_id).limit(1).lateral("one")
    return select(one).select_from(wanted).join(one, true())


_ONE_BY_ONE = _one_by_one()
_ALL_AT_ONCE = _OF_KIND.where(t.link.c.external_id.in_(bindparam("external_ids", expanding=True)))


def links_of(db: Connection, organisation_id: str, local_ids: Collection[str]) -> list[dict[str, Any]]:
    """Return every link of these objects, in all systems."""
    return [
        dict(row._mapping)
        for chunk in chunks(sorted(local_ids))
        for row in db.execute(_LINKS, {"organisation_id": organisation_id, "local_ids": list(chunk)})
    ]


def forget(db: Connection, organisation_id: str, system: str, kind: str, external_ids: Collection[str]) -> None:
    """End the links of these objects of `system`: they are gone there."""
    if external_ids:
        mine = owned_by(t.link, organisation_id) & (t.link.c.system == system) & (t.link.c.kind == kind)
        db.execute(delete(t.link).where(mine, t.link.c.external_id.in_(external_ids)))


def set_pairs(
    db: Connection, link: Mapping[str, Any], pairs: Mapping[str, Pair], *, at: datetime, wrote: str | None = None
) -> None:
    """Remember what both sides agree on since `at`, and what we `wrote`: the version that the vendor's answer told.

    A reading that began before `at` may show the value from before, so it is not merged any more.
    """
    values: dict[str, Any] = {"base": {name: list(pair) for name, pair in pairs.items()}, "read_at": at}
    if wrote is not None:
        values |= written_version(link, wrote)
    which = {
        "the_organisation": link["organisation_id"],
        "the_system": link["system"],
        "the_kind": link["kind"],
        "the_external_id": link["external_id"],
    }
    db.execute(_ONE, which | values)


def written_version(link: Mapping[str, Any] | None, told: str) -> dict[str, Any]:
    """Return the columns of what is known of an object's version after we wrote it; `told` as its answer told it."""
    before = Version(link["version"], link["modified_at"]) if link is not None else UNKNOWN
    held = after_write(before, told)
    return {"version": held.version.text, "modified_at": held.version.modified_at, "surpassed": held.surpassed}
