"""The audit trail and the problems that wait for a person."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import BindParameter, Connection, Select, bindparam, insert, select, update

from receivables.identity import stable_id
from receivables.problem import Problem
from runtime.store import tables as t
from runtime.store.rows import upsert

# The codes of what could not be written: the vendor refused it for good, or it was tried as often as it may be.
WRITE_REFUSED, WRITE_NOT_DELIVERED = "write_refused", "write_not_delivered"
WRITE_PROBLEMS = (WRITE_REFUSED, WRITE_NOT_DELIVERED)

_RECORD = insert(t.event)
_RESOLVE = update(t.problem).where(
    t.problem.c.organisation_id == bindparam("the_organisation"),
    t.problem.c.code == bindparam("the_code"),
    t.problem.c.subject == bindparam("the_subject"),
    t.problem.c.resolved_at.is_(None),
)


def record(
    db: Connection, *, organisation_id: str, at: datetime, actor: str, action: str, subject: str, detail: str
) -> None:
    """Add one line to the audit trail."""
    row = {"organisation_id": organisation_id, "at": at, "actor": actor, "action": action, "subject": subject}
    db.execute(_RECORD, row | {"detail": detail})


def history(
    db: Connection, organisation_id: str, subjects: Sequence[str], *, limit: int = 200
) -> list[dict[str, object]]:
    """Return what happened to `subjects`, the newest first."""
    rows = db.execute(
        select(t.event)
        .where(t.event.c.organisation_id == organisation_id, t.event.c.subject.in_(subjects))
        .order_by(t.event.c.id.desc())
        .limit(limit)
    )
    return [dict(row._mapping) for row in rows]


def raise_problem(db: Connection, *, organisation_id: str, problem: Problem, at: datetime) -> None:
    """Show `problem` to a person; the same problem of the same subject is shown once."""
    row = {
        "id": stable_id("prb", organisation_id, problem.code, problem.subject),
        "organisation_id": organisation_id,
        "code": problem.code,
        "subject": problem.subject,
        "text": problem.text,
        "remedy": problem.remedy,
        "found_at": at,
        "resolved_at": None,
    }
    upsert(db, t.problem, [row], keys=["id"], keep=["found_at"])


def troubled(organisation_id: str | BindParameter[str], codes: Collection[str]) -> Select[tuple[str]]:
    """Return the query for what has a problem of one of these codes that is not settled."""
    return select(t.problem.c.subject).where(
        t.problem.c.organisation_id == organisation_id, t.problem.c.code.in_(codes), t.problem.c.resolved_at.is_(None)
    )


def resolve_problem(db: Connection, *, organisation_id: str, code: str, subject: str, at: datetime) -> None:
    """Mark a problem as settled, if there is one."""
    which = {"the_organisation": organisation_id, "the_code": code, "the_subject": subject}
    db.execute(_RESOLVE, which | {"resolved_at": at})


def resolve_write_problems(db: Connection, *, organisation_id: str, subject: str, at: datetime) -> None:
    """Ask nobody any more about what could not be written for a subject."""
    for code in WRITE_PROBLEMS:
        resolve_problem(db, organisation_id=organisation_id, code=code, subject=subject, at=at)
