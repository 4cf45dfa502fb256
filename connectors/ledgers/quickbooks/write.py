"""Writes in one QuickBooks company: each intent takes effect once, as a whole, or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby

from connectors.errors import ConnectorError, Stale, answered
from connectors.intents import (
    Done,
    EditCustomer,
    EditDocument,
    Found,
    Intent,
    LinkDocument,
    NoteDocument,
    Outcome,
    UndoPosting,
)
from connectors.ledgers.quickbooks.calls import MAX_ITEMS_PER_BATCH
from connectors.ledgers.quickbooks.client import QuickBooksClient
from connectors.ledgers.quickbooks.company import Company
from connectors.ledgers.quickbooks.edits import Edit, edited, is_edited, lacks_order_field, no_order_field
from connectors.ledgers.quickbooks.notes import Notes
from connectors.ledgers.quickbooks.posting import Postings
from connectors.ledgers.quickbooks.read import QuickBooksReader
from connectors.ledgers.quickbooks.steps import Step, first_step


class QuickBooksWriter:
    """Writes for one company."""

    def __init__(self, client: QuickBooksClient, reader: QuickBooksReader) -> None:
        self._client = client
        self._reader = reader
        self._postings = Postings(client, reader)
        self._notes = Notes(client)

    def write(self, intents: Sequence[Intent]) -> list[Outcome]:
        """Carry out intents in order; neighbours share calls, except those that undo and those that note."""
        unique: dict[str, Intent] = {}
        for intent in intents:
            unique.setdefault(intent.key, intent)
        company = Company(self._client, self._reader)
        outcomes: dict[str, Outcome] = {}
        for together, run in groupby(unique.values(), key=_shares_a_call):
            for chunk in _chunks(list(run), MAX_ITEMS_PER_BATCH if together else 1):
                outcomes |= self._carry_out(chunk, company)
        return [outcomes[intent.key] for intent in intents]

    def find(self, intents: Sequence[Intent]) -> list[Found]:
        """Look up intents whose answer was lost, up to 30 at once; one that stopped half-way is completed first."""
        found: dict[str, Found] = {}
        for together, run in groupby(sorted(intents, key=_shares_a_call), key=_shares_a_call):
            for chunk in _chunks(list(run), MAX_ITEMS_PER_BATCH if together else 1):
                found |= self._find(chunk)
        return [found[intent.key] for intent in intents]

    def _find(self, intents: Sequence[Intent]) -> dict[str, Found]:
        found: dict[str, Found] = {}
        edits: list[Edit] = []
        posted: list[Intent] = []
        for intent in intents:
            if isinstance(intent, UndoPosting):
                found[intent.key] = answered(partial(self._postings.find_undone, intent))
            elif isinstance(intent, NoteDocument | LinkDocument):
                found[intent.key] = answered(partial(self._notes.find, intent))
            elif isinstance(intent, EditDocument | EditCustomer):
                edits.append(intent)
            else:
                posted.append(intent)
        standing = answered(partial(self._standing, edits))
        for each in edits:
            found[each.key] = standing if isinstance(standing, ConnectorError) else standing.get(each.key)
        return found | self._postings.find(posted)

    def _carry_out(self, intents: Sequence[Intent], company: Company) -> dict[str, Outcome]:
        outcomes: dict[str, Outcome] = {}
        steps: list[tuple[Intent, Step]] = []
        for intent in intents:
            try:
                if isinstance(intent, UndoPosting):
                    outcomes[intent.key] = self._postings.undo(intent)
                elif isinstance(intent, NoteDocument):
                    outcomes[intent.key] = self._notes.write(intent)
                elif isinstance(intent, LinkDocument):
                    outcomes[intent.key] = self._notes.link(intent)
                else:
                    steps.append((intent, first_step(intent, company)))
            except ConnectorError as error:
                outcomes[intent.key] = error
        outcomes |= self._postings.write(steps)
        return self._judged([each for each, _ in steps], outcomes, company)

    def _judged(self, intents: Sequence[Intent], outcomes: dict[str, Outcome], company: Company) -> dict[str, Outcome]:
        """Edits as they stand: our own change, whose answer was lost, makes the version old too."""
        edits = [intent for intent in intents if isinstance(intent, EditDocument | EditCustomer)]
        stale = [intent for intent in edits if isinstance(outcomes[intent.key], Stale)]
        for key, error in self._already(stale).items():
            outcomes[key] = error
        for intent in edits:
            if isinstance(outcomes[intent.key], Done) and lacks_order_field(intent, company):
                outcomes[intent.key] = no_order_field()
        return outcomes

    def _already(self, stale: Sequence[Edit]) -> dict[str, Outcome]:
        try:
            return dict(self._standing(stale)) if stale else {}
        except ConnectorError:
            return {}  # they stay stale: what is there now is read again before anything else is written

    def _standing(self, edits: Sequence[Edit]) -> dict[str, Done]:
        """Which edits the objects already show, with their versions."""
        done: dict[str, Done] = {}
        for entity in ("Invoice", "Customer"):
            wanted = {each.key: edited(each)[1] for each in edits if edited(each)[0] == entity}
            found = {str(item["Id"]): item for item in self._reader.by_ids(entity, sorted({*wanted.values()}))}
            for intent in edits:
                item = found.get(wanted.get(intent.key, ""))
                if item is not None and is_edited(intent, item):
                    done[intent.key] = Done((str(item["Id"]),), str(item.get("SyncToken", "")))
        return done


def _shares_a_call(intent: Intent) -> bool:
    return not isinstance(intent, UndoPosting | NoteDocument | LinkDocument)


def _chunks(intents: list[Intent], size: int) -> Iterator[list[Intent]]:
    for start in range(0, len(intents), size):
        yield intents[start : start + size]
