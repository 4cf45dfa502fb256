"""Stripe's webhooks: which object an event is about."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from connectors.contract import Notice
from connectors.payments.stripe.client import Row
from connectors.payments.stripe.reading import identity
from connectors.records import Kind

_DEAUTHORIZED = "account.application.deauthorized"
_THIN_KINDS = {"payment_intent": Kind.PROCESSOR_PAYMENT, "payout": Kind.PAYOUT}


def notices(body: bytes) -> list[Notice]:
    """Read one event, snapshot or thin (v2); ValueError when it is not one."""
    try:
        event = json.loads(body)
    except RecursionError:
        raise ValueError("the event is nested too deeply") from None
    if not isinstance(event, dict) or not isinstance(event.get("id"), str) or not isinstance(event.get("type"), str):
        raise ValueError("not an event of Stripe: it has no id and type")
    kind, external_id = subject_of(event)
    account = event.get("account") or str(event.get("context") or "").rpartition("/")[2]
    return [Notice(str(account), event["id"], kind, external_id, _occurred_at(event.get("created")))]


def subject_of(event: Row) -> tuple[Kind | None, str]:
    """Return kind and id of the object to read again; without kind when the event is of none that we follow."""
    related = event.get("related_object")
    if isinstance(related, dict):
        return _THIN_KINDS.get(str(related.get("type"))), identity(related) or ""
    data = event.get("data")
    about = data.get("object") if isinstance(data, dict) else None
    about = about if isinstance(about, dict) else {}
    own_id = identity(about) or ""
    if event["type"] == _DEAUTHORIZED:
        return Kind.CONSENT, own_id
    family = str(event["type"]).partition(".")[0]
    if family in ("charge", "refund"):  # disputes come as charge.dispute.*
        intent_id = identity(about.get("payment_intent"))
        return (Kind.PROCESSOR_PAYMENT, intent_id) if intent_id else (None, own_id)
    kind = _THIN_KINDS.get(family) if own_id else None
    return kind, own_id


def _occurred_at(created: Any) -> datetime | None:  # noqa: ANN401 - a JSON value
    """Read seconds (snapshot events) or ISO text (thin ones); an unreadable time is no reason to lose the event."""
    try:
        moment = datetime.fromtimestamp(created, UTC) if type(created) is int else datetime.fromisoformat(str(created))
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.tzinfo else None
