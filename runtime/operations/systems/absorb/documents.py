"""Invoices and credit notes: the ledger states them, the CRM says what people decided about them there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any, cast

from sqlalchemy import Select, bindparam, select

from connectors.contract import Role
from connectors.records import DocumentFields, Record
from receivables.document import DocumentStatus
from runtime.operations.systems.absorb.scope import DOCUMENT_LINK, Scope, pairs_of, version_of
from runtime.operations.systems.absorb.voided import free_money
from runtime.operations.systems.shown_invoices import NEVER_SHOWN, pairs_with_crm
from runtime.store import tables as t
from runtime.store.rows import among_given, chunks, owned_by, update_rows, upsert
from runtime.store.touch import touch_balances, touch_documents
from sync.merge import Value, merge

_LEDGER_FIELDS = ("due_on", "purchase_order", "note")
_VOID_FIELDS = ("due_on",)  # a ledger writes its own words into the note of what it voids
_CRM_FIELDS = ("due_on", "disputed", "dispute_reason", "promised_on", "purchase_order", "note")
_NOT_EVERYWHERE = ("due_on", "purchase_order", "note")  # None says nothing; an empty text is ""


def absorb_documents(scope: Scope, records: list[Record]) -> None:
    """Take in documents as the ledger shows them, or what people changed on them in the CRM."""
    if scope.role is Role.LEDGER:
        _absorb_ledger_documents(scope, records)
    else:
        _absorb_crm_invoices(scope, records)
    scope.flush_links()


def _absorb_ledger_documents(scope: Scope, records: list[Record]) -> None:
    ids = {record.external_id: scope.local_id("doc", record.external_id) for record in records}
    links = scope.known_links(DOCUMENT_LINK, ids)
    known = scope.rows(t.document, ids.values())
    customers = scope.customers(cast(DocumentFields, record.fields).customer_external_id for record in records)
    settled = _settled_by(scope, list(known))
    rows = []
    for record in records:
        local_id = ids[record.external_id]
        old = known.get(local_id)
        link = links.get(record.external_id)
        customer_id = customers[cast(DocumentFields, record.fields).customer_external_id]
        row = _ledger_row(scope, record, {"id": local_id, "customer_id": customer_id}, old, link)
        rows.append(row | {"less_paid_at": _less_paid_at(row, old, settled[local_id])})
    upsert(scope.db, t.document, rows, keys=["id"])
    free_money(scope, [row["id"] for row in rows if _was_voided(row, known.get(row["id"]))])
    changed = [row for row in rows if row["changed_at"] == scope.read_at]
    touched = settled.keys() | {row["id"] for row in changed if row["id"] in known}
    touch_documents(scope.db, scope.organisation_id, touched, scope.read_at)
    owners = {row["customer_id"] for row in changed}
    owners |= {known[row["id"]]["customer_id"] for row in changed if row["id"] in known}  # it may have moved
    touch_balances(scope.db, scope.organisation_id, owners, scope.read_at)


def _was_voided(row: Mapping[str, Any], old: Mapping[str, Any] | None) -> bool:
    return row["status"] == DocumentStatus.VOID.value and old is not None and old["status"] != row["status"]


def _less_paid_at(row: Mapping[str, Any], old: Mapping[str, Any] | None, settled: int) -> datetime | None:
    """Return when a reading last showed less paid than was known: a payment, or what we posted, may be gone."""
    if old is None:
        return None
    known = old["total_minor"] - old["balance_minor"] + settled
    is_less = row["total_minor"] - row["balance_minor"] < known
    less_paid_at: datetime | None = row["read_at"] if is_less else old["less_paid_at"]
    return less_paid_at


def _settled_by(scope: Scope, document_ids: Sequence[str]) -> Counter[str]:
    """Return what of ours, in minor units by document, this reading is the first that should show.

    They owe something else although the ledger may show what it showed before: a payment of ours that is seen before
    its answer is had counts beside the balance until the next reading.
    """
    which = {"organisation_id": scope.organisation_id, "read_at": scope.read_at}
    statement, settled = _newly_shown(scope.db.dialect.name), Counter[str]()
    for chunk in chunks(sorted(document_ids)):
        for document_id, minor in scope.db.execute(statement, which | {"document_ids": list(chunk)}):
            settled[document_id] += minor
    return settled


@cache
def _newly_shown(dialect: str) -> Select[Any]:
    allocation, document = t.allocation.c, t.document.c
    return (
        select(allocation.document_id, allocation.amount_minor)
        .join(t.document, document.id == allocation.document_id)
        .where(
            owned_by(t.allocation, bindparam("organisation_id")),
            among_given(dialect, allocation.document_id, "document_ids"),
            allocation.undone_at.is_(None),
            allocation.posted_at > document.read_at,
            allocation.posted_at <= bindparam("read_at"),
        )
    )


def _ledger_row(
    scope: Scope, record: Record, ids: dict[str, str], old: dict[str, Any] | None, link: dict[str, Any] | None
) -> dict[str, Any]:
    fields, local_id = cast(DocumentFields, record.fields), ids["id"]
    merged = merge(
        owners=scope.owners,
        speaker=scope.speaker,
        pairs=pairs_of(link),
        ours={name: _value(old[name]) for name in _LEDGER_FIELDS} if old else {},
        theirs=_said(fields, _VOID_FIELDS if fields.status is DocumentStatus.VOID else _LEDGER_FIELDS),
    )
    scope.note_conflicts(local_id, merged.conflicts)
    scope.keep_link(DOCUMENT_LINK, record.external_id, local_id, merged.pairs, version=version_of(record))
    row: dict[str, Any] = {
        **ids,
        "organisation_id": scope.organisation_id,
        "kind": fields.kind.value,
        "number": fields.number,
        "references": list(fields.references),
        "currency": fields.total.currency,
        "total_minor": fields.total.minor,
        "balance_minor": fields.balance.minor,
        "issued_on": fields.issued_on,
        "due_on": date.fromisoformat(str(merged.values["due_on"])),
        "status": fields.status.value,
        "sent": fields.sent,
        "purchase_order": merged.values.get("purchase_order"),
        "note": merged.values.get("note"),
    }
    changed = old is None or any(old[name] != value for name, value in row.items())
    if old is not None and changed:
        scope.record("document_changed", local_id, _differences(old, row))
    return {
        **row,
        "read_at": scope.read_at,
        "changed_at": scope.read_at if old is None or changed else old["changed_at"],
    }


def _differences(old: dict[str, Any], new: dict[str, Any]) -> str:
    return "; ".join(f"{name}: {old[name]} → {value}" for name, value in new.items() if old[name] != value)


def _absorb_crm_invoices(scope: Scope, records: list[Record]) -> None:
    keys = {record.external_id: key for record in records if (key := cast(DocumentFields, record.fields).external_key)}
    links = scope.known_links(DOCUMENT_LINK, keys)
    known = scope.rows(t.document, keys.values())
    rows = []
    owed: set[str] = set()  # what the CRM is to show otherwise than somebody there put it
    for record in records:
        old, link = known.get(keys.get(record.external_id, "")), links.get(record.external_id)
        if old is None:
            continue
        ours, pairs = shared_values(old), pairs_with_crm(link, old)
        fields = cast(DocumentFields, record.fields)
        if fields.due_on is None:  # an invoice is due some day: what was emptied there is shown again
            pairs["due_on"] = NEVER_SHOWN["due_on"]
            owed.add(old["id"])
        merged = merge(
            owners=scope.owners,
            speaker=scope.speaker,
            pairs=pairs,
            ours=ours,
            theirs=_said(fields, _CRM_FIELDS),
        )
        scope.note_conflicts(old["id"], merged.conflicts)
        scope.keep_link(DOCUMENT_LINK, record.external_id, old["id"], merged.pairs, version=version_of(record))
        if merged.write_back:
            owed.add(old["id"])
        if any(merged.values[name] != ours[name] for name in _CRM_FIELDS):
            rows.append(_crm_row(scope, old, merged.values))
    update_rows(scope.db, t.document, "id", rows)
    touch_documents(scope.db, scope.organisation_id, owed | {row["id"] for row in rows}, scope.read_at)


def _said(fields: DocumentFields, names: Sequence[str]) -> dict[str, Value]:
    """Return what a record says of these fields; what its vendor has no place for is not said, never cleared."""
    said = {name: getattr(fields, name) for name in names}
    return {name: _value(value) for name, value in said.items() if not (name in _NOT_EVERYWHERE and value is None)}


def shared_values(row: Mapping[str, Any]) -> dict[str, Value]:
    """Return what an invoice shares with the CRM, as the merge compares it."""
    return {name: _value(row[name]) for name in _CRM_FIELDS}


def _crm_row(scope: Scope, old: dict[str, Any], values: Any) -> dict[str, Any]:  # noqa: ANN401 - a merge's mapping
    row = {
        "id": old["id"],
        "due_on": date.fromisoformat(str(values["due_on"])),
        "disputed": bool(values["disputed"]),
        "dispute_reason": values["dispute_reason"],
        "promised_on": date.fromisoformat(str(values["promised_on"])) if values["promised_on"] else None,
        "purchase_order": values["purchase_order"],
        "note": values["note"],
    }
    scope.record("document_changed", old["id"], _differences(old, row))
    # Another day is another promise, and the CRM knows none of a part.
    leaves = old["promise_leaves_minor"] if row["promised_on"] == old["promised_on"] else None
    return {**row, "promise_leaves_minor": leaves, "changed_at": scope.read_at}


def _value(value: Any) -> Value:  # noqa: ANN401 - a column of any type
    if isinstance(value, str):
        # Vendors trim text and write line ends in their own way: that is nobody's edit.
        return value.replace("\r\n", "\n").strip() or None
    return value.isoformat() if isinstance(value, date) else cast(Value, value)
