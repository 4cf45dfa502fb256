"""What must hold for any company: money is conserved, no item is spent twice, and order and noise change nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from receivables.allocation import Decision, Proposal, imbalance
from receivables.document import DocumentKind
from receivables.open_item import OpenItem
from receivables.receipt import Receipt
from reconcile.candidates import OpenItemIndex
from reconcile.holds import plausible_items
from reconcile.match import propose
from tests.reconcile.build import DAY, item, match, receipt

CUSTOMERS = ("Harbour Supplies Ltd", "Quarry Tools GmbH", "Bay Street Dental")
AMOUNTS = st.sampled_from([10_00, 49_00, 49_00, 99_00, 100_00, 120_50, 250_00, 1_000_00])


@dataclass(frozen=True)
class Company:
    items: list[OpenItem]
    receipts: list[Receipt]


@st.composite
def companies(draw: st.DrawFn) -> Company:
    items = [
        item(
            f"I{at}",
            draw(AMOUNTS),
            number=f"INV-{draw(st.integers(400, 420)):04}",
            customer=draw(st.sampled_from(CUSTOMERS)),
            kind=draw(st.sampled_from([DocumentKind.INVOICE] * 4 + [DocumentKind.CREDIT_NOTE])),
            currency=draw(st.sampled_from(["EUR", "EUR", "EUR", "USD"])),
            due_on=DAY + timedelta(days=draw(st.integers(-40, 40))),
        )
        for at in range(draw(st.integers(0, 9)))
    ]
    receipts = []
    for at in range(draw(st.integers(0, 6))):
        named = draw(st.lists(st.sampled_from(items), max_size=3)) if items else []
        base = sum(i.open_amount.minor for i in named) or draw(AMOUNTS)
        receipts.append(
            receipt(
                max(1, base - draw(st.sampled_from([0, 0, 0, 2, -3, 15_00, 60_00, -40_00]))),
                " ".join(i.number for i in named[: draw(st.integers(0, 3))]),
                receipt_id=f"R{at}",
                payer=draw(st.sampled_from([*CUSTOMERS, "", "Bay St. Dental", "Someone Else"])),
                currency=draw(st.sampled_from(["EUR", "EUR", "USD"])),
                fee=draw(st.sampled_from([None, None, 0, 2_90])),
                item_hints=tuple(i.item_id for i in named[:1]) if draw(st.integers(0, 5)) == 0 else (),
            )
        )
    return Company(items, receipts)


def spent(proposals: Sequence[Proposal]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for proposal in proposals:
        for allocation in proposal.best.allocations:
            counts[allocation.item_id] += allocation.amount.minor
    return counts


@settings(max_examples=300, deadline=None)
@given(companies())
def test_money_is_conserved_and_no_item_is_over_allocated(company: Company) -> None:
    found = match(company.items, *company.receipts)
    assert [p.receipt_id for p in found] == [r.receipt_id for r in company.receipts]
    opened = {i.item_id: i.open_amount for i in company.items}
    for proposal, money in zip(found, company.receipts, strict=True):
        for hypothesis in (proposal.best, *filter(None, [proposal.runner_up])):
            assert not imbalance(money, hypothesis)
            assert hypothesis.unapplied.minor >= 0
            assert 0.0 <= hypothesis.confidence <= 1.0
            for allocation in hypothesis.allocations:
                assert 0 < allocation.amount.minor <= opened[allocation.item_id].minor
                assert allocation.amount.currency == opened[allocation.item_id].currency
            for residual in hypothesis.residuals:
                assert residual.amount.minor > 0 or residual.kind in {"rounding", "fx"}
        assert proposal.reasons
    assert all(total <= opened[item_id].minor for item_id, total in spent(found).items())


@settings(max_examples=200, deadline=None)
@given(companies(), st.randoms(use_true_random=False))
def test_the_order_of_receipts_and_items_does_not_matter(company: Company, random: object) -> None:
    receipts, items = list(company.receipts), list(company.items)
    shuffle = getattr(random, "shuffle")  # noqa: B009 - hypothesis types its random as object
    before = {p.receipt_id: p for p in match(items, *receipts)}
    shuffle(receipts)
    shuffle(items)
    assert {p.receipt_id: p for p in match(items, *receipts)} == before


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 40), st.integers(1, 10**7))
def test_as_many_identical_receipts_as_identical_items_pay_each_once(count: int, amount: int) -> None:
    items = [item(f"I{at}", amount) for at in range(count)]
    receipts = [receipt(amount, receipt_id=f"R{at}") for at in range(count)]
    assert spent(match(items, *receipts)) == {i.item_id: amount for i in items}


@given(st.lists(st.integers(1_00, 900_00), min_size=2, max_size=5), st.sampled_from(["", "thank you", "invoices"]))
def test_a_sum_with_two_solutions_is_never_applied(amounts: list[int], text: str) -> None:
    twice = [item(f"I{at}{copy}", amount) for at, amount in enumerate(amounts) for copy in "ab"]
    (found,) = match(twice, receipt(sum(amounts), text))
    assert found.decision is not Decision.APPLY


@settings(max_examples=200, deadline=None)
@given(companies(), AMOUNTS, st.integers(400, 420), st.booleans())
def test_an_item_of_a_stranger_never_takes_what_was_not_its_own(
    company: Company, amount: int, number: int, foreign: bool
) -> None:
    """A noise item may make a case ambiguous, but no receipt is ever applied to it: it is of a customer who pays
    nothing here, or of a currency in which nothing is paid.
    """
    noise = item(
        "NOISE",
        amount,
        number=f"INV-{number:04}",
        customer="Harbour Supplies Ltd" if foreign else "Unconcerned Bystander Oy",
        currency="JPY" if foreign else "EUR",
    )
    applied = {
        p.receipt_id: p.best.allocations for p in match(company.items, *company.receipts) if p.decision == "apply"
    }
    for proposal in match([*company.items, noise], *company.receipts):
        if proposal.decision is Decision.APPLY:
            assert "NOISE" not in {a.item_id for a in proposal.best.allocations}
            if proposal.receipt_id in applied:
                assert proposal.best.allocations == applied[proposal.receipt_id]


@settings(max_examples=100, deadline=None)
@given(companies(), companies())
def test_an_index_that_was_changed_answers_like_a_fresh_one(company: Company, other: Company) -> None:
    assume(company.receipts)
    index = OpenItemIndex(other.items)
    for gone in other.items:
        index.remove(gone.item_id)
    for kept in company.items:
        index.add(kept)
    fresh = OpenItemIndex(company.items)
    for gone in other.items:
        fresh.note_customer(gone.customer_id, gone.customer_name)  # names stay known when items leave
    changed = propose(index=index, receipts=company.receipts, as_of=DAY)
    assert changed == propose(index=fresh, receipts=company.receipts, as_of=DAY)


@pytest.mark.parametrize("text", ["450012345", "PO 450012345 thank you", ""])
def test_what_very_many_share_is_read_the_same_in_any_order(text: str) -> None:
    """More items bear the reference and the amount, and more customers begin alike, than are looked at."""
    items = [
        item(f"I{at:03}", 250_00, customer=f"Harbour Quarry {at:03} Ltd", references=("450012345",)) for at in range(90)
    ]
    money = receipt(250_00, text, payer="Harbour Quarri 017")
    answers = []
    for ordered in (items, items[::-1], items[45:] + items[:45]):
        index = OpenItemIndex(ordered)
        (found,) = propose(index=index, receipts=[money], as_of=DAY)
        answers.append((found, plausible_items(proposal=found, receipt=money, index=index)))
    assert answers[0] == answers[1] == answers[2]
