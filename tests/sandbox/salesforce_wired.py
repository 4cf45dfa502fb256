"""A signed-in client of the Salesforce stand-in: the unmodified SDK, its https sent to loopback http."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce

from sandbox.salesforce import SalesforceOrg, SalesforceStandIn
from sandbox.server import serve
from tests.sandbox.ticking import Ticking

Json = Any
Client = Any  # the SDK builds its attributes at run time

CLIENT_ID, CLIENT_SECRET = "sandbox-client", "sandbox-client-word"
CALLBACK = "http://localhost/callback"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


class _Plain(HTTPAdapter):
    def send(self, request: requests.PreparedRequest, *args: Json, **kwargs: Json) -> requests.Response:
        assert request.url is not None
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, *args, **kwargs)


@dataclass
class Wired:
    """A stand-in listening at `url`, one org, and what a client needs."""

    clock: Ticking
    standin: SalesforceStandIn
    org: SalesforceOrg
    url: str

    def authorize(self, **changes: str) -> dict[str, str]:
        query = {
            "client_id": CLIENT_ID,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "state": "s1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            "login_hint": self.org.org_id,
            **changes,
        }
        answer = requests.get(f"{self.url}/services/oauth2/authorize", params=query, allow_redirects=False, timeout=5)
        assert answer.status_code == 302, answer.text
        return {k: v[0] for k, v in parse_qs(urlsplit(answer.headers["Location"]).query).items()}

    def token(self, **form: str) -> requests.Response:
        data = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **form}
        return requests.post(f"{self.url}/services/oauth2/token", data=data, timeout=5)

    def sign_in(self) -> dict[str, Any]:
        form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        answer = self.token(**form, code=self.authorize()["code"])
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    def client(self, access_token: str | None = None) -> Client:
        session = requests.Session()
        session.mount("https://", _Plain())
        token = access_token or self.sign_in()["access_token"]
        return Salesforce(
            session_id=token, instance_url=self.url.replace("http", "https"), session=session, version="67.0"
        )


@contextmanager
def wired(*, daily_limit: int = 100_000) -> Iterator[Wired]:
    clock = Ticking(datetime(2026, 11, 17, 10, tzinfo=UTC))
    standin = SalesforceStandIn(clock=clock, client_id=CLIENT_ID, client_secret=CLIENT_SECRET, daily_limit=daily_limit)
    org = standin.add_org(name="Northwind")
    served = serve(standin)
    try:
        yield Wired(clock, standin, org, served.url)
    finally:
        served.stop()
