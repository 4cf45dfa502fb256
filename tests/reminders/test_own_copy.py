"""Own words: ours keep their own rules, and what must be in every message cannot be left out of it."""

from __future__ import annotations

from datetime import date

import pytest

from reminders.message import Message
from reminders.own_copy import CopyKind, our_copy, try_script, try_text, try_thanks
from reminders.policy import Tone
from reminders.templating import TemplateError
from reminders.text_message import MAX_SEGMENTS, segments
from reminders.wording import LANGUAGES
from tests.reminders.facts import BRAND, links

TODAY = date(2026, 11, 17)
LINK = "https://pay.nordlicht.example/t/AbCdEfGhIjKlMnOp"
SENDER = "Nordlicht Studio"


def _text(text: str, *, tone: Tone = Tone.FIRM, language: str = "en", link: str = LINK) -> str:
    others = {each: our_copy(language, each, CopyKind.TEXT) for each in Tone}
    return try_text(text, language=language, tone=tone, others=others, sender=SENDER, link=link, today=TODAY)


def _script(text: str, language: str = "en") -> str:
    return try_script(text, language=language, sender=SENDER, today=TODAY)


def _thanks(text: str, language: str = "en") -> Message:
    return try_thanks(text, language=language, brand=BRAND, links=links(), today=TODAY)


@pytest.mark.parametrize("language", LANGUAGES)
def test_our_words_keep_the_rules_that_own_words_keep(language: str) -> None:
    for tone in CopyKind.TEXT.tones:
        assert tone is not None
        assert segments(_text(our_copy(language, tone, CopyKind.TEXT), tone=tone, language=language)) <= MAX_SEGMENTS
    assert SENDER in _script(our_copy(language, None, CopyKind.CALL), language)
    assert _thanks(our_copy(language, None, CopyKind.THANKS), language).subject


@pytest.mark.parametrize("kind", CopyKind)
def test_words_are_by_tone_or_the_same_for_all(kind: CopyKind) -> None:
    by_tone = kind in (CopyKind.EMAIL, CopyKind.TEXT)
    assert kind.tones == (tuple(Tone) if by_tone else (None,))
    with pytest.raises(KeyError):
        our_copy("en", None if by_tone else Tone.FIRM, kind)


def test_a_text_says_who_writes_where_to_pay_and_how_to_stop_whatever_its_words_are() -> None:
    assert _text("{{ count }} open: {{ total }}!") == (f"{SENDER}: 3 open: €3,736.50! {LINK} Reply STOP to end texts.")
    assert _text("{{ total }} offen", language="de").endswith(f"{LINK} STOP beendet diese SMS.")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Please pay", "has to say {{ total }}"),
        ("{% if count == 1 %}{{ total }}{% else %}Please pay{% endif %}", "for one invoice and for several"),
        ("{% if count > 1 %}{{ total }}{% endif %}", "must say something"),
        ("{{ total }} {{ link }}", "link"),
        ("{{ total }} " + "please " * 60, "more than 3"),
        ("{{ total }} {{ number }} " + "x" * 340, "more than 3"),  # fits with the sample's number, not with a long one
        ("{{ total }} 😀 " + "please " * 20, "more than 3"),
        ("{{ total }}{% for i in (1..9999) %}x{% endfor %}", "loop"),
        (our_copy("en", Tone.CLEAR, CopyKind.TEXT), "two messages in a row would be alike"),
    ],
)
def test_a_text_that_lacks_something_or_is_too_long_does_not_count(text: str, reason: str) -> None:
    with pytest.raises(TemplateError, match=reason):
        _text(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Good morning. It is about {{ total }}.", "who calls"),
        ("This is {{ sender }}.", "has to say {{ total }}"),
        ("This is {{ sender }}, {{ total }}. {% if tone == 'final' %}{{ gone }}{% endif %}", "gone"),
        ("This is {{ sender }}, {{ total }}. {% if late %}{{ gone }}{% endif %}", "gone"),
        ("{{ sender }} {{ total }} " + "and so on " * 500, "more than 5000"),
    ],
)
def test_a_script_that_says_too_little_or_too_much_does_not_count(text: str, reason: str) -> None:
    with pytest.raises(TemplateError, match=reason):
        _script(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("no parts", "three parts"),
        ("a\n---\n{% if settled %}Thanks{% endif %}\n---\nc", "must say something"),
        ("a\n---\n{% if count == 0 %}{{ gone }}{% endif %}b\n---\nc", "gone"),
    ],
)
def test_thanks_are_tried_for_what_is_settled_paid_in_part_and_on_the_account(text: str, reason: str) -> None:
    with pytest.raises(TemplateError, match=reason):
        _thanks(text)


def test_thanks_carry_what_was_paid_and_the_way_to_unsubscribe() -> None:
    made = _thanks("Cheers\n---\nHello {{ recipient }}, {{ amount }} came on {{ received }}.\n---\nBye")
    assert made.subject == "Cheers"
    for part in ("Hello Birch & Sons, €1,200.00 came on Nov 17, 2026.", "INV-2041", links().unsubscribe):
        assert part in made.text
