"""Tasks of people: opened with an owner and a last day, handed on, done; and the colleagues who take them.

Whoever is named takes them. While nobody is, they are the members' whose work it is by their role, by their address.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from receivables.identity import stable_id
from reminders.replies.routing import Colleague, TaskKind, due_day, owner_for
from runtime.app import App
from runtime.operations.errors import InputError, RefusedError
from runtime.roles import MemberRole
from runtime.store import connections, journal, people
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.rows import upsert
from runtime.store.tables.people import EMAIL_LENGTH

MAX_NAME_CHARS = EMAIL_LENGTH
MAX_COLLEAGUES = 200
# Whose work tasks are: of the members, those of the first of these roles that anybody has.
BY_ROLE = (MemberRole.COLLECTOR, MemberRole.ACCOUNTANT, MemberRole.OWNER)


def open_task(
    db: Connection,
    organisation: Organisation,
    *,
    kind: TaskKind,
    subject: str,
    customer_id: str | None,
    text: str,
    at: datetime,
) -> None:
    """Give a person something to do about `subject`; one that is open already keeps its owner and its last day.

    The caller has locked the organisation, so that two tasks at once do not both go to whoever had the fewest.
    """
    task_id = stable_id("tsk", organisation.id, kind, subject)
    task = t.task.c
    mine = (task.organisation_id == organisation.id) & (task.id == task_id)
    if db.scalar(select(task.id).where(mine, task.closed_at.is_(None))) is not None:
        db.execute(update(t.task).where(mine).values(text=text))
        return
    row = {
        "id": task_id,
        "organisation_id": organisation.id,
        "kind": kind.value,
        "subject": subject,
        "customer_id": customer_id,
        "text": text,
        "owner": owner_for(kind, team(db, organisation.id), _waiting(db, organisation.id)),
        "due_on": due_day(kind, today=at.astimezone(organisation.zone).date(), country=organisation.country),
        "opened_at": at,
        "closed_at": None,
        "closed_by": None,
    }
    upsert(db, t.task, [row], keys=["id"])


def close_task(
    db: Connection, *, organisation_id: str, subject: str, kinds: Collection[TaskKind], by: str, at: datetime
) -> int:
    """End the open tasks of these kinds about `subject`; returns how many there were."""
    task = t.task.c
    done = db.execute(
        update(t.task)
        .where(
            task.organisation_id == organisation_id,
            task.subject == subject,
            task.kind.in_([kind.value for kind in kinds]),
            task.closed_at.is_(None),
        )
        .values(closed_at=at, closed_by=by)
    )
    return done.rowcount


def hand_on(app: App, *, organisation_id: str, task_id: str, owner: str, actor: str) -> None:
    """Give an open task to `owner`, a name; nobody where it is empty. RefusedError when it is not open."""
    name = _name(owner) if owner.strip() else None
    with app.store.write() as db:
        _change(
            db,
            organisation_id,
            task_id,
            actor,
            action="task_handed_on",
            said=name or "nobody",
            values={"owner": name},
            at=app.clock(),
        )


def finish(db: Connection, *, organisation_id: str, task_id: str, actor: str, at: datetime) -> tuple[TaskKind, str]:
    """Note that a task is done; returns its kind and its subject. RefusedError when it is not open."""
    return _change(
        db,
        organisation_id,
        task_id,
        actor,
        action="task_done",
        said="done",
        values={"closed_at": at, "closed_by": actor},
        at=at,
    )


def _change(
    db: Connection,
    organisation_id: str,
    task_id: str,
    actor: str,
    *,
    action: str,
    said: str,
    values: Mapping[str, object],
    at: datetime,
) -> tuple[TaskKind, str]:
    task = t.task.c
    mine = (task.organisation_id == organisation_id) & (task.id == task_id) & task.closed_at.is_(None)
    row = db.execute(select(t.task).where(mine)).first()
    if row is None:
        raise RefusedError("this task is not open (any more)")
    db.execute(update(t.task).where(mine).values(values))
    journal.record(
        db,
        organisation_id=organisation_id,
        at=at,
        actor=actor,
        action=action,
        subject=row.subject,
        detail=f"{row.text} → {said}",
    )
    return TaskKind(row.kind), str(row.subject)


def let_go(db: Connection, organisation_id: str, *, name: str, at: datetime, actor: str) -> None:
    """Give what waits for somebody who takes no tasks any more to the others, each task by its kind and their load."""
    db.execute(delete(t.colleague).where(_named(organisation_id, name)))
    able = [each for each in team(db, organisation_id) if each.name != name]
    task = t.task.c
    mine = (task.organisation_id == organisation_id) & (task.owner == name) & task.closed_at.is_(None)
    for row in db.execute(select(t.task).where(mine).order_by(task.due_on, task.id)).all():
        waiting = {owner: count for owner, count in _waiting(db, organisation_id).items() if owner != name}
        owner = owner_for(TaskKind(row.kind), able, waiting)
        db.execute(update(t.task).where(task.organisation_id == organisation_id, task.id == row.id).values(owner=owner))
        journal.record(
            db,
            organisation_id=organisation_id,
            at=at,
            actor=actor,
            action="task_handed_on",
            subject=row.subject,
            detail=f"{row.text} → {owner or 'nobody'}",
        )


def team(db: Connection, organisation_id: str) -> list[Colleague]:
    """Return who takes tasks: the colleagues who are named, else the members whose work it is."""
    named = colleagues(db, organisation_id)
    if named:
        return named
    members = people.members(db, organisation_id)
    by_role = ([Colleague(each.person.email) for each in members if each.role is role] for role in BY_ROLE)
    return next((found for found in by_role if found), [])


def colleagues(db: Connection, organisation_id: str) -> list[Colleague]:
    """Return who is named to take tasks, by name."""
    rows = db.execute(
        select(t.colleague).where(t.colleague.c.organisation_id == organisation_id).order_by(t.colleague.c.name)
    )
    return [Colleague(row.name, frozenset(TaskKind(skill) for skill in row.skills)) for row in rows]


def keep_colleague(app: App, *, organisation_id: str, name: str, skills: Collection[TaskKind], actor: str) -> None:
    """Let somebody take tasks of these kinds, of every kind where there are none.

    InputError for a name that is empty or longer than MAX_NAME_CHARS; RefusedError beyond MAX_COLLEAGUES.
    """
    row = {
        "organisation_id": organisation_id,
        "name": _name(name),
        "skills": sorted(skill.value for skill in skills),
    }
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        known = {each.name for each in colleagues(db, organisation_id)}
        if len(known | {row["name"]}) > MAX_COLLEAGUES:
            raise RefusedError(f"more than {MAX_COLLEAGUES} colleagues cannot take tasks: remove somebody first")
        now = app.clock()
        upsert(db, t.colleague, [row | {"added_at": now}], keys=["organisation_id", "name"], keep=["added_at"])
        journal.record(
            db,
            organisation_id=organisation_id,
            at=now,
            actor=actor,
            action="colleague_kept",
            subject=organisation_id,
            detail=f"{row['name']}: {', '.join(row['skills']) or 'every kind'}",
        )


def drop_colleague(app: App, *, organisation_id: str, name: str, actor: str) -> None:
    """Give somebody no more tasks; what they have stays theirs until handed on. RefusedError for an unknown one."""
    with app.store.write() as db:
        gone = db.execute(delete(t.colleague).where(_named(organisation_id, name)))
        if not gone.rowcount:
            raise RefusedError("there is no such colleague")
        journal.record(
            db,
            organisation_id=organisation_id,
            at=app.clock(),
            actor=actor,
            action="colleague_dropped",
            subject=organisation_id,
            detail=name,
        )


def _named(organisation_id: str, name: str) -> ColumnElement[bool]:
    return (t.colleague.c.organisation_id == organisation_id) & (t.colleague.c.name == name)


def _waiting(db: Connection, organisation_id: str) -> dict[str, int]:
    task = t.task.c
    rows = db.execute(
        select(task.owner, func.count())
        .where(task.organisation_id == organisation_id, task.closed_at.is_(None), task.owner.is_not(None))
        .group_by(task.owner)
    )
    return {row[0]: row[1] for row in rows}


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not 0 < len(name) <= MAX_NAME_CHARS or not name.isprintable():
        raise InputError(f"give a name of at most {MAX_NAME_CHARS} characters")
    return name
