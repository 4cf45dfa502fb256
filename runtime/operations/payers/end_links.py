"""End the links to a customer's page: one was passed on, or somebody who had it left. New messages bring new ones."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.systems.absorb.departures import surviving
from runtime.portal_links import Opened
from runtime.store import connections, journal
from runtime.store import tables as t


def end_links(app: App, *, organisation_id: str, customer_id: str, actor: str) -> None:
    """End every link to a customer's page that was made until now. RefusedError without such a customer."""
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        mine = (t.customer.c.organisation_id == organisation_id) & (t.customer.c.id == customer_id)
        if db.execute(update(t.customer).where(mine).values(links_ended_at=now)).rowcount == 0:
            raise RefusedError("this customer is not known yet: sync, then try again")
        journal.record(
            db,
            organisation_id=organisation_id,
            at=now,
            actor=actor,
            action="links_ended",
            subject=customer_id,
            detail="links to the customer's page that were made until now open nothing any more",
        )


def are_ended(db: Connection, opened: Opened) -> bool:
    """Whether somebody has ended the links since this one was made: the customer's, or those of whom they became."""
    organisation_id, customer_id, made_at = opened
    whose = {customer_id, surviving(db, organisation_id, customer_id)}
    mine = (t.customer.c.organisation_id == organisation_id) & t.customer.c.id.in_(whose)
    ends = db.scalars(select(t.customer.c.links_ended_at).where(mine, t.customer.c.links_ended_at.is_not(None)))
    return any(made_at <= ended_at for ended_at in ends)
