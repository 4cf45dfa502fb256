"""Carry an edit from where a person made it to the systems that do not have it yet."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, Select, Text, bindparam, cast, or_, select

from connectors import registry
from connectors.contract import Role
from connectors.intents import Done, EditContact, EditCustomer, EditDocument, Intent, LinkDocument, NoteDocument
from receivables.identity import stable_id
from runtime.app import App
from runtime.operations.systems.absorb.scope import CONTACT_LINK, CUSTOMER_LINK, DOCUMENT_LINK, pairs_of
from runtime.store import connections, queues
from runtime.store import tables as t
from runtime.store.links import links_of, set_pairs
from runtime.store.rows import rows_of
from sync.merge import Pair, Value, agreed, unsent

IDS_A_QUERY = 500
EDITS = (EditDocument, NoteDocument, EditCustomer, EditContact, LinkDocument)
_EDITED: Mapping[type[Intent], str] = {
    EditDocument: DOCUMENT_LINK,
    NoteDocument: DOCUMENT_LINK,
    LinkDocument: DOCUMENT_LINK,
    EditCustomer: CUSTOMER_LINK,
    EditContact: CONTACT_LINK,
}


def promise_edits(db: Connection, *, organisation_id: str, local_ids: Collection[str], at: datetime) -> int:
    """Promise a write for each system whose agreed value differs from ours. Returns how many were new.

    The CRM's copy of an invoice is not edited here: it is shown as a whole (see show_in_crm).
    """
    if not local_ids:
        return 0
    ours = _values(db, organisation_id, local_ids)
    ledger = connections.connection_for_role(db, organisation_id, Role.LEDGER)
    promised = 0
    for link in links_of(db, organisation_id, local_ids):
        values = ours.get(link["local_id"])
        if values is None:
            continue
        for intent in _intents(link, values, from_ledger=ledger is not None and link["system"] == ledger.system):
            promised += queues.enqueue(
                db,
                organisation_id=organisation_id,
                system=link["system"],
                intent=intent,
                subject=link["local_id"],
                at=at,
            )
    return promised


def _values(db: Connection, organisation_id: str, local_ids: Collection[str]) -> dict[str, dict[str, Value]]:
    values: dict[str, dict[str, Value]] = {}
    for row in rows_of(db, organisation_id, t.document, local_ids):
        values[row["id"]] = {
            "due_on": row["due_on"].isoformat(),
            "purchase_order": row["purchase_order"],
            "note": row["note"],
        }
    for row in rows_of(db, organisation_id, t.customer, local_ids):
        values[row["id"]] = {"email": row["email"]}
    return values


def _intents(link: Mapping[str, Any], ours: Mapping[str, Value], *, from_ledger: bool) -> Iterator[Intent]:
    external_id, version = link["external_id"], link["version"]
    changes = unsent(_pairs(link, from_ledger=from_ledger), ours)
    due_on = changes.get("due_on")
    email = _text(changes["email"]) if "email" in changes else None
    order = _text(changes["purchase_order"]) if "purchase_order" in changes else None
    # The version makes each edit an intent of its own: changing back and forth is three edits, not one.
    key = stable_id("edit", link["system"], external_id, version, str(due_on), str(order), str(email))
    if link["kind"] == DOCUMENT_LINK and from_ledger:
        if due_on or order is not None:
            yield EditDocument(key, external_id, version, date.fromisoformat(str(due_on)) if due_on else None, order)
        if note := _text(changes.get("note")):
            yield from _note(link, note)
    elif link["kind"] == CUSTOMER_LINK and from_ledger and email is not None:
        yield EditCustomer(key, external_id, version, email)
    elif link["kind"] == CONTACT_LINK and email is not None:
        yield EditContact(key, external_id, version, email)


def _pairs(link: Mapping[str, Any], *, from_ledger: bool) -> dict[str, Pair]:
    """What both sides last agreed on; a ledger that keeps a history was told of no note at first."""
    pairs = pairs_of(link)
    if from_ledger and link["kind"] == DOCUMENT_LINK and keeps_history(link["system"]):
        return {"note": (None, None)} | pairs
    return pairs


def _note(link: Mapping[str, Any], text: str) -> Iterator[Intent]:
    """A line of history for a note, where the ledger keeps one. It cannot be taken back: each text is told once."""
    if keeps_history(link["system"]):
        key = stable_id("note", link["system"], link["external_id"], text)
        yield NoteDocument(key, link["external_id"], text)


def keeps_history(system: str) -> bool:
    """Whether a system keeps a history of each invoice that lines can be added to."""
    return NoteDocument in registry.declaration(system).writes


def _text(value: Value) -> str:
    return "" if value is None else str(value)


def after_edit(db: Connection, row: Mapping[str, Any], intent: Intent, done: Done, at: datetime) -> None:
    """Remember that the other side now shows what an edit said; `row` is the edit's outbox row."""
    if isinstance(intent, NoteDocument) and intent.is_event:  # no field of ours is shown by it
        return
    written = _written(intent)
    for link in links_of(db, row["organisation_id"], [row["subject"]]):
        if link["system"] == row["system"] and link["kind"] == _EDITED[type(intent)]:
            # A line of history changes nothing that is read again.
            wrote = None if isinstance(intent, NoteDocument) else done.version
            set_pairs(db, link, agreed(pairs_of(link), written), at=at, wrote=wrote)


def _written(intent: Intent) -> dict[str, Value]:
    match intent:
        case EditDocument():
            written: dict[str, Value] = {"due_on": intent.due_on.isoformat()} if intent.due_on else {}
            if intent.purchase_order is not None:
                written["purchase_order"] = intent.purchase_order or None
            return written
        case NoteDocument():
            return {"note": intent.text}
        case LinkDocument():  # no field that is merged: only the version moved
            return {}
        case EditCustomer() | EditContact():
            return {"email": intent.email or None}
        case _:
            raise TypeError(f"{intent.intent} edits nothing that is merged")


def promise_pending_edits(app: App, organisation_id: str) -> int:
    """Promise every edit of an organisation that some system does not have yet. Returns how many were new."""
    with app.store.write() as db:
        mine = {"organisation_id": organisation_id}
        pending = sorted({*db.scalars(_differing_documents(), mine), *db.scalars(_differing_customers(), mine)})
        return sum(
            promise_edits(
                db,
                organisation_id=organisation_id,
                local_ids=pending[start : start + IDS_A_QUERY],
                at=app.clock(),
            )
            for start in range(0, len(pending), IDS_A_QUERY)
        )


@cache
def _differing_documents() -> Select[tuple[str]]:
    """Select the documents of which some system may not have our value yet; the database compares, in one statement."""
    ours = {"due_on": cast(t.document.c.due_on, Text), "purchase_order": t.document.c.purchase_order}
    note = t.document.c.note
    untold = _agreed("note").is_(None) & note.is_not(None)  # no note was agreed on yet
    differs = or_(*(_differs(name, value) for name, value in ours.items()), _differs("note", note), untold)
    mine: BindParameter[str] = bindparam("organisation_id")
    return (
        select(t.document.c.id)
        .join(t.link, (t.link.c.local_id == t.document.c.id) & (t.link.c.kind == DOCUMENT_LINK))
        .where(t.document.c.organisation_id == mine, t.link.c.organisation_id == mine, differs)
    )


@cache
def _differing_customers() -> Select[tuple[str]]:
    """Select the customers whose e-mail address some system may not have yet."""
    kinds = t.link.c.kind.in_((CUSTOMER_LINK, CONTACT_LINK))
    mine: BindParameter[str] = bindparam("organisation_id")
    return (
        select(t.customer.c.id)
        .join(t.link, (t.link.c.local_id == t.customer.c.id) & kinds)
        .where(
            t.customer.c.organisation_id == mine,
            t.link.c.organisation_id == mine,
            _differs("email", t.customer.c.email),
        )
    )


def _agreed(name: str) -> ColumnElement[str]:
    """The pair of values agreed on as text; null where the two sides never met on this field."""
    said: ColumnElement[str] = t.link.c.base[name].as_string()
    return said


def _differs(name: str, ours: ColumnElement[Any]) -> ColumnElement[bool]:
    theirs: ColumnElement[str] = t.link.c.base[(name, 0)].as_string()
    return _agreed(name).is_not(None) & theirs.is_distinct_from(ours)
