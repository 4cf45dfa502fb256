"""Stripe's webhooks: which object an event is about."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from connectors.contract import Notice
from connectors.payments.stripe.client import Row, notification
from connectors.payments.stripe.reading import identity
from connectors.records import Kind

_DEAUTHORIZED = "account.application.deauthorized"
_KINDS = {"payment_intent": Kind.PROCESSOR_PAYMENT, "payout": Kind.PAYOUT}
_SAVED = "setup_intent.succeeded"  # of setup intents only this one says that there is a means to be read
_CASH = ("cash_balance", "customer_cash_balance_transaction")  # told of a customer, whose cash is read again
_CUSTOMER_IN_URL = re.compile(r"/v1/customers/(cus_\w+)/")
# A thin event names a part of a payment by the part's own id; which payment it is of, reading it again shows.
_THIN_KINDS = _KINDS | dict.fromkeys(("charge", "refund", "dispute"), Kind.PROCESSOR_PAYMENT)
_THIN = "v2.core.event"


def notices(body: bytes) -> list[Notice]:
    """Read one event, snapshot or thin (v2); ValueError when it is not one."""
    try:
        event = json.loads(body)
    except RecursionError:
        raise ValueError("the event is nested too deeply") from None
    if not isinstance(event, dict) or not isinstance(event.get("id"), str) or not isinstance(event.get("type"), str):
        raise ValueError("not an event of Stripe: it has no id and type")
    if event.get("object") == _THIN:
        return [_thin(event)]
    kind, external_id = subject_of(event)
    account = str(event.get("account") or "")
    return [Notice(account, event["id"], kind, external_id, _occurred_at(event.get("created")))]


def _thin(event: Row) -> Notice:
    """Read an event that only names its object. Those about objects of the API's version 1 say so in their type."""
    told = notification(event)
    account = str(told.context or "").rpartition("/")[2]
    related = getattr(told, "related_object", None)  # some kinds of events have none
    # What there is only one of, as a payer's cash balance, has an address and no id.
    kind, external_id = (_THIN_KINDS.get(related.type), getattr(related, "id", "")) if related else (None, "")
    if related and related.type in _CASH and (customer := _CUSTOMER_IN_URL.match(related.url)):
        kind, external_id = Kind.HELD_CASH, customer[1]
    if told.type.removeprefix("v1.") == _DEAUTHORIZED:
        kind = Kind.CONSENT
    elif told.type.removeprefix("v1.") == _SAVED:
        kind = Kind.SAVED_MEANS
    return Notice(account, told.id, kind, external_id, _occurred_at(told.created))


def subject_of(event: Row) -> tuple[Kind | None, str]:
    """Return kind and id of the object that a snapshot event is about; without kind when we follow none of its kind."""
    data = event.get("data")
    about = data.get("object") if isinstance(data, dict) else None
    about = about if isinstance(about, dict) else {}
    own_id = identity(about) or ""
    if event["type"] == _DEAUTHORIZED:
        return Kind.CONSENT, own_id
    if event["type"] == _SAVED and own_id:
        return Kind.SAVED_MEANS, own_id
    family = str(event["type"]).partition(".")[0]
    if family in ("charge", "refund"):  # disputes come as charge.dispute.*
        intent_id = identity(about.get("payment_intent"))
        return (Kind.PROCESSOR_PAYMENT, intent_id) if intent_id else (None, own_id)
    if family in _CASH:
        customer_id = identity(about.get("customer"))
        return (Kind.HELD_CASH, customer_id) if customer_id else (None, own_id)
    kind = _KINDS.get(family) if own_id else None
    return kind, own_id


def _occurred_at(created: Any) -> datetime | None:  # noqa: ANN401 - a JSON value
    """Read seconds (snapshot events) or ISO text (thin ones); an unreadable time is no reason to lose the event."""
    try:
        moment = datetime.fromtimestamp(created, UTC) if type(created) is int else datetime.fromisoformat(str(created))
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.tzinfo else None
