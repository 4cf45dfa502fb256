"""Texts: as few segments as they can be, exact amounts, a way to stop, and answers read by their first word."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from reminders.own_copy import sample
from reminders.policy import Tone
from reminders.stop_words import Wish, wish_of
from reminders.telephone import TelephoneError, country_of, number_of, zones_of
from reminders.templating import TemplateError
from reminders.text_message import render_text_message, segments
from reminders.wording import LANGUAGES

LINK = "https://pay.nordlicht.example/t/AbCdEfGhIjKlMnOp"
TODAY = date(2026, 11, 17)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("tone", list(Tone))
@pytest.mark.parametrize("count", [1, 3])
def test_each_text_names_amount_link_and_stop_in_plain_characters(language: str, tone: Tone, count: int) -> None:
    reminder = sample(tone, count=count, today=TODAY, currency="EUR")
    text = render_text_message(reminder=reminder, sender="Nordlicht Studio", link=LINK, language=language)
    amount = reminder.totals[0].text().replace(".", ",")[-6:] if language != "en" else reminder.totals[0].text()[-6:]
    assert amount in text
    assert LINK in text
    assert "STOP" in text
    assert segments(text) <= 2, (segments(text), len(text), text)
    assert segments(text) == (1 if len(text) + text.count("€") <= 160 else 2), "no character makes it a long one"


def test_no_line_of_a_text_ends_between_the_digits_of_an_amount() -> None:
    reminder = sample(Tone.CLEAR, count=3, today=TODAY, currency="EUR")
    text = render_text_message(reminder=reminder, sender="Nordlicht Studio", link=LINK, language="fr")
    assert "3736,50 €" in text


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ż" * 70, 1),
        ("ż" * 71, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
    ],
)
def test_segments_are_counted_as_they_are_charged(text: str, count: int) -> None:
    assert segments(text) == count


def test_a_text_that_would_take_too_many_segments_is_not_written() -> None:
    reminder = sample(Tone.FIRM, count=1, today=TODAY, currency="EUR")
    reminder = replace(reminder, lines=(replace(reminder.lines[0], number="Ж" * 40),))
    text = render_text_message(reminder=reminder, sender="Ж" * 90, link=LINK, language="en")
    assert segments(text) == 3
    with pytest.raises(TemplateError, match="more than 3"):
        render_text_message(reminder=reminder, sender="Ж" * 90, link=LINK + "x" * 60, language="en")


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("STOP", Wish.STOP),
        (" stop. ", Wish.STOP),
        ("Stop texting me", Wish.STOP),
        ("ARRÊT", Wish.STOP),
        ("Opt-out please", Wish.STOP),
        ("Keine SMS mehr!", Wish.STOP),
        ("start", Wish.START),
        ("start the payment tomorrow", None),
        ("HELP", Wish.HELP),
        ("I paid on Monday", None),
        ("please don't stop", None),
        ("", None),
    ],
)
def test_what_an_answer_asks_for(text: str, wish: Wish | None) -> None:
    assert wish_of(text) is wish


def test_numbers_are_written_one_way_and_know_where_they_ring() -> None:
    assert number_of("07400 123456", country="GB", takes_texts=True) == "+447400123456"
    assert number_of("+49 40 1234567", country="GB") == "+49401234567"
    for wrong in ("12", "nobody", "+1 000 000 0000"):
        with pytest.raises(TelephoneError):
            number_of(wrong, country="GB")
    with pytest.raises(TelephoneError, match="no mobile"):
        number_of("020 7946 0018", country="GB", takes_texts=True)
    assert (country_of("+14155552671"), country_of("+1")) == ("US", None)
    assert zones_of("+14155552671", besides="Europe/London") == ("America/Los_Angeles",)
    assert "Europe/London" not in zones_of("+447400123456", besides="Europe/London")
