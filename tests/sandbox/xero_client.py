"""A consented Xero client over the official SDK, pointed at a stand-in."""

from __future__ import annotations

from urllib.parse import parse_qs, urlparse

import requests
from xero_python.accounting import AccountingApi
from xero_python.api_client import ApiClient
from xero_python.api_client.configuration import Configuration
from xero_python.api_client.oauth2 import OAuth2Token

from sandbox.oauth import s256
from sandbox.xero import XeroStandIn

CLIENT = {"client_id": "client", "client_secret": "not-a-secret"}
CALLBACK = "http://localhost/callback"
VERIFIER = "v" * 50


def consent(url: str, *, tenants: tuple[str, ...] = ()) -> dict[str, str]:
    """Go through consent and the code exchange; return the token answer."""
    query = {"client_id": CLIENT["client_id"], "response_type": "code", "redirect_uri": CALLBACK, "state": "s"}
    query |= {"scope": "offline_access accounting.invoices", "code_challenge": s256(VERIFIER)}
    query |= {"code_challenge_method": "S256", "login_hint": ",".join(tenants)}
    answer = requests.get(f"{url}/identity/connect/authorize", params=query, allow_redirects=False, timeout=5)
    code = parse_qs(urlparse(answer.headers["Location"]).query)["code"][0]
    return token(url, grant_type="authorization_code", code=code, redirect_uri=CALLBACK, code_verifier=VERIFIER)


def token(url: str, **form: str) -> dict[str, str]:
    """Call the token endpoint; the answer also has `status`."""
    answer = requests.post(f"{url}/connect/token", data=form, auth=tuple(CLIENT.values()), timeout=5)
    return {**answer.json(), "status": str(answer.status_code)}


def api(url: str, access_token: str) -> AccountingApi:
    """The SDK's accounting API with retries left to the caller."""
    configuration = Configuration()
    configuration.retries = 0
    configuration.oauth2_token = OAuth2Token(**CLIENT)
    kept = {"access_token": access_token, "scope": ["accounting.invoices"], "expires_in": 1800, "token_type": "Bearer"}
    client = ApiClient(configuration, oauth2_token_getter=lambda: kept, oauth2_token_saver=lambda _: None)
    client.rest_client.pool_manager.connection_pool_kw["retries"] = False
    return AccountingApi(client, base_url=f"{url}/api.xro/2.0")


__all__ = ["XeroStandIn", "api", "consent", "token"]
