"""Who may act for which account: consent to a Stripe App, rotating tokens, account keys, the platform's own key."""

from __future__ import annotations

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from sandbox.oauth import OAuthRefused
from sandbox.standin import StandIn, json_response, route
from sandbox.stripe.account import StripeAccount
from sandbox.stripe.refusal import Refused


class Identity(StandIn):
    """The OAuth endpoints and the check of every key. One consent covers one account."""

    accounts: dict[str, StripeAccount]

    @route("GET", "/oauth/v2/authorize")
    @route("GET", "/oauth/authorize")
    def authorize(self, request: Request) -> Response:
        """Consent at once for the account named by login_hint, or the first one."""
        query = request.args.to_dict()
        hint = query.get("login_hint", "").split(",")[0]
        account_id = hint if hint in self.accounts else next(iter(self.accounts), None)
        try:
            if account_id is None:
                raise OAuthRefused("access_denied", "there is no account")
            return redirect(self.oauth.authorize(query=query, accounts=(account_id,), extra={}))
        except OAuthRefused as refused:
            return _refusal(refused)

    @route("POST", "/v1/oauth/token")
    @route("POST", "/oauth/token")
    def token(self, request: Request) -> Response:
        """Answer a code or a refresh token with tokens; the app's secret key authenticates."""
        form = request.form
        try:
            self.oauth.check_client(self.oauth.client_id, _key(request) or form.get("client_secret"))
            grant = self.oauth.trade(form, names_redirect=False)
        except OAuthRefused as refused:
            return _refusal(refused)
        account = self.accounts[grant.accounts[0]]
        return json_response(
            {
                "access_token": grant.access_token,
                "livemode": False,
                "refresh_token": grant.refresh_token,
                "scope": "stripe_apps",
                "stripe_publishable_key": account.secret_key.replace("sk", "pk", 1),
                "stripe_user_id": account.account_id,
                "token_type": "bearer",
            }
        )

    @route("POST", "/oauth/deauthorize")
    def deauthorize(self, request: Request) -> Response:
        """End the app's access to an account."""
        account_id = request.form.get("stripe_user_id", "")
        try:
            self.oauth.check_client(request.form.get("client_id"), _key(request))
            grants = [g for g in self.oauth.grants.values() if account_id in g.accounts and not g.revoked]
            if not grants:
                raise OAuthRefused("invalid_client", f"This application is not connected to account {account_id}")
        except OAuthRefused as refused:
            return _refusal(refused)
        for grant in grants:
            grant.revoked = True
        application = {"id": self.oauth.client_id, "name": "TrueDue", "object": "application"}
        self.accounts[account_id].emit("account.application.deauthorized", application)
        return json_response({"stripe_user_id": account_id})

    def account_of(self, request: Request) -> StripeAccount:
        """Return the account that a request acts for; Refused 401 without a key and 403 for another's account."""
        key = _key(request)
        if not key:
            raise Refused("You did not provide an API key.", status=401)
        named = request.headers.get("Stripe-Account")
        own = next((a.account_id for a in self.accounts.values() if a.secret_key == key), None)
        grant = self.oauth.grant_of(key)
        if own is not None:
            reachable = {own}
        elif grant is not None:
            reachable = set(grant.accounts)
        elif key == self.oauth.client_secret:
            reachable = {one for g in self.oauth.grants.values() if not g.revoked for one in g.accounts}
        elif any(g.access_token == key and not g.revoked for g in self.oauth.grants.values()):
            raise Refused(f"Expired API Key provided: {_masked(key)}", status=401, code="api_key_expired")
        else:
            raise Refused(f"Invalid API Key provided: {_masked(key)}", status=401)
        account_id = named or (next(iter(reachable)) if key != self.oauth.client_secret else "")
        if account_id not in reachable:
            message = (
                f"The provided key '{_masked(key)}' does not have access to account '{account_id}' "
                "(or that account does not exist). Application access may have been revoked."
            )
            raise Refused(message, status=403, code="account_invalid")
        return self.accounts[account_id]


def _key(request: Request) -> str | None:
    given = request.authorization
    if given is None:
        return None
    return given.username if given.type == "basic" else given.token


def _masked(key: str) -> str:
    return f"****{key[-4:]}"


def _refusal(refused: OAuthRefused) -> Response:
    status = 401 if refused.error == "invalid_client" else 400
    return json_response({"error": refused.error, "error_description": refused.description}, status)
