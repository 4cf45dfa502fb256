"""The firms of the tests of operations, and one on PostgreSQL, which two workers share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres
from tests.operations.conftest import any_firm, firm, synced, unconnected
from tests.operations.firm import Firm, open_firm

__all__ = ["any_firm", "firm", "unconnected"]


@pytest.fixture
def shared_firm(postgres_server: postgres.Server, migrated_template: str, tmp_path: Path) -> Iterator[Firm]:
    with (
        postgres_server.database(template=migrated_template) as name,
        open_firm(tmp_path, database_url=postgres_server.url(name)) as firm,
    ):
        yield synced(firm)
