"""Plan reminders: what would be sent now, from what is known now. Sending asks everything again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from reminders.holds import evaluate
from reminders.policy import DunningPolicy, level_ahead
from reminders.policy_book import PolicyBook
from reminders.reach import choose
from reminders.schedule import Candidate, Plan, Verdict, plan
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.reaching.reach import reach
from runtime.operations.reminding.debtors import policies_for
from runtime.operations.reminding.due_days import due_days, settle
from runtime.operations.reminding.evidence import gather, reminded
from runtime.operations.reminding.left_to_people import leave_to_people, untold
from runtime.operations.reminding.planned import forget_planned, keep_planned
from runtime.operations.reminding.policies import current
from runtime.store import connections
from runtime.store.connections import Organisation
from runtime.store.weighing import set_weighed, to_weigh

CUSTOMERS_A_HEAP = 2_000
MAX_HEAPS = 5_000  # ten million customers


def plan_reminders(app: App, organisation_id: str) -> Counter[str]:
    """Plan for every customer of whom something changed or whose day has come; what was planned for others stands.

    Freshness is no reason to hold a plan: nothing is sent from it without reading again. A heap of customers is a unit
    of work, so that nobody waits for a large organisation. Returns how many items of these customers are reminded, held
    and not due, and how many messages that makes.
    """
    counted: Counter[str] = Counter()
    after, now = "", app.clock()
    for _ in range(MAX_HEAPS):
        with app.store.write() as db:
            organisation = connections.organisation(db, organisation_id)
            if organisation is None:
                raise RefusedError(f"there is no organisation {organisation_id}")
            connections.lock_organisation(db, organisation_id)
            customers = to_weigh(db, organisation_id, now=now, after=after, limit=CUSTOMERS_A_HEAP)
            if not customers:
                break
            counted.update(_plan_for(db, organisation, customers, app.clock()))
            after = customers[-1]
    return counted


def _plan_for(db: Connection, organisation: Organisation, customers: Collection[str], now: datetime) -> Counter[str]:
    book = current(db, organisation.id).book
    days = due_days(db, organisation, book, customer_ids=customers, now=now)
    left = untold(db, organisation.id, days.left_to_people)
    days.not_asked -= len(left)
    asked = [*days.asked, *left]
    result = decide(db, organisation, now=now, book=book, document_ids=asked, freshness_is_reported=True)
    forget_planned(db, organisation.id, customers)
    keep_planned(db, organisation.id, result, now)
    settle(days, result.decisions, now)
    mine = [each for each in result.decisions if each.evidence.item.item_id in left]
    leave_to_people(db, organisation, mine, at=now)
    set_weighed(db, organisation.id, days.until)
    counted = Counter(decision.verdict.value for decision in result.decisions)
    counted[Verdict.NOT_DUE.value] += days.not_asked
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

    def policy(self, item: Candidate) -> DunningPolicy:
        """Return the policy that one of them is decided by."""
        return self.policies.get(item.evidence.contact.recipient_id, self.default)


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
    if not evidence:
        return Candidates([], book.default, {})
    customers = {each.contact.recipient_id for each in evidence}
    policies = policies_for(db, organisation, book, customer_ids=customers, now=now)
    levels = reminded(db, organisation.id, [each.item.item_id for each in evidence])
    reached = reach(db, organisation, mails={each.contact for each in evidence}, now=now)
    found = []
    for each in evidence:
        level, at = levels.get(each.item.item_id, (0, None))
        policy = policies.get(each.contact.recipient_id, book.default)
        step = level_ahead(policy=policy, days_overdue=each.days_overdue(now), reminded_level=level)
        known = replace(each, contact=choose(step, partial(reached.contact, each.contact)))
        holds = evaluate(evidence=known, as_of=now, limits=policy.limits, freshness_is_reported=freshness_is_reported)
        found.append(Candidate(known, holds, reminded_level=level, reminded_at=at))
    return Candidates(found, book.default, policies)
