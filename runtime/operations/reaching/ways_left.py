"""Whether a customer can still be reached by some channel of their policy."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from runtime.operations.reminding.debtors import policies_for
from runtime.operations.reminding.policies import current
from runtime.operations.reminding.reached import reached_by
from runtime.store.connections import Organisation


def is_any_way_left(db: Connection, organisation: Organisation, customer_id: str, *, now: datetime) -> bool:
    """Whether nothing lasting forbids some channel by which the policy of a customer would have them written to."""
    book = current(db, organisation.id).book
    policy = policies_for(db, organisation, book, customer_ids=[customer_id], now=now).get(customer_id, book.default)
    channels = {channel for level in policy.levels for channel in level.channels}
    reached = reached_by(db, organisation, customer_ids=[customer_id], now=now)
    return not channels.isdisjoint(reached[customer_id])
