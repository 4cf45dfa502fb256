"""What a person says who calls about open invoices, and what is written to whoever takes a debt over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from reminders.message import clean
from reminders.schedule import PlannedReminder
from reminders.templating import TemplateError, render_text
from reminders.wording import read_template, wording

MAX_CHARACTERS = 5_000  # of a script: some five minutes read aloud


@dataclass(frozen=True, slots=True)
class Told:
    """One earlier reminder of an item: when, at which level, by which channel and to where."""

    number: str
    on: date
    level: int
    channel: str
    to: str


def our_script(language: str) -> str:
    """Return our words for a call."""
    return read_template(f"{language}/call.liquid")


def call_script(*, reminder: PlannedReminder, sender: str, language: str, own_copy: str | None = None) -> str:
    """Return the words for the call, in the payer's language; TemplateError where they cannot be rendered.

    `own_copy` is the organisation's own template in place of ours. It may use `tone`, `recipient`, `sender`, `count`,
    `total`, and of the oldest invoice `number`, `due`, `days` and whether it is `late`.
    """
    words = wording(language)
    oldest = reminder.lines[0]
    facts = {
        "tone": reminder.level.tone.value,
        "recipient": clean(reminder.recipient_name),
        "sender": clean(sender),
        "count": len(reminder.lines),
        "number": clean(oldest.number),
        "due": words.day(oldest.due_on),
        "days": words.counted("days", abs(oldest.days_overdue)),
        "late": oldest.days_overdue > 0,
        "total": words.all_money(reminder.totals),
    }
    script = render_text(own_copy or our_script(words.language), facts).strip()
    if len(script) > MAX_CHARACTERS:
        raise TemplateError(f"the script would have {len(script)} characters, more than {MAX_CHARACTERS}")
    return script


def dossier(*, reminder: PlannedReminder, creditor: str, told: Sequence[Told], on: date) -> str:
    """Return what somebody needs to know who takes these debts over, as plain text: facts only, in English."""
    lines = [
        f"Creditor: {clean(creditor)}",
        f"Debtor: {clean(reminder.recipient_name)}",
        f"As of: {on.isoformat()}",
        "",
        *(
            f"{clean(line.number)}: issued {line.issued_on}, due {line.due_on}, total {line.total}, "
            f"open {line.amount_due}, {line.days_overdue} days overdue"
            for line in reminder.lines
        ),
        *(f"Open in all: {total}" for total in reminder.totals),
        "",
        "Reminded before:",
        *(
            f"{clean(each.number)}: {each.on.isoformat()}, level {each.level}, by {each.channel} to {clean(each.to)}"
            for each in told
        ),
    ]
    return "\n".join(lines)
