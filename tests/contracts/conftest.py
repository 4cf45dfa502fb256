"""A witness of everything that passes between the connectors and the stand-ins during a test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contracts.witness import Witness, watching
from tests.shared import shared_specs


@pytest.fixture
def witness() -> Iterator[Witness]:
    with watching(shared_specs()) as one:
        yield one
