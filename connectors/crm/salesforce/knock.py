"""What the package in Salesforce tells us: that records changed which people edit. It is a wake-up, no content.

Salesforce itself sends no webhooks. The package's triggers post `{"org", "knock", "records": [{"object", "id"}]}` by
a named credential, with a key of its org in a header: HMAC-SHA256 of the org's id under our webhook secret, so that no
org can knock for another. Whatever knocks, the records are read again with our own consent.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.contract import Notice
from connectors.records import Kind

HEADER = "x-truedue-key"
MAX_RECORDS = 200  # a trigger's own chunk; the package posts no more at once
# A record of the invoice object may be shown by us or be a request: it is read as either, whichever it is.
KINDS: Mapping[str, tuple[Kind, ...]] = {
    "TrueDue_Instruction__c": (Kind.INSTRUCTION,),
    "TrueDue_Invoice__c": (Kind.INVOICE, Kind.INVOICE_REQUEST),
}


def key_of(secret: str, org_id: str) -> str:
    """Return the key with which an org knocks; the id counts in its 15 significant characters."""
    return hmac.new(secret.encode(), org_id[:15].encode(), hashlib.sha256).hexdigest()


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether the key belongs to the org that the body names. It carries no time: a repeated knock reads again."""
    del now
    try:
        org = str(_read(body)["org"])
    except ValueError:
        return False
    return hmac.compare_digest(key_of(secret, org).encode(), headers.get(HEADER, "").encode())


def notices(body: bytes) -> list[Notice]:
    """Return a notice a record and kind; objects that we do not follow are noticed without a kind."""
    told = _read(body)
    found = []
    for record in told["records"]:
        name, record_id = str(record["object"]), str(record["id"])
        for kind in KINDS.get(name, (None,)):
            event_id = f"{told['knock']} {record_id} {kind.value if kind else name}"
            found.append(Notice(str(told["org"]), event_id, kind, record_id, None))
    return found


def _read(body: bytes) -> dict[str, Any]:
    """Read a knock; ValueError when it is none."""
    try:
        told = json.loads(body)
    except RecursionError:
        raise ValueError("a knock is nested too deeply") from None
    if not isinstance(told, dict) or not all(isinstance(told.get(each), str) for each in ("org", "knock")):
        raise ValueError("a knock names its org and itself")
    records = told.get("records")
    if not isinstance(records, list) or not all(
        isinstance(each, dict) and isinstance(each.get("object"), str) and isinstance(each.get("id"), str)
        for each in records
    ):
        raise ValueError("a knock has a list of records, each with its object and id")
    if len(records) > MAX_RECORDS:
        raise ValueError(f"a knock names at most {MAX_RECORDS} records")
    return told
