"""What a business may ask of another that pays late: proposals, never postings.

Amounts are integer minor units and each rule names its source. Reference rates change twice a year and are an argument:
a rate that is not known is refused, never guessed. None of this is for consumers, whom other laws protect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from receivables.money import Money

DAYS_A_YEAR = 365
_WHOLE = 10_000 * DAYS_A_YEAR  # basis points of a year, in days


class LatePaymentError(ValueError):
    """A charge that cannot be worked out; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A yearly reference rate in basis points (3.75 % is 375; it may be negative), and its first day."""

    since: date
    basis_points: int


@dataclass(frozen=True, slots=True)
class FixedSum:
    """What recovery costs of a debt below `below` (None: of any size) come to without proof."""

    below: Money | None
    amount: Money


@dataclass(frozen=True, slots=True)
class Regime:
    """A law's rule: `margin` basis points over the reference rate, `fixed` sums a debt from the smallest up.

    `rate_is_fixed`: the rate of the half-year in which the debt became late holds until it is paid; otherwise each
    half-year has its own. `source` names the law. `has_reference` is false where the margin is the whole rate.
    """

    name: str
    source: str
    margin: int
    fixed: tuple[FixedSum, ...]
    rate_is_fixed: bool = False
    has_reference: bool = True


@dataclass(frozen=True, slots=True)
class Span:
    """Interest of a time in which neither the rate nor what was owed changed: `days` at `basis_points` a year."""

    since: date
    days: int
    owed: Money
    basis_points: int


@dataclass(frozen=True, slots=True)
class LateCharge:
    """A proposal: simple interest, and a fixed sum where the debt's currency is the one that the law names it in."""

    regime: Regime
    spans: tuple[Span, ...]
    interest: Money
    fixed: Money


@dataclass(frozen=True, slots=True)
class PartPaid:
    """A part of a debt that was paid on a day: that day is the last for which it bears interest."""

    amount: Money
    on: date


def _sum(minor: int, currency: str, below: int | None = None) -> FixedSum:
    return FixedSum(None if below is None else Money(below, currency), Money(minor, currency))


UNITED_KINGDOM = Regime(
    name="United Kingdom",
    source=(
        "Late Payment of Commercial Debts (Interest) Act 1998, sections 4 and 5A; rate: SI 2002/1675, 8 % over the "
        "official dealing rate of 30 June or 31 December before the half-year in which the debt became late"
    ),
    margin=800,
    fixed=(_sum(4_000, "GBP", 100_000), _sum(7_000, "GBP", 1_000_000), _sum(10_000, "GBP")),
    rate_is_fixed=True,
)
GERMANY = Regime(
    name="Germany",
    source="BGB section 288 (2) and (5), base rate by section 247, set on 1 January and 1 July",
    margin=900,
    fixed=(_sum(4_000, "EUR"),),
)
AUSTRIA = Regime(
    name="Austria",
    source="UGB sections 456 and 458; base rate of the day before the half-year begins",
    margin=920,
    fixed=(_sum(4_000, "EUR"),),
)
FRANCE = Regime(
    name="France",
    source=(
        "Code de commerce articles L441-10 II and D441-5, where the terms name no rate: the ECB's rate for main "
        "refinancing operations in force on 1 January or 1 July"
    ),
    margin=1_000,
    fixed=(_sum(4_000, "EUR"),),
)
IRELAND = Regime(
    name="Ireland",
    source=(
        "SI 580/2012: the ECB's rate for main refinancing operations in force on 1 January or 1 July, of the half-year "
        "in which the debt became late"
    ),
    margin=800,
    fixed=(_sum(4_000, "EUR", 100_001), _sum(7_000, "EUR", 1_000_001), _sum(10_000, "EUR")),
    rate_is_fixed=True,
)
POLAND = Regime(
    name="Poland",
    source=(
        "Act of 8 March 2013 on excessive delays in commercial transactions, articles 4 and 11b: the NBP's reference "
        "rate in force on 1 January or 1 July; its sums of EUR 40, 70 or 100 in zloty are not worked out"
    ),
    margin=1_000,
    fixed=(),
)
SWEDEN = Regime(
    name="Sweden",
    source="Räntelag (1975:635) sections 6 and 9, the Riksbank's reference rate; SEK 450 by förordning (1981:1057)",
    margin=800,
    fixed=(_sum(45_000, "SEK"),),
)
DENMARK = Regime(
    name="Denmark",
    source="Renteloven section 5, Danmarks Nationalbank's lending rate of 1 January or 1 July; BEK 105/2013: DKK 310",
    margin=800,
    fixed=(_sum(31_000, "DKK"),),
)
CZECHIA = Regime(
    name="Czechia",
    source=(
        "Government regulation 351/2013 Coll., sections 2 and 3: the CNB's repo rate of the first day of the half-year "
        "in which the debt became late"
    ),
    margin=800,
    fixed=(_sum(120_000, "CZK"),),
    rate_is_fixed=True,
)
EUROPEAN_UNION = Regime(
    name="European Union",
    source=(
        "Directive 2011/7/EU articles 2 (6), 3 (3) and 6 (1): at least 8 points over the ECB's rate for main "
        "refinancing operations in force on 1 January or 1 July (outside the euro the central bank's own), and at "
        "least EUR 40; national law may give more"
    ),
    margin=800,
    fixed=(_sum(4_000, "EUR"),),
)
_NATIONAL = {
    "AT": AUSTRIA,
    "CZ": CZECHIA,
    "DE": GERMANY,
    "DK": DENMARK,
    "FR": FRANCE,
    "GB": UNITED_KINGDOM,
    "IE": IRELAND,
    "PL": POLAND,
    "SE": SWEDEN,
}
# What no law of their own is written down for here has the least that the directive asks of each.
_REST_OF_THE_UNION = frozenset("BE BG CY EE ES FI GR HR HU IT LT LU LV MT NL PT RO SI SK".split())


def regime_of(country: str) -> Regime | None:
    """The statutory rule for a creditor in `country` (two letters), None where there is none to go by.

    The United States have none between businesses: what the contract says counts there (see `contracted`).
    """
    return _NATIONAL.get(country) or (EUROPEAN_UNION if country in _REST_OF_THE_UNION else None)


def contracted(*, basis_points: int, currency: str, fixed_minor: int = 0) -> Regime:
    """The rule that a contract states: a yearly rate (1.5 % a month is 1,800 basis points) and perhaps a flat fee.

    Source: the contract itself. In the United States a state's usury law may cap it; nobody knows that but a lawyer.
    """
    if basis_points < 0 or fixed_minor < 0:
        raise LatePaymentError("a contracted rate or fee is not less than nothing")
    return Regime("contract", "as contracted", basis_points, (_sum(fixed_minor, currency),), has_reference=False)


def late_charge(
    *,
    regime: Regime,
    debt: Money,
    due_on: date,
    until: date,
    rates: Sequence[Rate],
    paid: Sequence[PartPaid] = (),
) -> LateCharge:
    """What `debt`, due on `due_on`, has come to by the end of `until`: simple interest from the day after the due date.

    interest = sum over spans of owed x rate x days / 365, rounded half up once, at the end (365 days also in a leap
    year, as courts in both countries count). A part that was paid bears interest to the day of its payment: what is
    paid ten days late bears ten days. The fixed sum goes by the debt when it became late. LatePaymentError for a rate
    that is not known, currencies that differ, or parts that are more than the debt.
    """
    first = due_on + timedelta(days=1)
    if any(part.amount.currency != debt.currency for part in paid):
        raise LatePaymentError("a part was paid in another currency than the debt's")
    owed_at = _owed(debt, first, paid)
    if until < first or not owed_at[0][1]:
        return LateCharge(regime, (), Money.zero(debt.currency), Money.zero(debt.currency))
    changes = {day for day, _ in owed_at} | ({rate.since for rate in rates} if _varies(regime) else set())
    if _varies(regime):
        changes |= set(_half_years(first, until))  # each is asked for its rate, so that none runs on unseen
    days = sorted({first, *(day for day in changes if first < day <= until), until + timedelta(days=1)})
    spans = tuple(
        Span(
            since=since,
            days=(end - since).days,
            owed=next(amount for day, amount in reversed(owed_at) if day <= since),
            basis_points=_yearly(regime, rates, since if _varies(regime) else first),
        )
        for since, end in pairwise(days)
    )
    spans = tuple(span for span in spans if span.owed)
    weighed = sum(span.owed.minor * span.basis_points * span.days for span in spans)
    interest = Money((weighed * 2 + _WHOLE) // (2 * _WHOLE), debt.currency)
    return LateCharge(regime, spans, interest, _fixed(regime, owed_at[0][1]))


def _owed(debt: Money, first: date, paid: Sequence[PartPaid]) -> list[tuple[date, Money]]:
    """What is owed from which day on: a part is off from the day after its payment, one paid in time from the first."""
    found = [(first, debt - _total(debt, [part for part in paid if part.on < first]))]
    for day in sorted({part.on for part in paid if part.on >= first}):
        found.append((day + timedelta(days=1), debt - _total(debt, [part for part in paid if part.on <= day])))
    if found[-1][1].minor < 0:
        raise LatePaymentError(f"more was paid than the {debt} that was owed")
    return found


def _total(debt: Money, parts: Sequence[PartPaid]) -> Money:
    result = Money.zero(debt.currency)
    for part in parts:
        result += part.amount
    return result


def _varies(regime: Regime) -> bool:
    return regime.has_reference and not regime.rate_is_fixed


def _half_years(first: date, until: date) -> list[date]:
    years = range(first.year, until.year + 1)
    return [date(year, month, 1) for year in years for month in (1, 7)]


def _yearly(regime: Regime, rates: Sequence[Rate], day: date) -> int:
    reference = _rate(rates, day) if regime.has_reference else 0
    return max(reference + regime.margin, 0)


def _rate(rates: Sequence[Rate], day: date) -> int:
    """The reference rate of the half-year of `day`: one that was set before it says nothing about it."""
    half_year = date(day.year, 1 if day.month < 7 else 7, 1)
    known = [rate for rate in rates if half_year <= rate.since <= day]
    if not known:
        raise LatePaymentError(f"the reference rate of the half-year that begins on {half_year} is not known")
    return max(known, key=lambda rate: rate.since).basis_points


def _fixed(regime: Regime, debt: Money) -> Money:
    for step in regime.fixed:
        if step.amount.currency != debt.currency:
            break
        if step.below is None or debt < step.below:
            return step.amount
    return Money.zero(debt.currency)
