"""Thin events: which object something happened to, and nothing of what it is (of v1 objects since 2026)."""

from __future__ import annotations

from datetime import UTC, datetime

from sandbox.stripe.objects import Object

_LISTS = {"checkout.session": "checkout/sessions"}


def thin_event(snapshot: Object) -> Object:
    """Build the thin event that goes with a snapshot event; it has an id of its own."""
    subject: Object = snapshot["data"]["object"]
    created = datetime.fromtimestamp(snapshot["created"], UTC)
    thin: Object = {
        "id": snapshot["id"].replace("evt_", "evt_thin", 1),
        "object": "v2.core.event",
        "type": f"v1.{snapshot['type']}",
        "created": created.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "livemode": snapshot["livemode"],
        "context": snapshot["account"],
    }
    kind = subject["object"]
    if kind == "application":  # no resource of the API
        return thin
    if kind in ("cash_balance", "customer_cash_balance_transaction"):
        address = f"/v1/customers/{subject['customer']}/{kind.removeprefix('customer_')}"
        address += f"s/{subject['id']}" if "id" in subject else ""
        own_id = subject.get("id", subject["customer"])  # a customer has one cash balance only
        return thin | {"related_object": {"id": own_id, "type": kind, "url": address}}
    address = f"/v1/{_LISTS.get(kind, f'{kind}s')}/{subject['id']}"
    return thin | {"related_object": {"id": subject["id"], "type": kind, "url": address}}
