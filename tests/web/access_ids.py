"""Ids of what exists in the filled site, by the name that addresses give them."""

from __future__ import annotations

IDS = {
    "customer_id": "acme",
    "button": "none",
    "channel": "email",
    "code": "none",
    "form": "ubl",
    "charge_id": "none",
    "file_id": "dsf-1",
    "plan_id": "none",
    "message_digest": "none",
    "organisation_id": "org-a",
    "document_id": "inv-1",
    "receipt_id": "rcp-1",
    "debit_id": "none",
    "conflict_id": "cfl-inv-5",
    "proposal_id": "lnk-1",
    "reminder_id": "rem-1",
    "person_id": "per-owner",
    "role": "ledger",
    "queue": "outbox",
    "row_id": "1",
    "system": "xero",
    "feed_id": "none",
    "digest": "0" * 64,
    "token": "none",
    "expired": "none",
    "secret": "none",
}
