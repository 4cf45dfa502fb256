"""QuickBooks' SDK behind guards: time-outs, exact bodies, errors named by what to do, the token asked at each call."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import quote

import requests
from quickbooks.client import QuickBooks  # type: ignore[import-untyped]
from quickbooks.exceptions import QuickbooksException  # type: ignore[import-untyped]
from urllib3.exceptions import MaxRetryError, NewConnectionError

from connectors.contract import CALL_TIMEOUT_SECONDS, Access
from connectors.errors import Absent, ConnectorError, Reconnect, Reject, Retry
from connectors.ledgers import exact
from connectors.ledgers.quickbooks.refusals import (
    DEFAULT_RETRY_AFTER_SECONDS,
    OBJECT_NOT_FOUND,
    THROTTLED,
    Fault,
    fault_of,
)
from connectors.sessions import session_for

MINOR_VERSION = 75  # the floor since 2025
_REFUSED = (401, 403)
_TID = "intuit_tid"  # by which Intuit's support finds a call
_log = logging.getLogger(__name__)
BATCH = "batch"  # the kind of call that Intuit counts apart

_THROTTLE_WORDS = (b"ThrottleExceeded", b"003001")

Json = dict[str, Any]


class QuickBooksClient:
    """Calls of one company. Bodies are dicts of exact values; `key` becomes Intuit's requestid, None sends none."""

    def __init__(self, access: Access) -> None:
        http = session_for(access.endpoint.api_url)
        self._patient = _sdk(access, http, urgent=False)
        self._urgent = _sdk(access, http, urgent=True)
        self._http = http

    def query(self, select: str, *, urgent: bool) -> Json:
        """Run a query of at most 1,000 objects and return its QueryResponse."""
        sdk = self._urgent if urgent else self._patient
        answer = _asked(lambda: sdk.query(select), write=False)
        return dict(answer.get("QueryResponse") or {})

    def changes(self, entity: str, since: datetime) -> list[Json]:
        """Return what changed of an entity since, deleted objects included; at most 1,000 and 30 days back."""
        stamp = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")
        answer = _asked(lambda: self._patient.change_data_capture(entity, stamp), write=False)
        return [
            item
            for response in answer.get("CDCResponse") or []
            for part in response.get("QueryResponse") or []
            for item in part.get(entity) or []
        ]

    def create(self, entity: str, body: Json, *, key: str | None) -> Json:
        """Create an object and return it."""
        text = exact.dumps(body)
        answer = _asked(lambda: self._urgent.create_object(entity, text, request_id=key), write=True)
        return _object(answer, entity)

    def update(self, entity: str, body: Json, *, key: str | None) -> Json:
        """Change the fields that `body` names (it says sparse) and return the object; Stale for an old SyncToken."""
        text = exact.dumps(body)
        answer = _asked(lambda: self._urgent.update_object(entity, text, request_id=key), write=True)
        return _object(answer, entity)

    def delete(self, entity: str, body: Json, *, key: str | None) -> Json:
        """Delete an object and return what is left to say of it; `body` holds its Id and SyncToken."""
        text = exact.dumps(body)
        answer = _asked(lambda: self._urgent.delete_object(entity, text, request_id=key), write=True)
        return _object(answer, entity)

    def batch(self, items: Sequence[Json], *, key: str | None) -> list[Json]:
        """Run up to 30 operations in one call; the SDK's own batch knows no requestid."""
        url = f"{self._urgent.api_url}/company/{self._urgent.company_id}/batch"
        text = exact.dumps({"BatchItemRequest": list(items)})
        answer = _asked(lambda: self._urgent.post(url, text, request_id=key), write=True)
        return list(answer.get("BatchItemResponse") or [])

    def printed(self, external_id: str) -> bytes:
        """Return the bytes of an invoice as QuickBooks prints it; the SDK's own way wants a session of its own."""
        url = f"{self._urgent.api_url}/company/{self._urgent.company_id}/invoice/{quote(external_id, safe='')}/pdf"
        return self._urgent.process_request("GET", url, headers={"Accept": "application/pdf, application/json"}).content

    def one(self, entity: str, external_id: str) -> Json:
        """Return one object by its id; Absent when it does not exist (any more)."""
        answer = _asked(lambda: self._urgent.get_single_object(entity, quote(external_id, safe="")), write=False)
        return _object(answer, entity)

    def invoice_with_link(self, external_id: str) -> Json:
        """Return an invoice with the link by which its customer sees and pays it."""
        url = f"{self._urgent.api_url}/company/{self._urgent.company_id}/invoice/{quote(external_id, safe='')}"
        answer = _asked(lambda: self._urgent.get(url, params={"include": "invoiceLink"}), write=False)
        return _object(answer, "Invoice")

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()


class _Sdk(QuickBooks):  # type: ignore[misc]
    """The SDK with our transport: its own has no time-out and shows a 429 as a validation error."""

    access: Access
    http: requests.Session
    urgent: bool

    def process_request(
        self,
        request_type: str,
        url: str,
        headers: Any = "",  # noqa: ANN401 - the SDK's own signature
        params: Any = "",  # noqa: ANN401
        data: Any = "",  # noqa: ANN401
    ) -> requests.Response:
        """Send once, and again with another token where one is refused; any answer but a good one raises its error."""
        write = request_type == "POST" and not url.endswith("/query")  # a query travels as POST and changes nothing
        of = BATCH if url.endswith("/batch") else ""
        body = data.encode() if isinstance(data, str) else data
        asked = partial(self._asked, request_type, url, headers=headers, params=params, data=body)
        token = self.access.token()
        try:
            answer = asked(token, of=of)
            if answer.status_code in _REFUSED:  # a bare 403 comes from what stands before QuickBooks, now and then
                again = self.access.another(token) if answer.status_code == 401 else token
                answer = asked(again, of=of)
        except requests.RequestException as error:
            ambiguous = write and not _never_sent(error)
            raise Retry(f"the connection to QuickBooks broke: {error}", ambiguous=ambiguous) from error
        answer.encoding = "utf-8"  # requests would guess it from the text
        refused = self._refused(answer, write=write)
        if refused is not None:
            _log.warning("QuickBooks answered %s, %s %s", answer.status_code, _TID, answer.headers.get(_TID, "none"))
            raise refused
        return answer

    def _asked(self, method: str, url: str, token: str, *, of: str, **parts: Any) -> requests.Response:  # noqa: ANN401
        with self.access.budget.call(urgent=self.urgent, of=of):
            return self.http.request(
                method, url, auth=_Bearer(token), timeout=CALL_TIMEOUT_SECONDS, allow_redirects=False, **parts
            )

    def _refused(self, answer: requests.Response, *, write: bool) -> ConnectorError | None:
        status = answer.status_code
        fault = fault_of(answer.content)
        if status == 429 or is_throttled(fault, answer):
            seconds = _seconds(answer, DEFAULT_RETRY_AFTER_SECONDS)
            self.access.budget.hold_off(seconds)
            return Retry("QuickBooks' call limit", after_seconds=seconds)
        if status in _REFUSED:
            return Reconnect(f"QuickBooks refuses the consent of {self.access.account.name} ({status})")
        if status >= 500:
            return Retry(f"QuickBooks failed ({status})", after_seconds=_seconds(answer, 5.0), ambiguous=write)
        if status == 404 or (fault is not None and fault.code == OBJECT_NOT_FOUND):
            return Absent("QuickBooks does not have this object")
        if fault is not None:
            return fault.error()
        if status != 200:
            return Reject(f"QuickBooks refuses the request ({status})", code=str(status), remedy="Ask for support.")
        return None


def is_throttled(fault: Fault | None, answer: requests.Response) -> bool:
    """Whether a refusal is the call limit in other clothes: a validation fault, or the gateway's page of no JSON."""
    if fault is not None:
        return fault.code == THROTTLED
    return answer.status_code >= 400 and any(words in answer.content for words in _THROTTLE_WORDS)


class _Bearer(requests.auth.AuthBase):
    """The token as `auth`, so that a .netrc file of the machine cannot replace it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _sdk(access: Access, http: requests.Session, *, urgent: bool) -> _Sdk:
    sdk = _Sdk(company_id=access.account.external_id, minorversion=MINOR_VERSION, use_decimal=True)
    sdk.api_url_v3 = f"{access.endpoint.api_url}/v3"
    sdk.access, sdk.http, sdk.urgent = access, http, urgent
    return sdk


def _asked(ask: Callable[[], Json], *, write: bool) -> Json:
    try:
        answer = ask()
    except QuickbooksException as error:
        raise Retry(f"QuickBooks' answer cannot be read: {error}", ambiguous=write) from error
    if not isinstance(answer, dict):
        raise Retry("QuickBooks' answer is not an object", ambiguous=write)
    return answer


def _object(answer: Json, entity: str) -> Json:
    found = answer.get(entity)
    if not isinstance(found, dict):
        raise Retry(f"QuickBooks' answer has no {entity}", ambiguous=True)
    return found


def _never_sent(error: requests.RequestException) -> bool:
    reason = error.args[0].reason if error.args and isinstance(error.args[0], MaxRetryError) else None
    return isinstance(error, requests.ConnectTimeout) or isinstance(reason, NewConnectionError)


def _seconds(answer: requests.Response, default: float) -> float:
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.strip().isdecimal() else default
