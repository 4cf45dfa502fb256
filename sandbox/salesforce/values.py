"""How Salesforce reads a value that is written to each kind of field."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.salesforce.field import Field
from sandbox.salesforce.ids import eighteen
from sandbox.salesforce.refusal import Refused

Value = str | bool | Decimal | None


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


def _read_choice(value: Any, field: Field) -> str:  # noqa: ANN401
    text = _read_text(value, field)
    if field.restricted and text not in field.values:
        message = f"{field.label}: bad value for restricted picklist field: {text}"
        raise Refused("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, [field.name])
    return text


def _read_boolean(value: Any, field: Field) -> bool:  # noqa: ANN401, ARG001
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise ValueError("not a boolean")


def _read_number(value: Any, field: Field) -> Decimal:  # noqa: ANN401
    """Read a number. Its scale is what pages show: more decimals are kept, as Salesforce does (help 000387302)."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal | float):
        raise ValueError("not a number")
    number = Decimal(str(value))
    if not number.is_finite():
        raise ValueError("not a number")
    if abs(number) >= Decimal(10) ** (field.precision - field.scale):
        raise Refused("NUMBER_OUTSIDE_VALID_RANGE", f"{field.name}: value outside of valid range", [field.name])
    return number


def _read_whole(value: Any, field: Field) -> Decimal:  # noqa: ANN401
    number = _read_number(value, field)
    if number != int(number):
        raise ValueError("not a whole number")
    return Decimal(int(number))


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
    "double": _read_number,
    "int": _read_whole,
    "picklist": _read_choice,
    "reference": _read_reference,
}
