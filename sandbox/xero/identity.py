"""Xero's identity service: consent over several organisations, rotating tokens, connections."""

from __future__ import annotations

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from sandbox.oauth import Grant, OAuthRefused, bearer, client_of
from sandbox.openid import ID_TOKEN_LIFETIME
from sandbox.standin import StandIn, json_response, route
from sandbox.xero.books import XeroBooks
from sandbox.xero.values import Record, stable_id

ISSUER = "https://identity.xero.com"


class IdentityRoutes(StandIn):
    """Routes that Xero serves at identity.xero.com, login.xero.com and /connections."""

    organisations: dict[str, XeroBooks]

    @route("GET", "/identity/connect/authorize")
    def authorize(self, request: Request) -> Response:
        """Consent at once, for `login_hint` tenants or all."""
        query = request.args.to_dict()
        hinted = tuple(hint for hint in query.get("login_hint", "").split(",") if hint in self.organisations)
        try:
            accounts = hinted or tuple(self.organisations)
            return redirect(
                self.oauth.authorize(query=query, accounts=accounts, extra={"scope": query.get("scope", "")})
            )
        except OAuthRefused as refused:
            return json_response({"error": refused.error, "error_description": refused.description}, 400)

    @route("POST", "/connect/token")
    def token(self, request: Request) -> Response:
        """Trade a code or a refresh token for tokens."""
        try:
            self.oauth.check_client(*client_of(request))
            grant = self.oauth.trade(request.form)
        except OAuthRefused as refused:
            return json_response({"error": refused.error}, 400)
        answer: Record = {"access_token": grant.access_token, "token_type": "Bearer", "scope": grant.scope}
        answer["expires_in"] = int(self.oauth.access_lifetime.total_seconds())
        if "offline_access" in grant.scope.split():
            answer["refresh_token"] = grant.refresh_token
        if "openid" in grant.scope.split() and request.form.get("grant_type") == "authorization_code":
            answer["id_token"] = self.signer.sign(self.id_claims(grant))
        return json_response(answer)

    def id_claims(self, grant: Grant) -> Record:
        """What an id token says; it says of no address whether it is verified."""
        who, scopes, now = self.signer.visitor, grant.scope.split(), int(self.clock().timestamp())
        claims: Record = {
            "iss": ISSUER, "aud": self.oauth.client_id, "sub": who.subject, "xero_userid": who.subject,
            "nbf": now, "iat": now, "auth_time": now, "exp": now + int(ID_TOKEN_LIFETIME.total_seconds()),
        }  # fmt: skip
        if grant.nonce:
            claims["nonce"] = grant.nonce
        if "email" in scopes:
            claims["email"] = who.email
        if "profile" in scopes:
            claims |= {"given_name": who.given_name, "family_name": who.family_name, "preferred_username": who.email}
            claims["name"] = f"{who.given_name} {who.family_name}"
        return claims

    @route("GET", "/.well-known/openid-configuration/jwks")
    def keys(self, request: Request) -> Response:
        """The keys that id tokens are signed with."""
        del request
        return json_response(self.signer.keys())

    @route("POST", "/connect/revocation")
    def revocation(self, request: Request) -> Response:
        """End a consent with all its connections."""
        try:
            self.oauth.check_client(*client_of(request))
        except OAuthRefused as refused:
            return json_response({"error": refused.error}, 400)
        self.oauth.revoke(request.form.get("token", ""))
        return Response(status=200)

    @route("GET", "/connections")
    def connections(self, request: Request) -> Response:
        """List the tenants of the consent behind the token."""
        grant = self.oauth.grant_of(bearer(request))
        if grant is None:
            return self.unauthorised()
        return json_response([self._connection(grant, tenant_id) for tenant_id in grant.accounts])

    @route("DELETE", "/connections/<connection_id>")
    def disconnect(self, request: Request, connection_id: str) -> Response:
        """Take one tenant out of the consent."""
        grant = self.oauth.grant_of(bearer(request))
        if grant is None:
            return self.unauthorised()
        kept = tuple(a for a in grant.accounts if stable_id(grant.grant_id, a) != connection_id)
        if kept == grant.accounts:
            return json_response({"Title": "Not Found", "Status": 404}, 404)
        grant.accounts = kept
        return Response(status=204)

    def unauthorised(self) -> Response:
        """Answer a token that is unknown, expired or revoked."""
        detail = {"Type": None, "Title": "Unauthorized", "Status": 401, "Detail": "TokenExpired: token expired"}
        return json_response({**detail, "Instance": stable_id(self.clock()), "Extensions": {}}, 401)

    def _connection(self, grant: Grant, tenant_id: str) -> Record:
        books = self.organisations[tenant_id]
        stamp = f"{books.created_at:%Y-%m-%dT%H:%M:%S.%f}0"
        return {
            "id": stable_id(grant.grant_id, tenant_id), "authEventId": stable_id(grant.grant_id), "tenantId": tenant_id,
            "tenantType": "ORGANISATION", "tenantName": books.name, "createdDateUtc": stamp, "updatedDateUtc": stamp,
        }  # fmt: skip
