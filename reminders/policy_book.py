"""Which policy is for which customer: policies in order, each for a segment, the last one for everyone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

from receivables.money import Money
from reminders.evidence import Channel
from reminders.policy import (
    BY_LETTER,
    DEFAULT_POLICY,
    HIGH_RISK,
    LARGE_COMPANY,
    LARGE_DEBT,
    LONG_STANDING_DEBT,
    PROVEN_PAYER,
    PUBLIC_SECTOR,
    SMALL_BUSINESS,
    SMALL_DEBT,
    DunningPolicy,
    PolicyError,
)
from reminders.risk import RiskBand

REACHING = (Channel.EMAIL, Channel.SMS, Channel.LETTER, Channel.CALL_TASK)  # the channels of which it can be asked


class Asked(StrEnum):
    """What is read of customers only where a segment asks for it."""

    HABIT = "habit"
    RISK = "risk"
    REACH = "reach"
    NUMBERS = "numbers"


@dataclass(frozen=True, slots=True)
class Debtor:
    """What is known of a customer where a policy is chosen.

    `open_amounts` is all that is open, by currency; `days_overdue` that of the oldest open invoice, negative before it
    is due; `usually_late` how many days after its due date a paid invoice of the last year was paid, the median, None
    where too few were; `country` in two letters; `reached_by` the channels that nothing lasting keeps from them.
    `risk`, `reached_by` and `numbers` (those of all that is open) are None where they were not asked for, `industry`
    (in the CRM's word) and `employees` where no CRM tells them.
    """

    open_amounts: Mapping[str, Money]
    days_overdue: int
    country: str | None = None
    usually_late: int | None = None
    risk: RiskBand | None = None
    reached_by: frozenset[Channel] | None = None
    industry: str | None = None
    employees: int | None = None
    numbers: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """Customers for whom all of these conditions hold; without any, everyone.

    An amount is compared in its own currency, an industry or the beginning of a number without regard to capitals. The
    kind of a debt is the series of its numbers: each of all that is open begins with one of `numbers_begin_with`.
    What is asked and not known (a country, a currency that is not named, how late somebody usually pays, what no CRM
    tells) does not hold. All of the channels `reachable_by` reach the customer, and none of `not_reachable_by` does.
    """

    amount_at_least: Mapping[str, Money] = field(default_factory=lambda: MappingProxyType({}))
    amount_less_than: Mapping[str, Money] = field(default_factory=lambda: MappingProxyType({}))
    overdue_at_least: int | None = None
    overdue_less_than: int | None = None
    usually_late_at_least: int | None = None
    usually_late_less_than: int | None = None
    countries: frozenset[str] = frozenset()
    risk: frozenset[RiskBand] = frozenset()
    reachable_by: frozenset[Channel] = frozenset()
    not_reachable_by: frozenset[Channel] = frozenset()
    industries: frozenset[str] = frozenset()
    employees_at_least: int | None = None
    employees_less_than: int | None = None
    numbers_begin_with: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        both = sorted(self.reachable_by & self.not_reachable_by)
        if both:
            raise PolicyError(f"nobody can be reached by {both[0]} and not be: name it once")

    @property
    def is_everyone(self) -> bool:
        """Whether nothing is asked."""
        return self == EVERYONE

    @property
    def asked(self) -> frozenset[Asked]:
        """What must be read of a customer beside what is owed and where they are."""
        habit = self.usually_late_at_least is not None or self.usually_late_less_than is not None
        reach = bool(self.reachable_by or self.not_reachable_by)
        wanted = {
            Asked.HABIT: habit,
            Asked.RISK: bool(self.risk),
            Asked.REACH: reach,
            Asked.NUMBERS: bool(self.numbers_begin_with),
        }
        return frozenset(what for what, is_asked in wanted.items() if is_asked)

    def includes(self, debtor: Debtor) -> bool:
        """Whether `debtor` is one of them."""
        late, amounts, reached = debtor.usually_late, debtor.open_amounts, debtor.reached_by
        employees = debtor.employees
        return (
            (not self.amount_at_least or any(_reaches(amounts, least) for least in self.amount_at_least.values()))
            and (not self.amount_less_than or _all_below(amounts, self.amount_less_than))
            and (self.overdue_at_least is None or debtor.days_overdue >= self.overdue_at_least)
            and (self.overdue_less_than is None or debtor.days_overdue < self.overdue_less_than)
            and (self.usually_late_at_least is None or (late is not None and late >= self.usually_late_at_least))
            and (self.usually_late_less_than is None or (late is not None and late < self.usually_late_less_than))
            and (not self.countries or debtor.country in self.countries)
            and (not self.risk or debtor.risk in self.risk)
            and (not self.reachable_by or (reached is not None and self.reachable_by <= reached))
            and (not self.not_reachable_by or (reached is not None and self.not_reachable_by.isdisjoint(reached)))
            and (not self.industries or _plain(debtor.industry) in map(_plain, self.industries))
            and (self.employees_at_least is None or (employees is not None and employees >= self.employees_at_least))
            and (self.employees_less_than is None or (employees is not None and employees < self.employees_less_than))
            and (not self.numbers_begin_with or _all_begin(debtor.numbers, self.numbers_begin_with))
        )


EVERYONE = Segment()


def _plain(industry: str | None) -> str:
    return (industry or "").strip().casefold()


def _all_begin(numbers: Sequence[str] | None, series: Collection[str]) -> bool:
    beginnings = tuple(each.casefold() for each in series)
    return bool(numbers) and all(number.casefold().startswith(beginnings) for number in numbers or ())


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
    def asked(self) -> frozenset[Asked]:
        """What the choices depend on beside what customers owe and where they are."""
        return frozenset().union(*(choice.segment.asked for choice in self.choices))

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

BY_RISK = PolicyBook(
    (
        Choice(
            Segment(reachable_by=frozenset({Channel.LETTER}), not_reachable_by=frozenset({Channel.EMAIL})), BY_LETTER
        ),
        Choice(Segment(risk=frozenset({RiskBand.HIGH})), HIGH_RISK),
        Choice(Segment(risk=frozenset({RiskBand.LOW})), PROVEN_PAYER),
        Choice(EVERYONE, DEFAULT_POLICY),
    )
)

# 250 and 10 are the European Union's bounds of large and micro (2003/361/EC); industries as Salesforce names them.
BY_CUSTOMER = PolicyBook(
    (
        Choice(Segment(industries=frozenset({"Government", "Education", "Not For Profit"})), PUBLIC_SECTOR),
        Choice(Segment(employees_at_least=250), LARGE_COMPANY),
        Choice(Segment(employees_less_than=10), SMALL_BUSINESS),
        Choice(EVERYONE, DEFAULT_POLICY),
    )
)

EXAMPLES: Mapping[str, PolicyBook] = MappingProxyType(
    {"standard": DEFAULT_BOOK, "by-size": BY_SIZE, "by-risk": BY_RISK, "by-customer": BY_CUSTOMER}
)
