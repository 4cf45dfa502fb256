"""What the demo showed: our own counts, and the judgement of the sandbox's truth, which the product cannot see."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, or_, select

from reminders.schedule import ItemDecision, Verdict
from runtime.demo.story import Story
from runtime.operations.reminding.plan import decide
from runtime.operations.reminding.withdraw import SENT
from runtime.store import connections
from runtime.store import tables as t

GRACE_DAYS = 1  # the policy's first level: an item overdue for a day may be missed, a fresher one not yet
PERCENTILE = 0.95


def summarise(story: Story) -> dict[str, Any]:
    """Return the summary object of `truedue demo` (DESIGN section 6)."""
    stage = story.stage
    decisions = {key: _decisions(story, organisation_id) for key, organisation_id in story.ids.items()}
    score = stage.world.score(stage.mailbox.mails, grace_days=GRACE_DAYS)
    latencies = _latencies(story)
    return {
        "steps": story.counts,
        "seconds": story.seconds,
        "invoices": _invoices(story),
        "receipts": _receipts(story),
        "reminders_sent": _reminders_sent(story),
        "items_reminded": sum(len(_numbers(story, organisation_id)) for organisation_id in story.ids.values()),
        "reminders_held": _held(decisions.values()),
        "false_reminders": len(score.false_reminders),
        "false_reminder_reasons": score.false_reminders,
        "missed_reminders": len(score.missed_reminders),
        "missed_items": score.missed_reminders,
        "reachable_due": score.reachable_due,
        "cases": stage.world.check_cases(mails=stage.mailbox.mails, product_states=_states(decisions)),
        "calls": stage.estate.calls(),
        "avoidable_429": stage.estate.avoidable_429(),
        "webhook_to_posted_seconds": {
            "payments": len(latencies),
            "p50": percentile(latencies, 0.5),
            "p95": percentile(latencies, PERCENTILE),
        },
        "problems": _problems(story),
    }


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the smallest value that at least `share` of `values` do not exceed (nearest rank); None for no values."""
    if not values:
        return None
    return round(sorted(values)[math.ceil(share * len(values)) - 1], 3)


def _decisions(story: Story, organisation_id: str) -> dict[str, ItemDecision]:
    """What the product says of every invoice that is open or held, by number."""
    app = story.stage.app
    with app.store.read() as db:
        organisation = connections.organisation(db, organisation_id)
        if organisation is None:
            return {}
        held = select(t.hold.c.document_id).where(t.hold.c.organisation_id == organisation_id)
        ids = db.scalars(
            select(t.document.c.id).where(
                t.document.c.organisation_id == organisation_id,
                or_(t.document.c.status != "paid", t.document.c.id.in_(held)),
            )
        ).all()
        plan = decide(
            db,
            organisation,
            now=app.clock(),
            document_ids=ids,
            freshness_is_reported=True,
        )
    return {decision.evidence.item.number: decision for decision in plan.decisions}


def _held(decisions: Any) -> dict[str, int]:  # noqa: ANN401 - a view of dictionaries
    """Count, by hold, the items that are due by the policy and held."""
    counted: Counter[str] = Counter()
    for of_organisation in decisions:
        for decision in of_organisation.values():
            if decision.verdict is Verdict.HELD:
                counted.update(hold.code.value for hold in decision.holds)
    return dict(sorted(counted.items()))


def _states(decisions: dict[str, dict[str, ItemDecision]]) -> dict[str, dict[str, dict[str, Any]]]:
    return {
        key: {number: {"holds": [hold.code.value for hold in decision.holds]} for number, decision in each.items()}
        for key, each in decisions.items()
    }


def _invoices(story: Story) -> dict[str, int]:
    with story.stage.app.store.read() as db:
        rows = db.execute(
            select(t.document.c.status, func.count())
            .where(t.document.c.kind == "invoice")
            .group_by(t.document.c.status)
            .order_by(t.document.c.status)
        )
        return {row[0]: row[1] for row in rows}


def _receipts(story: Story) -> dict[str, int]:
    with story.stage.app.store.read() as db:
        rows = db.execute(
            select(t.receipt.c.state, func.count()).group_by(t.receipt.c.state).order_by(t.receipt.c.state)
        )
        return {row[0]: row[1] for row in rows}


def _reminders_sent(story: Story) -> int:
    with story.stage.app.store.read() as db:
        return db.scalar(select(func.count()).select_from(t.reminder).where(t.reminder.c.state == SENT)) or 0


def _numbers(story: Story, organisation_id: str) -> list[str]:
    with story.stage.app.store.read() as db:
        return list(
            db.scalars(
                select(t.document.c.number)
                .join(t.reminder_item, t.reminder_item.c.document_id == t.document.c.id)
                .where(t.reminder_item.c.organisation_id == organisation_id, t.reminder_item.c.state == SENT)
            )
        )


def _latencies(story: Story) -> list[float]:
    """Seconds from a payment's first webhook to its posting in the ledger and the withdrawal of its reminder.

    The withdrawal happens in the unit of work that promises the posting, so the posting is the later of the two.
    """
    with story.stage.app.store.read() as db:
        rows = db.execute(
            select(func.min(t.inbox.c.received_at), func.max(t.outbox.c.done_at))
            .join(t.receipt, t.receipt.c.external_id == t.inbox.c.external_id)
            .join(t.outbox, t.outbox.c.subject == t.receipt.c.id)
            .where(t.inbox.c.system == "stripe", t.outbox.c.done_at.is_not(None), t.receipt.c.method == "card")
            .group_by(t.receipt.c.id)
        ).all()
    return [(done_at - received_at).total_seconds() for received_at, done_at in rows if done_at >= received_at]


def _problems(story: Story) -> dict[str, int]:
    with story.stage.app.store.read() as db:
        rows = db.execute(
            select(t.problem.c.code, func.count())
            .where(t.problem.c.resolved_at.is_(None))
            .group_by(t.problem.c.code)
            .order_by(t.problem.c.code)
        )
        return {row[0]: row[1] for row in rows}
