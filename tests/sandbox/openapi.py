"""Checks a value against a schema of an OpenAPI 3.0 document: types, required, enum, anyOf, $ref, nullable."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]
Value = Any

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}


def violations(value: Value, schema: Schema, schemas: dict[str, Schema], at: str = "$") -> list[str]:
    """Say where the value breaks its schema; a property that the schema does not have is a violation too."""
    if "$ref" in schema:
        return violations(value, schemas[schema["$ref"].rpartition("/")[2]], schemas, at)
    if value is None:
        return [] if schema.get("nullable") else [f"{at}: null"]
    if "anyOf" in schema:
        tries = [violations(value, option, schemas, at) for option in schema["anyOf"]]
        return [] if any(not found for found in tries) else min(tries, key=len)
    return _typed(value, schema, schemas, at)


def _typed(value: Value, schema: Schema, schemas: dict[str, Schema], at: str) -> list[str]:
    kind = schema.get("type")
    if kind is not None and (not isinstance(value, _TYPES[kind]) or (kind != "boolean" and isinstance(value, bool))):
        return [f"{at}: {value!r} is no {kind}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{at}: {value!r} is none of {schema['enum']}"]
    if isinstance(value, str) and len(value) > schema.get("maxLength", len(value)):
        return [f"{at}: too long"]
    if isinstance(value, list) and "items" in schema:
        return [
            found for i, one in enumerate(value) for found in violations(one, schema["items"], schemas, f"{at}[{i}]")
        ]
    if isinstance(value, dict) and ("properties" in schema or "additionalProperties" in schema):
        return _properties(value, schema, schemas, at)
    return []


def _properties(value: dict[str, Value], schema: Schema, schemas: dict[str, Schema], at: str) -> list[str]:
    known: dict[str, Schema] = schema.get("properties", {})
    found = [f"{at}.{name}: missing" for name in schema.get("required", []) if name not in value]
    others = schema.get("additionalProperties", False)
    for name, part in value.items():
        if name in known:
            found += violations(part, known[name], schemas, f"{at}.{name}")
        elif isinstance(others, dict):
            found += violations(part, others, schemas, f"{at}.{name}")
        elif not others:
            found.append(f"{at}.{name}: unknown")
    return found
