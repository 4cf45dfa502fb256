"""Salesforce's REST API through simple-salesforce: bounded calls, exact numbers, errors named by what to do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError, SalesforceExpiredSession
from simple_salesforce.format import format_external_id
from urllib3.exceptions import NewConnectionError

from connectors.contract import CALL_TIMEOUT_SECONDS, Access
from connectors.crm.salesforce.usage import daily_calls
from connectors.errors import Absent, ConnectorError, Fatal, Reconnect, Reject, Retry, Stale
from connectors.sessions import session_for

API_VERSION = "67.0"
BATCH = 200  # records of one collection call, ids of one query
MAX_PAGES = 5_000  # of one query; Salesforce makes pages of 2,000 records
LIMIT_PAUSE_SECONDS = 900.0  # after REQUEST_LIMIT_EXCEEDED: the limit counts 24 hours and has no Retry-After
DESCRIBED_FOR = timedelta(days=1)  # an org's currencies and fields change rarely, and each look costs a call
LOW_SHARE = 20  # the last twentieth of the org's daily calls is left to urgent work and to other tools

TRANSIENT = frozenset(
    {
        "UNABLE_TO_LOCK_ROW",
        "SERVER_UNAVAILABLE",
        "QUERY_TIMEOUT",
        "REQUEST_RUNNING_TOO_LONG",
        "INVALID_QUERY_LOCATOR",  # the query's cursor is gone: Salesforce keeps few
    }
)
_INSTALL = "Install or update the TrueDue package in Salesforce and let the connected user see its fields."
_REMEDIES = {
    "INVALID_FIELD": _INSTALL,
    "INVALID_TYPE": _INSTALL,
    "NOT_FOUND": _INSTALL,
    "INSUFFICIENT_ACCESS": "Give the connected Salesforce user the TrueDue permission set.",
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": "Give the connected user access to this account.",
    "INVALID_CROSS_REFERENCE_KEY": "The Salesforce account was deleted or merged: link the customer again.",
    "ENTITY_IS_DELETED": "The Salesforce record was deleted: restore it or link the customer again.",
    "DUPLICATE_VALUE": "Another Salesforce record holds the same TrueDue id: clear it there.",
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": _INSTALL,
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": "A validation rule of the org refuses this: exempt the connected user.",
}

Row = dict[str, Any]
_OF_GATEWAYS = (403, 429)
BUSY_PAUSE_SECONDS = 30.0
PRECONDITION_FAILED = 412
_GONE = ("ENTITY_IS_DELETED", "NOT_FOUND")  # of a single record


class _PlainHttp(HTTPAdapter):
    """Sends over http what simple-salesforce, which knows only https, addresses to a server on this machine."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: ANN401
        request.url = f"http{(request.url or '').removeprefix('https')}"
        return super().send(request, *args, **kwargs)


def refusal(code: str, message: str) -> ConnectorError:
    """Name the error of one record, or of a call that certainly had no effect."""
    text = f"Salesforce: {message} ({code})"
    if code in TRANSIENT:
        return Retry(text)
    return Reject(text, code=code, remedy=_REMEDIES.get(code, "Correct the record in Salesforce, then try again."))


class Client:
    """Calls for one org. Nothing is repeated except once after a refused token, with another token."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._url = access.account.instance_url or access.endpoint.api_url
        self._session = session_for(self._url)  # its adapters repeat nothing
        self._session.hooks["response"].append(self._note_usage)
        address = urlsplit(self._url)
        if address.scheme == "http" and address.hostname in ("127.0.0.1", "localhost"):
            self._session.mount(f"https://{address.netloc}", _PlainHttp())
        self._low_until: datetime | None = None
        self._described: dict[str, tuple[datetime, Row]] = {}  # by object: bounded by the objects we ask for

    def query(self, soql: str, *, urgent: bool, include_deleted: bool = False) -> Iterator[list[Row]]:
        """Yield the pages of a query."""
        page = self._call(
            lambda sf, bounds: sf.query(soql, include_deleted=include_deleted, **bounds), urgent=urgent, write=False
        )
        for _ in range(MAX_PAGES):
            yield page["records"]
            if page["done"]:
                return
            following = str(page["nextRecordsUrl"])
            if not following.startswith("/services/data/"):
                raise Fatal(f"Salesforce names a next page that is not its own: {following[:80]}")
            page = self._call(partial(_query_more, following), urgent=urgent, write=False)
        raise Fatal(f"a query of Salesforce has more than {MAX_PAGES} pages")

    def record(self, sobject: str, key_field: str, key: str) -> Row | None:
        """Return one record by id or external id, or None when there is none."""
        # Unquoted, an external id with a slash or question mark would name another record.
        where = format_external_id(key_field if key_field != "Id" else sobject, key)
        path = f"sobjects/{sobject}/{where}" if key_field != "Id" else f"sobjects/{where}"
        try:
            found: Row = self._call(lambda sf, bounds: sf.restful(path, **bounds), urgent=True, write=False)
        except Absent:
            return None
        return found

    def patch(self, path: str, records: Sequence[Row]) -> list[Row]:
        """Write up to BATCH records; each is taken or refused by itself. Results are in the order of `records`."""
        body = exact_json({"allOrNone": False, "records": list(records)}).encode()
        answer = self._call(
            lambda sf, bounds: sf.restful(path, method="PATCH", data=body, **bounds), urgent=True, write=True
        )
        if not isinstance(answer, list) or len(answer) != len(records):
            raise Retry("Salesforce did not answer for each record", ambiguous=True)
        return answer

    def update_unmodified(self, sobject: str, key: str, fields: Row, *, since: datetime) -> None:
        """Change one record unless it was modified after `since`; Stale when it was, Absent when it is gone.

        Only this resource checks at the vendor, and by whole seconds: collections take no precondition.
        """
        body = exact_json(fields).encode()
        headers = {"If-Unmodified-Since": format_datetime(since.astimezone(UTC), usegmt=True)}
        path = f"sobjects/{sobject}/{quote(key, safe='')}"
        try:
            self._call(
                lambda sf, bounds: sf.restful(path, method="PATCH", data=body, headers=headers, **bounds),
                urgent=True,
                write=True,
            )
        except Reject as error:
            raise (Absent(str(error)) if error.code in _GONE else error) from error

    def describe(self, sobject: str) -> Row:
        """Return the description of an object, asked for at most once in DESCRIBED_FOR."""
        now = self._access.clock()
        kept = self._described.get(sobject)
        if kept is None or now - kept[0] >= DESCRIBED_FOR:
            path = f"sobjects/{sobject}/describe"
            found = self._call(lambda sf, bounds: sf.restful(path, **bounds), urgent=True, write=False)
            kept = self._described[sobject] = (now, found)
        return kept[1]

    def close(self) -> None:
        """Let go of connections."""
        self._session.close()

    def _call(self, ask: Callable[[Salesforce, Row], Any], *, urgent: bool, write: bool) -> Any:  # noqa: ANN401 - JSON
        if not urgent and self._low_until and self._access.clock() < self._low_until:
            raise Retry("the org's daily calls are nearly used up", after_seconds=LIMIT_PAUSE_SECONDS)
        token = self._access.token()
        try:
            return self._attempt(ask, token, urgent=urgent, write=write)
        except SalesforceExpiredSession:
            token = self._access.another(token)
        try:
            return self._attempt(ask, token, urgent=urgent, write=write)
        except SalesforceExpiredSession as error:
            raise Reconnect("Salesforce no longer accepts the connection") from error

    def _attempt(self, ask: Callable[[Salesforce, Row], Any], token: str, *, urgent: bool, write: bool) -> Any:  # noqa: ANN401 - JSON
        self._access.budget.take(urgent=urgent)
        client = Salesforce(
            instance_url=self._url,
            session_id=token,
            version=API_VERSION,
            session=self._session,
            parse_float=Decimal,
            object_pairs_hook=dict,
        )
        try:
            answer = ask(client, {"timeout": CALL_TIMEOUT_SECONDS, "allow_redirects": False})
        except SalesforceExpiredSession:
            raise
        except SalesforceError as error:
            raise self._named(error, write=write) from error
        except requests.RequestException as error:
            raise Retry(f"Salesforce cannot be reached: {error}", ambiguous=write and _was_sent(error)) from error
        return answer

    def _named(self, error: SalesforceError, *, write: bool) -> ConnectorError:
        code, message = _first(error)
        text = f"Salesforce: {message} ({code or error.status})"
        if not code and error.status in _OF_GATEWAYS:  # Salesforce names its reason: this is what stands before it
            self._access.budget.hold_off(BUSY_PAUSE_SECONDS)
            return Retry(text, after_seconds=BUSY_PAUSE_SECONDS)
        if code == "REQUEST_LIMIT_EXCEEDED":
            self._access.budget.hold_off(LIMIT_PAUSE_SECONDS)
            return Retry(text, after_seconds=LIMIT_PAUSE_SECONDS)
        if error.status >= 500:
            return Retry(text, after_seconds=30.0, ambiguous=write)
        if error.status == PRECONDITION_FAILED:
            return Stale(
                "Salesforce: the record changed since it was read",
                code="stale",
                remedy="Nothing to do: the change is merged again with what Salesforce shows now.",
            )
        if error.status == 404 and not write:
            return Absent(text)
        return refusal(code, message)

    def _note_usage(self, answer: requests.Response, **_: object) -> None:
        """Read each answer's Sforce-Limit-Info: other tools of the org use the same calls."""
        calls = daily_calls(answer.headers.get("Sforce-Limit-Info", ""))
        if calls is not None:
            low = calls.left * LOW_SHARE < calls.total
            self._low_until = self._access.clock() + timedelta(seconds=LIMIT_PAUSE_SECONDS) if low else None


def _query_more(following: str, client: Salesforce, bounds: Row) -> Any:  # noqa: ANN401 - JSON
    return client.query_more(following, identifier_is_url=True, **bounds)


def exact_json(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Write JSON in which a Decimal keeps its exact digits."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{exact_json(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(exact_json(item) for item in value) + "]"
    return json.dumps(value)


def _first(error: SalesforceError) -> tuple[str, str]:
    """Return code and message of an error's body, which is a list of errors or, from a proxy, any text."""
    content: Any = error.content
    if isinstance(content, list) and content and isinstance(content[0], dict):
        return str(content[0].get("errorCode", "")), str(content[0].get("message", ""))
    return "", str(content)[:200]


def _was_sent(error: requests.RequestException) -> bool:
    """Whether the request may have reached Salesforce before the error."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return not (isinstance(error, requests.ConnectTimeout) or isinstance(reason, NewConnectionError))
