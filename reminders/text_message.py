"""A reminder as a text message: who writes, what is open, where to pay; in as few segments as it can be."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import cast
from unicodedata import normalize

from reminders.message import clean
from reminders.policy import Tone
from reminders.schedule import PlannedReminder
from reminders.templating import TemplateError, render_text
from reminders.wording import read_template, wording

MAX_SEGMENTS = 3  # each is charged; a text that needs more is too long to be read as one
MAX_SENDER_CHARACTERS = 30
MAX_NUMBER_CHARACTERS = 20
# GSM 03.38, the alphabet of texts: a character outside it turns the whole text into UCS-2, 70 instead of 160 a segment.
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("^{}\\[~]|€\f")  # each takes the room of two
_WITHIN_AMOUNTS = re.compile("(?<=[0-9])[\u00a0\u202f\u2009](?=[0-9])")
# Typography that says no more than its plain form does, and would cost half of each segment.
_PLAIN = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "’": "'", "‘": "'", "“": '"', "”": '"', "–": "-"})


def our_text(language: str, tone: Tone) -> str:
    """Return our words for a text of this tone: without who writes, the link and how to stop, which each one has."""
    return _templates(language)[tone]


def render_text_message(
    *, reminder: PlannedReminder, sender: str, link: str, language: str, own_copy: str | None = None
) -> str:
    """Write the text in `language`; `link` leads to the payer's own page.

    `own_copy` is the organisation's own template in place of ours. It may use `recipient`, `sender`, `count`, `total`,
    and of the oldest invoice `number`, `due` and `days`. Who writes, the link and how to stop are put around it.
    TemplateError where it is wrong, says nothing, or makes a text of more than MAX_SEGMENTS.
    """
    words = wording(language)
    oldest = reminder.lines[0]
    facts = {
        "recipient": clean(reminder.recipient_name),
        "sender": clean(sender)[:MAX_SENDER_CHARACTERS].strip(),
        "count": len(reminder.lines),
        "number": clean(oldest.number)[:MAX_NUMBER_CHARACTERS].strip(),
        "due": words.day(oldest.due_on),
        "days": words.counted("days", abs(oldest.days_overdue)),
        "total": words.all_money(reminder.totals),
    }
    said = render_text(own_copy or our_text(words.language, reminder.level.tone), facts).strip()
    if not said:
        raise TemplateError("the text must say something")
    framed = render_text(_templates(words.language)["frame"], {**facts, "words": said, "link": link})
    text = " ".join(_plain(framed).split())
    if segments(text) > MAX_SEGMENTS:
        raise TemplateError(f"the text would take {segments(text)} segments, more than {MAX_SEGMENTS}")
    return text


@cache
def _templates(language: str) -> Mapping[str, str]:
    """Our words by tone, and the frame of every text."""
    return cast("Mapping[str, str]", json.loads(read_template(f"{language}/texts.json")))


def _plain(text: str) -> str:
    """The text in the alphabet of texts, as far as an accent left out makes it so: one û would cost half of it.

    The space within an amount goes, because the plain one that is left of it lets a line end between its digits.
    """
    return "".join(
        character if character in _BASIC or (base := normalize("NFKD", character)[0]) not in _BASIC else base
        for character in _WITHIN_AMOUNTS.sub("", text).translate(_PLAIN)
    )


def segments(text: str) -> int:
    """How many segments a text takes, as they are charged: of 160 or 70 characters, less where it is cut in several."""
    if set(text) <= _BASIC | _EXTENDED:
        size, alone, joined = len(text) + sum(character in _EXTENDED for character in text), 160, 153
    else:
        size, alone, joined = len(text.encode("utf-16-be")) // 2, 70, 67
    return 1 if size <= alone else -(-size // joined)
