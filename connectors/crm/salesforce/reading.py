"""What Salesforce shows: queries for each kind and how a row becomes a record."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from simple_salesforce.format import format_soql

from connectors.crm.salesforce.client import Row
from connectors.records import (
    Action,
    ContactFields,
    ContactWays,
    CustomerFields,
    DocumentFields,
    Fields,
    InstructionFields,
    InvoiceRequestFields,
    Kind,
    Page,
    PostalFields,
    Record,
)
from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money
from receivables.problem import Problem

_KEY = "External_Id__c"
_ID = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")
ASKED, DONE, REFUSED = "asked", "done", "refused"  # the status of an instruction
REQUESTED, DRAFTED = "requested", "drafted"  # the status of a record before the ledger's document stands in it


@dataclass(frozen=True, slots=True)
class _Source:
    """The object and columns of a kind, and which of its rows are followed.

    `living` is the condition, in SOQL and in Python, under which a row is one of this kind; a row that no longer
    meets it is read as deleted. Rows of `others` belong to another kind, and are left out. The columns `welcome` are
    Salesforce's own and read where the connected user may see them: without them nothing is missing that is needed.
    """

    sobject: str
    columns: tuple[str, ...]
    read: Callable[[Row], Fields]
    living: str = ""
    lives: Callable[[Row], bool] = lambda _row: True
    others: Callable[[Row], bool] = lambda _row: False
    welcome: tuple[str, ...] = ()

    def columns_but(self, hidden: Collection[str]) -> tuple[str, ...]:
        """What to ask for where the columns `hidden` cannot be seen."""
        return (*self.columns, *(name for name in self.welcome if name not in hidden))


def welcome_columns(kind: Kind) -> tuple[str, tuple[str, ...]]:
    """Return the object of a kind, and which of its columns are read only where the connected user may see them."""
    return _SOURCES[kind].sobject, _SOURCES[kind].welcome


def select(kind: Kind, *, since: datetime | None, hidden: Collection[str] = ()) -> str:
    """Write the query for all rows of a kind, or for those changed at or after `since`.

    Requests that stand open are read whatever the time: an opportunity that is won changes no request.
    """
    source = _SOURCES[kind]
    columns = source.columns_but(hidden)
    if since is None:
        return _select(source.sobject, columns, source.living) + _ORDER
    # Whole seconds, as SystemModstamp is; rounding down reads a row twice rather than never.
    changed = f"SystemModstamp >= {since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    if kind is Kind.INVOICE_REQUEST:
        changed = f"External_Id__c = null AND ({changed} OR (IsDeleted = false AND {source.living}))"
    return _select(source.sobject, columns, changed) + _ORDER


def select_by_id(kind: Kind, external_ids: Sequence[str], *, hidden: Collection[str] = ()) -> str | None:
    """Write the query for the rows with these ids; None when none of them can be an id."""
    return by_ids(_SOURCES[kind].sobject, _SOURCES[kind].columns_but(hidden), external_ids)


def by_ids(sobject: str, columns: Sequence[str], external_ids: Sequence[str]) -> str | None:
    """Write the query for these columns of the records with these ids; None when none of them can be an id."""
    ids = [external_id for external_id in external_ids if _ID.fullmatch(external_id)]
    return _select(sobject, columns, "Id IN ('" + "','".join(ids) + "')") if ids else None


def select_by_key(kind: Kind, keys: Sequence[str]) -> str:
    """Write the query for the living rows that bear these ids of ours; ValueError for a kind that bears none."""
    source = _SOURCES[kind]
    if _KEY not in source.columns:
        raise ValueError(f"records of {kind} bear no ids of ours")
    return _select(source.sobject, source.columns, str(format_soql(f"{_KEY} IN {{}}", list(keys))))


def page_of(kind: Kind, rows: Sequence[Row]) -> Page:
    """Turn rows into records; a row that cannot be read becomes a problem."""
    source = _SOURCES[kind]
    records: list[Record] = []
    problems: list[Problem] = []
    for row in (each for each in rows if not source.others(each)):
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


def _select(sobject: str, columns: Sequence[str], condition: str) -> str:
    where = f" WHERE {condition}" if condition else ""
    return f"SELECT Id, IsDeleted, SystemModstamp, {', '.join(columns)} FROM {sobject}{where}"  # noqa: S608


def _record(kind: Kind, source: _Source, row: Row) -> Record:
    version = str(row["SystemModstamp"])
    deleted = bool(row["IsDeleted"]) or not source.lives(row)
    return Record(
        kind=kind,
        external_id=str(row["Id"]),
        version=version,
        modified_at=instant(version),
        fields=_NO_REQUEST if deleted and kind is Kind.INVOICE_REQUEST else source.read(row),
        deleted=deleted,
    )


def _customer(row: Row) -> CustomerFields:
    return CustomerFields(
        name=str(row["Name"]),
        number=row["AccountNumber"],
        parent_external_id=row["ParentId"],
        country=row["BillingCountry"],
        keys=tuple(key for key in (row["TrueDue_Id__c"], row["AccountNumber"]) if key),
        merged_into_external_id=row["MasterRecordId"] if row["IsDeleted"] else None,
        industry=row.get("Industry"),
        employees=_whole(row.get("NumberOfEmployees")),
    )


def _contact(row: Row) -> ContactFields:
    return ContactFields(
        customer_external_id=row["AccountId"] or "",
        name=str(row["Name"]),
        email=row["Email"],
        opted_out=bool(row["HasOptedOutOfEmail"]),
        ways=_ways(row),
    )


def _ways(row: Row) -> ContactWays:
    lines = tuple(line.strip() for line in (row["MailingStreet"] or "").splitlines() if line.strip())
    rest = [row[f"Mailing{name}"] or "" for name in ("City", "State", "PostalCode", "Country")]
    address = PostalFields(lines, *rest) if lines else None
    return ContactWays(row["MobilePhone"] or "", row["Phone"] or "", address)


def _invoice(row: Row) -> DocumentFields:
    currency = _needed(row, "Currency__c")
    total, balance = _money(row["Total__c"], currency), _money(row["Balance__c"], currency)
    return DocumentFields(
        kind=DocumentKind.CREDIT_NOTE if min(total, balance).minor < 0 else DocumentKind.INVOICE,
        customer_external_id=str(row["Account__c"] or ""),
        number=str(row["Number__c"] or ""),
        total=abs(total),
        balance=abs(balance),
        issued_on=date.fromisoformat(row["Issue_Date__c"]),
        due_on=date.fromisoformat(row["Due_Date__c"]) if row["Due_Date__c"] else None,
        status=DocumentStatus(row["Status__c"]),
        external_key=row["External_Id__c"],
        disputed=bool(row["Disputed__c"]),
        dispute_reason=row["Dispute_Reason__c"],
        promised_on=date.fromisoformat(row["Promised_On__c"]) if row["Promised_On__c"] else None,
        purchase_order=row["PO_Number__c"] or "",
        note=row["Note__c"] or "",
    )


def _request(row: Row) -> InvoiceRequestFields:
    opportunity: Row = row["Opportunity__r"] or {}
    amount = _money(_needed(row, "Requested_Amount__c"), _needed(row, "Currency__c").strip().upper())
    if amount.minor <= 0:
        raise ValueError(f"Requested_Amount__c must be more than nothing, not {amount}")
    return InvoiceRequestFields(
        customer_external_id=str(row["Account__c"]),
        description=row["Description__c"] or opportunity.get("Name") or str(row["Name"]),
        amount=amount,
        issued_on=date.fromisoformat(row["Issue_Date__c"] or instant(row["CreatedDate"]).date().isoformat()),
        due_on=date.fromisoformat(_needed(row, "Due_Date__c")),
        purchase_order=row["PO_Number__c"],
    )


def _instruction(row: Row) -> InstructionFields:
    invoice: Row = row["Invoice__r"] or {}
    if row["Invoice__c"] and not invoice.get("External_Id__c"):
        raise ValueError("Invoice__c names a record that shows no invoice of the ledger yet")
    return InstructionFields(
        action=Action(_needed(row, "Action__c")),
        customer_external_id=str(row["Account__c"]),
        asked_at=instant(row["CreatedDate"]),
        document_key=invoice.get("External_Id__c"),
        until=date.fromisoformat(row["Until__c"]) if row["Until__c"] else None,
        reason=row["Reason__c"] or "",
    )


def _is_request(row: Row) -> bool:
    """Whether a row asks for an invoice: nobody adopted it, and its opportunity, if it names one, is won."""
    opportunity = row["Opportunity__r"]
    return (
        row["Status__c"] == REQUESTED
        and not row["External_Id__c"]
        and (not row["Opportunity__c"] or (opportunity is not None and bool(opportunity["IsWon"])))
    )


def _needed(row: Row, column: str) -> str:
    if row[column] is None:
        raise ValueError(f"{column} is empty: fill it in")
    return str(row[column])


def _whole(value: Any) -> int | None:  # noqa: ANN401 - a JSON number
    return None if value is None else int(value)


def _money(value: Any, currency: str) -> Money:  # noqa: ANN401 - a JSON number
    return Money.of(Decimal(value), currency)


_ORDER = " ORDER BY SystemModstamp, Id"
_EPOCH = date(1970, 1, 1)
_NO_REQUEST = InvoiceRequestFields("", "", Money(0, "EUR"), _EPOCH, _EPOCH)  # a record that asks for nothing any more
_SOURCES = {
    Kind.CUSTOMER: _Source(
        "Account",
        ("Name", "AccountNumber", "ParentId", "MasterRecordId", "BillingCountry", "TrueDue_Id__c"),
        _customer,
        welcome=("Industry", "NumberOfEmployees"),
    ),
    Kind.CONTACT: _Source(
        "Contact",
        (
            "Name",
            "AccountId",
            "Email",
            "HasOptedOutOfEmail",
            "MobilePhone",
            "Phone",
            "MailingStreet",
            "MailingCity",
            "MailingState",
            "MailingPostalCode",
            "MailingCountry",
        ),
        _contact,
        living="AccountId != null",
        lives=lambda row: bool(row["AccountId"]),
    ),
    Kind.INVOICE: _Source(
        "TrueDue_Invoice__c",
        (
            "External_Id__c",
            "Account__c",
            "Number__c",
            "Status__c",
            "Currency__c",
            "Total__c",
            "Balance__c",
            "Issue_Date__c",
            "Due_Date__c",
            "Disputed__c",
            "Dispute_Reason__c",
            "Promised_On__c",
            "PO_Number__c",
            "Note__c",
        ),
        _invoice,
        living=f"External_Id__c != null AND Status__c NOT IN ('{REQUESTED}', '{DRAFTED}')",
        lives=lambda row: bool(row["External_Id__c"]),
        others=lambda row: row["Status__c"] in (REQUESTED, DRAFTED),
    ),
    Kind.INVOICE_REQUEST: _Source(
        "TrueDue_Invoice__c",
        (
            "External_Id__c",
            "Account__c",
            "Opportunity__c",
            "Opportunity__r.Name",
            "Opportunity__r.IsWon",
            "Name",
            "CreatedDate",
            "Status__c",
            "Currency__c",
            "Requested_Amount__c",
            "Description__c",
            "Issue_Date__c",
            "Due_Date__c",
            "PO_Number__c",
        ),
        _request,
        living=(
            f"External_Id__c = null AND Status__c = '{REQUESTED}'"
            " AND (Opportunity__c = null OR Opportunity__r.IsWon = true)"
        ),
        lives=_is_request,
        others=lambda row: bool(row["External_Id__c"]),
    ),
    Kind.INSTRUCTION: _Source(
        "TrueDue_Instruction__c",
        (
            "Account__c",
            "Invoice__c",
            "Invoice__r.External_Id__c",
            "Action__c",
            "Until__c",
            "Reason__c",
            "CreatedDate",
            "Status__c",
        ),
        _instruction,
        living=f"Status__c = '{ASKED}'",
        lives=lambda row: row["Status__c"] == ASKED,
        others=lambda row: row["Status__c"] in (DONE, REFUSED),
    ),
}
