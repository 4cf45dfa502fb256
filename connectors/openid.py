"""Signing in by OpenID Connect: the id token of a vendor is verified before a word of it is believed (by PyJWT)."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import jwt
import requests
from jwt.exceptions import PyJWKClientConnectionError, PyJWTError

from connectors.contract import CALL_TIMEOUT_SECONDS, Endpoint, OAuthShape, SignIn
from connectors.errors import Reject, Retry
from connectors.oauth import Authorization, OAuthFlow
from connectors.sessions import session_for

ALGORITHMS = ("RS256",)  # what both vendors sign with; never what a token itself claims
CLOCK_SKEW = timedelta(minutes=1)
VENDORS_REMEMBERED = 8  # whose keys are kept, for PyJWT's five minutes
_GIVEN, _FAMILY = ("given_name", "givenName"), ("family_name", "familyName")
_REQUIRED = ["iss", "sub", "aud", "exp", "iat"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signed in, as the vendor says: `issuer` and `subject` name a person for good, an address does not."""

    issuer: str
    subject: str
    email: str
    email_is_verified: bool
    name: str


class OpenIdFlow:
    """Signing in at one vendor."""

    def __init__(self, shape: OAuthShape, sign_in: SignIn, endpoint: Endpoint, clock: Callable[[], datetime]) -> None:
        self._oauth = OAuthFlow(replace(shape, scopes=sign_in.scopes), endpoint, clock)
        self._sign_in = sign_in
        self._endpoint = endpoint
        self._clock = clock

    def begin(self, redirect_uri: str, *, nonce: str) -> Authorization:
        """Make the address of the vendor's sign-in page."""
        return self._oauth.begin(redirect_uri, nonce=nonce)

    def finish(self, *, redirect_uri: str, code: str, verifier: str, nonce: str) -> Identity:
        """Trade the code of the redirect and return who signed in.

        Reject when the answer does not prove it; Reconnect or Retry when the vendor refuses the code or is away.
        """
        tokens = self._oauth.finish(redirect_uri=redirect_uri, code=code, verifier=verifier)
        claims = self._verified(str(tokens.answer.get("id_token", "")), nonce)
        about = claims if not self._sign_in.person_path else self._asked(tokens.access_token, claims)
        email = str(about.get("email") or "")
        if not email:
            raise Reject("the vendor did not tell an e-mail address: allow it when you sign in")
        return Identity(
            issuer=self._sign_in.issuer,
            subject=str(claims["sub"]),
            email=email,
            email_is_verified=_said(about, "email_verified", "emailVerified") is True,
            name=str(about.get("name") or f"{_said(about, *_GIVEN) or ''} {_said(about, *_FAMILY) or ''}".strip()),
        )

    def _verified(self, token: str, nonce: str) -> Mapping[str, Any]:
        """Return the claims of an id token (OpenID Connect Core 3.1.3.7), by our clock."""
        try:
            key = _keys(self._endpoint.identity_url + self._sign_in.keys_path).get_signing_key_from_jwt(token)
            claims = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self._endpoint.client_id,
                issuer=self._sign_in.issuer,
                options={"require": _REQUIRED, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
        except PyJWKClientConnectionError as error:
            raise Retry(f"the vendor's keys cannot be read: {error}") from error
        except PyJWTError as error:
            raise Reject(f"the vendor's answer does not prove who signed in: {error}") from error
        self._check(claims, nonce)
        return claims

    def _check(self, claims: Mapping[str, Any], nonce: str) -> None:
        """Check what PyJWT would check by another clock than ours, and what it does not know of."""
        now = self._clock()
        if not isinstance(claims["exp"], int) or now.timestamp() >= claims["exp"] + CLOCK_SKEW.total_seconds():
            raise Reject("the vendor's answer is too old: sign in again")
        if not isinstance(claims["iat"], int) or now.timestamp() < claims["iat"] - CLOCK_SKEW.total_seconds():
            raise Reject("the vendor's answer is of a time to come: check this machine's clock")
        serves_others = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", "" if serves_others else self._endpoint.client_id) != self._endpoint.client_id:
            raise Reject("the vendor's answer was made for another app")
        sent = claims.get("nonce")
        if sent is None and not self._sign_in.repeats_nonce:
            return
        if not hmac.compare_digest(str(sent or ""), nonce):
            raise Reject("the vendor's answer belongs to another sign-in: sign in again")

    def _asked(self, access_token: str, claims: Mapping[str, Any]) -> Mapping[str, Any]:
        """Ask the vendor about the person; what it says of another person than the token's is not believed (5.3.2)."""
        url = (self._endpoint.person_url or self._endpoint.identity_url) + self._sign_in.person_path
        try:
            with session_for(url) as session:
                answer = session.get(
                    url, headers={"Authorization": f"Bearer {access_token}"}, timeout=CALL_TIMEOUT_SECONDS
                )
            answer.raise_for_status()
            about = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise Retry("the vendor does not tell who signed in: try again") from error
        if not isinstance(about, dict) or about.get("sub") != claims["sub"]:
            raise Reject("the vendor told of another person than the one who signed in")
        return about


def _said(about: Mapping[str, Any], *names: str) -> object:
    """Return what is told under the standard's name, or under Intuit's."""
    return next((about[name] for name in names if name in about), None)


@lru_cache(VENDORS_REMEMBERED)
def _keys(url: str) -> jwt.PyJWKClient:
    return jwt.PyJWKClient(url, timeout=CALL_TIMEOUT_SECONDS)
