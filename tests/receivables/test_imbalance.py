"""Conservation: cash and residuals are what was allocated, less credit used, and what is left."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receivables.allocation import Allocation, Explanation, Hypothesis, Residual, ResidualKind, imbalance
from receivables.money import Money, MoneyError, total
from receivables.receipt import Receipt

minor = st.integers(1, 10**12)
residual_kinds = st.sampled_from(ResidualKind)


@st.composite
def balanced(draw: st.DrawFn) -> tuple[Receipt, Hypothesis]:
    """A receipt with a hypothesis that explains it to the minor unit."""
    invoices = draw(st.lists(minor, min_size=1, max_size=6))
    credits = draw(st.lists(minor, max_size=3))
    residuals = draw(st.lists(st.tuples(residual_kinds, st.integers(-(10**6), 10**6)), max_size=3))
    unapplied = draw(st.integers(0, 10**12))
    allocations = [Allocation(f"i{n}", Money(each, "GBP")) for n, each in enumerate(invoices)]
    allocations += [Allocation(f"c{n}", Money(each, "GBP"), is_credit=True) for n, each in enumerate(credits)]
    cash = sum(invoices) - sum(credits) + unapplied - sum(each for _, each in residuals)
    hypothesis = Hypothesis(
        Explanation.SUBSET,
        1.0,
        tuple(draw(st.permutations(allocations))),
        tuple(Residual(kind, Money(each, "GBP")) for kind, each in residuals),
        Money(unapplied, "GBP"),
    )
    return Receipt("r", date(2026, 3, 1), Money(cash, "GBP")), hypothesis


@given(balanced())
def test_money_that_is_all_explained_leaves_no_imbalance(case: tuple[Receipt, Hypothesis]) -> None:
    receipt, hypothesis = case
    assert imbalance(receipt, hypothesis) == Money.zero("GBP")


@given(balanced(), st.integers(-(10**9), 10**9))
def test_what_is_not_explained_is_the_imbalance(case: tuple[Receipt, Hypothesis], more: int) -> None:
    receipt, hypothesis = case
    extra = Money(more, "GBP")
    assert imbalance(replace(receipt, amount=receipt.amount + extra), hypothesis) == extra
    assert imbalance(receipt, replace(hypothesis, unapplied=hypothesis.unapplied + extra)) == -extra
    first, *rest = hypothesis.allocations
    moved = replace(hypothesis, allocations=(replace(first, amount=first.amount + extra), *rest))
    assert imbalance(receipt, moved) == (extra if first.is_credit else -extra)
    residual = Residual(ResidualKind.ROUNDING, extra)
    assert imbalance(receipt, replace(hypothesis, residuals=(*hypothesis.residuals, residual))) == extra


@given(balanced())
def test_a_fee_that_never_arrived_is_a_residual_beside_the_cash(case: tuple[Receipt, Hypothesis]) -> None:
    receipt, hypothesis = case
    fee = Money(30, "GBP")
    net = replace(receipt, amount=receipt.amount - fee, fee=fee)
    assert net.gross == receipt.amount
    assert imbalance(net, hypothesis) == -fee
    explained = replace(hypothesis, residuals=(*hypothesis.residuals, Residual(ResidualKind.PROCESSOR_FEE, fee)))
    assert imbalance(net, explained) == total([], "GBP")


def test_another_currency_is_refused_not_added() -> None:
    receipt = Receipt("r", date(2026, 3, 1), Money(100, "GBP"))
    foreign = Hypothesis(Explanation.EXACT, 1.0, (Allocation("i", Money(100, "EUR")),), (), Money.zero("GBP"))
    with pytest.raises(MoneyError):
        imbalance(receipt, foreign)
