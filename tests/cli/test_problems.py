"""The command problems: a reminder in doubt is listed with its answers, and answered."""

from __future__ import annotations

import json

from sqlalchemy import update

from receivables.problem import Problem
from runtime.operations.reminding.in_doubt import REMINDER_IN_DOUBT
from runtime.operations.reminding.plan import plan_reminders
from runtime.store import journal
from runtime.store import tables as t
from tests.cli.command import one_line
from tests.cli.test_sync import Command, command, firm
from tests.operations.firm import Firm

__all__ = ["command", "firm"]


def test_a_reminder_in_doubt_is_listed_and_answered(firm: Firm, command: Command) -> None:
    plan_reminders(firm.app, firm.id)
    first, second = (row.id for row in firm.rows(t.reminder))
    with firm.app.store.write() as db:
        db.execute(update(t.reminder).values(state="in_doubt", sent_at=firm.time()))
        for reminder_id in (first, second):
            problem = Problem(REMINDER_IN_DOUBT, "A reminder may have left.", "Look.", reminder_id)
            journal.raise_problem(db, organisation_id=firm.id, problem=problem, at=firm.time())
    listed = [json.loads(line)["problem"] for line in command("problems", "--json").stdout.splitlines()]
    assert {each["subject"] for each in listed if each["code"] == REMINDER_IN_DOUBT} == {first, second}
    assert command("problems", "sent", first).returncode == 0
    answered = json.loads(command("problems", "not-sent", second, "--json").stdout)
    assert answered == {"organisation": firm.id, "reminder": second, "was_sent": False}
    assert {row.id: row.state for row in firm.rows(t.reminder)} == {first: "sent", second: "failed"}
    again = command("problems", "not-sent", first)
    assert again.returncode == 2
    assert "no reminder in doubt" in one_line(again)
