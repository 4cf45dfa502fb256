"""QuickBooks Online as a whole: limits, access of a token to a company, and webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from datetime import timedelta

from werkzeug.wrappers import Request, Response

from sandbox.limits import SlidingWindow
from sandbox.oauth import OAuthServer, bearer
from sandbox.quickbooks.api import ApiRoutes
from sandbox.quickbooks.books import QuickBooksBooks
from sandbox.quickbooks.ledger import Ledger, Verb
from sandbox.quickbooks.values import Fault, Record, respond, stamp
from sandbox.standin import Clock, Replays
from sandbox.webhooks import Courier

CALLS_PER_MINUTE = 500
CALLS_PER_SECOND = 10
BATCHES_PER_MINUTE = 40
REQUEST_ID_SECONDS = 86_400
_FIRST_REALM = 9_130_350_000_000_000
_NAMESPACE = uuid.UUID("0f6f2f0e-3a53-4a07-93b9-2f3ff9f2a4f1")


class QuickBooksStandIn(ApiRoutes):
    """A stand-in for QuickBooks Online."""

    name = "quickbooks"

    def __init__(self, *, clock: Clock, client_id: str, client_secret: str, verifier_token: str, seed: int = 0) -> None:
        oauth = OAuthServer(
            clock=clock, client_id=client_id, client_secret=client_secret,
            access_lifetime=timedelta(hours=1), refresh_lifetime=timedelta(days=100),
        )  # fmt: skip
        super().__init__(clock=clock, oauth=oauth, courier=Courier(clock))
        self.companies: dict[str, QuickBooksBooks] = {}
        self.replays = Replays(clock=clock, lifetime_seconds=REQUEST_ID_SECONDS)
        self._verifier_token = verifier_token
        self._seed = seed
        self._subscriber: str | None = None
        self._events = 0
        self._answered = 0
        self._limits: dict[str, tuple[SlidingWindow, SlidingWindow, SlidingWindow]] = {}

    def add_company(self, *, name: str, home_currency: str, multicurrency: bool = True) -> QuickBooksBooks:
        """Found a company."""
        realm_id = str(_FIRST_REALM + self._seed * 1_000 + len(self.companies) + 1)
        books = QuickBooksBooks(
            realm_id=realm_id, name=name, home_currency=home_currency, multicurrency=multicurrency,
            clock=self.clock, emit=self._emit, lock=self.lock,
        )  # fmt: skip
        self.companies[realm_id] = books
        self._limits[realm_id] = (
            SlidingWindow(limit=CALLS_PER_MINUTE, seconds=60, clock=self.clock),
            SlidingWindow(limit=CALLS_PER_SECOND, seconds=1, clock=self.clock),
            SlidingWindow(limit=BATCHES_PER_MINUTE, seconds=60, clock=self.clock),
        )
        return books

    def subscribe(self, url: str) -> None:
        """Send webhooks of all companies to `url`."""
        self._subscriber = url

    def before(self, request: Request, rule: str) -> Response | None:
        """Check token, company and limits of an API call."""
        if not rule.startswith("/v3/company/"):
            return None
        grant = self.oauth.grant_of(bearer(request))
        if grant is None:
            return self._gateway_fault(
                401, "AuthenticationFailed", "3200", "AUTHENTICATION", "Token expired or revoked"
            )
        realm_id = request.path.split("/")[3]
        if realm_id not in grant.accounts:
            return self._gateway_fault(
                403, "ApplicationAuthorizationFailed", "3100", "AuthorizationFault", "The token is not for this company"
            )
        a_minute, a_second, batches = self._limits[realm_id]
        windows = [a_minute, a_second] + ([batches] if rule.endswith("/batch") else [])
        if any(window.remaining() == 0 for window in windows):
            self.avoidable_429 += 1
            return self._gateway_fault(
                429, "ThrottleExceeded", "003001", "SERVICE", "The request limit was reached.  Try again later"
            )
        for window in windows:
            window.take()
        return None

    def _answer(self, request: Request) -> Response:
        response = super()._answer(request)
        self._answered += 1
        response.headers["intuit_tid"] = f"1-{uuid.uuid5(_NAMESPACE, f'{self._seed}:{self._answered}')}"
        return response

    def _gateway_fault(self, status: int, name: str, code: str, kind: str, detail: str) -> Response:
        number = code.zfill(6)
        fault = Fault(
            code, f"message={name}; errorCode={number}; statusCode={status}", detail, kind=kind, status=status
        )
        return respond({"Fault": fault.body, "time": stamp(self.clock())}, status)

    def _emit(self, books: Ledger, changes: list[tuple[str, str, Verb]]) -> None:
        if self._subscriber is None:
            return
        events = [self._event(books, name, object_id, verb) for name, object_id, verb in changes]
        body = json.dumps(events).encode()
        self.courier.send(
            url=self._subscriber, body=body,
            headers=self.signed(body),
            event_ids=tuple(str(event["id"]) for event in events),
        )  # fmt: skip

    def signed(self, body: bytes) -> dict[str, str]:
        """The headers of a webhook with this body."""
        return {"Content-Type": "application/json", "intuit-signature": sign(self._verifier_token, body)}

    def _event(self, books: Ledger, name: str, object_id: str, verb: Verb) -> Record:
        self._events += 1
        now = books.now()
        data = {"deletedid": books.merged[object_id]} if verb == "merged" else {}
        return {
            "specversion": "1.0", "id": str(uuid.uuid5(_NAMESPACE, f"event:{self._seed}:{self._events}")),
            "source": "intuit.truedue-sandbox", "type": f"qbo.{name.lower()}.{verb}.v1",
            "datacontenttype": "application/json", "time": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z",
            "intuitentityid": object_id, "intuitaccountid": books.realm_id, "data": data,
        }  # fmt: skip


def sign(verifier_token: str, body: bytes) -> str:
    """Return the `intuit-signature` of a webhook body: base64 of HMAC-SHA256 keyed with the verifier token."""
    return base64.b64encode(hmac.new(verifier_token.encode(), body, hashlib.sha256).digest()).decode()
