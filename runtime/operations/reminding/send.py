"""Send planned reminders through the gate: read again, decide again, certify, reserve, hand over once.

A reminder goes planned → sending (certified, its slots reserved) → handing (claimed the moment before the carrier gets
it) → sent. What is not sure to have left never leaves twice: a reminder found in `handing` goes to a person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from connectors.errors import ConnectorError, Retry
from receivables.problem import Problem
from reminders.evidence import Channel
from reminders.freshness import LEDGER_MAX_AGE
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.reaching.contacted import count_contacts
from runtime.operations.reaching.deliveries import keep_report, note_refusal
from runtime.operations.reaching.shared_limit import share_contact, unshare_contact
from runtime.operations.reaching.ways import Way, carriers_of
from runtime.operations.reminding.approvals import may_be_claimed
from runtime.operations.reminding.gate import Gate, Ready
from runtime.operations.reminding.in_doubt import REMINDER_IN_DOUBT
from runtime.operations.reminding.withdraw import FAILED, HANDING, IN_DOUBT, PLANNED, SENDING, SENT
from runtime.store import connections, journal, reminder_rows
from runtime.store import tables as t
from runtime.store.reminder_rows import Claim
from runtime.store.touch import touch_balances
from runtime.store.weighing import weigh_again

REMINDERS_A_BATCH = 40  # one reading of the ledger serves this many (DESIGN section 3, line 8)
MAX_BATCHES = 5_000
ABANDONED_AFTER = timedelta(minutes=10)
CALL_ABANDONED_AFTER = timedelta(days=1)

Progress = Callable[[int], None]


def _quiet(_count: int) -> None:
    """Show no progress."""


def send_reminders(app: App, organisation_id: str, *, progress: Progress = _quiet) -> Counter[str]:
    """Send what is planned and still truly due. Returns how many messages and items ended each way.

    RefusedError when sending is switched off for the organisation or no channel is set up: nothing is changed.
    """
    with app.store.read() as db:
        organisation = connections.organisation(db, organisation_id)
        open_channels = carriers_of(app, db, organisation_id) if organisation else {}
    if organisation is None or not organisation.sending_on:
        raise RefusedError("sending is switched off for this organisation: switch it on first")
    if not open_channels:
        raise RefusedError("no mail server is set: set TRUEDUE_SMTP_HOST and TRUEDUE_MAIL_FROM")
    _recover(app, organisation_id)
    gate = Gate(app, organisation)
    for _ in range(MAX_BATCHES):
        claim = _claim(app, organisation_id, open_channels, all_approved=organisation.approvals_on)
        if not claim.reminder_ids:
            break
        for ready in gate.certify(claim):
            gate.outcome[_hand_over(app, open_channels[ready.channel], organisation_id, claim, ready)] += 1
        progress(len(claim.reminder_ids))
    return gate.outcome


def _recover(app: App, organisation_id: str) -> None:
    """Settle what a killed sender left: certified ones are decided again, handed-over ones go to a person."""
    with app.store.write() as db:
        now = app.clock()
        mine = (t.reminder.c.organisation_id == organisation_id) & (t.reminder.c.planned_at < now - ABANDONED_AFTER)
        db.execute(update(t.reminder).where(mine, t.reminder.c.state == SENDING).values(state=PLANNED))
        # A call lasts, and whoever made it says later how it ended; of one that is forgotten a person is asked.
        called = t.reminder.c.channel == Channel.CALL_TASK.value
        over = ~called | (t.reminder.c.planned_at < now - CALL_ABANDONED_AFTER)
        handing = select(t.reminder.c.id, called.label("called")).where(mine, over, t.reminder.c.state == HANDING)
        for row in db.execute(handing.with_for_update()).all():
            stopped = "the sender stopped while the message was handed over"
            why = "a call was begun, and nobody said how it ended" if row.called else stopped
            _doubt(db, organisation_id, row.id, why, now)


def _claim(app: App, organisation_id: str, channels: Collection[Channel], *, all_approved: bool = False) -> Claim:
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        ids = list(
            db.scalars(
                select(t.reminder.c.id)
                .where(
                    t.reminder.c.organisation_id == organisation_id,
                    t.reminder.c.state == PLANNED,
                    t.reminder.c.channel.in_([channel.value for channel in channels]),
                    may_be_claimed(now, all_of_them=all_approved),
                )
                .order_by(t.reminder.c.id)
                .limit(REMINDERS_A_BATCH)
                .with_for_update(skip_locked=True)
            )
        )
        db.execute(update(t.reminder).where(t.reminder.c.id.in_(ids)).values(state=SENDING, planned_at=now))
        # Whatever becomes of them, the next planning looks at their customers again.
        customers = {customer_id for customer_id, _ in reminder_rows.owners(db, ids).values()}
        weigh_again(db, organisation_id, customer_ids=customers)
    return Claim(tuple(ids), now)


def _hand_over(app: App, way: Way, organisation_id: str, claim: Claim, ready: Ready) -> str:
    """Give one message to the carrier, unless it was withdrawn a moment ago."""
    reminder_id = ready.reminder_id
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)  # what withdraws it comes before this, or after it has left
        now, mine = app.clock(), claim.holds(reminder_id)
        if now - ready.read_at > LEDGER_MAX_AGE or _is_written_to(db, organisation_id, ready, now):
            # A slow carrier: the evidence grew too old while others were handed over. Or whoever reads at this address
            # got a message meanwhile, for another customer. It is decided again.
            returned = db.execute(update(t.reminder).where(mine).values(state=PLANNED))
            if returned.rowcount:
                reminder_rows.release_slots(db, [reminder_id])
            return "read_again" if returned.rowcount else "withdrawn"
        claimed = db.execute(update(t.reminder).where(mine).values(state=HANDING, sent_at=now))
        if claimed.rowcount == 0:
            return "withdrawn"
        address = ready.contact.address or ""
        share_contact(db, organisation_id, reminder_id, channel=ready.channel, address=address, at=now)
    try:
        report = way.carrier.send(ready.message)
    except ConnectorError as error:
        return _not_sent(app, organisation_id, ready, error)
    with app.store.write() as db:
        now = app.clock()
        db.execute(update(t.reminder).where(t.reminder.c.id == reminder_id).values(state=SENT, sent_at=now))
        touch_balances(db, organisation_id, [ready.customer_id], now)  # the CRM shows when they were last written to
        for item_id in reminder_rows.items(db, [reminder_id]).get(reminder_id, []):
            reminder_rows.set_item(db, reminder_id, item_id, state=SENT)
            detail = f"{ready.message.subject} → {ready.message.to}"
            reminder_rows.record(db, organisation_id, now, action="reminder_sent", subject=item_id, detail=detail)
        keep_report(db, organisation_id, reminder_id, carrier=way.name, report=report, at=now)
    return SENT


def _is_written_to(db: Connection, organisation_id: str, ready: Ready, now: datetime) -> bool:
    """Whether they heard from us more often by now than was counted when this was decided."""
    return count_contacts(db, organisation_id, ready.contact, now=now) > ready.contact.contacts_this_week


def _not_sent(app: App, organisation_id: str, ready: Ready, error: ConnectorError) -> str:
    reminder_id = ready.reminder_id
    with app.store.write() as db:
        now = app.clock()
        if isinstance(error, Retry) and error.ambiguous:
            _doubt(db, organisation_id, reminder_id, str(error), now)
            return IN_DOUBT
        # It did not leave: the next plan takes its items again.
        values = {"state": FAILED, "sent_at": None, "why": str(error)}
        db.execute(update(t.reminder).where(t.reminder.c.id == reminder_id).values(**values))
        reminder_rows.release_slots(db, [reminder_id])
        unshare_contact(db, organisation_id, reminder_id)
        note_refusal(db, organisation_id, reminder_id, error, at=now)
        remedy = getattr(error, "remedy", "") or "Correct the address; what is only put off is tried again by itself."
        problem = Problem("reminder_failed", f"A reminder was not sent: {error}", remedy, reminder_id)
        journal.raise_problem(db, organisation_id=organisation_id, problem=problem, at=now)
    return FAILED


def _doubt(db: Connection, organisation_id: str, reminder_id: str, why: str, now: datetime) -> None:
    db.execute(update(t.reminder).where(t.reminder.c.id == reminder_id).values(state=IN_DOUBT, why=why))
    remedy = "Ask the log of the mail server or carrier, or whoever called, and say so; it is not sent again by itself."
    problem = Problem(REMINDER_IN_DOUBT, f"A reminder may or may not have been sent: {why}", remedy, reminder_id)
    journal.raise_problem(db, organisation_id=organisation_id, problem=problem, at=now)
