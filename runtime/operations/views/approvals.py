"""Messages that wait for a person's eye: as they would read now, and what was decided in the last days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from receivables.money import Money
from reminders.approval import APPROVAL_LASTS, digest_of
from reminders.evidence import Channel
from reminders.schedule import ReminderLine
from runtime.app import App
from runtime.operations.reminding.approvals import decided_digests, planned_now, wants_approval, why_approved
from runtime.operations.reminding.compose import Composer
from runtime.operations.reminding.withdraw import PLANNED
from runtime.store import tables as t
from runtime.store.connections import Organisation

MAX_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that waits. `subject` and `text` are what its reader will read, `why` says who has it wait."""

    reminder_id: str
    digest: str
    customer_id: str
    name: str
    address: str
    channel: Channel
    level: int
    tone: str
    lines: tuple[ReminderLine, ...]
    totals: tuple[Money, ...]
    subject: str
    text: str
    why: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What was said of a message."""

    digest: str
    customer_id: str
    name: str
    decision: str
    note: str
    decided_by: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class Approvals:
    """`more` is how many wait beside those that are shown."""

    waiting: tuple[Waiting, ...]
    more: int
    decided: tuple[Decision, ...]


def approvals_view(app: App, db: Connection, organisation: Organisation, *, now: datetime) -> Approvals:
    """Return the page. What something holds at this moment is not shown: it is planned again when it may leave."""
    reminder = t.reminder.c
    known = decided_digests(db, organisation.id, now)
    rows = db.execute(
        select(reminder.id, reminder.digest)
        .where(
            reminder.organisation_id == organisation.id,
            reminder.state == PLANNED,
            wants_approval(all_of_them=organisation.approvals_on),
        )
        .order_by(reminder.planned_at, reminder.id)
    ).all()
    open_ids = [row.id for row in rows if row.digest not in known]
    planned = planned_now(db, organisation, open_ids[:MAX_SHOWN], now)
    composer = Composer(app, db, organisation, now, is_preview=True)
    waiting = []
    for reminder_id, each in planned.items():
        digest = digest_of(each)
        message = composer.compose(reminder_id, each, country=composer.country_of(each.recipient_id))
        why = why_approved(organisation, each)
        if digest in known or message is None or not why:
            continue
        waiting.append(
            Waiting(
                reminder_id=reminder_id,
                digest=digest,
                customer_id=each.recipient_id,
                name=each.recipient_name,
                address=each.address,
                channel=each.channel,
                level=each.level.level,
                tone=each.level.tone.value,
                lines=each.lines,
                totals=each.totals,
                subject=message.subject,
                text=message.text,
                why=why,
            )
        )
    return Approvals(tuple(waiting), max(0, len(open_ids) - MAX_SHOWN), _decided(db, organisation.id, now))


def _decided(db: Connection, organisation_id: str, now: datetime) -> tuple[Decision, ...]:
    approval = t.approval.c
    rows = db.execute(
        select(t.approval, t.customer.c.name)
        .outerjoin(
            t.customer, (t.customer.c.id == approval.customer_id) & (t.customer.c.organisation_id == organisation_id)
        )
        .where(approval.organisation_id == organisation_id, approval.decided_at > now - APPROVAL_LASTS)
        .order_by(approval.decided_at.desc(), approval.id)
        .limit(MAX_SHOWN)
    )
    return tuple(
        Decision(row.digest, row.customer_id, row.name or "", row.decision, row.note, row.decided_by, row.decided_at)
        for row in rows
    )
