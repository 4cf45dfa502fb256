"""The systems that TrueDue connects, loaded by name when they are needed."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from connectors.contract import Declaration

_MODULES = {
    "xero": "connectors.ledgers.xero",
    "quickbooks": "connectors.ledgers.quickbooks",
    "salesforce": "connectors.crm.salesforce",
    "stripe": "connectors.payments.stripe",
}

SYSTEMS = tuple(_MODULES)


def declaration(system: str) -> Declaration:
    """Return what the connector of `system` declares; KeyError for an unknown name."""
    return cast(Declaration, import_module(_MODULES[system]).DECLARATION)
