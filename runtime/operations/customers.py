"""What several use cases read and keep of a customer: the name, and what somebody chose for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, select, update

from runtime.operations.errors import RefusedError
from runtime.store import journal
from runtime.store import tables as t
from runtime.store.rows import chunks


def keep_choice(
    db: Connection,
    organisation_id: str,
    customer_id: str,
    choice: Mapping[str, object],
    *,
    action: str,
    detail: str,
    actor: str,
    at: datetime,
) -> None:
    """Keep what was chosen for a customer (a column, and its value) and by whom. RefusedError if there is none such."""
    mine = (t.customer.c.organisation_id == organisation_id) & (t.customer.c.id == customer_id)
    if db.execute(update(t.customer).where(mine).values(**choice)).rowcount == 0:
        raise RefusedError("there is no such customer")
    journal.record(
        db, organisation_id=organisation_id, at=at, actor=actor, action=action, subject=customer_id, detail=detail
    )


def names_of(db: Connection, organisation_id: str, customer_ids: Collection[str]) -> dict[str, str]:
    """Return the names of these customers of the organisation."""
    customer = t.customer.c
    return {
        row.id: row.name
        for chunk in chunks(sorted(customer_ids))
        for row in db.execute(
            select(customer.id, customer.name).where(
                customer.organisation_id == organisation_id, customer.id.in_(chunk)
            )
        )
    }
