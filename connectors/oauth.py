"""OAuth 2 with PKCE and state for every vendor, by requests-oauthlib."""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests
from oauthlib.oauth2 import OAuth2Error
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from connectors.contract import CALL_TIMEOUT_SECONDS, Endpoint, OAuthShape
from connectors.errors import Reconnect, Retry

for _talkative in ("requests_oauthlib", "oauthlib"):
    logging.getLogger(_talkative).setLevel(logging.INFO)  # below it they tell tokens and the client's secret
_DEFAULT_ACCESS_LIFETIME = timedelta(hours=1)  # Salesforce does not state one


@dataclass(frozen=True, slots=True)
class TokenSet:
    """The tokens of one consent. `answer` is the vendor's whole token answer, for account discovery."""

    access_token: str
    refresh_token: str
    expires_at: datetime
    answer: Mapping[str, object]

    @property
    def scopes(self) -> str | None:
        """What the consent covers as the vendor says it, with spaces between; None where it does not say."""
        told = self.answer.get("scope")
        return " ".join(map(str, told)) if isinstance(told, list | tuple) else str(told) if told else None


@dataclass(frozen=True, slots=True)
class Authorization:
    """Where to send the person, and what to keep until they return."""

    url: str
    state: str
    verifier: str


class OAuthFlow:
    """The consent of one vendor."""

    def __init__(self, shape: OAuthShape, endpoint: Endpoint, clock: Callable[[], datetime]) -> None:
        self._shape = shape
        self._endpoint = endpoint
        self._clock = clock
        if urlsplit(endpoint.identity_url).hostname in ("127.0.0.1", "localhost"):
            # oauthlib refuses plain http; a stand-in on this machine has nothing else.
            os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

    def begin(self, redirect_uri: str, *, nonce: str = "") -> Authorization:
        """Make the address of the vendor's consent page with a fresh state and PKCE verifier.

        `nonce` is sent along where somebody signs in (OpenID Connect).
        """
        verifier = secrets.token_urlsafe(48)
        challenge = {"code_challenge": _s256(verifier), "code_challenge_method": "S256"} if self._shape.pkce else {}
        said = challenge | ({"nonce": nonce} if nonce else {})
        url, state = self._session(redirect_uri).authorization_url(
            (self._endpoint.authorize_url or self._endpoint.identity_url) + self._shape.authorize_path, **said
        )
        return Authorization(url=url, state=state, verifier=verifier if self._shape.pkce else "")

    def finish(self, *, redirect_uri: str, code: str, verifier: str) -> TokenSet:
        """Trade the code of the redirect for tokens; Reconnect when the vendor refuses it."""
        return self._tokens(
            lambda session: session.fetch_token(
                self._endpoint.identity_url + self._shape.token_path,
                code=code,
                code_verifier=verifier or None,
                auth=self._client_auth(),
                include_client_id=self._shape.client_in_body or None,
                client_secret=self._endpoint.client_secret if self._shape.client_in_body else None,
                timeout=CALL_TIMEOUT_SECONDS,
            ),
            redirect_uri,
            keep_refresh="",
        )

    def refresh(self, refresh_token: str) -> TokenSet:
        """Trade a refresh token for new tokens; Reconnect when it is no longer accepted."""
        body: dict[str, Any] = (
            {"client_id": self._endpoint.client_id, "client_secret": self._endpoint.client_secret}
            if self._shape.client_in_body
            else {}
        )
        return self._tokens(
            lambda session: session.refresh_token(
                self._endpoint.identity_url + self._shape.token_path,
                refresh_token=refresh_token,
                auth=self._client_auth(),
                timeout=CALL_TIMEOUT_SECONDS,
                **body,
            ),
            "",
            keep_refresh=refresh_token,
        )

    def revoke(self, token: str, *, account: str = "") -> None:
        """Tell the vendor that the consent is over; a vendor that cannot be reached keeps it until it expires.

        `account` is the vendor's id of the account, for vendors that end a consent by it.
        """
        field = self._shape.revoke_account_field
        form = {"client_id": self._endpoint.client_id, field: account} if field else {"token": token}
        try:
            answer = requests.post(
                (self._endpoint.revoke_url or self._endpoint.identity_url) + self._shape.revoke_path,
                data=form,
                auth=self._basic(),
                timeout=CALL_TIMEOUT_SECONDS,
            )
            _check_it_answered(answer)
        except requests.RequestException as error:
            raise Retry(f"the consent could not be revoked: {error}") from error

    def _session(self, redirect_uri: str) -> OAuth2Session:
        session = OAuth2Session(
            self._endpoint.client_id,
            scope=[*self._shape.scopes, *(self._shape.more_scopes if self._endpoint.more_scopes else ())],
            redirect_uri=redirect_uri,
        )
        for answer in ("access_token_response", "refresh_token_response"):
            session.register_compliance_hook(answer, _check_it_answered)
        return session

    def _client_auth(self) -> HTTPBasicAuth | None:
        return None if self._shape.client_in_body else self._basic()

    def _basic(self) -> HTTPBasicAuth:
        if self._shape.secret_as_username:
            return HTTPBasicAuth(self._endpoint.client_secret, "")
        return HTTPBasicAuth(self._endpoint.client_id, self._endpoint.client_secret)

    def _tokens(
        self, ask: Callable[[OAuth2Session], dict[str, Any]], redirect_uri: str, *, keep_refresh: str
    ) -> TokenSet:
        with self._session(redirect_uri) as session:
            try:
                answer = ask(session)
            except Warning as changed:
                # oauthlib raises this when the vendor grants other scopes than asked for (Stripe names its own, people
                # may grant fewer): what was granted is the vendor's to say, and a missing scope shows at the call.
                answer = dict(vars(changed)["token"])
            except OAuth2Error as error:
                raise Reconnect(f"the vendor refused the consent: {error.description or error.error}") from error
            except requests.RequestException as error:
                raise Retry(f"the vendor's identity server cannot be reached: {error}") from error
        lifetime = (
            timedelta(seconds=float(answer["expires_in"])) if "expires_in" in answer else _DEFAULT_ACCESS_LIFETIME
        )
        return TokenSet(
            access_token=str(answer["access_token"]),
            refresh_token=str(answer.get("refresh_token") or keep_refresh),
            expires_at=self._clock() + lifetime,
            answer=answer,
        )


def _check_it_answered(response: requests.Response) -> requests.Response:
    """Raise HTTPError for an identity server that is down or busy: that says nothing about the consent."""
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS or response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        response.raise_for_status()
    return response


def _s256(verifier: str) -> str:
    """Return the PKCE challenge of `verifier` (RFC 7636 section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
