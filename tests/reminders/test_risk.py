"""Risk is a rule anybody can check: a band, the reasons for it, and nothing where there is too little history."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receivables.money import Money
from reminders.risk import MIN_DUE, OpenInvoices, PaidInvoice, RiskBand, RiskFacts, assess
from tests.reminders.facts import eur

LOW, MEDIUM, HIGH, UNKNOWN = RiskBand.LOW, RiskBand.MEDIUM, RiskBand.HIGH, RiskBand.UNKNOWN
ORDER = (LOW, MEDIUM, HIGH)


def paid(*late: int, each: str = "100.00") -> tuple[PaidInvoice, ...]:
    return tuple(PaidInvoice(eur(each), days) for days in late)


def owed(amount: int, overdue: int = 0, old: int = 0, count: int = 2, currency: str = "EUR") -> OpenInvoices:
    return OpenInvoices(count, *(Money(minor * 100, currency) for minor in (amount, overdue, old)))


PROMPT = RiskFacts(paid=paid(-3, 0, 2), open=(owed(1_000),))


@pytest.mark.parametrize(
    ("changed", "band", "reason"),
    [
        ({}, LOW, "pays 1 day late on average, by amount, over 3 invoices of the last year"),
        ({"paid": paid(-9, 0, 0)}, LOW, "pays on time, by amount, over 3 invoices of the last year"),
        ({"paid": paid(7, 7, 7)}, LOW, "pays 7 days late on average, by amount, over 3 invoices of the last year"),
        ({"paid": paid(7, 7, 8)}, MEDIUM, "pays 7 days late on average, by amount, over 3 invoices of the last year"),
        ({"paid": paid(30, 30, 30)}, MEDIUM, "pays 30 days late"),
        ({"paid": paid(30, 30, 31)}, HIGH, "pays 30 days late"),
        (
            {"paid": (*paid(0, 0), PaidInvoice(eur("800.00"), 40))},
            HIGH,
            "pays 32 days late on average, by amount, over 3 invoices of the last year",
        ),
        ({"overdue_days": 30}, LOW, "pays 1 day late"),
        ({"overdue_days": 31}, MEDIUM, "the oldest open invoice is 31 days overdue"),
        ({"open": (owed(1_000, 499),)}, LOW, "pays 1 day late"),
        ({"open": (owed(1_000, 500),)}, MEDIUM, "50 % of what is open is overdue for more than 7 days"),
        ({"open": (owed(1_000, 99, 99),)}, LOW, "pays 1 day late"),
        ({"open": (owed(1_000, 100, 100),)}, HIGH, "10 % of what is open is overdue for more than 90 days"),
        ({"broken_promises": 1}, MEDIUM, "1 promise to pay was not kept in the last year"),
        ({"broken_promises": 2}, HIGH, "2 promises to pay were not kept in the last year"),
        ({"failed_payments": 1}, MEDIUM, "1 payment failed or went back in the last year"),
        ({"failed_payments": 3}, HIGH, "3 payments failed or went back in the last year"),
        ({"chargebacks": 1}, HIGH, "1 payment was charged back in the last year"),
        ({"chargebacks": 2}, HIGH, "2 payments were charged back in the last year"),
    ],
)
def test_each_sign_has_its_bound_and_says_why(changed: dict[str, Any], band: RiskBand, reason: str) -> None:
    risk = assess(replace(PROMPT, **changed))
    assert risk.band is band
    assert risk.reasons[0].startswith(reason)
    assert risk.text.startswith(f"{band}: {reason}")


def test_the_strongest_reason_comes_first_and_what_is_well_is_no_reason_for_a_risk() -> None:
    risk = assess(replace(PROMPT, broken_promises=1, chargebacks=1))
    assert risk.reasons == (
        "1 payment was charged back in the last year",
        "1 promise to pay was not kept in the last year",
    )


@pytest.mark.parametrize(("paid_ones", "overdue", "band"), [(0, 2, UNKNOWN), (2, 0, UNKNOWN), (2, 1, LOW), (0, 3, LOW)])
def test_nothing_is_said_of_whom_too_little_is_known(paid_ones: int, overdue: int, band: RiskBand) -> None:
    facts = RiskFacts(paid=paid(*[0] * paid_ones), overdue_count=overdue, overdue_days=1)
    assert assess(facts).band is band
    if band is UNKNOWN:
        assert assess(facts).reasons == ("fewer than 3 invoices have come due in the last year",)
        assert assess(replace(facts, chargebacks=9, broken_promises=9)).band is UNKNOWN


def test_two_late_payments_are_no_habit_though_the_risk_is_known_by_what_is_overdue() -> None:
    risk = assess(RiskFacts(paid=paid(90, 90), overdue_count=1, overdue_days=1))
    assert risk.band is LOW
    assert risk.reasons == ("fewer than 3 invoices were paid in the last year, which tells of no habit",)


def test_amounts_of_two_currencies_weigh_by_their_invoices_and_never_by_their_numbers() -> None:
    """A million yen that are old are not more than a thousand euros that are not: one invoice of ten is old."""
    yen = OpenInvoices(1, *(Money(1_000_000, "JPY"),) * 3)
    risk = assess(replace(PROMPT, open=(owed(1_000, count=9), yen)))
    assert risk.reasons[0] == "10 % of what is open is overdue for more than 90 days"
    assert assess(replace(PROMPT, open=(owed(1_000, count=10), yen))).band is LOW


money = st.integers(1, 10**9)
currencies = st.sampled_from(["EUR", "JPY", "KWD"])
invoices = st.builds(
    lambda minor, code, days: PaidInvoice(Money(minor, code), days), money, currencies, st.integers(-60, 200)
)


@st.composite
def sums(draw: st.DrawFn, currency: str) -> OpenInvoices:
    minor = draw(money)
    overdue = draw(st.integers(0, minor))
    old = draw(st.integers(0, overdue))
    return OpenInvoices(draw(st.integers(1, 50)), *(Money(each, currency) for each in (minor, overdue, old)))


@st.composite
def histories(draw: st.DrawFn) -> RiskFacts:
    few = st.integers(0, 3)
    return RiskFacts(
        paid=tuple(draw(st.lists(invoices, min_size=MIN_DUE, max_size=8))),
        open=tuple(draw(sums(code)) for code in draw(st.sets(currencies))),
        overdue_count=draw(few),
        overdue_days=draw(st.integers(-30, 200)),
        broken_promises=draw(few),
        failed_payments=draw(few),
        chargebacks=draw(few),
    )


@given(histories(), st.data())
def test_more_lateness_never_lowers_the_band(facts: RiskFacts, data: st.DataObject) -> None:
    def more(each: OpenInvoices) -> OpenInvoices:
        overdue = data.draw(st.integers(each.overdue.minor, each.amount.minor))
        old = data.draw(st.integers(each.old.minor, overdue))
        return replace(each, overdue=Money(overdue, each.amount.currency), old=Money(old, each.amount.currency))

    added = {
        name: getattr(facts, name) + data.draw(st.integers(0, 90))
        for name in ("overdue_count", "overdue_days", "broken_promises", "failed_payments", "chargebacks")
    }
    worse = replace(
        facts,
        paid=tuple(replace(each, days_late=each.days_late + data.draw(st.integers(0, 90))) for each in facts.paid),
        open=tuple(more(each) for each in facts.open),
        **added,
    )
    assert ORDER.index(assess(worse).band) >= ORDER.index(assess(facts).band)


@given(histories())
def test_a_band_always_has_its_reasons_and_amounts_may_be_counted_in_any_unit(facts: RiskFacts) -> None:
    risk = assess(facts)
    assert risk.reasons
    assert len(set(risk.reasons)) == len(risk.reasons)
    tenfold = replace(
        facts,
        paid=tuple(replace(each, amount=Money(each.amount.minor * 10, each.amount.currency)) for each in facts.paid),
    )
    assert assess(tenfold) == risk


@given(histories(), money)
def test_an_invoice_paid_on_time_never_raises_the_band(facts: RiskFacts, minor: int) -> None:
    """In one currency: of several, another invoice also changes how much its currency weighs."""
    one = replace(facts, paid=tuple(replace(each, amount=Money(each.amount.minor, "EUR")) for each in facts.paid))
    better = replace(one, paid=(*one.paid, PaidInvoice(Money(minor, "EUR"), 0)))
    assert ORDER.index(assess(better).band) <= ORDER.index(assess(one).band)
