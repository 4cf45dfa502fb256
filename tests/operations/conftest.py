"""Firms for tests of operations: `firm` is a synced one on Xero, `any_firm` one on each ledger, both on SQLite.

`stored_firm` and `any_stored_firm` are the same on each database, `shared_firm` is on PostgreSQL, which workers share.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres
from tests.conftest import BACKENDS
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


@pytest.fixture
def shared_database(postgres_server: postgres.Server, migrated_template: str) -> Iterator[str]:
    with postgres_server.database(template=migrated_template) as name:
        yield postgres_server.url(name)


@pytest.fixture
def shared_firm(shared_database: str, tmp_path: Path) -> Iterator[Firm]:
    with open_firm(tmp_path, database_url=shared_database) as firm:
        yield synced(firm)


@pytest.fixture(params=BACKENDS)
def database(request: pytest.FixtureRequest) -> str | None:
    """The address of each database in turn; None: the SQLite file that a firm makes."""
    return None if request.param == "sqlite" else str(request.getfixturevalue("shared_database"))


@pytest.fixture
def stored_firm(database: str | None, tmp_path: Path) -> Iterator[Firm]:
    with open_firm(tmp_path, database_url=database) as firm:
        yield synced(firm)


@pytest.fixture(params=sorted(LEDGERS))
def any_stored_firm(request: pytest.FixtureRequest, database: str | None, tmp_path: Path) -> Iterator[Firm]:
    with open_firm(tmp_path, request.param, database_url=database) as firm:
        yield synced(firm)
