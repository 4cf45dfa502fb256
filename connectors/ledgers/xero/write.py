"""Writes in one Xero tenant: each intent takes effect once, as a whole, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from connectors.errors import Absent, ConnectorError, Fatal, Reconnect, Reject, Retry, Stale
from connectors.intents import Done, EditCustomer, EditDocument, Intent, Outcome, PostPayout, PostReceipt, UndoPosting
from connectors.ledgers.xero import read
from connectors.ledgers.xero.client import Json, XeroClient
from connectors.ledgers.xero.convert import day, version
from connectors.ledgers.xero.refusals import element_error
from connectors.ledgers.xero.steps import Step, payout_steps, receipt_steps
from receivables.identity import stable_id

MAX_PAYMENTS_PER_CALL = 50  # what Xero advises for one call
# A key lives about 6 minutes at Xero, so a posting whose answer was lost is looked up among what changed since:
LOOK_BACK = timedelta(days=30)
_GONE = ("DELETED", "VOIDED")
_Plan = tuple[Intent, list[Step]]


class XeroWriter:
    """Writes for one tenant."""

    def __init__(self, client: XeroClient, reader: read.XeroReader, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._reader = reader
        self._clock = clock

    def write(self, intents: Sequence[Intent]) -> list[Outcome]:
        """Carry out intents in order; neighbours that are one plain payment each share a call."""
        outcomes: dict[str, Outcome] = {}
        plans: list[_Plan] = []
        unique: dict[str, Intent] = {}
        for intent in intents:
            unique.setdefault(intent.key, intent)
        for intent in unique.values():
            try:
                plans.append((intent, _steps(intent)))
            except Reject as error:
                outcomes[intent.key] = error
        for plain, run in groupby(plans, key=_is_plain_payment):
            for chunk in _chunks(list(run)) if plain else ([plan] for plan in run):
                outcomes |= self._pay_together(chunk) if plain else {chunk[0][0].key: self._attempt(*chunk[0])}
        return [outcomes[intent.key] for intent in intents]

    def find(self, intent: Intent) -> Done | None:
        """Look up an intent whose answer was lost; one of several steps that stopped half-way is completed first."""
        if isinstance(intent, UndoPosting):
            gone = all(status is None or status in _GONE for status in map(self._status, intent.external_ids))
            return Done(intent.external_ids) if gone else None
        if isinstance(intent, EditDocument | EditCustomer):
            _, item = self._current(intent)
            return Done((str(_edited_id(intent)),), version(item)) if _is_edited(intent, item) else None
        steps = _steps(intent)
        made = self._made(steps)
        return self._perform(steps, made) if made else None

    def _attempt(self, intent: Intent, steps: list[Step]) -> Outcome:
        try:
            if isinstance(intent, UndoPosting):
                return self._undo(intent)
            if isinstance(intent, EditDocument | EditCustomer):
                return self._edit(intent)
            return self._perform(steps, {})
        except ConnectorError as error:
            return error

    def _pay_together(self, plans: Sequence[_Plan]) -> dict[str, Outcome]:
        """Post one payment an intent in one call. Its key derives from theirs, so the same call repeats as itself."""
        steps = [steps[0] for _, steps in plans]
        key = steps[0].key if len(steps) == 1 else stable_id("td", *(step.key for step in steps))
        results: list[Outcome]
        try:
            answer = self._client.put(
                self._client.api.create_payments,
                {"Payments": [step.body for step in steps]},
                key=key,
                summarize_errors=False,
            )
            results = [_result(step, item) for step, item in zip(steps, answer["Payments"], strict=True)]
        except ConnectorError as error:
            results = [error] * len(steps)
        except (KeyError, TypeError, ValueError) as error:
            results = [Retry(f"Xero's answer to payments cannot be read: {error!r}", ambiguous=True)] * len(steps)
        return {intent.key: result for (intent, _), result in zip(plans, results, strict=True)}

    def _perform(self, steps: Sequence[Step], made: Mapping[str, Done]) -> Done:
        """Create what is not made yet. A refusal takes back the steps before it; anything else leaves them findable."""
        written: list[str] = []
        last = Done(())
        for step in steps:
            try:
                last = made.get(step.key) or self._create(step)
            except (Reject, Absent):
                self._take_back(written)
                raise
            except (Retry, Reconnect) as error:
                if not written:
                    raise
                seconds = error.after_seconds if isinstance(error, Retry) else 60.0
                raise Retry(f"posted in part: {error}", after_seconds=seconds, ambiguous=True) from error
            written += last.external_ids
        return Done(tuple(written), last.version)

    def _create(self, step: Step) -> Done:
        operation = getattr(self._client.api, step.create)
        options = {"summarize_errors": False} if step.per_element_errors else {}
        body = step.body
        if "Name" in body.get("Contact", {}):
            body = body | {"Contact": {"ContactID": self._contact_named(body["Contact"]["Name"])}}
        answer = self._client.put(operation, {step.source.items: [body]}, key=step.key, **options)
        try:
            result = _result(step, answer[step.source.items][0])
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise Retry(f"Xero's answer cannot be read: {error!r}", ambiguous=True) from error
        if isinstance(result, ConnectorError):
            raise result
        return result

    def _contact_named(self, name: str) -> str:
        """The contact of that name, made when there is none: only one active contact can have it."""
        api = self._client.api
        found = self._client.get(api.get_contacts, urgent=True, where=f'Name=="{name}"').get("Contacts")
        if not found:
            body: Json = {"Contacts": [{"Name": name}]}
            key = stable_id("td", "contact", name)
            found = self._client.put(api.create_contacts, body, key=key, summarize_errors=False)["Contacts"]
        return str(found[0]["ContactID"])

    def _made(self, steps: Sequence[Step]) -> dict[str, Done]:
        """Which steps already stand in Xero, by key."""
        made: dict[str, Done] = {}
        since = self._clock() - LOOK_BACK
        for source in {step.source.items: step.source for step in steps}.values():
            for items in self._reader.items(source, since=since, urgent=True):
                for item in items:
                    for step in steps:
                        if step.source is source and step.made(item):
                            made[step.key] = Done(step.ids(item))
        return made

    def _undo(self, intent: UndoPosting) -> Done:
        if all(status is None for status in self._take_back(intent.external_ids)):
            raise Absent("nothing of this posting is in Xero")
        return Done(intent.external_ids)

    def _take_back(self, external_ids: Sequence[str]) -> list[str | None]:
        """Delete what these ids name, the last first; what is gone already is left. Returns the statuses before."""
        statuses: list[str | None] = []
        for external_id in reversed(external_ids):
            source, status = self._locate(external_id)
            statuses.append(status)
            if source is None or status in _GONE:
                continue
            key = stable_id("td", "delete", external_id)
            api = self._client.api
            if source is read.PAYMENTS:
                self._client.put(api.delete_payment, external_id, {"Status": "DELETED"}, key=key)
            elif source is read.BATCHES:
                self._client.put(api.delete_batch_payment_by_url_param, external_id, {"Status": "DELETED"}, key=key)
            elif source is read.BANK:
                body: Json = {"BankTransactions": [{"BankTransactionID": external_id, "Status": "DELETED"}]}
                self._client.put(api.update_bank_transaction, external_id, body, key=key)
            # An overpayment goes with the bank transaction that made it.
        return statuses

    def _locate(self, external_id: str) -> tuple[read.Source | None, str | None]:
        for source in (read.PAYMENTS, read.BATCHES, read.BANK, read.OVERPAYMENTS):
            if items := self._reader.one(source, external_id):
                return source, str(items[0].get("Status") or "AUTHORISED")
        return None, None

    def _status(self, external_id: str) -> str | None:
        return self._locate(external_id)[1]

    def _edit(self, intent: EditDocument | EditCustomer) -> Done:
        source, item = self._current(intent)
        identity = _edited_id(intent)
        if _is_edited(intent, item):
            return Done((identity,), version(item))
        if version(item) != intent.version:
            raise Stale("it changed in Xero since it was read", code="stale", remedy="Read it again and decide anew.")
        change: Json
        if isinstance(intent, EditDocument):
            operation, change = self._client.api.update_invoice, {"DueDate": intent.due_on}
        else:
            operation, change = self._client.api.update_contact, {"EmailAddress": intent.email}
        body = {source.items: [{source.identity: identity} | change]}
        answer = self._client.put(operation, identity, body, key=stable_id("td", intent.key))
        return Done((identity,), version(answer[source.items][0]))

    def _current(self, intent: EditDocument | EditCustomer) -> tuple[read.Source, Json]:
        source = read.INVOICES if isinstance(intent, EditDocument) else read.CONTACTS
        items = self._reader.one(source, _edited_id(intent))
        if not items:
            raise Absent("it is no longer in Xero")
        return source, items[0]


def _steps(intent: Intent) -> list[Step]:
    """What an intent creates, in order; nothing for an edit or an undo."""
    if isinstance(intent, PostReceipt):
        return receipt_steps(intent)
    if isinstance(intent, PostPayout):
        return payout_steps(intent)
    if isinstance(intent, UndoPosting | EditDocument | EditCustomer):
        return []
    raise Fatal(f"Xero takes no {intent.intent}")


def _is_plain_payment(plan: _Plan) -> bool:
    return len(plan[1]) == 1 and plan[1][0].source is read.PAYMENTS


def _chunks(plans: list[_Plan]) -> Iterator[list[_Plan]]:
    for start in range(0, len(plans), MAX_PAYMENTS_PER_CALL):
        yield plans[start : start + MAX_PAYMENTS_PER_CALL]


def _result(step: Step, item: Json) -> Done | Reject:
    error = element_error(item)
    if error is not None:
        return error
    return Done(step.ids(item), version(item) if item.get("UpdatedDateUTC") else "")


def _edited_id(intent: EditDocument | EditCustomer) -> str:
    return intent.document_external_id if isinstance(intent, EditDocument) else intent.customer_external_id


def _is_edited(intent: EditDocument | EditCustomer, item: Json) -> bool:
    if isinstance(intent, EditDocument):
        return bool(item.get("DueDate")) and day(item, "DueDate") == intent.due_on
    return item.get("EmailAddress") == intent.email
