"""Intake: what was taken is kept, once, and ends."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select, update

from connectors import registry
from runtime.operations.work import work
from runtime.simulation.road import FORGED_MARK
from runtime.simulation.stage import Play
from runtime.store import queues
from runtime.store import tables as t

Found = tuple[int, list[str]]


def taken_is_stored(play: Play) -> Found:
    """[1] Every webhook that was answered with success has its rows."""
    taken, play.post.taken = play.post.taken, []
    wanted = {
        (system, notice.account, notice.event_id)
        for system, body in taken
        for notice in registry.declaration(system).notices(body)
    }
    with play.app.store.read() as db:
        rows = db.execute(select(t.inbox.c.system, t.inbox.c.account, t.inbox.c.event_id))
        missing = wanted - {(row.system, row.account, row.event_id) for row in rows}
    return len(wanted), [f"a webhook of {system} was answered and is not stored" for system, _, _ in sorted(missing)]


def one_row_per_event(play: Play) -> Found:
    """[2] One row for each system, account and event, and one for each body that names one."""
    names = (t.inbox.c.system, t.inbox.c.account, t.inbox.c.event_id)
    bodies = (t.inbox.c.system, t.inbox.c.body)
    with play.app.store.read() as db:
        count = db.scalar(select(func.count()).select_from(t.inbox)) or 0
        twice = db.execute(select(*names).group_by(*names).having(func.count() > 1)).all()
        again = db.scalars(
            select(t.inbox.c.system).where(func.length(t.inbox.c.body) > 0).group_by(*bodies).having(func.count() > 1)
        ).all()
    return count, [f"{row.system} event {row.event_id} stands twice" for row in twice] + [
        f"a webhook of {system} is kept twice" for system in again
    ]


def forged_changes_nothing(play: Play) -> Found:
    """[3] No inbox row without a valid signature."""
    with play.app.store.read() as db:
        bodies = db.scalars(select(t.inbox.c.body)).all()
    found = ["a forged webhook was stored" for body in bodies if FORGED_MARK.encode() in bytes(body)]
    return len(bodies), found + ["a forged webhook was taken"] * play.post.forged_taken


def work_ends(play: Play) -> Found:
    """[4] A round of work comes to an end: nothing that it leaves is due at once again."""
    return 1, play.logged.endless


def inbox_ends(play: Play) -> Found:
    """[4] At rest, every inbox row is done or set aside; nothing is stuck past its bound."""
    with play.app.store.read() as db:
        rows = db.execute(select(t.inbox.c.id, t.inbox.c.state)).all()
    return len(rows), [f"inbox row {row.id} is {row.state}" for row in rows if row.state == "new"]


def commutes_under_reordering(play: Play) -> Found:
    """[8] At rest, all webhooks once more in another order change nothing here."""
    before = state_of(play)
    with play.app.store.write() as db:
        ids = list(db.scalars(select(t.inbox.c.id).where(t.inbox.c.state == queues.DONE, t.inbox.c.kind.is_not(None))))
        play.rng.shuffle(ids)
        now = play.clock()
        for place, row_id in enumerate(ids):
            again = {"state": queues.NEW, "attempts": 0, "next_at": now - timedelta(milliseconds=place)}
            db.execute(update(t.inbox).where(t.inbox.c.id == row_id).values(**again))
    work(play.app)
    after = state_of(play)
    return len(ids), [
        f"{kind} {name}: {before[kind].get(name)} became {value}"
        for kind in before
        for name, value in after[kind].items()
        if before[kind].get(name) != value
    ]


def state_of(play: Play) -> dict[str, dict[str, str]]:
    """What the product believes of documents and money, apart from when it read it."""
    document, receipt, payment = t.document.c, t.receipt.c, t.ledger_payment.c
    with play.app.store.read() as db:
        documents = db.execute(
            select(document.id, document.number, document.balance_minor, document.status, document.due_on)
        ).all()
        receipts = db.execute(select(receipt.id, receipt.state, receipt.status, receipt.unapplied_minor)).all()
        payments = db.execute(select(payment.id, payment.amount_minor, payment.deleted)).all()
    return {
        "document": {row[0]: str(row[1:]) for row in documents},
        "receipt": {row[0]: str(row[1:]) for row in receipts},
        "payment": {row[0]: str(row[1:]) for row in payments},
    }
