"""A plain HTTP client for what tests serve on this machine."""

from __future__ import annotations

import ssl
from typing import Any

import httpx

SECONDS = 20.0
# Nothing here speaks TLS, and every client of httpx would read all certificates that this machine trusts: 30 ms.
_NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def client_of(address: str, **others: Any) -> httpx.Client:  # noqa: ANN401 - what httpx.Client takes
    """A client of what is served at `address`; `others` are further arguments of `httpx.Client`."""
    usual: dict[str, Any] = {"base_url": address, "timeout": SECONDS, "verify": _NO_CERTIFICATES}
    return httpx.Client(**(usual | others))
