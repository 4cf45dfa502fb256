"""Measured on published cash application data (SAP and TU Darmstadt, see README.md of the outside data).

The bounds are what the matcher reached when they were written, with a margin; raise them when it gets better.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from benchmarks.matching.sap import SapData, export_sap, read_sap
from receivables.allocation import Decision, Proposal
from reconcile.candidates import OpenItemIndex
from reconcile.match import propose
from runtime.operations.matching.match_files import match_files, read_open_items, read_receipts
from tests.shared import shared_data

MIN_RIGHT = 0.99
MAX_WRONG = 2
MIN_RIGHT_WITH_HISTORY = 0.99
MAX_WRONG_WITH_HISTORY = 2
MIN_APPLIED = 0.88
MIN_APPLIED_WITH_HISTORY = 0.96
MIN_RECEIPTS_A_SECOND = 250  # a quarter of what one idle core does, so that a busy machine does not fail the test


@pytest.fixture(scope="module")
def data() -> SapData:
    return read_sap(shared_data() / "cash_application" / "sap_single")


def _measure(proposals: Iterable[Proposal], truth: dict[str, frozenset[str]]) -> tuple[float, float, int]:
    """Return the shares of exactly right item sets and of applied receipts, and how many are applied wrongly."""
    outcomes = [
        (p.decision is Decision.APPLY, frozenset(a.item_id for a in p.best.allocations) == truth[p.receipt_id])
        for p in proposals
    ]
    applied = [right for apply, right in outcomes if apply]
    return (
        sum(right for _, right in outcomes) / len(outcomes),
        len(applied) / len(outcomes),
        applied.count(False),
    )


def test_the_whole_data_without_history(data: SapData, tmp_path: Path) -> None:
    export_sap(tmp_path, data)
    index = OpenItemIndex(read_open_items(tmp_path / "open_items.csv"))
    received = read_receipts(tmp_path / "receipts.csv")
    start = time.process_time()
    proposals = propose(index=index, receipts=received, as_of=max(r.received_on for r in received))
    speed = len(received) / (time.process_time() - start)
    right, applied, wrong = _measure(proposals, data.truth())
    print(f"right {right:.4f}, applied {applied:.4f}, wrong {wrong}, {speed:.0f} receipts/s")  # noqa: T201
    assert [p.receipt_id for p in proposals] == [r.receipt_id for r in received]
    assert all(p.reasons for p in proposals)
    assert right >= MIN_RIGHT
    assert wrong <= MAX_WRONG
    assert applied >= MIN_APPLIED
    assert speed >= MIN_RECEIPTS_A_SECOND


@pytest.mark.long
def test_the_half_after_learning_from_the_other_half(data: SapData, tmp_path: Path) -> None:
    history, now = tmp_path / "history", tmp_path / "now"
    export_sap(history, data, lambda at: at % 2 == 0)
    export_sap(now, data, lambda at: at % 2 == 1)
    run = match_files(open_items=now / "open_items.csv", receipts=now / "receipts.csv", history=history)
    right, applied, wrong = _measure(run.proposals, data.truth())
    print(f"with history: right {right:.4f}, applied {applied:.4f}, wrong {wrong}")  # noqa: T201
    assert right >= MIN_RIGHT_WITH_HISTORY
    assert wrong <= MAX_WRONG_WITH_HISTORY
    assert applied >= MIN_APPLIED_WITH_HISTORY
