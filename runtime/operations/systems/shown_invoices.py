"""What the CRM shows of our invoices: who they are there, and what both sides agree on once it was written."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from connectors.intents import Done, Intent, ShowInvoice
from runtime.operations.systems.absorb.scope import DOCUMENT_LINK, pairs_of
from runtime.store import tables as t
from runtime.store.connections import VendorConnection
from runtime.store.links import external_ids, forget, links_of, written_version
from runtime.store.rows import update_rows, upsert
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


def note_first(db: Connection, crm: VendorConnection, intents: Sequence[Intent]) -> None:
    """Keep what is about to be written of invoices that no record is known of, before it is sent.

    Their record may stand although its answer never comes, and a person edit it: then this is what both sides had.
    """
    shown = [intent for intent in intents if isinstance(intent, ShowInvoice)]
    documents = [intent.document_id for intent in shown]
    known = external_ids(db, crm.organisation_id, crm.system, DOCUMENT_LINK, documents)
    first = [intent for intent in shown if intent.document_id not in known]
    update_rows(db, t.document, "id", [{"id": intent.document_id, "first_shown": _written(intent)} for intent in first])


def pairs_with_crm(link: Mapping[str, Any] | None, document: Mapping[str, Any]) -> dict[str, Pair]:
    """Return what the CRM and we last agreed on of a document: where no record is known yet, what was first written."""
    if link is None and document["first_shown"] is not None:
        return agreed(NEVER_SHOWN, document["first_shown"])
    return pairs_of(link)


def records_of(db: Connection, crm: VendorConnection, document_ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return the links of these documents to their records in the CRM, by document."""
    return {
        link["local_id"]: link
        for link in links_of(db, crm.organisation_id, document_ids)
        if link["system"] == crm.system and link["kind"] == DOCUMENT_LINK
    }


def remember(db: Connection, crm: VendorConnection, done: Sequence[tuple[Intent, Done]], at: datetime) -> set[str]:
    """Keep what was written of each shown invoice as agreed; where no shared field was written, nothing is new.

    Returns the documents whose record was deleted before we knew, so that our write made another one of the fields
    that it set: they are shown again, whole.
    """
    shown = [(intent, out) for intent, out in done if isinstance(intent, ShowInvoice) and out.external_ids]
    documents = [intent.document_id for intent, _ in shown]
    known = records_of(db, crm, documents)
    rows, new, replaced = [], [], {}
    for intent, outcome in shown:
        written, external_id = _written(intent), outcome.external_ids[0]
        link = known.get(intent.document_id)
        if link is not None and link["external_id"] != external_id:
            replaced[intent.document_id] = link["external_id"]
            link = None
        if link is None:
            new.append(intent.document_id)
        elif not written:
            continue
        pairs = agreed(dict(NEVER_SHOWN) | pairs_of(link), written)
        rows.append(
            {
                "organisation_id": crm.organisation_id,
                "system": crm.system,
                "kind": DOCUMENT_LINK,
                "external_id": external_id,
                "local_id": intent.document_id,
                **written_version(link, outcome.version),
                "base": {name: list(pair) for name, pair in pairs.items()},
                "read_at": at,
            }
        )
    forget(db, crm.organisation_id, crm.system, DOCUMENT_LINK, replaced.values())
    upsert(db, t.link, rows, keys=["organisation_id", "system", "kind", "external_id"])
    # The link holds it now. Of another record that may stand under our id we know nothing.
    update_rows(db, t.document, "id", [{"id": document_id, "first_shown": {}} for document_id in new])
    return set(replaced)


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
