"""Writes in one QuickBooks company: each intent takes effect once, as a whole, or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby

from connectors.errors import Absent, ConnectorError, Fatal, Reconnect, Reject, Retry, Stale
from connectors.intents import Done, EditCustomer, EditDocument, Intent, Outcome, PostPayout, PostReceipt, UndoPosting
from connectors.ledgers.quickbooks import bodies
from connectors.ledgers.quickbooks.client import Json, QuickBooksClient
from connectors.ledgers.quickbooks.read import QuickBooksReader
from connectors.ledgers.quickbooks.refusals import fault_in
from receivables.identity import stable_id

MAX_ITEMS_PER_BATCH = 30  # what Intuit takes in one batch call


class QuickBooksWriter:
    """Writes for one company."""

    def __init__(self, client: QuickBooksClient, reader: QuickBooksReader) -> None:
        self._client = client
        self._reader = reader

    def write(self, intents: Sequence[Intent]) -> list[Outcome]:
        """Carry out intents in order; neighbours that are one plain payment each share a call."""
        unique: dict[str, Intent] = {}
        for intent in intents:
            unique.setdefault(intent.key, intent)
        outcomes: dict[str, Outcome] = {}
        for plain, run in groupby(unique.values(), key=lambda each: isinstance(each, PostReceipt) and not each.fee):
            for chunk in _chunks(list(run)) if plain else ([intent] for intent in run):
                if len(chunk) > 1:
                    receipts = [each for each in chunk if isinstance(each, PostReceipt)]
                    outcomes |= self._pay_together(receipts)
                else:
                    outcomes[chunk[0].key] = self._attempt(chunk[0])
        return [outcomes[intent.key] for intent in intents]

    def find(self, intent: Intent) -> Done | None:
        """Look up an intent whose answer was lost; a receipt whose deposit is missing is completed first."""
        if isinstance(intent, PostReceipt):
            payment = self._on_day(intent, "Payment", "PaymentRefNum")
            return self._deposited(intent, payment, self._deposit_of(intent, payment)) if payment else None
        if isinstance(intent, PostPayout):
            entry = self._on_day(intent, "JournalEntry", "DocNumber")
            return _done(entry) if entry else None
        if isinstance(intent, UndoPosting):
            left = [self._reader.by_ids(entity, intent.external_ids) for entity in ("Payment", "Deposit")]
            return None if any(left) else Done(intent.external_ids)
        if isinstance(intent, EditDocument | EditCustomer):
            current = self._current(intent)
            return _done(current) if bodies.is_edited(intent, current) else None
        raise Fatal(f"QuickBooks takes no {intent.intent}")

    def _attempt(self, intent: Intent) -> Outcome:
        try:
            if isinstance(intent, PostReceipt):
                body = bodies.payment(intent)
                return self._deposited(intent, self._client.create("Payment", body, key=_key(intent, "payment")))
            if isinstance(intent, PostPayout):
                body = bodies.payout_entry(intent)
                return _done(self._client.create("JournalEntry", body, key=_key(intent, "payout")))
            if isinstance(intent, UndoPosting):
                return self._undo(intent)
            if isinstance(intent, EditDocument | EditCustomer):
                return self._edit(intent)
        except ConnectorError as error:
            return error
        return Fatal(f"QuickBooks takes no {intent.intent}")

    def _pay_together(self, intents: Sequence[PostReceipt]) -> dict[str, Outcome]:
        """Post one payment an intent in one call. Its key derives from theirs, so the same call repeats as itself."""
        items: list[Json] = [
            {"bId": str(index), "operation": "create", "Payment": bodies.payment(intent)}
            for index, intent in enumerate(intents)
        ]
        key = stable_id("td", *(intent.key for intent in intents))
        try:
            answers = {str(each.get("bId")): each for each in self._client.batch(items, key=key)}
        except ConnectorError as error:
            return {intent.key: error for intent in intents}
        return {intent.key: _outcome(answers.get(str(index))) for index, intent in enumerate(intents)}

    def _deposited(self, intent: PostReceipt, payment: Json, deposit: Json | None = None) -> Done:
        """Complete a receipt: with a fee, the payment is deposited less the fee; a refusal takes the payment back."""
        if not intent.fee:
            return _done(payment)
        identity = str(payment["Id"])
        try:
            body = bodies.deposit(intent, identity)
            deposit = deposit or self._client.create("Deposit", body, key=_key(intent, "deposit"))
        except (Reject, Absent):
            self._delete("Payment", payment)
            raise
        except (Retry, Reconnect) as error:
            seconds = error.after_seconds if isinstance(error, Retry) else 60.0
            raise Retry(f"posted in part: {error}", after_seconds=seconds, ambiguous=True) from error
        return Done((identity, str(deposit["Id"])), str(payment.get("SyncToken", "")))

    def _deposit_of(self, intent: PostReceipt, payment: Json) -> Json | None:
        for items in self._reader.items("Deposit", where=_dated(intent.received_on), urgent=True):
            for item in items:
                linked = [link.get("TxnId") for line in item.get("Line") or [] for link in line.get("LinkedTxn") or []]
                if payment["Id"] in linked:
                    return item
        return None

    def _undo(self, intent: UndoPosting) -> Done:
        found = 0
        for entity in ("Deposit", "Payment"):  # a payment that is deposited cannot be deleted
            for item in self._reader.by_ids(entity, intent.external_ids):
                self._delete(entity, item)
                found += 1
        if not found:
            raise Absent("nothing of this posting is in QuickBooks")
        return Done(intent.external_ids)

    def _delete(self, entity: str, item: Json) -> None:
        body = {"Id": str(item["Id"]), "SyncToken": str(item["SyncToken"])}
        key = stable_id("td", "delete", entity, body["Id"], body["SyncToken"])
        self._client.delete(entity, body, key=key)

    def _edit(self, intent: EditDocument | EditCustomer) -> Done:
        entity, body = bodies.edit(intent)
        try:
            return _done(self._client.update(entity, body, key=_key(intent, "edit")))
        except Stale:
            # Our own change, whose answer was lost, makes the version old too.
            current = self._current(intent)
            if bodies.is_edited(intent, current):
                return _done(current)
            raise

    def _current(self, intent: EditDocument | EditCustomer) -> Json:
        entity, body = bodies.edit(intent)
        found = self._reader.by_ids(entity, [body["Id"]])
        if not found:
            raise Absent("it is no longer in QuickBooks")
        return found[0]

    def _on_day(self, intent: PostReceipt | PostPayout, entity: str, name: str) -> Json | None:
        on = intent.received_on if isinstance(intent, PostReceipt) else intent.paid_on
        for items in self._reader.items(entity, where=_dated(on), urgent=True):
            for item in items:
                if item.get(name) == bodies.short_key(intent):
                    return item
        return None


def _dated(on: date) -> str:
    return f"TxnDate = '{on.isoformat()}'"


def _key(intent: Intent, part: str) -> str:
    return stable_id("td", intent.key, part)


def _chunks(intents: list[Intent]) -> Iterator[list[Intent]]:
    for start in range(0, len(intents), MAX_ITEMS_PER_BATCH):
        yield intents[start : start + MAX_ITEMS_PER_BATCH]


def _outcome(answer: Json | None) -> Outcome:
    if answer is None:
        return Retry("QuickBooks' batch did not answer for this payment", ambiguous=True)
    fault = fault_in(answer)
    if fault is not None:
        return fault.error()
    payment = answer.get("Payment")
    if not isinstance(payment, dict):
        return Retry("QuickBooks' batch answer has no payment", ambiguous=True)
    return _done(payment)


def _done(item: Json) -> Done:
    return Done((str(item["Id"]),), str(item.get("SyncToken", "")))
