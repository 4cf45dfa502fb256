"""Every test of a connector also holds what passes against the vendor's contract."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contracts.witness import Witness, watching
from tests.shared import specs_folder


@pytest.fixture(autouse=True)
def contract_kept(request: pytest.FixtureRequest) -> Iterator[Witness | None]:
    """Watch the test, except one whose marker says that it makes a vendor break its contract."""
    folder = specs_folder()
    if not folder.is_dir() or request.node.get_closest_marker("off_contract"):
        yield None
        return
    with watching(folder) as witness:
        yield witness
    assert not witness.findings, witness.report()
