"""Xero's webhooks and connections."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import requests

from connectors.contract import CALL_TIMEOUT_SECONDS, Access, Account, Endpoint, Notice
from connectors.errors import ConnectorError, Reconnect, Retry
from connectors.ledgers import exact
from connectors.ledgers.xero.client import XeroClient
from connectors.ledgers.xero.convert import moment
from connectors.records import Kind
from connectors.signature import hmac_base64_matches
from receivables.identity import stable_id

_PAGES = "https://go.xero.com/app"
KINDS = {"INVOICE": Kind.INVOICE, "CONTACT": Kind.CUSTOMER, "CREDITNOTE": Kind.CREDIT_NOTE}


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether Xero signed this body. The signature carries no time, so `now` does not count."""
    del now
    return hmac_base64_matches(secret, body, headers.get("x-xero-signature", ""))


def notices(body: bytes) -> list[Notice]:
    """Read the events of a webhook; none for an intent to receive. ValueError when it cannot be read."""
    answer = exact.loads(body)
    if not isinstance(answer, dict) or not isinstance(answer.get("events"), list):
        raise ValueError("a Xero webhook has a list of events")
    try:
        return [_notice(event) for event in answer["events"]]
    except (KeyError, TypeError) as error:
        raise ValueError(f"an event of a Xero webhook cannot be read: {error!r}") from error


def accounts(
    endpoint: Endpoint, token: Mapping[str, object], query: Mapping[str, str], access: Callable[[Account], Access]
) -> list[Account]:
    """List the organisations that the consent of `token` covers; they share this one token set."""
    del query
    found = [
        Account(str(each["tenantId"]), str(each.get("tenantName") or each["tenantId"]))
        for each in _connections(endpoint, str(token["access_token"]))
        if each.get("tenantType", "ORGANISATION") == "ORGANISATION"
    ]
    return [replace(each, instance_url=_pages(access(each))) for each in found]


def invoice_page(account: Account, external_id: str) -> str:
    """Return where people see an invoice in Xero; without the organisation's own address, in whichever is open there.

    Source: developer.xero.com, deep links to Xero.
    """
    return f"{account.instance_url or _PAGES}/invoicing/view/{external_id}"


def _pages(access: Access) -> str:
    """Where an organisation's pages are in Xero, by its short code; "" where it does not tell: a link less exact."""
    client = XeroClient(access)
    try:
        answer = client.get(client.api.get_organisations, urgent=True)
    except ConnectorError:
        return ""
    finally:
        client.close()
    shown: list[dict[str, Any]] = answer.get("Organisations") or [{}]
    code = shown[0].get("ShortCode")
    return f"{_PAGES}/{code}" if code else ""


def leave(endpoint: Endpoint, token: str, account: Account) -> None:
    """Take one organisation out of a consent; the others keep it."""
    for each in _connections(endpoint, token):
        if each["tenantId"] == account.external_id:
            _ask("DELETE", f"{endpoint.api_url}/connections/{each['id']}", token)


def _connections(endpoint: Endpoint, token: str) -> list[dict[str, Any]]:
    try:
        found = exact.loads(_ask("GET", f"{endpoint.api_url}/connections", token).content)
    except ValueError as error:
        raise Retry(f"Xero's connections cannot be read: {error!r}") from error
    if not isinstance(found, list) or not all(isinstance(each, dict) and "tenantId" in each for each in found):
        raise Retry("Xero's connections cannot be read")
    return found


def _ask(method: str, url: str, token: str) -> requests.Response:
    try:
        answer = requests.request(
            method,
            url,
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            timeout=CALL_TIMEOUT_SECONDS,
            allow_redirects=False,
        )
        if answer.status_code in (401, 403):
            raise Reconnect("Xero refuses the consent: connect again")
        answer.raise_for_status()
    except requests.RequestException as error:
        raise Retry(f"Xero's connections cannot be reached: {error!r}") from error
    return answer


def _notice(event: Mapping[str, object]) -> Notice:
    parts = [str(event[name]) for name in ("tenantId", "eventCategory", "eventType", "resourceId", "eventDateUtc")]
    return Notice(
        account=parts[0],
        event_id=stable_id("xero", *parts),
        kind=KINDS.get(parts[1]),
        external_id=parts[3],
        occurred_at=moment(parts[4]),
    )
