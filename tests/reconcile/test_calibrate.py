from __future__ import annotations

import pytest

from reconcile.calibrate import (
    APPLY_PRECISION,
    History,
    confidence,
    is_proof,
    may_apply,
    wilson_lower,
    wilson_upper,
)
from reconcile.learn import learn
from reconcile.likelihood import AmountEvidence, Evidence
from reconcile.mention import ReferenceEvidence
from reconcile.payer import PayerEvidence
from tests.reconcile.build import item, receipt

PROOF = Evidence(ReferenceEvidence.EXACT, AmountEvidence.EXACT, PayerEvidence.NAME, items=1)
OVERPAID = Evidence(ReferenceEvidence.EXACT, AmountEvidence.OVER, PayerEvidence.NAME, items=1)
AMOUNT_ONLY = Evidence(ReferenceEvidence.NONE, AmountEvidence.EXACT, PayerEvidence.NAME, items=1)


def test_wilson_bounds_match_a_published_value() -> None:
    # 81 of 263 at 95 % two-sided: 0.2553 to 0.3662 (R. G. Newcombe, Statistics in Medicine 17, 1998, table I).
    assert wilson_lower(81, 263, z=1.96) == pytest.approx(0.2553, abs=1e-4)
    assert wilson_upper(81, 263, z=1.96) == pytest.approx(0.3662, abs=1e-4)
    assert (wilson_lower(0, 0), wilson_upper(0, 0)) == (0.0, 1.0)


def experienced(*outcomes: tuple[Evidence, float, int, int]) -> History:
    """A history of cases: evidence, chance, how many were right, and how many there were."""
    history = History()
    for evidence, chance, right, count in outcomes:
        for at in range(count):
            history.record(evidence, chance, right=at < right)
    return history


def test_proof_applies_from_the_first_day_and_nothing_else_does() -> None:
    assert may_apply(PROOF, 0.999, History())
    assert not may_apply(AMOUNT_ONLY, 0.999, History())
    assert not may_apply(PROOF, 0.6, History())  # another explanation is nearly as likely


def test_two_witnesses_are_proof_only_where_the_ledger_is_sparse() -> None:
    stranger = Evidence(ReferenceEvidence.EXACT, AmountEvidence.EXACT, PayerEvidence.UNKNOWN, items=1)
    damaged = Evidence(ReferenceEvidence.DAMAGED, AmountEvidence.EXACT, PayerEvidence.NAME, items=1)
    both = Evidence(ReferenceEvidence.DAMAGED, AmountEvidence.EXACT, PayerEvidence.UNKNOWN, items=1)
    assert [is_proof(evidence, 0.99999) for evidence in (stranger, damaged, both)] == [True, True, False]
    assert [is_proof(evidence, 0.999) for evidence in (stranger, damaged, both)] == [False, False, False]


def test_experience_lets_a_chance_apply_and_refutes_proof() -> None:
    assert not may_apply(AMOUNT_ONLY, 0.995, experienced((AMOUNT_ONLY, 0.995, 100, 100)))
    assert may_apply(AMOUNT_ONLY, 0.995, experienced((AMOUNT_ONLY, 0.995, 600, 600)))
    assert not may_apply(AMOUNT_ONLY, 0.995, experienced((AMOUNT_ONLY, 0.995, 590, 600)))
    assert may_apply(PROOF, 0.999, experienced((PROOF, 0.999, 1, 1)))
    assert not may_apply(PROOF, 0.999, experienced((PROOF, 0.999, 90, 100)))


def test_surer_bands_do_not_pay_for_a_doubtful_one() -> None:
    history = experienced((PROOF, 0.99999, 20_000, 20_000), (OVERPAID, 0.98, 80, 100))
    assert may_apply(AMOUNT_ONLY, 0.99999, history)
    assert not may_apply(AMOUNT_ONLY, 0.98, history)


def test_experience_with_surer_cases_does_not_speak_for_doubtful_ones() -> None:
    history = experienced((PROOF, 0.99999, 6_000, 6_000))
    assert not may_apply(AMOUNT_ONLY, 0.9, experienced((AMOUNT_ONLY, 0.9, 85, 100), (PROOF, 0.99999, 6_000, 6_000)))
    assert history.least_band() == 10


def test_errors_that_an_audit_finds_tighten_what_is_applied() -> None:
    history = experienced((AMOUNT_ONLY, 0.995, 1_000, 1_000))
    assert may_apply(AMOUNT_ONLY, 0.995, history)
    for _ in range(20):
        history.record(AMOUNT_ONLY, 0.995, right=False)
    assert not may_apply(AMOUNT_ONLY, 0.995, history)


def test_confidence_is_a_chance_that_moves_with_experience() -> None:
    assert confidence(0.9999, History()) >= APPLY_PRECISION
    assert confidence(0.9, experienced((AMOUNT_ONLY, 0.9, 5, 100))) < 0.2
    assert confidence(0.9, experienced((AMOUNT_ONLY, 0.9, 995, 1_000))) > 0.98


def test_history_knows_accounts_and_names_but_not_from_the_receipt_itself() -> None:
    history = History()
    first = receipt(100, account="DE 02 1203", payer="BC Ventures")
    history.learn_payer(first, ["C1"])
    assert history.customers_of(receipt(5, receipt_id="R2", account="de021203", payer="")) == ({"C1": 1.0}, {})
    assert history.customers_of(receipt(5, receipt_id="R2", payer="bc ventures")) == ({}, {"C1": 1.0})
    assert history.customers_of(first, blind=True) == ({}, {})
    history.learn_payer(receipt(5, receipt_id="R3", account="DE021203", payer="Agent"), ["C2"])
    shared, _ = history.customers_of(receipt(1, account="DE021203", payer=""))
    assert shared == {"C1": 0.5, "C2": 0.5}


def test_learning_counts_right_and_wrong_by_band() -> None:
    items = [item("INV-0401", 100), item("INV-0402", 200)]
    receipts = [receipt(100, "INV-0401"), receipt(200, "INV-0402", receipt_id="R2")]
    history = learn(items=items, receipts=receipts, paid={"R1": ["INV-0401"], "R2": []})
    assert sum(band.count for band in history.scores.values()) == 2
    assert sum(band.right for band in history.classes.values()) == 1
