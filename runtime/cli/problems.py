"""`truedue problems`: what waits for a person, answers to it, and trying again what was set aside."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from runtime.cli.opened import chosen_organisation, opened_app
from runtime.cli.printed import EACH_AS_JSON, print_result
from runtime.operations.errors import InputError
from runtime.operations.inbox.set_aside import Queue, SetAside, replay, set_aside
from runtime.operations.organisations import OWNER
from runtime.operations.reminding.in_doubt import settle_doubt
from runtime.operations.views.receipts import ProblemRow
from runtime.operations.views.receipts import problems as waiting_problems
from runtime.store import connections
from runtime.store.engine import Store

_ORG = click.option("--org", "organisation_id", help="The organisation's id, where there are several.")


@click.group(invoke_without_command=True)
@EACH_AS_JSON
@click.pass_context
def problems(context: click.Context, *, as_json: bool) -> None:
    """Show what waits for a person in every organisation, and what was set aside; also of accounts nobody connected."""
    if context.invoked_subcommand is not None:
        return
    with opened_app() as app:
        for organisation_id, problems, rows in _everything(app.store):
            for problem in problems:
                _print_problem(organisation_id, problem, as_json=as_json)
            for row in rows:
                _print_row(row, as_json=as_json)


@problems.command("replay")
@click.argument("names", nargs=-1, required=True, metavar="QUEUE:ID...")
@_ORG
@click.option("--unclaimed", is_flag=True, help="Webhooks that could not be read: read them again.")
@EACH_AS_JSON
def problems_replay(names: Sequence[str], organisation_id: str | None, *, unclaimed: bool, as_json: bool) -> None:
    """Work off again what was set aside, such as outbox:12; `truedue serve` or a worker does it."""
    wanted = [_named(name) for name in names]
    with opened_app() as app:
        owner = None if unclaimed else chosen_organisation(app.store, organisation_id).id
        for queue, row_id in wanted:
            replay(app, organisation_id=owner, queue=queue, row_id=row_id, actor=OWNER)
            facts = {"organisation": owner, "name": f"{queue}:{row_id}", "tried_again": True}
            print_result(f"{queue}:{row_id} is tried again", facts, as_json=as_json)


@problems.command("sent")
@click.argument("reminder_ids", nargs=-1, required=True, metavar="REMINDER...")
@_ORG
@EACH_AS_JSON
def problems_sent(reminder_ids: Sequence[str], organisation_id: str | None, *, as_json: bool) -> None:
    """Say that reminders in doubt left: they count as sent."""
    _answer(reminder_ids, organisation_id, was_sent=True, as_json=as_json)


@problems.command("not-sent")
@click.argument("reminder_ids", nargs=-1, required=True, metavar="REMINDER...")
@_ORG
@EACH_AS_JSON
def problems_not_sent(reminder_ids: Sequence[str], organisation_id: str | None, *, as_json: bool) -> None:
    """Say that reminders in doubt did not leave: what is still due of them may be planned again."""
    _answer(reminder_ids, organisation_id, was_sent=False, as_json=as_json)


def _answer(reminder_ids: Sequence[str], organisation_id: str | None, *, was_sent: bool, as_json: bool) -> None:
    with opened_app() as app:
        owner = chosen_organisation(app.store, organisation_id).id
        for reminder_id in reminder_ids:
            settle_doubt(app, organisation_id=owner, reminder_id=reminder_id, was_sent=was_sent, actor=OWNER)
            said = f"{reminder_id} {'counts as sent' if was_sent else 'may be planned again'}"
            facts = {"organisation": owner, "reminder": reminder_id, "was_sent": was_sent}
            print_result(said, facts, as_json=as_json)


def _everything(store: Store) -> list[tuple[str | None, Sequence[ProblemRow], list[SetAside]]]:
    with store.read() as db:
        known = [each.id for each in connections.organisations(db)]
        theirs = [(each, waiting_problems(db, each), set_aside(db, each)) for each in known]
        return [*theirs, (None, (), set_aside(db, None))]


def _print_problem(organisation_id: str | None, problem: ProblemRow, *, as_json: bool) -> None:
    if as_json:
        facts = {"code": problem.code, "subject": problem.subject, "text": problem.text, "remedy": problem.remedy}
        found = {"found_at": problem.found_at.isoformat()}
        click.echo(json.dumps({"organisation": organisation_id, "problem": facts | found}))
    else:
        answers = f" (truedue problems sent, or not-sent, {problem.subject})" if problem.is_doubt else ""
        click.echo(f"{organisation_id}  {problem.text} {problem.remedy}{answers}")


def _print_row(row: SetAside, *, as_json: bool) -> None:
    if as_json:
        facts = {"name": row.name, "system": row.system, "what": row.what, "why": row.why}
        click.echo(
            json.dumps({"organisation": row.organisation_id, "set_aside": facts | {"since": row.since.isoformat()}})
        )
    else:
        click.echo(f"{row.organisation_id or 'nobody'}  {row.name}  {row.system}: {row.what}: {row.why}")


def _named(name: str) -> tuple[Queue, int]:
    queue, _, number = name.partition(":")
    if queue not in set(Queue) or not number.isdecimal():
        raise InputError(f"{name}: name a row as `truedue problems` prints it, such as outbox:12")
    return Queue(queue), int(number)
