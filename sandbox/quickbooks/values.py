"""How QuickBooks writes and reads values, and the faults it answers with."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any

from werkzeug.wrappers import Response

Record = dict[str, Any]

ZERO = Decimal("0.00")
CENT = Decimal("0.01")
PACIFIC = timezone(timedelta(hours=-8))  # the offset QuickBooks writes its times with
NOT_FOUND = "Something you're trying to use has been made inactive. Check the fields with accounts, customers, items."


class Fault(Exception):
    """A request that QuickBooks refuses.

    `code` is Intuit's error code as text; `status` the HTTP status of the answer.
    """

    def __init__(
        self,
        code: str,
        message: str,
        detail: str,
        *,
        element: str = "",
        kind: str = "ValidationFault",
        status: int = 400,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.status = status
        error = {"Message": message, "Detail": detail, "code": code, "element": element}
        self.body: Record = {"Error": [error], "type": kind}


def missing(name: str) -> Fault:
    """A required field is not given (code 2020)."""
    detail = f"Required parameter {name} is missing in the request"
    return Fault("2020", "Required param missing, need to supply the required value for the API", detail, element=name)


def not_found() -> Fault:
    """An id that does not exist, or not any more (code 610)."""
    return Fault("610", "Object Not Found", f"Object Not Found : {NOT_FOUND}")


def not_valid(field: str) -> Fault:
    """A reference to something that does not exist (code 2500)."""
    return Fault("2500", "Invalid Reference Id", f"Invalid Reference Id : {field}", element=field)


def business(detail: str) -> Fault:
    """A write that breaks an accounting rule (code 6000)."""
    message = "A business validation error has occurred while processing your request"
    return Fault("6000", message, f"Business Validation Error: {detail}")


def deposited() -> Fault:
    """A change of a payment that a deposit holds (code 6540)."""
    detail = (
        "This transaction has been deposited. If you want to change or delete it, "
        "you must edit the deposit it appears on and remove it first."
    )
    return Fault("6540", "Deposited Transaction cannot be changed", detail)


def matched() -> Fault:
    """A change of what was matched to a line of the bank and reconciled (code 6480)."""
    detail = "You can't delete this transaction. It's matched to another transaction."
    return Fault("6480", "Matched Transaction Delete Error", detail)


def stale() -> Fault:
    """A change on an outdated SyncToken (code 5010)."""
    detail = (
        "Stale Object Error : You and another user were working on this at the same time. "
        "The other user finished before you did, so your work was not saved."
    )
    return Fault("5010", "Stale Object Error", detail)


def stamp(moment: datetime) -> str:
    """An instant as QuickBooks writes it: `2015-10-05T14:42:19-08:00`."""
    return moment.astimezone(PACIFIC).isoformat(timespec="seconds")


def read_instant(value: str) -> datetime:
    """An instant of a query or of `changedSince`; one without an offset is taken as UTC. ValueError when it is none."""
    moment = datetime.fromisoformat(value.replace(" ", "+"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_amount(value: object, *, field: str) -> Decimal:
    """An amount given as a number or as text, rounded to cents; Fault 2010 when it is none."""
    try:
        return Decimal(str(value)).quantize(CENT)
    except InvalidOperation:
        raise _invalid(f"Invalid number : {field}", field) from None


def read_rate(value: object) -> Decimal:
    """An exchange rate given as a number or as text; Fault 2010 when it is none."""
    try:
        return Decimal(str(value))
    except InvalidOperation:
        raise _invalid("Invalid number : ExchangeRate", "ExchangeRate") from None


def read_day(value: object, *, field: str) -> str:
    """A day as text `YYYY-MM-DD`; Fault 2010 when it is none."""
    try:
        return date.fromisoformat(str(value)[:10]).isoformat()
    except ValueError:
        raise _invalid(f"Invalid date : {field}", field) from None


def _invalid(detail: str, field: str) -> Fault:
    return Fault("2010", "Request has invalid or unsupported property", detail, element=field)


def reference(value: object) -> str:
    """The id inside a reference such as `{"value": "3"}`, empty when there is none."""
    return str(value["value"]) if isinstance(value, dict) and value.get("value") else ""


def respond(body: Record, status: int = 200) -> Response:
    """Answer with JSON; amounts become numbers, zero without a fraction as QuickBooks writes it."""
    text = json.dumps(body, default=_encode)
    return Response(text, status=status, content_type="application/json;charset=UTF-8")


def _encode(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value) if value else 0
    raise TypeError(f"not JSON: {value!r}")
