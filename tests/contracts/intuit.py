"""Requests to QuickBooks Online and its answers against Intuit's XSD; queries against the fields that it knows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from tests.contracts.findings import Exchange, Finding
from tests.contracts.xsd import IntuitSchema, Json

NAME = "quickbooks"
_PATH = re.compile(r"/v3/company/\d+/(?P<resource>[a-z]+)(?P<rest>/.*)?")
# An invoice as PDF: the XSD has entities only, Intuit's reference has this ("Get an invoice as PDF").
_PRINTED = re.compile(r"/v3/company/\d+/invoice/[^/]+/pdf")
_SELECT = re.compile(
    r"select (?P<fields>.+?) from (?P<entity>\w+)(?: where (?P<where>.+?))?"
    r"(?: orderby (?P<order>.+?))?(?: startposition \d+)?(?: maxresults \d+)?",
    re.IGNORECASE,
)
_FIELD = re.compile(r"([A-Za-z][\w.]*)\s*(?:=|<|>|like\b|in\b)", re.IGNORECASE)
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'")
# What the accounting API takes behind the question mark. The XSD says nothing of it; Intuit's reference does:
# https://developer.intuit.com/app/developer/qbo/docs/learn/rest-api-features
_PARAMETERS = {
    "query": {"query", "minorversion", "requestid"},
    "cdc": {"entities", "changedSince", "minorversion", "requestid"},
    "batch": {"minorversion", "requestid"},
}
_ENTITY_PARAMETERS = {"minorversion", "requestid", "operation", "include", "sendTo"}


class IntuitContract:
    """The XSD of the accounting API, root `IntuitRestServiceDef.xsd`."""

    def __init__(self, root: Path) -> None:
        self._schema = IntuitSchema(root)
        self._entities = {name.lower(): name for name in self._schema.entities}

    def findings(self, exchange: Exchange) -> list[Finding]:
        """Say where the exchange differs from the XSD."""
        found = _PATH.fullmatch(exchange.path)
        if found is None:
            return [
                Finding(NAME, f"{exchange.method} {exchange.path}", "", "path", "the contract has no such operation")
            ]
        call = f"{exchange.method} {found['resource']}"
        asked = list(self._asked(exchange, found["resource"], f"{call} request"))
        if _PRINTED.fullmatch(exchange.path) and exchange.status == 200:
            return asked + _printed(exchange, f"{call} answer 200")
        return [*asked, *self._answered(exchange, call)]

    def _asked(self, exchange: Exchange, resource: str, where: str) -> Iterator[Finding]:
        allowed = _PARAMETERS.get(resource, _ENTITY_PARAMETERS)
        for name in sorted({name for name, _ in exchange.query} - allowed):
            yield Finding(NAME, where, f"query/{name}", "unknown", "Intuit's reference has no such parameter")
        if resource == "query":
            text = dict(exchange.query).get("query") or exchange.body.decode()
            yield from self._query(text, where)
        elif resource == "batch":
            items = _loaded(exchange.body)
            yield from self._differences("IntuitBatchRequest", items, where)
            for item in items.get("BatchItemRequest") or []:
                yield from self._query(item["Query"], where) if "Query" in item else ()
        elif resource == "cdc":
            for name in dict(exchange.query).get("entities", "").split(","):
                if name not in self._schema.entities:
                    yield Finding(NAME, where, "query/entities", "unknown", f"the XSD has no entity {name!r}")
        elif resource not in self._entities:
            yield Finding(NAME, where, "", "path", f"the XSD has no entity {resource}")
        elif exchange.body:
            yield from self._differences(self._entities[resource], _loaded(exchange.body), where)

    def _answered(self, exchange: Exchange, call: str) -> Iterator[Finding]:
        where = f"{call} answer {exchange.status}"
        if "application/json" not in exchange.answer_headers.get("content-type", ""):
            yield Finding(NAME, where, "", "media type", "the client asks for application/json")
            return
        yield from self._differences("IntuitResponse", _loaded(exchange.answer), where)

    def _query(self, text: str, where: str) -> Iterator[Finding]:
        parsed = _SELECT.fullmatch(_QUOTED.sub("''", " ".join(text.split())))
        if parsed is None:
            yield Finding(NAME, where, "query", "syntax", text)
            return
        entity = parsed["entity"]
        if entity not in self._schema.entities:
            yield Finding(NAME, where, "query", "unknown", f"the XSD has no entity {entity}")
            return
        selected = [] if parsed["fields"].lower() in ("*", "count(*)") else parsed["fields"].split(",")
        ordered = [part.split()[0] for part in (parsed["order"] or "").split(",") if part.strip()]
        for field in (*selected, *_FIELD.findall(parsed["where"] or ""), *ordered):
            if not self._schema.member(entity, field.strip()):
                yield Finding(NAME, where, f"query/{entity}.{field.strip()}", "unknown", "the XSD has no such field")

    def _differences(self, element: str, value: Json, where: str) -> Iterator[Finding]:
        for place, rule, text in self._schema.differences(element, value):
            yield Finding(NAME, where, place, rule, text)


def _printed(exchange: Exchange, where: str) -> list[Finding]:
    if exchange.answer_headers.get("content-type", "") == "application/pdf":
        return []
    return [Finding(NAME, where, "", "media type", "an invoice is printed as application/pdf")]


def _loaded(body: bytes) -> Json:
    return json.loads(body, parse_float=Decimal)
