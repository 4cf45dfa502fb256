"""Intake: what was taken is kept, once, and ends."""

from __future__ import annotations

from sqlalchemy import func, select

from connectors import registry
from runtime.simulation.post import FORGED_MARK
from runtime.simulation.stage import Play
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
