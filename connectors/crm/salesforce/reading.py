"""What Salesforce shows: queries for each kind and how a row becomes a record."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.crm.salesforce.client import Row
from connectors.records import ContactFields, CustomerFields, DocumentFields, Fields, Kind, Page, Record
from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money
from receivables.problem import Problem

_ID = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")


@dataclass(frozen=True, slots=True)
class _Source:
    """The object and columns of a kind. `owner` is the column without which a row is nobody's and not followed."""

    sobject: str
    columns: tuple[str, ...]
    read: Callable[[Row], Fields]
    owner: str | None = None


def select(kind: Kind, *, since: datetime | None) -> str:
    """Write the query for all rows of a kind, or for those changed at or after `since`."""
    source = _SOURCES[kind]
    wheres = []
    if since is not None:
        # Whole seconds, as SystemModstamp is; rounding down reads a row twice rather than never.
        wheres.append(f"SystemModstamp >= {since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
    elif source.owner:
        wheres.append(f"{source.owner} != null")
    return _select(source, wheres) + " ORDER BY SystemModstamp, Id"


def select_by_id(kind: Kind, external_ids: Sequence[str]) -> str | None:
    """Write the query for the rows with these ids; None when none of them can be an id."""
    ids = [external_id for external_id in external_ids if _ID.fullmatch(external_id)]
    return _select(_SOURCES[kind], ["Id IN ('" + "','".join(ids) + "')"]) if ids else None


def page_of(kind: Kind, rows: Sequence[Row]) -> Page:
    """Turn rows into records; a row that cannot be read becomes a problem."""
    source = _SOURCES[kind]
    records: list[Record] = []
    problems: list[Problem] = []
    for row in rows:
        try:
            records.append(_record(kind, source, row))
        except (KeyError, TypeError, ValueError, InvalidOperation) as error:
            problems.append(
                Problem(
                    code="unreadable_record",
                    text=f"Salesforce {source.sobject} {row.get('Id')} cannot be read: {error}",
                    remedy="Correct the record in Salesforce; it is read again when it changes.",
                    subject=str(row.get("Id") or ""),
                )
            )
    return Page(tuple(records), tuple(problems))


def instant(text: str) -> datetime:
    """Read Salesforce's form of an instant, `2026-11-17T10:00:00.000+0000`; ValueError without a zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"instant {text!r} has no zone")
    return moment


def _select(source: _Source, wheres: Sequence[str]) -> str:
    where = f" WHERE {' AND '.join(wheres)}" if wheres else ""
    return f"SELECT Id, IsDeleted, SystemModstamp, {', '.join(source.columns)} FROM {source.sobject}{where}"  # noqa: S608


def _record(kind: Kind, source: _Source, row: Row) -> Record:
    version = str(row["SystemModstamp"])
    return Record(
        kind=kind,
        external_id=str(row["Id"]),
        version=version,
        modified_at=instant(version),
        fields=source.read(row),
        deleted=bool(row["IsDeleted"]) or (source.owner is not None and not row[source.owner]),
    )


def _customer(row: Row) -> CustomerFields:
    return CustomerFields(
        name=str(row["Name"]),
        number=row["AccountNumber"],
        parent_external_id=row["ParentId"],
        country=row["BillingCountry"],
        keys=tuple(key for key in (row["TrueDue_Id__c"], row["AccountNumber"]) if key),
    )


def _contact(row: Row) -> ContactFields:
    return ContactFields(
        customer_external_id=row["AccountId"] or "",
        name=str(row["Name"]),
        email=row["Email"],
        opted_out=bool(row["HasOptedOutOfEmail"]),
    )


def _invoice(row: Row) -> DocumentFields:
    currency = str(row["CurrencyIsoCode"])
    total, balance = _money(row["Total__c"], currency), _money(row["Balance__c"], currency)
    return DocumentFields(
        kind=DocumentKind.CREDIT_NOTE if min(total, balance).minor < 0 else DocumentKind.INVOICE,
        customer_external_id=str(row["Account__c"] or ""),
        number=str(row["Number__c"] or ""),
        total=abs(total),
        balance=abs(balance),
        issued_on=date.fromisoformat(row["Issue_Date__c"]),
        due_on=date.fromisoformat(row["Due_Date__c"]),
        status=DocumentStatus(row["Status__c"]),
        external_key=row["External_Id__c"],
        disputed=bool(row["Disputed__c"]),
        dispute_reason=row["Dispute_Reason__c"],
        promised_on=date.fromisoformat(row["Promised_On__c"]) if row["Promised_On__c"] else None,
    )


def _money(value: Any, currency: str) -> Money:  # noqa: ANN401 - a JSON number
    return Money.of(Decimal(value), currency)


_SOURCES = {
    Kind.CUSTOMER: _Source(
        "Account", ("Name", "AccountNumber", "ParentId", "BillingCountry", "TrueDue_Id__c"), _customer
    ),
    Kind.CONTACT: _Source("Contact", ("Name", "AccountId", "Email", "HasOptedOutOfEmail"), _contact, owner="AccountId"),
    Kind.INVOICE: _Source(
        "TrueDue_Invoice__c",
        (
            "External_Id__c",
            "Account__c",
            "Number__c",
            "Status__c",
            "CurrencyIsoCode",
            "Total__c",
            "Balance__c",
            "Issue_Date__c",
            "Due_Date__c",
            "Disputed__c",
            "Dispute_Reason__c",
            "Promised_On__c",
        ),
        _invoice,
        owner="External_Id__c",
    ),
}
