"""Lines in an invoice's history, which nobody can change or remove."""

from __future__ import annotations

from connectors.intents import Done, NoteDocument
from connectors.ledgers.marked import marked
from connectors.ledgers.xero.client import Json, XeroClient
from connectors.ledgers.xero.history import lines
from connectors.ledgers.xero.limits import EVENT_LINES
from receivables.identity import stable_id

MAX_CHARACTERS = 250  # of a line of history


class Notes:
    """Notes of one tenant."""

    def __init__(self, client: XeroClient) -> None:
        self._client = client

    def write(self, intent: NoteDocument) -> Done:
        """Add the note."""
        body: Json = {"HistoryRecords": [{"Details": details(intent)}]}
        operation = self._client.api.create_invoice_history
        key, of = stable_id("td", intent.key), EVENT_LINES if intent.is_event else ""
        self._client.put(operation, intent.document_external_id, body, key=key, urgent=not intent.is_event, of=of)
        return Done((intent.document_external_id,))

    def find(self, intent: NoteDocument) -> Done | None:
        """Look the note up in the invoice's history; Absent, which says nothing, where Xero does not show it."""
        kept = lines(self._client, "invoice", intent.document_external_id, urgent=not intent.is_event)
        is_there = details(intent) in [line.get("Details") for line in kept]
        return Done((intent.document_external_id,)) if is_there else None


def details(intent: NoteDocument) -> str:
    """The text as it stands in the history."""
    return marked(intent.text, key=intent.key, most=MAX_CHARACTERS)
