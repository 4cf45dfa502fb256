"""SOQL, the part of it that integrations use: one object, its own fields, filters, order, limit and offset."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sandbox.salesforce.field import Field
from sandbox.salesforce.ids import eighteen
from sandbox.salesforce.refusal import Refused
from sandbox.salesforce.schema import Schema
from sandbox.salesforce.values import Value, api_time, read_datetime

Record = dict[str, Value]
Test = Callable[[Record], bool]
Find = Callable[[str, str], Record | None]  # a record by object and id

MAX_OFFSET = 2_000
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>'(?:[^'\\]|\\.)*')
    | (?P<datetime>\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:?\d\d))
    | (?P<date>\d{4}-\d\d-\d\d)
    | (?P<number>[+-]?\d+(?:\.\d+)?)
    | (?P<sign><=|>=|!=|<>|[=<>(),])
    | (?P<word>[A-Za-z_][\w.]*)
    )""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_KINDS = {
    "boolean": {"boolean"},
    "currency": {"number"},
    "date": {"date"},
    "datetime": {"datetime"},
    "double": {"number"},
}


@dataclass(frozen=True)
class Column:
    """A field of the record, or, through the reference `parent`, of the record it refers to."""

    field: Field
    parent: Field | None
    find: Find

    def of(self, record: Record) -> Value:
        """Return the column's value in `record`; None through a reference that is empty."""
        if self.parent is None:
            return record[self.field.name]
        target = self.target(record)
        return None if target is None else target[self.field.name]

    def target(self, record: Record) -> Record | None:
        """Return the record that the reference names."""
        if self.parent is None or record[self.parent.name] is None:
            return None
        return self.find(str(self.parent.refers_to), str(record[self.parent.name]))


@dataclass
class Query:
    """A parsed query. `counts` says that only the number of records was asked for."""

    sobject: str
    fields: list[Column]
    counts: bool = False
    matches: Test = field(default=lambda _: True)
    order: list[tuple[Column, bool, bool]] = field(default_factory=list)
    limit: int | None = None
    offset: int = 0

    def run(self, records: Iterable[Record]) -> list[Record]:
        """Filter, order and cut the records (which arrive in order of creation)."""
        found = [record for record in records if self.matches(record)]
        for column, descending, nulls_last in reversed(self.order):
            present = [record for record in found if column.of(record) is not None]
            absent = [record for record in found if column.of(record) is None]
            present.sort(key=lambda record: _folded(column.of(record)), reverse=descending)
            found = [*present, *absent] if nulls_last else [*absent, *present]
        stop = None if self.limit is None else self.offset + self.limit
        return found[self.offset : stop]


def parse(text: str, schema: Schema, find: Find) -> Query:
    """Parse a query; Refused MALFORMED_QUERY, INVALID_FIELD or INVALID_TYPE as Salesforce answers it.

    `find` gives the records that references lead to.
    """
    return _Parser(text, schema, find).query()


class _Parser:
    def __init__(self, text: str, schema: Schema, find: Find) -> None:
        self._schema = schema
        self._find = find
        self._tokens: list[tuple[str, str]] = []
        self._at = 0
        position, text = 0, text.strip()
        while position < len(text):
            found = _TOKEN.match(text, position)
            if found is None or found.lastgroup is None:
                raise _malformed(text[position : position + 20])
            self._tokens.append((found.lastgroup, found.group(found.lastgroup)))
            position = found.end()

    def query(self) -> Query:
        self._expect("SELECT")
        names = self._select()
        self._expect("FROM")
        sobject = self._object()
        counts = names == ["COUNT()"]
        query = Query(sobject, [] if counts else [self._field(sobject, name) for name in names], counts)
        if self._take("WHERE"):
            query.matches = self._condition(sobject)
        if self._take("ORDER"):
            self._expect("BY")
            query.order = self._order(sobject)
        if self._take("LIMIT"):
            query.limit = int(self._next("number"))
        if self._take("OFFSET"):
            query.offset = int(self._next("number"))
            if query.offset > MAX_OFFSET:
                raise Refused("NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {MAX_OFFSET}")
        if self._at < len(self._tokens):
            raise _malformed(self._tokens[self._at][1])
        return query

    def _select(self) -> list[str]:
        names = [self._next("word")]
        if names[0].upper() == "COUNT" and self._take("("):
            self._expect(")")
            return ["COUNT()"]
        while self._take(","):
            names.append(self._next("word"))
        return names

    def _object(self) -> str:
        name = self._next("word")
        for known in self._schema.objects:
            if known.lower() == name.lower():
                return known
        raise Refused("INVALID_TYPE", f"sObject type '{name}' is not supported.")

    def _field(self, sobject: str, name: str) -> Column:
        """Find a column by its path: a field, or relationship.field of the parent (one step is all we follow)."""
        relationship, dot, last = name.rpartition(".")
        parent = self._relationship(sobject, relationship) if dot else None
        owner = str(parent.refers_to) if parent else sobject
        found = self._schema.field_named(owner, last)
        if found is None:
            message = f"No such column '{last}' on entity '{owner}'. If you are attempting to use a custom field, "
            raise Refused("INVALID_FIELD", f"{message}be sure to append the '__c' after the custom field name.")
        return Column(found, parent, self._find)

    def _relationship(self, sobject: str, name: str) -> Field:
        fields = self._schema.objects[sobject].values()
        for field_ in fields:
            if field_.relationship is not None and field_.relationship.lower() == name.lower():
                return field_
        message = f"Didn't understand relationship '{name}' in field path."
        raise Refused("INVALID_FIELD", message)

    def _condition(self, sobject: str) -> Test:
        """Parse tests joined by one kind of connective: SOQL wants parentheses where AND and OR meet."""
        tests = [self._negation(sobject)]
        connective = next((word for word in ("AND", "OR") if self._take(word)), None)
        if connective is None:
            return tests[0]
        tests.append(self._negation(sobject))
        while self._take(connective):
            tests.append(self._negation(sobject))
        combine = all if connective == "AND" else any
        return lambda record: combine(test(record) for test in tests)

    def _negation(self, sobject: str) -> Test:
        if self._take("NOT"):
            inner = self._negation(sobject)
            return lambda record: not inner(record)
        if self._take("("):
            inner = self._condition(sobject)
            self._expect(")")
            return inner
        return self._comparison(sobject)

    def _comparison(self, sobject: str) -> Test:
        column = self._field(sobject, self._next("word"))
        negative = self._take("NOT")
        if negative or self._peek() == "IN":
            self._expect("IN")
            self._expect("(")
            wanted = [self._literal(column)]
            while self._take(","):
                wanted.append(self._literal(column))
            self._expect(")")
            folded = {_folded(value) for value in wanted}
            return lambda record: (_folded(column.of(record)) in folded) is not negative
        if self._take("LIKE"):
            pattern = _like(str(self._literal(column, escaped=True)))
            return lambda record: pattern.fullmatch(str(column.of(record) or "")) is not None
        sign = self._next("sign")
        if sign not in _COMPARE:
            raise _malformed(sign)
        value = self._literal(column)
        compare = _COMPARE[sign]
        return lambda record: compare(_folded(column.of(record)), _folded(value))

    def _literal(self, column: Column, *, escaped: bool = False) -> Value:
        kind, text = self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")
        self._at += 1
        word = text.lower() if kind == "word" else ""
        if word == "null":
            return None
        actual = "boolean" if word in ("true", "false") else kind
        if actual not in {"string", "number", "date", "datetime", "boolean"}:
            raise _malformed(text)
        wanted = column.field
        if actual not in _KINDS.get(wanted.kind, {"string"}):
            message = f"value of filter criterion for field '{wanted.name}' must be of type {wanted.kind}"
            raise Refused("INVALID_FIELD", message)
        if actual == "string":
            inner = text[1:-1] if escaped else _unescaped(text[1:-1])
            return eighteen(inner) if wanted.kind in ("id", "reference") else inner
        readers: dict[str, Callable[[str], Any]] = {
            "boolean": lambda _: word == "true",
            "number": Decimal,
            "datetime": lambda raw: api_time(read_datetime(raw)),
        }
        return readers[actual](text) if actual in readers else text

    def _order(self, sobject: str) -> list[tuple[Column, bool, bool]]:
        order = []
        while True:
            column = self._field(sobject, self._next("word"))
            descending = not self._take("ASC") and self._take("DESC")
            nulls_last = False
            if self._take("NULLS"):
                nulls_last = not self._take("FIRST")
                if nulls_last:
                    self._expect("LAST")
            order.append((column, descending, nulls_last))
            if not self._take(","):
                return order

    def _peek(self) -> str:
        return self._tokens[self._at][1].upper() if self._at < len(self._tokens) else ""

    def _take(self, word: str) -> bool:
        taken = self._peek() == word and self._tokens[self._at][0] in ("word", "sign")
        self._at += taken
        return taken

    def _expect(self, word: str) -> None:
        if not self._take(word):
            raise _malformed(self._peek() or "<EOF>")

    def _next(self, kind: str) -> str:
        if self._at >= len(self._tokens) or self._tokens[self._at][0] != kind:
            raise _malformed(self._peek() or "<EOF>")
        self._at += 1
        return self._tokens[self._at - 1][1]


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda left, right: left is not None and right is not None and compare(left, right)


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: bool(left == right),
    "!=": lambda left, right: bool(left != right),
    "<>": lambda left, right: bool(left != right),
    "<": _ordered(lambda left, right: left < right),
    ">": _ordered(lambda left, right: left > right),
    "<=": _ordered(lambda left, right: left <= right),
    ">=": _ordered(lambda left, right: left >= right),
}


def _folded(value: Value) -> Any:  # noqa: ANN401 - comparable with its like
    """Text compares and sorts without regard to case (no two 18-character ids differ by case alone)."""
    return value.casefold() if isinstance(value, str) else value


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text)


def _like(escaped: str) -> re.Pattern[str]:
    """Translate a LIKE pattern, in which a backslash takes the meaning from % and _."""
    parts = re.findall(r"\\.|.", escaped, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    translated = (wild.get(part) or re.escape(_unescaped(part)) for part in parts)
    return re.compile("".join(translated), re.IGNORECASE | re.DOTALL)


def _malformed(near: str) -> Refused:
    return Refused("MALFORMED_QUERY", f"unexpected token: '{near}'")
