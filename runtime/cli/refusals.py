"""Which failures are the input's or the surroundings', and what to say of them."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

from connectors.errors import ConnectorError
from receivables.money import MoneyError
from runtime.operations.errors import RefusedError
from runtime.settings import SettingsError
from runtime.store.engine import StoreAddressError
from runtime.vault import VaultError

_SAY_IT_THEMSELVES = (
    RefusedError,
    SettingsError,
    StoreAddressError,
    VaultError,
    MoneyError,
    ConnectorError,
)


def refusal(error: Exception) -> str | None:
    """Return the words for a person; None for a failure of our own, which keeps its trace."""
    if isinstance(error, _SAY_IT_THEMSELVES):
        return str(error)
    if isinstance(error, DBAPIError):
        return f"the database does not answer: {error.orig}"
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error)
    return None
