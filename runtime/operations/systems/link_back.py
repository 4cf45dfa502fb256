"""Let a ledger's open invoices lead to our page of them, where the owner wants it and nobody put another link there."""

from __future__ import annotations

from sqlalchemy import select, update

from connectors import registry
from connectors.contract import Role
from connectors.intents import LinkDocument
from receivables.document import DocumentKind, DocumentStatus
from receivables.identity import stable_id
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.organisations import keep_switch
from runtime.operations.systems.absorb.scope import DOCUMENT_LINK
from runtime.store import connections, queues
from runtime.store import tables as t

LINKED_AT_ONCE = 50  # with each poll: one call of the ledger, so that a large load takes days rather than its limits


def switch_links_back(app: App, *, organisation_id: str, on: bool, actor: str) -> None:
    """Put links to our pages on the ledger's open invoices from now on, or put no more; RefusedError where none can be.

    Links that stand there stay: a person removes what they do not want.
    """
    with app.store.write() as db:
        ledger = connections.connection_for_role(db, organisation_id, Role.LEDGER)
        if on and (ledger is None or not takes_links(ledger.system)):
            raise RefusedError("no ledger is connected whose invoices can have a link: connect one first")
        switch = {"links_back_on": on}
        keep_switch(db, organisation_id, switch, action="links_back_switched", actor=actor, at=app.clock())


def takes_links(system: str) -> bool:
    """Whether the invoices of a system have a place for a link to us."""
    return LinkDocument in registry.declaration(system).writes


def link_back(app: App, organisation_id: str) -> int:
    """Promise the link of up to LINKED_AT_ONCE open invoices that were promised none. Returns how many."""
    with app.store.write() as db:
        organisation = connections.organisation(db, organisation_id)
        ledger = connections.connection_for_role(db, organisation_id, Role.LEDGER)
        if organisation is None or not organisation.links_back_on or ledger is None or not takes_links(ledger.system):
            return 0
        document, link = t.document.c, t.link.c
        rows = db.execute(
            select(document.id, link.external_id)
            .join(t.link, (link.local_id == document.id) & (link.kind == DOCUMENT_LINK))
            .where(
                document.organisation_id == organisation_id,
                link.organisation_id == organisation_id,
                link.system == ledger.system,
                document.kind == DocumentKind.INVOICE.value,
                document.status == DocumentStatus.OPEN.value,
                document.linked_back.is_(False),
            )
            .limit(LINKED_AT_ONCE)
        ).all()
        ours = f"{app.settings.public_url.rstrip('/')}/"
        for row in rows:
            address = f"{ours}o/{organisation_id}/invoices/{row.id}"
            key = stable_id("lnk", ledger.system, row.external_id, address)
            intent = LinkDocument(key, row.external_id, address, ours)
            queues.enqueue(
                db,
                organisation_id=organisation_id,
                system=ledger.system,
                intent=intent,
                subject=row.id,
                at=app.clock(),
            )
        promised = [row.id for row in rows]
        db.execute(update(t.document).where(document.id.in_(promised)).values(linked_back=True))
    return len(promised)
