"""Firms for tests of operations: `firm` is a synced one on Xero, `any_firm` one on each ledger, both on SQLite.

`stored_firm` and `any_stored_firm` are the same on each database, `shared_firm` is on PostgreSQL, which workers share.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres
from tests.conftest import BACKENDS
from tests.operations.copied import copied_firm, synced
from tests.operations.firm import LEDGERS, Firm, open_firm


@pytest.fixture
def unconnected(tmp_path: Path) -> Iterator[Firm]:
    with open_firm(tmp_path) as firm:
        yield firm


@pytest.fixture
def firm(tmp_path: Path) -> Iterator[Firm]:
    with copied_firm(tmp_path) as firm:
        yield firm


@pytest.fixture(params=sorted(LEDGERS))
def any_firm(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Firm]:
    with copied_firm(tmp_path, request.param) as firm:
        yield firm


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
