"""What other policies would change today, on the items that are really open. Nothing is planned or sent."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from reminders.business_time import next_contact_time
from reminders.policy import level_title
from reminders.policy_book import PolicyBook
from reminders.schedule import Plan
from runtime.operations.reminding.plan import decide
from runtime.store.connections import Organisation


@dataclass(frozen=True, slots=True)
class Change:
    """A customer who would be written to otherwise: what about, by the policies that count and by the others."""

    customer_id: str
    name: str
    now: str
    then: str


@dataclass(frozen=True, slots=True)
class Preview:
    """The messages of `at`, the next time at which the organisation may write. `customers_by_policy` counts whoever has
    something open, `to_approve` how many messages a person would have to approve first by their level. By
    `quiet_discounts` of these policies no message tells in time of the discount on so many open invoices.
    """

    at: datetime
    messages: int
    messages_now: int
    to_approve: int
    lines: int
    customers_by_policy: tuple[tuple[str, int], ...]
    quiet_discounts: tuple[tuple[str, int], ...]
    changes: tuple[Change, ...]


def preview(db: Connection, organisation: Organisation, *, book: PolicyBook, now: datetime) -> Preview:
    """Decide about every open invoice twice, by the policies that count and by `book`, and compare the messages."""
    at = next_contact_time(now, time_zone=organisation.time_zone, country=organisation.country)
    today = decide(db, organisation, now=at, freshness_is_reported=True)
    then = decide(db, organisation, now=at, book=book, freshness_is_reported=True)
    before, after = _messages(today), _messages(then)
    names = {each.recipient_id: each.recipient_name for each in (*today.reminders, *then.reminders)}
    changed = [who for who in names if before.get(who) != after.get(who)]
    return Preview(
        at=at,
        messages=len(then.reminders),
        messages_now=len(today.reminders),
        to_approve=sum(bool(each.approval) for each in then.reminders),
        lines=sum(len(each.lines) for each in then.reminders),
        customers_by_policy=_by_policy(then, book),
        quiet_discounts=_quiet_discounts(then),
        changes=tuple(
            Change(who, names[who], before.get(who, "no message"), after.get(who, "no message"))
            for who in sorted(changed, key=lambda who: (names[who], who))
        ),
    )


def _messages(plan: Plan) -> dict[str, str]:
    """What each customer's message is, in words."""
    found = {}
    for each in plan.reminders:
        count = len(each.lines)
        about = each.lines[0].number if count == 1 else f"{count} invoices"
        total = " and ".join(str(amount) for amount in each.totals)
        said = f"{level_title(each.level.level)}, {each.level.tone}: {about}, {total}"
        found[each.recipient_id] = said + (", once approved" if each.approval else "")
    return found


def _by_policy(plan: Plan, book: PolicyBook) -> tuple[tuple[str, int], ...]:
    names = {each.evidence.contact.recipient_id: each.policy.name for each in plan.decisions}
    counted = Counter(names.values())
    return tuple((choice.policy.name, counted[choice.policy.name]) for choice in book.choices)


def _quiet_discounts(plan: Plan) -> tuple[tuple[str, int], ...]:
    counted = Counter(
        each.policy.name
        for each in plan.decisions
        if each.policy.keeps_its_discount_quiet(
            issued_on=each.evidence.item.issued_on, due_on=each.evidence.item.due_on
        )
    )
    return tuple(sorted(counted.items()))


def preview_json(found: Preview) -> dict[str, Any]:
    """The preview as `truedue policy check --json` prints it."""
    return {
        "at": found.at.isoformat(),
        "messages": found.messages,
        "messages_now": found.messages_now,
        "to_approve": found.to_approve,
        "invoices_named": found.lines,
        "customers_by_policy": dict(found.customers_by_policy),
        "quiet_discounts": dict(found.quiet_discounts),
        "changes": [
            {"customer_id": each.customer_id, "name": each.name, "now": each.now, "then": each.then}
            for each in found.changes
        ],
    }
