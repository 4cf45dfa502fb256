"""Which customers the next planning has to weigh: those of whom something changed, and those whose day has come.

`customer.weighed_until` is when what the last planning said of a customer ends; empty, it has ended already. Whoever
changes a fact that reminders rest on says so here. Money that may pay an item is the exception: what it holds is
weighed with every planning. Only when a customer is looked at again rests on this: the gate asks everything anew.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cache

from sqlalchemy import ColumnElement, Connection, Update, bindparam, or_, select, update

from runtime.store import tables as t
from runtime.store.rows import among_given, chunks, owned_by

_customer = t.customer.c
_SET = (
    update(t.customer)
    .where(_customer.id == bindparam("customer"), owned_by(t.customer, bindparam("organisation")))
    .values(weighed_until=bindparam("until"))
)

_TO_WEIGH = (
    select(_customer.id)
    .where(
        _customer.organisation_id == bindparam("organisation_id"),
        _customer.id > bindparam("after"),
        or_(_customer.weighed_until.is_(None), _customer.weighed_until <= bindparam("now")),
    )
    .order_by(_customer.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)


def weigh_again(
    db: Connection, organisation_id: str, *, customer_ids: Collection[str] = (), document_ids: Collection[str] = ()
) -> None:
    """Have the next planning weigh these customers, and those of these documents."""
    for chunk in chunks(sorted(customer_ids)):
        db.execute(_again(db.dialect.name), {"the_organisation": organisation_id, "ids": list(chunk)})
    for chunk in chunks(sorted(document_ids)):
        db.execute(_owners_again(db.dialect.name), {"the_organisation": organisation_id, "ids": list(chunk)})


@cache
def _again(dialect: str) -> Update:
    mine = or_(*(among_given(dialect, each, "ids") for each in (_customer.id, _customer.parent_id)))
    return _unweighed(mine)  # a parent's address serves


@cache
def _owners_again(dialect: str) -> Update:
    mine = owned_by(t.document, bindparam("the_organisation")) & among_given(dialect, t.document.c.id, "ids")
    return _unweighed(_customer.id.in_(select(t.document.c.customer_id).where(mine)))


def _unweighed(mine: ColumnElement[bool]) -> Update:
    stands = owned_by(t.customer, bindparam("the_organisation")) & _customer.weighed_until.is_not(None)
    return update(t.customer).where(stands, mine).values(weighed_until=None)


def weigh_everybody_again(db: Connection, organisation_id: str) -> None:
    """Have the next planning weigh every customer: what all of them are weighed by has changed."""
    stands = (_customer.organisation_id == organisation_id) & _customer.weighed_until.is_not(None)
    db.execute(update(t.customer).where(stands).values(weighed_until=None))


def to_weigh(db: Connection, organisation_id: str, *, now: datetime, after: str, limit: int) -> list[str]:
    """Return the next customers (by id, from `after` on) to weigh at `now`, and keep them from changing meanwhile.

    One that somebody else changes at this moment is passed over: that change has it weighed the next time.
    """
    wanted = {"organisation_id": organisation_id, "after": after, "now": now, "most": limit}
    return list(db.scalars(_TO_WEIGH, wanted))


def set_weighed(db: Connection, organisation_id: str, until: Mapping[str, datetime | None]) -> None:
    """Note, by customer, until when they need not be weighed again if nothing changes; None: with the next planning."""
    if until:
        rows = [{"customer": key, "organisation": organisation_id, "until": at} for key, at in sorted(until.items())]
        db.execute(_SET, rows)
