"""Stripe's API through the official SDK: bounded calls, plain dicts, errors named by what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import stripe

from connectors.contract import CALL_TIMEOUT_SECONDS, Access
from connectors.errors import Absent, ConnectorError, Fatal, Reconnect, Reject, Retry
from connectors.sessions import session_for

PAGE_SIZE = 100  # Stripe's largest
MAX_PAGES = 10_000  # of one list
_TOO_MANY = 429
MAX_HOLD_SECONDS = 600.0  # longest Retry-After that is believed

Row = dict[str, Any]
# Reads events, calls nothing: Stripe's SDK wants a client for both.
_READER = stripe.StripeClient("sk_of_nobody")


def notification(event: Row) -> stripe.v2.core.EventNotification:
    """Read a thin event by the SDK; ValueError when it is none. Its signature was checked before, by our clock."""
    try:
        return stripe.v2.core.EventNotification.from_json(event, _READER)
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"not a thin event of Stripe: {error!r}") from error


class NotPermitted(Reconnect):
    """The app lacks a permission of the account for this call; others may work."""


class Unknown(Fatal):
    """Stripe does not know, or not any more, what the call names."""


class Declined(Reject):
    """A payment was made and declined: `payment` is the PaymentIntent as it stands, with its last error."""

    def __init__(self, text: str, payment: Row) -> None:
        super().__init__(text, code="declined")
        self.payment = payment


class Client:
    """Calls for one account. Nothing is repeated except once after a refused token, with another token."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._session = session_for(access.endpoint.api_url)
        self._http = stripe.RequestsClient(timeout=CALL_TIMEOUT_SECONDS, session=self._session)

    def one(self, ask: Callable[[stripe.StripeClient], Any], *, urgent: bool) -> Row:
        """Read one object; Absent when there is none."""
        return self._call(ask, urgent=urgent)

    def pages(
        self, ask: Callable[[stripe.StripeClient, Any], Any], params: Row, *, urgent: bool
    ) -> Iterator[list[Row]]:
        """Yield the pages of a list, newest objects first."""
        cursor: Row = {}
        for _ in range(MAX_PAGES):
            asked = {**params, **cursor, "limit": PAGE_SIZE}
            page = self._call(lambda sdk, asked=asked: ask(sdk, asked), urgent=urgent)
            rows: list[Row] = page["data"]
            yield rows
            if not page["has_more"] or not rows:
                return
            cursor = {"starting_after": rows[-1]["id"]}
        raise Fatal(f"a list of Stripe has more than {MAX_PAGES} pages")

    def create(self, ask: Callable[[stripe.StripeClient], Any]) -> Row:
        """Make one object; `ask` gives the key by which Stripe makes it once."""
        return self._call(ask, urgent=True)

    def close(self) -> None:
        """Let go of connections."""
        self._session.close()

    def _call(self, ask: Callable[..., Any], *, urgent: bool) -> Row:
        token = self._access.token()
        try:
            return self._attempt(ask, token, urgent=urgent)
        except stripe.AuthenticationError:
            token = self._access.another(token)
        try:
            return self._attempt(ask, token, urgent=urgent)
        except stripe.AuthenticationError as error:
            raise Reconnect(f"Stripe no longer accepts the connection: {error.user_message}") from error

    def _attempt(self, ask: Callable[..., Any], token: str, *, urgent: bool) -> Row:
        self._access.budget.take(urgent=urgent)
        sdk = stripe.StripeClient(
            token,
            base_addresses={"api": self._access.endpoint.api_url},
            max_network_retries=0,
            http_client=self._http,
        )
        try:
            answer: Row = ask(sdk).to_dict()
        except stripe.AuthenticationError:
            raise
        except stripe.StripeError as error:
            raise self._named(error) from error
        return answer

    def _named(self, error: stripe.StripeError) -> ConnectorError:
        text = f"Stripe: {error.user_message or type(error).__name__}"
        status = error.http_status or 0
        if isinstance(error, stripe.RateLimitError) or status == _TOO_MANY:  # also of what stands before Stripe
            wait = _retry_after(error)
            self._access.budget.hold_off(wait)
            return Retry(text, after_seconds=wait)
        if isinstance(error, stripe.PermissionError):
            return NotPermitted(f"{text}; accept the app's permissions in Stripe")
        if status == 404:
            return Absent(text)
        if status == 409 or not 400 <= status < 500:  # a lock, a fault at Stripe's end, no answer or no readable one
            return Retry(text, ambiguous=True)
        told = cast("Row", error.json_body or {}).get("error") or {}
        if told.get("code") == "resource_missing":  # something that the request names
            return Unknown(text)
        payment: Row = told.get("payment_intent") or {}
        if payment.get("last_payment_error"):
            return Declined(text, payment)
        return Fatal(text)


def _retry_after(error: stripe.StripeError) -> float:
    """Return the wait that Stripe asks for; 2 s when it names none, as it usually does not."""
    # Of an answer that is no JSON the SDK keeps the headers where the body should be.
    headers = cast("Mapping[str, object]", error.headers or error.json_body or {})
    named = {name.lower(): value for name, value in headers.items()}
    header = str(named.get("retry-after", ""))
    return min(float(header), MAX_HOLD_SECONDS) if header.isascii() and header.isdecimal() else 2.0
