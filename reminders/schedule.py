"""Who is reminded of what, now: a decision for every item, and one message for each customer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from zoneinfo import ZoneInfo

from receivables.money import Money, total
from reminders.business_time import start_of_day
from reminders.evidence import Channel, ItemEvidence
from reminders.holds import Hold
from reminders.policy import DunningLevel, DunningPolicy, level_ahead, level_title, pause_before

MAX_LINES_A_MESSAGE = 75  # Gmail cuts a page at 102 KB, and with it the links at its end; the oldest go first


class Verdict(StrEnum):
    """What happens to an item: it is reminded, a hold stops its reminder, or no reminder is due by the policy."""

    REMIND = "remind"
    HELD = "held"
    NOT_DUE = "not_due"


class PlanningCode(StrEnum):
    """Why the policy does not ask for an item now. These are no holds: nothing about the item is in doubt."""

    NOT_DUE = "not_due"
    ALREADY_REMINDED = "already_reminded"
    BELOW_MINIMUM = "below_minimum"
    OTHER_CHANNEL = "other_channel"
    MESSAGE_FULL = "message_full"
    OVERDUE_FIRST = "overdue_first"
    ONE_CHANNEL = "one_channel"


@dataclass(frozen=True, slots=True)
class PlanningReason:
    """A planning code in plain words; `until` is when the item comes up again, if a day is known."""

    code: PlanningCode
    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """The level that a policy has next for an item. `at` is when it asks for it, None when it does so now.

    `is_reached`: the level's day has come; what it may still wait for is the pause after the message before it.
    """

    step: DunningLevel
    is_reached: bool
    at: datetime | None


def next_ask(
    *,
    policy: DunningPolicy,
    due_on: date,
    time_zone: str,
    as_of: datetime,
    reminded_level: int = 0,
    reminded_at: datetime | None = None,
) -> Ask | None:
    """When `policy` asks for an item next, by the calendar and by what was sent alone; None when all levels were sent.

    `time_zone` is the payer's. Until `Ask.at` no other fact can make the item one to remind of.
    """
    days_overdue = (as_of.astimezone(ZoneInfo(time_zone)).date() - due_on).days
    step = level_ahead(policy=policy, days_overdue=days_overdue, reminded_level=reminded_level)
    if step is None:
        return None
    if days_overdue < step.after_due_days:
        return Ask(step, is_reached=False, at=start_of_day(due_on + timedelta(days=step.after_due_days), time_zone))
    pause = pause_before(policy=policy, step=step, reminded_level=reminded_level)
    pause_ends = None if reminded_at is None else reminded_at + pause
    return Ask(step, is_reached=True, at=pause_ends if pause_ends is not None and as_of < pause_ends else None)


def left_to_people_at(*, policy: DunningPolicy, reminded_at: datetime) -> datetime:
    """When a person takes over an item of which every level was sent, the last at `reminded_at`: after the pause that
    one more level would wait for.
    """
    return reminded_at + timedelta(days=policy.days_between_levels)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item with its holds, and the level (0: none) and time of the last reminder sent about it."""

    evidence: ItemEvidence
    holds: tuple[Hold, ...]
    reminded_level: int = 0
    reminded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ItemDecision:
    """The verdict on one item, by its customer's policy. `level` is what is sent, or would be without the holds; all
    holds are kept.
    """

    evidence: ItemEvidence
    policy: DunningPolicy
    verdict: Verdict
    level: DunningLevel | None
    holds: tuple[Hold, ...] = ()
    planning: PlanningReason | None = None


@dataclass(frozen=True, slots=True)
class ReminderLine:
    """One invoice in a message, with the exact amount that is due."""

    item_id: str
    number: str
    issued_on: date
    due_on: date
    days_overdue: int
    total: Money
    amount_due: Money


@dataclass(frozen=True, slots=True)
class PlannedReminder:
    """One message to one customer: its items oldest first, a total for each currency, the highest level's tone.

    `approval` says in words which levels of which policy want a person's approval first; "" where none does.
    """

    recipient_id: str
    recipient_name: str
    address: str
    channel: Channel
    level: DunningLevel
    lines: tuple[ReminderLine, ...]
    totals: tuple[Money, ...]
    approval: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A decision for each candidate in their order, and the messages that follow."""

    decisions: tuple[ItemDecision, ...]
    reminders: tuple[PlannedReminder, ...]


def plan(
    *,
    candidates: Sequence[Candidate],
    policy: DunningPolicy,
    as_of: datetime,
    policies: Mapping[str, DunningPolicy] = MappingProxyType({}),
) -> Plan:
    """Decide every candidate and group what is reminded: one message, and one task of a person, for each customer.

    A message goes by one channel, that of its highest level; what would go by another waits. What a person does may
    wait for days and keeps no message back: the pause between two contacts keeps them apart.

    `policies` has the policy of each recipient for whom `policy` is not. The holds of each candidate must have been
    evaluated at `as_of` with the limits of its policy; ValueError for an item given twice.
    """
    decisions = {
        c.evidence.item.item_id: _decide(c, policies.get(c.evidence.contact.recipient_id, policy), as_of)
        for c in candidates
    }
    if len(decisions) != len(candidates):
        raise ValueError("an item is in the plan twice")
    reminders = []
    for group in _by_recipient(decisions.values()):
        same, others = _by_one_channel(group)
        kept, dropped = _fit(same, group[0].policy, as_of)
        dropped += others
        decisions.update({decision.evidence.item.item_id: decision for decision in dropped})
        if kept:
            reminders.append(_message(kept, as_of))
    return Plan(tuple(decisions.values()), tuple(reminders))


def _decide(candidate: Candidate, policy: DunningPolicy, as_of: datetime) -> ItemDecision:
    evidence = candidate.evidence
    ask = next_ask(
        policy=policy,
        due_on=evidence.item.due_on,
        time_zone=evidence.contact.time_zone,
        as_of=as_of,
        reminded_level=candidate.reminded_level,
        reminded_at=candidate.reminded_at,
    )
    level = ask.step if ask is not None and ask.is_reached else None
    planning = _not_yet(candidate, ask, policy)
    if planning is not None:
        return ItemDecision(evidence, policy, Verdict.NOT_DUE, level, candidate.holds, planning)
    return ItemDecision(evidence, policy, Verdict.HELD if candidate.holds else Verdict.REMIND, level, candidate.holds)


def _not_yet(candidate: Candidate, ask: Ask | None, policy: DunningPolicy) -> PlanningReason | None:
    evidence, reached = candidate.evidence, candidate.reminded_level
    if ask is None:
        text = f"All {len(policy.levels)} levels of the policy were sent; a person takes it from here."
        return PlanningReason(PlanningCode.ALREADY_REMINDED, text)
    if not ask.is_reached:
        code = PlanningCode.ALREADY_REMINDED if reached else PlanningCode.NOT_DUE
        said = f"{_was_sent(reached)};" if reached else f"Due on {evidence.item.due_on};"
        return PlanningReason(code, f"{said} {ask.step.title} follows on {ask.at:%Y-%m-%d}.", ask.at)
    if ask.at is not None:
        sent_on = f"{candidate.reminded_at:%Y-%m-%d}"
        text = f"{_was_sent(reached)} on {sent_on}; the next waits until {ask.at:%Y-%m-%d}."
        return PlanningReason(PlanningCode.ALREADY_REMINDED, text, ask.at)
    if evidence.contact.channel not in ask.step.channels:
        checked = evidence.contact.channel
        named = " or ".join(ask.step.channels)
        text = f"{ask.step.title.capitalize()} goes by {named}, but the contact was checked for {checked}."
        return PlanningReason(PlanningCode.OTHER_CHANNEL, text)
    return None


def _was_sent(level: int) -> str:
    return f"{level_title(level).capitalize()} was sent"


def _by_recipient(decisions: Iterable[ItemDecision]) -> list[list[ItemDecision]]:
    groups: dict[tuple[str, str], list[ItemDecision]] = {}
    for decision in decisions:
        if decision.verdict is Verdict.REMIND:
            contact = decision.evidence.contact
            by = contact.channel.value if contact.channel.is_task else ""
            groups.setdefault((contact.recipient_id, by), []).append(decision)
    return list(groups.values())


def _by_one_channel(group: list[ItemDecision]) -> tuple[list[ItemDecision], list[ItemDecision]]:
    """Split one customer's decisions into those of the highest level's channel and those that wait for another day."""
    first = max(group, key=lambda decision: (decision.level.level if decision.level else 0, _age(decision)))
    channel = first.evidence.contact.channel
    same = [decision for decision in group if decision.evidence.contact.channel is channel]
    text = f"The customer is reminded of other invoices by {channel} today; never by two channels at once."
    reason = PlanningReason(PlanningCode.ONE_CHANNEL, text)
    return same, [_wait(decision, reason) for decision in group if decision.evidence.contact.channel is not channel]


def _age(decision: ItemDecision) -> int:
    return -decision.evidence.item.due_on.toordinal()


def _fit(
    group: list[ItemDecision], policy: DunningPolicy, as_of: datetime
) -> tuple[list[ItemDecision], list[ItemDecision]]:
    """Split one customer's decisions into those that fill the message and those that wait, with the reason."""
    totals = {amount.currency: amount for amount in _totals(d.evidence.remaining for d in group)}
    small = {code for code, amount in totals.items() if amount < policy.min_amounts.get(code, amount)}
    speaks_of_overdue = any(decision.level is not None and not decision.level.is_early for decision in group)
    kept: list[ItemDecision] = []
    dropped: list[ItemDecision] = []
    for decision in sorted(group, key=_oldest_first):
        currency = decision.evidence.remaining.currency
        if currency in small:
            text = f"{totals[currency]} in all is less than the minimum of {policy.min_amounts[currency]}."
            dropped.append(_wait(decision, PlanningReason(PlanningCode.BELOW_MINIMUM, text)))
        elif speaks_of_overdue and decision.level is not None and decision.level.is_early:
            text = "The message of today is about overdue invoices; what is not due yet waits."
            dropped.append(_wait(decision, PlanningReason(PlanningCode.OVERDUE_FIRST, text)))
        elif len(kept) == MAX_LINES_A_MESSAGE:
            text = f"The message already names {MAX_LINES_A_MESSAGE} older invoices."
            until = as_of + timedelta(days=policy.limits.min_days_between)
            dropped.append(_wait(decision, PlanningReason(PlanningCode.MESSAGE_FULL, text, until)))
        else:
            kept.append(decision)
    return kept, dropped


def _wait(decision: ItemDecision, reason: PlanningReason) -> ItemDecision:
    return replace(decision, verdict=Verdict.NOT_DUE, planning=reason)


def _message(decisions: list[ItemDecision], as_of: datetime) -> PlannedReminder:
    contact = decisions[0].evidence.contact
    if contact.address is None:
        raise ValueError(f"{contact.recipient_id} has no address, so the contact hold was not evaluated")
    levels = [decision.level for decision in decisions if decision.level is not None]
    lines = tuple(_line(decision.evidence, as_of) for decision in decisions)
    return PlannedReminder(
        recipient_id=contact.recipient_id,
        recipient_name=contact.recipient_name,
        address=contact.address,
        channel=contact.channel,
        level=max(levels, key=lambda step: step.level),
        lines=lines,
        totals=_totals(line.amount_due for line in lines),
        approval=_approval(decisions[0].policy, levels),
    )


def _approval(policy: DunningPolicy, levels: Sequence[DunningLevel]) -> str:
    asked = sorted({step.level: step for step in levels if step.needs_approval}.values(), key=lambda step: step.level)
    named = " and ".join(step.title for step in asked)
    return f"policy {policy.name!r} has {named} approved first" if asked else ""


def _line(evidence: ItemEvidence, as_of: datetime) -> ReminderLine:
    item = evidence.item
    return ReminderLine(
        item_id=item.item_id,
        number=item.number,
        issued_on=item.issued_on,
        due_on=item.due_on,
        days_overdue=evidence.days_overdue(as_of),
        total=evidence.document_total,
        amount_due=evidence.remaining,
    )


def _totals(amounts: Iterable[Money]) -> tuple[Money, ...]:
    by_currency: dict[str, list[Money]] = {}
    for amount in amounts:
        by_currency.setdefault(amount.currency, []).append(amount)
    return tuple(total(by_currency[currency], currency) for currency in sorted(by_currency))


def _oldest_first(decision: ItemDecision) -> tuple[date, date, str]:
    item = decision.evidence.item
    return item.due_on, item.issued_on, item.item_id
