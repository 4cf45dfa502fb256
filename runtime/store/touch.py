"""Marking what changed, so that everything derived from it (the CRM's pages, planned reminders) follows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, Update, bindparam, case, select, update

from runtime.store import tables as t
from runtime.store.rows import among_given, owned_by

IDS_PER_STATEMENT = 500
_MOMENT = timedelta(microseconds=1)


def touch_documents(db: Connection, organisation_id: str, document_ids: Collection[str], at: datetime) -> None:
    """Note that these documents, and so their customers' balances, changed at `at`."""
    ids = sorted(set(document_ids))
    for start in range(0, len(ids), IDS_PER_STATEMENT):
        these = _these(organisation_id, ids[start : start + IDS_PER_STATEMENT], at)
        db.execute(_documents(db.dialect.name), these)
        db.execute(_their_owners(db.dialect.name), these)


def touch_balances(db: Connection, organisation_id: str, customer_ids: Collection[str], at: datetime) -> None:
    """Note that what these customers owe changed at `at`."""
    ids = sorted(set(customer_ids))
    for start in range(0, len(ids), IDS_PER_STATEMENT):
        these = _these(organisation_id, ids[start : start + IDS_PER_STATEMENT], at)
        db.execute(_balances(db.dialect.name), these)


def touch_customers(db: Connection, organisation_id: str, customer_ids: Collection[str], at: datetime) -> None:
    """Note that everything of these customers changed at `at`: themselves, their documents, their receipts."""
    ids = sorted(set(customer_ids))
    for start in range(0, len(ids), IDS_PER_STATEMENT):
        these = _these(organisation_id, ids[start : start + IDS_PER_STATEMENT], at)
        for table, column in ((t.customer, "id"), (t.document, "customer_id"), (t.receipt, "customer_id")):
            db.execute(_everything(table, column), these)


def _these(organisation_id: str, ids: Sequence[str], at: datetime) -> dict[str, Any]:
    return {"the_organisation": organisation_id, "ids": list(ids), "at": at, "before": at - _MOMENT}


# Whatever is read and decided touches something, so each is built once.
@cache
def _documents(dialect: str) -> Update:
    return _changed(t.document).where(_named_documents(dialect))


@cache
def _their_owners(dialect: str) -> Update:
    owners = select(t.document.c.customer_id).where(_named_documents(dialect))
    return _changed(t.customer).where(owned_by(t.customer, bindparam("the_organisation")), t.customer.c.id.in_(owners))


def _named_documents(dialect: str) -> ColumnElement[bool]:
    return owned_by(t.document, bindparam("the_organisation")) & among_given(dialect, t.document.c.id, "ids")


@cache
def _balances(dialect: str) -> Update:
    customer, at = t.customer.c, bindparam("at", type_=t.Instant())
    is_news = (customer.changed_at != at) | (customer.shown_at == at) | customer.weighed_until.is_not(None)
    mine = owned_by(t.customer, bindparam("the_organisation")) & among_given(dialect, customer.id, "ids")
    return _changed(t.customer).where(mine, is_news)


@cache
def _everything(table: Table, column: str) -> Update:
    return _changed(table).where(
        table.c.organisation_id == bindparam("the_organisation"),
        table.c[column].in_(bindparam("ids", expanding=True)),
    )


def _changed(table: Table) -> Update:
    """Change rows at `at`; `shown_at` is the change up to which each was shown.

    Planning weighs a customer that changed again (`runtime.store.weighing`).

    `at` may be the time at which a reading began, so another change of that time may have been shown already.
    """
    at, before = (bindparam(name, type_=t.Instant()) for name in ("at", "before"))
    shown = {"changed_at": at, "shown_at": case((table.c.shown_at == at, before), else_=table.c.shown_at)}
    return update(table).values(shown | ({"weighed_until": None} if table is t.customer else {}))
