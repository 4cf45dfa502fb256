"""The whole demo: every call and every webhook of the sample company keeps the vendors' contracts."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.demo.stage import set_stage
from runtime.demo.story import Story
from tests.contracts.witness import watching
from tests.shared import shared_specs


@pytest.mark.long
def test_the_demo_keeps_every_contract(tmp_path: Path) -> None:
    with watching(shared_specs()) as witness, set_stage(tmp_path) as stage:
        Story(stage, lambda _: None).play(lambda _: None)
    assert witness.seen["webhook"] > 20
    for kind in ("xero GET", "xero PUT", "quickbooks GET", "quickbooks POST", "stripe GET"):
        assert witness.seen[kind] > 5, kind
    assert not witness.findings, witness.report()
