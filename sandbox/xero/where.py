"""Xero's `where` expressions: comparisons of fields joined by AND and OR, as the accounting API documents them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

Record = dict[str, Any]
Test = Callable[[Record], bool]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<guid>guid\s*\(\s*"(?P<guid_text>[^"]*)"\s*\))
      | (?P<parsed>datetime\.parse\s*\(\s*"(?P<parsed_text>[^"]*)"\s*\))
      | (?P<when>datetime\s*\(\s*(?P<when_text>[\d\s,]+)\))
      | (?P<text>"(?P<text_text>(?:[^"\\]|\\.)*)")
      | (?P<number>-?\d+(?:\.\d+)?)
      | (?P<call>[A-Za-z][\w.]*?\.(?:contains|startswith|endswith))\s*(?=\()
      | (?P<word>[A-Za-z][\w.]*)
      | (?P<sign>&&|\|\||==|!=|<>|>=|<=|=|>|<|\(|\))
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "=": operator.eq,
    "!=": operator.ne,
    "<>": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_CALLS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda value, part: part in value,
    "startswith": str.startswith,
    "endswith": str.endswith,
}
_WORDS: dict[str, object] = {"true": True, "false": False, "null": None}
MAX_TOKENS = 1_000


class NotUnderstood(Exception):
    """The expression is no `where` that Xero accepts."""


def parse_where(expression: str) -> Test:
    """Compile `expression` into a test of one record; NotUnderstood when it does not parse."""
    parser = _Parser(_tokens(expression))
    test = parser.either()
    if parser.peek() is not None:
        raise NotUnderstood(f"unexpected {parser.peek()}")
    return test


def field_of(record: Record, path: str) -> object:
    """The value at a dotted path such as `Contact.ContactID`, None when absent; names are case-insensitive."""
    value: object = record
    for name in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(name) if name in value else _any_case(value, name)
    return value


def _any_case(record: Record, name: str) -> object:
    return next((value for key, value in record.items() if key.lower() == name.lower()), None)


def _tokens(expression: str) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    at = 0
    text = expression.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or len(found) >= MAX_TOKENS:
            raise NotUnderstood(f"no expression at position {at}")
        found.append(_token(match))
        at = match.end()
    return found


def _token(match: re.Match[str]) -> tuple[str, object]:
    kind = match.lastgroup or ""
    if match["guid"]:
        return "value", match["guid_text"].lower()
    if match["when"] or match["parsed"]:
        return "value", _moment(match["when_text"], match["parsed_text"])
    if match["text"]:
        return "value", re.sub(r"\\(.)", r"\1", match["text_text"])
    if match["number"]:
        return "value", Decimal(match["number"])
    if match["call"]:
        return "call", match["call"]
    if match["word"]:
        return (
            ("word", match["word"]) if match["word"].lower() not in _WORDS else ("value", _WORDS[match["word"].lower()])
        )
    return "sign", match["sign"] or kind


def _moment(parts: str | None, text: str | None) -> datetime:
    """The instant that `DateTime(2026, 1, 5)` or `DateTime.Parse("2026-01-05")` names, in UTC."""
    try:
        if parts is not None:
            numbers = [int(part) for part in parts.split(",")]
            return datetime(*numbers[:3], *numbers[3:6], tzinfo=UTC)  # type: ignore[misc,arg-type]
        moment = datetime.fromisoformat(text or "")
    except (ValueError, TypeError):
        raise NotUnderstood("no such date") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class _Parser:
    def __init__(self, tokens: list[tuple[str, object]]) -> None:
        self._tokens = tokens
        self._at = 0

    def peek(self) -> tuple[str, object] | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def either(self) -> Test:
        tests = [self.both()]
        while self._skip("or", "||"):
            tests.append(self.both())
        return lambda record: any(test(record) for test in tests)

    def both(self) -> Test:
        tests = [self.comparison()]
        while self._skip("and", "&&"):
            tests.append(self.comparison())
        return lambda record: all(test(record) for test in tests)

    def comparison(self) -> Test:
        if self._skip("("):
            inner = self.either()
            self._expect(")")
            return inner
        kind, value = self._take()
        if kind == "call":
            return self._call(str(value))
        if kind != "word":
            raise NotUnderstood(f"expected a field, found {value}")
        sign = str(self._take()[1])
        other_kind, other = self._take()
        if sign not in _COMPARE or other_kind != "value":
            raise NotUnderstood(f"expected a comparison after {value}")
        path, compare = str(value), _COMPARE[sign]
        return lambda record: _holds(compare, field_of(record, path), other)

    def _call(self, path: str) -> Test:
        field, _, name = path.rpartition(".")
        check = _CALLS[name.lower()]
        self._expect("(")
        part = str(self._take()[1])
        self._expect(")")
        return lambda record: check(str(field_of(record, field) or ""), part)

    def _take(self) -> tuple[str, object]:
        token = self.peek()
        if token is None:
            raise NotUnderstood("the expression ends too early")
        self._at += 1
        return token

    def _skip(self, *wanted: str) -> bool:
        token = self.peek()
        if token is not None and token[0] != "value" and str(token[1]).lower() in wanted:
            self._at += 1
            return True
        return False

    def _expect(self, sign: str) -> None:
        if not self._skip(sign):
            raise NotUnderstood(f"expected {sign}")


def _holds(compare: Callable[[Any, Any], bool], value: object, other: object) -> bool:
    if value is None or other is None:
        return compare in (operator.eq, operator.ne) and compare(value, other)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    try:
        return compare(value, other)
    except TypeError:
        raise NotUnderstood(f"{value} and {other} cannot be compared") from None
