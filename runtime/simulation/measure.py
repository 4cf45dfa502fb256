"""How much was lived through, and how old what the messages rested on was when they were handed over."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select

from runtime.simulation.stage import Play
from runtime.store import tables as t
from sandbox.life.paperwork import NOT_SENT

LEDGER, PROCESSOR = "ledger", "processor"
Ages = dict[str, list[float]]


def open_invoices(play: Play, on: date) -> int:
    """How many invoices of the firms are open by their own books: sent to the customer, not settled and not void."""
    unpaid = (debt for firm in play.life.firms.values() for debt in firm.unpaid.values())
    return sum(NOT_SENT not in debt.state(on).held for debt in unpaid)


@dataclass
class InvoiceDays:
    """Counts open invoices once a day, from the day after `day` on."""

    day: date
    count: int = 0

    def look(self, play: Play) -> None:
        """Count the days that have begun since it looked last, with what is open now."""
        passed = (play.time.now().date() - self.day).days
        if passed > 0:
            self.day += timedelta(days=passed)
            self.count += passed * open_invoices(play, self.day)


def evidence_ages(play: Play) -> Ages:
    """Return for each message sent how long before it was handed over the product had last read the ledger about its
    invoices, and had last caught up with the processor: seconds, of the oldest reading that its certificates name.
    """
    certified = (
        select(t.reminder_item.c.reminder_id, t.reminder.c.sent_at, t.certificate.c.body)
        .join(t.reminder, t.reminder.c.id == t.reminder_item.c.reminder_id)
        .join(t.certificate, t.certificate.c.digest == t.reminder_item.c.certificate)
        .where(t.reminder.c.state == "sent", t.reminder_item.c.state == "sent")  # not what it left out in the end
    )
    oldest: dict[tuple[str, str], float] = {}
    with play.app.store.read() as db:
        for row in db.execute(certified):
            freshness = json.loads(row.body)["evidence"]["freshness"]
            read = [(LEDGER, freshness["ledger_read_at"])]
            read += [(PROCESSOR, each["caught_up_at"]) for each in freshness["processors"]]
            for source, moment in read:
                age = (row.sent_at - datetime.fromisoformat(moment)).total_seconds()
                key = (source, row.reminder_id)
                oldest[key] = max(age, oldest.get(key, age))
    ages: Ages = {LEDGER: [], PROCESSOR: []}
    for (source, _), age in sorted(oldest.items()):
        ages[source].append(age)
    return ages


def percentile(values: Sequence[float], hundredths: int) -> float | None:
    """The smallest of the values that so many hundredths of them do not exceed; None of no values."""
    if not values:
        return None
    return sorted(values)[max(0, -(-len(values) * hundredths // 100) - 1)]
