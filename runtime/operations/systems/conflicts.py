"""Settle conflicts: two systems said something else about a field; one value stands, a person looks at the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Table, select, update

from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.systems.absorb.scope import pairs_of, shown
from runtime.operations.systems.edits import promise_edits
from runtime.store import journal
from runtime.store import tables as t
from runtime.store.connections import lock_organisation
from runtime.store.links import links_of, set_pairs
from runtime.store.touch import touch_customers, touch_documents

Row = Mapping[str, Any]


def _text(value: str) -> str | None:
    return value or None


def _day(value: str) -> date | None:
    return date.fromisoformat(value) if value else None


def _flag(value: str) -> bool:
    return value == str(True)


# The fields that a person can set again, and how the kept text becomes the column's value.
_DOCUMENT_FIELDS: Mapping[str, Callable[[str], object]] = {
    "due_on": _day,
    "purchase_order": _text,
    "note": _text,
    "disputed": _flag,
    "dispute_reason": _text,
    "promised_on": _day,
}
_CUSTOMER_FIELDS: Mapping[str, Callable[[str], object]] = {"email": _text}
RESTORABLE = frozenset({*_DOCUMENT_FIELDS, *_CUSTOMER_FIELDS})


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the field of a conflict stands: `value` is what it holds now."""

    table: Table
    value: object
    read: Callable[[str], object]


def restore(app: App, *, organisation_id: str, conflict_id: str, actor: str) -> None:
    """Make the losing value ours again, as an edit of `actor`: it flows to every system that shares the field.

    RefusedError when there is no such open conflict, when the field has changed again, or when nobody here can set it.
    """
    with app.store.write() as db:
        lock_organisation(db, organisation_id)
        now = app.clock()
        conflict = _open_conflict(db, organisation_id, conflict_id)
        place = _place(db, conflict)
        if _shown(place.value) != conflict["kept"]:
            said = _shown(place.value) or "empty"
            raise RefusedError(f"{conflict['field']} has changed again and is {said} now: edit it where you see it")
        values = {conflict["field"]: place.read(conflict["lost"]), "changed_at": now}
        if conflict["field"] == "promised_on":
            values["promise_leaves_minor"] = None  # another day is another promise, of all of it
        db.execute(
            update(place.table)
            .where(place.table.c.organisation_id == organisation_id, place.table.c.id == conflict["local_id"])
            .values(values)
        )
        _settle(db, conflict, actor=actor, at=now, restored=True)
        _follow(db, conflict, at=now)
    app.wake()


def keep(app: App, *, organisation_id: str, conflict_id: str, actor: str) -> None:
    """Settle a conflict: what stands here stands everywhere. RefusedError when there is no such open conflict."""
    with app.store.write() as db:
        lock_organisation(db, organisation_id)
        now = app.clock()
        conflict = _open_conflict(db, organisation_id, conflict_id)
        _settle(db, conflict, actor=actor, at=now, restored=False)
        _follow(db, conflict, at=now)
    app.wake()


def _open_conflict(db: Connection, organisation_id: str, conflict_id: str) -> Row:
    found = (
        db.execute(
            select(t.conflict).where(t.conflict.c.organisation_id == organisation_id, t.conflict.c.id == conflict_id)
        )
        .mappings()
        .first()
    )
    if found is None:
        raise RefusedError("there is no such conflict")
    if found["settled_at"] is not None:
        raise RefusedError("this conflict is settled already")
    return dict(found)


def _place(db: Connection, conflict: Row) -> _Place:
    for table, fields in ((t.document, _DOCUMENT_FIELDS), (t.customer, _CUSTOMER_FIELDS)):
        row = (
            db.execute(
                select(table).where(
                    table.c.organisation_id == conflict["organisation_id"], table.c.id == conflict["local_id"]
                )
            )
            .mappings()
            .first()
        )
        if row is not None and conflict["field"] in fields:
            return _Place(table, row[conflict["field"]], fields[conflict["field"]])
        if row is not None:
            raise RefusedError(f"{conflict['field']} belongs to the ledger: change it there")
    raise RefusedError("what the conflict is about is not here any more")


def _shown(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else shown(value if isinstance(value, str | bool) else None)


def _settle(db: Connection, conflict: Row, *, actor: str, at: datetime, restored: bool) -> None:
    db.execute(
        update(t.conflict)
        .where(t.conflict.c.id == conflict["id"])
        .values(settled_at=at, settled_by=actor, restored=restored)
    )
    stands, goes = (conflict["lost"], conflict["kept"]) if restored else (conflict["kept"], conflict["lost"])
    journal.record(
        db,
        organisation_id=conflict["organisation_id"],
        at=at,
        actor=actor,
        action="conflict_restored" if restored else "conflict_kept",
        subject=conflict["local_id"],
        detail=f"{conflict['field']}: {stands or 'empty'} stands, {goes or 'empty'} does not",
    )


def _follow(db: Connection, conflict: Row, *, at: datetime) -> None:
    """Let what stands now flow to every system; one that was left alone at the first meeting is told as well."""
    organisation_id, local_id, field = conflict["organisation_id"], conflict["local_id"], conflict["field"]
    for link in links_of(db, organisation_id, [local_id]):
        ours, theirs = pairs_of(link).get(field, (None, None))
        if link["system"] == conflict["system"] and ours != theirs:
            # They were left to differ when they first met. From here on, what they show is what was agreed.
            pairs = {**pairs_of(link), field: (theirs, theirs)}
            set_pairs(db, link, pairs, at=link["read_at"] or at)
    touch_documents(db, organisation_id, [local_id], at)
    touch_customers(db, organisation_id, [local_id], at)
    promise_edits(db, organisation_id=organisation_id, local_ids=[local_id], at=at)
