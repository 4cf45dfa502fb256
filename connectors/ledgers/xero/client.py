"""Xero's SDK behind guards: one client a tenant, exact bodies, no hidden retries, a time-out on every call."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError
from xero_python.accounting import AccountingApi  # type: ignore[import-untyped]
from xero_python.api_client import ApiClient, Configuration  # type: ignore[import-untyped]
from xero_python.api_client.oauth2 import OAuth2Token  # type: ignore[import-untyped]
from xero_python.exceptions import ApiException, HTTPStatusException  # type: ignore[import-untyped]
from xero_python.rest import RESTClientObject, RESTResponse  # type: ignore[import-untyped]

from connectors.contract import CALL_TIMEOUT_SECONDS, Access
from connectors.errors import Absent, ConnectorError, Fatal, Reconnect, Retry, TokenRefused
from connectors.ledgers import exact
from connectors.ledgers.xero.limits import MAX_CONCURRENT_CALLS, nearly_used, pause, problem, retry_after
from connectors.ledgers.xero.refusals import refusal

API_PATH = "/api.xro/2.0"
_TIMEOUT = int(CALL_TIMEOUT_SECONDS)  # the SDK silently ignores a time-out that is a float
_FAILED_RETRY_SECONDS = 5.0

Json = dict[str, Any]


class _ExactTransport(RESTClientObject):  # type: ignore[misc]
    """The SDK's transport, except that text bodies go out byte for byte (its own turn every Decimal into a float)."""

    def __init__(self, configuration: Configuration) -> None:
        super().__init__(configuration)
        # urllib3's default would sleep through Retry-After and send a PUT again after a dropped connection.
        self.pool_manager.connection_pool_kw["retries"] = False

    def request(self, method: str, url: str, **options: Any) -> Any:  # noqa: ANN401 - the SDK's own types
        body = options.get("body")
        if not isinstance(body, str):
            return super().request(method, url, **options)
        query = options.get("query_params")
        response = self.pool_manager.request(
            method,
            f"{url}?{urlencode(query)}" if query else url,
            body=body.encode(),
            headers={**options["headers"], "Content-Type": "application/json"},
            preload_content=False,
            timeout=urllib3.Timeout(total=_TIMEOUT),
        )
        if not 200 <= response.status <= 299:
            raise HTTPStatusException(http_resp=RESTResponse(response))
        return response


class XeroClient:
    """Calls of one tenant. `api` is the SDK's accounting API: pass its methods to `get` and `put`."""

    def __init__(self, access: Access) -> None:
        self._access = access
        configuration = Configuration()
        # Configuration is a copy of a hidden singleton whose token object all copies share: ours must be our own.
        configuration.oauth2_token = OAuth2Token()
        self._client = ApiClient(configuration, oauth2_token_getter=self._token)
        self._client.rest_client = _ExactTransport(configuration)
        self.api = AccountingApi(self._client, base_url=access.endpoint.api_url + API_PATH)
        self._bears = threading.local()  # the token of the call that a thread is making: the SDK asks for it there
        self._slots = threading.BoundedSemaphore(MAX_CONCURRENT_CALLS)

    def get(self, operation: Callable[..., Any], *arguments: str, urgent: bool, **options: object) -> Json:
        """Read; Absent, Reconnect, Retry, Reject or Fatal when Xero does not answer 200."""
        return _object(self._call(operation, arguments, options, urgent=urgent, write=False), write=False)

    def get_file(self, operation: Callable[..., Any], *arguments: str) -> bytes:
        """Read a file; the errors of `get`. The SDK itself would write it where the answer's header says."""
        return self._call(operation, arguments, {}, urgent=True, write=False)

    def put(
        self,
        operation: Callable[..., Any],
        *arguments: object,
        key: str | None,
        urgent: bool = True,
        of: str = "",
        **options: object,
    ) -> Json:
        """Write under an idempotency key; dict arguments are the body. Retry is ambiguous once it may have arrived.

        None for what has no second effect anyway: Xero replays a refusal under its key for six minutes, also when a
        person has done meanwhile what it asked for. What is not urgent waits for no call: NoRoom. `of` names a kind of
        calls that has a limit of its own.
        """
        keyed = {"idempotency_key": key} if key else {}
        encoded = tuple(exact.dumps(part) if isinstance(part, dict) else part for part in arguments)
        return _object(self._call(operation, encoded, options | keyed, urgent=urgent, write=True, of=of), write=True)

    def delete(self, operation: Callable[..., Any], *arguments: str) -> Json:
        """Delete; Absent when it is gone already, so that repeating needs no key."""
        return _object(self._call(operation, arguments, {}, urgent=True, write=True), write=True)

    def close(self) -> None:
        """Let go of connections."""
        self._client.rest_client.pool_manager.clear()

    def _call(
        self,
        operation: Callable[..., Any],
        arguments: tuple[object, ...],
        options: Mapping[str, object],
        *,
        urgent: bool,
        write: bool,
        of: str = "",
    ) -> bytes:
        token = self._access.token()
        try:
            return self._once(operation, arguments, options, token, urgent=urgent, write=write, of=of)
        except TokenRefused:
            token = self._access.another(token)
        except Reconnect:
            pass  # what stands before Xero forbids a call now and then
        return self._once(operation, arguments, options, token, urgent=urgent, write=write, of=of)

    def _once(
        self,
        operation: Callable[..., Any],
        arguments: tuple[object, ...],
        options: Mapping[str, object],
        token: str,
        *,
        urgent: bool,
        write: bool,
        of: str,
    ) -> bytes:
        budget = self._access.budget
        self._bears.token = token
        try:
            with budget.call(urgent=urgent, of=of, waits=urgent or not write), self._slots:
                response = operation(
                    self._access.account.external_id,
                    *arguments,
                    _preload_content=False,
                    _request_timeout=_TIMEOUT,
                    **options,
                )
                answer: bytes = response.data
            budget.heed(dict(nearly_used(response.headers)))
        except HTTPStatusException as error:
            raise self._refused(error.http_resp, write=write) from error
        except (ConnectTimeoutError, NewConnectionError) as error:
            raise Retry(f"Xero cannot be reached: {error}") from error
        except (ApiException, HTTPError, OSError) as error:
            raise Retry(f"the connection to Xero broke: {error}", ambiguous=write) from error
        return answer

    def _refused(self, response: Any, *, write: bool) -> ConnectorError:  # noqa: ANN401 - the SDK's own type
        status = int(response.status)
        headers = response.urllib3_response.headers
        if named := problem(status, headers, response.data):
            seconds = pause(named, headers)
            self._access.budget.hold_off(seconds)
            return Retry(f"Xero's call limit ({named})", after_seconds=seconds)
        if status in (401, 403):
            text = f"Xero refuses the consent of {self._access.account.name} ({status})"
            return TokenRefused(text) if status == 401 else Reconnect(text)
        if status == 404:
            return Absent("Xero does not have this object")
        if status >= 500:
            seconds = retry_after(headers) or _FAILED_RETRY_SECONDS
            return Retry(f"Xero failed ({status})", after_seconds=seconds, ambiguous=write)
        return refusal(status, response.data)

    def _token(self) -> dict[str, object]:
        return {
            "access_token": self._bears.token,
            "scope": None,
            "expires_in": None,
            "token_type": "Bearer",
        }


def _object(answer: bytes, *, write: bool) -> Json:
    try:
        found = exact.loads(answer)
    except ValueError as error:
        raise Retry(f"Xero's answer is not JSON: {error}", ambiguous=write) from error
    if not isinstance(found, dict):
        raise Fatal("Xero's answer is not an object: the API has changed")
    return found
