"""Policies for segments, before and after the due date, and the file in which people write them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receivables.money import Money
from reminders.contact import ContactLimits
from reminders.evidence import Channel
from reminders.policy import (
    DEFAULT_POLICY,
    SMALL_DEBT,
    DunningLevel,
    DunningPolicy,
    PolicyError,
    Tone,
    numbers,
    pause_before,
)
from reminders.policy import next_level as next_of
from reminders.policy_book import (
    BY_SIZE,
    DEFAULT_BOOK,
    EVERYONE,
    EXAMPLES,
    REACHING,
    Asked,
    Choice,
    Debtor,
    PolicyBook,
    Segment,
)
from reminders.policy_file import MAX_CHARACTERS, PolicyFileError, read_policies, write_policies
from reminders.risk import RiskBand
from reminders.schedule import PlanningCode, plan
from tests.reminders.facts import NOW, candidate, contact, eur

AROUND = DunningPolicy(
    "around the due date",
    1,
    (
        DunningLevel(-2, -5, Tone.UPCOMING),
        DunningLevel(-1, 0, Tone.UPCOMING),
        DunningLevel(1, 3, Tone.FRIENDLY),
        DunningLevel(2, 10, Tone.CLEAR),
    ),
)


@pytest.mark.parametrize(
    ("days", "reminded", "expected"),
    [
        (-6, 0, None),
        (-5, 0, -2),
        (-1, 0, -2),
        (0, 0, -1),
        (0, -2, -1),
        (-1, -2, None),
        (0, -1, None),
        (1, 0, None),
        (2, -2, None),
        (3, -1, 1),
        (3, 0, 1),
        (400, 0, 1),
        (400, 1, 2),
        (400, 2, None),
    ],
)
def test_what_speaks_of_a_day_ahead_is_passed_over_once_it_is_past(days: int, reminded: int, expected: int) -> None:
    level = next_of(policy=AROUND, days_overdue=days, reminded_level=reminded)
    assert (level and level.level) == expected


def test_the_pause_is_never_longer_than_what_the_policy_lies_between_two_levels() -> None:
    assert pause_before(policy=AROUND, step=AROUND.levels[2], reminded_level=-1) == timedelta(days=3)
    assert pause_before(policy=AROUND, step=AROUND.levels[3], reminded_level=1) == timedelta(days=7)
    assert pause_before(policy=AROUND, step=AROUND.levels[2], reminded_level=0) == timedelta(days=7)


def test_what_is_not_due_yet_waits_where_something_is_overdue() -> None:
    today = NOW.date()
    early, late = candidate(1, due_on=today + timedelta(days=2)), candidate(2, due_on=today - timedelta(days=5))
    alone = plan(candidates=[early], policy=AROUND, as_of=NOW)
    assert [(r.level.level, [line.days_overdue for line in r.lines]) for r in alone.reminders] == [(-2, [-2])]
    both = plan(candidates=[early, late], policy=AROUND, as_of=NOW)
    assert [[line.item_id for line in r.lines] for r in both.reminders] == [["item-2"]]
    assert [d.planning and d.planning.code for d in both.decisions] == [PlanningCode.OVERDUE_FIRST, None]


def debtor(amounts: dict[str, int], days: int = 10, **more: Any) -> Debtor:  # noqa: ANN401
    return Debtor({code: Money(minor, code) for code, minor in amounts.items()}, days, **more)


@pytest.mark.parametrize(
    ("who", "name"),
    [
        (debtor({"EUR": 50_000}), "standard"),
        (debtor({"EUR": 9_999}), "small debt"),
        (debtor({"EUR": 10_000}), "standard"),
        (debtor({"EUR": 999_999, "GBP": 900_000}), "large debt"),
        (debtor({"EUR": 5_000, "GBP": 50_000}), "standard"),
        (debtor({"JPY": 1}), "standard"),
        (debtor({"EUR": 1_000_000}, 90), "long-standing debt"),
        (debtor({"EUR": 1_000_000}, 89), "large debt"),
    ],
)
def test_the_first_segment_that_includes_a_customer_counts(who: Debtor, name: str) -> None:
    assert BY_SIZE.policy_for(who).name == name


def test_what_is_asked_and_not_known_does_not_hold() -> None:
    late = Segment(usually_late_at_least=20)
    assert late.asked == {Asked.HABIT}
    assert late.includes(debtor({}, usually_late=20))
    assert not late.includes(debtor({}, usually_late=19))
    assert not late.includes(debtor({}))
    assert Segment(countries=frozenset({"DE", "AT"})).includes(debtor({}, country="AT"))
    assert not Segment(countries=frozenset({"DE"})).includes(debtor({}))
    assert Segment(usually_late_less_than=5, overdue_less_than=30).includes(debtor({}, 29, usually_late=4))
    assert not Segment(usually_late_less_than=5, overdue_less_than=30).includes(debtor({}, 30, usually_late=4))


def test_a_segment_asks_by_which_channels_a_customer_is_reached_now() -> None:
    only_letter = Segment(
        reachable_by=frozenset({Channel.LETTER}), not_reachable_by=frozenset({Channel.EMAIL, Channel.SMS})
    )
    assert only_letter.asked == {Asked.REACH}
    assert only_letter.includes(debtor({}, reached_by=frozenset({Channel.LETTER, Channel.CALL_TASK})))
    assert not only_letter.includes(debtor({}, reached_by=frozenset({Channel.LETTER, Channel.SMS})))
    assert not only_letter.includes(debtor({}, reached_by=frozenset()))
    assert not only_letter.includes(debtor({})), "what was not read does not hold"
    assert not Segment(not_reachable_by=frozenset({Channel.SMS})).includes(debtor({}))
    both = Segment(reachable_by=frozenset({Channel.EMAIL, Channel.SMS}))
    assert not both.includes(debtor({}, reached_by=frozenset({Channel.SMS}))), "all of them are asked for"


def test_a_kind_of_debt_is_the_series_of_all_its_numbers() -> None:
    rents = Segment(numbers_begin_with=frozenset({"RENT-", "dep"}))
    assert rents.asked == {Asked.NUMBERS}
    assert rents.includes(debtor({}, numbers=("Rent-1", "DEP7")))
    assert not rents.includes(debtor({}, numbers=("RENT-1", "INV-RENT-2"))), "one of another kind is another policy's"
    assert not rents.includes(debtor({}, numbers=()))
    assert not rents.includes(debtor({})), "what was not read does not hold"


def test_a_segment_asks_for_risk_and_unknown_is_no_band_but_can_be_asked_for() -> None:
    risky = Segment(risk=frozenset({RiskBand.MEDIUM, RiskBand.HIGH}))
    assert risky.asked == {Asked.RISK}
    assert [band for band in RiskBand if risky.includes(debtor({}, risk=band))] == [RiskBand.MEDIUM, RiskBand.HIGH]
    assert not risky.includes(debtor({}))
    assert Segment(risk=frozenset({RiskBand.UNKNOWN})).includes(debtor({}, risk=RiskBand.UNKNOWN))
    assert PolicyBook((Choice(risky, SMALL_DEBT), Choice(EVERYONE, DEFAULT_POLICY))).asked == {Asked.RISK}
    assert DEFAULT_BOOK.asked == BY_SIZE.asked == frozenset()


def test_industry_and_size_hold_where_the_crm_tells_them() -> None:
    builders = Segment(industries=frozenset({"Construction", "Engineering"}))
    assert builders.asked == frozenset(), "both are read with the customer"
    assert builders.includes(debtor({}, industry=" construction "))
    assert not builders.includes(debtor({}, industry="Retail"))
    assert not builders.includes(debtor({}))
    medium = Segment(employees_at_least=10, employees_less_than=250)
    assert [medium.includes(debtor({}, employees=each)) for each in (9, 10, 249, 250)] == [False, True, True, False]
    assert not medium.includes(debtor({}))
    assert not Segment(employees_less_than=10).includes(debtor({})), "what is not told is not small"


@pytest.mark.parametrize(
    ("who", "name"),
    [
        (debtor({}, employees=5_000), "large company"),
        (debtor({}, employees=5_000, industry="Government"), "public sector"),
        (debtor({}, employees=9), "small business"),
        (debtor({}, employees=50), "standard"),
        (debtor({}, industry="Retail"), "standard"),
        (debtor({}), "standard"),
    ],
)
def test_the_example_by_customer(who: Debtor, name: str) -> None:
    assert EXAMPLES["by-customer"].policy_for(who).name == name


@pytest.mark.parametrize(
    ("who", "name"),
    [
        (debtor({}, risk=RiskBand.HIGH, reached_by=frozenset({Channel.EMAIL})), "high risk"),
        (debtor({}, risk=RiskBand.HIGH, reached_by=frozenset({Channel.LETTER})), "by letter"),
        (debtor({}, risk=RiskBand.LOW, reached_by=frozenset({Channel.EMAIL, Channel.LETTER})), "proven payer"),
        (debtor({}, risk=RiskBand.MEDIUM, reached_by=frozenset()), "standard"),
        (debtor({}, risk=RiskBand.UNKNOWN, reached_by=frozenset({Channel.EMAIL})), "standard"),
    ],
)
def test_the_example_by_risk(who: Debtor, name: str) -> None:
    assert EXAMPLES["by-risk"].policy_for(who).name == name


def test_each_customer_is_decided_by_their_own_policy() -> None:
    due_on = NOW.date() - timedelta(days=2)
    candidates = [candidate(n, due_on=due_on, contact=contact(recipient_id=f"customer-{n}")) for n in (1, 2)]
    result = plan(candidates=candidates, policy=DEFAULT_POLICY, policies={"customer-2": SMALL_DEBT}, as_of=NOW)
    assert [(d.policy.name, d.verdict.value) for d in result.decisions] == [
        ("standard", "remind"),
        ("small debt", "not_due"),
    ]


@pytest.mark.parametrize(
    "choices",
    [
        (),
        (Choice(Segment(overdue_at_least=1), DEFAULT_POLICY),),
        (Choice(EVERYONE, SMALL_DEBT), Choice(EVERYONE, DEFAULT_POLICY)),
        (Choice(Segment(overdue_at_least=1), DEFAULT_POLICY), Choice(EVERYONE, DEFAULT_POLICY)),
    ],
)
def test_a_book_that_leaves_somebody_out_or_has_one_that_never_counts_is_refused(choices: tuple[Choice, ...]) -> None:
    with pytest.raises(PolicyError):
        PolicyBook(choices)


def test_the_examples_are_files() -> None:
    for book in EXAMPLES.values():
        assert read_policies(write_policies(book)) == book
    assert DEFAULT_BOOK.default == DEFAULT_POLICY
    assert DEFAULT_BOOK.numbered(7).default == replace(DEFAULT_POLICY, version=7)


FILE = """\
policies:
  - name: patient
    for:
      amount_less_than: {EUR: 100.00, GBP: 90}
      countries: [NO, DE]
    levels:
      - {days_after_due: -3, tone: upcoming}
      - {days_after_due: 7, tone: friendly, channel: email}
    messages_a_week: 1
    minimum: {EUR: 5}
  - name: "everyone else"   # in no segment
    levels:
      - days_after_due: 1
        tone: friendly
"""


def test_a_file_is_read_as_it_is_written() -> None:
    book = read_policies(FILE)
    patient, everyone = book.choices
    assert patient.segment.countries == {"NO", "DE"}
    assert patient.segment.amount_less_than == {"EUR": eur("100.00"), "GBP": Money(9_000, "GBP")}
    assert [(step.level, step.after_due_days, step.tone) for step in patient.policy.levels] == [
        (-1, -3, Tone.UPCOMING),
        (1, 7, Tone.FRIENDLY),
    ]
    assert patient.policy.limits == ContactLimits(weekly_cap=1, min_days_between=3)
    assert (everyone.policy.name, everyone.segment) == ("everyone else", EVERYONE)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("tone: friendly, channel", "tone: gentle, channel", "line 8: 'gentle' is not one of upcoming, friendly, "),
        ("channel: email", "channel: fax", "line 8: 'fax' is not one of email, sms, "),
        ("days_after_due: 7", "days_after_due: 7.5", "line 8: '7.5' is not a whole number from -3650 to 3650"),
        ("days_after_due: 7", "days_after_due: -5", "line 2: policy 'patient': each level must come later"),
        ("days_after_due: 7, ", "", "line 8: level 2 lacks 'days_after_due'"),
        ("messages_a_week: 1", "messages_a_week: 0", "line 9: '0' is not a whole number from 1 to 7"),
        ("messages_a_week: 1", "messages_per_week: 1", "line 9: policy 'patient' has an unknown key"),
        ("EUR: 100.00", "EUR: 100.001", "line 4: "),
        ("EUR: 100.00", "EUX: 100.00", "line 4: "),
        ("EUR: 100.00", "EUR: 0", "line 4: 0 EUR is not more than nothing"),
        ("[NO, DE]", "[NO, Germany]", "line 5: 'Germany' is not a country of two capital letters"),
        ("[NO, DE]", "DE", "line 5: countries must be a list"),
        ("    minimum: {EUR: 5}", "    minimum: {EUR: 5, EUR: 6}", "line 10: an amount has 'EUR' twice"),
        ('name: "everyone else"', "name: patient", "line 11: two policies have the same name"),
        ('  - name: "everyone else"', '  - name: "everyone else"\n    for: {}', "line 12: 'for' names no condition"),
        ("days_after_due: 1\n", "days_after_due: 1\n         tone: firm\n", "line 14: this is no YAML: "),
        ("days_after_due: -3, tone: upcoming", "days_after_due: -3, tone: firm", "line 2: policy 'patient': up to"),
        ("policies:", "policys:", "line 1: the file lacks 'policies'"),
        ("countries: [NO, DE]", "risk: [huge]", "line 5: 'huge' is not one of low, medium, high, unknown"),
        ("countries: [NO, DE]", "industries: Retail", "line 5: industries must be a list"),
        ("countries: [NO, DE]", "industries: [[Retail]]", "line 5: a text on one line is expected here"),
        ("countries: [NO, DE]", "employees_at_least: many", "line 5: 'many' is not a whole number from 0 to 999999"),
        ("countries: [NO, DE]", "employees_less_than: 0", "line 5: '0' is not a whole number from 1 to 999999"),
        ("countries: [NO, DE]", "risk: high", "line 5: risk must be a list"),
        (
            "countries: [NO, DE]",
            "reachable_by: [hand_over]",
            "line 5: 'hand_over' is not one of email, sms, letter, call_task",
        ),
        (
            "countries: [NO, DE]",
            "reachable_by: [sms]\n      not_reachable_by: [letter, sms]",
            "line 4: 'for': nobody can be reached by sms and not be: name it once",
        ),
    ],
)
def test_each_mistake_is_told_with_its_line(old: str, new: str, reason: str) -> None:
    assert FILE.count(old) == 1
    with pytest.raises(PolicyFileError) as refused:
        read_policies(FILE.replace(old, new))
    assert str(refused.value).startswith(reason)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a",
        "policies: []",
        "policies: &a [*a]",
        "[" * 5_000,
        "x" * (MAX_CHARACTERS + 1),
        "policies: !!python/name:os",
        "\x00",
    ],
)
def test_what_is_no_policy_file_is_refused(text: str) -> None:
    with pytest.raises(PolicyFileError):
        read_policies(text)


def test_names_that_grow_by_reference_cost_nothing() -> None:
    bomb = "a0: &a0 x\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
    with pytest.raises(PolicyFileError, match="lacks 'policies'"):
        read_policies(bomb)


@st.composite
def books(draw: st.DrawFn) -> PolicyBook:
    amounts = st.dictionaries(st.sampled_from(["EUR", "JPY", "KWD"]), st.integers(1, 10**12), min_size=1).map(
        lambda found: {code: Money(minor, code) for code, minor in found.items()}
    )
    days = st.integers(-3_650, 3_650)
    asked: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
        {"overdue_at_least": days},
        optional={
            "amount_at_least": amounts,
            "amount_less_than": amounts,
            "usually_late_less_than": days,
            "countries": st.frozensets(st.sampled_from(["NO", "DE", "US"]), min_size=1),
            "risk": st.frozensets(st.sampled_from(RiskBand), min_size=1),
            "reachable_by": st.frozensets(st.sampled_from(REACHING[:2]), min_size=1),
            "not_reachable_by": st.frozensets(st.sampled_from(REACHING[2:]), min_size=1),
            "numbers_begin_with": st.frozensets(st.sampled_from(["RENT-", "12", "no"]), min_size=1),
            "industries": st.frozensets(st.sampled_from(["Retail", "NO", "Food & Beverage", "12"]), min_size=1),
            "employees_at_least": st.integers(0, 999_999),
            "employees_less_than": st.integers(1, 999_999),
        },
    )
    names = draw(st.lists(st.sampled_from(["a", "NO", "10", "x: y", "- z", "'q'", "#h", "~"]), min_size=1, unique=True))
    choices = []
    for place, name in enumerate(names):
        steps = sorted(draw(st.sets(days, min_size=1, max_size=12)))
        first = draw(st.integers(0, 3))  # a tone is never followed by itself
        levels = tuple(
            DunningLevel(number, on, Tone.UPCOMING if on <= 0 else list(Tone)[1 + (first + number) % 4])
            for number, on in zip(numbers(steps), steps, strict=True)
        )
        limits = ContactLimits(draw(st.integers(1, 7)), draw(st.integers(0, 3_650)))
        least = draw(st.one_of(st.just({}), amounts))
        policy = DunningPolicy(name, 1, levels, limits, draw(st.integers(0, 3_650)), least)
        choices.append(Choice(EVERYONE if place == len(names) - 1 else Segment(**draw(asked)), policy))
    return PolicyBook(tuple(choices))


@settings(deadline=None)
@given(books())
def test_every_book_reads_back_from_its_file(book: PolicyBook) -> None:
    assert read_policies(write_policies(book)) == book


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_read_or_refused_with_its_line(text: str) -> None:
    try:
        read_policies(text)
    except PolicyFileError as error:
        assert str(error).startswith("line ")


def test_a_level_that_needs_approval_is_written_read_and_said_of_its_message() -> None:
    text = """policies:
  - name: careful
    levels:
      - {days_after_due: 1, tone: friendly}
      - {days_after_due: 10, tone: final, needs_approval: yes}
      - {days_after_due: 20, tone: firm, channel: hand_over, needs_approval: "true"}
"""
    book = read_policies(text)
    policy = book.default
    assert [step.needs_approval for step in policy.levels] == [False, True, True]
    assert read_policies(write_policies(book)) == book
    assert "needs_approval" not in write_policies(DEFAULT_BOOK)
    late = {
        reached: replace(candidate(1, due_on=NOW.date() - timedelta(days=15)), reminded_level=reached)
        for reached in (0, 1)
    }
    said = {
        reached: plan(candidates=[each], policy=policy, as_of=NOW).reminders[0].approval
        for reached, each in late.items()
    }
    assert said == {0: "", 1: "policy 'careful' has level 2 approved first"}
    with pytest.raises(PolicyFileError, match="line 5: 'perhaps' is neither yes nor no"):
        read_policies(text.replace("needs_approval: yes", "needs_approval: perhaps"))


def test_a_policy_that_charges_for_what_was_paid_late_is_written_and_read() -> None:
    text = """policies:
  - name: strict
    levels:
      - {days_after_due: 1, tone: friendly}
    charge_paid_late: yes
"""
    book = read_policies(text)
    assert book.default.charges_paid_late
    assert read_policies(write_policies(book)) == book
    assert not read_policies(text.replace("charge_paid_late: yes", "charge_paid_late: no")).default.charges_paid_late
    assert not DEFAULT_BOOK.default.charges_paid_late
    assert "charge_paid_late" not in write_policies(DEFAULT_BOOK)
    with pytest.raises(PolicyFileError, match="line 5: 'often' is neither yes nor no"):
        read_policies(text.replace("charge_paid_late: yes", "charge_paid_late: often"))


def test_one_invoice_that_needs_approval_is_enough_for_a_message() -> None:
    levels = (DunningLevel(1, 1, Tone.FRIENDLY, needs_approval=True), DunningLevel(2, 14, Tone.CLEAR))
    policy = DunningPolicy("careful", 1, levels)
    late = NOW.date() - timedelta(days=20)
    both = [candidate(1, due_on=late), replace(candidate(2, due_on=late), reminded_level=1)]
    (message,) = plan(candidates=both, policy=policy, as_of=NOW).reminders
    assert (message.level.level, message.approval) == (2, "policy 'careful' has level 1 approved first")
