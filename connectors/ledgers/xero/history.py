"""What Xero's history of an object says: who changed it, and when.

Source: Xero's guide "History and Notes". What comes in by the API is told of as done by `System Generated`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from connectors.ledgers.xero.client import Json, XeroClient
from connectors.ledgers.xero.convert import moment

Kept = Literal["invoice", "contact"]  # what a history is kept of, as far as it is read here
_BY_API = "System Generated"
_EDITS = ("Edited", "Updated")
_STAMPS_DIFFER = timedelta(seconds=2)  # at most, between the line of an edit and the version it made


def lines(client: XeroClient, kept: Kept, external_id: str, *, urgent: bool = True) -> list[Json]:
    """Return the history of an object, newest first; Absent when Xero does not have it, and the errors of a read."""
    api = client.api
    operation = api.get_invoice_history if kept == "invoice" else api.get_contact_history
    found: list[Json] = client.get(operation, external_id, urgent=urgent).get("HistoryRecords") or []
    return found


def edited_by_a_person(history: list[Json], *, after: str, before: str) -> bool:
    """Whether a person edited the object between two of its versions, which are moments."""
    since, until = datetime.fromisoformat(after) + _STAMPS_DIFFER, datetime.fromisoformat(before)
    return any(
        line.get("Changes") in _EDITS and line.get("User") != _BY_API and since < moment(line["DateUTC"]) < until
        for line in history
    )
