"""Taking back what was posted: found by its ids, refused as a whole when a person must act first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.errors import Absent, Reconnect, Retry
from connectors.intents import Done, UndoPosting
from connectors.ledgers.xero import read
from connectors.ledgers.xero.allocations import CREDIT_NOTE, Allocations, is_allocation
from connectors.ledgers.xero.client import XeroClient
from connectors.ledgers.xero.refusals import reject

_GONE = ("DELETED", "VOIDED")
_PLACES = (read.PAYMENTS, read.BATCHES, read.BANK, read.OVERPAYMENTS, read.CREDIT_NOTES, read.TRANSFERS)
_BY_STATUS = {
    read.PAYMENTS.items: "delete_payment",
    read.BATCHES.items: "delete_batch_payment_by_url_param",
    read.TRANSFERS.items: "delete_bank_transfer",
}
_BY_UPDATE = {
    read.BANK.items: ("update_bank_transaction", "DELETED"),
    read.CREDIT_NOTES.items: ("update_credit_note", "VOIDED"),
}
_REQUIRED = {read.BANK.items: ("Type", "BankAccount", "LineItems")}  # of each change, also of one of the status alone
_SHOWN_AGAIN_SECONDS = 60.0
_RECONCILED = ("IsReconciled", "FromIsReconciled", "ToIsReconciled")


@dataclass(frozen=True, slots=True)
class _Found:
    """What an id names, as it is now; `source` is None for an allocation."""

    external_id: str
    source: read.Source | None
    item: Mapping[str, Any]


class Undoing:
    """Undoes postings of one tenant."""

    def __init__(self, client: XeroClient, reader: read.XeroReader, allocations: Allocations) -> None:
        self._client = client
        self._reader = reader
        self._allocations = allocations

    def undo(self, intent: UndoPosting) -> Done:
        """Take a posting back; Absent when it was only allocations, and they are gone."""
        if not self.take_back(intent.external_ids):
            raise Absent("nothing of this posting is in Xero")
        return Done(intent.external_ids)

    def find(self, intent: UndoPosting) -> Done | None:
        """Look up whether everything is gone; Retry while Xero does not show what became of it."""
        standing = any(_stands(found) for found in map(self._locate, intent.external_ids) if found)
        return None if standing else Done(intent.external_ids)

    def take_back(self, external_ids: Sequence[str]) -> bool:
        """Delete what these ids name, the last first; what is gone already is left. Return whether anything is shown.

        All are looked at before the first is touched, so that a refusal leaves the posting whole.
        """
        found = [each for each in map(self._locate, reversed(external_ids)) if each]
        standing = [each for each in found if _stands(each)]
        for each in standing:
            _check_free(each, external_ids)
        for each in standing:
            self._delete(each)
        return bool(found)

    def roll_back(self, external_ids: Sequence[str]) -> None:
        """Take back what stands of a posting that was refused; Retry, to be looked up, when it cannot be done now."""
        try:
            self.take_back(external_ids)
        except (Retry, Reconnect) as error:
            raise posted_in_part(error) from error

    def _locate(self, external_id: str) -> _Found | None:
        """Return what an id names, None for an allocation that is gone.

        Retry for anything else that is not shown: Xero goes on showing what was deleted, so that is a lagging answer.
        """
        if is_allocation(external_id):
            return _Found(external_id, None, {}) if self._allocations.stands(external_id) else None
        for source in _PLACES:
            if items := self._reader.one(source, external_id):
                return _Found(external_id, source, items[0])
        raise Retry(f"Xero does not show {external_id}, which was posted there", after_seconds=_SHOWN_AGAIN_SECONDS)

    def _delete(self, found: _Found) -> None:
        external_id = found.external_id
        if found.source is None:
            self._allocations.delete(external_id)
        elif found.source.items in _BY_STATUS:
            operation = getattr(self._client.api, _BY_STATUS[found.source.items])
            self._client.put(operation, external_id, {"Status": "DELETED"}, key=None)
        elif found.source.items in _BY_UPDATE:
            name, status = _BY_UPDATE[found.source.items]
            kept = {part: found.item[part] for part in _REQUIRED.get(found.source.items, ()) if part in found.item}
            body = {found.source.items: [{found.source.identity: external_id, "Status": status, **kept}]}
            self._client.put(getattr(self._client.api, name), external_id, body, key=None)
        # An overpayment goes with the bank transaction that made it.


def posted_in_part(error: Retry | Reconnect) -> Retry:
    """The error of a posting of which a part stands: what is left to do is found out by looking it up."""
    seconds = error.after_seconds if isinstance(error, Retry) else 60.0
    return Retry(f"posted in part: {error}", after_seconds=seconds, ambiguous=True)


def _stands(found: _Found) -> bool:
    return found.item.get("Status") not in _GONE


def _check_free(found: _Found, ours: Sequence[str]) -> None:
    """Reject what only a person can free: a reconciled posting, a credit note that is set against more than ours."""
    if any(found.item.get(name) in (True, "true") for name in _RECONCILED):
        raise reject("This posting has been reconciled with a bank statement line")
    if found.source is read.CREDIT_NOTES and set(CREDIT_NOTE.paths(found.item)) - set(ours):
        raise reject("This credit note has been allocated to another invoice as well")
