"""What is from before what stands here is left out, whatever its kind; what is gone is remembered with its version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Select, Table, bindparam, delete, select

from connectors.records import CodedReceiptFields, Kind, Record
from runtime.operations.systems.absorb.scope import DOCUMENT_LINK, Scope, version_of
from runtime.store import tables as t
from runtime.store.rows import among_given, chunks, upsert
from sync.versions import Held, Version, after_deletion, is_past

# Kinds whose own rows keep the version; of the others the identity map keeps it.
_ROWS: Mapping[Kind, tuple[Table, str]] = {
    Kind.PAYMENT: (t.ledger_payment, "pay"),
    Kind.CODED_RECEIPT: (t.ledger_payment, "pay"),
    Kind.PROCESSOR_PAYMENT: (t.receipt, "rcp"),
    Kind.PAYOUT: (t.payout, "pyo"),
}
_DOCUMENTS = (Kind.INVOICE, Kind.CREDIT_NOTE)


def newer(scope: Scope, kind: Kind, records: Sequence[Record]) -> list[Record]:
    """Return the records that are not from before what we hold, and remember which of them are gone.

    A request asks for an invoice as long as its opportunity is won, which moves no version of it: it is never gone.
    """
    external_ids = {record.external_id for record in records}
    graves = _graves(scope, kind, external_ids)
    known = _held(scope, kind, external_ids) | graves
    taken: list[Record] = []
    dead: dict[str, Held] = {}
    for record in records:
        name, shown = record.external_id, version_of(record)
        before, gone = known.get(name), is_gone(record) and kind is not Kind.INVOICE_REQUEST
        if is_past(shown, scope.read_at, before, gone=gone):
            continue
        taken.append(record)
        dead.pop(name, None)
        # Money that is coded nowhere any more is worth remembering where it was known: most deposits never were.
        if gone and (record.deleted or before is not None):
            known[name] = dead[name] = after_deletion(before, shown, scope.read_at)
        else:
            known[name] = Held(shown, scope.read_at)
    _bury(scope, kind, dead)
    _raise(scope, kind, [name for name in graves if known[name] is not graves[name] and name not in dead])
    return taken


def is_gone(record: Record) -> bool:
    """Whether a record shows that there is nothing (any more)."""
    return record.deleted or is_not_coded(record)


def is_not_coded(record: Record) -> bool:
    """Whether a booking stands in the ledger of which nothing is coded to an account (any more)."""
    return isinstance(record.fields, CodedReceiptFields) and not record.fields.amount and not record.deleted


def _held(scope: Scope, kind: Kind, external_ids: Iterable[str]) -> dict[str, Held]:
    if kind in _ROWS:
        table, prefix = _ROWS[kind]
        names = {scope.local_id(prefix, external_id): external_id for external_id in external_ids}
        return {names[local_id]: _of(row) for local_id, row in scope.rows(table, names).items()}
    link = DOCUMENT_LINK if kind in _DOCUMENTS else kind.value
    return {
        external_id: _of(row, surpassed=row["surpassed"])
        for external_id, row in scope.links_ahead(link, external_ids).items()
    }


def _graves(scope: Scope, kind: Kind, external_ids: Iterable[str]) -> dict[str, Held]:
    which = {"organisation_id": scope.organisation_id, "system": scope.system, "kind": kind.value}
    return {
        row["external_id"]: _of(dict(row), surpassed=True)
        for chunk in chunks(sorted(external_ids))
        for row in scope.db.execute(_buried(scope.db.dialect.name), which | {"external_ids": list(chunk)}).mappings()
    }


@cache
def _buried(dialect: str) -> Select[Any]:
    grave = t.tombstone.c
    return select(t.tombstone).where(
        grave.organisation_id == bindparam("organisation_id"),
        grave.system == bindparam("system"),
        grave.kind == bindparam("kind"),
        among_given(dialect, grave.external_id, "external_ids"),
    )


def _bury(scope: Scope, kind: Kind, dead: Mapping[str, Held]) -> None:
    rows = [
        {
            "organisation_id": scope.organisation_id,
            "system": scope.system,
            "kind": kind.value,
            "external_id": external_id,
            "version": held.version.text,
            "modified_at": held.version.modified_at,
            "read_at": scope.read_at,
        }
        for external_id, held in dead.items()
    ]
    upsert(scope.db, t.tombstone, rows, keys=["organisation_id", "system", "kind", "external_id"])


def _raise(scope: Scope, kind: Kind, external_ids: Sequence[str]) -> None:
    """Forget that these were gone: a vendor brought them back, and shows a newer version."""
    grave = t.tombstone.c
    for chunk in chunks(external_ids):
        mine = (grave.organisation_id == scope.organisation_id) & (grave.system == scope.system)
        scope.db.execute(delete(t.tombstone).where(mine, grave.kind == kind.value, grave.external_id.in_(chunk)))


def _of(row: Mapping[str, Any], *, surpassed: bool = False) -> Held:
    return Held(Version(row["version"] or "", row["modified_at"]), row["read_at"], surpassed)
