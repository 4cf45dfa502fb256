"""Levels, pacing, and one message for each customer."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receivables.money import Money
from reminders.evidence import Channel
from reminders.holds import Hold, HoldCode, evaluate
from reminders.policy import (
    DEFAULT_POLICY,
    EXAMPLE_POLICIES,
    SMALL_DEBT,
    DunningLevel,
    DunningPolicy,
    PolicyError,
    Tone,
    next_level,
)
from reminders.schedule import MAX_LINES_A_MESSAGE, Candidate, PlanningCode, Verdict, plan
from tests.reminders.facts import DAY, NOW, SECOND, candidate, contact, eur

TODAY = NOW.date()
CALL = Channel.CALL_TASK


def overdue(days: int) -> date:
    return TODAY - timedelta(days=days)


@pytest.mark.parametrize(
    ("days", "reminded", "expected"),
    [
        (0, 0, None),
        (1, 0, 1),
        (13, 1, None),
        (14, 1, 2),
        (29, 2, None),
        (30, 2, 3),
        (89, 3, None),
        (90, 3, 4),
        (400, 4, None),
        (400, 0, 1),
    ],
)
def test_levels_come_on_their_day_and_are_never_skipped(days: int, reminded: int, expected: int | None) -> None:
    level = next_level(policy=DEFAULT_POLICY, days_overdue=days, reminded_level=reminded)
    assert (level and level.level) == expected


def test_an_item_held_or_not_due_says_why_and_until_when() -> None:
    hold = Hold(HoldCode.DISPUTED, "The customer contests this invoice: wrong price")
    candidates = [
        candidate(1, due_on=overdue(0)),
        candidate(2, due_on=overdue(3), holds=(hold,)),
        candidate(3, due_on=overdue(3), reminded_level=1),
        candidate(4, due_on=overdue(500), reminded_level=4),
        candidate(5, due_on=overdue(40), reminded_level=1, reminded_at=NOW - 7 * DAY + SECOND),
        candidate(6, due_on=overdue(40), reminded_level=1, reminded_at=NOW - 7 * DAY),
        candidate(7, due_on=overdue(0), holds=(hold,)),
    ]
    result = plan(candidates=candidates, policy=DEFAULT_POLICY, as_of=NOW)
    assert [decision.verdict for decision in result.decisions] == [
        Verdict.NOT_DUE,
        Verdict.HELD,
        Verdict.NOT_DUE,
        Verdict.NOT_DUE,
        Verdict.NOT_DUE,
        Verdict.REMIND,
        Verdict.NOT_DUE,
    ]
    reasons = [decision.planning for decision in result.decisions]
    assert [reason and reason.code for reason in reasons] == [
        PlanningCode.NOT_DUE,
        None,
        PlanningCode.ALREADY_REMINDED,
        PlanningCode.ALREADY_REMINDED,
        PlanningCode.ALREADY_REMINDED,
        None,
        PlanningCode.NOT_DUE,
    ]
    assert reasons[0] is not None
    assert reasons[0].reason == "Due on 2026-11-17; level 1 follows on 2026-11-18."
    assert result.decisions[1].holds == result.decisions[6].holds == (hold,)
    assert [line.item_id for line in result.reminders[0].lines] == ["item-6"]
    assert result.reminders[0].level.level == 2


def test_the_day_is_the_payers_day() -> None:
    who = contact(time_zone="Pacific/Auckland", country="NZ")
    at = NOW.replace(hour=20)  # already the 18th in Auckland
    due = candidate(1, due_on=date(2026, 11, 17), contact=who)
    assert len(plan(candidates=[due], policy=DEFAULT_POLICY, as_of=at).reminders) == 1
    assert plan(candidates=[due], policy=DEFAULT_POLICY, as_of=at.replace(hour=10)).reminders == ()


def test_one_message_has_the_highest_level_and_a_total_for_each_currency() -> None:
    candidates = [
        candidate(1, due_on=overdue(5), amount=eur("10.10")),
        candidate(2, due_on=overdue(35), amount=eur("20.20"), reminded_level=2),
        candidate(3, due_on=overdue(20), amount=Money(500, "JPY"), reminded_level=1),
        candidate(4, due_on=overdue(5), contact=contact(recipient_id="customer-2", recipient_name="Other")),
    ]
    first, second = plan(candidates=candidates, policy=DEFAULT_POLICY, as_of=NOW).reminders
    assert [line.item_id for line in first.lines] == ["item-2", "item-3", "item-1"]
    assert (first.level.level, first.level.tone) == (3, Tone.FIRM)
    assert first.totals == (eur("30.30"), Money(500, "JPY"))
    assert [line.item_id for line in second.lines] == ["item-4"]
    assert second.level.tone is Tone.FRIENDLY


def test_small_totals_wait_by_currency() -> None:
    def verdicts(*amounts: Money) -> list[Verdict]:
        candidates = [candidate(n, amount=amount) for n, amount in enumerate(amounts)]
        return [d.verdict for d in plan(candidates=candidates, policy=SMALL_DEBT, as_of=NOW).decisions]

    assert verdicts(eur("4.99")) == [Verdict.NOT_DUE]
    assert verdicts(eur("2.50"), eur("2.50")) == [Verdict.REMIND, Verdict.REMIND]
    assert verdicts(eur("4.99"), Money(1, "JPY")) == [Verdict.NOT_DUE, Verdict.REMIND]


def test_a_level_on_another_channel_waits_until_that_contact_is_checked() -> None:
    late = candidate(1, due_on=overdue(20), reminded_level=2)
    calls = (DunningLevel(1, 1, Tone.FRIENDLY), DunningLevel(2, 7, Tone.CLEAR), DunningLevel(3, 14, Tone.CLEAR, CALL))
    policy = DunningPolicy("calls", 1, calls)
    (decision,) = plan(candidates=[late], policy=policy, as_of=NOW).decisions
    assert decision.planning is not None
    assert decision.planning.code is PlanningCode.OTHER_CHANNEL
    called = candidate(1, due_on=overdue(20), reminded_level=2, contact=contact(channel=CALL))
    assert plan(candidates=[called], policy=policy, as_of=NOW).reminders[0].channel is CALL


def test_one_customer_is_written_to_by_one_channel_and_a_persons_task_keeps_nothing_back() -> None:
    steps = (
        DunningLevel(1, 1, Tone.FRIENDLY),
        DunningLevel(2, 7, Tone.CLEAR, Channel.SMS),
        DunningLevel(3, 14, Tone.FIRM, CALL),
    )
    policy = DunningPolicy("mixed", 1, steps)
    mailed = candidate(1, due_on=overdue(3))
    texted = candidate(
        2, due_on=overdue(9), reminded_level=1, contact=contact(channel=Channel.SMS, address="+4915112345678")
    )
    called = candidate(3, due_on=overdue(20), reminded_level=2, contact=contact(channel=CALL, address="+49401234567"))
    found = plan(candidates=[mailed, texted, called], policy=policy, as_of=NOW)
    assert {(each.channel, tuple(line.item_id for line in each.lines)) for each in found.reminders} == {
        (Channel.SMS, ("item-2",)),
        (CALL, ("item-3",)),
    }
    waits = found.decisions[0]
    assert waits.planning is not None
    assert (waits.verdict, waits.planning.code) == (Verdict.NOT_DUE, PlanningCode.ONE_CHANNEL)


def test_a_message_is_bounded_and_the_oldest_go_first() -> None:
    candidates = [candidate(n, due_on=overdue(1 + n % 300)) for n in range(MAX_LINES_A_MESSAGE + 5)]
    result = plan(candidates=candidates, policy=DEFAULT_POLICY, as_of=NOW)
    (reminder,) = result.reminders
    waiting = [d for d in result.decisions if d.planning is not None]
    assert len(reminder.lines) == MAX_LINES_A_MESSAGE
    assert {d.planning.code for d in waiting if d.planning} == {PlanningCode.MESSAGE_FULL}
    assert max(d.evidence.item.due_on for d in waiting) >= max(line.due_on for line in reminder.lines)
    assert len(waiting) == 5


def test_an_item_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        plan(candidates=[candidate(1), candidate(1)], policy=DEFAULT_POLICY, as_of=NOW)


CANDIDATES = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.integers(-10, 120),
        st.integers(0, 5),
        st.integers(1, 10**9),
        st.sampled_from(["EUR", "USD", "JPY"]),
        st.booleans(),
    ),
    max_size=20,
)


def drawn(rows: list[tuple[str, int, int, int, str, bool]]) -> list[Candidate]:
    found = []
    for number, (who, days, level, minor, currency, opted_out) in enumerate(rows):
        one = candidate(
            number,
            due_on=overdue(days),
            amount=Money(minor, currency),
            contact=contact(recipient_id=who, opted_out=opted_out),
            reminded_level=level,
        )
        found.append(replace(one, holds=evaluate(evidence=one.evidence, as_of=NOW)))
    return found


@settings(deadline=None)
@given(CANDIDATES, st.sampled_from(EXAMPLE_POLICIES))
def test_each_reminded_item_is_in_one_message_once_with_its_exact_amount(
    rows: list[tuple[str, int, int, int, str, bool]], policy: DunningPolicy
) -> None:
    candidates = drawn(rows)
    result = plan(candidates=candidates, policy=policy, as_of=NOW)
    assert [d.evidence for d in result.decisions] == [c.evidence for c in candidates]
    recipients = Counter(reminder.recipient_id for reminder in result.reminders)
    assert set(recipients.values()) <= {1}
    lines = [(r.recipient_id, line.item_id, line.amount_due) for r in result.reminders for line in r.lines]
    reminded = [d.evidence for d in result.decisions if d.verdict is Verdict.REMIND]
    assert sorted(lines) == sorted((e.contact.recipient_id, e.item.item_id, e.remaining) for e in reminded)
    for reminder in result.reminders:
        assert sum(amount.minor for amount in reminder.totals) == sum(line.amount_due.minor for line in reminder.lines)
    for decision in result.decisions:
        assert (decision.verdict is Verdict.REMIND) == (not decision.holds and decision.planning is None)


@pytest.mark.parametrize(
    "levels",
    [
        (),
        (DunningLevel(2, 1, Tone.FRIENDLY),),
        (DunningLevel(1, 0, Tone.FRIENDLY),),
        (DunningLevel(-1, 0, Tone.FRIENDLY),),
        (DunningLevel(1, 1, Tone.UPCOMING),),
        (DunningLevel(1, 1, Tone.FIRM), DunningLevel(2, 9, Tone.FIRM)),
        (DunningLevel(-1, -3, Tone.UPCOMING), DunningLevel(2, 1, Tone.FRIENDLY)),
        (DunningLevel(1, 5, Tone.FRIENDLY), DunningLevel(2, 5, Tone.FIRM)),
        (DunningLevel(1, 5, Tone.FRIENDLY, Channel.HAND_OVER), DunningLevel(2, 9, Tone.FIRM)),
        (DunningLevel(1, 5, Tone.FRIENDLY, Channel.SMS, Channel.SMS),),
        (DunningLevel(1, 5, Tone.FRIENDLY, Channel.SMS, Channel.HAND_OVER),),
        (DunningLevel(-1, -5, Tone.UPCOMING, CALL), DunningLevel(1, 5, Tone.FIRM)),
    ],
)
def test_a_policy_that_cannot_be_followed_is_refused(levels: tuple[DunningLevel, ...]) -> None:
    with pytest.raises(PolicyError):
        DunningPolicy("broken", 1, levels)


def test_a_minimum_in_another_currency_is_refused() -> None:
    with pytest.raises(PolicyError, match="currency"):
        replace(DEFAULT_POLICY, min_amounts={"EUR": Money(1, "USD")})
