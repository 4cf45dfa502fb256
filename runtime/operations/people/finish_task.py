"""Somebody has done what a task asked for; what it held back goes on."""

from __future__ import annotations

from reminders.replies.routing import TaskKind
from runtime.app import App
from runtime.operations.matching.in_question import CHARGEBACK, REFUND
from runtime.operations.matching.settle_question import look_at
from runtime.operations.people.tasks import finish
from runtime.store import connections

# Whoever has done these has looked at the money that went back. Answering a chargeback decides nothing: its bank does.
_LOOKED_AT = {TaskKind.REFUND: REFUND, TaskKind.CALL: CHARGEBACK}


def finish_task(app: App, *, organisation_id: str, task_id: str, actor: str) -> None:
    """Note that a task is done, and end what it held. RefusedError when it is not open."""
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        kind, subject = finish(db, organisation_id=organisation_id, task_id=task_id, actor=actor, at=now)
        if kind in _LOOKED_AT:
            look_at(db, organisation_id, subject, codes=(_LOOKED_AT[kind],), actor=actor, at=now)
    app.wake()
