"""Connects a declared system to a served stand-in as a person would: consent page, redirect, tokens, accounts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import requests

from connectors.contract import Access, Account, Connector, Declaration, Endpoint
from connectors.limits import Budget
from connectors.oauth import OAuthFlow, TokenSet

REDIRECT = "http://127.0.0.1:1/callback"
CLIENT_ID = "client"
CLIENT_SECRET = "not-a-secret"


def wall_clock() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Consent:
    """What one consent gave."""

    declaration: Declaration
    endpoint: Endpoint
    tokens: TokenSet
    accounts: list[Account]

    def access(self, account: Account | None = None, *, token: Callable[[], str] | None = None) -> Access:
        return Access(
            account=account or self.accounts[0],
            endpoint=self.endpoint,
            token=token or (lambda: self.tokens.access_token),
            budget=Budget(self.declaration.limits),
            clock=wall_clock,
        )

    def open(self, account: Account | None = None) -> Connector:
        return self.declaration.open(self.access(account))


def consent(declaration: Declaration, url: str, *, hint: str = "") -> Consent:
    """Give consent at the stand-in that listens at `url`, for the accounts of `hint`."""
    endpoint = Endpoint(url, url, CLIENT_ID, CLIENT_SECRET)
    flow = OAuthFlow(declaration.oauth, endpoint, wall_clock)
    begun = flow.begin(REDIRECT)
    with requests.Session() as browser:
        browser.trust_env = False
        page = browser.get(begun.url + (f"&login_hint={hint}" if hint else ""), allow_redirects=False, timeout=10)
    query = dict(parse_qsl(urlsplit(page.headers["Location"]).query))
    assert query["state"] == begun.state
    tokens = flow.finish(redirect_uri=REDIRECT, code=query["code"], verifier=begun.verifier)
    return Consent(declaration, endpoint, tokens, declaration.accounts(endpoint, tokens.answer, query))
