"""The Salesforce stand-in: one host for all orgs; the access token decides which org answers."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from werkzeug.wrappers import Request, Response

from sandbox.limits import SlidingWindow
from sandbox.oauth import OAuthServer
from sandbox.salesforce.identity import Identity
from sandbox.salesforce.org import SalesforceOrg
from sandbox.salesforce.queries import DATA, Queries
from sandbox.salesforce.refusal import Refused
from sandbox.salesforce.writes import Writes
from sandbox.standin import Clock, json_response, route
from sandbox.webhooks import Courier

ACCESS_LIFETIME = timedelta(hours=2)
REFRESH_IDLE = timedelta(days=30)
DAY_SECONDS = 24 * 3600
DAILY_LIMIT = 100_000
OLDEST_VERSION, NEWEST_VERSION = 50, 67


class SalesforceStandIn(Identity, Queries, Writes):
    """Serves every org of `orgs`. Each org may make `daily_limit` calls within 24 hours."""

    name = "salesforce"

    def __init__(
        self, *, clock: Clock, client_id: str, client_secret: str, seed: int = 0, daily_limit: int = DAILY_LIMIT
    ) -> None:
        oauth = OAuthServer(clock, client_id, client_secret, ACCESS_LIFETIME, REFRESH_IDLE, rotates=True)
        super().__init__(clock=clock, oauth=oauth, courier=Courier(clock))
        self.orgs: dict[str, SalesforceOrg] = {}
        self.daily_limit = daily_limit
        self._windows: dict[str, SlidingWindow] = {}
        self._cursors: dict[str, OrderedDict[str, list[dict[str, Any]]]] = {}
        self._seed = seed

    def add_org(self, *, name: str, currencies: Sequence[str] = ()) -> SalesforceOrg:
        """Found an org; one with several `currencies` gives every record a CurrencyIsoCode."""
        pod = (self._seed * 61 + len(self.orgs)) % 3844
        org = SalesforceOrg(name=name, pod=pod, clock=self.clock, lock=self.lock, currencies=currencies)
        self.orgs[org.org_id] = org
        self._windows[org.org_id] = SlidingWindow(limit=self.daily_limit, seconds=DAY_SECONDS, clock=self.clock)
        return org

    def before(self, request: Request, rule: str) -> Response | None:
        """Refuse what has no valid session, an unknown version, or is over the daily limit (403, no Retry-After)."""
        if rule == "/services/data" or not rule.startswith("/services/data"):
            return None
        org = self.org_of(request)
        version = re.match(r"/services/data/v(\d+)\.0(/|$)", request.path)
        if version is None or not OLDEST_VERSION <= int(version[1]) <= NEWEST_VERSION:
            raise Refused("NOT_FOUND", "The requested resource does not exist", status=404)
        if not self._windows[org.org_id].take():
            self.avoidable_429 += 1
            raise Refused("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", status=403)
        return None

    def after(self, request: Request, response: Response) -> Response:
        """Tell the calls used of the calls allowed."""
        org = self._signed_in(request)
        if org is not None:
            used = self.daily_limit - self._windows[org.org_id].remaining()
            response.headers["Sforce-Limit-Info"] = f"api-usage={used}/{self.daily_limit}"
        return response

    def not_found(self, request: Request) -> Response:
        """Answer an unknown path as the REST API does."""
        body = {"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}
        return json_response([body], 404)

    def org_of(self, request: Request) -> SalesforceOrg:
        """Return the org that the request's access token belongs to."""
        org = self._signed_in(request)
        if org is None:
            raise Refused("INVALID_SESSION_ID", "Session expired or invalid", status=401)
        return org

    @route("GET", "/services/data")
    def versions(self, request: Request) -> Response:
        """List the API versions."""
        return json_response(
            [
                {"label": f"v{number}", "url": f"/services/data/v{number}.0", "version": f"{number}.0"}
                for number in range(OLDEST_VERSION, NEWEST_VERSION + 1)
            ]
        )

    @route("GET", DATA)
    def resources(self, request: Request, version: str) -> Response:
        """List the resources of a version."""
        names = ("sobjects", "query", "queryAll", "limits", "composite")
        return json_response({name: f"/services/data/v{version}/{name}" for name in names})

    @route("GET", f"{DATA}/limits")
    def limits(self, request: Request, version: str) -> Response:
        """Tell the daily limit and what is left of it."""
        remaining = self._windows[self.org_of(request).org_id].remaining()
        return json_response({"DailyApiRequests": {"Max": self.daily_limit, "Remaining": remaining}})

    def _signed_in(self, request: Request) -> SalesforceOrg | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        grant = self.oauth.grant_of(token) if scheme in ("Bearer", "OAuth") else None
        return self.orgs.get(grant.accounts[0]) if grant else None
