"""How often customers heard from us lately."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from runtime.operations.reminding.withdraw import HANDING, IN_DOUBT, NO_ANSWER, SENT
from runtime.store import tables as t
from runtime.store.rows import beside_an_index, chunks

_WEEK = timedelta(days=7)
_MAY_HAVE_LEFT = (HANDING, IN_DOUBT, SENT, NO_ANSWER)


def contacts(
    db: Connection, organisation_id: str, customer_ids: Collection[str], now: datetime
) -> dict[str, tuple[int, datetime]]:
    """Return, by customer, how many messages went out, or may have, in seven days, and when the last one did."""
    found: dict[str, tuple[int, datetime]] = {}
    for sent in (t.reminder.c, t.thanks.c, t.courtesy.c):
        for chunk in chunks(sorted(customer_ids)):
            rows = db.execute(
                select(sent.customer_id, func.count(), func.max(sent.sent_at))
                .where(
                    sent.organisation_id == organisation_id,
                    sent.customer_id.in_(chunk),
                    beside_an_index(sent.state).in_(_MAY_HAVE_LEFT),
                    beside_an_index(sent.sent_at) > now - _WEEK,
                )
                .group_by(sent.customer_id)
            )
            for customer_id, count, last in rows:
                before, at = found.get(customer_id, (0, last))
                found[customer_id] = (before + count, max(at, last))
    return found
