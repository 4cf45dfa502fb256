"""What a caller says: of what is due soon nobody says that it was."""

from __future__ import annotations

from datetime import date

import pytest

from reminders.call_script import call_script
from reminders.own_copy import sample
from reminders.policy import Tone

WAS = {"en": "was due", "de": "war am", "fr": "arrivait"}


@pytest.mark.parametrize("language", WAS)
@pytest.mark.parametrize("count", [1, 3])
def test_what_is_due_soon_is_not_called_late(language: str, count: int) -> None:
    told = {}
    for tone in (Tone.UPCOMING, Tone.CLEAR):
        reminder = sample(tone, count=count, today=date(2026, 11, 17), currency="EUR")
        told[tone] = call_script(reminder=reminder, sender="Nordlicht Studio", language=language)
    assert WAS[language] not in told[Tone.UPCOMING]
    assert WAS[language] in told[Tone.CLEAR]
