"""Notes attached to an invoice, for the people of the company alone: no field of the invoice is touched.

Source: Intuit's guide "Attach images and notes": an Attachable without a file is a note, of at most 2,000 characters.
QuickBooks keeps no history of an invoice that could be written; the notes attached to it are the place for one.
"""

from __future__ import annotations

from connectors.errors import Retry, Stale
from connectors.intents import Done, LinkDocument, NoteDocument
from connectors.ledgers.marked import marked
from connectors.ledgers.quickbooks.client import Json, QuickBooksClient
from connectors.ledgers.quickbooks.read import quoted
from receivables.identity import stable_id

MAX_CHARACTERS = 2_000  # of a note
MAX_LINE_CHARACTERS = 250  # of a line in it, as in Xero's history
MAX_NOTES = 1_000  # of one invoice, looked through: what one query returns
HEADING = "What TrueDue did:"
_LINK = "In TrueDue: "
_AGAIN_SECONDS = 5.0
_ENTITY = "Attachable"


class Notes:
    """Notes of one company."""

    def __init__(self, client: QuickBooksClient) -> None:
        self._client = client

    def write(self, intent: NoteDocument) -> Done:
        """Add a line to our newest note of the invoice, or begin another where that is full or somebody removed it.

        What people wrote into it, or attached beside it, stays as it is.
        """
        said = _line(intent)
        notes = self._of(intent.document_external_id, urgent=not intent.is_event)
        if any(said in _text(each) for each in notes):
            return Done((intent.document_external_id,))
        ours = [each for each in notes if _text(each).startswith(HEADING)]
        longer = f"{_text(ours[-1])}\n{said}" if ours else ""
        if ours and len(longer) <= MAX_CHARACTERS:
            return self._change(ours[-1], longer, intent.document_external_id)
        return self._attach(f"{HEADING}\n{said}", intent)

    def link(self, intent: LinkDocument) -> Done:
        """Attach a note that says where our page of the invoice is; an earlier address of ours gives way to it."""
        wanted = _LINK + intent.address
        earlier = [
            each
            for each in self._of(intent.document_external_id, urgent=False)
            if _text(each).startswith(_LINK + intent.ours)
        ]
        if any(_text(each) == wanted for each in earlier):
            return Done((intent.document_external_id,))
        if earlier:
            return self._change(earlier[-1], wanted, intent.document_external_id)
        return self._attach(wanted, intent)

    def find(self, intent: NoteDocument | LinkDocument) -> Done | None:
        """Look up whether the notes of the invoice say it."""
        wanted = _line(intent) if isinstance(intent, NoteDocument) else _LINK + intent.address
        notes = self._of(intent.document_external_id, urgent=isinstance(intent, NoteDocument) and not intent.is_event)
        is_there = any(wanted in _text(each) for each in notes)
        return Done((intent.document_external_id,)) if is_there else None

    def _of(self, invoice_id: str, *, urgent: bool) -> list[Json]:
        """The notes of an invoice, the oldest first."""
        which = f"AttachableRef.EntityRef.Type = 'Invoice' AND AttachableRef.EntityRef.value = '{quoted(invoice_id)}'"
        select = f"SELECT * FROM {_ENTITY} WHERE {which} MAXRESULTS {MAX_NOTES}"  # noqa: S608 - quoted above
        found: list[Json] = self._client.query(select, urgent=urgent).get(_ENTITY) or []
        return sorted(found, key=lambda each: int(each["Id"]))

    def _attach(self, text: str, intent: NoteDocument | LinkDocument) -> Done:
        entity = {"type": "Invoice", "value": intent.document_external_id}
        body: Json = {"AttachableRef": [{"EntityRef": entity, "IncludeOnSend": False}], "Note": text}
        self._client.create(_ENTITY, body, key=stable_id("td", intent.key))
        return Done((intent.document_external_id,))

    def _change(self, note: Json, text: str, invoice_id: str) -> Done:
        body: Json = {**note, "Note": text}  # whole: Intuit names no sparse update of this object
        try:
            self._client.update(_ENTITY, body, key=None)  # its version already sees to it that it takes effect once
        except Stale as error:  # it is read again, and what somebody else wrote stays
            raise Retry("the note was changed in QuickBooks meanwhile", after_seconds=_AGAIN_SECONDS) from error
        return Done((invoice_id,))


def _text(note: Json) -> str:
    return str(note.get("Note") or "")


def _line(intent: NoteDocument) -> str:
    return marked(intent.text, key=intent.key, most=MAX_LINE_CHARACTERS)
