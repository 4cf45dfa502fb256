"""Xero as a whole: limits, access of a token to a tenant, and webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections import Counter
from datetime import timedelta

import requests
from werkzeug.wrappers import Request, Response

from sandbox.limits import SlidingWindow
from sandbox.oauth import OAuthServer, bearer
from sandbox.standin import Clock, Replays, json_response
from sandbox.webhooks import DELIVERY_TIMEOUT_SECONDS, Courier
from sandbox.xero import attachments, pay_buttons
from sandbox.xero.attachments import AttachmentRoutes
from sandbox.xero.batching import IDEMPOTENCY_SECONDS
from sandbox.xero.books import XeroBooks
from sandbox.xero.ledger import Ledger
from sandbox.xero.reading import API
from sandbox.xero.values import Record, stable_id

CALLS_PER_MINUTE = 60
CALLS_PER_DAY = 5_000
CONCURRENT_CALLS = 5
APP_CALLS_PER_MINUTE = 10_000
_DAY_SECONDS = 86_400
_SCOPES = {"PaymentServices": pay_buttons.SCOPE, "Attachments": attachments.SCOPE}  # of paths that few consents reach


class XeroStandIn(AttachmentRoutes):
    """A stand-in for Xero. `intent_to_receive_ok` is None until `subscribe` has tried the subscriber."""

    name = "xero"

    def __init__(self, *, clock: Clock, client_id: str, client_secret: str, webhook_key: str, seed: int = 0) -> None:
        oauth = OAuthServer(
            clock=clock, client_id=client_id, client_secret=client_secret,
            access_lifetime=timedelta(minutes=30), refresh_lifetime=timedelta(days=60),
        )  # fmt: skip
        super().__init__(clock=clock, oauth=oauth, courier=Courier(clock))
        self.organisations: dict[str, XeroBooks] = {}
        self.replays = Replays(clock=clock, lifetime_seconds=IDEMPOTENCY_SECONDS)
        self.intent_to_receive_ok: bool | None = None
        self._webhook_key = webhook_key
        self._seed = seed
        self._subscriber: str | None = None
        self._sequence = 0
        self._minute: dict[str, SlidingWindow] = {}
        self._day: dict[str, SlidingWindow] = {}
        self._app = SlidingWindow(limit=APP_CALLS_PER_MINUTE, seconds=60, clock=clock)
        self._in_flight: Counter[str] = Counter()
        self._flight_lock = threading.Lock()

    def add_organisation(self, *, name: str, base_currency: str, short_code: str) -> XeroBooks:
        """Found an organisation."""
        tenant_id = stable_id("organisation", self._seed, len(self.organisations) + 1)
        books = XeroBooks(
            tenant_id=tenant_id, name=name, base_currency=base_currency, short_code=short_code,
            clock=self.clock, emit=self._emit, lock=self.lock,
        )  # fmt: skip
        self.organisations[tenant_id] = books
        books.add_branding_theme("Standard")
        self._minute[tenant_id] = SlidingWindow(limit=CALLS_PER_MINUTE, seconds=60, clock=self.clock)
        self._day[tenant_id] = SlidingWindow(limit=CALLS_PER_DAY, seconds=_DAY_SECONDS, clock=self.clock)
        return books

    def subscribe(self, url: str, *, check_intent: bool = True) -> None:
        """Send webhooks of all organisations to `url`, after the intent-to-receive check unless that is left out."""
        if check_intent:
            self.intent_to_receive_ok = self._intent_to_receive(url)
        self._subscriber = url

    def before(self, request: Request, rule: str) -> Response | None:
        """Check token, tenant and limits of an accounting call."""
        if not rule.startswith(API):
            return None
        grant = self.oauth.grant_of(bearer(request))
        if grant is None:
            return self.unauthorised()
        if any(part in rule and scope not in grant.scope.split() for part, scope in _SCOPES.items()):
            detail = {"Type": None, "Title": "Unauthorized", "Status": 401, "Detail": "AuthorizationUnsuccessful"}
            return json_response({**detail, "Instance": stable_id(self.clock()), "Extensions": {}}, 401)
        tenant_id = request.headers.get("xero-tenant-id", "")
        if tenant_id not in grant.accounts:
            detail = {"Type": None, "Title": "Forbidden", "Status": 403, "Detail": "AuthenticationUnsuccessful"}
            return json_response({**detail, "Instance": stable_id(self.clock()), "Extensions": {}}, 403)
        for problem, window in (
            ("day", self._day[tenant_id]),
            ("minute", self._minute[tenant_id]),
            ("appminute", self._app),
        ):
            if window.remaining() == 0:
                return self._too_many(problem, window.retry_after())
        for window in (self._day[tenant_id], self._minute[tenant_id], self._app):
            window.take()
        return None

    def _answer(self, request: Request) -> Response:
        tenant_id = request.headers.get("xero-tenant-id", "")
        with self._flight_lock:
            busy = self._in_flight[tenant_id] >= CONCURRENT_CALLS and tenant_id in self.organisations
            self._in_flight[tenant_id] += 1
        try:
            response = self._too_many("concurrent", 1) if busy else super()._answer(request)
        finally:
            with self._flight_lock:
                self._in_flight[tenant_id] -= 1
        if tenant_id in self.organisations:
            response.headers["X-DayLimit-Remaining"] = str(self._day[tenant_id].remaining())
            response.headers["X-MinLimit-Remaining"] = str(self._minute[tenant_id].remaining())
            response.headers["X-AppMinLimit-Remaining"] = str(self._app.remaining())
        return response

    def _too_many(self, problem: str, retry_after: int) -> Response:
        self.avoidable_429 += 1
        response = Response(status=429)
        response.headers["Retry-After"] = str(retry_after)
        response.headers["X-Rate-Limit-Problem"] = problem
        return response

    def _emit(self, books: Ledger, category: str, event: str, record: Record) -> None:
        if self._subscriber is None:
            return
        self._sequence += 1
        collection, id_field = {
            "INVOICE": ("Invoices", "InvoiceID"),
            "CONTACT": ("Contacts", "ContactID"),
            "CREDITNOTE": ("CreditNotes", "CreditNoteID"),
        }[category]
        told: Record = {
            "resourceUrl": f"https://api.xero.com{API}/{collection}/{record[id_field]}", "resourceId": record[id_field],
            "tenantId": books.tenant_id, "tenantType": "ORGANISATION", "eventCategory": category, "eventType": event,
            "eventDateUtc": f"{books.now():%Y-%m-%dT%H:%M:%S}.{books.now().microsecond // 1000:03d}",
        }  # fmt: skip
        if category == "CREDITNOTE":
            told["data"] = {"Type": record["Type"], "Status": record["Status"]}
        body = self._webhook_body([told])
        self.courier.send(
            url=self._subscriber, body=body, headers=self.signed(body), event_ids=(f"xero-{self._sequence}",)
        )

    def _webhook_body(self, events: list[Record]) -> bytes:
        entropy = stable_id("entropy", self._seed, self._sequence).replace("-", "")[:20].upper()
        frame = {"events": events, "firstEventSequence": self._sequence, "lastEventSequence": self._sequence}
        return json.dumps({**frame, "entropy": entropy}).encode()

    def signed(self, body: bytes) -> dict[str, str]:
        """The headers of a webhook with this body."""
        digest = hmac.new(self._webhook_key.encode(), body, hashlib.sha256).digest()
        return {"Content-Type": "application/json", "x-xero-signature": base64.b64encode(digest).decode()}

    def _intent_to_receive(self, url: str) -> bool:
        body = self._webhook_body([])
        good, bad = self.signed(body), {**self.signed(body), "x-xero-signature": base64.b64encode(b"wrong").decode()}
        with requests.Session() as session:
            session.trust_env = False
            for headers, expected in ((good, 200), (bad, 401), (good, 200), (bad, 401)):
                try:
                    answer = session.post(url, data=body, headers=headers, timeout=DELIVERY_TIMEOUT_SECONDS)
                except requests.RequestException:
                    return False
                if answer.status_code != expected or answer.content or answer.cookies:
                    return False
        return True
