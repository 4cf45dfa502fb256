"""Messages: the same money as the evidence, in three languages, safe against any name, and bounded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html

from receivables.allocation import Allocation
from receivables.decline import Advice, Decline, DeclineGroup
from receivables.money import Money, exponent
from reminders.message import (
    Brand,
    EarlyPayment,
    Message,
    PaidLine,
    PaymentReceived,
    Setback,
    SetbackKind,
    early_payment,
    render,
    render_thanks,
)
from reminders.policy import DEFAULT_POLICY, DunningLevel, DunningPolicy, Tone
from reminders.schedule import MAX_LINES_A_MESSAGE, Candidate, PlannedReminder, plan
from reminders.templating import MAX_SOURCE_CHARACTERS, TemplateError, render_html, render_text
from reminders.wording import LANGUAGES, wording
from tests.reminders.facts import BRAND, NOW, candidate, eur, evidence, item, links

STARTS = {1: 5, 2: 14, 3: 38, 4: 120}
LEVELS = tuple(STARTS)
GMAIL_CUTS_AT = 102 * 1024


def reminder(level: int = 1, *amounts: Money) -> PlannedReminder:
    due_on = NOW.date() - timedelta(days=STARTS[level])
    candidates = [
        candidate(n, due_on=due_on, amount=amount, reminded_level=level - 1)
        for n, amount in enumerate(amounts or (eur("1190.00"),))
    ]
    return plan(candidates=candidates, policy=DEFAULT_POLICY, as_of=NOW).reminders[0]


def write(
    planned: PlannedReminder,
    language: str = "en",
    *,
    brand: Brand = BRAND,
    own_copy: str | None = None,
    setbacks: Sequence[Setback] = (),
) -> Message:
    return render(
        reminder=planned,
        brand=brand,
        links=links(*(line.item_id for line in planned.lines)),
        language=language,
        own_copy=own_copy,
        setbacks=setbacks,
    )


@pytest.mark.parametrize(
    ("language", "signed"),
    [("en", "Accounts receivable"), ("de", "Debitorenbuchhaltung"), ("fr", "Comptabilité clients")],
)
def test_where_nobody_is_named_accounts_receivable_sign_in_the_readers_language(language: str, signed: str) -> None:
    message = write(reminder(1, eur("1190.00")), language, brand=Brand("Nordlicht"))
    assert f"\n{signed}\nNordlicht\n" in message.text
    assert f"<br>{signed}<br>Nordlicht</p>" in message.html


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("count", [1, 3])
def test_every_level_and_language_names_all_that_matters(language: str, level: int, count: int) -> None:
    planned = reminder(level, *[eur("1190.00")] * count)
    message = write(planned, language)
    words = wording(language)
    shown = " ".join("".join(find(message, "//text()")).split())
    for line in planned.lines:
        for fact in (
            line.number,
            words.day(line.issued_on),
            words.day(line.due_on),
            words.counted("overdue", STARTS[level]),
            words.money(line.amount_due),
        ):
            assert fact in message.text
            assert " ".join(fact.split()) in shown
    addresses = set(find(message, "//a/@href"))
    assert {f"https://pay.nordlicht.example/p/item-{n}" for n in range(count)} <= addresses
    pages = {"portal", "portal/dispute", "portal/promise", "portal/question", "portal/stop", "p/all"}
    assert {f"https://pay.nordlicht.example/{name}" for name in pages} <= addresses
    assert all(address in message.text for address in addresses)
    assert words.money(planned.totals[0]) in message.text
    assert BRAND.name in shown
    assert BRAND.signature in shown
    assert find(message, "/html/@lang") == [language]
    assert "{{" not in message.text + message.html
    assert message.subject
    assert "\n" not in message.subject


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("count", [1, 2])
def test_no_two_levels_read_alike(language: str, count: int) -> None:
    planned = reminder(1, *[eur("10.00")] * count)
    levels = [*DEFAULT_POLICY.levels, DunningLevel(5, 120, Tone.FINAL)]
    messages = [write(replace(planned, level=level), language) for level in levels]
    assert {level.tone for level in levels} == set(Tone) - {Tone.UPCOMING}
    for one, other in combinations(messages, 2):
        assert one.subject != other.subject
        assert min(len(sentences(one)), len(sentences(other))) >= 3
        assert not sentences(one) & sentences(other)


def test_only_the_understanding_level_offers_a_plan() -> None:
    offers = [level for level in LEVELS if "https://pay.nordlicht.example/portal/plan" in write(reminder(level)).html]
    assert offers == [4]


CURRENCIES = st.sampled_from(["EUR", "USD", "GBP", "JPY", "KWD", "IQD", "HUF", "LAK", "CLF", "CHF", "ISK"])
MONEY = st.builds(Money, st.integers(1, 10**12), CURRENCIES)


@given(MONEY, st.sampled_from(["en", "en-GB", "de", "de-AT", "de-CH", "fr", "fr-CA", "xx", ""]))
def test_written_money_is_exact_to_the_minor_unit(amount: Money, language: str) -> None:
    digits = re.sub(r"\D", "", wording(language).money(amount))
    assert Decimal(digits).scaleb(-exponent(amount.currency)) == amount.decimal


@given(st.lists(MONEY, min_size=1, max_size=6), st.sampled_from(LANGUAGES))
def test_amounts_and_totals_in_a_message_are_those_of_the_evidence(amounts: list[Money], language: str) -> None:
    planned = reminder(1, *amounts)
    words = wording(language)
    message = write(planned, language)
    shown = find(message, "//td[@align='right']/strong/text()")
    assert shown == [words.money(line.amount_due) for line in planned.lines]
    sums: dict[str, int] = {}
    for amount in amounts:
        sums[amount.currency] = sums.get(amount.currency, 0) + amount.minor
    expected = {words.money(Money(minor, currency)) for currency, minor in sums.items()}
    assert set(find(message, "//td[@align='right' and not(*)]/text()")) == expected


def test_regional_formats_and_unknown_languages() -> None:
    assert wording("de-CH").money(Money(119000, "CHF")) != wording("de").money(Money(119000, "CHF"))
    assert "1 Nov 2026" in write(reminder(2), "en-GB").text or "3 Nov 2026" in write(reminder(2), "en-GB").text
    assert write(reminder(), "pt-BR") == write(reminder(), "en") == write(reminder(), "no such language")


ATTACKS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ brand.name }}{% for i in (1..9) %}x{% endfor %}",
    "Acme\r\nBcc: everyone@example.org",
    "Acme\n---\nsubject\n---\nbody",
    "\u202egnp.exe",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_name_is_only_ever_a_name(attack: str) -> None:
    planned = reminder()
    line = replace(planned.lines[0], number=attack)
    message = write(
        replace(planned, recipient_name=attack, lines=(line,)), brand=replace(BRAND, name=attack, signature=attack)
    )
    assert "<script" not in message.html
    assert "<img" not in message.html
    assert "\u202e" not in message.html + message.text + message.subject
    assert "\n" not in message.subject
    assert "\nBcc:" not in message.text
    assert "\n---" not in message.text
    assert structure(message) == structure(write(planned))


@given(st.text(max_size=300))
@settings(deadline=None)
def test_no_name_changes_the_structure_of_the_page(name: str) -> None:
    assert structure(write(replace(reminder(), recipient_name=name))) == structure(write(reminder()))


@pytest.mark.parametrize("address", ["javascript:alert(1)", 'https://a.example/"onload=x', "ftp://a.example", ""])
def test_only_web_addresses_are_linked(address: str) -> None:
    with pytest.raises(ValueError, match="not a web address"):
        replace(links(), pay=address)
    with pytest.raises(ValueError, match="not a web address"):
        replace(links(), pay_items={"item-1": address})


def test_a_colour_is_a_colour() -> None:
    with pytest.raises(ValueError, match="#rrggbb"):
        replace(BRAND, colour="red;background:url(x)")


@pytest.mark.parametrize(("colour", "text"), [("#ffff00", "#000000"), ("#1f5f4a", "#ffffff"), ("#000000", "#ffffff")])
def test_the_button_is_readable_on_any_colour(colour: str, text: str) -> None:
    assert (
        f"color:{text};font-weight:600;text-decoration:none"
        in write(reminder(), brand=replace(BRAND, colour=colour)).html
    )


def test_an_organisations_own_copy_takes_the_place_of_ours() -> None:
    own = "About {{ number }}\n---\nHi {{ recipient }}, {{ total }} please.\n---\nThanks, {{ sender }}"
    message = write(reminder(), own_copy=own)
    assert message.subject == "About INV-2040"
    assert message.text.startswith("Hi Birkenhof GmbH, €1,190.00 please.")
    assert "Thanks, Nordlicht Studio" in message.html


@pytest.mark.parametrize(
    "broken",
    [
        "no parts",
        "a\n---\nb",
        "{{ nobody }}\n---\nb\n---\nc",
        "{% if %}\n---\nb\n---\nc",
        "{% include 'x' %}\n---\nb\n---\nc",
        "a\n---\n{% for i in (1..100000000) %}x{% endfor %}\n---\nc",
        "a\n---\n{% for i in (1..60) %}{% for j in (1..60) %}x{% endfor %}{% endfor %}\n---\nc",
        "a\n---\n{{ 'aaaaaaaaaa' | replace: 'a', 'aaaaaaaaaa' }}\n---\nc",
        "a\n---\n{% assign s = 'x' %}{{ s }}\n---\nc",
        "a\n---\n{{ number | append: 'x' }}\n---\nc",
        "a\n---\n{{ number.__class__ }}\n---\nc",
    ],
)
def test_own_copy_that_is_wrong_or_unbounded_is_refused(broken: str) -> None:
    with pytest.raises(TemplateError):
        write(reminder(), own_copy=broken)


def test_templates_are_bounded_in_source_loops_and_output() -> None:
    with pytest.raises(TemplateError, match="characters"):
        render_text("x" * (MAX_SOURCE_CHARACTERS + 1), {})
    with pytest.raises(TemplateError, match="loop"):
        render_text("{% for i in (1..2001) %}{% endfor %}", {})
    with pytest.raises(TemplateError, match="output"):
        render_text("{% for i in (1..1000) %}{{ text }}{% endfor %}", {"text": "x" * 1000})
    assert render_html("{{ text }}", {"text": "<b>"}) == "&lt;b&gt;"


def test_the_longest_message_fits_the_bounds() -> None:
    amounts = [Money(10**12, "CLF")] * MAX_LINES_A_MESSAGE
    planned = reminder(1, *amounts)
    long_numbers = tuple(replace(line, number="&" * 200) for line in planned.lines)
    assert all(len(write(planned, language).html.encode()) < GMAIL_CUTS_AT for language in LANGUAGES)
    message = write(replace(planned, lines=long_numbers), "fr")
    assert len(find(message, "//td[@align='right']/strong")) == MAX_LINES_A_MESSAGE


def test_a_partly_paid_invoice_asks_for_the_rest_beside_its_total() -> None:
    of = item(open_amount=eur("300.00"))
    allocations = (Allocation("item-1", eur("50.01")),)
    partly = evidence(item=of, document_total=eur("1000.00"), our_allocations=allocations)
    (planned,) = plan(candidates=[Candidate(partly, ())], policy=DEFAULT_POLICY, as_of=NOW).reminders
    message = write(planned)
    assert planned.totals == (eur("249.99"),)
    assert find(message, "//td[@align='right']/strong/text()") == ["€249.99"]
    assert "Invoice INV-2041: €249.99" in message.text
    assert "Invoice total €1,000.00" in message.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_payment_is_thanked_for(language: str) -> None:
    words = wording(language)

    def thanks(still_open: Money) -> Message:
        lines = (PaidLine("INV-1", eur("100.00"), eur("0")), PaidLine("INV-2", eur("20.00"), still_open))
        payment = PaymentReceived("Birkenhof <b>", eur("120.00"), date(2026, 11, 16), lines)
        return render_thanks(payment=payment, brand=BRAND, links=links(), language=language)

    settled, partly = thanks(eur("0")), thanks(eur("5.01"))
    assert words.money(eur("120.00")).replace("\xa0", " ") in settled.subject
    assert settled.text.count(words.labels["fully_paid"]) == 2
    assert words.money(eur("5.01")) in partly.text
    assert settled.text != partly.text
    assert "Birkenhof &lt;b&gt;" in settled.html
    assert "portal/stop" in settled.html
    on_account = PaymentReceived("Birkenhof", eur("120.00"), date(2026, 11, 16), ())
    unlisted = render_thanks(payment=on_account, brand=BRAND, links=links(), language=language)
    assert len({frozenset(sentences(message)) for message in (settled, partly, unlisted)}) == 3


def find(message: Message, query: str) -> list[Any]:
    found = html.document_fromstring(message.html).xpath(query)
    assert isinstance(found, list)
    return found


def structure(message: Message) -> list[object]:
    return [element.tag for element in html.document_fromstring(message.html).iter()]


def sentences(message: Message) -> set[str]:
    """What our copy says: every paragraph but the greeting, the signature and the postal address."""
    paragraphs = [
        paragraph for paragraph in find(message, "//p[not(br)]/text()")[1:] if paragraph != BRAND.postal_address
    ]
    return {sentence for paragraph in paragraphs for sentence in re.split(r"(?<=[.!?]) ", paragraph)}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", SetbackKind)
def test_a_payment_that_came_to_nothing_is_told_with_what_is_open_again(language: str, kind: SetbackKind) -> None:
    planned = reminder(2, eur("100.00"), eur("50.00"))
    paid = Setback(kind, eur("150.00"), date(2026, 11, 5), (planned.lines[1].item_id,))
    message = write(planned, language, setbacks=(paid,))
    words = wording(language)
    for text in (message.text, message.html):
        assert words.day(paid.paid_on) in text
    (said,) = [line for line in message.text.splitlines() if words.day(paid.paid_on) in line]
    assert words.money(eur("150.00")) in said
    assert planned.lines[1].number in said
    assert planned.lines[0].number not in said
    assert "{" not in message.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_group_of_declines_has_its_own_why_its_next_step_and_its_prevention(language: str) -> None:
    planned = reminder(2, eur("100.00"))
    labels = wording(language).labels
    told: dict[DeclineGroup, str] = {}
    for group in DeclineGroup:
        for advice in Advice:
            decline = Decline(group, advice, "do_not_honor: of the processor's own")
            item_ids = (planned.lines[0].item_id,)
            paid = Setback(SetbackKind.FAILED, eur("100.00"), date(2026, 11, 5), item_ids, decline)
            text = write(planned, language, setbacks=(paid,)).text
            assert all(labels[name] in text for name in (f"declined_{group}", f"next_{advice}", f"prevent_{group}"))
            assert decline.text not in text
            told[group] = text
    sorry = {"en": "we are sorry", "de": "entschuldigen wir uns", "fr": "excuser"}[language]
    assert [group for group, text in told.items() if sorry in text] == [DeclineGroup.OURS]
    assert len(set(told.values())) == len(DeclineGroup)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("days", "count"), [(0, 1), (3, 1), (3, 2)])
def test_what_is_not_due_yet_is_announced_and_not_called_overdue(language: str, days: int, count: int) -> None:
    early = DunningPolicy("early", 1, (DunningLevel(-1, -days, Tone.UPCOMING),))
    candidates = [candidate(n, due_on=NOW.date() + timedelta(days=days)) for n in range(count)]
    (planned,) = plan(candidates=candidates, policy=early, as_of=NOW).reminders
    message = write(planned, language)
    overdue = {"en": "overdue", "de": "überfällig", "fr": "retard"}[language]
    assert message.text.count(overdue) == 1, "it says that nothing is"
    assert wording(language).day(planned.lines[0].due_on) in message.text
    expected = {"en": ("Due today", "Due in 3 days"), "de": ("Heute fällig", "Fällig in 3 Tagen")}
    if language in expected:
        assert expected[language][days > 0] in message.text
    assert "-3" not in message.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_paying_early_costs_less_is_said_with_its_day(language: str) -> None:
    early = DunningPolicy("early", 1, (DunningLevel(-1, -20, Tone.UPCOMING),))
    (planned,) = plan(
        candidates=[candidate(1, due_on=NOW.date() + timedelta(days=20))], policy=early, as_of=NOW
    ).reminders
    number, last_on = planned.lines[0].number, NOW.date() + timedelta(days=3)
    offer = EarlyPayment(number + " {date}", eur("98.00"), eur("2.00"), last_on)
    words = wording(language)
    said = early_payment(words, offer)
    for part in (words.money(eur("98.00")), words.money(eur("2.00")), words.day(last_on), number + " {date}"):
        assert part in said, "a number is not ours and may hold a brace"
    message = render(reminder=planned, brand=BRAND, links=links(), language=language, early=(offer,))
    assert " ".join(said.split()) in " ".join(message.text.split())


def test_only_what_went_wrong_looks_like_a_warning() -> None:
    planned = reminder(1, eur("100.00"))
    paid = Setback(next(iter(SetbackKind)), eur("100.00"), date(2026, 11, 5), (planned.lines[0].item_id,))
    offer = EarlyPayment(planned.lines[0].number, eur("98.00"), eur("2.00"), date(2026, 11, 20))
    message = render(
        reminder=planned, brand=BRAND, links=links(), language="en", setbacks=(paid,), early=(offer,), note="Hello."
    )
    boxes = "//p[contains(@style, 'border-left:4px solid {}')]/text()"
    (warned,) = find(message, boxes.format("#b3261e"))
    assert "did not go through" in warned
    assert len(find(message, boxes.format(BRAND.colour))) == 2, "a note and a discount"


def test_instalments_are_offered_only_where_they_can_be_agreed_on() -> None:
    late = reminder(4)
    with_plans, without = (
        render(reminder=late, brand=BRAND, links=each, language="en") for each in (links(), replace(links(), plan=None))
    )
    assert "/portal/plan" in with_plans.text
    assert "/portal/plan" in with_plans.html
    assert "plan" not in re.sub(r"agree a plan with you", "", without.text + without.html)
