"""Xero's webhooks and connections."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import requests

from connectors.contract import CALL_TIMEOUT_SECONDS, Account, Endpoint, Notice
from connectors.errors import Reconnect, Retry
from connectors.ledgers import exact
from connectors.ledgers.xero.convert import moment
from connectors.records import Kind
from connectors.signature import hmac_base64_matches
from receivables.identity import stable_id

_KINDS = {"INVOICE": Kind.INVOICE, "CONTACT": Kind.CUSTOMER, "CREDITNOTE": Kind.CREDIT_NOTE}


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


def accounts(endpoint: Endpoint, token: Mapping[str, object], query: Mapping[str, str]) -> list[Account]:
    """List the organisations that the consent of `token` covers; they share this one token set."""
    del query
    try:
        answer = requests.get(
            f"{endpoint.api_url}/connections",
            headers={"Authorization": f"Bearer {token['access_token']}", "Accept": "application/json"},
            timeout=CALL_TIMEOUT_SECONDS,
            allow_redirects=False,
        )
        if answer.status_code in (401, 403):
            raise Reconnect("Xero refuses the new consent: connect again")
        answer.raise_for_status()
        found = exact.loads(answer.content)
        return [
            Account(str(each["tenantId"]), str(each.get("tenantName") or each["tenantId"]))
            for each in found
            if each.get("tenantType", "ORGANISATION") == "ORGANISATION"
        ]
    except (requests.RequestException, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Retry(f"Xero's connections cannot be read: {error!r}") from error


def _notice(event: Mapping[str, object]) -> Notice:
    parts = [str(event[name]) for name in ("tenantId", "eventCategory", "eventType", "resourceId", "eventDateUtc")]
    return Notice(
        account=parts[0],
        event_id=stable_id("xero", *parts),
        kind=_KINDS.get(parts[1]),
        external_id=parts[3],
        occurred_at=moment(parts[4]),
    )
