"""Parameters as they travel (text, nested by brackets, lists by comma) become the values that a schema describes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from tests.contracts.schemas import Json, Schema

Resolve = Callable[[Schema], Schema]

_BRACKETS = re.compile(r"\[([^\]]*)\]")
_INTEGER = re.compile(r"-?\d+$")
_NUMBER = re.compile(r"-?\d+(\.\d+)?$")


def nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Json]:
    """Turn `a[b][0]=c` into {"a": {"b": ["c"]}}; the same name twice is a list."""
    root: dict[str, Json] = {}
    for name, value in pairs:
        head, *rest = [name.partition("[")[0], *_BRACKETS.findall(name)]
        here, key = root, head
        for step in rest:
            here = here.setdefault(key, {})
            key = step or str(len(here))
        here[key] = value if key not in here else [here[key], value]
    return {key: _listed(value) for key, value in root.items()}


def _listed(value: Json) -> Json:
    if not isinstance(value, dict):
        return value
    inner = {key: _listed(part) for key, part in value.items()}
    return list(inner.values()) if inner and all(key.isdecimal() for key in inner) else inner


def typed(value: Json, schema: Schema, resolve: Resolve) -> Json:
    """Give text the type that the schema wants, where it can be read so; anything else stays as it is."""
    schema = resolve(schema)
    for alternatives in ("anyOf", "oneOf"):
        if alternatives in schema:
            options = [resolve(option) for option in schema[alternatives]]
            return typed(value, next((one for one in options if _fits(value, one)), options[0]), resolve)
    if isinstance(value, dict):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties")
        rest: Schema = others if isinstance(others, dict) else {}
        return {key: typed(part, properties.get(key, rest), resolve) for key, part in value.items()}
    if schema.get("type") == "array" and "items" in schema:
        parts = value.split(",") if isinstance(value, str) else value
        return [typed(part, schema["items"], resolve) for part in parts]
    return _leaf(value, schema.get("type")) if isinstance(value, str) else value


def _fits(value: Json, schema: Schema) -> bool:
    kind = schema.get("type")
    if isinstance(value, dict):
        return kind == "object"
    if isinstance(value, list):
        return kind == "array"
    if "enum" in schema:
        return value in schema["enum"]
    return not isinstance(_leaf(value, kind), str) or kind == "string"


def _leaf(text: str, kind: Any) -> Json:  # noqa: ANN401 - whatever a schema says
    if kind == "integer" and _INTEGER.match(text):
        return int(text)
    if kind == "number" and _NUMBER.match(text):
        return float(text)
    if kind == "boolean" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    return text
