"""Which customers the next planning has to weigh: those of whom something changed, and those whose day has come.

`customer.weighed_until` is when what the last planning said of a customer ends; empty, it has ended already. Whoever
changes a fact that reminders rest on says so here. Money that may pay an item is the exception: what it holds is
weighed with every planning. Only when a customer is looked at again rests on this: the gate asks everything anew.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, bindparam, or_, select, update

from runtime.store import tables as t
from runtime.store.rows import among, chunks, owned_by

_customer = t.customer.c
_SET = (
    update(t.customer)
    .where(_customer.id == bindparam("customer"), owned_by(t.customer, bindparam("organisation")))
    .values(weighed_until=bindparam("until"))
)


def weigh_again(
    db: Connection, organisation_id: str, *, customer_ids: Collection[str] = (), document_ids: Collection[str] = ()
) -> None:
    """Have the next planning weigh these customers, and those of these documents."""
    stands = owned_by(t.customer, organisation_id) & _customer.weighed_until.is_not(None)
    for chunk in chunks(sorted(customer_ids)):
        mine = or_(among(db, _customer.id, chunk), among(db, _customer.parent_id, chunk))  # a parent's address serves
        db.execute(update(t.customer).where(stands, mine).values(weighed_until=None))
    for chunk in chunks(sorted(document_ids)):
        owners = select(t.document.c.customer_id).where(
            owned_by(t.document, organisation_id), among(db, t.document.c.id, chunk)
        )
        db.execute(update(t.customer).where(stands, _customer.id.in_(owners)).values(weighed_until=None))


def weigh_everybody_again(db: Connection, organisation_id: str) -> None:
    """Have the next planning weigh every customer: what all of them are weighed by has changed."""
    stands = (_customer.organisation_id == organisation_id) & _customer.weighed_until.is_not(None)
    db.execute(update(t.customer).where(stands).values(weighed_until=None))


def to_weigh(db: Connection, organisation_id: str, *, now: datetime, after: str, limit: int) -> list[str]:
    """Return the next customers (by id, from `after` on) to weigh at `now`, and keep them from changing meanwhile.

    One that somebody else changes at this moment is passed over: that change has it weighed the next time.
    """
    return list(
        db.scalars(
            select(_customer.id)
            .where(
                _customer.organisation_id == organisation_id,
                _customer.id > after,
                or_(_customer.weighed_until.is_(None), _customer.weighed_until <= now),
            )
            .order_by(_customer.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )


def set_weighed(db: Connection, organisation_id: str, until: Mapping[str, datetime | None]) -> None:
    """Note, by customer, until when they need not be weighed again if nothing changes; None: with the next planning."""
    if until:
        rows = [{"customer": key, "organisation": organisation_id, "until": at} for key, at in sorted(until.items())]
        db.execute(_SET, rows)
