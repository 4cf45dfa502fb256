"""Replies of payers as people might write them, with what each says: written for this project, no one's mail.

The rules were tuned on one half. The other was written after they were, and is for measuring alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from importlib.resources import files

from reminders.wording import LANGUAGES

CAME_ON = date(2026, 3, 10)  # a Tuesday: the days that the mails name are counted from it
NOTHING = "none"
_NOT_SAID = "-"


class Half(StrEnum):
    """What a mail is for."""

    TUNED = "tuned"
    MEASURED = "measured"


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail: what it says (a kind, or NOTHING), the day it promises and the amount it names, where it does."""

    half: Half
    language: str
    said: str
    day: date | None
    amount: str | None
    text: str

    @property
    def currency(self) -> str:
        """What its writer owes in."""
        return "GBP" if self.language == "en" else "EUR"


def mails(*halves: Half) -> list[Mail]:
    """Return the mails of these halves."""
    return [mail for half in halves for language in LANGUAGES for mail in _read(half, language)]


def _read(half: Half, language: str) -> list[Mail]:
    folder = files("benchmarks") / "replies" / "mails" / half.value
    lines = (folder / f"{language}.tsv").read_text(encoding="utf-8").splitlines()
    return [_mail(half, language, line.split("\t")) for line in lines]


def _mail(half: Half, language: str, fields: list[str]) -> Mail:
    said, day, amount, text = fields
    return Mail(
        half=half,
        language=language,
        said=said,
        day=None if day == _NOT_SAID else date.fromisoformat(day),
        amount=None if amount == _NOT_SAID else amount,
        text=text,
    )
