"""A small Xero organisation behind the stand-in, and the official SDK consented to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlparse

import requests
from xero_python.accounting import AccountingApi  # type: ignore[import-untyped]
from xero_python.api_client import ApiClient  # type: ignore[import-untyped]
from xero_python.api_client.configuration import Configuration  # type: ignore[import-untyped]
from xero_python.api_client.oauth2 import OAuth2Token  # type: ignore[import-untyped]

from sandbox.oauth import s256
from sandbox.server import serve
from sandbox.xero import XeroBooks, XeroStandIn
from tests.sandbox.ticking import Ticking

CLIENT = {"client_id": "client", "client_secret": "client-word"}
WEBHOOK_KEY = "webhook-word"
CALLBACK = "http://localhost/callback"
VERIFIER = "v" * 50


@dataclass
class XeroScene:
    standin: XeroStandIn
    url: str
    clock: Ticking
    books: XeroBooks
    contact_id: str
    api: Any
    access_token: str

    def invoice(self, number: str, total: str = "100.00", **fields: Any) -> str:  # noqa: ANN401 - passed on
        given: dict[str, Any] = {"currency": "NZD", "issued_on": date(2026, 1, 5), "due_on": date(2026, 2, 4)}
        given |= {"contact_id": self.contact_id, **fields}
        return self.books.add_invoice(number=number, total=Decimal(total), **given)

    def call(self, method: str, path: str, **options: Any) -> requests.Response:  # noqa: ANN401 - passed on
        headers = {"Authorization": f"Bearer {self.access_token}", "xero-tenant-id": self.books.tenant_id}
        headers |= options.pop("headers", {})
        return requests.request(method, f"{self.url}/api.xro/2.0{path}", headers=headers, timeout=10, **options)


@contextmanager
def xero_scene() -> Iterator[XeroScene]:
    clock = Ticking()
    standin = XeroStandIn(
        clock=clock, client_id=CLIENT["client_id"], client_secret=CLIENT["client_secret"], webhook_key=WEBHOOK_KEY
    )
    books = standin.add_organisation(name="Demo", base_currency="NZD", short_code="!demo1")
    books.add_account(code="090", name="Bank", type="BANK")
    books.add_account(code="200", name="Sales", type="REVENUE")
    books.add_account(code="404", name="Bank fees", type="EXPENSE", enable_payments=True)
    contact_id = books.add_contact(name="Ridgeway", email="pay@example.com", number="R1")
    served = serve(standin)
    try:
        access_token = consent(served.url)["access_token"]
        yield XeroScene(standin, served.url, clock, books, contact_id, api(served.url, access_token), access_token)
    finally:
        served.stop()


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
    login = (CLIENT["client_id"], CLIENT["client_secret"])
    answer = requests.post(f"{url}/connect/token", data=form, auth=login, timeout=5)
    return {**answer.json(), "status": str(answer.status_code)}


def api(url: str, access_token: str) -> Any:  # noqa: ANN401 - the SDK is untyped
    """The SDK's accounting API, with retries left to the caller."""
    configuration = Configuration()
    configuration.oauth2_token = OAuth2Token(**CLIENT)
    kept = {"access_token": access_token, "scope": ["accounting.invoices"], "expires_in": 1800, "token_type": "Bearer"}
    client = ApiClient(configuration, oauth2_token_getter=lambda: kept, oauth2_token_saver=lambda _: None)
    client.rest_client.pool_manager.connection_pool_kw["retries"] = False
    return AccountingApi(client, base_url=f"{url}/api.xro/2.0")
