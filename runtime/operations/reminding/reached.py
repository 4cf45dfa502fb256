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
    mails = [mailing.contact(customer_id) for customer_id in customer_ids]
    reached = reach(db, organisation, mails=mails, now=now, is_counted=False)
    return {
        mail.recipient_id: frozenset(each for each in REACHING if is_reachable(reached.contact(mail, each)))
        for mail in mails
    }
