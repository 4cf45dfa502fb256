"""JSON with exact numbers: decimals come in and go out digit for digit, never through a binary float."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any, NoReturn

from receivables.money import Money, MoneyError


def dumps(value: object) -> str:
    """Write JSON; Money and Decimal become plain decimal numbers, dates ISO text. TypeError for anything else."""
    if isinstance(value, Money):
        return value.text()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date):
        return f'"{value.isoformat()}"'
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(str(name))}:{dumps(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(dumps(part) for part in value) + "]"
    if value is None or isinstance(value, str | bool | int):
        return json.dumps(value)
    raise TypeError(f"no exact JSON for {type(value).__name__}")


def loads(body: bytes | str) -> Any:  # noqa: ANN401 - any JSON value
    """Read JSON with decimal numbers; ValueError when it is not JSON."""
    return json.loads(body, parse_float=Decimal, parse_constant=_refuse)


def money(value: object, currency: object) -> Money:
    """Turn a vendor's number into money; MoneyError when it is missing, no number, or finer than the minor unit."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise MoneyError(f"amount {value!r} is not an exact number")
    return Money.parse(str(value), str(currency))


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number")
