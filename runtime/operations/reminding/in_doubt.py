"""A person says whether a reminder left of which nobody knows: it counts as sent for good, or may be planned again."""

from __future__ import annotations

from sqlalchemy import Row, select, update

from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.reaching.shared_limit import unshare_contact
from runtime.operations.reminding.withdraw import FAILED, IN_DOUBT, SENT
from runtime.store import connections, journal, reminder_rows
from runtime.store import tables as t
from runtime.store.weighing import weigh_again

REMINDER_IN_DOUBT = "reminder_in_doubt"


def settle_doubt(app: App, *, organisation_id: str, reminder_id: str, was_sent: bool, actor: str) -> None:
    """Keep the answer of a person who looked whether a reminder left. RefusedError when it is not in doubt (any more).

    One that left counts from when it was handed over. One that did not gives its slots back: the next plan takes what
    is still due of it, after every hold was asked again.
    """
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        reminder, now = t.reminder.c, app.clock()
        mine = (reminder.organisation_id == organisation_id) & (reminder.id == reminder_id)
        row = db.execute(select(t.reminder).where(mine, reminder.state == IN_DOUBT)).first()
        if row is None:
            raise RefusedError(f"{reminder_id} is no reminder in doubt (any more)")
        items = reminder_rows.items(db, [reminder_id]).get(reminder_id, [])
        if was_sent:
            db.execute(update(t.reminder).where(mine).values(state=SENT, why=""))
            for item_id in items:
                reminder_rows.set_item(db, reminder_id, item_id, state=SENT)
        else:
            why = f"it did not leave, says {actor}"
            db.execute(update(t.reminder).where(mine).values(state=FAILED, sent_at=None, why=why))
            reminder_rows.release_slots(db, [reminder_id])
            unshare_contact(db, organisation_id, reminder_id)
        weigh_again(db, organisation_id, document_ids=items)
        for item_id in items:
            journal.record(
                db,
                organisation_id=organisation_id,
                at=now,
                actor=actor,
                action="reminder_sent" if was_sent else "reminder_not_sent",
                subject=item_id,
                detail=_said(row, was_sent=was_sent),
            )
        journal.resolve_problem(
            db, organisation_id=organisation_id, code=REMINDER_IN_DOUBT, subject=reminder_id, at=now
        )


def _said(row: Row[tuple[object, ...]], *, was_sent: bool) -> str:
    kept = row._mapping
    said = "it left, a person says" if was_sent else "it did not leave, a person says: it may be planned again"
    return f"{kept['subject']} → {kept['recipient']}: {said}"
