"""Webhooks and events against the contracts that describe them."""

from __future__ import annotations

import json
from collections.abc import Iterator

from jsonschema_rs import Draft202012Validator

from tests.contracts.findings import Exchange, Finding
from tests.contracts.openapi import Contract
from tests.contracts.schemas import Json

_XERO_SCHEMAS = {"CREDITNOTE": "CreditNoteWebhookEvent"}
# CloudEvents 1.0.2, section "Required Attributes" and its JSON event format: the envelope that Intuit names for its
# webhooks since 2026; Intuit publishes no schema of its own.
_CLOUD_EVENT = Draft202012Validator(
    {
        "type": "object",
        "required": ["id", "source", "specversion", "type"],
        "propertyNames": {"pattern": "^[a-z0-9_]+$"},
        "properties": {
            "id": {"type": "string", "minLength": 1},
            "source": {"type": "string", "format": "uri-reference", "minLength": 1},
            "specversion": {"const": "1.0"},
            "type": {"type": "string", "pattern": r"^qbo\.[a-z]+\.[a-z]+\.v1$"},
            "datacontenttype": {"type": "string", "minLength": 1},
            "time": {"type": "string", "format": "date-time"},
            "intuitentityid": {"type": "string", "minLength": 1},
            "intuitaccountid": {"type": "string", "pattern": r"^\d+$"},
        },
    },
    validate_formats=True,
)


def xero(contract: Contract, body: Json) -> list[Finding]:
    """A post of Xero: one of the categories that its document describes."""
    categories = {event.get("eventCategory") for event in body["events"]}
    schemas = {_XERO_SCHEMAS.get(str(category), "WebhookEvent") for category in categories} or {"WebhookEvent"}
    return [found for schema in schemas for found in contract.value_findings(schema, body, f"webhook {schema}")]


def stripe(contract: Contract, event: Json, where: str) -> list[Finding]:
    """An event of Stripe, and the object that it is about by the schema of that object."""
    kind = str(event.get("object"))
    found = contract.value_findings(kind, event, f"{where} {kind}")
    if kind == "event":
        subject = event["data"]["object"]
        found += contract.value_findings(str(subject["object"]), subject, f"{where} {event['type']}")
    return found


def listed(contract: Contract, exchange: Exchange) -> list[Finding]:
    """The subjects of the events in a list: Stripe's list describes them no further than as objects."""
    if not exchange.path.startswith("/v1/events") or exchange.status != 200:
        return []
    answer = json.loads(exchange.answer)
    rows = answer["data"] if answer.get("object") == "list" else [answer]
    return [found for row in rows for found in stripe(contract, row, "event")]


def cloud(body: Json) -> list[Finding]:
    """A post of Intuit: a list of CloudEvents."""
    return list(_cloud(body))


def _cloud(body: Json) -> Iterator[Finding]:
    for event in body if isinstance(body, list) else [body]:
        for error in _CLOUD_EVENT.iter_errors(event):
            place = "".join(f"/{part}" for part in error.instance_path)
            yield Finding("intuit-webhooks", "webhook", place, error.kind.name, error.message)
