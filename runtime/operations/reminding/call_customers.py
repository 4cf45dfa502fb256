"""Levels that a person carries out: calling a customer, handing a debt over. They pass the gate when somebody begins.

A planned call is no contact yet and holds nothing back. Whoever begins it claims it: the ledger is read again, every
hold is asked, a certificate is written and the slot taken, as for a message. From then on it counts as a contact.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Connection, func, select, update

from connectors.channels.contract import Fate, Report
from reminders.evidence import Channel, FlagCode
from runtime.app import App
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.payers.dispute import dispute
from runtime.operations.payers.payers_word import plain
from runtime.operations.payers.promise import promise
from runtime.operations.reaching.deliveries import keep_report
from runtime.operations.reaching.shared_limit import share_contact
from runtime.operations.reminding.gate import Gate, Ready
from runtime.operations.reminding.in_doubt import REMINDER_IN_DOUBT
from runtime.operations.reminding.standing_holds import place_hold, release_hold
from runtime.operations.reminding.withdraw import (
    HANDING,
    IN_DOUBT,
    NO_ANSWER,
    PLANNED,
    SENDING,
    SENT,
    withdraw_reminders,
)
from runtime.store import connections, journal, reminder_rows
from runtime.store import tables as t
from runtime.store.reminder_rows import Claim
from runtime.store.touch import touch_balances, touch_documents
from runtime.store.weighing import weigh_again

PERSON = "person"  # the carrier of what people do
MAX_ATTEMPTS = 3  # calls that nobody answers; then the level counts as done, and the next one follows
MAX_NOTE_CHARS = 1_000


class Outcome(StrEnum):
    """How a call ended."""

    REACHED = "reached"
    PROMISED = "promised"
    DISPUTED = "disputed"
    NO_ANSWER = "no_answer"
    WRONG_NUMBER = "wrong_number"


@dataclass(frozen=True, slots=True)
class Said:
    """What came of a call. `promised_on` goes with a promise, and `part` where less than all of its one invoice
    was promised; a dispute needs `note` as its reason.
    """

    outcome: Outcome
    note: str = ""
    promised_on: date | None = None
    part: str = ""


def begin(app: App, *, organisation_id: str, reminder_id: str, actor: str) -> Channel:
    """Claim a planned call or handing over for `actor` and let it pass the gate; what is handed over is done with that.

    RefusedError, in words for the person, when it is not planned (any more), or something holds it now.
    """
    with app.store.read() as db:
        organisation = connections.organisation(db, organisation_id)
    if organisation is None or not organisation.sending_on:
        raise RefusedError("sending is switched off for this organisation: switch it on first")
    claim = _claim(app, organisation_id, reminder_id)
    gate = Gate(app, organisation)
    ready = gate.certify(claim)
    if gate.outcome["waiting"]:
        raise RefusedError("its level is approved first: somebody does that on the page of approvals")
    if not ready:
        with app.store.write() as db:
            items = select(t.reminder_item.c.document_id).where(t.reminder_item.c.reminder_id == reminder_id)
            weigh_again(db, organisation_id, document_ids=db.scalars(items).all())
            why = _why_not(db, organisation_id, reminder_id)
        raise RefusedError(why)
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        begun = db.execute(
            update(t.reminder)
            .where(claim.holds(reminder_id))
            .values(state=HANDING, sent_at=now, why=f"begun by {actor}")
        )
        if begun.rowcount == 0:
            raise RefusedError("it was withdrawn a moment ago: money or word of the customer came")
        address = ready[0].contact.address or ""
        share_contact(db, organisation_id, reminder_id, channel=ready[0].channel, address=address, at=now)
        if ready[0].channel is Channel.HAND_OVER:
            _hand_over(db, organisation_id, ready[0], actor, now)
    return ready[0].channel


def _claim(app: App, organisation_id: str, reminder_id: str) -> Claim:
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        reminder = t.reminder.c
        mine = (reminder.organisation_id == organisation_id) & (reminder.id == reminder_id)
        tasks = [channel.value for channel in Channel if channel.is_task]
        claimed = db.execute(
            update(t.reminder)
            .where(mine, reminder.state == PLANNED, reminder.channel.in_(tasks))
            .values(state=SENDING, planned_at=now)
        )
        if claimed.rowcount == 0:
            raise RefusedError("it is not planned any more: somebody has begun it, or nothing is due")
    return Claim((reminder_id,), now)


def _why_not(db: Connection, organisation_id: str, reminder_id: str) -> str:
    """Say what the gate found: the last reasons in the trail of its items."""
    item = t.reminder_item.c
    mine = select(item.document_id).where(item.reminder_id == reminder_id, item.organisation_id == organisation_id)
    reason = db.scalar(
        select(t.event.c.detail)
        .where(
            t.event.c.organisation_id == organisation_id,
            t.event.c.subject.in_(mine),
            t.event.c.action == "reminder_held",
        )
        .order_by(t.event.c.id.desc())
        .limit(1)
    )
    return f"do not call now: {reason}" if reason else "do not call now: nothing of it is due any more"


def _hand_over(db: Connection, organisation_id: str, ready: Ready, actor: str, now: datetime) -> None:
    """Hold the invoices for good: from now on somebody else asks for them."""
    items = tuple(reminder_rows.items(db, [ready.reminder_id]).get(ready.reminder_id, ()))
    by = f"handed over by {actor}"
    call = _Call(organisation_id, ready.reminder_id, ready.customer_id, 0, "", now, items)
    _done(db, call, by, now)
    for item_id in items:
        place_hold(
            db,
            organisation_id=organisation_id,
            document_id=item_id,
            code=FlagCode.LEGAL.value,
            reason=f"Handed over for collection on {now:%Y-%m-%d}.",
            placed_by=actor,
            at=now,
        )
    withdraw_reminders(db, organisation_id=organisation_id, document_ids=items, why="it was handed over", at=now)
    weigh_again(db, organisation_id, customer_ids=[ready.customer_id])
    touch_documents(db, organisation_id, items, now)
    report = Report(ready.reminder_id, Fate.DELIVERED, by)
    keep_report(db, organisation_id, ready.reminder_id, carrier=PERSON, report=report, at=now)


def take_back(app: App, *, organisation_id: str, reminder_id: str, actor: str) -> None:
    """End a handing over: its invoices are ours to ask for again. RefusedError when nothing was handed over by it."""
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        reminder, item = t.reminder.c, t.reminder_item.c
        mine = (reminder.organisation_id == organisation_id) & (reminder.id == reminder_id)
        over = (reminder.state == SENT) & (reminder.channel == Channel.HAND_OVER.value)
        items = db.scalars(
            select(item.document_id)
            .join(t.reminder, reminder.id == item.reminder_id)
            .where(mine, over, item.state == SENT)
            .order_by(item.document_id)
        ).all()
        if not items:
            raise RefusedError("nothing was handed over by it")
        for item_id in items:
            release_hold(db, organisation_id, item_id, FlagCode.LEGAL.value, now)
            journal.record(
                db,
                organisation_id=organisation_id,
                at=now,
                actor=actor,
                action="taken_back",
                subject=item_id,
                detail=f"taken back from collection by {actor}",
            )
        touch_documents(db, organisation_id, items, now)
    app.wake()


def record_outcome(app: App, *, organisation_id: str, reminder_id: str, said: Said, actor: str) -> None:
    """Keep how a call ended, and let what follows from it follow.

    A promise and a dispute hold the invoices that were called about. Nobody answering counts as a contact and lets the
    same level be called again, MAX_ATTEMPTS times. InputError where something is missing; RefusedError when the call
    was not begun, or its outcome is kept already.
    """
    _check(said)
    with app.store.read() as db:
        call = _begun(db, organisation_id, reminder_id)
    # The customer's word first: were the rest lost, it would be asked for again, and the word stand all the same.
    _keep_word(app, call, said, actor)
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        call = _begun(db, organisation_id, reminder_id)
        detail = f"{said.outcome.value.replace('_', ' ')}, says {actor}{': ' + said.note if said.note else ''}"
        _settle(db, call, said.outcome, detail, now)
        weigh_again(db, organisation_id, customer_ids=[call.customer_id])
        for item_id in call.items:
            journal.record(
                db,
                organisation_id=organisation_id,
                at=now,
                actor=actor,
                action="called",
                subject=item_id,
                detail=f"call to {call.recipient}: {detail}",
            )
        journal.resolve_problem(
            db, organisation_id=organisation_id, code=REMINDER_IN_DOUBT, subject=reminder_id, at=now
        )
    app.wake()


def _check(said: Said) -> None:
    if said.outcome is Outcome.DISPUTED:
        plain(said.note, MAX_NOTE_CHARS, "say what is wrong")
    if len(said.note) > MAX_NOTE_CHARS:
        raise InputError(f"a note has at most {MAX_NOTE_CHARS} characters")
    if said.outcome is Outcome.PROMISED and said.promised_on is None:
        raise InputError("choose the day that was promised")


@dataclass(frozen=True, slots=True)
class _Call:
    """A call that was begun, and the invoices that it is about."""

    organisation_id: str
    reminder_id: str
    customer_id: str
    level: int
    recipient: str
    begun_at: datetime
    items: tuple[str, ...]


def _begun(db: Connection, organisation_id: str, reminder_id: str) -> _Call:
    reminder = t.reminder.c
    mine = (reminder.organisation_id == organisation_id) & (reminder.id == reminder_id)
    called = (reminder.channel == Channel.CALL_TASK.value) & reminder.state.in_((HANDING, IN_DOUBT))
    row = db.execute(select(t.reminder).where(mine, called)).first()
    if row is None:
        raise RefusedError("no call of this name waits for its outcome (any more)")
    items = tuple(reminder_rows.items(db, [reminder_id]).get(reminder_id, ()))
    return _Call(organisation_id, row.id, row.customer_id, row.level, row.recipient, row.sent_at, items)


def _keep_word(app: App, call: _Call, said: Said, actor: str) -> None:
    """Hold each invoice by what was said of it; RefusedError when that was possible for none of them."""
    if said.part.strip() and len(call.items) > 1:
        raise InputError("an amount is promised of one invoice: note it on the page of that invoice")
    refused: RefusedError | None = None
    kept = 0
    for item_id in call.items if said.outcome in (Outcome.PROMISED, Outcome.DISPUTED) else ():
        about = {"organisation_id": call.organisation_id, "customer_id": call.customer_id, "document_id": item_id}
        try:
            if said.outcome is Outcome.DISPUTED:
                dispute(app, **about, reason=said.note, actor=actor)
            elif said.promised_on is not None:
                promise(app, **about, promised_on=said.promised_on, part=said.part, actor=actor, is_noted=True)
            kept += 1
        except RefusedError as error:  # paid meanwhile, or contested already: the others count all the same
            refused = error
    if refused is not None and not kept:
        raise refused


def _settle(db: Connection, call: _Call, outcome: Outcome, detail: str, now: datetime) -> None:
    if outcome is Outcome.NO_ANSWER and _attempts(db, call) + 1 < MAX_ATTEMPTS:
        db.execute(update(t.reminder).where(t.reminder.c.id == call.reminder_id).values(state=NO_ANSWER, why=detail))
        for item_id in call.items:
            reminder_rows.set_item(db, call.reminder_id, item_id, state=NO_ANSWER)
        reminder_rows.release_slots(db, [call.reminder_id])
        return
    _done(db, call, detail, now)
    fate = Fate.UNDELIVERED if outcome is Outcome.WRONG_NUMBER else Fate.DELIVERED
    report = Report(call.reminder_id, fate, detail)
    keep_report(db, call.organisation_id, call.reminder_id, carrier=PERSON, report=report, at=now)


def _done(db: Connection, call: _Call, why: str, now: datetime) -> None:
    """Count the level as reached, from when it was begun."""
    db.execute(update(t.reminder).where(t.reminder.c.id == call.reminder_id).values(state=SENT, why=why))
    touch_balances(db, call.organisation_id, [call.customer_id], now)
    for item_id in call.items:
        reminder_rows.set_item(db, call.reminder_id, item_id, state=SENT)


def _attempts(db: Connection, call: _Call) -> int:
    """How many calls about these invoices at this level nobody answered: the most of any of them."""
    item = t.reminder_item.c
    rows = db.execute(
        select(item.document_id, func.count())
        .where(
            item.organisation_id == call.organisation_id,
            item.document_id.in_(call.items),
            item.level == call.level,
            item.state == NO_ANSWER,
        )
        .group_by(item.document_id)
    )
    return max((count for _, count in rows), default=0)
