"""`truedue remind`: send what is truly due, show what would be sent, or replay past days."""

from __future__ import annotations

import json
from datetime import date

import click

from reminders.policy import level_title
from runtime.cli.opened import aware, chosen_organisation, opened_app, opened_store
from runtime.cli.printed import AS_JSON, print_counts
from runtime.clock import system_clock
from runtime.operations.errors import InputError
from runtime.operations.reminding.dry_run import dry_run
from runtime.operations.reminding.remind import remind_organisation
from runtime.operations.reminding.replay import Period, Replayed, replay_days, replay_json
from runtime.store import connections
from runtime.store.connections import Organisation

MAX_PAID_SHOWN = 20
_HEAD = ("month", "messages", "customers", "invoices named", "of them paid by then", "paid that very day")


@click.command()
@click.option("--dry-run", "is_dry", is_flag=True, help="Show what would be reminded; send nothing.")
@click.option("--replay", nargs=2, metavar="FROM TO", help="Show what would have been sent from one day to another.")
@click.option("--as-of", "as_of", help="Decide for this time (ISO 8601 with zone); the default is now.")
@click.option("--org", "organisation_id", help="The organisation's id, where there are several.")
@AS_JSON
def remind(
    *, is_dry: bool, replay: tuple[str, str] | None, as_of: str | None, organisation_id: str | None, as_json: bool
) -> None:
    """Remind of what is truly due, show item by item what would be reminded and why not, or replay past days."""
    if replay is not None:
        if is_dry or as_of is not None:
            raise InputError("--replay goes alone: its days say for when")
        return _show_replay(replay, organisation_id, as_json=as_json)
    if is_dry:
        return _show_dry_run(as_of, organisation_id, as_json=as_json)
    if as_of is not None:
        raise InputError("--as-of goes with --dry-run: messages are only ever sent now")
    with opened_app() as app:
        chosen = chosen_organisation(app.store, organisation_id)
        print_counts(remind_organisation(app, chosen.id), as_json=as_json)
    return None


def _show_dry_run(as_of: str | None, organisation_id: str | None, *, as_json: bool) -> None:
    now = system_clock()
    moment = now if as_of is None else aware(as_of)
    with opened_store() as store:
        with store.read() as db:
            known = connections.organisations(db)
        wanted = known if organisation_id is None else [chosen_organisation(store, organisation_id)]
        for organisation in wanted:
            for line in dry_run(store, organisation, as_of=moment, now=now):
                click.echo(json.dumps(line) if as_json else _plain(line))


def _plain(line: dict[str, object]) -> str:
    holds = line["holds"]
    reasons = "; ".join(f"{hold['code']}: {hold['reason']}" for hold in holds) if isinstance(holds, list) else ""
    return f"{line['item_id']}  {line['decision']}  level {line['level'] or '-'}  {reasons}"


def _show_replay(days: tuple[str, str], organisation_id: str | None, *, as_json: bool) -> None:
    first, last = (_day(text) for text in days)
    with opened_store() as store:
        organisation = chosen_organisation(store, organisation_id)
        with store.read() as db:
            found = replay_days(db, organisation, first=first, last=last, now=system_clock())
    if as_json:
        click.echo(json.dumps(replay_json(organisation, found)))
    else:
        _print_replay(organisation, found)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"--replay {text}: not a day such as 2026-09-01") from None


def _print_replay(organisation: Organisation, found: Replayed) -> None:
    click.echo(f"{organisation.name}, {found.first} to {found.last}, policy {found.policy}")
    rows = [_HEAD, *(_row(each) for each in found.months), _row(found.all)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_HEAD))]
    for row in rows:
        name, *counts = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join([name, *counts]))
    if found.all.paid_that_day:
        click.echo(
            "Money booked on the very day of a message is on a statement only the day after; a live feed shows it."
        )
    for each in found.paid[:MAX_PAID_SHOWN]:
        click.echo(
            f"{each.number}: {level_title(each.level)} on {each.sent_on}, paid on {each.paid_on} ({each.amount})"
        )
    if len(found.paid) > MAX_PAID_SHOWN:
        click.echo(f"and {len(found.paid) - MAX_PAID_SHOWN} more: --json lists them all")
    for code, count in found.held.items():
        click.echo(f"{count:>8}  held back on some day: {code.replace('_', ' ')}")
    if found.undated:
        click.echo(f"{found.undated:>8}  with a part taken off on a day that nobody tells: known from the start")


def _row(each: Period) -> tuple[str, ...]:
    counts = (each.messages, each.customers, each.lines, each.lines_paid, each.paid_that_day)
    return (each.name or "all", *(f"{count:,}" for count in counts))
