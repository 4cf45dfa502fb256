"""What the CRM shows of our invoices: who they are there, and what both sides agree on once it was written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from connectors.intents import Done, Intent, ShowInvoice
from runtime.operations.absorb.scope import DOCUMENT_LINK, pairs_of
from runtime.store import tables as t
from runtime.store.connections import VendorConnection
from runtime.store.links import links_of, written_version
from runtime.store.rows import upsert
from sync.merge import Pair, Value, agreed

# What a record that does not exist yet would show.
NEVER_SHOWN: Mapping[str, Pair] = {
    "due_on": (None, None),
    "disputed": (False, False),
    "dispute_reason": (None, None),
    "promised_on": (None, None),
    "purchase_order": (None, None),
    "note": (None, None),
}


def remember(db: Connection, crm: VendorConnection, done: Sequence[tuple[Intent, Done]], at: datetime) -> None:
    """Keep what was written of each shown invoice as agreed; where no shared field was written, nothing is new."""
    shown = [
        (intent, outcome, written)
        for intent, outcome in done
        if isinstance(intent, ShowInvoice) and outcome.external_ids and (written := _written(intent))
    ]
    documents = [intent.document_id for intent, _, _ in shown]
    known = {
        link["local_id"]: link
        for link in links_of(db, crm.organisation_id, documents)
        if link["system"] == crm.system and link["kind"] == DOCUMENT_LINK
    }
    rows = []
    for intent, outcome, written in shown:
        link = known.get(intent.document_id)
        pairs = agreed(dict(NEVER_SHOWN) | pairs_of(link), written)
        rows.append(
            {
                "organisation_id": crm.organisation_id,
                "system": crm.system,
                "kind": DOCUMENT_LINK,
                "external_id": outcome.external_ids[0],
                "local_id": intent.document_id,
                **written_version(link, outcome.version),
                "base": {name: list(pair) for name, pair in pairs.items()},
                "read_at": at,
            }
        )
    upsert(db, t.link, rows, keys=["organisation_id", "system", "kind", "external_id"])


def _written(intent: ShowInvoice) -> dict[str, Value]:
    """The shared fields that showing an invoice wrote."""
    written: dict[str, Value] = {}
    if intent.due_on is not None:
        written["due_on"] = intent.due_on.isoformat()
    if intent.saying is not None:
        promised = intent.saying.promised_on
        written["disputed"] = intent.saying.disputed
        written["dispute_reason"] = intent.saying.dispute_reason
        written["promised_on"] = promised.isoformat() if promised else None
    if intent.purchase_order is not None:
        written["purchase_order"] = intent.purchase_order or None
    if intent.note is not None:
        written["note"] = intent.note or None
    return written
