"""Which policy is for which customer: policies in order, each for a segment, the last one for everyone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from receivables.money import Money
from reminders.policy import (
    DEFAULT_POLICY,
    LARGE_DEBT,
    LONG_STANDING_DEBT,
    SMALL_DEBT,
    DunningPolicy,
    PolicyError,
)


@dataclass(frozen=True, slots=True)
class Debtor:
    """What is known of a customer where a policy is chosen.

    `open_amounts` is all that is open, by currency; `days_overdue` that of the oldest open invoice, negative before it
    is due; `usually_late` how many days after its due date a paid invoice of the last year was paid, the median, None
    where too few were; `country` in two letters.
    """

    open_amounts: Mapping[str, Money]
    days_overdue: int
    country: str | None = None
    usually_late: int | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """Customers for whom all of these conditions hold; without any, everyone.

    An amount is compared in its own currency. What is asked and not known (a country, a currency that is not named,
    how late somebody usually pays) does not hold.
    """

    amount_at_least: Mapping[str, Money] = field(default_factory=lambda: MappingProxyType({}))
    amount_less_than: Mapping[str, Money] = field(default_factory=lambda: MappingProxyType({}))
    overdue_at_least: int | None = None
    overdue_less_than: int | None = None
    usually_late_at_least: int | None = None
    usually_late_less_than: int | None = None
    countries: frozenset[str] = frozenset()

    @property
    def is_everyone(self) -> bool:
        """Whether nothing is asked."""
        return self == EVERYONE

    @property
    def asks_history(self) -> bool:
        """Whether it must be known how late a customer usually pays."""
        return self.usually_late_at_least is not None or self.usually_late_less_than is not None

    def includes(self, debtor: Debtor) -> bool:
        """Whether `debtor` is one of them."""
        late, amounts = debtor.usually_late, debtor.open_amounts
        return (
            (not self.amount_at_least or any(_reaches(amounts, least) for least in self.amount_at_least.values()))
            and (not self.amount_less_than or _all_below(amounts, self.amount_less_than))
            and (self.overdue_at_least is None or debtor.days_overdue >= self.overdue_at_least)
            and (self.overdue_less_than is None or debtor.days_overdue < self.overdue_less_than)
            and (self.usually_late_at_least is None or (late is not None and late >= self.usually_late_at_least))
            and (self.usually_late_less_than is None or (late is not None and late < self.usually_late_less_than))
            and (not self.countries or debtor.country in self.countries)
        )


EVERYONE = Segment()


def _reaches(amounts: Mapping[str, Money], least: Money) -> bool:
    return least.currency in amounts and amounts[least.currency] >= least


def _all_below(amounts: Mapping[str, Money], bounds: Mapping[str, Money]) -> bool:
    return all(code in bounds and amount < bounds[code] for code, amount in amounts.items())


@dataclass(frozen=True, slots=True)
class Choice:
    """A policy and whom it is for."""

    segment: Segment
    policy: DunningPolicy


@dataclass(frozen=True, slots=True)
class PolicyBook:
    """Choices in order: the first whose segment includes a customer counts. The last one is for everyone."""

    choices: tuple[Choice, ...]

    def __post_init__(self) -> None:
        if not self.choices or not self.choices[-1].segment.is_everyone:
            raise PolicyError("the last policy must be for everyone: it has no conditions")
        early = [choice.policy.name for choice in self.choices[:-1] if choice.segment.is_everyone]
        if early:
            raise PolicyError(f"policy {early[0]!r} has no conditions, so those after it would never count")
        names = [choice.policy.name for choice in self.choices]
        if len(set(names)) < len(names):
            raise PolicyError("two policies have the same name")

    @property
    def is_for_everyone(self) -> bool:
        """Whether there is one policy only, so that nothing of a customer need be known."""
        return len(self.choices) == 1

    @property
    def overdue_days(self) -> frozenset[int]:
        """The days after the oldest due date at which a customer may come under another policy."""
        asked = (choice.segment for choice in self.choices)
        bounds = (bound for each in asked for bound in (each.overdue_at_least, each.overdue_less_than))
        return frozenset(bound for bound in bounds if bound is not None)

    @property
    def asks_history(self) -> bool:
        """Whether a choice depends on how late customers usually pay."""
        return any(choice.segment.asks_history for choice in self.choices)

    @property
    def default(self) -> DunningPolicy:
        """The policy for everyone who is in no segment."""
        return self.choices[-1].policy

    def policy_for(self, debtor: Debtor) -> DunningPolicy:
        """The policy that counts for `debtor`."""
        return next(choice.policy for choice in self.choices if choice.segment.includes(debtor))

    def numbered(self, version: int) -> PolicyBook:
        """The same book with `version` on each policy, as certificates name it."""
        return PolicyBook(
            tuple(replace(choice, policy=replace(choice.policy, version=version)) for choice in self.choices)
        )


DEFAULT_BOOK = PolicyBook((Choice(EVERYONE, DEFAULT_POLICY),))


def _each(**amounts: int) -> Mapping[str, Money]:
    return MappingProxyType({code: Money(minor, code) for code, minor in amounts.items()})


BY_SIZE = PolicyBook(
    (
        Choice(Segment(overdue_at_least=90), LONG_STANDING_DEBT),
        Choice(
            Segment(amount_at_least=_each(AUD=1_500_000, CHF=1_000_000, EUR=1_000_000, GBP=900_000, USD=1_000_000)),
            LARGE_DEBT,
        ),
        Choice(Segment(amount_less_than=_each(AUD=15_000, CHF=10_000, EUR=10_000, GBP=9_000, USD=10_000)), SMALL_DEBT),
        Choice(EVERYONE, DEFAULT_POLICY),
    )
)

EXAMPLES: Mapping[str, PolicyBook] = MappingProxyType({"standard": DEFAULT_BOOK, "by-size": BY_SIZE})
