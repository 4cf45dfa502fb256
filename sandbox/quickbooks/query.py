"""The query language of QuickBooks: one entity, conditions joined by AND, order, start position and page size."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cmp_to_key
from typing import Any

from sandbox.quickbooks.values import Fault, Record, read_instant

DEFAULT_RESULTS = 100
MAX_RESULTS = 1_000
MAX_CONDITIONS = 100
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^'\\]|\\.)*')
      | (?P<number>-?\d+(?:\.\d+)?(?![\w.]))
      | (?P<word>[A-Za-z][\w.]*)
      | (?P<sign>\*|,|\(|\)|<=|>=|!=|=|<|>)
    )""",
    re.VERBOSE,
)
_ENDS = {"where", "orderby", "order", "startposition", "maxresults"}


@dataclass(frozen=True)
class Condition:
    """`field operator values`; every operator but IN has one value."""

    field: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Query:
    """A parsed query; `fields` is empty for `*`, `start` counts from 1."""

    entity: str
    count: bool
    fields: tuple[str, ...]
    conditions: tuple[Condition, ...]
    order: tuple[tuple[str, bool], ...]
    start: int
    limit: int


def parse(text: str) -> Query:
    """Read a query; Fault 4000 when it does not parse."""
    return _Parser(text).query()


def run(query: Query, records: Iterable[Record]) -> list[Record]:
    """The records that meet every condition, in order; not yet cut to a page."""
    found = [r for r in records if all(_meets(r, condition) for condition in query.conditions)]
    for field, descending in reversed(query.order):
        found.sort(key=_sort_key(field, found), reverse=descending)
    return found


def fields_of(record: Record, path: str) -> list[object]:
    """The values at a dotted path that may lead through a list."""
    name, _, rest = path.partition(".")
    value = record.get(name)
    if not rest or not isinstance(value, list):
        return [field_of(record, path)]
    return [found for each in value for found in fields_of(each, rest)]


def field_of(record: Record, path: str) -> object:
    """The value at a dotted path; a reference stands for its id."""
    value: object = record
    for name in path.split("."):
        value = _member(value, name)
    if isinstance(value, dict):
        return value.get("value")
    return value


def _member(value: object, name: str) -> object:
    """Names in queries may begin small: `EntityRef.Type` is what is written `type`."""
    if not isinstance(value, dict):
        return None
    return value.get(name, value.get(name[:1].lower() + name[1:]))


def error(detail: str) -> Fault:
    """The fault of a query that does not parse."""
    return Fault("4000", "Error parsing query", f"QueryParserError: {detail}")


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str, int]] = []
        at, text = 0, text.strip().rstrip(";").rstrip()
        if not text:
            raise error("The query provided was empty")
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                shown = text[at:].lstrip()[:1]
                raise error(f'Invalid content. Lexical error at line 1, column {at + 1}.  Encountered: "{shown}"')
            self._tokens.append((match.lastgroup or "", match[match.lastgroup or 0], match.start() + 1))
            at = match.end()
        self._at = 0

    def query(self) -> Query:
        self._expect("select")
        count, fields = self._selection()
        self._expect("from")
        entity = self._word()
        conditions: list[Condition] = []
        if self._skip("where"):
            conditions.append(self._condition())
            while self._skip("and"):
                conditions.append(self._condition())
        order = self._order()
        start = self._whole() if self._skip("startposition") else 1
        limit = self._whole() if self._skip("maxresults") else DEFAULT_RESULTS
        if self._at < len(self._tokens):
            raise self._unexpected("<EOF>")
        if start < 1 or not 1 <= limit <= MAX_RESULTS or len(conditions) > MAX_CONDITIONS:
            raise error(f"startposition must be at least 1 and maxresults between 1 and {MAX_RESULTS}")
        return Query(entity, count, fields, tuple(conditions), order, start, limit)

    def _selection(self) -> tuple[bool, tuple[str, ...]]:
        if self._skip("*"):
            while self._skip(","):  # `*, Sku` is everything and what is shown only to those who ask
                self._word()
            return False, ()
        if self._skip("count"):
            for sign in ("(", "*", ")"):
                self._expect(sign)
            return True, ()
        fields = [self._word()]
        while self._skip(","):
            fields.append("*" if self._skip("*") else self._word())
        return False, () if "*" in fields else tuple(fields)

    def _condition(self) -> Condition:
        field = self._word()
        if self._skip("in"):
            self._expect("(")
            values = [self._value()]
            while self._skip(","):
                values.append(self._value())
            self._expect(")")
            return Condition(field, "in", tuple(values))
        if self._skip("like"):
            return Condition(field, "like", (self._value(),))
        for sign in ("=", "<=", ">=", "<", ">", "!="):
            if self._skip(sign):
                return Condition(field, sign, (self._value(),))
        raise self._unexpected('"=", "<", ">", "<=", ">=", "in", "like"')

    def _order(self) -> tuple[tuple[str, bool], ...]:
        if self._skip("order"):
            self._expect("by")
        elif not self._skip("orderby"):
            return ()
        order = []
        while True:
            field = self._word()
            descending = self._skip("desc")
            if not descending:
                self._skip("asc")
            order.append((field, descending))
            if not self._skip(","):
                return tuple(order)

    def _word(self) -> str:
        kind, text, _ = self._peek()
        if kind != "word" or text.lower() in _ENDS:
            raise self._unexpected("<IDENTIFIER>")
        self._at += 1
        return text

    def _value(self) -> str:
        kind, text, _ = self._peek()
        if kind == "text":
            self._at += 1
            return re.sub(r"\\(.)", r"\1", text[1:-1])
        if kind == "number" or (kind == "word" and text.lower() in ("true", "false")):
            self._at += 1
            return text
        raise self._unexpected("<STRING>")

    def _whole(self) -> int:
        kind, text, _ = self._peek()
        if kind != "number" or not text.isdigit():
            raise self._unexpected("<INTEGER>")
        self._at += 1
        return int(text)

    def _peek(self) -> tuple[str, str, int]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("", "<EOF>", 0)

    def _skip(self, wanted: str) -> bool:
        kind, text, _ = self._peek()
        if kind in ("word", "sign") and text.lower() == wanted:
            self._at += 1
            return True
        return False

    def _expect(self, wanted: str) -> None:
        if not self._skip(wanted):
            raise self._unexpected(f'"{wanted}"')

    def _unexpected(self, wanted: str) -> Fault:
        _, text, column = self._peek()
        return error(f'Encountered "{text}" at line 1, column {column}. Was expecting: {wanted}')


def _meets(record: Record, condition: Condition) -> bool:
    return any(_is_met(value, condition) for value in fields_of(record, condition.field))


def _is_met(value: object, condition: Condition) -> bool:
    if condition.operator == "like":
        pattern = ".*".join(re.escape(part) for part in condition.values[0].split("%"))
        return re.fullmatch(pattern, str(value or ""), re.IGNORECASE | re.DOTALL) is not None
    if condition.operator == "in":
        return any(_compare(value, wanted) == 0 for wanted in condition.values)
    outcome = _compare(value, condition.values[0])
    return outcome is not None and _HOLDS[condition.operator](outcome)


_HOLDS: dict[str, Callable[[int], bool]] = {
    "=": lambda outcome: outcome == 0,
    "!=": lambda outcome: outcome != 0,
    "<": lambda outcome: outcome < 0,
    ">": lambda outcome: outcome > 0,
    "<=": lambda outcome: outcome <= 0,
    ">=": lambda outcome: outcome >= 0,
}


def _compare(value: object, wanted: str) -> int | None:
    """Negative, 0 or positive; None when there is no value."""
    if value is None:
        return None
    if isinstance(value, bool):
        return 0 if str(value).lower() == wanted.lower() else 1
    if isinstance(value, Decimal | int):
        try:
            number = Decimal(wanted)
        except InvalidOperation:
            raise error(f"{wanted} is no number") from None
        return (value > number) - (value < number)
    text = str(value)
    if "T" in text and re.match(r"\d{4}-\d\d-\d\dT", text):
        try:
            moment, other = read_instant(text), read_instant(wanted)
        except ValueError:
            raise error(f"{wanted} is no date") from None
        return (moment > other) - (moment < other)
    if text.isdigit() and wanted.isdigit():
        return (int(text) > int(wanted)) - (int(text) < int(wanted))
    return (text > wanted) - (text < wanted)


def _sort_key(field: str, records: list[Record]) -> Callable[[Record], Any]:
    """How to sort by a field: ids and other numbers in text, as whole lists are sorted, compare as numbers."""
    if all(isinstance(value := field_of(record, field), str) and value.isdigit() for record in records):
        return lambda record: int(str(field_of(record, field)))
    return cmp_to_key(_comparer(field))


def _comparer(field: str) -> Callable[[Record, Record], int]:
    def compare(one: Record, other: Record) -> int:
        left, right = field_of(one, field), field_of(other, field)
        if left is None or right is None:
            return (left is not None) - (right is not None)
        return _compare(left, str(right)) or 0

    return compare
