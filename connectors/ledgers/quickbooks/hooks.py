"""QuickBooks' webhooks, old and new shape, and the company that a consent covers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from connectors.contract import Access, Account, Endpoint, Notice
from connectors.errors import ConnectorError, Reconnect
from connectors.ledgers import exact
from connectors.ledgers.quickbooks.client import QuickBooksClient
from connectors.ledgers.quickbooks.read import MERGED_INTO
from connectors.records import Kind
from connectors.signature import hmac_base64_matches
from receivables.identity import stable_id

KINDS = {
    "customer": Kind.CUSTOMER,
    "invoice": Kind.INVOICE,
    "creditmemo": Kind.CREDIT_NOTE,
    "payment": Kind.PAYMENT,
    "deposit": Kind.CODED_RECEIPT,
}


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether Intuit signed this body. The signature carries no time, so `now` does not count."""
    del now
    return hmac_base64_matches(secret, body, headers.get("intuit-signature", ""))


def notices(body: bytes) -> list[Notice]:
    """Read a webhook: a CloudEvents array, or the older eventNotifications. ValueError when it is neither."""
    answer = exact.loads(body)
    try:
        if isinstance(answer, list):
            return [notice for event in answer for notice in _cloud_event(event)]
        return [
            notice
            for notification in answer["eventNotifications"]
            for entity in notification["dataChangeEvent"]["entities"]
            for notice in _entity(str(notification["realmId"]), entity)
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a QuickBooks webhook cannot be read: {error!r}") from error


def accounts(
    endpoint: Endpoint, token: Mapping[str, object], query: Mapping[str, str], access: Callable[[Account], Access]
) -> list[Account]:
    """The company that the redirect names; Reconnect when it names none."""
    del endpoint, token
    realm = query.get("realmId", "")
    if not realm.isdecimal():
        raise Reconnect("QuickBooks did not say which company was connected: connect again")
    unnamed = Account(realm, f"Company {realm}")
    return [Account(realm, _company_name(access(unnamed)) or unnamed.name)]


def _company_name(access: Access) -> str:
    """The company's name; empty when it cannot be read, because a connection must not fail for a name."""
    client = QuickBooksClient(access)
    try:
        (company,) = client.query("SELECT * FROM CompanyInfo", urgent=True)["CompanyInfo"]
        return str(company["CompanyName"])
    except (ConnectorError, ValueError, KeyError, TypeError):
        return ""
    finally:
        client.close()


def _cloud_event(event: Mapping[str, Any]) -> list[Notice]:
    kind = str(event["type"]).split(".")  # qbo.invoice.updated.v1
    notice = Notice(
        account=str(event["intuitaccountid"]),
        event_id=str(event["id"]),
        kind=KINDS.get(kind[1]) if len(kind) > 1 else None,
        external_id=str(event["intuitentityid"]),
        occurred_at=_time(str(event["time"])),
    )
    return _with_merged(notice, (event.get("data") or {}).get("deletedid"))


def _entity(realm: str, entity: Mapping[str, Any]) -> list[Notice]:
    parts = [str(entity[name]) for name in ("name", "operation", "id", "lastUpdated")]
    notice = Notice(
        account=realm,
        event_id=stable_id("quickbooks", realm, *parts),
        kind=KINDS.get(parts[0].lower()),
        external_id=parts[2],
        occurred_at=_time(parts[3]),
    )
    return _with_merged(notice, entity.get("deletedId"))


def _with_merged(notice: Notice, gone: object) -> list[Notice]:
    """A merge is told once, of the one that stays; what became of the one that is gone is read too.

    No object names the one that took its place, so the id says both.
    """
    if not gone:
        return [notice]
    event_id = stable_id("quickbooks", notice.event_id, str(gone))
    external_id = f"{gone}{MERGED_INTO}{notice.external_id}" if notice.kind is Kind.CUSTOMER else str(gone)
    return [notice, replace(notice, event_id=event_id, external_id=external_id)]


def _time(text: str) -> datetime | None:
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else None


def invoice_page(account: Account, external_id: str) -> str:
    """Return where people see an invoice in QuickBooks, in the right company after signing in."""
    query = urlencode({"deeplinkcompanyid": account.external_id, "pagereq": f"invoice?txnId={external_id}"})
    return f"https://qbo.intuit.com/login?{query}"
