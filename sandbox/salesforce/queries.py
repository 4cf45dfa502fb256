"""Reading an org through REST: queries with their cursors, records, descriptions, and what changed since."""

from __future__ import annotations

import re
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from werkzeug.wrappers import Request, Response

from sandbox.salesforce.field import Field
from sandbox.salesforce.ids import record_id
from sandbox.salesforce.org import Record, SalesforceOrg
from sandbox.salesforce.refusal import Refused
from sandbox.salesforce.schema import READ_ONLY, Schema
from sandbox.salesforce.soql import Column, parse
from sandbox.salesforce.values import Value, api_time, read_datetime
from sandbox.standin import StandIn, json_response, route

DATA = "/services/data/v<version>"
SOBJECT = f"{DATA}/sobjects/<sobject>"
MIN_BATCH, MAX_BATCH = 200, 2_000
MAX_CURSORS = 10
REPLICATION_WINDOW = timedelta(days=30)
_LABELS = re.compile(r"__c$")


class Queries(StandIn):
    """The reading resources. Cursors are snapshots: only the MAX_CURSORS newest of an org stay open."""

    _cursors: dict[str, OrderedDict[str, list[dict[str, Any]]]]

    def org_of(self, request: Request) -> SalesforceOrg:
        """Return the org that the request's access token belongs to."""
        raise NotImplementedError

    @route("GET", f"{DATA}/query")
    def query(self, request: Request, version: str) -> Response:
        """Run a SOQL query over live records."""
        return self._query(request, version, "query")

    @route("GET", f"{DATA}/queryAll")
    def query_all(self, request: Request, version: str) -> Response:
        """Run a SOQL query over live and deleted records."""
        return self._query(request, version, "queryAll")

    @route("GET", f"{DATA}/query/<locator>")
    @route("GET", f"{DATA}/queryAll/<locator>")
    def query_more(self, request: Request, version: str, locator: str) -> Response:
        """Return the next page of a cursor."""
        cursor, _, start = locator.partition("-")
        rows = self._cursors.setdefault(self.org_of(request).org_id, OrderedDict()).get(cursor)
        if rows is None or not start.isdecimal():
            raise Refused("INVALID_QUERY_LOCATOR", "invalid query locator")
        return json_response(_page(rows, int(start), _batch(request), f"/services/data/v{version}/query/{cursor}"))

    @route("GET", f"{DATA}/sobjects")
    def describe_all(self, request: Request, version: str) -> Response:
        """List the objects of the org."""
        schema = self.org_of(request).schema
        objects = [_object(schema, name, version) for name in schema.objects]
        return json_response({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects})

    @route("GET", SOBJECT)
    def basic(self, request: Request, version: str, sobject: str) -> Response:
        """Describe an object without its fields."""
        schema = self.org_of(request).schema
        described = _object(schema, schema.object_named(sobject), version)
        return json_response({"objectDescribe": described, "recentItems": []})

    @route("GET", f"{SOBJECT}/describe")
    def describe(self, request: Request, version: str, sobject: str) -> Response:
        """Describe an object with its fields."""
        schema = self.org_of(request).schema
        name = schema.object_named(sobject)
        columns = [_column(field) for field in schema.objects[name].values()]
        return json_response({**_object(schema, name, version), "fields": columns})

    @route("GET", f"{SOBJECT}/updated")
    def updated(self, request: Request, version: str, sobject: str) -> Response:
        """List ids of records made or changed within a span of whole minutes."""
        start, end = self._span(request)
        org = self.org_of(request)
        rows = org.records[org.schema.object_named(sobject)].values()
        ids = [r["Id"] for r in rows if not r["IsDeleted"] and start <= str(r["SystemModstamp"]) < end]
        return json_response({"ids": ids, "latestDateCovered": end})

    @route("GET", f"{SOBJECT}/deleted")
    def deleted(self, request: Request, version: str, sobject: str) -> Response:
        """List records deleted within a span of whole minutes."""
        start, end = self._span(request)
        org = self.org_of(request)
        rows = org.records[org.schema.object_named(sobject)].values()
        gone = [
            {"id": r["Id"], "deletedDate": r["SystemModstamp"]}
            for r in rows
            if r["IsDeleted"] and start <= str(r["SystemModstamp"]) < end
        ]
        earliest = api_time(self.clock() - REPLICATION_WINDOW)
        return json_response({"deletedRecords": gone, "earliestDateAvailable": earliest, "latestDateCovered": end})

    @route("GET", f"{SOBJECT}/<id>")
    def retrieve(self, request: Request, version: str, sobject: str, id: str) -> Response:
        """Return one record."""
        org = self.org_of(request)
        name = org.schema.object_named(sobject)
        return json_response(_one(request, version, org.schema, name, org.find(name, id)))

    @route("GET", f"{SOBJECT}/<field>/<path:value>")
    def retrieve_by_external_id(
        self,
        request: Request,
        version: str,
        sobject: str,
        field: str,
        value: str,
    ) -> Response:
        """Return the record with an external id."""
        org = self.org_of(request)
        name = org.schema.object_named(sobject)
        record = org.find_by_external_id(name, field, last_segment(request, depth=7))
        return json_response(_one(request, version, org.schema, name, record))

    def _query(self, request: Request, version: str, resource: str) -> Response:
        org = self.org_of(request)
        query = parse(request.args.get("q", ""), org.schema, lambda name, key: org.records[name].get(key))
        live_only = resource == "query"
        records = (r for r in org.records[query.sobject].values() if not (live_only and r["IsDeleted"]))
        found = query.run(records)
        if query.counts:
            return json_response({"totalSize": len(found), "done": True, "records": []})
        rows = [rendered(query.sobject, record, query.fields, version) for record in found]
        cursors = self._cursors.setdefault(org.org_id, OrderedDict())
        number = self.calls[f"GET {DATA}/query"] + self.calls[f"GET {DATA}/queryAll"]
        cursor = record_id("01g", pod=0, number=number)
        batch = _batch(request)
        if len(rows) > batch:
            cursors[cursor] = rows
            if len(cursors) > MAX_CURSORS:
                cursors.popitem(last=False)
        return json_response(_page(rows, 0, batch, f"/services/data/v{version}/query/{cursor}"))

    def _span(self, request: Request) -> tuple[str, str]:
        """Read start and end; seconds are ignored, and changes older than 30 days are not known any more."""
        try:
            start, end = (
                read_datetime(request.args[name].replace(" ", "+")).astimezone(UTC).replace(second=0, microsecond=0)
                for name in ("start", "end")
            )
        except (KeyError, ValueError) as error:
            raise Refused("INVALID_REPLICATION_DATE", "start and end must be ISO 8601 datetimes") from error
        if end <= start:
            raise Refused("INVALID_REPLICATION_DATE", "endDate must be at least 1 minute greater than startDate")
        if start < self.clock() - REPLICATION_WINDOW:
            raise Refused("INVALID_REPLICATION_DATE", "startDate before org replication enablement date")
        return api_time(start), api_time(min(end, _minute_after(self.clock())))


def _minute_after(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)


def last_segment(request: Request, *, depth: int) -> str:
    """Return path segment number `depth` decoded once; Refused when the sent path goes deeper.

    A value with an unquoted slash is therefore another resource, as it is at Salesforce.
    """
    segments = str(request.environ["REQUEST_URI"]).partition("?")[0].strip("/").split("/")
    if len(segments) != depth:
        raise Refused("NOT_FOUND", "The requested resource does not exist", status=404)
    return unquote(segments[-1])


def rendered(sobject: str, record: Record, columns: list[Column], version: str) -> dict[str, Any]:
    """Write a record as the API does; what is read through a reference stands in a record of its own."""
    row = _attributes(sobject, record, version)
    for column in columns:
        if column.parent is None:
            row[column.field.name] = _shown(record[column.field.name])
            continue
        target = column.target(record)
        if target is None:
            row[str(column.parent.relationship)] = None
            continue
        inner = row.setdefault(
            str(column.parent.relationship), _attributes(str(column.parent.refers_to), target, version)
        )
        inner[column.field.name] = _shown(target[column.field.name])
    return row


def _attributes(sobject: str, record: Record, version: str) -> dict[str, Any]:
    url = f"/services/data/v{version}/sobjects/{sobject}/{record['Id']}"
    return {"attributes": {"type": sobject, "url": url}}


def _shown(value: Value) -> str | bool | float | None:
    return float(value) if isinstance(value, Decimal) else value


def _one(request: Request, version: str, schema: Schema, sobject: str, record: Record) -> dict[str, Any]:
    asked = request.args.get("fields")
    names = list(schema.objects[sobject]) if asked is None else asked.split(",")
    row = _attributes(sobject, record, version)
    for name in names:
        field = schema.field_named(sobject, name.strip())
        if field is None:
            raise Refused("INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject}")
        row[field.name] = _shown(record[field.name])
    return row


def _batch(request: Request) -> int:
    found = re.search(r"batchSize=(\d+)", request.headers.get("Sforce-Query-Options", ""))
    return min(max(int(found[1]), MIN_BATCH), MAX_BATCH) if found else MAX_BATCH


def _page(rows: list[dict[str, Any]], start: int, batch: int, cursor_url: str) -> dict[str, Any]:
    page: dict[str, Any] = {"totalSize": len(rows), "done": start + batch >= len(rows)}
    if not page["done"]:
        page["nextRecordsUrl"] = f"{cursor_url}-{start + batch}"
    return {**page, "records": rows[start : start + batch]}


def _object(schema: Schema, name: str, version: str) -> dict[str, Any]:
    custom = name.endswith("__c")
    writable = name not in READ_ONLY
    return {
        "name": name,
        "label": _LABELS.sub("", name).replace("_", " "),
        "custom": custom,
        "keyPrefix": schema.prefix(name),
        "createable": writable,
        "updateable": writable,
        "deletable": writable,
        "queryable": True,
        "replicateable": True,
        "urls": {"sobject": f"/services/data/v{version}/sobjects/{name}"},
    }


def _column(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "label": field.label or field.name,
        "type": field.kind,
        "length": field.length if field.kind not in ("boolean", "currency", "date", "datetime", "double") else 0,
        "precision": field.precision if field.kind in ("currency", "double") else 0,
        "scale": field.scale if field.kind in ("currency", "double") else 0,
        "restrictedPicklist": field.restricted,
        "picklistValues": [
            {"value": value, "label": value, "active": True, "defaultValue": value == field.default}
            for value in field.values
        ],
        "custom": field.name.endswith("__c"),
        "nillable": not field.required and field.kind != "boolean",
        "defaultedOnCreate": field.kind == "boolean" or field.default is not None,
        "createable": field.writable,
        "updateable": field.writable,
        "externalId": field.external_id,
        "unique": field.unique,
        "caseSensitive": field.case_sensitive,
        "idLookup": field.external_id or field.kind == "id",
        "referenceTo": [field.refers_to] if field.refers_to else [],
        "relationshipName": field.relationship,
    }
