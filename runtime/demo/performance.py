"""`truedue demo`: plays the story with a progress bar, prints the summary, leaves the pages open."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from runtime.demo.report import summarise
from runtime.demo.stage import Stage, set_stage
from runtime.demo.story import Story
from runtime.waiting import wait_for_interrupt

_TITLES = {
    "connect": "Connecting Xero, QuickBooks, Salesforce and Stripe by OAuth",
    "first_sync": "First sync; Salesforce accounts show their invoices",
    "edits": "People edit in Salesforce and in the ledgers",
    "bank_files": "Importing camt.053 and MT940, matching, posting",
    "review": "An accountant works the review queue",
    "plan": "Planning reminders",
    "live_payments": "Customers pay by card: signed webhooks",
    "send": "Sending what is truly due, by e-mail",
    "later_events": "More payments; a bank debit fails late",
    "send_again": "Planning and sending once more",
    "settle": "Reading everything once more: nothing new to write",
}


def perform(*, headless: bool, as_json: bool, folder: Path) -> int:
    """Play the demo in `folder`. Returns 0 when every case ended right and no reminder was false, else 1."""
    logging.basicConfig(level=logging.ERROR)
    console = Console(stderr=True)
    with set_stage(folder.resolve()) as stage:
        story = _play(stage, console)
        summary = summarise(story)
        if as_json:
            click.echo(json.dumps(summary, default=str))
        else:
            _print_table(Console(), summary)
        if not headless:
            click.echo(f"\nPages: {stage.url}   (Ctrl-C ends)", err=True)
            wait_for_interrupt()
    return 0 if _holds(summary) else 1


def _holds(summary: dict[str, Any]) -> bool:
    cases = summary["cases"].values()
    return not summary["false_reminders"] and not summary["avoidable_429"] and all(case["ok"] for case in cases)


def _play(stage: Stage, console: Console) -> Story:
    with Progress(
        TextColumn("{task.description:<62}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    ) as progress:
        task = progress.add_task("", total=len(Story.STEPS))
        story = Story(stage, lambda name: progress.update(task, description=_TITLES[name]))
        story.play(lambda _name: progress.advance(task))
    return story


def _print_table(console: Console, summary: dict[str, Any]) -> None:
    table = Table(title="What happened", show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column()
    for name, counts in summary["steps"].items():
        table.add_row(name.replace("_", " "), ", ".join(f"{count} {key}" for key, count in counts.items()))
    for name in ("invoices", "receipts", "reminders_held", "calls", "webhook_to_posted_seconds"):
        table.add_row(name.replace("_", " "), ", ".join(f"{key} {count}" for key, count in summary[name].items()))
    for name in ("reminders_sent", "items_reminded", "false_reminders", "missed_reminders", "avoidable_429"):
        table.add_row(name.replace("_", " "), str(summary[name]))
    right = [name for name, case in summary["cases"].items() if case["ok"]]
    table.add_row("cases right", f"{len(right)} of {len(summary['cases'])}: {', '.join(right)}")
    console.print(table)
    for name, case in summary["cases"].items():
        if not case["ok"]:
            console.print(f"[red]{name}[/red]: expected {case['expected']}, actual {case['actual']}")
    for reason in summary["false_reminder_reasons"]:
        console.print(f"[red]false reminder[/red]: {reason}")
