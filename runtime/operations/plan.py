"""Plan reminders: what would be sent now, from what is known now. Sending asks everything again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, delete, insert, select

from receivables.identity import stable_id
from reminders.holds import evaluate
from reminders.policy import DunningPolicy, level_ahead
from reminders.policy_book import PolicyBook
from reminders.reach import choose
from reminders.schedule import Candidate, Plan, PlannedReminder, plan
from runtime.app import App
from runtime.operations.debtors import policies_for
from runtime.operations.errors import RefusedError
from runtime.operations.evidence import gather, reminded
from runtime.operations.policies import current
from runtime.operations.reach import reach
from runtime.operations.withdraw import PLANNED
from runtime.store import connections, reminder_rows
from runtime.store import tables as t
from runtime.store.connections import Organisation


def plan_reminders(app: App, organisation_id: str) -> Counter[str]:
    """Put the planned reminders of an organisation in the place of those planned before.

    Freshness is no reason to hold a plan: nothing is sent from it without reading again. Returns how many items are
    reminded, held and not due, and how many messages that makes.
    """
    with app.store.write() as db:
        organisation = connections.organisation(db, organisation_id)
        if organisation is None:
            raise RefusedError(f"there is no organisation {organisation_id}")
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        result = decide(db, organisation, now=now, freshness_is_reported=True)
        _replace_planned(db, organisation_id)
        for each in result.reminders:
            _keep(db, organisation_id, each, result, now)
    counted = Counter(decision.verdict.value for decision in result.decisions)
    counted["messages"] = len(result.reminders)
    return counted


def decide(
    db: Connection,
    organisation: Organisation,
    *,
    now: datetime,
    book: PolicyBook | None = None,
    document_ids: Collection[str] | None = None,
    freshness_is_reported: bool = False,
) -> Plan:
    """Decide about every open invoice, or about exactly these, at `now`, by `book` or by the policies that count."""
    found = candidates(
        db,
        organisation,
        now=now,
        book=book,
        document_ids=document_ids,
        freshness_is_reported=freshness_is_reported,
    )
    return plan(candidates=found.items, policy=found.default, policies=found.policies, as_of=now)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Invoices with their holds, and the policies that they are decided by."""

    items: list[Candidate]
    default: DunningPolicy
    policies: dict[str, DunningPolicy]


def candidates(
    db: Connection,
    organisation: Organisation,
    *,
    now: datetime,
    book: PolicyBook | None = None,
    document_ids: Collection[str] | None = None,
    freshness_is_reported: bool = False,
) -> Candidates:
    """Return every open invoice, or exactly these, each with the contact by which its next level would go."""
    book = book or current(db, organisation.id).book
    evidence = gather(db, organisation, now=now, document_ids=document_ids)
    customers = {each.contact.recipient_id for each in evidence}
    policies = policies_for(db, organisation, book, customer_ids=customers, now=now)
    levels = reminded(db, organisation.id, [each.item.item_id for each in evidence])
    reached = reach(db, organisation, customer_ids=customers, now=now)
    found = []
    for each in evidence:
        level, at = levels.get(each.item.item_id, (0, None))
        policy = policies.get(each.contact.recipient_id, book.default)
        step = level_ahead(policy=policy, days_overdue=each.days_overdue(now), reminded_level=level)
        known = replace(each, contact=choose(step, partial(reached.contact, each.contact)))
        holds = evaluate(evidence=known, as_of=now, limits=policy.limits, freshness_is_reported=freshness_is_reported)
        found.append(Candidate(known, holds, reminded_level=level, reminded_at=at))
    return Candidates(found, book.default, policies)


def _replace_planned(db: Connection, organisation_id: str) -> None:
    planned = select(t.reminder.c.id).where(
        t.reminder.c.organisation_id == organisation_id, t.reminder.c.state == PLANNED
    )
    reminder_rows.release_slots(db, db.scalars(planned).all())
    db.execute(delete(t.reminder_item).where(t.reminder_item.c.reminder_id.in_(planned)))
    db.execute(delete(t.reminder).where(t.reminder.c.organisation_id == organisation_id, t.reminder.c.state == PLANNED))


def _new_id(db: Connection, organisation_id: str, customer_id: str) -> str:
    """Return the id of a customer's next reminder: the first number not taken, since planned ones come and go."""
    mine = select(t.reminder.c.id).where(
        t.reminder.c.organisation_id == organisation_id, t.reminder.c.customer_id == customer_id
    )
    taken = set(db.scalars(mine))
    numbered = (stable_id("rem", organisation_id, customer_id, str(number)) for number in range(len(taken) + 1))
    return next(each for each in numbered if each not in taken)


def _keep(db: Connection, organisation_id: str, each: PlannedReminder, result: Plan, now: datetime) -> None:
    reminder_id = _new_id(db, organisation_id, each.recipient_id)
    db.execute(
        insert(t.reminder).values(
            id=reminder_id,
            organisation_id=organisation_id,
            customer_id=each.recipient_id,
            level=each.level.level,
            channel=each.channel.value,
            state=PLANNED,
            recipient=each.address,
            subject="",
            body_text="",
            body_html="",
            planned_at=now,
            why="",
        )
    )
    levels = {d.evidence.item.item_id: d.level.level for d in result.decisions if d.level is not None}
    db.execute(
        insert(t.reminder_item),
        [
            {
                "reminder_id": reminder_id,
                "document_id": line.item_id,
                "organisation_id": organisation_id,
                "level": levels[line.item_id],
                "currency": line.amount_due.currency,
                "amount_minor": line.amount_due.minor,
                "state": PLANNED,
            }
            for line in each.lines
        ],
    )
