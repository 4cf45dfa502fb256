"""For which invoices a policy asks now, and when it asks for another one of the same customer: from days alone.

Most open invoices are not due yet or were reminded a while ago. The calendar says so, and nothing else is read of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, select

from receivables.document import DocumentKind, DocumentStatus
from reminders.business_time import closes_at, start_of_day
from reminders.holds import HoldCode
from reminders.policy import DunningPolicy
from reminders.policy_book import Asked, Debtor, PolicyBook
from reminders.schedule import Ask, ItemDecision, Verdict, left_to_people_at, next_ask
from runtime.operations.reaching.by_mail import place_of
from runtime.operations.reminding.debtors import debtors
from runtime.operations.reminding.evidence import reminded
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.rows import beside_an_index, chunks

DECIDED_FOR = timedelta(days=1)  # how long what was asked for stands, if nobody says that something changed
UNASKED_FOR = timedelta(days=90)  # the same where nothing is asked for: a safeguard, and few a day
HABIT_FOR = timedelta(days=7)  # the same where policies go by how late somebody usually pays, or their risk
_WITH_TIME = frozenset({Asked.HABIT, Asked.RISK})
# What money that is not applied may pay: weighed with every planning, so that whatever becomes of that money counts.
_MONEY = frozenset({HoldCode.SETTLED, HoldCode.IN_FLIGHT, HoldCode.PROBABLY_PAID, HoldCode.CREDIT_AVAILABLE})

_document, _customer = t.document.c, t.customer.c
_OPEN = (
    select(_document.id, _document.customer_id, _document.due_on, _customer.country)
    .join(t.customer, _customer.id == _document.customer_id)
    .where(
        _document.organisation_id == bindparam("organisation_id"),
        _document.customer_id.in_(bindparam("customer_ids", expanding=True)),
        _document.kind == DocumentKind.INVOICE.value,
        beside_an_index(_document.status) == DocumentStatus.OPEN.value,
    )
)


@dataclass
class DueDays:
    """What policies ask for: invoices now, how many are not asked for, and until when that stands, by customer.

    `left_to_people` are overdue, every level of their policy was sent, and the pause after the last one is over.
    """

    asked: list[str] = field(default_factory=list)
    left_to_people: list[str] = field(default_factory=list)
    not_asked: int = 0
    until: dict[str, datetime | None] = field(default_factory=dict)

    def bring_forward(self, customer_id: str, at: datetime | None) -> None:
        """Let what is said of a customer stand until `at` at most; None: with the next planning it is over."""
        known = self.until[customer_id]
        self.until[customer_id] = None if at is None or known is None else min(known, at)


def due_days(
    db: Connection, organisation: Organisation, book: PolicyBook, *, customer_ids: Collection[str], now: datetime
) -> DueDays:
    """Return what the policies ask for of these customers' open invoices at `now`."""
    found = DueDays(until=dict.fromkeys(customer_ids, now + UNASKED_FOR))
    policies = _policies(db, organisation, book, found, now)
    for chunk in chunks(sorted(customer_ids)):
        rows = db.execute(_OPEN, {"organisation_id": organisation.id, "customer_ids": list(chunk)}).all()
        levels = reminded(db, organisation.id, [row.id for row in rows])
        zones = {country: place_of(organisation, country)[1] for country in {row.country for row in rows}}
        for row in rows:
            level, at = levels.get(row.id, (0, None))
            policy = policies.get(row.customer_id, book.default)
            ask = next_ask(
                policy=policy,
                due_on=row.due_on,
                time_zone=zones[row.country],
                as_of=now,
                reminded_level=level,
                reminded_at=at,
            )
            _note(found, row, ask)
            if ask is None and at is not None and row.due_on < now.astimezone(ZoneInfo(zones[row.country])).date():
                _note_all_sent(found, row, left_to_people_at(policy=policy, reminded_at=at), now)
    return found


def _note(found: DueDays, row: Any, ask: Ask | None) -> None:  # noqa: ANN401 - a row of _OPEN
    if ask is not None and ask.at is None:
        found.asked.append(row.id)
        return
    found.not_asked += 1
    if ask is not None:
        found.bring_forward(row.customer_id, ask.at)


def _note_all_sent(found: DueDays, row: Any, left_at: datetime, now: datetime) -> None:  # noqa: ANN401 - a row of _OPEN
    if left_at <= now:
        found.left_to_people.append(row.id)
    else:
        found.bring_forward(row.customer_id, left_at)


def settle(found: DueDays, decisions: Iterable[ItemDecision], now: datetime) -> None:
    """Bring forward when each customer is weighed again by what was decided about the invoices that were asked for."""
    for decision in decisions:
        found.bring_forward(decision.evidence.item.customer_id, _stands_until(decision, now))


def _stands_until(decision: ItemDecision, now: datetime) -> datetime | None:
    latest = now + DECIDED_FOR
    if decision.verdict is Verdict.REMIND:
        return closes_at(now, decision.evidence.contact.time_zone)  # what has not left by then waits for the morning
    if decision.verdict is Verdict.NOT_DUE:
        return latest
    if any(hold.code in _MONEY for hold in decision.holds):
        return None
    # It is reminded of once the last of its holds has ended.
    return max(latest if hold.until is None else min(hold.until, latest) for hold in decision.holds)


def _policies(
    db: Connection, organisation: Organisation, book: PolicyBook, found: DueDays, now: datetime
) -> dict[str, DunningPolicy]:
    """The policy of each customer, of nobody where one is for everyone."""
    if book.is_for_everyone:
        return {}
    known = debtors(db, organisation, customer_ids=found.until, now=now, asked=book.asked)
    for customer_id, debtor in known.items():
        found.bring_forward(customer_id, _changes_segment(organisation, book, debtor, now))
    return {customer_id: book.policy_for(debtor) for customer_id, debtor in known.items()}


def _changes_segment(organisation: Organisation, book: PolicyBook, debtor: Debtor, now: datetime) -> datetime:
    """When a customer may come under another policy although nothing happens but time."""
    today = now.astimezone(organisation.zone).date()
    ahead = [days - debtor.days_overdue for days in book.overdue_days if days > debtor.days_overdue]
    latest = now + (HABIT_FOR if book.asked & _WITH_TIME else UNASKED_FOR)
    return min([latest, *(start_of_day(today + timedelta(days=days), organisation.time_zone) for days in ahead)])
