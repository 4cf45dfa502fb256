from __future__ import annotations

import pytest

from reconcile.calibrate import APPLY_PRECISION, Band, History, confidence, may_apply, wilson_lower, wilson_upper
from reconcile.learn import learn
from reconcile.payer import PayerEvidence
from reconcile.score import AmountEvidence, Evidence, ReferenceEvidence
from tests.reconcile.build import item, receipt

PROOF = Evidence(ReferenceEvidence.EXACT, AmountEvidence.EXACT, PayerEvidence.NAME, items=1)
AMOUNT_ONLY = Evidence(ReferenceEvidence.NONE, AmountEvidence.EXACT, PayerEvidence.NAME, items=1)


def test_wilson_bounds_match_a_published_value() -> None:
    # 81 of 263 at 95 % two-sided: 0.2553 to 0.3662 (R. G. Newcombe, Statistics in Medicine 17, 1998, table I).
    assert wilson_lower(81, 263, z=1.96) == pytest.approx(0.2553, abs=1e-4)
    assert wilson_upper(81, 263, z=1.96) == pytest.approx(0.3662, abs=1e-4)
    assert (wilson_lower(0, 0), wilson_upper(0, 0)) == (0.0, 1.0)


def test_proof_applies_from_the_first_day_and_nothing_else_does() -> None:
    assert may_apply(PROOF, {})
    assert not may_apply(AMOUNT_ONLY, {})


def test_experience_lets_a_band_apply_and_refutes_proof() -> None:
    assert not may_apply(AMOUNT_ONLY, {AMOUNT_ONLY.band: Band(100, 100)})
    assert may_apply(AMOUNT_ONLY, {AMOUNT_ONLY.band: Band(600, 600)})
    assert not may_apply(AMOUNT_ONLY, {AMOUNT_ONLY.band: Band(590, 600)})
    assert may_apply(PROOF, {PROOF.band: Band(1, 1)})
    assert not may_apply(PROOF, {PROOF.band: Band(90, 100)})


def test_weaker_payers_in_the_pool_speak_for_better_ones_and_not_the_other_way_round() -> None:
    by_stranger = Evidence(ReferenceEvidence.EXACT, AmountEvidence.EXACT, PayerEvidence.UNKNOWN, items=1)
    by_like_name = Evidence(ReferenceEvidence.EXACT, AmountEvidence.EXACT, PayerEvidence.WEAK, items=3)
    assert may_apply(by_like_name, {by_stranger.band: Band(600, 600)})
    assert not may_apply(by_stranger, {by_like_name.band: Band(600, 600)})
    assert not may_apply(by_like_name, {by_stranger.band: Band(6000, 6000), by_like_name.band: Band(90, 100)})


def test_ambiguity_is_never_applied_however_often_it_went_well() -> None:
    open_case = Evidence(ReferenceEvidence.NONE, AmountEvidence.EXACT, PayerEvidence.NAME, items=2, alternatives=1)
    assert not may_apply(open_case, {open_case.band: Band(10_000, 10_000)})


def test_confidence_is_a_chance_that_moves_with_experience() -> None:
    assert confidence(PROOF, {}) >= APPLY_PRECISION
    assert confidence(AMOUNT_ONLY, {}) < 0.97
    assert confidence(AMOUNT_ONLY, {AMOUNT_ONLY.band: Band(5, 100)}) < 0.2
    assert confidence(AMOUNT_ONLY, {AMOUNT_ONLY.band: Band(995, 1000)}) > 0.98


def test_history_knows_accounts_and_names_but_not_from_the_receipt_itself() -> None:
    history = History()
    first = receipt(100, account="DE 02 1203", payer="BC Ventures")
    history.learn_payer(first, ["C1"])
    assert history.customers_of(receipt(5, receipt_id="R2", account="de021203", payer="")) == {
        "C1": PayerEvidence.KNOWN
    }
    assert history.customers_of(receipt(5, receipt_id="R2", payer="bc ventures")) == {"C1": PayerEvidence.NAME}
    assert history.customers_of(first, blind=True) == {}
    history.learn_payer(receipt(5, receipt_id="R3", account="DE021203", payer="Agent"), ["C2"])
    assert set(history.customers_of(receipt(1, account="DE021203", payer="")).values()) == {PayerEvidence.WEAK}


def test_learning_counts_right_and_wrong_by_band() -> None:
    items = [item("INV-0401", 100), item("INV-0402", 200)]
    receipts = [receipt(100, "INV-0401"), receipt(200, "INV-0402", receipt_id="R2")]
    history = learn(items=items, receipts=receipts, paid={"R1": ["INV-0401"], "R2": []})
    ((_, band),) = history.bands.items()
    assert band == Band(1, 2)
