"""A person says that they have looked at what nothing that is read can settle."""

from __future__ import annotations

from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.store import connections, journal
from runtime.store import tables as t

OVERWRITTEN = "edit_overwritten"  # somebody's edit may have been gone over, where a ledger takes no version
WRITTEN_TWICE = "written_twice"  # what was promised once stands twice
LOOKED_AT = (OVERWRITTEN, WRITTEN_TWICE)


def looked_at(app: App, *, organisation_id: str, code: str, subject: str, actor: str) -> None:
    """Settle a problem that only a look can settle. RefusedError for any other, and when it is settled already."""
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        waiting = journal.troubled(organisation_id, LOOKED_AT).where(
            t.problem.c.code == code, t.problem.c.subject == subject
        )
        if db.scalar(waiting) is None:
            raise RefusedError("no such problem waits for a look (any more)")
        journal.resolve_problem(db, organisation_id=organisation_id, code=code, subject=subject, at=now)
        journal.record(
            db, organisation_id=organisation_id, at=now, actor=actor, action="looked_at", subject=subject, detail=code
        )
