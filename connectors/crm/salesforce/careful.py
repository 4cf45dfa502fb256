"""Writes into records that people edit: only what is still as it was read is changed.

The record is read once more, and the write itself carries If-Unmodified-Since, which Salesforce checks for single
records (not for collections, and by whole seconds). Such writes are rare: a call each is affordable.
"""

from __future__ import annotations

from collections.abc import Sequence

from connectors.crm.salesforce.client import BATCH, Client, Row
from connectors.crm.salesforce.reading import REQUESTED, by_ids, instant
from connectors.crm.salesforce.writing import Change
from connectors.errors import Absent, ConnectorError, Reject, Retry, Stale
from connectors.intents import AdoptInvoice, Done, EditContact, Outcome

Careful = EditContact | AdoptInvoice
_COLUMNS = {"Contact": ("Email",), "TrueDue_Invoice__c": ("External_Id__c", "Status__c")}


def write_carefully(client: Client, wanted: Sequence[tuple[Careful, Change]]) -> list[Outcome]:
    """Write each change into its record unless somebody changed that meanwhile; one outcome each, in order."""
    outcomes: list[Outcome] = []
    for start in range(0, len(wanted), BATCH):
        chunk = wanted[start : start + BATCH]
        try:
            rows = _read(client, [change for _, change in chunk])
        except ConnectorError as error:
            outcomes += [error] * len(chunk)
            continue
        outcomes += [_one(client, intent, change, rows.get(change.key)) for intent, change in chunk]
    return outcomes


def _one(client: Client, intent: Careful, change: Change, row: Row | None) -> Outcome:
    if row is None:
        return Absent(f"record {change.key} is no longer in Salesforce")
    if change.stands_in(row):
        return Done((change.key,))
    refused = _refused(intent, row)
    if refused is not None:
        return refused
    try:
        client.update_unmodified(
            change.target.sobject, change.key, change.values(), since=instant(str(row["SystemModstamp"]))
        )
    except Stale as error:
        # Whoever adopts has merged nothing: what stands there now is read again by the next try.
        return error if isinstance(intent, EditContact) else Retry(str(error))
    except ConnectorError as error:
        return error
    return Done((change.key,))


def _refused(intent: Careful, row: Row) -> Reject | None:
    if isinstance(intent, EditContact):
        if str(row["SystemModstamp"]) == intent.version:
            return None
        return Stale(
            f"contact {intent.contact_external_id} changed in Salesforce since it was read",
            code="stale",
            remedy="Nothing to do: the change is merged again with what Salesforce shows now.",
        )
    if row["External_Id__c"] or row["Status__c"] != REQUESTED:
        return Reject(
            f"Salesforce: record {intent.request_external_id} is no open request any more",
            code="not_a_request",
            remedy="The invoice is shown in a record of its own: delete the request if nobody needs it.",
        )
    return None


def _read(client: Client, changes: Sequence[Change]) -> dict[str, Row]:
    """Read the records as they stand now, by id; deleted ones are left out."""
    found: dict[str, Row] = {}
    for sobject in sorted({change.target.sobject for change in changes}):
        keys = [change.key for change in changes if change.target.sobject == sobject]
        soql = by_ids(sobject, _COLUMNS[sobject], keys)
        for page in client.query(soql, urgent=True) if soql else ():
            found |= {str(row["Id"]): row for row in page}
    return found
