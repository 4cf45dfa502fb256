"""Files of a dispute go to the ledger's invoice, where the ledger takes files and its consent covers that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from connectors import registry
from connectors.contract import Role
from connectors.intents import AttachFile
from receivables.identity import stable_id
from runtime.app import App
from runtime.operations.payers.dispute_files import dispute_file
from runtime.store import connections, queues
from runtime.store import tables as t
from runtime.store.connections import VendorConnection
from runtime.store.links import links_of

_ATTACHES = "attach_file"
MAX_AT_ONCE = 10  # of a heap of promised writes: the content of each stands in memory until all are written
Row = dict[str, Any]


def promise_files(
    db: Connection, *, organisation_id: str, document_id: str, files: Mapping[str, str], at: datetime
) -> None:
    """Promise the files of an invoice (name by id) to the ledger; nothing where it takes none."""
    ledger = connections.connection_for_role(db, organisation_id, Role.LEDGER)
    if ledger is None or AttachFile not in registry.declaration(ledger.system).writes:
        return
    for link in links_of(db, organisation_id, [document_id]):
        if link["system"] != ledger.system:
            continue
        for file_id, name in files.items():
            key = stable_id("att", ledger.system, link["external_id"], file_id)
            queues.enqueue(
                db,
                organisation_id=organisation_id,
                system=ledger.system,
                intent=AttachFile(key, link["external_id"], file_id, name),
                subject=document_id,
                at=at,
            )


def with_contents(app: App, connection: VendorConnection, rows: Sequence[Row]) -> list[Row]:
    """Return claimed rows, those that attach a file with its content, which no queue keeps.

    What is not to be attached any more is superseded: the file was removed, or the consent covers no files; it stays
    with us. What is beyond MAX_AT_ONCE is left until its lease ends.
    """
    attaching = [row for row in rows if row["intent"]["intent"] == _ATTACHES]
    if not attaching:
        return list(rows)
    filled: dict[int, Row] = {}
    with app.store.write() as db:
        covered = _is_covered(db, connection)
        for row in attaching:
            file = dispute_file(db, connection.organisation_id, row["subject"], row["intent"]["file_id"])
            if file is None or not covered:
                why = "the file is not kept any more" if file is None else "the consent does not cover files"
                queues.settle(db, t.outbox, row["id"], state=queues.SUPERSEDED, done_at=app.clock(), problem=why)
            elif len(filled) < MAX_AT_ONCE:
                filled[row["id"]] = row | {"intent": row["intent"] | {"content": file.content}}
    left = {row["id"] for row in attaching} - filled.keys()
    return [filled.get(row["id"], row) for row in rows if row["id"] not in left]


def _is_covered(db: Connection, connection: VendorConnection) -> bool:
    """Whether the consent has what attaching files takes; one of which it is not known has not."""
    needed = registry.declaration(connection.system).scope_of.get(AttachFile)
    granted = db.scalar(select(t.consent.c.scopes).where(t.consent.c.id == connection.consent_id))
    return needed is None or needed in (granted or "").split()
