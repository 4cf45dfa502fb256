"""How likely a customer is to pay late, from how they pay: a band and its reasons, by a rule that anybody can check.

Each sign is judged by itself, and the strongest one is the band. Where the bounds come from:

- days late, weighted by amount, and three invoices at least: Dun & Bradstreet's Paydex (80 is prompt, under 50 is more
  than 30 days beyond terms and a high risk). Up to a week is on terms here: a transfer takes days;
- overdue by more than 30 days: a significant increase in credit risk, IFRS 9, 5.5.11;
- a tenth of what is open overdue by more than 90 days: the cross-ageing or "ten per cent" rule, by which lenders leave
  out all of a customer's receivables; 90 days are a default, IFRS 9, B5.5.37;
- half of what is open overdue, and promises or payments that came to nothing: this product's own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from receivables.money import Money

MIN_DUE = 3  # invoices that have come due, paid or overdue: fewer are no history
GRACE_DAYS = 7  # so late is on terms
LONG_DAYS = 30
OLD_DAYS = 90
OLD_SHARE = Fraction(1, 10)
OVERDUE_SHARE = Fraction(1, 2)


class RiskBand(StrEnum):
    """How likely a customer is to pay late; `unknown` where there is too little history to say."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PaidInvoice:
    """An invoice that was paid, `days_late` after its due date (negative before it)."""

    amount: Money
    days_late: int


@dataclass(frozen=True, slots=True)
class OpenInvoices:
    """What is open in one currency: how many invoices, how much in all, and how much of it is overdue for longer than
    GRACE_DAYS and than OLD_DAYS. What is contested is left out.
    """

    count: int
    amount: Money
    overdue: Money
    old: Money


@dataclass(frozen=True, slots=True)
class RiskFacts:
    """What is held of one customer. Invoices `paid`, promises (plans too), payments that failed or went back and
    chargebacks that were lost are those of the last year; `overdue_days` is that of the oldest open invoice.
    """

    paid: Sequence[PaidInvoice] = ()
    open: Sequence[OpenInvoices] = ()
    overdue_count: int = 0
    overdue_days: int = 0
    broken_promises: int = 0
    failed_payments: int = 0
    chargebacks: int = 0


@dataclass(frozen=True, slots=True)
class Risk:
    """A band, and why in sentences without a full stop, the strongest first."""

    band: RiskBand
    reasons: tuple[str, ...]

    @property
    def text(self) -> str:
        """Band and reasons on one line."""
        return f"{self.band}: {'; '.join(self.reasons)}"


_ORDER = (RiskBand.LOW, RiskBand.MEDIUM, RiskBand.HIGH)
Sign = tuple[RiskBand, str]


def assess(facts: RiskFacts) -> Risk:
    """Return the band and its reasons."""
    if len(facts.paid) + facts.overdue_count < MIN_DUE:
        return Risk(RiskBand.UNKNOWN, (f"fewer than {MIN_DUE} invoices have come due in the last year",))
    signs = sorted(_signs(facts), key=lambda sign: _ORDER.index(sign[0]), reverse=True)
    band = signs[0][0]
    return Risk(band, tuple(text for of, text in signs if of is band or of is not RiskBand.LOW))


def _signs(facts: RiskFacts) -> Iterator[Sign]:
    yield _lateness(facts.paid)
    yield from _overdue(facts)
    for count, what in (
        (facts.broken_promises, ("promise to pay was not kept", "promises to pay were not kept")),
        (facts.failed_payments, ("payment failed or went back", "payments failed or went back")),
    ):
        if count:
            yield (
                RiskBand.HIGH if count > 1 else RiskBand.MEDIUM,
                f"{count} {what[count > 1]} in the last year",
            )
    if facts.chargebacks:
        said = "payment was" if facts.chargebacks == 1 else "payments were"
        yield RiskBand.HIGH, f"{facts.chargebacks} {said} charged back in the last year"


def _lateness(paid: Sequence[PaidInvoice]) -> Sign:
    weighed = [(each.amount, max(each.days_late, 0) * each.amount.minor) for each in paid if each.amount.minor > 0]
    if len(weighed) < MIN_DUE:
        return RiskBand.LOW, f"fewer than {MIN_DUE} invoices were paid in the last year, which tells of no habit"
    late = _average((amount.currency, 1, product, amount.minor) for amount, product in weighed)
    band = RiskBand.HIGH if late > LONG_DAYS else RiskBand.MEDIUM if late > GRACE_DAYS else RiskBand.LOW
    days = f"{round(late)} {'day' if round(late) == 1 else 'days'}"
    how = f"pays {days} late on average" if late else "pays on time"
    return band, f"{how}, by amount, over {len(weighed)} invoices of the last year"


def _overdue(facts: RiskFacts) -> Iterator[Sign]:
    owed = [each for each in facts.open if each.amount.minor > 0]
    old = _average((each.amount.currency, each.count, each.old.minor, each.amount.minor) for each in owed)
    overdue = _average((each.amount.currency, each.count, each.overdue.minor, each.amount.minor) for each in owed)
    if old >= OLD_SHARE:
        yield RiskBand.HIGH, f"{_per_cent(old)} of what is open is overdue for more than {OLD_DAYS} days"
    if facts.overdue_days > LONG_DAYS:
        yield RiskBand.MEDIUM, f"the oldest open invoice is {facts.overdue_days} days overdue"
    if overdue >= OVERDUE_SHARE:
        yield RiskBand.MEDIUM, f"{_per_cent(overdue)} of what is open is overdue for more than {GRACE_DAYS} days"


def _average(parts: Iterable[tuple[str, int, int, int]]) -> Fraction:
    """The ratio of sums (currency, invoices, part, whole): amounts weigh within their currency, and currencies by
    their invoices, because amounts of two currencies have no sum.
    """
    sums: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for currency, *numbers in parts:
        sums[currency] = [before + more for before, more in zip(sums[currency], numbers, strict=True)]
    count = sum(each[0] for each in sums.values())
    return sum((each[0] * Fraction(each[1], each[2]) for each in sums.values()), Fraction(0)) / max(count, 1)


def _per_cent(share: Fraction) -> str:
    return f"{int(share * 100)} %"
