"""A small QuickBooks company behind the stand-in, and the official SDKs consented to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, urlparse

import requests
from intuitlib.client import AuthClient  # type: ignore[import-untyped]
from quickbooks import QuickBooks  # type: ignore[import-untyped]
from quickbooks.objects.base import LinkedTxn, Ref  # type: ignore[import-untyped]
from quickbooks.objects.payment import Payment, PaymentLine  # type: ignore[import-untyped]

from sandbox.quickbooks import QuickBooksBooks, QuickBooksStandIn
from sandbox.server import serve
from tests.sandbox.ticking import Ticking

CLIENT = {"client_id": "client", "client_secret": "client-word"}
VERIFIER_TOKEN = "verifier-word"
CALLBACK = "http://localhost/callback"


@dataclass
class QuickBooksScene:
    standin: QuickBooksStandIn
    url: str
    clock: Ticking
    books: QuickBooksBooks
    bank_id: str
    income_id: str
    customer_id: str
    auth: Any
    api: Any

    def invoice(self, number: str, total: str = "100.00", **fields: Any) -> str:  # noqa: ANN401 - passed on
        given: dict[str, Any] = {"currency": "USD", "issued_on": date(2026, 1, 5), "due_on": date(2026, 2, 4)}
        given |= {"customer_id": self.customer_id, **fields}
        return self.books.add_invoice(number=number, total=Decimal(total), **given)

    def payment(self, total: str, *linked: tuple[str, str, str]) -> Any:  # noqa: ANN401 - the SDK is untyped
        """A payment of the SDK, not yet sent; `linked` is (entity, id, amount)."""
        made = Payment()
        made.CustomerRef = Ref.from_json({"value": self.customer_id})
        made.TotalAmt = Decimal(total)
        for kind, document_id, amount in linked:
            line, link = PaymentLine(), LinkedTxn()
            link.TxnId, link.TxnType, link.TxnLineId = document_id, kind, 0
            line.Amount, line.LinkedTxn = Decimal(amount), [link]
            made.Line.append(line)
        return made

    def call(self, method: str, path: str, **options: Any) -> requests.Response:  # noqa: ANN401 - passed on
        """Call below the company's own address, a second after the last call."""
        self.clock.advance(seconds=1)
        url = f"{self.url}/v3/company/{self.books.realm_id}{path}"
        return requests.request(
            method, url, headers={"Authorization": f"Bearer {self.auth.access_token}"}, timeout=10, **options
        )


@contextmanager
def quickbooks_scene() -> Iterator[QuickBooksScene]:
    clock = Ticking()
    standin = QuickBooksStandIn(
        clock=clock, client_id=CLIENT["client_id"], client_secret=CLIENT["client_secret"], verifier_token=VERIFIER_TOKEN
    )
    books = standin.add_company(name="Demo", home_currency="USD")
    bank_id = books.add_account(name="Checking", type="Bank")
    income_id = books.add_account(name="Sales", type="Income")
    customer_id = books.add_customer(name="O'Neil", email="pay@example.com", country="US")
    served = serve(standin)
    try:
        with patch.dict(os.environ, OAUTHLIB_INSECURE_TRANSPORT="1"):  # loopback has no https
            auth = consent(served.url)
            yield QuickBooksScene(
                standin, served.url, clock, books, bank_id, income_id, customer_id, auth, api(served.url, auth)
            )
    finally:
        served.stop()


def consent(url: str, *, realm_id: str = "") -> Any:  # noqa: ANN401 - the SDK is untyped
    """Go through discovery, consent and the code exchange with Intuit's own OAuth client."""
    client = AuthClient(**CLIENT, redirect_uri=CALLBACK, environment=f"{url}/.well-known/openid_configuration")
    query = {"client_id": CLIENT["client_id"], "response_type": "code", "redirect_uri": CALLBACK, "state": "s"}
    query |= {"scope": "com.intuit.quickbooks.accounting", "login_hint": realm_id}
    answer = requests.get(client.auth_endpoint, params=query, allow_redirects=False, timeout=5)
    landed = parse_qs(urlparse(answer.headers["Location"]).query)
    client.get_bearer_token(landed["code"][0], realm_id=landed["realmId"][0])
    return client


def api(url: str, client: Any, *, realm_id: str | None = None) -> Any:  # noqa: ANN401 - the SDK is untyped
    """The SDK's client for one company."""
    made = QuickBooks(
        auth_client=client, refresh_token=client.refresh_token, company_id=realm_id or client.realm_id,
        minorversion=75, use_decimal=True,
    )  # fmt: skip
    made.api_url_v3 = made.sandbox_api_url_v3 = f"{url}/v3"
    return made
