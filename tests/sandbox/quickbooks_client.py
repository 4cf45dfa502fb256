"""A consented QuickBooks client over the official SDK, pointed at a stand-in."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlparse

import requests
from intuitlib.client import AuthClient
from quickbooks import QuickBooks

CLIENT = {"client_id": "client", "client_secret": "not-a-secret"}
CALLBACK = "http://localhost/callback"


def consent(url: str, *, realm_id: str = "") -> AuthClient:
    """Go through discovery, consent and the code exchange with Intuit's own OAuth client."""
    client = AuthClient(**CLIENT, redirect_uri=CALLBACK, environment=f"{url}/.well-known/openid_configuration")
    query = {"client_id": CLIENT["client_id"], "response_type": "code", "redirect_uri": CALLBACK, "state": "s"}
    query |= {"scope": "com.intuit.quickbooks.accounting", "login_hint": realm_id}
    answer = requests.get(client.auth_endpoint, params=query, allow_redirects=False, timeout=5)
    landed = parse_qs(urlparse(answer.headers["Location"]).query)
    client.get_bearer_token(landed["code"][0], realm_id=landed["realmId"][0])
    return client


def api(url: str, client: AuthClient, *, realm_id: str | None = None) -> Any:  # noqa: ANN401 - the SDK is untyped
    """The SDK's client for one company."""
    quickbooks = QuickBooks(
        auth_client=client, refresh_token=client.refresh_token, company_id=realm_id or client.realm_id,
        minorversion=75, use_decimal=True,
    )  # fmt: skip
    quickbooks.api_url_v3 = quickbooks.sandbox_api_url_v3 = f"{url}/v3"
    return quickbooks
