"""Which receipt a debit takes back: what is proof, what is asked about, and what is neither."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receivables.allocation import Decision
from receivables.money import Money
from receivables.receipt import Receipt
from reconcile.returned import Came, Debit, Tie, returned

CAME, WENT = date(2026, 3, 2), date(2026, 3, 9)
IBAN = "DE02 1203 0000 0000 2020 51"


def came(receipt_id: str = "R1", amount: int = 12_000, *, ids: tuple[str, ...] = (), **values: Any) -> Came:  # noqa: ANN401
    facts: dict[str, Any] = {
        "payer_name": "Acme Ltd",
        "payer_account": IBAN,
        "remittance": "INV-1001",
        "received_on": CAME,
    } | values
    return Came(Receipt(receipt_id=receipt_id, amount=Money(amount, "EUR"), **facts), ids)


def debit(amount: int = 12_000, **values: Any) -> Debit:  # noqa: ANN401 - the fields of a debit
    facts: dict[str, Any] = {"booked_on": WENT, "amount": Money(amount, "EUR")}
    return Debit(**(facts | values))


MARKED: dict[str, Any] = {"taken_back": "unpaid direct debit"}


@pytest.mark.parametrize(
    ("facts", "tie", "is_proof"),
    [
        ({"references": ("E2E-1",)}, Tie.REFERENCE, True),
        ({"references": ("E2E-1",), **MARKED}, Tie.REFERENCE, True),
        ({"payee_account": IBAN.replace(" ", ""), **MARKED}, Tie.ACCOUNT, True),
        ({"text": "UNPAID INV-1001", **MARKED}, Tie.TEXT, True),
        ({"payee_account": IBAN}, Tie.ACCOUNT, False),
        ({"payee_name": "ACME LIMITED", **MARKED}, Tie.NAME, False),
        (MARKED, Tie.NOTHING, False),
        ({"payee_account": IBAN, "references": ("E2E-9",), **MARKED}, Tie.ACCOUNT, False),
    ],
)
def test_what_is_proof_and_what_is_asked_about(facts: dict[str, Any], tie: Tie, *, is_proof: bool) -> None:
    found = returned(debit(**facts), [came(ids=("E2E-1",))])
    assert found is not None
    assert (found.tie, found.decision) == (tie, Decision.APPLY if is_proof else Decision.SUGGEST)


@pytest.mark.parametrize(
    "out",
    [
        debit(text="INV-1001", payee_name="Acme Ltd"),
        debit(payee_account=IBAN, booked_on=CAME + timedelta(days=91)),
        debit(12_001, payee_account=IBAN),
        debit(11_999, references=("E2E-1",), **MARKED),
        debit(17_001, references=("E2E-1",), **MARKED),
        debit(12_300, **MARKED),
        debit(references=("E2E-1",), booked_on=CAME - timedelta(days=1), **MARKED),
        debit(references=("E2E-1",), booked_on=CAME + timedelta(days=401), **MARKED),
        Debit(booked_on=WENT, amount=Money(12_000, "USD"), references=("E2E-1",), taken_back="x"),
    ],
)
def test_what_takes_nothing_back(out: Debit) -> None:
    assert returned(out, [came(ids=("E2E-1",))]) is None


def test_a_charge_is_proof_only_where_the_bank_states_it() -> None:
    stated = returned(debit(12_300, original=Money(12_000, "EUR"), payee_account=IBAN, **MARKED), [came()])
    guessed = returned(debit(12_300, payee_account=IBAN, **MARKED), [came()])
    assert stated is not None and guessed is not None
    assert stated.charge == guessed.charge == Money(300, "EUR")
    assert (stated.decision, guessed.decision) == (Decision.APPLY, Decision.SUGGEST)


def test_what_arrived_less_a_charge_goes_back_net_or_gross() -> None:
    receipt = came(amount=11_700, fee=Money(300, "EUR"))
    for amount in (11_700, 12_000):
        found = returned(debit(amount, payee_account=IBAN, **MARKED), [receipt])
        assert found is not None and found.decision is Decision.APPLY


def test_the_better_tie_wins_and_equal_ones_are_asked_about() -> None:
    others = [came("R2"), came("R3", received_on=CAME + timedelta(days=1))]
    named = returned(debit(references=("E2E-1",), payee_account=IBAN, **MARKED), [*others, came(ids=("E2E-1",))])
    unnamed = returned(debit(payee_account=IBAN, **MARKED), [*others, came()])
    assert named is not None and unnamed is not None
    assert (named.receipt_id, named.decision) == ("R1", Decision.APPLY)
    assert (unnamed.receipt_id, unnamed.decision) == ("R3", Decision.SUGGEST), "the newest of them"


receipts = st.builds(
    came,
    st.sampled_from(["R1", "R2", "R3", "R4"]),
    st.sampled_from([12_000, 11_700, 5_000]),
    ids=st.sampled_from([(), ("E2E-1",), ("E2E-2",)]),
    payer_account=st.sampled_from([IBAN, "", "FR76"]),
    received_on=st.dates(CAME - timedelta(days=500), WENT + timedelta(days=2)),
)
debits = st.builds(
    debit,
    st.sampled_from([12_000, 12_300, 5_000]),
    references=st.sampled_from([(), ("E2E-1",)]),
    payee_account=st.sampled_from([IBAN, ""]),
    taken_back=st.sampled_from([None, "returned"]),
    original=st.sampled_from([None, Money(5_000, "EUR")]),
)


@given(debits, st.lists(receipts, max_size=5, unique_by=lambda each: each.receipt.receipt_id), st.randoms())
def test_the_order_of_receipts_is_nothing_and_proof_adds_up(out: Debit, known: list[Came], random: Any) -> None:  # noqa: ANN401
    found = returned(out, known)
    shuffled = random.sample(known, len(known))
    assert returned(out, shuffled) == found
    if found is None:
        return
    receipt = next(each.receipt for each in known if each.receipt.receipt_id == found.receipt_id)
    assert found.charge.minor >= 0
    assert out.amount - found.charge == receipt.amount
    if found.decision is Decision.APPLY:
        assert out.taken_back is not None or found.tie is Tie.REFERENCE
        assert not found.charge or out.original is not None
