"""The identity map, read from our side: what an object of ours is called elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Text, func, literal, select, true, update
from sqlalchemy.dialects import postgresql

from runtime.store import tables as t
from runtime.store.rows import chunks, owned_by
from sync.merge import Pair


def external_ids(
    db: Connection, organisation_id: str, system: str, kind: str, local_ids: Collection[str]
) -> dict[str, str]:
    """Return the ids that `system` has for these objects of ours; unlinked ones are left out."""
    rows = db.execute(
        select(t.link.c.local_id, t.link.c.external_id).where(
            owned_by(t.link, organisation_id),
            t.link.c.system == system,
            t.link.c.kind == kind,
            t.link.c.local_id.in_(local_ids),
        )
    )
    return {row.local_id: row.external_id for row in rows}


def local_ids(db: Connection, organisation_id: str, system: str, external_ids: Collection[str]) -> set[str]:
    """Return our ids of what `system` calls `external_ids`, of any kind."""
    return set(
        db.scalars(
            select(t.link.c.local_id).where(
                t.link.c.organisation_id == organisation_id,
                t.link.c.system == system,
                t.link.c.external_id.in_(external_ids),
            )
        )
    )


def links_to(
    db: Connection, organisation_id: str, system: str, kind: str, external_ids: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """Return the links of these objects of `system`, by external id."""
    found: dict[str, dict[str, Any]] = {}
    for chunk in chunks(sorted(set(external_ids))):
        mine = select(t.link).where(
            t.link.c.organisation_id == organisation_id, t.link.c.system == system, t.link.c.kind == kind
        )
        look_up = _one_by_one if db.dialect.name == "postgresql" else _all_at_once
        found |= {row.external_id: dict(row._mapping) for row in db.execute(look_up(mine, chunk))}
    return found


def _one_by_one(mine: Select[Any], external_ids: Sequence[str]) -> Select[Any]:
    """Look each id up by the whole key, in one statement.

    Given a list of ids, PostgreSQL may use the key without them and read all links of the kind for every page: it takes
    them for one or two until they are counted, and nobody counts them in the middle of a first load.
    """
    given = func.unnest(literal(list(external_ids), postgresql.ARRAY(Text)))
    wanted = given.table_valued("external_id", name="wanted").render_derived()
    one = mine.where(t.link.c.external_id == wanted.c.external_id).limit(1).lateral("one")
    return select(one).select_from(wanted).join(one, true())


def _all_at_once(mine: Select[Any], external_ids: Sequence[str]) -> Select[Any]:
    return mine.where(t.link.c.external_id.in_(external_ids))


def links_of(db: Connection, organisation_id: str, local_ids: Collection[str]) -> list[dict[str, Any]]:
    """Return every link of these objects, in all systems."""
    return [
        dict(row._mapping)
        for chunk in chunks(sorted(local_ids))
        for row in db.execute(select(t.link).where(owned_by(t.link, organisation_id), t.link.c.local_id.in_(chunk)))
    ]


def set_pairs(
    db: Connection, link: Mapping[str, Any], pairs: Mapping[str, Pair], *, at: datetime, version: str = ""
) -> None:
    """Remember what both sides agree on since `at`, and the version that shows it where the vendor told us.

    A reading that began before `at` may show the value from before, so it is not merged any more.
    """
    values: dict[str, Any] = {"base": {name: list(pair) for name, pair in pairs.items()}, "read_at": at}
    if version:
        values["version"] = version
    db.execute(
        update(t.link)
        .where(
            t.link.c.organisation_id == link["organisation_id"],
            t.link.c.system == link["system"],
            t.link.c.kind == link["kind"],
            t.link.c.external_id == link["external_id"],
        )
        .values(**values)
    )
