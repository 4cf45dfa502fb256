"""A wall between organisations: what fails for one is shown to its people, and the others' work goes on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import BindParameter, Connection, Select, bindparam, select

from receivables.problem import Problem
from runtime.app import App
from runtime.store import journal
from runtime.store import tables as t

PROBLEM = "work_failed"
_log = logging.getLogger(__name__)


def standing(work: str | BindParameter[str]) -> Select[tuple[str]]:
    """Return the query for the organisations in which this work stopped and did not go well since."""
    problem = t.problem.c
    unsolved = (problem.code == PROBLEM) & (problem.subject == work) & problem.resolved_at.is_(None)
    return select(problem.organisation_id).where(unsolved)


_STOPPED = select(t.problem.c.subject).where(
    t.problem.c.organisation_id == bindparam("organisation_id"),
    t.problem.c.code == PROBLEM,
    t.problem.c.resolved_at.is_(None),
)


def stopped(db: Connection, organisation_id: str) -> frozenset[str]:
    """Return what work of an organisation stopped and did not go well since."""
    return frozenset(db.scalars(_STOPPED, {"organisation_id": organisation_id}))


@contextmanager
def isolated(
    app: App,
    organisation_id: str,
    work: str,
    *,
    passing: type[Exception] | tuple[type[Exception], ...] = (),
    before: frozenset[str] | None = None,
) -> Iterator[None]:
    """Run one organisation's share of some `work`; a defect that stops it becomes a problem of that organisation.

    Errors of the kinds in `passing` are expected: the caller deals with them. Whoever does many works in a row asks
    once what had `stopped` `before`, so that it is not asked after each.
    """
    try:
        yield
    except passing:
        raise
    except Exception as error:
        _log.exception("%s failed for %s", work, organisation_id)
        text = f"{work} stopped ({type(error).__name__}); it is tried again by itself."
        problem = Problem(PROBLEM, text, "If it stays, tell us: this is a defect of ours.", work)
        with app.store.write() as db:
            journal.raise_problem(db, organisation_id=organisation_id, problem=problem, at=app.clock())
    else:
        _resolve(app, organisation_id, work, before)


def _resolve(app: App, organisation_id: str, work: str, before: frozenset[str] | None) -> None:
    if before is None:
        with app.store.read() as db:
            before = stopped(db, organisation_id)
    if work not in before:
        return
    with app.store.write() as db:
        journal.resolve_problem(db, organisation_id=organisation_id, code=PROBLEM, subject=work, at=app.clock())
