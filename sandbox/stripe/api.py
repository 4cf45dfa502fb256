"""The Stripe stand-in: every account on one host, the limit of calls a second, signed events."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import timedelta
from functools import partial
from html import escape

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from sandbox.limits import SlidingWindow
from sandbox.oauth import OAuthServer
from sandbox.standin import Clock, Replays, json_response, route
from sandbox.stripe.account import StripeAccount
from sandbox.stripe.books import API_VERSION
from sandbox.stripe.cash import CASH_METHOD
from sandbox.stripe.objects import Object
from sandbox.stripe.refusal import Refused
from sandbox.stripe.thin import thin_event
from sandbox.stripe.writes import Writes
from sandbox.webhooks import Courier

ACCESS_LIFETIME = timedelta(hours=1)
REFRESH_LIFETIME = timedelta(days=365)
REQUESTS_PER_SECOND = 25  # a sandbox; live mode has 100
REPLAY_SECONDS = 24 * 3600
_BUTTONS = {CASH_METHOD: "Show where to transfer it to", "us_bank_account": "Link the bank account"}


class StripeStandIn(Writes):
    """Serves every account of `accounts`; each may make `requests_per_second` calls a second."""

    name = "stripe"

    def __init__(
        self,
        *,
        clock: Clock,
        client_id: str,
        client_secret: str,
        webhook_secret: str,
        seed: int = 0,
        requests_per_second: int = REQUESTS_PER_SECOND,
    ) -> None:
        oauth = OAuthServer(clock, client_id, client_secret, ACCESS_LIFETIME, REFRESH_LIFETIME, rotates=True)
        super().__init__(clock=clock, oauth=oauth, courier=Courier(clock))
        self.accounts: dict[str, StripeAccount] = {}
        self.webhook_secret = webhook_secret
        self.requests_per_second = requests_per_second
        self._subscribers: list[tuple[str, bool]] = []
        self._windows: dict[str, SlidingWindow] = {}
        self._replays = Replays(clock=clock, lifetime_seconds=REPLAY_SECONDS)
        self._seed = seed
        self._requests = 0

    def add_account(self, *, name: str, currency: str, country: str) -> StripeAccount:
        """Open an account."""
        account = StripeAccount(
            name=name,
            currency=currency,
            country=country,
            seed=f"{self._seed}/{len(self.accounts)}",
            clock=self.clock,
            lock=self.lock,
            publish=self._publish,
        )
        self.accounts[account.account_id] = account
        self._windows[account.account_id] = SlidingWindow(limit=self.requests_per_second, seconds=1, clock=self.clock)
        return account

    def subscribe(self, url: str, *, thin: bool = False) -> None:
        """Send every account's events there from now on, as snapshots of their objects or as their names alone."""
        self._subscribers.append((url, thin))

    def before(self, request: Request, rule: str) -> Response | None:
        """Refuse a bad key, and what is over the limit of calls a second."""
        self._requests += 1
        request.environ["sandbox.request_id"] = f"req_{self._seed}{self._requests:010d}"
        if not rule.startswith("/v1/") or rule == "/v1/oauth/token":
            return None
        account = self.account_of(request)
        if not self._windows[account.account_id].take():
            self.avoidable_429 += 1
            error = Refused("Request rate limit exceeded.", code="rate_limit").error
            return json_response({"error": error}, 429, Stripe_Rate_Limited_Reason="global-rate")
        return None

    def after(self, request: Request, response: Response) -> Response:
        """Name the request and the version of the API."""
        response.headers["Request-Id"] = request.environ["sandbox.request_id"]
        response.headers["Stripe-Version"] = request.headers.get("Stripe-Version", API_VERSION)
        return response

    def not_found(self, request: Request) -> Response:
        """Answer an unknown path as Stripe does."""
        message = f"Unrecognized request URL ({request.method}: {request.path})."
        return json_response({"error": {"type": "invalid_request_error", "message": message}}, 404)

    @route("GET", "/c/pay/<id>")
    def pay_page(self, request: Request, id: str) -> Response:
        """Show the page that a pay link opens."""
        session = self._account_of_session(id).checkout_sessions[id]
        is_setup = session["mode"] == "setup"
        amount = "Save" if is_setup else f"{session['amount_total']} {session['currency'].upper()} (minor units)"
        methods = session["payment_method_types"]
        words = _BUTTONS.get(methods[0], "Save the card" if is_setup else "Pay by card")
        button = f'<form method="post"><button>{words}</button></form>' if session["status"] == "open" else ""
        page = f"<!doctype html><title>Checkout</title><p>{escape(amount)}: {session['status']}</p>{button}"
        return Response(page, content_type="text/html; charset=utf-8")

    @route("POST", "/c/pay/<id>")
    def pay_on_page(self, request: Request, id: str) -> Response:
        """Pay by card, ask where to transfer the money to, or save a card, and send the payer back."""
        account = self._account_of_session(id)
        if account.checkout_sessions[id]["mode"] == "setup":
            offered = account.checkout_sessions[id]["payment_method_types"]
            account.complete_setup(id, method=offered[0])
        else:
            account.complete_checkout(id)
        return redirect(account.checkout_sessions[id]["success_url"].replace("{CHECKOUT_SESSION_ID}", id), 303)

    def _account_of_session(self, id: str) -> StripeAccount:
        for account in self.accounts.values():
            if id in account.checkout_sessions:
                return account
        raise Refused.missing("checkout.session", id, param="id", status=404)

    def _publish(self, event: Object) -> int:
        snapshot = {**event, "pending_webhooks": len(self._subscribers)}
        for url, is_thin in self._subscribers:
            told = thin_event(event) if is_thin else snapshot
            body = json.dumps(told).encode()
            self.courier.send(
                url=url,
                body=body,
                headers={"Content-Type": "application/json; charset=utf-8"},
                event_ids=(told["id"],),
                sign=partial(self.signed, body),
            )
        return len(self._subscribers)

    def signed(self, body: bytes) -> dict[str, str]:
        """The headers of a webhook with this body."""
        return {"Stripe-Signature": self.signature(body)}

    def signature(self, body: bytes) -> str:
        """Sign a webhook's body with the time of the clock, as each attempt is signed anew."""
        moment = int(self.clock().timestamp())
        mac = hmac.new(self.webhook_secret.encode(), f"{moment}.".encode() + body, hashlib.sha256)
        return f"t={moment},v1={mac.hexdigest()}"
