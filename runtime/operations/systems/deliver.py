"""Deliver the outbox: write each promised intent once, and settle what it changes here."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from connectors.contract import CALL_TIMEOUT_SECONDS, Role
from connectors.errors import Absent, NoRoom, Reconnect, Reject, Retry, Stale
from connectors.intents import (
    AdoptInvoice,
    AttachFile,
    Done,
    DraftInvoice,
    EditContact,
    EditCustomer,
    EditDocument,
    ForgetMeans,
    Intent,
    LinkDocument,
    NoteDocument,
    Outcome,
    PostCharge,
    PostPayout,
    TakePayment,
    UndoPosting,
)
from connectors.limits import calling_while
from connectors.records import Kind
from receivables.problem import Problem
from runtime.app import App
from runtime.operations.applying.applications import POSTINGS
from runtime.operations.applying.posted import after_posting, after_refusal, still_wanted
from runtime.operations.autopay.take import (
    after_not_taking,
    after_taking,
    after_waiting,
    held_back,
    read_before_taking,
)
from runtime.operations.charges.refused import after_charge
from runtime.operations.isolated import isolated
from runtime.operations.matching.booked_meanwhile import leave_to_the_ledger, read_bookings
from runtime.operations.matching.payouts import after_payout
from runtime.operations.payers.attach_files import with_contents
from runtime.operations.systems.absorb.page import absorb
from runtime.operations.systems.absorb.scope import Scope
from runtime.operations.systems.absorb.tombstones import bury_payments
from runtime.operations.systems.calls import defect, look_up, write
from runtime.operations.systems.edits import EDITS, after_edit, promise_edits
from runtime.operations.systems.invoice_requests import after_draft, after_refused_adoption, settle_problems
from runtime.operations.systems.looked_at import OVERWRITTEN, WRITTEN_TWICE
from runtime.operations.systems.loss import note_loss
from runtime.operations.systems.tell_history import told_in_time
from runtime.store import connections, journal, queues
from runtime.store import tables as t
from runtime.store.connections import CONNECTED, VendorConnection

Row = dict[str, Any]
PAUSE_WITHOUT_CONSENT_SECONDS = 300.0
# What is made once is looked up in lists, and those of a replica may lag behind: what they do not show a moment after
# the call would be written again, or forgotten where nobody wants it any more. So they are given time to show it.
SHOWN_AFTER_SECONDS = 120.0
_FOUND_IN_LISTS = (*POSTINGS, PostPayout, DraftInvoice, PostCharge, NoteDocument)
_IN_THE_LEDGER = "Correct it in the ledger; it is read again."
_BY_HAND = "It stays on the invoice's page here: attach it in the ledger yourself if you want it there."
_AT_THE_PROCESSOR = "Look at the payer's saved means of payment at the processor."
_log = logging.getLogger(__name__)
# What becomes of a write that was tried as often as it may be, and what a person can do.
_GIVEN_UP: Mapping[type[Outcome], tuple[str, str]] = {
    Retry: (queues.ASIDE, "Look at the connection, then replay this write."),
    Reconnect: (queues.UNCONNECTED, "Connect the system again: this write is then made by itself."),
}


def deliver_outbox(app: App) -> Counter[str]:
    """Write what is due, grouped by connection. Returns how many intents ended each way."""
    outcome: Counter[str] = Counter()
    with app.store.write() as db:
        rows = queues.claim(db, t.outbox, app.clock())
    by_target: defaultdict[tuple[str, str, bool], list[Row]] = defaultdict(list)
    for row in rows:
        by_target[row["organisation_id"], row["system"], row["intent"].get("is_event", False)].append(row)
    # Lines of what happened come last: they keep nobody's money waiting.
    for (organisation_id, system, _), group in sorted(by_target.items(), key=lambda target: target[0][2]):
        with isolated(app, organisation_id, f"writing to {system}"):
            try:
                outcome.update(_deliver_group(app, organisation_id, system, group))
            except Exception as error:
                _put_off_all(app, group, error)
                raise
    return outcome


def _deliver_group(app: App, organisation_id: str, system: str, rows: Sequence[Row]) -> Counter[str]:
    with app.store.read() as db:
        known = [each for each in connections.connections(db, organisation_id) if each.status == CONNECTED]
    connection = next((each for each in known if each.system == system), None)
    if connection is None:
        return _settle(app, None, rows, [Reconnect(f"{system} is not connected")] * len(rows))
    connector = app.vendors.connector(connection)
    # Whoever was slow until others may have these rows stops before a call: a call of theirs is not known to ours.
    ends = min(row["next_at"] for row in rows) - timedelta(seconds=CALL_TIMEOUT_SECONDS)
    rows = with_contents(app, connection, rows)
    with calling_while(lambda: app.clock() < ends):
        outcomes = look_up(connector, rows)
        outcomes |= read_bookings(app, connection, [row for row in rows if row["id"] not in outcomes])
        read_before_taking(app, organisation_id, [row for row in rows if row["id"] not in outcomes])
        with app.store.write() as db:
            connections.lock_organisation(db, organisation_id)  # an undo comes before this, or finds them in doubt
            unwritten = [row for row in rows if row["id"] not in outcomes]
            leave_to_the_ledger(db, connection, unwritten, app.clock())
            fresh = told_in_time(db, still_wanted(db, unwritten, app.clock()), app.clock())
            held = held_back(db, organisation_id, fresh, app.clock())
            outcomes |= {row_id: outcome for row_id, outcome in held.items() if outcome is not None}
            fresh = [row for row in fresh if row["id"] not in held]
            queues.mark_in_doubt(db, [row["id"] for row in fresh])
        outcomes |= write(connector, fresh)
    note_loss(app, connection, outcomes.values())
    answered = [row for row in rows if row["id"] in outcomes]
    return _settle(app, connection, answered, [outcomes[row["id"]] for row in answered])


def _settle(
    app: App, connection: VendorConnection | None, rows: Sequence[Row], outcomes: Sequence[Outcome]
) -> Counter[str]:
    counted: Counter[str] = Counter()
    if not rows:
        return counted
    stale: list[tuple[Row, Intent]] = []
    with app.store.write() as db:
        connections.lock_organisation(db, rows[0]["organisation_id"])
        now = app.clock()
        ours = queues.held(db, rows)
        for row, answer in zip(rows, outcomes, strict=True):
            if row["id"] not in ours:
                _settle_late(db, row, answer, now)
                counted["late"] += 1
                continue
            intent = queues.read_intent(row)
            outcome = _as_wanted(intent, answer)
            try:
                with db.begin_nested():
                    ended = _settle_one(db, row, intent, outcome, now)
            except Exception as error:  # a defect that one row uncovers keeps no other from being settled
                _log.exception("the outcome of the promised write %d could not be settled", row["id"])
                _put_off(db, row, error, now)
                ended = "failed"
            counted[ended] += 1
            if isinstance(outcome, Stale):
                stale.append((row, intent))
    if connection is not None and stale:
        _merge_again(app, connection, stale)
    return counted


def _settle_late(db: Connection, row: Row, outcome: Outcome, now: datetime) -> None:
    """An outcome for a row that another worker has claimed since changes nothing, but what it says is looked up."""
    if isinstance(outcome, Retry) and outcome.ambiguous:
        queues.look_up_again(db, row["id"], now)
    elif isinstance(outcome, Done) and not queues.look_up_again(db, row["id"], now):
        stands = db.execute(select(t.outbox.c.external_ids).where(t.outbox.c.id == row["id"])).scalar_one()
        if outcome.external_ids and set(stands).isdisjoint(outcome.external_ids):
            text = f"{_listed(outcome.external_ids)} and {_listed(stands)} were both written where one was promised"
            _show(db, row, Problem(WRITTEN_TWICE, text, f"Delete {_listed(outcome.external_ids)} there."), now)


def _listed(external_ids: Sequence[str]) -> str:
    return ", ".join(external_ids)


def _put_off_all(app: App, rows: Sequence[Row], error: Exception) -> None:
    """Let go of rows that a defect kept from being delivered: they are tried again soon, not when the lease ends."""
    with app.store.write() as db:
        ours = queues.held(db, rows)
        for row in rows:
            if row["id"] in ours:
                _put_off(db, row, error, app.clock())


def _put_off(db: Connection, row: Row, error: Exception, now: datetime) -> None:
    """Try a row again later; whether it is in doubt stays as it is."""
    may_stand = db.scalar(select(t.outbox.c.in_doubt).where(t.outbox.c.id == row["id"]))
    values = queues.next_try(row, now, _until_shown(queues.read_intent(row)) if may_stand else 0.0)
    why = str(defect(error))
    queues.settle(db, t.outbox, row["id"], problem=why, **values)
    if values["state"] == queues.ASIDE:
        _show(db, row, Problem(journal.WRITE_NOT_DELIVERED, why, "Tell us: this is a defect of ours."), now)


def _as_wanted(intent: Intent, outcome: Outcome) -> Outcome:
    """What somebody took back in the ledger before us is gone as we wanted it."""
    if isinstance(intent, UndoPosting) and isinstance(outcome, Absent):
        return Done(intent.external_ids)
    return outcome


def _settle_one(db: Connection, row: Row, intent: Intent, outcome: Outcome, now: datetime) -> str:
    if isinstance(outcome, Done):
        queues.settle(
            db,
            t.outbox,
            row["id"],
            state=queues.DONE,
            external_ids=list(outcome.external_ids),
            done_at=now,
            in_doubt=False,
            problem=None,
        )
        _after(db, row, intent, outcome, now)
        return "done"
    if isinstance(outcome, Stale):
        queues.settle(db, t.outbox, row["id"], state=queues.SUPERSEDED, done_at=now, problem=str(outcome))
        return "stale"
    if isinstance(outcome, Retry | Reconnect):
        _try_again(db, row, intent, outcome, now)
        return "retry"
    if isinstance(intent, LinkDocument) or _is_event(intent):  # nobody need do anything where a ledger will not have it
        queues.settle(db, t.outbox, row["id"], state=queues.SUPERSEDED, done_at=now, problem=str(outcome))
        return "refused"
    # A record that is refused to us for good cannot be adopted: its document is shown in one of its own.
    state = queues.SUPERSEDED if isinstance(intent, AdoptInvoice) else queues.ASIDE
    queues.settle(db, t.outbox, row["id"], state=state, done_at=now, in_doubt=False, problem=str(outcome))
    remedy = (outcome.remedy if isinstance(outcome, Reject) else "") or _usual(intent)
    _show(db, row, Problem(journal.WRITE_REFUSED, str(outcome), remedy), now)
    if isinstance(intent, POSTINGS) and isinstance(outcome, Reject | Absent):
        after_refusal(db, row, intent, now)
    elif isinstance(intent, TakePayment):
        after_not_taking(db, row, str(outcome), now)
    elif isinstance(intent, AdoptInvoice):
        after_refused_adoption(db, row, intent)
    return "refused"


def _usual(intent: Intent) -> str:
    """What a person can do about a refusal that tells no remedy."""
    match intent:
        case TakePayment() | ForgetMeans():
            return _AT_THE_PROCESSOR
        case AttachFile():
            return _BY_HAND
    return _IN_THE_LEDGER


def _try_again(db: Connection, row: Row, intent: Intent, outcome: Retry | Reconnect, now: datetime) -> None:
    """Put a write off, or give it up once it was tried as often as it may be."""
    pause = outcome.after_seconds if isinstance(outcome, Retry) else PAUSE_WITHOUT_CONSENT_SECONDS
    is_lost = isinstance(outcome, Retry) and outcome.ambiguous
    pause = max(pause, _until_shown(intent)) if is_lost else pause
    doubt = row["in_doubt"] or is_lost
    if _is_event(intent) and isinstance(outcome, NoRoom):
        queues.settle(db, t.outbox, row["id"], in_doubt=doubt, problem=str(outcome), **queues.untried(row, now, pause))
        return
    given_up, remedy = _GIVEN_UP[Retry if isinstance(outcome, Retry) else Reconnect]
    values = queues.next_try(row, now, pause, given_up=given_up)
    queues.settle(db, t.outbox, row["id"], in_doubt=doubt, problem=str(outcome), **values)
    if values["state"] != given_up:
        return
    if _is_event(intent):
        if given_up == queues.ASIDE:  # what waits for a consent goes on by itself
            queues.settle(db, t.outbox, row["id"], state=queues.SUPERSEDED)
    elif isinstance(intent, TakePayment) and not doubt:
        queues.settle(db, t.outbox, row["id"], state=queues.SUPERSEDED)
        after_waiting(db, row, str(outcome), now)  # it is announced anew
    else:
        _show(db, row, Problem(journal.WRITE_NOT_DELIVERED, str(outcome), remedy), now)


def _until_shown(intent: Intent) -> float:
    """How many seconds a write that may stand is left alone before it is looked up."""
    return SHOWN_AFTER_SECONDS if isinstance(intent, _FOUND_IN_LISTS) else 0.0


def _is_event(intent: Intent) -> bool:
    """Whether it only tells what happened here: it yields to everything, and nobody misses it."""
    return isinstance(intent, NoteDocument) and intent.is_event


def _after(db: Connection, row: Row, intent: Intent, done: Done, now: datetime) -> None:
    """Carry what was written over to our own rows."""
    organisation_id = row["organisation_id"]
    journal.record(
        db,
        organisation_id=organisation_id,
        at=now,
        actor="sync",
        action=f"written_{intent.intent}",
        subject=row["subject"],
        detail=f"{row['system']} {_listed(done.external_ids)}",
    )
    if done.overwrote:
        look = f"Look at its history in {row['system']}, and enter again there what should stand."
        _show(db, row, Problem(OVERWRITTEN, done.overwrote, look), now)
    if isinstance(intent, POSTINGS):
        after_posting(db, row, intent, done, now)
    elif isinstance(intent, PostPayout):
        after_payout(db, row, intent, done, now)
    elif isinstance(intent, EDITS):
        after_edit(db, row, intent, done, now)
    elif isinstance(intent, DraftInvoice):
        after_draft(db, row, intent, done, now)
    elif isinstance(intent, PostCharge):
        after_charge(db, row, done, now)
    elif isinstance(intent, TakePayment):
        after_taking(db, row, done, now)
    elif isinstance(intent, AdoptInvoice):
        settle_problems(db, row, now)
    elif isinstance(intent, UndoPosting):
        bury_payments(Scope(db, organisation_id, row["system"], Role.LEDGER, now), intent.external_ids)


def _merge_again(app: App, connection: VendorConnection, stale: Sequence[tuple[Row, Intent]]) -> None:
    """Somebody changed these objects since we read them: read, merge, and promise again what is still ours to say."""
    wanted: defaultdict[Kind, set[str]] = defaultdict(set)
    for _, intent in stale:
        if isinstance(intent, EditDocument):
            wanted[Kind.INVOICE].add(intent.document_external_id)
        elif isinstance(intent, EditCustomer):
            wanted[Kind.CUSTOMER].add(intent.customer_external_id)
        elif isinstance(intent, EditContact):
            wanted[Kind.CONTACT].add(intent.contact_external_id)
    connector = app.vendors.connector(connection)
    for kind, external_ids in wanted.items():
        read_at = app.clock()
        page = connector.fetch(kind, sorted(external_ids))
        with app.store.write() as db:
            absorb(db, connection=connection, page=page, read_at=read_at)
            subjects = {row["subject"] for row, _ in stale}
            promise_edits(db, organisation_id=connection.organisation_id, local_ids=subjects, at=app.clock())


def _show(db: Connection, row: Row, problem: Problem, now: datetime) -> None:
    named = replace(problem, text=f"{row['system']}: {problem.text}", subject=row["subject"])
    journal.raise_problem(db, organisation_id=row["organisation_id"], problem=named, at=now)
