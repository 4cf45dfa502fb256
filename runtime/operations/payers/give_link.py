"""A person asks for a link to a customer's own page, to pass it on: signed, expiring, and noted who asked for it."""

from __future__ import annotations

from sqlalchemy import select

from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.systems.absorb.departures import surviving
from runtime.portal_links import LIFETIME_DAYS
from runtime.store import journal
from runtime.store import tables as t


def give_link(app: App, *, organisation_id: str, customer_id: str, actor: str) -> str:
    """Return the address of the customer's own page, which opens for LIFETIME_DAYS.

    RefusedError without such a customer. Of the address nothing is kept.
    """
    with app.store.write() as db:
        whose = surviving(db, organisation_id, customer_id)
        mine = (t.customer.c.organisation_id == organisation_id) & (t.customer.c.id == whose)
        if db.scalar(select(t.customer.c.id).where(mine)) is None:
            raise RefusedError("there is no such customer (any more)")
        journal.record(
            db,
            organisation_id=organisation_id,
            at=app.clock(),
            actor=actor,
            action="link_given",
            subject=whose,
            detail=f"a link to the customer's page, good for {LIFETIME_DAYS} days",
        )
    token = app.portal_links().link(organisation_id, whose)
    return f"{app.settings.public_url.rstrip('/')}/p/{token}"
