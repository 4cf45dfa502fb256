"""Replies are read: what the payer wrote themselves, of which kind it is, by which words, and whether that is sure."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from benchmarks.replies.confusion import confusion
from benchmarks.replies.mails import CAME_ON, Half, mails
from receivables.money import Money
from reminders.replies.amounts import named_amounts, written_amount
from reminders.replies.kinds import ReplyKind, Understood
from reminders.replies.plain import MAX_WORDS_CHARS, folded, language_of, own_words, sentences
from reminders.replies.understand import understand
from reminders.replies.when import named_days

DOCS = Path(__file__).parents[2] / "docs" / "replies.md"


def read(text: str, *, is_automatic: bool = False) -> Understood:
    return understand(text, came_on=CAME_ON, currency="GBP", is_automatic=is_automatic)


@pytest.mark.parametrize(
    ("mail", "own"),
    [
        (
            "Hi,\n\npaid.\n\nBest regards,\nJane\n\nOn Tue, 3 Mar 2026 at 10:00, A <a@b.example> wrote:\n> pay",
            "Hi,\n\npaid.",
        ),
        ("Bezahlt.\n\nMit freundlichen Grüßen\nHans\n\nAm Di., 3. März 2026 schrieb A <a@b.example>:\n> x", "Bezahlt."),
        ("Payé.\r\n\r\nCordialement,\r\nJ.\r\nLe mar. 3 mars 2026, A <a@b.example> a écrit :\r\n> x", "Payé."),
        ("Please resend.\n\n-----Original Message-----\nFrom: A\nSent: B\n\nI do not want mails", "Please resend."),
        ("Bezahlt\n\nVon: A <a@b.example>\nGesendet: Dienstag\nBetreff: Rechnung\n\nbitte zahlen", "Bezahlt"),
        ("Paid.\nOn Tue, 3 Mar 2026 at 10:00, Harbour Joinery\n<a@b.example> wrote:\n\n> x", "Paid."),
        ("On Tue, 3 Mar 2026, A <a@b.example> wrote:\n> pay\n\nPaid.", "Paid."),
        ("Thanks,\nwe will pay on Friday.", "Thanks,\nwe will pay on Friday."),
        ("I paid on 3 March, as I wrote:\nit is done", "I paid on 3 March, as I wrote:\nit is done"),
        ("", ""),
    ],
)
def test_quotes_and_signatures_are_left_out(mail: str, own: str) -> None:
    assert own_words(mail) == own


@pytest.mark.parametrize(
    "text", ["\n" * 20_000, "On " * 7_000, "Am 3 " * 4_000, "what " * 4_000, "1." * 10_000, "a@" * 9_000]
)
def test_no_mail_takes_long(text: str) -> None:
    assert len(read(text).words) <= MAX_WORDS_CHARS


def test_folding_moves_no_letter() -> None:
    words = "C’est payé, où ÇA ? Straße İ ﬁ"
    assert len(folded(words)) == len(words)
    assert folded(words).startswith("c est paye, ou ca ?")


def test_sentences_do_not_end_after_a_german_day() -> None:
    text = "wir zahlen am 3. marz. danke! gut?\n\nende"
    assert [text[start:end] for start, end in sentences(text)] == ["wir zahlen am 3. marz.", "danke!", "gut?", "ende"]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-03-20", date(2026, 3, 20)),
        ("20.3.", date(2026, 3, 20)),
        ("20/03/26", date(2026, 3, 20)),
        ("the 1st of april", date(2026, 4, 1)),
        ("april 2nd, 2027", date(2027, 4, 2)),
        ("le 1er avril", date(2026, 4, 1)),
        ("am 31. marz", date(2026, 3, 31)),
        ("5 january", date(2027, 1, 5)),
        ("friday", date(2026, 3, 13)),
        ("tuesday", date(2026, 3, 17)),
        ("next friday", date(2026, 3, 20)),
        ("mardi prochain", date(2026, 3, 17)),
        ("tomorrow", date(2026, 3, 11)),
        ("ubermorgen", date(2026, 3, 12)),
        ("in two weeks", date(2026, 3, 24)),
        ("innerhalb von zehn tagen", date(2026, 3, 20)),
        ("d ici la fin du mois", date(2026, 3, 31)),
        ("ende april", date(2026, 4, 30)),
        ("next week", date(2026, 3, 20)),
    ],
)
def test_days_are_counted_from_the_day_the_mail_came(text: str, day: date) -> None:
    assert [each.day for each in named_days(text, came_on=CAME_ON)] == [day]


def test_days_that_are_past_or_written_as_americans_do_or_no_days_at_all() -> None:
    assert [each.day for each in named_days("on friday", came_on=CAME_ON, is_past=True)] == [date(2026, 3, 6)]
    assert [each.day for each in named_days("20 december", came_on=CAME_ON, is_past=True)] == [date(2025, 12, 20)]
    assert [each.day for each in named_days("4/3", came_on=CAME_ON, month_first=True)] == [date(2026, 4, 3)]
    assert named_days("it may be an error, 31/02 or 45.13.2026", came_on=CAME_ON) == []


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("£1,200.00", ["1200.00 GBP"]),
        ("1.200,50 € und 1.200,50 eur", ["1200.50 EUR"]),
        ("eur 1 200", ["1200.00 EUR"]),
        ("500€", ["500.00 EUR"]),
        ("$12.5", ["12.50 CAD"]),
        ("invoice 1200 of 20.3.", []),
        ("chf 100 or £7", ["100.00 CHF", "7.00 GBP"]),
    ],
)
def test_amounts_need_a_currency(text: str, amounts: list[str]) -> None:
    assert named_amounts(text, currency="CAD") == [Money.parse(*each.split()) for each in amounts]


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("120", "EUR", 12_000),
        (" 120,5 ", "EUR", 12_050),
        ("1.234,50", "EUR", 123_450),
        ("1,234.50", "EUR", 123_450),
        ("1 234,50", "EUR", 123_450),
        ("1.234", "EUR", 123_400),
        ("1.234", "KWD", 1_234),
        ("120,505", "EUR", 12_050_500),
        ("1,5", "JPY", None),
        ("12a", "EUR", None),
        ("", "EUR", None),
        ("-5", "EUR", -500),
    ],
)
def test_an_amount_in_a_field_is_read_with_comma_or_point(text: str, currency: str, amount: int | None) -> None:
    found = written_amount(text, currency=currency)
    assert (found.minor if found else None) == amount


def test_the_words_behind_a_kind_can_be_shown() -> None:
    found = read("Hi Tom, we’ll pay on Friday.")
    assert (found.kind, found.day, found.is_sure) == (ReplyKind.PROMISE, date(2026, 3, 13), True)
    assert [found.words[each.start : each.end] for each in found.evidence if each.is_sure] == ["ll pay"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("I have not paid yet.", None),
        ("We will pay on Friday once you correct the amount.", ReplyKind.DISPUTE),
        ("Please stop sending me reminders, I paid last week.", ReplyKind.PAID_ALREADY),
        ("Please stop emailing me, I don't work there any more.", ReplyKind.WRONG_CONTACT),
        ("We will pay.", ReplyKind.PROMISE),
        ("We will pay £500 on Friday and £300 on 20 March.", ReplyKind.PROMISE),
        ("We will transfer 800 on Friday.", ReplyKind.PROMISE),
        ("We will pay on 20 August.", ReplyKind.PROMISE),
        ("Unsubscribe me. The boat left without my uncle.", ReplyKind.OPT_OUT),
        ("Has it been paid?", ReplyKind.QUESTION),
    ],
)
def test_what_can_be_taken_otherwise_is_not_sure(text: str, kind: ReplyKind | None) -> None:
    found = read(text)
    assert found.kind is kind
    assert found.doubts or kind is ReplyKind.QUESTION


def test_what_a_machine_wrote_is_out_of_office_unless_it_says_that_nobody_comes_back() -> None:
    assert read("Thank you for your mail.", is_automatic=True).kind is ReplyKind.OUT_OF_OFFICE
    away = read("I am back on 16 March. In urgent cases contact Paul.", is_automatic=True)
    assert (away.kind, away.day, away.is_sure) == (ReplyKind.OUT_OF_OFFICE, date(2026, 3, 16), True)
    left = read("I no longer work here. Contact Paul.", is_automatic=True)
    assert (left.kind, left.is_sure) == (ReplyKind.WRONG_CONTACT, True)
    assert not read("I am away. This was paid on Friday.", is_automatic=True).is_sure


def test_the_language_of_the_answer_is_that_of_the_words() -> None:
    assert language_of(folded("Wir haben die Rechnung nicht")) == "de"
    assert language_of(folded("Merci de nous envoyer la facture")) == "fr"
    assert read("ok").language == "en"


def test_nothing_that_is_sure_is_wrong_where_the_rules_were_tuned() -> None:
    tuned = confusion(mails(Half.TUNED))
    assert [pair for pair in tuned.sure if pair[0] != pair[1]] == []
    assert tuned.days[False] <= 1


def test_the_documents_say_what_the_bench_prints() -> None:
    measured = confusion(mails(Half.MEASURED))
    said = DOCS.read_text(encoding="utf-8")
    for line in (*measured.table(), *measured.precision(), measured.summary()):
        assert line in said
