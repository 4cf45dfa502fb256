"""The inbox of replies: what payers wrote, how it was understood and by which words; and the tasks of people."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form, Query
from starlette.responses import Response

from reminders.replies.kinds import ReplyKind
from reminders.replies.routing import TaskKind
from runtime.operations.errors import InputError
from runtime.operations.payers.replies.answers import send_answer, switch_answers
from runtime.operations.payers.replies.settle import NOTHING, settle_reply
from runtime.operations.payers.replies.write_answer import MAX_ANSWER_CHARS, write_answer
from runtime.operations.people.finish_task import finish_task
from runtime.operations.people.tasks import (
    MAX_NAME_CHARS,
    colleagues,
    drop_colleague,
    hand_on,
    keep_colleague,
    team,
)
from runtime.operations.views.replies import MAX_CHOICES, ReplyState, owners, replies, tasks
from runtime.store import people as store_people
from runtime.store.tables import ID_LENGTH
from runtime.web.access import CHASE, CONFIGURE, SEE, SWITCH, Who, routes
from runtime.web.days import day_of
from runtime.web.numbers import AmountText
from runtime.web.pages import go, page
from runtime.web.running import Running
from runtime.web.setup import Switch
from runtime.web.staff import PageNumber, organisation_or_404
from runtime.web.work import known

ROUTES = routes("replies")
Name = Annotated[str, Form(max_length=MAX_NAME_CHARS)]
_NONE_CHOSEN: list[str] = []
_NO_SKILLS: list[TaskKind] = []


@ROUTES.get("/o/{organisation_id}/replies", dependencies=[SEE])
def show_replies(
    app: Running,
    organisation_id: str,
    *,
    state: ReplyState = ReplyState.WAITING,
    kind: ReplyKind | None = None,
    owner: Annotated[str, Query(max_length=MAX_NAME_CHARS)] = "",
    number: Annotated[PageNumber, Query(alias="page")] = 1,
    notice: str = "",
) -> Response:
    """List replies."""
    now = app.clock()
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        view = replies(db, organisation, now=now, state=state, kind=kind, owner=owner, page=number)
        people = sorted({*owners(db, organisation_id), *(each.name for each in team(db, organisation_id))})
    return page(
        "replies.html",
        organisation=organisation,
        view=view,
        state=state,
        kind=kind,
        owner=owner,
        people=people,
        kinds=tuple(ReplyKind),
        nothing=NOTHING,
        longest_answer=MAX_ANSWER_CHARS,
        notice=notice,
    )


@ROUTES.post("/o/{organisation_id}/replies/{reply_id}/settle", dependencies=[CHASE], status_code=303)
def settle(
    app: Running,
    who: Who,
    organisation_id: str,
    reply_id: str,
    *,
    said: Annotated[str, Form(max_length=16)],
    day: Annotated[str, Form(max_length=10)] = "",
    part: AmountText = "",
    customer: Annotated[str, Form(max_length=ID_LENGTH)] = "",
    invoice: Annotated[list[str], Form(max_length=MAX_CHOICES)] = _NONE_CHOSEN,
) -> Response:
    """Do what a person says that a reply says."""
    known(app, organisation_id)
    settle_reply(
        app,
        organisation_id=organisation_id,
        reply_id=reply_id,
        kind=_kind(said),
        actor=who,
        customer_id=customer or None,
        document_ids=invoice,
        day=day_of(day) if day else None,
        part=part,
    )
    return go(f"/o/{organisation_id}/replies", "reply_settled")


@ROUTES.post("/o/{organisation_id}/replies/{reply_id}/answer", dependencies=[CHASE], status_code=303)
def answer(app: Running, who: Who, organisation_id: str, reply_id: str) -> Response:
    """Send the answer that is prepared."""
    known(app, organisation_id)
    send_answer(app, organisation_id=organisation_id, reply_id=reply_id, actor=who)
    return go(f"/o/{organisation_id}/replies?state=all", "answer_sent")


@ROUTES.post("/o/{organisation_id}/replies/{reply_id}/write", dependencies=[CHASE], status_code=303)
def write(app: Running, who: Who, organisation_id: str, reply_id: str, text: Annotated[str, Form()]) -> Response:
    """Send what a person answers."""
    known(app, organisation_id)
    write_answer(app, organisation_id=organisation_id, reply_id=reply_id, text=text, actor=who)
    return go(f"/o/{organisation_id}/replies?state=all", "answer_sent")


@ROUTES.post("/o/{organisation_id}/settings/answers", dependencies=[SWITCH], status_code=303)
def switch(app: Running, who: Who, organisation_id: str, answers: Annotated[Switch, Form()]) -> Response:
    """Send answers by themselves, or have a person send each."""
    known(app, organisation_id)
    switch_answers(app, organisation_id=organisation_id, on=answers is Switch.ON, actor=who)
    return go(f"/o/{organisation_id}/settings", f"answers_{answers}")


@ROUTES.get("/o/{organisation_id}/tasks", dependencies=[SEE])
def show_tasks(
    app: Running,
    who: Who,
    organisation_id: str,
    owner: Annotated[str, Query(max_length=MAX_NAME_CHARS)] = "",
    notice: str = "",
) -> Response:
    """List what people have to do, and who takes tasks."""
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        rows = tasks(db, organisation, now=app.clock(), owner=owner)
        able = team(db, organisation_id)
        is_named = bool(colleagues(db, organisation_id))
        people = sorted({*owners(db, organisation_id), *(each.name for each in able)})
        members = [each.person.email for each in store_people.members(db, organisation_id)]
    return page(
        "tasks.html",
        organisation=organisation,
        rows=rows,
        team=able,
        is_named=is_named,
        people=people,
        choices=sorted({*people, *members}),
        mine=who if who in people else "",
        owner=owner,
        kinds=tuple(TaskKind),
        notice=notice,
    )


@ROUTES.post("/o/{organisation_id}/tasks/{task_id}/owner", dependencies=[CHASE], status_code=303)
def give(app: Running, who: Who, organisation_id: str, task_id: str, owner: Name = "") -> Response:
    """Give a task to somebody."""
    known(app, organisation_id)
    hand_on(app, organisation_id=organisation_id, task_id=task_id, owner=owner, actor=who)
    return go(f"/o/{organisation_id}/tasks", "task_given")


@ROUTES.post("/o/{organisation_id}/tasks/{task_id}/done", dependencies=[CHASE], status_code=303)
def done(app: Running, who: Who, organisation_id: str, task_id: str) -> Response:
    """Note that a task is done."""
    known(app, organisation_id)
    finish_task(app, organisation_id=organisation_id, task_id=task_id, actor=who)
    return go(f"/o/{organisation_id}/tasks", "task_done")


@ROUTES.post("/o/{organisation_id}/colleagues", dependencies=[CONFIGURE], status_code=303)
def keep(
    app: Running, who: Who, organisation_id: str, name: Name, skill: Annotated[list[TaskKind], Form()] = _NO_SKILLS
) -> Response:
    """Let somebody take tasks."""
    known(app, organisation_id)
    keep_colleague(app, organisation_id=organisation_id, name=name, skills=skill, actor=who)
    return go(f"/o/{organisation_id}/tasks", "colleague_kept")


@ROUTES.post("/o/{organisation_id}/colleagues/drop", dependencies=[CONFIGURE], status_code=303)
def drop(app: Running, who: Who, organisation_id: str, name: Name) -> Response:
    """Give somebody no more tasks."""
    known(app, organisation_id)
    drop_colleague(app, organisation_id=organisation_id, name=name, actor=who)
    return go(f"/o/{organisation_id}/tasks", "colleague_dropped")


def _kind(said: str) -> ReplyKind | None:
    if said == NOTHING:
        return None
    try:
        return ReplyKind(said)
    except ValueError:
        raise InputError("choose what the reply says") from None
