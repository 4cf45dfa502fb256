"""When an item is due for which level, in which tone and by which channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise
from types import MappingProxyType

from receivables.money import Money
from reminders.contact import DEFAULT_LIMITS, ContactLimits
from reminders.early_discount import EarlyDiscount
from reminders.evidence import Channel


class PolicyError(ValueError):
    """A policy that cannot be followed; the text says what to correct."""


class Tone(StrEnum):
    """How a message speaks. `upcoming` asks for nothing yet; `final` announces that others will ask next;
    `understanding` offers a plan instead of pressing.
    """

    UPCOMING = "upcoming"
    FRIENDLY = "friendly"
    CLEAR = "clear"
    FIRM = "firm"
    FINAL = "final"
    UNDERSTANDING = "understanding"


@dataclass(frozen=True, slots=True)
class DunningLevel:
    """Step `level` is reached `after_due_days` days after the due date (0 on it, negative before it).

    Levels after the due date count 1, 2, 3 …; those up to it count … -2, -1, so that a customer who comes under another
    policy goes on at the level that follows there. 0 stands for no reminder. A customer who cannot be reached by
    `channel` is reached by `otherwise`, where it is given. With `needs_approval` nothing of the level leaves or is
    begun before a person has approved it.
    """

    level: int
    after_due_days: int
    tone: Tone
    channel: Channel = Channel.EMAIL
    otherwise: Channel | None = None
    needs_approval: bool = False

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The ways by which it may go, the preferred one first."""
        return (self.channel,) if self.otherwise is None else (self.channel, self.otherwise)

    @property
    def title(self) -> str:
        """What people call it."""
        return level_title(self.level)

    @property
    def is_early(self) -> bool:
        """Whether it speaks of a due date that has not passed."""
        return self.after_due_days <= 0


@dataclass(frozen=True, slots=True)
class DunningPolicy:
    """Levels in rising order, and how much a customer may be written to.

    `days_between_levels` paces items that are found long overdue: they still start at level 1. `min_amounts` (by
    currency) is the least total worth a message to one customer; a currency not named has no minimum. Without an
    `early_discount` none is offered. `charges_paid_late`: an invoice is charged for its lateness also once it is paid.
    """

    name: str
    version: int
    levels: tuple[DunningLevel, ...]
    limits: ContactLimits = DEFAULT_LIMITS
    days_between_levels: int = 7
    min_amounts: Mapping[str, Money] = field(default_factory=lambda: MappingProxyType({}))
    early_discount: EarlyDiscount | None = None
    charges_paid_late: bool = False

    def __post_init__(self) -> None:
        if [step.level for step in self.levels] != numbers([step.after_due_days for step in self.levels]):
            raise PolicyError(f"policy {self.name!r}: levels must count 1, 2, 3 …, those up to the due date … -2, -1")
        if not self.levels:
            raise PolicyError(f"policy {self.name!r}: there must be a level")
        days = [step.after_due_days for step in self.levels]
        if days != sorted(set(days)):
            raise PolicyError(f"policy {self.name!r}: each level must come later than the one before")
        if any(step.is_early != (step.tone is Tone.UPCOMING) for step in self.levels):
            raise PolicyError(f"policy {self.name!r}: up to the due date the tone is {Tone.UPCOMING}, after it another")
        later = [(step.tone, step.channel) for step in self.levels if not step.is_early]
        if any(one == next_one for one, next_one in pairwise(later)):
            raise PolicyError(f"policy {self.name!r}: two levels in a row have the same tone, so they would read alike")
        _check_channels(self.name, self.levels)
        if any(amount.currency != currency for currency, amount in self.min_amounts.items()):
            raise PolicyError(f"policy {self.name!r}: a minimum is in another currency than the one it is for")

    def keeps_its_discount_quiet(self, *, issued_on: date, due_on: date) -> bool:
        """Whether it gives a discount on such an invoice of which no message tells in time, only the payer's page."""
        if self.early_discount is None:
            return False
        last_on = self.early_discount.last_on(issued_on=issued_on, due_on=due_on)
        first = due_on + timedelta(days=self.levels[0].after_due_days)
        return first > last_on


def _check_channels(name: str, levels: Sequence[DunningLevel]) -> None:
    if any(step.otherwise in (step.channel, Channel.HAND_OVER) for step in levels):
        raise PolicyError(f"policy {name!r}: 'otherwise' names another way to reach the customer than 'channel'")
    if any(step.is_early and step.channel.is_task for step in levels):
        raise PolicyError(f"policy {name!r}: up to the due date nobody is called, and nothing handed over")
    if any(step.channel is Channel.HAND_OVER for step in levels[:-1]):
        raise PolicyError(f"policy {name!r}: nothing follows once a debt is handed over: make that the last level")


def level_title(level: int) -> str:
    """What people call a level by its number."""
    return f"level {level}" if level > 0 else "the message up to the due date"


def numbers(after_due_days: Sequence[int]) -> list[int]:
    """The level numbers of steps on these days, which rise."""
    early = sum(days <= 0 for days in after_due_days)
    return [*range(-early, 0), *range(1, len(after_due_days) - early + 1)]


def level_ahead(*, policy: DunningPolicy, days_overdue: int, reminded_level: int) -> DunningLevel | None:
    """The level that comes next, reached or not; None when there is none left.

    Levels after the due date are never skipped: the first word about an overdue item is a friendly one, however late it
    is noticed. What speaks of a due date ahead is passed over once that date, or a later such level, is reached.
    """
    ahead = [step for step in policy.levels if reminded_level == 0 or step.level > reminded_level]
    while ahead and ahead[0].is_early:
        overtaken = len(ahead) > 1 and ahead[1].is_early and days_overdue >= ahead[1].after_due_days
        if days_overdue <= 0 and not overtaken:
            break
        ahead = ahead[1:]
    return ahead[0] if ahead else None


def next_level(*, policy: DunningPolicy, days_overdue: int, reminded_level: int) -> DunningLevel | None:
    """The level to send now, or None when the next one is not reached yet or there is none left."""
    step = level_ahead(policy=policy, days_overdue=days_overdue, reminded_level=reminded_level)
    return step if step is not None and days_overdue >= step.after_due_days else None


def pause_before(*, policy: DunningPolicy, step: DunningLevel, reminded_level: int) -> timedelta:
    """How long after level `reminded_level` was sent `step` may follow: what the policy itself lies between them, at
    most `days_between_levels`.
    """
    before = [each for each in policy.levels if each.level == reminded_level]
    apart = [step.after_due_days - each.after_due_days for each in before]
    return timedelta(days=min([policy.days_between_levels, *apart]))


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
        DunningLevel(-1, -5, Tone.UPCOMING),
        DunningLevel(1, 1, Tone.FRIENDLY),
        DunningLevel(2, 7, Tone.CLEAR),
        DunningLevel(3, 21, Tone.FIRM),
        DunningLevel(4, 45, Tone.UNDERSTANDING),
    ),
)

LONG_STANDING_DEBT = DunningPolicy(
    name="long-standing debt",
    version=1,
    levels=(
        DunningLevel(1, 1, Tone.UNDERSTANDING),
        DunningLevel(2, 30, Tone.CLEAR),
        DunningLevel(3, 60, Tone.FIRM),
        DunningLevel(4, 90, Tone.UNDERSTANDING),
        DunningLevel(5, 150, Tone.FIRM),
    ),
    limits=ContactLimits(weekly_cap=1, min_days_between=14),
    days_between_levels=30,
)

BY_LETTER = DunningPolicy(  # letters cost money and days: fewer of them, further apart
    name="by letter",
    version=1,
    levels=(
        DunningLevel(1, 7, Tone.FRIENDLY, Channel.LETTER),
        DunningLevel(2, 28, Tone.CLEAR, Channel.LETTER),
        DunningLevel(3, 60, Tone.FIRM, Channel.LETTER),
    ),
    limits=ContactLimits(weekly_cap=1, min_days_between=14),
    days_between_levels=21,
)

HIGH_RISK = DunningPolicy(
    name="high risk",
    version=1,
    levels=(
        DunningLevel(-1, -3, Tone.UPCOMING),
        DunningLevel(1, 1, Tone.FRIENDLY),
        DunningLevel(2, 7, Tone.CLEAR),
        DunningLevel(3, 14, Tone.CLEAR, Channel.CALL_TASK, Channel.LETTER),
        DunningLevel(4, 28, Tone.FIRM),
        DunningLevel(5, 45, Tone.FINAL, needs_approval=True),
    ),
)

PROVEN_PAYER = DunningPolicy(
    name="proven payer",
    version=1,
    levels=(
        DunningLevel(1, 7, Tone.FRIENDLY),
        DunningLevel(2, 21, Tone.CLEAR),
        DunningLevel(3, 45, Tone.FIRM),
    ),
    limits=ContactLimits(weekly_cap=1, min_days_between=7),
    days_between_levels=14,
)

PUBLIC_SECTOR = DunningPolicy(  # their orders and budgets take time, and nobody there pays sooner for being pressed
    name="public sector",
    version=1,
    levels=(
        DunningLevel(-1, -7, Tone.UPCOMING),
        DunningLevel(1, 7, Tone.FRIENDLY),
        DunningLevel(2, 30, Tone.CLEAR),
        DunningLevel(3, 60, Tone.FIRM, needs_approval=True),
    ),
    limits=ContactLimits(weekly_cap=1, min_days_between=7),
    days_between_levels=21,
)

LARGE_COMPANY = DunningPolicy(  # they pay in runs: what is missing is seen before, and somebody there can be called
    name="large company",
    version=1,
    levels=(
        DunningLevel(-1, -7, Tone.UPCOMING),
        DunningLevel(1, 3, Tone.FRIENDLY),
        DunningLevel(2, 14, Tone.CLEAR),
        DunningLevel(3, 21, Tone.CLEAR, Channel.CALL_TASK, Channel.LETTER),
        DunningLevel(4, 45, Tone.FIRM),
    ),
)

SMALL_BUSINESS = DunningPolicy(
    name="small business",
    version=1,
    levels=(
        DunningLevel(1, 3, Tone.FRIENDLY),
        DunningLevel(2, 14, Tone.UNDERSTANDING),
        DunningLevel(3, 30, Tone.CLEAR),
        DunningLevel(4, 60, Tone.UNDERSTANDING),
    ),
    limits=ContactLimits(weekly_cap=1, min_days_between=7),
)

EXAMPLE_POLICIES = (
    DEFAULT_POLICY,
    SMALL_DEBT,
    LARGE_DEBT,
    LONG_STANDING_DEBT,
    BY_LETTER,
    HIGH_RISK,
    PROVEN_PAYER,
    PUBLIC_SECTOR,
    LARGE_COMPANY,
    SMALL_BUSINESS,
)
