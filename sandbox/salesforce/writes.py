"""Writing to an org through REST: single records and collections of up to 200, by id or by external id."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from werkzeug.wrappers import Request, Response

from sandbox.salesforce.org import SalesforceOrg
from sandbox.salesforce.queries import DATA, SOBJECT, last_segment
from sandbox.salesforce.refusal import Refused
from sandbox.salesforce.schema import READ_ONLY
from sandbox.salesforce.values import read_datetime
from sandbox.standin import StandIn, json_response, route

MAX_COLLECTION = 200
Write = Callable[[dict[str, Any]], dict[str, Any]]


class Writes(StandIn):
    """The writing resources."""

    def org_of(self, request: Request) -> SalesforceOrg:
        """Return the org that the request's access token belongs to."""
        raise NotImplementedError

    @route("POST", SOBJECT)
    def create(self, request: Request, version: str, sobject: str) -> Response:
        """Create one record."""
        org = self.org_of(request)
        new_id = org.insert(_writable(org, sobject), _body(request))
        return json_response({"id": new_id, "success": True, "errors": []}, 201)

    @route("PATCH", f"{SOBJECT}/<id>")
    def update(self, request: Request, version: str, sobject: str, id: str) -> Response:
        """Change one record; 412 when it changed after the instant that If-Unmodified-Since names."""
        org = self.org_of(request)
        name = _writable(org, sobject)
        if _changed_since(request, str(org.find(name, id)["LastModifiedDate"])):
            return Response(status=412)
        org.change(name, id, _body(request))
        return Response(status=204)

    @route("DELETE", f"{SOBJECT}/<id>")
    def delete(self, request: Request, version: str, sobject: str, id: str) -> Response:
        """Delete one record."""
        org = self.org_of(request)
        org.delete(_writable(org, sobject), id)
        return Response(status=204)

    @route("PATCH", f"{SOBJECT}/<field>/<path:value>")
    def upsert(
        self,
        request: Request,
        version: str,
        sobject: str,
        field: str,
        value: str,
    ) -> Response:
        """Create or change the record with an external id (201 when created)."""
        given = _body(request)
        if field in given:
            message = f"The {field} field should not be specified in the sobject data."
            raise Refused("INVALID_FIELD", message, [field])
        external_id = last_segment(request, depth=7)
        org = self.org_of(request)
        record_id, created = org.upsert(_writable(org, sobject), field, external_id, given)
        answer = {"id": record_id, "success": True, "errors": [], "created": created}
        return json_response(answer, 201 if created else 200)

    @route("POST", f"{DATA}/composite/sobjects")
    def create_many(self, request: Request, version: str) -> Response:
        """Create up to 200 records."""
        org = self.org_of(request)
        return self._collection(request, lambda row: {"id": org.insert(_type(org, row), row)})

    @route("PATCH", f"{DATA}/composite/sobjects")
    def update_many(self, request: Request, version: str) -> Response:
        """Change up to 200 records by id."""
        org = self.org_of(request)

        def change(row: dict[str, Any]) -> dict[str, Any]:
            keys = [key for key in row if key.lower() == "id"]
            if not keys:
                raise Refused("MISSING_ARGUMENT", "Id not specified in an update call", ["Id"])
            org.change(_type(org, row), str(row[keys[0]]), {k: v for k, v in row.items() if k not in keys})
            return {"id": row[keys[0]]}

        return self._collection(request, change)

    @route("PATCH", f"{DATA}/composite/sobjects/<sobject>/<field>")
    def upsert_many(self, request: Request, version: str, sobject: str, field: str) -> Response:
        """Create or change up to 200 records of one object by external id.

        A key that comes twice in a call is refused for each of its records: "neither inserted nor updated".
        """
        org = self.org_of(request)
        external = org.external_field(_writable(org, sobject), field)
        name = external.name
        given = [row.get(name) for row in _body(request).get("records", []) if isinstance(row, dict)]
        counts = Counter(external.key(value) for value in given if value)

        def write(row: dict[str, Any]) -> dict[str, Any]:
            if _type(org, row) != org.schema.object_named(sobject):
                raise Refused("INVALID_INPUT", f"The record type is not {sobject}")
            key = row.get(name)
            if counts[external.key(key)] > 1:
                raise Refused("DUPLICATE_VALUE", f"Duplicate external id specified: {key}", [name])
            rest = {k: v for k, v in row.items() if k != name}
            record_id, created = org.upsert(sobject, field, key, rest)
            return {"id": record_id, "created": created}

        return self._collection(request, write)

    @route("DELETE", f"{DATA}/composite/sobjects")
    def delete_many(self, request: Request, version: str) -> Response:
        """Delete up to 200 records by id."""
        org = self.org_of(request)

        def delete(row: dict[str, Any]) -> dict[str, Any]:
            holders = [name for name, rows in org.records.items() if row["id"] in rows and name not in READ_ONLY]
            if not holders:
                raise Refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
            org.delete(holders[0], row["id"])
            return row

        rows = [{"id": one} for one in request.args.get("ids", "").split(",") if one]
        return _results(org, rows, delete, all_or_none=request.args.get("allOrNone") == "true")

    def _collection(self, request: Request, write: Write) -> Response:
        body = _body(request)
        rows = body.get("records")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise Refused("JSON_PARSER_ERROR", "records must be a list of objects")
        return _results(self.org_of(request), rows, write, all_or_none=body.get("allOrNone") is True)


class _RolledBack(Exception):
    """Ends an all-or-none block after a record failed."""


def _results(org: SalesforceOrg, rows: list[dict[str, Any]], write: Write, *, all_or_none: bool) -> Response:
    """Write each record in order and answer with a result for each; all or none when asked."""
    if len(rows) > MAX_COLLECTION:
        message = f"record limit reached. cannot submit more than {MAX_COLLECTION} records into this call"
        raise Refused("EXCEEDED_ID_LIMIT", message)
    results: list[dict[str, Any]] = []

    def write_all() -> None:
        for row in rows:
            try:
                results.append({**write(row), "success": True, "errors": []})
            except Refused as refused:
                results.append(_failure(refused.error_code, refused.message, refused.fields))

    if not all_or_none:
        write_all()
        return json_response(results)
    try:
        with org.all_or_none():
            write_all()
            if not all(result["success"] for result in results):
                raise _RolledBack
    except _RolledBack:
        why = "Record rolled back because not all records were valid and the request was using AllOrNone header"
        rolled_back = _failure("ALL_OR_NONE_OPERATION_ROLLED_BACK", why, [])
        results = [rolled_back if result["success"] else result for result in results]
    return json_response(results)


def _failure(code: str, message: str, fields: list[str]) -> dict[str, Any]:
    return {"success": False, "errors": [{"statusCode": code, "message": message, "fields": fields}]}


def _type(org: SalesforceOrg, row: dict[str, Any]) -> str:
    attributes = row.get("attributes")
    if not isinstance(attributes, dict) or not isinstance(attributes.get("type"), str):
        raise Refused("INVALID_INPUT", "Include an sObject type in the attributes of each record.")
    return _writable(org, attributes["type"])


def _writable(org: SalesforceOrg, sobject: str) -> str:
    name = org.schema.object_named(sobject)
    if name in READ_ONLY:
        raise Refused("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type cannot be written: {name}")
    return name


def _changed_since(request: Request, modified: str) -> bool:
    """Whether the record changed after the request's If-Unmodified-Since, which counts whole seconds."""
    if "If-Unmodified-Since" not in request.headers:
        return False
    unmodified_since = request.if_unmodified_since
    if unmodified_since is None:
        raise Refused("INVALID_HEADER", "If-Unmodified-Since is not an HTTP date")
    return read_datetime(modified).replace(microsecond=0) > unmodified_since


def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(request.get_data(), parse_float=Decimal)
    except ValueError as error:
        raise Refused("JSON_PARSER_ERROR", f"The HTTP entity body is not valid JSON: {error}") from error
    if not isinstance(body, dict):
        raise Refused("JSON_PARSER_ERROR", "The HTTP entity body must be a JSON object")
    return body
