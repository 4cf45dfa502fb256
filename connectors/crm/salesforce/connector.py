"""The connector of one Salesforce org."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial

from connectors.contract import Access
from connectors.crm.salesforce.careful import write_carefully
from connectors.crm.salesforce.client import BATCH, Client, Row, refusal
from connectors.crm.salesforce.reading import page_of, select, select_by_id, select_by_key, welcome_columns
from connectors.crm.salesforce.writing import INVOICE, Change, Target, change_of
from connectors.errors import ConnectorError, Reject, Retry, answered
from connectors.intents import AdoptInvoice, Done, EditContact, Found, Intent, Outcome, ShowInvoice, ShowReceipt
from connectors.records import Kind, Page, Record
from receivables.problem import Problem

Address = tuple[Target, str]


class SalesforceConnector:
    """Reads by SOQL in order of SystemModstamp; every write is an upsert or update by key, so repeating is harmless.

    What we show is written in collections; into what people wrote themselves each change goes by itself, on
    condition that it stands as it was read (see `careful`).
    `Done` carries no version: one read after the write could be a person's edit in between, and taking it for
    our own echo would lose that edit.
    """

    def __init__(self, access: Access) -> None:
        self._client = Client(access)

    def read(self, kind: Kind, *, since: datetime | None) -> Iterator[Page]:
        """Yield pages of up to 2,000 records, oldest change first; deleted ones only among changes."""
        soql = select(kind, since=since, hidden=self._hidden(kind))
        for rows in self._client.query(soql, urgent=False, include_deleted=since is not None):
            yield page_of(kind, rows)

    def fetch(self, kind: Kind, external_ids: Sequence[str]) -> Page:
        """Read these records, deleted ones included, BATCH ids a call."""
        records: list[Record] = []
        problems: list[Problem] = []
        for start in range(0, len(external_ids), BATCH):
            soql = select_by_id(kind, external_ids[start : start + BATCH], hidden=self._hidden(kind))
            for rows in self._client.query(soql, urgent=True, include_deleted=True) if soql else ():
                page = page_of(kind, rows)
                records.extend(page.records)
                problems.extend(page.problems)
        return Page(tuple(records), tuple(problems))

    def fetch_by_key(self, kind: Kind, keys: Sequence[str]) -> Page:
        """Read the living records that bear these ids of ours (`connectors.contract.FetchesByKey`), BATCH a call."""
        records: list[Record] = []
        problems: list[Problem] = []
        for start in range(0, len(keys), BATCH):
            for rows in self._client.query(select_by_key(kind, keys[start : start + BATCH]), urgent=True):
                page = page_of(kind, rows)
                records.extend(page.records)
                problems.extend(page.problems)
        return Page(tuple(records), tuple(problems))

    def write(self, intents: Sequence[Intent]) -> list[Outcome]:
        """Send one record for each address, the last intent's; all intents for it get that record's outcome."""
        try:
            currencies = self._currencies(intents)
        except ConnectorError as error:
            return [error] * len(intents)
        changes = [change_of(intent, currencies) for intent in intents]
        wanted: dict[Address, tuple[Intent, Change]] = {}
        for intent, change in zip(intents, changes, strict=True):
            if change is not None:
                wanted[change.target, change.key] = (intent, change)
        careful = {a: (i, c) for a, (i, c) in wanted.items() if isinstance(i, EditContact | AdoptInvoice)}
        outcomes = dict(zip(careful, write_carefully(self._client, list(careful.values())), strict=True))
        by_target: dict[Target, list[Change]] = {}
        for address, (_, change) in wanted.items():
            if address not in careful:
                by_target.setdefault(change.target, []).append(change)
        for target, rows in by_target.items():
            for start in range(0, len(rows), BATCH):
                outcomes |= self._send(target, rows[start : start + BATCH])
        return [
            outcomes[change.target, change.key] if change else _misplaced(intent)
            for intent, change in zip(intents, changes, strict=True)
        ]

    def find(self, intents: Sequence[Intent]) -> list[Found]:
        """Read each intent's record and compare: it took effect when every field stands as the intent sets it."""
        return [answered(partial(self._find, intent)) for intent in intents]

    def _find(self, intent: Intent) -> Done | None:
        change = change_of(intent, self._currencies([intent]))
        if change is None:
            return None
        record = self._client.record(change.target.sobject, change.target.key_field, change.key)
        if record is None or not change.stands_in(record):
            return None
        return Done((str(record["Id"]),))

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()

    def _hidden(self, kind: Kind) -> frozenset[str]:
        """Return the columns of a kind that are read where they can be seen, and that this user may not see."""
        sobject, wanted = welcome_columns(kind)
        if not wanted:
            return frozenset()
        return frozenset(wanted) - {str(field["name"]) for field in self._client.describe(sobject)["fields"]}

    def _currencies(self, intents: Sequence[Intent]) -> frozenset[str]:
        """Return the currencies of an org that has several, else nothing; asked only for what shows an amount."""
        if not any(isinstance(intent, ShowInvoice | ShowReceipt) for intent in intents):
            return frozenset()
        fields = self._client.describe(INVOICE.sobject)["fields"]
        own = [field for field in fields if field["name"] == "CurrencyIsoCode"]
        return frozenset(str(value["value"]) for field in own for value in field["picklistValues"] if value["active"])

    def _send(self, target: Target, changes: Sequence[Change]) -> dict[Address, Outcome]:
        addresses = [(change.target, change.key) for change in changes]
        try:
            results = self._client.patch(target.path, [change.body() for change in changes])
        except ConnectorError as error:
            return dict.fromkeys(addresses, error)
        return {address: _outcome(target, row) for address, row in zip(addresses, results, strict=True)}


def _outcome(target: Target, row: Row) -> Outcome:
    if row.get("success"):
        return Done((str(row["id"]),))
    error: Row = next(iter(row.get("errors") or ()), {})
    code, message = str(error.get("statusCode", "")), str(error.get("message", ""))
    if code == "DUPLICATE_VALUE" and target.is_upsert:
        # Two workers created the same record at once: the loser's repetition finds it and updates it.
        return Retry(f"Salesforce: {message} ({code})")
    return refusal(code, message)


def _misplaced(intent: Intent) -> Reject:
    return Reject(f"Salesforce has no place for {intent.intent}", code="unsupported_intent")
