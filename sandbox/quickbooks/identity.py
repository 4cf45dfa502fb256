"""Intuit's OAuth 2 service: discovery document, consent of one company, rolling refresh tokens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from sandbox.oauth import Grant, OAuthRefused, bearer, client_of
from sandbox.openid import ID_TOKEN_LIFETIME
from sandbox.quickbooks.values import Record
from sandbox.standin import StandIn, json_response, route

if TYPE_CHECKING:
    from sandbox.quickbooks.books import QuickBooksBooks

ISSUER = "https://oauth.platform.intuit.com/op/v1"


class IdentityRoutes(StandIn):
    """Routes that Intuit serves at appcenter.intuit.com, oauth.platform.intuit.com and developer.intuit.com."""

    companies: dict[str, QuickBooksBooks]

    @route("GET", "/.well-known/openid_configuration")
    @route("GET", "/.well-known/openid_configuration/")
    def discovery(self, request: Request) -> Response:
        """Where the other addresses are."""
        here = request.host_url.rstrip("/")
        return json_response({
            "issuer": here, "authorization_endpoint": f"{here}/connect/oauth2",
            "token_endpoint": f"{here}/oauth2/v1/tokens/bearer",
            "revocation_endpoint": f"{here}/v2/oauth2/tokens/revoke",
            "userinfo_endpoint": f"{here}/v1/openid_connect/userinfo", "jwks_uri": f"{here}/op/v1/jwks",
            "response_types_supported": ["code"], "grant_types_supported": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        })  # fmt: skip

    @route("GET", "/connect/oauth2")
    def authorize(self, request: Request) -> Response:
        """Consent at once, for the company of `login_hint` or the first; the redirect carries realmId."""
        query = request.args.to_dict()
        hinted = query.get("login_hint", "").split(",")[0]
        realm_id = hinted if hinted in self.companies else next(iter(self.companies), "")
        try:
            if not realm_id:
                raise OAuthRefused("access_denied", "there is no company")
            return redirect(self.oauth.authorize(query=query, accounts=(realm_id,), extra={"realmId": realm_id}))
        except OAuthRefused as refused:
            return json_response({"error": refused.error, "error_description": refused.description}, 400)

    @route("POST", "/oauth2/v1/tokens/bearer")
    def token(self, request: Request) -> Response:
        """Trade a code or a refresh token for tokens."""
        try:
            self.oauth.check_client(*client_of(request))
            grant = self.oauth.trade(request.form)
        except OAuthRefused as refused:
            body = {"error": refused.error, "error_description": refused.description}
            return json_response(body, 401 if refused.error == "invalid_client" else 400)
        answer: Record = {
            "access_token": grant.access_token,
            "refresh_token": grant.refresh_token,
            "token_type": "bearer",
        }
        answer["expires_in"] = int(self.oauth.access_lifetime.total_seconds())
        answer["x_refresh_token_expires_in"] = int((grant.refresh_expires_at - self.clock()).total_seconds())
        if "openid" in grant.scope.split() and request.form.get("grant_type") == "authorization_code":
            answer["id_token"] = self.signer.sign(self.id_claims(grant))
        return json_response(answer)

    def id_claims(self, grant: Grant) -> Record:
        """What an id token says: who it is, and neither an address nor the nonce that was sent."""
        now = int(self.clock().timestamp())
        return {
            "iss": ISSUER, "aud": [self.oauth.client_id], "sub": self.signer.visitor.subject, "auth_time": now,
            "iat": now, "exp": now + int(ID_TOKEN_LIFETIME.total_seconds()), "realmid": grant.accounts[0],
        }  # fmt: skip

    @route("GET", "/op/v1/jwks")
    def keys(self, request: Request) -> Response:
        """The keys that id tokens are signed with."""
        del request
        return json_response(self.signer.keys())

    @route("GET", "/v1/openid_connect/userinfo")
    def user_info(self, request: Request) -> Response:
        """Who signed in, as far as they allowed."""
        grant = self.oauth.grant_of(bearer(request))
        if grant is None:
            return json_response({"error": "invalid_token"}, 401)
        who, scopes = self.signer.visitor, grant.scope.split()
        answer: Record = {"sub": who.subject}
        if "email" in scopes:
            answer |= {"email": who.email, "emailVerified": who.email_verified}
        if "profile" in scopes:
            answer |= {"givenName": who.given_name, "familyName": who.family_name}
        return json_response(answer)

    @route("POST", "/v2/oauth2/tokens/revoke")
    def revoke(self, request: Request) -> Response:
        """End a consent."""
        try:
            self.oauth.check_client(*client_of(request))
        except OAuthRefused as refused:
            return json_response({"error": refused.error}, 401)
        self.oauth.revoke(_token_to_revoke(request))
        return Response(status=200)


def _token_to_revoke(request: Request) -> str:
    if "token" in request.form:
        return request.form["token"]
    try:
        body = json.loads(request.get_data() or b"{}")
    except ValueError:
        return ""
    return str(body.get("token", "")) if isinstance(body, dict) else ""
