"""Carry an edit from where a person made it to the systems that do not have it yet."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select

from connectors.contract import Role
from connectors.intents import EditContact, EditCustomer, EditDocument, Intent
from receivables.identity import stable_id
from runtime.app import App
from runtime.operations.absorb.scope import CONTACT_LINK, CUSTOMER_LINK, DOCUMENT_LINK, pairs_of
from runtime.store import connections, queues
from runtime.store import tables as t
from runtime.store.links import links_of
from sync.merge import Value, unsent

IDS_A_QUERY = 500


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
        changes = unsent(pairs_of(link), values)
        intent = _intent(link, changes, from_ledger=ledger is not None and link["system"] == ledger.system)
        if intent is not None:
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
    documents = select(t.document.c.id, t.document.c.due_on).where(
        t.document.c.organisation_id == organisation_id, t.document.c.id.in_(local_ids)
    )
    for row in db.execute(documents):
        values[row.id] = {"due_on": row.due_on.isoformat()}
    customers = select(t.customer.c.id, t.customer.c.email).where(
        t.customer.c.organisation_id == organisation_id, t.customer.c.id.in_(local_ids)
    )
    for row in db.execute(customers):
        values[row.id] = {"email": row.email}
    return values


def _intent(link: dict[str, Any], changes: Mapping[str, Value], *, from_ledger: bool) -> Intent | None:
    external_id, version = link["external_id"], link["version"]
    due_on, email = changes.get("due_on"), changes.get("email")
    # The version makes each edit an intent of its own: changing back and forth is three edits, not one.
    key = stable_id("edit", link["system"], external_id, version, str(due_on), str(email))
    if link["kind"] == DOCUMENT_LINK and from_ledger and due_on:
        return EditDocument(key, external_id, version, date.fromisoformat(str(due_on)))
    if link["kind"] == CUSTOMER_LINK and from_ledger and email:
        return EditCustomer(key, external_id, version, str(email))
    if link["kind"] == CONTACT_LINK and email:
        return EditContact(key, external_id, version, str(email))
    return None


def promise_pending_edits(app: App, organisation_id: str) -> int:
    """Promise every edit of an organisation that some system does not have yet. Returns how many were new."""
    with app.store.write() as db:
        local_ids = db.scalars(select(t.link.c.local_id).where(t.link.c.organisation_id == organisation_id).distinct())
        pending = [each for each in local_ids if each]
        return sum(
            promise_edits(
                db,
                organisation_id=organisation_id,
                local_ids=pending[start : start + IDS_A_QUERY],
                at=app.clock(),
            )
            for start in range(0, len(pending), IDS_A_QUERY)
        )
