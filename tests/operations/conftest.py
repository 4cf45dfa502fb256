"""Firms for tests of operations: `firm` is a synced one on Xero, `any_firm` one on each ledger."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.operations.firm import LEDGERS, Firm, open_firm


def synced(firm: Firm) -> Firm:
    """Give the firm three invoices, connect its systems and read them."""
    firm.invoice("Acme", "INV-1001", "120.00")
    firm.invoice("Acme", "INV-1002", "75.50", late=20)
    firm.invoice("Bolt", "INV-2001", "300.00", late=5)
    firm.connect_all()
    firm.first_sync()
    return firm


@pytest.fixture
def unconnected(tmp_path: Path) -> Iterator[Firm]:
    with open_firm(tmp_path) as firm:
        yield firm


@pytest.fixture
def firm(tmp_path: Path) -> Iterator[Firm]:
    with open_firm(tmp_path) as firm:
        yield synced(firm)


@pytest.fixture(params=sorted(LEDGERS))
def any_firm(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Firm]:
    with open_firm(tmp_path, request.param) as firm:
        yield synced(firm)
