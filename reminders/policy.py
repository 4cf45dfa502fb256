"""When an overdue item is due for which level, in which tone and by which channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from receivables.money import Money
from reminders.contact import DEFAULT_LIMITS, ContactLimits
from reminders.evidence import Channel


class PolicyError(ValueError):
    """A policy that cannot be followed; the text says what to correct."""


class Tone(StrEnum):
    """How a message speaks. `understanding` offers a plan instead of pressing harder."""

    FRIENDLY = "friendly"
    CLEAR = "clear"
    FIRM = "firm"
    UNDERSTANDING = "understanding"


@dataclass(frozen=True, slots=True)
class DunningLevel:
    """Step `level` (from 1) is reached `after_due_days` days after the due date."""

    level: int
    after_due_days: int
    tone: Tone
    channel: Channel = Channel.EMAIL


@dataclass(frozen=True, slots=True)
class DunningPolicy:
    """Levels in rising order, and how much a customer may be written to.

    `days_between_levels` paces items that are found long overdue: they still start at level 1. `min_amounts`
    (by currency) is the least total worth a message to one customer; a currency not named has no minimum.
    """

    name: str
    version: int
    levels: tuple[DunningLevel, ...]
    limits: ContactLimits = DEFAULT_LIMITS
    days_between_levels: int = 7
    min_amounts: Mapping[str, Money] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        if [step.level for step in self.levels] != list(range(1, len(self.levels) + 1)) or not self.levels:
            raise PolicyError(f"policy {self.name!r}: levels must count 1, 2, 3 …")
        days = [step.after_due_days for step in self.levels]
        if days != sorted(set(days)) or days[0] < 1:
            raise PolicyError(f"policy {self.name!r}: each level must come later than the one before, from day 1")
        if any(amount.currency != currency for currency, amount in self.min_amounts.items()):
            raise PolicyError(f"policy {self.name!r}: a minimum is in another currency than the one it is for")


def next_level(*, policy: DunningPolicy, days_overdue: int, reminded_level: int) -> DunningLevel | None:
    """The level to send next, or None when the next one is not reached yet or there is none left.

    Levels are never skipped: the first word about an item is the friendly one, however late it is noticed.
    """
    following = [step for step in policy.levels if step.level == reminded_level + 1]
    if following and days_overdue >= following[0].after_due_days:
        return following[0]
    return None


DEFAULT_POLICY = DunningPolicy(
    name="standard",
    version=1,
    levels=(
        DunningLevel(1, 1, Tone.FRIENDLY),
        DunningLevel(2, 14, Tone.CLEAR),
        DunningLevel(3, 30, Tone.FIRM),
        DunningLevel(4, 90, Tone.UNDERSTANDING),
    ),
)

SMALL_DEBT = DunningPolicy(
    name="small debt",
    version=1,
    levels=(
        DunningLevel(1, 5, Tone.FRIENDLY),
        DunningLevel(2, 25, Tone.CLEAR),
        DunningLevel(3, 60, Tone.FIRM),
    ),
    limits=ContactLimits(weekly_cap=1, min_days_between=7),
    days_between_levels=14,
    min_amounts=MappingProxyType({code: Money(500, code) for code in ("AUD", "CHF", "EUR", "GBP", "USD")}),
)

LARGE_DEBT = DunningPolicy(
    name="large debt",
    version=1,
    levels=(
        DunningLevel(1, 1, Tone.FRIENDLY),
        DunningLevel(2, 7, Tone.CLEAR),
        DunningLevel(3, 14, Tone.CLEAR, Channel.CALL_TASK),
        DunningLevel(4, 30, Tone.FIRM),
        DunningLevel(5, 60, Tone.UNDERSTANDING, Channel.CALL_TASK),
    ),
)

LONG_STANDING_DEBT = DunningPolicy(
    name="long-standing debt",
    version=1,
    levels=(
        DunningLevel(1, 90, Tone.UNDERSTANDING),
        DunningLevel(2, 120, Tone.FIRM),
        DunningLevel(3, 150, Tone.UNDERSTANDING, Channel.CALL_TASK),
    ),
    limits=ContactLimits(weekly_cap=1, min_days_between=14),
    days_between_levels=30,
)

EXAMPLE_POLICIES = (DEFAULT_POLICY, SMALL_DEBT, LARGE_DEBT, LONG_STANDING_DEBT)
