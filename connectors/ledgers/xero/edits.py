"""Edits of invoices and contacts, fifty a call. Xero has no version check, so each batch is read again first.

What a person edits between that reading and the write is gone over. Xero's history tells of it afterwards: a call an
object, so that it is asked about edits that people make one by one, and not about a mass of them.

An invoice's link to our page (its Url, "Go to TrueDue" in Xero) is one of them, which rests on no version.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from connectors.errors import Absent, ConnectorError, Retry, Stale, answered
from connectors.intents import Done, EditCustomer, EditDocument, Found, LinkDocument, Outcome
from connectors.ledgers.xero import history, read
from connectors.ledgers.xero.client import Json, XeroClient
from connectors.ledgers.xero.convert import day, version
from connectors.ledgers.xero.refusals import element_error
from receivables.identity import stable_id

MAX_EDITS_PER_CALL = 50  # what Xero advises for one call
MAX_LOOKED_BACK = 10  # edits of one call whose history is read: a tenant has sixty calls a minute

_OVERWROTE = "somebody edited it in the moment in which an edit from the CRM was written: theirs may be gone"

Edit = EditDocument | EditCustomer | LinkDocument
T = TypeVar("T")


class Edits:
    """Edits of one tenant."""

    def __init__(self, client: XeroClient, reader: read.XeroReader) -> None:
        self._client = client
        self._reader = reader

    def write(self, intents: Sequence[Edit]) -> dict[str, Outcome]:
        """Carry out edits of one kind of object; an outcome by key."""
        outcomes: dict[str, Outcome] = {}
        for batch in _batches(intents):
            try:
                outcomes |= self._looked_back(batch, self._together(batch))
            except ConnectorError as error:
                outcomes |= dict.fromkeys((intent.key for intent in batch), error)
        return outcomes

    def find(self, intents: Sequence[Edit]) -> dict[str, Found]:
        """Look up which objects show their edit, by key."""
        found: dict[str, Found] = {}
        for kind in (EditDocument, EditCustomer, LinkDocument):
            for batch in _batches([intent for intent in intents if isinstance(intent, kind)]):
                current = answered(partial(self._current, batch))
                if isinstance(current, ConnectorError):
                    found |= dict.fromkeys((intent.key for intent in batch), current)
                else:
                    standing = {intent.key: _standing(intent, current.get(_identity(intent))) for intent in batch}
                    found |= self._looked_back(batch, standing)
        return found

    def _looked_back(self, batch: Sequence[Edit], outcomes: Mapping[str, T]) -> dict[str, T | Outcome]:
        """Say of what stands whether a person's edit may have been gone over."""
        told: dict[str, T | Outcome] = dict(outcomes)
        for intent in batch if len(batch) <= MAX_LOOKED_BACK else ():
            outcome = told[intent.key]
            if isinstance(intent, LinkDocument) or not isinstance(outcome, Done):
                continue
            if intent.version not in ("", outcome.version):
                told[intent.key] = self._look_back(intent, outcome)
        return told

    def _look_back(self, intent: EditDocument | EditCustomer, outcome: Done) -> Outcome:
        kept: history.Kept = "contact" if isinstance(intent, EditCustomer) else "invoice"
        told = answered(partial(history.lines, self._client, kept, _identity(intent)))
        if isinstance(told, ConnectorError):  # the edit stands: it is looked up, and its history read, again
            pause = told.after_seconds if isinstance(told, Retry) else 0.0
            return Retry(f"its history cannot be read: {told}", ambiguous=True, after_seconds=pause)
        if history.edited_by_a_person(told, after=intent.version, before=outcome.version):
            return replace(outcome, overwrote=_OVERWROTE)
        return outcome

    def _current(self, batch: Sequence[Edit]) -> dict[str, Json]:
        """The objects of a batch as they are now, by id."""
        source = _source(batch[0])
        items = self._reader.by_ids(source, [_identity(intent) for intent in batch])
        return {str(item.get(source.identity)): item for item in items}

    def _together(self, batch: Sequence[Edit]) -> dict[str, Outcome]:
        """Edit what has not changed since it was merged."""
        source, current = _source(batch[0]), self._current(batch)
        outcomes = {intent.key: _settled(intent, current.get(_identity(intent))) for intent in batch}
        due = [intent for intent in batch if outcomes[intent.key] is None]
        return {key: outcome for key, outcome in outcomes.items() if outcome} | (self._post(source, due) if due else {})

    def _post(self, source: read.Source, due: Sequence[Edit]) -> dict[str, Outcome]:
        api = self._client.api
        operation = api.update_or_create_invoices if source is read.INVOICES else api.update_or_create_contacts
        body = {source.items: [{source.identity: _identity(intent)} | _change(intent) for intent in due]}
        key = stable_id("td", *(intent.key for intent in due))
        answer = self._client.put(operation, body, key=key, summarize_errors=False)
        try:
            pairs = list(zip(due, answer[source.items], strict=True))
            return {intent.key: element_error(item) or _done(intent, item) for intent, item in pairs}
        except (KeyError, TypeError, ValueError) as error:
            raise Retry(f"Xero's answer to edits cannot be read: {error!r}", ambiguous=True) from error


def _batches(intents: Sequence[Edit]) -> Iterator[list[Edit]]:
    """At most fifty, and an object once: a second edit of it was merged with a version that the first one ends."""
    batch: list[Edit] = []
    for intent in intents:
        if len(batch) == MAX_EDITS_PER_CALL or _identity(intent) in map(_identity, batch):
            yield batch
            batch = []
        batch.append(intent)
    if batch:
        yield batch


def _standing(intent: Edit, item: Json | None) -> Found:
    if item is None:
        return Absent("it is no longer in Xero")
    return _done(intent, item) if _is_edited(intent, item) else None


def _settled(intent: Edit, item: Json | None) -> Outcome | None:
    """The outcome of an edit that needs no write; None when it is to be written."""
    standing = _standing(intent, item)
    if standing is not None or item is None:
        return standing
    if not isinstance(intent, LinkDocument) and version(item) != intent.version:
        return Stale("it changed in Xero since it was read", code="stale", remedy="Read it again and decide anew.")
    return None


def _done(intent: Edit, item: Mapping[str, Any]) -> Done:
    return Done((_identity(intent),), version(item))


def _source(intent: Edit) -> read.Source:
    return read.CONTACTS if isinstance(intent, EditCustomer) else read.INVOICES


def _identity(intent: Edit) -> str:
    return intent.customer_external_id if isinstance(intent, EditCustomer) else intent.document_external_id


def _change(intent: Edit) -> Json:
    if isinstance(intent, EditCustomer):
        return {"EmailAddress": intent.email}
    if isinstance(intent, LinkDocument):
        return {"Url": intent.address}
    asked = {"DueDate": intent.due_on, "Reference": intent.purchase_order}
    return {name: value for name, value in asked.items() if value is not None}


def _is_edited(intent: Edit, item: Mapping[str, Any]) -> bool:
    if isinstance(intent, EditCustomer):
        return bool((item.get("EmailAddress") or "") == intent.email)
    if isinstance(intent, LinkDocument):
        leads = str(item.get("Url") or "")
        is_theirs = bool(leads) and not leads.startswith(intent.ours)
        return leads == intent.address or is_theirs or item.get("Status") != "AUTHORISED"
    dated = intent.due_on is None or (bool(item.get("DueDate")) and day(item, "DueDate") == intent.due_on)
    return dated and intent.purchase_order in (None, item.get("Reference") or "")
