"""OAuth 2 as the vendors run it: consent, authorization code with PKCE, rotating refresh tokens, revocation.

Consent is given at once to whoever the sandbox's visitor chose to be: there is no person to press the button.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode

from werkzeug.wrappers import Request

Clock = Callable[[], datetime]
CODE_LIFETIME = timedelta(minutes=5)


class OAuthRefused(Exception):
    """A request that RFC 6749 section 5.2 answers with `error`."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description


@dataclass
class Grant:
    """One consent: who gave it, what for, and its current tokens. All accounts of the consent share the tokens."""

    grant_id: str
    accounts: tuple[str, ...]
    scope: str
    access_token: str
    access_expires_at: datetime
    refresh_token: str
    refresh_expires_at: datetime
    nonce: str = ""
    revoked: bool = False


@dataclass
class _Code:
    accounts: tuple[str, ...]
    redirect_uri: str
    challenge: str | None
    scope: str
    expires_at: datetime
    nonce: str


@dataclass
class OAuthServer:
    """The authorization server of one vendor.

    `rotates` says whether each refresh replaces the refresh token (the old one is refused from then on).
    """

    clock: Clock
    client_id: str
    client_secret: str
    access_lifetime: timedelta
    refresh_lifetime: timedelta
    rotates: bool = True
    prefix: str = ""
    grants: dict[str, Grant] = field(default_factory=dict)
    rotations: int = 0
    _codes: dict[str, _Code] = field(default_factory=dict)

    def authorize(self, *, query: dict[str, str], accounts: tuple[str, ...], extra: dict[str, str]) -> str:
        """Return the redirect address for a consent by `accounts`; OAuthRefused when the request is not acceptable."""
        if query.get("client_id") != self.client_id:
            raise OAuthRefused("invalid_client", "unknown client_id")
        if query.get("response_type") != "code":
            raise OAuthRefused("unsupported_response_type", "only code is supported")
        if query.get("code_challenge") and query.get("code_challenge_method") != "S256":
            raise OAuthRefused("invalid_request", "code_challenge_method must be S256")
        code = secrets.token_urlsafe(24)
        self._codes[code] = _Code(
            accounts=accounts,
            redirect_uri=query["redirect_uri"],
            challenge=query.get("code_challenge"),
            scope=query.get("scope", ""),
            expires_at=self.clock() + CODE_LIFETIME,
            nonce=query.get("nonce", ""),
        )
        answer = {"code": code, "state": query.get("state", ""), **extra}
        return f"{query['redirect_uri']}?{urlencode(answer)}"

    def trade(self, form: Mapping[str, str], *, names_redirect: bool = True) -> Grant:
        """Trade the code or the refresh token of a form for tokens.

        `names_redirect`: whether the vendor asks for the redirect_uri of the consent again.
        """
        if form.get("grant_type") == "refresh_token":
            return self.refresh(form.get("refresh_token", ""))
        if form.get("grant_type") != "authorization_code":
            raise OAuthRefused("unsupported_grant_type", f"grant_type {form.get('grant_type')} is not supported")
        redirect_uri = form.get("redirect_uri", "" if names_redirect else None)
        return self.exchange(code=form.get("code", ""), redirect_uri=redirect_uri, verifier=form.get("code_verifier"))

    def exchange(self, *, code: str, redirect_uri: str | None, verifier: str | None) -> Grant:
        """Trade a code for tokens once; the PKCE verifier must match the challenge (RFC 7636 section 4.6).

        A vendor that does not ask for the redirect_uri again passes None.
        """
        kept = self._codes.pop(code, None)
        if kept is None or kept.expires_at < self.clock() or redirect_uri not in (None, kept.redirect_uri):
            raise OAuthRefused("invalid_grant", "the code is unknown, used, expired or for another redirect_uri")
        if kept.challenge is not None and s256(verifier or "") != kept.challenge:
            raise OAuthRefused("invalid_grant", "code_verifier does not match code_challenge")
        grant = Grant(
            grant_id=secrets.token_hex(8),
            accounts=kept.accounts,
            scope=kept.scope,
            access_token="",
            access_expires_at=self.clock(),
            refresh_token="",
            refresh_expires_at=self.clock(),
            nonce=kept.nonce,
        )
        self._issue(grant, new_refresh=True)
        self.grants[grant.grant_id] = grant
        return grant

    def refresh(self, refresh_token: str) -> Grant:
        """Issue a new access token, and a new refresh token where the vendor rotates."""
        for grant in self.grants.values():
            if secrets.compare_digest(grant.refresh_token, refresh_token) and not grant.revoked:
                if grant.refresh_expires_at < self.clock():
                    break
                self.rotations += 1
                self._issue(grant, new_refresh=self.rotates)
                return grant
        raise OAuthRefused("invalid_grant", "the refresh token is unknown, used, expired or revoked")

    def revoke(self, token: str) -> None:
        """End the grant that `token` (either kind) belongs to; unknown tokens are no error (RFC 7009)."""
        for grant in self.grants.values():
            if token in (grant.access_token, grant.refresh_token):
                grant.revoked = True

    def check_client(self, client_id: str | None, client_secret: str | None) -> None:
        """Refuse a client that is not the registered one."""
        if client_id != self.client_id or client_secret != self.client_secret:
            raise OAuthRefused("invalid_client", "client id or secret is wrong")

    def grant_of(self, access_token: str) -> Grant | None:
        """Return the grant that a valid, unexpired access token belongs to."""
        for grant in self.grants.values():
            if grant.access_token == access_token and not grant.revoked and grant.access_expires_at > self.clock():
                return grant
        return None

    def _issue(self, grant: Grant, *, new_refresh: bool) -> None:
        grant.access_token = f"{self.prefix}{secrets.token_urlsafe(32)}"
        grant.access_expires_at = self.clock() + self.access_lifetime
        if new_refresh:
            grant.refresh_token = secrets.token_urlsafe(32)
            grant.refresh_expires_at = self.clock() + self.refresh_lifetime


def s256(verifier: str) -> str:
    """Return the PKCE S256 challenge of a verifier (RFC 7636 section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def bearer(request: Request) -> str:
    """Return the bearer token of a request, empty when there is none."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if kind.lower() == "bearer" else ""


def client_of(request: Request) -> tuple[str | None, str | None]:
    """Return client id and secret, from HTTP Basic or from the form (RFC 6749 section 2.3.1)."""
    given = request.authorization
    if given is not None and given.type == "basic":
        return given.username, given.password
    return request.form.get("client_id"), request.form.get("client_secret")
