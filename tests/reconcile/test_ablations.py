"""Each idea of the matcher can be switched off by the bench, and something is answered otherwise without it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from benchmarks.matching.ablations import ABLATIONS, without
from benchmarks.matching.files import draw_case
from receivables.open_item import OpenItem
from receivables.receipt import Receipt
from reconcile.candidates import OpenItemIndex
from reconcile.match import propose
from runtime.operations.matching.match_files import read_open_items, read_receipts


@cache
def drawn() -> tuple[list[OpenItem], list[Receipt]]:
    with TemporaryDirectory() as folder:
        draw_case(Path(folder), name="drawn", seed=5, numbering="sequential", mix="usual", items=3_000, receipts=400)
        now = Path(folder) / "now"
        return list(read_open_items(now / "open_items.csv")), list(read_receipts(now / "receipts.csv"))


def answers() -> Mapping[str, object]:
    items, receipts = drawn()
    as_of = max(each.received_on for each in receipts)
    return {each.receipt_id: each.best for each in propose(index=OpenItemIndex(items), receipts=receipts, as_of=as_of)}


@cache
def with_all() -> Mapping[str, object]:
    return answers()


@pytest.mark.parametrize("idea", ABLATIONS)
def test_something_is_answered_otherwise_without_an_idea(idea: str) -> None:
    whole = with_all()
    with without(idea):
        assert answers() != whole
