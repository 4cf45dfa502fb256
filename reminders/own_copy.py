"""An organisation's own words for a tone: tried on samples before they may count, and never the same for two tones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from receivables.money import Money
from reminders.evidence import Channel
from reminders.message import Brand, Links, Message, render
from reminders.policy import DunningLevel, Tone
from reminders.schedule import PlannedReminder, ReminderLine
from reminders.templating import TemplateError
from reminders.wording import read_template

SAMPLE_COUNTS = (1, 3)  # the words differ for one invoice and for several
_SAMPLE_DAYS = {
    Tone.UPCOMING: -3,
    Tone.FRIENDLY: 2,
    Tone.CLEAR: 15,
    Tone.FIRM: 32,
    Tone.FINAL: 46,
    Tone.UNDERSTANDING: 95,
}


def our_copy(language: str, tone: Tone) -> str:
    """The built-in words of a tone."""
    return read_template(f"{language}/{tone}.liquid")


def sample(tone: Tone, *, count: int, today: date, currency: str) -> PlannedReminder:
    """A made-up message of `count` invoices in this tone."""
    days = _SAMPLE_DAYS[tone]
    lines = tuple(_line(number, days, today, currency) for number in range(count))
    level = DunningLevel(-1 if days <= 0 else 1, days, tone)
    total = Money(sum(line.amount_due.minor for line in lines), currency)
    return PlannedReminder("sample", "Birch & Sons", "accounts@birch.example", Channel.EMAIL, level, lines, (total,))


def _line(number: int, days: int, today: date, currency: str) -> ReminderLine:
    due_on = today - timedelta(days=days)
    amount = Money(120_000 + 4_550 * number, currency)
    return ReminderLine(
        item_id=f"sample-{number}",
        number=f"INV-{2041 + number}",
        issued_on=due_on - timedelta(days=30),
        due_on=due_on,
        days_overdue=days,
        total=amount,
        amount_due=amount,
    )


def try_copy(
    text: str, *, language: str, tone: Tone, others: Mapping[Tone, str], brand: Brand, links: Links, today: date
) -> Message:
    """Render `text` on samples and return the message about several invoices.

    `others` are the words of the other tones in this language. TemplateError, in words for whoever wrote it, when the
    text cannot be rendered, exceeds its bounds, or reads like another tone: two messages in a row must not be alike.
    """
    message = None
    for count in SAMPLE_COUNTS:
        planned = sample(tone, count=count, today=today, currency="EUR")
        message = render(reminder=planned, brand=brand, links=links, language=language, own_copy=text)
    for other, words in others.items():
        if other is not tone and " ".join(words.split()) == " ".join(text.split()):
            raise TemplateError(f"these are the words of the tone {other} too: two messages in a row would be alike")
    if message is None:
        raise TemplateError("no sample was rendered")
    return message
