"""The objects of the stand-in org, their fields, and how Salesforce reads a value written to each kind of field."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from werkzeug.exceptions import HTTPException

from sandbox.standin import json_response

Value = str | bool | Decimal | None

_PREFIXES = {
    "Account": "001",
    "Contact": "003",
    "Organization": "00D",
    "User": "005",
    "TrueDue_Invoice__c": "a00",
    "TrueDue_Receipt__c": "a01",
    "TrueDue_Reminder__c": "a02",
}
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SUFFIX_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


class Refused(HTTPException):
    """One error of the API: an error code such as INVALID_FIELD, a message, and the fields it is about."""

    def __init__(self, error_code: str, message: str, fields: Iterable[str] = (), *, status: int = 400) -> None:
        self.error_code = error_code
        self.message = message
        self.fields = list(fields)
        body = {"message": message, "errorCode": error_code, **({"fields": self.fields} if status == 400 else {})}
        super().__init__(f"{error_code}: {message}", response=json_response([body], status))


@dataclass(frozen=True)
class Field:
    """A column. `kind` is the describe call's type; `refers_to` names the object a reference points to."""

    name: str
    kind: str
    length: int = 255
    required: bool = False
    writable: bool = True
    external_id: bool = False
    refers_to: str | None = None

    @property
    def relationship(self) -> str | None:
        """The name under which a parent is given by its own external id (Account__c: Account__r, ParentId: Parent)."""
        if self.kind != "reference":
            return None
        return f"{self.name[:-1]}r" if self.name.endswith("__c") else self.name.removesuffix("Id")


def _custom(*fields: Field) -> tuple[Field, ...]:
    return (
        Field("Name", "string", 80),
        Field("External_Id__c", "string", external_id=True),
        Field("Account__c", "reference", 18, refers_to="Account"),
        *fields,
    )


_SYSTEM = (
    Field("Id", "id", 18, writable=False),
    Field("IsDeleted", "boolean", writable=False),
    Field("CreatedDate", "datetime", writable=False),
    Field("LastModifiedDate", "datetime", writable=False),
    Field("SystemModstamp", "datetime", writable=False),
)
_OBJECTS: dict[str, tuple[Field, ...]] = {
    "Account": (
        Field("Name", "string", required=True),
        Field("AccountNumber", "string", 40),
        Field("ParentId", "reference", 18, refers_to="Account"),
        Field("BillingCountry", "string", 80),
        Field("Phone", "phone", 40),
        Field("TrueDue_Id__c", "string", external_id=True),
        Field("TrueDue_Balance__c", "currency"),
        Field("TrueDue_Overdue__c", "currency"),
        Field("TrueDue_Oldest_Due_Date__c", "date"),
        Field("TrueDue_Hold__c", "string"),
    ),
    "Contact": (
        Field("AccountId", "reference", 18, refers_to="Account"),
        Field("FirstName", "string", 40),
        Field("LastName", "string", 80, required=True),
        Field("Name", "string", 121, writable=False),
        Field("Email", "email", 80),
        Field("HasOptedOutOfEmail", "boolean"),
    ),
    "TrueDue_Invoice__c": _custom(
        Field("Number__c", "string"),
        Field("Status__c", "picklist"),
        Field("CurrencyIsoCode", "picklist", 3),
        Field("Total__c", "currency"),
        Field("Balance__c", "currency"),
        Field("Issue_Date__c", "date"),
        Field("Due_Date__c", "date"),
        Field("Disputed__c", "boolean"),
        Field("Dispute_Reason__c", "string"),
        Field("Promised_On__c", "date"),
        Field("Link__c", "url"),
    ),
    "TrueDue_Receipt__c": _custom(
        Field("Received_On__c", "date"),
        Field("Amount__c", "currency"),
        Field("CurrencyIsoCode", "picklist", 3),
        Field("Payer__c", "string"),
        Field("Status__c", "picklist"),
        Field("Detail__c", "textarea", 32_768),
    ),
    "TrueDue_Reminder__c": _custom(
        Field("Level__c", "string"),
        Field("Channel__c", "picklist"),
        Field("Sent_At__c", "datetime"),
        Field("Detail__c", "textarea", 32_768),
    ),
    "Organization": (
        Field("Name", "string", writable=False),
        Field("IsSandbox", "boolean", writable=False),
        Field("OrganizationType", "picklist", writable=False),
    ),
}
SCHEMA: dict[str, dict[str, Field]] = {
    name: {field.name: field for field in (*_SYSTEM, *fields)} for name, fields in _OBJECTS.items()
}


def object_named(name: str) -> str:
    """Return the proper spelling of an object name (names are not case sensitive); Refused NOT_FOUND when unknown."""
    for known in SCHEMA:
        if known.lower() == name.lower():
            return known
    raise Refused("NOT_FOUND", "The requested resource does not exist", status=404)


def field_named(sobject: str, name: str) -> Field | None:
    """Find a field of an object, without regard to case."""
    fields = SCHEMA[sobject]
    return fields.get(name) or next((f for f in fields.values() if f.name.lower() == name.lower()), None)


def record_id(kind: str, *, pod: int, number: int) -> str:
    """Make the 18-character id of record `number` in the org `pod`."""
    tail = ""
    for _ in range(9):
        number, digit = divmod(number, 62)
        tail = _ALPHABET[digit] + tail
    return eighteen(f"{_PREFIXES[kind]}{_ALPHABET[pod // 62 % 62]}{_ALPHABET[pod % 62]}0{tail}")


def eighteen(short: str) -> str:
    """Return the case-safe 18-character form of an id: each suffix letter tells which of five are capital."""
    if not re.fullmatch(r"[0-9A-Za-z]{15}([0-9A-Za-z]{3})?", short):
        raise Refused("MALFORMED_ID", f"malformed id {short}")
    chunks = (short[:15][i : i + 5] for i in (0, 5, 10))
    bits = (sum(1 << place for place, letter in enumerate(chunk) if letter.isupper()) for chunk in chunks)
    return short[:15] + "".join(_SUFFIX_ALPHABET[bit] for bit in bits)


def api_time(moment: datetime) -> str:
    """Write a datetime as the API does, in UTC with milliseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


def read_datetime(text: str) -> datetime:
    """Read an ISO 8601 datetime; ValueError without an offset from UTC."""
    moment = datetime.fromisoformat(re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", text))
    if moment.tzinfo is None:
        raise ValueError("no offset from UTC")
    return moment


def stored(field: Field, value: Any) -> Value:  # noqa: ANN401 - any JSON value
    """Check and convert a written value; Refused with the code Salesforce gives for the field's kind."""
    if value is None or value == "":
        if field.kind == "boolean":
            raise Refused("INVALID_TYPE_ON_FIELD_IN_RECORD", f"{field.name}: value not of required type", [field.name])
        return None
    try:
        return _READERS.get(field.kind, _read_text)(value, field)
    except (ValueError, InvalidOperation) as error:
        message = f"Cannot deserialize instance of {field.kind} from {value!r}"
        raise Refused("JSON_PARSER_ERROR", message, [field.name]) from error


def _read_text(value: Any, field: Field) -> str:  # noqa: ANN401
    if not isinstance(value, str):
        raise ValueError("not text")
    text = value.strip()
    if len(text) > field.length:
        message = f"{field.name}: data value too large: {text[:60]} (max length={field.length})"
        raise Refused("STRING_TOO_LONG", message, [field.name])
    if field.kind == "email" and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text):
        raise Refused("INVALID_EMAIL_ADDRESS", f"{field.name}: invalid email address: {text}", [field.name])
    return text


def _read_boolean(value: Any, field: Field) -> bool:  # noqa: ANN401, ARG001
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise ValueError("not a boolean")


def _read_number(value: Any, field: Field) -> Decimal:  # noqa: ANN401
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal | float):
        raise ValueError("not a number")
    number = Decimal(str(value))
    if not number.is_finite():
        raise ValueError("not a number")
    if abs(number) >= Decimal(10) ** 16:
        raise Refused("NUMBER_OUTSIDE_VALID_RANGE", f"{field.name}: value outside of valid range", [field.name])
    return number


def _read_date(value: Any, field: Field) -> str:  # noqa: ANN401, ARG001
    if isinstance(value, datetime):
        raise ValueError("a datetime is no date")
    if isinstance(value, date):
        return value.isoformat()
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        raise ValueError("not a date")
    return date.fromisoformat(value).isoformat()


def _read_datetime(value: Any, field: Field) -> str:  # noqa: ANN401, ARG001
    if isinstance(value, datetime):
        return api_time(value)
    if not isinstance(value, str):
        raise ValueError("not a datetime")
    return api_time(read_datetime(value))


def _read_reference(value: Any, field: Field) -> str:  # noqa: ANN401
    if not isinstance(value, str) or not re.fullmatch(r"[0-9A-Za-z]{15}([0-9A-Za-z]{3})?", value):
        raise Refused("MALFORMED_ID", f"{field.name}: id value of incorrect type: {value}", [field.name])
    return eighteen(value)


_READERS: dict[str, Callable[[Any, Field], Value]] = {
    "boolean": _read_boolean,
    "currency": _read_number,
    "date": _read_date,
    "datetime": _read_datetime,
    "reference": _read_reference,
}
