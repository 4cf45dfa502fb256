"""Every registered system conforms by being registered."""

from __future__ import annotations

import pytest

from connectors import registry
from tests.connectors.conformance import findings


@pytest.mark.parametrize("system", registry.SYSTEMS)
def test_a_registered_system_conforms(system: str) -> None:
    declaration = registry.declaration(system)
    assert declaration.system == system
    assert findings(declaration) == []
