"""A person sees messages before they leave: approved ones pass the gate, as long as they say what was approved."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, exists, false, not_, or_, select, update

from receivables.identity import stable_id
from reminders.approval import APPROVAL_LASTS, MAX_NOTE_CHARACTERS, digest_of, one_line
from reminders.evidence import Channel
from reminders.schedule import PlannedReminder
from runtime.app import App
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.organisations import keep_switch
from runtime.operations.reminding.plan import decide
from runtime.operations.reminding.withdraw import PLANNED
from runtime.store import connections, journal, reminder_rows
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.rows import upsert

APPROVED, REJECTED = "approved", "rejected"
EVERY_MESSAGE = "every message is approved first, by the settings"
_PEOPLES = tuple(channel.value for channel in Channel if channel.is_task)


def switch_approvals(app: App, *, organisation_id: str, on: bool, actor: str) -> None:
    """Have a person see each message before it leaves, or let what is truly due leave by itself."""
    with app.store.write() as db:
        keep_switch(db, organisation_id, {"approvals_on": on}, action="approvals_switched", actor=actor, at=app.clock())


def wants_approval(*, all_of_them: bool) -> ColumnElement[bool]:
    """The condition that a planned reminder waits for a person: by its level, or because all of them do.

    What a person carries out anyway waits where its level says so alone.
    """
    reminder = t.reminder.c
    return or_(reminder.needs_approval, reminder.channel.not_in(_PEOPLES) if all_of_them else false())


def may_be_claimed(now: datetime, *, all_of_them: bool) -> ColumnElement[bool]:
    """The condition that a planned reminder waits for nobody, or was approved as planned."""
    approval, reminder = t.approval.c, t.reminder.c
    approved = exists(
        select(approval.id).where(
            approval.organisation_id == reminder.organisation_id,
            approval.digest == reminder.digest,
            approval.decision == APPROVED,
            approval.decided_at > now - APPROVAL_LASTS,
        )
    )
    return or_(not_(wants_approval(all_of_them=all_of_them)), approved)


def why_approved(organisation: Organisation, planned: PlannedReminder) -> str:
    """Say why a person has to approve this message first; "" where nobody has to."""
    if planned.approval:
        return planned.approval
    return EVERY_MESSAGE if organisation.approvals_on and not planned.channel.is_task else ""


def approved_notes(db: Connection, organisation_id: str, digests: Collection[str], now: datetime) -> dict[str, str]:
    """Return the approved messages among these, each with the note that is to stand in it."""
    approval = t.approval.c
    rows = db.execute(
        select(approval.digest, approval.note).where(
            approval.organisation_id == organisation_id,
            approval.digest.in_(digests),
            approval.decision == APPROVED,
            approval.decided_at > now - APPROVAL_LASTS,
        )
    )
    return {row.digest: row.note for row in rows}


def decided_digests(db: Connection, organisation_id: str, now: datetime) -> set[str]:
    """Return the messages that a person approved or rejected and that are not asked about again yet."""
    approval = t.approval.c
    mine = (approval.organisation_id == organisation_id) & (approval.decided_at > now - APPROVAL_LASTS)
    return set(db.scalars(select(approval.digest).where(mine)))


def planned_now(
    db: Connection, organisation: Organisation, reminder_ids: Collection[str], now: datetime
) -> dict[str, PlannedReminder]:
    """Return what these planned reminders would say now; those that something holds at this moment are left out."""
    items = reminder_rows.items(db, list(reminder_ids))
    documents = sorted({document for each in items.values() for document in each})
    decided = decide(db, organisation, now=now, document_ids=documents, freshness_is_reported=True)
    messages = {(each.recipient_id, each.channel.value): each for each in decided.reminders}
    whose = reminder_rows.owners(db, list(reminder_ids))
    found = {}
    for reminder_id, owner in whose.items():
        planned = messages.get(owner)
        if planned is not None and {line.item_id for line in planned.lines} <= set(items.get(reminder_id, ())):
            found[reminder_id] = planned
    return found


def decide_message(
    app: App, *, organisation_id: str, reminder_id: str, digest: str, approves: bool, note: str = "", actor: str
) -> None:
    """Keep what a person says of the message that they saw (`digest`), with a note for its reader.

    RefusedError where it would say something else now, or waits no more; InputError for a note that is too long.
    """
    said = one_line(note)
    if len(said) > MAX_NOTE_CHARACTERS:
        raise InputError(f"the note is longer than {MAX_NOTE_CHARACTERS} characters")
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        organisation, now = connections.organisation(db, organisation_id), app.clock()
        mine = (t.reminder.c.organisation_id == organisation_id) & (t.reminder.c.id == reminder_id)
        row = db.execute(select(t.reminder).where(mine, t.reminder.c.state == PLANNED)).first()
        if organisation is None or row is None:
            raise RefusedError("this message does not wait any more: look again")
        planned = planned_now(db, organisation, [reminder_id], now).get(reminder_id)
        if planned is None or digest_of(planned) != digest:
            raise RefusedError("this message would say something else now, or something holds it: look again")
        approval = {
            "id": stable_id("apv", organisation_id, digest),
            "organisation_id": organisation_id,
            "customer_id": row.customer_id,
            "digest": digest,
            "decision": APPROVED if approves else REJECTED,
            "note": said if approves else "",
            "decided_by": actor,
            "decided_at": now,
        }
        upsert(db, t.approval, [approval], keys=["id"])
        db.execute(update(t.reminder).where(mine).values(digest=digest))
        amounts = " and ".join(str(each) for each in planned.totals)
        for line in planned.lines:
            journal.record(
                db,
                organisation_id=organisation_id,
                at=now,
                actor=actor,
                action="message_approved" if approves else "message_rejected",
                subject=line.item_id,
                detail=f"{planned.level.title} to {planned.address}, {amounts}" + (f": {said}" if said else ""),
            )


def take_decision_back(app: App, *, organisation_id: str, digest: str, actor: str) -> None:
    """Have a message wait again for a decision. RefusedError where nobody decided about it."""
    approval = t.approval.c
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        mine = (approval.organisation_id == organisation_id) & (approval.digest == digest)
        row = db.execute(select(t.approval).where(mine)).first()
        if row is None:
            raise RefusedError("nobody decided about this message")
        db.execute(delete(t.approval).where(mine))
        journal.record(
            db,
            organisation_id=organisation_id,
            at=app.clock(),
            actor=actor,
            action="message_decision_taken_back",
            subject=row.customer_id,
            detail=row.decision,
        )
