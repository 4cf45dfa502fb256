"""Connects a declared system to a served stand-in as a person would: consent page, redirect, tokens, accounts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests

from connectors.contract import Access, Account, Connector, Declaration, Endpoint
from connectors.limits import Budget
from connectors.oauth import OAuthFlow, TokenSet
from sandbox.server import Served, serve
from sandbox.standin import StandIn

REDIRECT = "http://127.0.0.1:1/callback"
CLIENT_ID = "client"
CLIENT_SECRET = "not-a-secret"
START = datetime(2026, 11, 17, 10, 0, tzinfo=UTC)
STEP_SECONDS = 10
TICK = timedelta(milliseconds=5)


@dataclass
class VirtualTime:
    """A clock for product and stand-in together: every look moves it on a little, sleeping moves it at once."""

    at: datetime = START
    slept: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def now(self) -> datetime:
        with self._lock:
            self.at += TICK
            return self.at

    def monotonic(self) -> float:
        return (self.at - START).total_seconds()

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.at += max(timedelta(seconds=seconds), TICK)  # a clock of microseconds stands still otherwise
            self.slept += seconds


@dataclass
class Consent:
    """What one consent gave; its token is renewed when it expires. `forced` is presented instead of it."""

    declaration: Declaration
    endpoint: Endpoint
    time: VirtualTime
    flow: OAuthFlow
    tokens: TokenSet
    accounts: list[Account] = field(default_factory=list)
    forced: str = ""
    asked: int = 0
    refused: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def access(self, account: Account | None = None) -> Access:
        limits = self.declaration.limits
        budget = Budget(limits, monotonic=self.time.monotonic, sleep=self.time.sleep)
        return Access(account or self.accounts[0], self.endpoint, self._token, self._another, budget, self.time.now)

    def open(self) -> Connector:
        return self.declaration.open(self.access())

    def _token(self) -> str:
        with self._lock:
            self.asked += 1
            if self.tokens.expires_at - timedelta(minutes=1) < self.time.now():
                self.tokens = self.flow.refresh(self.tokens.refresh_token)
            return self.forced or self.tokens.access_token

    def _another(self, refused: str) -> str:
        self.refused.append(refused)
        return self.forced or self.tokens.access_token


def consent(declaration: Declaration, url: str, time: VirtualTime, *, hint: str = "") -> Consent:
    """Give consent at the stand-in that listens at `url`, for the accounts of `hint`."""
    endpoint = Endpoint(url, url, CLIENT_ID, CLIENT_SECRET, more_scopes=True)
    flow = OAuthFlow(declaration.oauth, endpoint, time.now)
    begun = flow.begin(REDIRECT)
    query = agree(begun.url, **({"login_hint": hint} if hint else {}))
    assert query["state"] == begun.state
    tokens = flow.finish(redirect_uri=REDIRECT, code=query["code"], verifier=begun.verifier)
    given = Consent(declaration, endpoint, time, flow, tokens)
    given.accounts = declaration.accounts(endpoint, tokens.answer, query, given.access)
    return given


def agree(page: str, **hint: str) -> dict[str, str]:
    """Agree on the vendor's page; gives what the vendor sends the person back with."""
    with requests.Session() as browser:
        browser.trust_env = False
        back = browser.get(f"{page}&{urlencode(hint)}", allow_redirects=False, timeout=STEP_SECONDS)
    return dict(parse_qsl(urlsplit(back.headers["Location"]).query))


@contextmanager
def connected(
    declaration: Declaration, standin: StandIn, time: VirtualTime
) -> Iterator[tuple[Served, Consent, Connector]]:
    """Serve the stand-in and open a connector on it after a person agreed, until the context ends."""
    served = serve(standin)
    given = consent(declaration, served.url, time)
    connector = given.open()
    try:
        yield served, given, connector
    finally:
        connector.close()
        served.stop()
