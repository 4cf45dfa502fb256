"""An organisation's own words for a message: tried on samples before they may count.

What every message must carry (amounts, links, who writes, how to stop) is put around them, so that none can lack it;
where nothing is put around them, as in a script, or no list of invoices, as in a text, they have to name it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from enum import StrEnum

from receivables.money import Money
from reminders.call_script import call_script, our_script
from reminders.evidence import Channel
from reminders.message import (
    Brand,
    Links,
    Message,
    PaidLine,
    PaymentReceived,
    clean,
    our_thanks,
    render,
    render_thanks,
)
from reminders.policy import DunningLevel, Tone
from reminders.schedule import PlannedReminder, ReminderLine
from reminders.templating import TemplateError
from reminders.text_message import MAX_NUMBER_CHARACTERS, our_text, render_text_message
from reminders.wording import read_template

SAMPLE_COUNTS = (1, 3)  # the words differ for one invoice and for several
CALL_TONES = (Tone.UPCOMING, Tone.FRIENDLY, Tone.FINAL, Tone.UNDERSTANDING)  # a script differs for these at most
_RECIPIENT = "Birch & Sons"
_NO_DIGIT = re.compile(r"[^0-9]")  # an amount has the same digits in every language
_SAMPLE_DAYS = {
    Tone.UPCOMING: -3,
    Tone.FRIENDLY: 2,
    Tone.CLEAR: 15,
    Tone.FIRM: 32,
    Tone.FINAL: 46,
    Tone.UNDERSTANDING: 95,
}


class CopyKind(StrEnum):
    """What the words are for: e-mails and letters or texts of a tone, every call, every thank-you."""

    EMAIL = "email"
    TEXT = "text"
    CALL = "call"
    THANKS = "thanks"

    @property
    def tones(self) -> tuple[Tone | None, ...]:
        """The tones that have words of their own; None where the words are the same for all."""
        return tuple(Tone) if self in (CopyKind.EMAIL, CopyKind.TEXT) else (None,)


def our_copy(language: str, tone: Tone | None, kind: CopyKind = CopyKind.EMAIL) -> str:
    """The built-in words; KeyError for a kind and a tone that do not go together."""
    match kind, tone:
        case CopyKind.EMAIL, Tone():
            return read_template(f"{language}/{tone}.liquid")
        case CopyKind.TEXT, Tone():
            return our_text(language, tone)
        case CopyKind.CALL, None:
            return our_script(language)
        case CopyKind.THANKS, None:
            return our_thanks(language)
    raise KeyError((kind, tone))


def sample(tone: Tone, *, count: int, today: date, currency: str) -> PlannedReminder:
    """A made-up message of `count` invoices in this tone."""
    days = _SAMPLE_DAYS[tone]
    lines = tuple(_line(number, days, today, currency) for number in range(count))
    level = DunningLevel(-1 if days <= 0 else 1, days, tone)
    total = Money(sum(line.amount_due.minor for line in lines), currency)
    return PlannedReminder("sample", _RECIPIENT, "accounts@birch.example", Channel.EMAIL, level, lines, (total,))


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


def _samples(tone: Tone, today: date) -> Iterator[PlannedReminder]:
    """One of each count, of which one tries the words; the last is the one to look at."""
    for count in SAMPLE_COUNTS:
        yield sample(tone, count=count, today=today, currency="EUR")


def try_copy(
    text: str, *, language: str, tone: Tone, others: Mapping[Tone, str], brand: Brand, links: Links, today: date
) -> Message:
    """Render `text` as e-mails and return the one about several invoices.

    `others` are the words of the other tones in this language. TemplateError, in words for whoever wrote it, when the
    text cannot be rendered, exceeds its bounds, or reads like another tone: two messages in a row must not be alike.
    """
    made = [
        render(reminder=planned, brand=brand, links=links, language=language, own_copy=text)
        for planned in _samples(tone, today)
    ]
    _refuse_alike(text, tone, others)
    return made[-1]


def try_text(
    text: str, *, language: str, tone: Tone, others: Mapping[Tone, str], sender: str, link: str, today: date
) -> str:
    """Render `text` as text messages and return the one about several invoices.

    TemplateError as for an e-mail, also where a text names no amount, or would be too long with a long number.
    """
    made = []
    for planned in _samples(tone, today):
        oldest = replace(planned.lines[0], number=planned.lines[0].number.ljust(MAX_NUMBER_CHARACTERS, "0"))
        longest = replace(planned, lines=(oldest, *planned.lines[1:]))
        for each in (longest, planned):
            said = render_text_message(reminder=each, sender=sender, link=link, language=language, own_copy=text)
        _require_total(said, planned)
        made.append(said)
    _refuse_alike(text, tone, others)
    return made[-1]


def try_script(text: str, *, language: str, sender: str, today: date) -> str:
    """Render `text` as what is said on the telephone, in each tone; return a clear one about several invoices.

    TemplateError as for an e-mail, also where a script does not say who calls, or about how much.
    """
    made = ""
    for tone in (*CALL_TONES, Tone.CLEAR):
        for planned in _samples(tone, today):
            made = call_script(reminder=planned, sender=sender, language=language, own_copy=text)
            if clean(sender) not in made:
                raise TemplateError("it has to say who calls: {{ sender }}")
            _require_total(made, planned)
    return made


def try_thanks(text: str, *, language: str, brand: Brand, links: Links, today: date) -> Message:
    """Render `text` as thank-yous for payments that settle, pay in part, or stand on the account; return the first.

    TemplateError as for an e-mail.
    """
    amount = Money(120_000, "EUR")
    lines = [
        (PaidLine("INV-2041", amount, Money.zero("EUR")),),
        (PaidLine("INV-2041", amount, Money(4_550, "EUR")),),
        (),
    ]
    first, *_ = [
        render_thanks(
            payment=PaymentReceived(_RECIPIENT, amount, today, each),
            brand=brand,
            links=links,
            language=language,
            own_copy=text,
        )
        for each in lines
    ]
    return first


def _refuse_alike(text: str, tone: Tone, others: Mapping[Tone, str]) -> None:
    for other, words in others.items():
        if other is not tone and " ".join(words.split()) == " ".join(text.split()):
            raise TemplateError(f"these are the words of the tone {other} too: two messages in a row would be alike")


def _require_total(said: str, planned: PlannedReminder) -> None:
    """Refuse what names no amount: whoever reads or hears it has nothing else to go by."""
    if str(planned.totals[0].minor) not in _NO_DIGIT.sub("", said):
        raise TemplateError("it has to say {{ total }}, for one invoice and for several")
