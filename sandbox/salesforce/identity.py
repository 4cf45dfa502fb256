"""Sign-in to Salesforce: the web server flow with PKCE and secret, rotating refresh tokens, revocation, identity."""

from __future__ import annotations

import base64
import hashlib
import hmac

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from sandbox.oauth import Grant, OAuthRefused, client_of
from sandbox.salesforce.org import SalesforceOrg
from sandbox.standin import StandIn, json_response, route


class Identity(StandIn):
    """The OAuth endpoints. One consent covers one org."""

    orgs: dict[str, SalesforceOrg]

    @route("GET", "/services/oauth2/authorize")
    def authorize(self, request: Request) -> Response:
        """Consent at once for the org named by login_hint, or the first one."""
        query = request.args.to_dict()
        hint = query.get("login_hint", "").split(",")[0]
        org_id = hint if hint in self.orgs else next(iter(self.orgs), None)
        try:
            if org_id is None:
                raise OAuthRefused("access_denied", "there is no org")
            if not query.get("code_challenge"):
                raise OAuthRefused("invalid_request", "missing required code challenge")
            return redirect(self.oauth.authorize(query=query, accounts=(org_id,), extra={}))
        except OAuthRefused as refused:
            return _refusal(refused)

    @route("POST", "/services/oauth2/token")
    def token(self, request: Request) -> Response:
        """Answer a code or a refresh token with tokens."""
        try:
            self.oauth.check_client(*client_of(request))
            grant = self.oauth.trade(request.form)
        except OAuthRefused as refused:
            return _refusal(refused)
        return json_response(self._token_answer(grant, request), Cache_Control="no-store")

    @route("POST", "/services/oauth2/revoke")
    def revoke(self, request: Request) -> Response:
        """End a grant by either of its tokens."""
        token = request.form.get("token", "")
        if not any(token in (grant.access_token, grant.refresh_token) for grant in self.oauth.grants.values()):
            return _refusal(OAuthRefused("invalid_token", "invalid token"))
        self.oauth.revoke(token)
        return Response(status=200)

    @route("GET", "/id/<org_id>/<user_id>")
    def identity(self, request: Request, org_id: str, user_id: str) -> Response:
        """Tell who signed in."""
        org = self.orgs[org_id]
        host = request.host_url.rstrip("/")
        return json_response(
            {
                "id": f"{host}/id/{org_id}/{user_id}",
                "asserted_user": True,
                "user_id": user_id,
                "organization_id": org.org_id,
                "display_name": f"Integration user of {org.name}",
                "urls": {"rest": f"{host}/services/data/v{{version}}/"},
            }
        )

    def _token_answer(self, grant: Grant, request: Request) -> dict[str, str]:
        org = self.orgs[grant.accounts[0]]
        host = request.host_url.rstrip("/")
        identity = f"{host}/id/{org.org_id}/{org.user_id}"
        issued_at = str(int(self.clock().timestamp() * 1000))
        mac = hmac.new(self.oauth.client_secret.encode(), f"{identity}{issued_at}".encode(), hashlib.sha256)
        return {
            "access_token": grant.access_token,
            "refresh_token": grant.refresh_token,
            "signature": base64.b64encode(mac.digest()).decode(),
            "scope": grant.scope or "api refresh_token",
            "instance_url": host,
            "id": identity,
            "token_type": "Bearer",
            "issued_at": issued_at,
        }


def _refusal(refused: OAuthRefused) -> Response:
    return json_response({"error": refused.error, "error_description": refused.description}, 400)
