"""Requests and answers against an OpenAPI document: path, method, parameters, bodies, status."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl

from tests.contracts.findings import Exchange, Finding
from tests.contracts.parameters import nested, typed
from tests.contracts.schemas import Json, Schema, Schemas, Side

_METHODS = frozenset({"get", "put", "post", "delete", "patch"})
_FORM = "application/x-www-form-urlencoded"
_BYTES = "application/octet-stream"  # of any file


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path of the document."""

    method: str
    path: str
    pattern: re.Pattern[str]
    parameters: tuple[Schema, ...]
    described: Schema

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Contract:
    """A vendor's OpenAPI document. `prefix` is the path of its server, which its own paths leave out."""

    def __init__(self, name: str, document: Mapping[str, Any], *, prefix: str = "", any_case: bool = False) -> None:
        self.name = name
        self._prefix = prefix
        self._flags = re.IGNORECASE if any_case else re.NOFLAG
        self._sides = {side: Schemas(name, document, side) for side in Side}
        self._document = document
        self._operations = sorted(self._all(), key=lambda each: each.path.count("{"))  # literal paths go first
        self._headers = {
            parameter["name"].lower()
            for each in self._operations
            for parameter in each.parameters
            if parameter["in"] == "header"
        }

    def findings(self, exchange: Exchange) -> list[Finding]:
        """Say where the exchange differs from the document."""
        path = exchange.path.removeprefix(self._prefix)
        candidates: list[list[Finding]] = []
        for operation in self._operations:
            found = operation.pattern.fullmatch(path) if operation.method == exchange.method else None
            if found:
                asked = self._asked(operation, exchange, found.groupdict())
                candidates.append([*asked, *self._answered(operation, exchange)])
        if candidates:
            return min(candidates, key=len)  # Xero has paths that differ by the name of a parameter only
        return [Finding(self.name, f"{exchange.method} {path}", "", "path", "the contract has no such operation")]

    def scopes(self, exchange: Exchange) -> set[str]:
        """The scopes of which the document wants one for this call; none where it does not have the call."""
        path = exchange.path.removeprefix(self._prefix)
        named = (each for each in self._operations if each.method == exchange.method and each.pattern.fullmatch(path))
        operation = next(named, None)
        return {
            scope
            for way in (operation.described.get("security", ()) if operation else ())
            for scopes in way.values()
            for scope in scopes
        }

    def value_findings(self, schema: str, value: Json, where: str) -> list[Finding]:
        """Say where a value that the vendor wrote differs from the named schema."""
        reference = {"$ref": f"#/components/schemas/{schema}"}
        if schema not in self._document["components"]["schemas"]:
            return [Finding(self.name, where, "", "schema", f"the contract has no schema {schema}")]
        return list(self._valued(Side.ANSWER, f"schema {schema}", reference, value, where))

    def shows(self, example: str) -> bool:
        """Whether the document's own example has a place: "GET /Payments 200 /Payments/[]/DateString"."""
        method, path, status, place = example.split(" ")
        operation = next(each for each in self._operations if (each.method, each.path) == (method, path))
        content = self._resolved(operation.described["responses"][status])["content"]["application/json"]
        values: list[Json] = [content["example"]]
        values = [json.loads(value) if isinstance(value, str) else value for value in values]
        for part in place.strip("/").split("/"):
            if part == "[]":
                values = [one for value in values if isinstance(value, list) for one in value]
            else:
                values = [value[part] for value in values if isinstance(value, dict) and part in value]
        return bool(values)

    def _all(self) -> Iterator[Operation]:
        for path, item in self._document.get("paths", {}).items():
            # An external id may hold anything but a slash; {name} becomes a group of a regular expression.
            names = re.findall(r"{([^}]+)}", path)
            pattern = re.escape(path).replace(r"\{", "{").replace(r"\}", "}")
            for index, name in enumerate(names):
                pattern = pattern.replace(f"{{{re.escape(name)}}}", f"(?P<p{index}>[^/]+)")
            for method in _METHODS & item.keys():
                parameters = [self._resolved(each) for each in (*item.get("parameters", ()), *_of(item[method]))]
                yield Operation(method.upper(), path, re.compile(pattern, self._flags), tuple(parameters), item[method])

    def _resolved(self, schema: Schema) -> Schema:
        return self._sides[Side.REQUEST].resolved(schema)

    def _asked(self, operation: Operation, exchange: Exchange, groups: Mapping[str, str]) -> Iterator[Finding]:
        where = f"{operation} request"
        names = re.findall(r"{([^}]+)}", operation.path)
        in_path = {name: groups[f"p{index}"] for index, name in enumerate(names)}
        in_header = {
            parameter["name"]: exchange.headers[parameter["name"].lower()]
            for parameter in operation.parameters
            if parameter["in"] == "header" and parameter["name"].lower() in exchange.headers
        }
        for kind, values in (("path", in_path), ("query", nested(exchange.query)), ("header", in_header)):
            yield from self._given(operation, kind, values, where)
        known = {parameter["name"].lower() for parameter in operation.parameters if parameter["in"] == "header"}
        for name in sorted((self._headers - known) & exchange.headers.keys()):
            yield Finding(self.name, where, f"header/{name}", "unknown", "this operation takes no such header")
        yield from self._body(operation, exchange, where)

    def _given(self, operation: Operation, kind: str, values: Mapping[str, Json], where: str) -> Iterator[Finding]:
        parameters = {each["name"]: each for each in operation.parameters if each["in"] == kind}
        schema: Schema = {
            "type": "object",
            "properties": {name: each["schema"] for name, each in parameters.items()},
            "required": [name for name, each in parameters.items() if each.get("required")],
        }
        given = typed(dict(values), schema, self._resolved)
        for found in self._valued(Side.REQUEST, f"{operation} {kind}", schema, given, where):
            yield Finding(self.name, where, f"{kind}{found.place}", found.rule, found.text)

    def _body(self, operation: Operation, exchange: Exchange, where: str) -> Iterator[Finding]:
        described = self._resolved(operation.described.get("requestBody", {}))
        if not exchange.body:
            if described.get("required"):
                yield Finding(self.name, where, "", "body", "the contract requires a body")
            return
        media = _media(exchange.headers)
        content = described.get("content", {}).get(media)
        if content is None:
            yield Finding(self.name, where, "", "media type", f"the contract takes no {media!r} here")
            return
        if media == _BYTES:
            return
        schema = content["schema"]
        if media == _FORM:
            pairs = parse_qsl(exchange.body.decode(), keep_blank_values=True)
            value = typed(nested(pairs), schema, self._resolved)
        else:
            value = json.loads(exchange.body)
        yield from self._valued(Side.REQUEST, f"{operation} {media}", schema, value, where)

    def _answered(self, operation: Operation, exchange: Exchange) -> Iterator[Finding]:
        where = f"{operation} answer {exchange.status}"
        responses = operation.described["responses"]
        described = responses.get(str(exchange.status), responses.get("default"))
        if described is None:
            yield Finding(self.name, where, "", "status", "the contract has no answer of this status")
            return
        contents = self._resolved(described).get("content") or {}
        if not contents and not exchange.answer:
            return
        media = _media(exchange.answer_headers)
        if media not in contents:
            yield Finding(self.name, where, "", "media type", f"the contract has no {media!r} here")
            return
        yield from self._valued(
            Side.ANSWER, f"{operation} {exchange.status}", contents[media]["schema"], json.loads(exchange.answer), where
        )

    def _valued(self, side: Side, key: str, schema: Schema, value: Json, where: str) -> Iterator[Finding]:
        for place, rule, text in self._sides[side].differences(key, schema, value):
            yield Finding(self.name, where, place, rule, text)


def _of(described: Schema) -> Iterable[Schema]:
    found: Iterable[Schema] = described.get("parameters", ())
    return found


def _media(headers: Mapping[str, str]) -> str:
    message = Message()
    message["content-type"] = headers.get("content-type", "")
    return message.get_content_type()
