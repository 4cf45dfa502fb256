"""Postings of up to two objects: completed when half is there, found again by their marks, taken back whole."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.errors import Absent, Reconnect, Reject, Retry
from connectors.intents import Done, Intent, UndoPosting, WriteDown
from connectors.ledgers.exact import money
from connectors.ledgers.quickbooks.client import Json, QuickBooksClient
from connectors.ledgers.quickbooks.read import QuickBooksReader
from connectors.ledgers.quickbooks.steps import Step, mark_of, second_step
from receivables.identity import stable_id

# In the order in which they can be deleted: a deposit holds its payments, a payment the credit that it uses.
_DELETABLE = ("Deposit", "Payment", "JournalEntry", "CreditMemo", "Estimate")
_SOUGHT = ("Payment", "Deposit", "JournalEntry", "CreditMemo", "Estimate")  # the commonest first


class Postings:
    """What we posted in one company. Transactions of all kinds share one row of ids at QuickBooks."""

    def __init__(self, client: QuickBooksClient, reader: QuickBooksReader) -> None:
        self._client = client
        self._reader = reader

    def write(self, intent: Intent, first: Step) -> Done:
        """Create the first object and what completes it."""
        return self.complete(intent, first.entity, self.carry_out(first))

    def carry_out(self, step: Step) -> Json:
        """Create or update one object."""
        send = self._client.create if step.operation == "create" else self._client.update
        return send(step.entity, step.body, key=step.key)

    def find(self, intent: Intent) -> Done | None:
        """Look up what was posted, and complete what stopped half-way."""
        mark = mark_of(intent)
        for items in self._reader.items(mark.entity, where=f"TxnDate = '{mark.on.isoformat()}'", urgent=True):
            for item in items:
                if mark.is_on(item):
                    return self.complete(intent, mark.entity, item, sought=True)
        return None

    def complete(self, intent: Intent, entity: str, first: Json, *, sought: bool = False) -> Done:
        """Write the second object, unless it is `sought` and found; a refusal takes the first one back."""
        step = second_step(intent, entity, first)
        version = str(first.get("SyncToken", ""))
        if step is None:
            return Done((str(first["Id"]),), version)
        try:
            self._check_amount(intent, first)
            second = (self._linked(step, entity, first) if sought else None) or self.carry_out(step)
        except (Reject, Absent):
            self._delete(entity, first)
            raise
        except (Retry, Reconnect) as error:
            seconds = error.after_seconds if isinstance(error, Retry) else 60.0
            raise Retry(f"posted in part: {error}", after_seconds=seconds, ambiguous=True) from error
        return Done((str(first["Id"]), str(second["Id"])), version)

    def undo(self, intent: UndoPosting) -> Done:
        """Delete all of a posting that is left; Reject when QuickBooks or a person's work holds on to it."""
        found = dict(self._left(intent))
        if not found:
            raise Absent("nothing of this posting is in QuickBooks")
        for item in found.get("Estimate", []):
            _check_not_invoiced(item)
        released = False
        for entity in _DELETABLE:
            items = found.get(entity, [])
            if items and released:  # what was deleted before it let go of it, which changed its version
                items = self._reader.by_ids(entity, [str(item["Id"]) for item in items])
            for item in items:
                self._delete(entity, item)
                released = True
        return Done(intent.external_ids)

    def is_undone(self, intent: UndoPosting) -> bool:
        """Whether nothing of a posting is left."""
        return next(self._left(intent), None) is None

    def _left(self, intent: UndoPosting) -> Iterator[tuple[str, list[Json]]]:
        """What is left of a posting, by entity; it ends as soon as every id is found."""
        missing = set(intent.external_ids)
        for entity in _SOUGHT:
            items = self._reader.by_ids(entity, sorted(missing)) if missing else []
            missing -= {str(item["Id"]) for item in items}
            if items:
                yield entity, items

    def _linked(self, step: Step, entity: str, first: Json) -> Json | None:
        """The second object, if it stands already: one of that day which is linked to the first."""
        wanted = (entity, str(first["Id"]))
        for items in self._reader.items(step.entity, where=f"TxnDate = '{step.body['TxnDate']}'", urgent=True):
            for item in items:
                links = (link for line in item.get("Line") or [] for link in line.get("LinkedTxn") or [])
                if wanted in ((link.get("TxnType"), str(link.get("TxnId"))) for link in links):
                    return item
        return None

    def _check_amount(self, intent: Intent, first: Json) -> None:
        """QuickBooks works the tax out itself; a cent too much or too little would not close the invoice."""
        if isinstance(intent, WriteDown) and money(first["TotalAmt"], intent.amount.currency) != intent.amount:
            raise Reject(
                f"QuickBooks made {first['TotalAmt']} of {intent.amount.text()} under the tax code {intent.tax_code}",
                code="tax_amount",
                remedy="Write the invoice down in QuickBooks, or choose no tax code and correct the tax there.",
            )

    def _delete(self, entity: str, item: Json) -> None:
        body = {"Id": str(item["Id"]), "SyncToken": str(item["SyncToken"])}
        self._client.delete(entity, body, key=stable_id("td", "delete", entity, body["Id"], body["SyncToken"]))


def _check_not_invoiced(estimate: Json) -> None:
    if any(link.get("TxnType") == "Invoice" for link in estimate.get("LinkedTxn") or []):
        raise Reject(
            "the draft was turned into an invoice",
            code="draft_invoiced",
            remedy="Void the invoice in QuickBooks if it is not wanted.",
        )
