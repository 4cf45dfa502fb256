"""By which channels customers can be reached now: the part of the evidence of a contact that lasts."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection

from reminders.contact import is_reachable
from reminders.evidence import Channel
from reminders.policy_book import REACHING
from runtime.operations.reaching.by_mail import read_mailing
from runtime.operations.reaching.reach import reach
from runtime.store.connections import Organisation


def reached_by(
    db: Connection, organisation: Organisation, *, customer_ids: Collection[str], now: datetime
) -> dict[str, frozenset[Channel]]:
    """Return the channels that nothing lasting keeps from each of these customers: hours and pauses do not count."""
    mailing = read_mailing(db, organisation, customer_ids)
    reached = reach(db, organisation, customer_ids=customer_ids, now=now)
    found = {}
    for customer_id in customer_ids:
        mail = mailing.contact(customer_id)
        found[customer_id] = frozenset(each for each in REACHING if is_reachable(reached.contact(mail, each)))
    return found
