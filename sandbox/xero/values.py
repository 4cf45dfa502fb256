"""How Xero writes and reads values: Microsoft JSON dates, decimals as numbers, errors as lists of messages."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from werkzeug.wrappers import Response

Record = dict[str, Any]
Commit = Callable[[], Record]

ZERO = Decimal("0.00")
ONE = Decimal("1.000000")
CENT = Decimal("0.01")
NO_ID = "00000000-0000-0000-0000-000000000000"
_NAMESPACE = uuid.UUID("6f1c2a58-6a0e-4b55-9c57-0b1f1a1f9b10")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS_DATE = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/$")


class Refused(Exception):
    """A write that breaks a rule of Xero; the messages go into ValidationErrors."""

    def __init__(self, *messages: str) -> None:
        super().__init__("; ".join(messages))
        self.messages = messages


def stable_id(*parts: object) -> str:
    """The same id for the same parts in every run."""
    return str(uuid.uuid5(_NAMESPACE, ":".join(str(part) for part in parts)))


def ms_date(value: date) -> str:
    """Write a day or an aware instant as Xero does: `/Date(1539993600000+0000)/`."""
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day, tzinfo=UTC)
    return f"/Date({(moment - _EPOCH) // timedelta(milliseconds=1)}+0000)/"


def date_string(value: date) -> str:
    """Write a day as Xero's `…String` fields do."""
    return f"{value:%Y-%m-%d}T00:00:00"


def read_day(value: object, *, field: str) -> date:
    """Read a date of a request body; Refused when it is none."""
    text = str(value)
    if match := _MS_DATE.match(text):
        return (_EPOCH + timedelta(milliseconds=int(match[1]))).date()
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        raise Refused(f"{field} is not a valid date") from None


def read_amount(value: object, *, field: str) -> Decimal:
    """Read an amount of a request body, rounded to cents as Xero does; Refused when it is none."""
    try:
        return Decimal(str(value)).quantize(CENT)
    except InvalidOperation:
        raise Refused(f"{field} is not a valid number") from None


def dumps(body: Record | list[Record]) -> str:
    """Serialise records with Decimal amounts and real dates."""
    return json.dumps(body, default=_encode)


def respond(body: Record | list[Record], status: int = 200) -> Response:
    """Answer with JSON in Xero's forms."""
    return Response(dumps(body), status=status, content_type="application/json; charset=utf-8")


def _encode(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date):
        return ms_date(value)
    raise TypeError(f"not JSON: {value!r}")
