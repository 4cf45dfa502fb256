"""Edits of invoices and customers: sparse updates, which leave alone what they do not name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from connectors.errors import Reject
from connectors.intents import EditCustomer, EditDocument
from connectors.ledgers.quickbooks import bodies
from connectors.ledgers.quickbooks.client import Json
from connectors.ledgers.quickbooks.company import Company
from connectors.ledgers.quickbooks.order_number import order_number

Edit = EditDocument | EditCustomer


def edited(intent: Edit) -> tuple[str, str]:
    """The entity and the id of what an edit changes."""
    if isinstance(intent, EditDocument):
        return "Invoice", intent.document_external_id
    return "Customer", intent.customer_external_id


def edit_body(intent: Edit, company: Company) -> tuple[str, Json]:
    """The entity and the sparse update of an edit; Reject when the company keeps nothing of what it changes."""
    entity, identity = edited(intent)
    body: Json = {"Id": identity, "SyncToken": intent.version, "sparse": True}
    if isinstance(intent, EditCustomer):
        return entity, body | {"PrimaryEmailAddr": {"Address": intent.email}}
    if intent.due_on is not None:
        body["DueDate"] = intent.due_on
    if intent.purchase_order is not None:
        field = company.order_field()
        if field is None and intent.due_on is None:
            raise no_order_field()
        body |= {"CustomField": [bodies.custom_field(field, intent.purchase_order)]} if field else {}
    return entity, body


def lacks_order_field(intent: Edit, company: Company) -> bool:
    """Whether the edit names an order number that this company has no field for."""
    return isinstance(intent, EditDocument) and intent.purchase_order is not None and company.order_field() is None


def no_order_field() -> Reject:
    """An order number that could not be written; what else the edit changed is written."""
    return Reject(
        "this QuickBooks company has no field for the customer's order number",
        code="no_order_field",
        remedy='Add a custom field named "P.O. Number" to the sales forms in QuickBooks (account and settings, sales).',
    )


def is_edited(intent: Edit, item: Mapping[str, Any]) -> bool:
    """Whether the object already shows what the edit wants."""
    if isinstance(intent, EditCustomer):
        return ((item.get("PrimaryEmailAddr") or {}).get("Address") or "") == intent.email
    due = item.get("DueDate")
    return (intent.due_on is None or (bool(due) and date.fromisoformat(str(due)[:10]) == intent.due_on)) and (
        intent.purchase_order is None or order_number(item) == intent.purchase_order
    )
