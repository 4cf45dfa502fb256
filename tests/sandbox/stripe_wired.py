"""A client of the Stripe stand-in: the unmodified SDK over loopback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
import stripe

from sandbox.server import serve
from sandbox.stripe import StripeAccount, StripeStandIn
from tests.sandbox.ticking import Ticking

CLIENT_ID, CLIENT_SECRET, WEBHOOK_SECRET = "sandbox-app", "sandbox-app-word", "sandbox-webhook-word"
CALLBACK = "http://localhost/callback"
START = datetime(2026, 11, 17, 10, 0, tzinfo=UTC)


@dataclass
class Wired:
    """A stand-in listening at `url` with one account."""

    clock: Ticking
    standin: StripeStandIn
    account: StripeAccount
    url: str

    def client(self, key: str | None = None, **options: Any) -> stripe.StripeClient:  # noqa: ANN401 - SDK options
        return stripe.StripeClient(
            key or self.account.secret_key, base_addresses={"api": self.url, "connect": self.url}, **options
        )

    def authorize(self, **changes: str) -> dict[str, str]:
        query = {"client_id": CLIENT_ID, "response_type": "code", "redirect_uri": CALLBACK, "state": "s1", **changes}
        query.setdefault("login_hint", self.account.account_id)
        answer = requests.get(f"{self.url}/oauth/v2/authorize", params=query, allow_redirects=False, timeout=5)
        assert answer.status_code == 302, answer.text
        return {k: v[0] for k, v in parse_qs(urlsplit(answer.headers["Location"]).query).items()}

    def token(self, secret: str = CLIENT_SECRET, **form: str) -> requests.Response:
        return requests.post(f"{self.url}/v1/oauth/token", data=form, auth=(secret, ""), timeout=5)

    def sign_in(self, **changes: str) -> dict[str, Any]:
        answer = self.token(grant_type="authorization_code", code=self.authorize(**changes)["code"])
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    def types(self) -> list[str]:
        return [event["type"] for event in self.account.events.values()]


@contextmanager
def wired(**options: Any) -> Iterator[Wired]:  # noqa: ANN401
    clock = Ticking(START)
    standin = StripeStandIn(
        clock=clock,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        webhook_secret=WEBHOOK_SECRET,
        **{"requests_per_second": 10_000, **options},
    )
    account = standin.add_account(name="Northwind", currency="USD", country="US")
    served = serve(standin)
    try:
        yield Wired(clock, standin, account, served.url)
    finally:
        served.stop()
