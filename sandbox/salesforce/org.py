"""One Salesforce org: its records and the rules that every write must pass, whoever writes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sandbox.salesforce.field import Field
from sandbox.salesforce.ids import eighteen, record_id
from sandbox.salesforce.refusal import Refused
from sandbox.salesforce.schema import Schema
from sandbox.salesforce.values import Value, api_time, stored

Record = dict[str, Value]
WON = "Closed Won"  # the stage of an opportunity that is won


class SalesforceOrg:
    """Records by object and id, deleted ones kept (IsDeleted). Dates and datetimes are kept in the API's text form.

    `create`, `update`, `delete` and `merge` are what people in the org do; the REST resources come through here as
    well. An org has several `currencies`, or, with none named, one that its records do not mention.
    """

    def __init__(
        self,
        *,
        name: str,
        pod: int,
        clock: Callable[[], datetime],
        lock: threading.RLock | None = None,
        currencies: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.schema = Schema(currencies=currencies)
        self._lock = lock or threading.RLock()
        self._pod = pod
        self._clock = clock
        self._numbers: dict[str, int] = {}
        self.records: dict[str, dict[str, Record]] = {sobject: {} for sobject in self.schema.objects}
        self._by_key: dict[tuple[str, str, str], str] = {}
        self.org_id = self._new_id("Organization", 1)
        self.user_id = self._new_id("User", 1)
        self._store_organization()

    def create(self, sobject: str, **fields: Any) -> str:  # noqa: ANN401 - any written value
        """Create a record and return its id."""
        with self._lock:
            return self.insert(sobject, fields)

    def update(self, sobject: str, id: str, **fields: Any) -> None:  # noqa: ANN401
        """Change fields of a record."""
        with self._lock:
            self.change(sobject, id, fields)

    def delete(self, sobject: str, id: str) -> None:
        """Put a record into the recycle bin."""
        with self._lock:
            sobject = self.schema.object_named(sobject)
            record = self.find(sobject, id)
            self._let_go(sobject, str(record["Id"]))
            record["IsDeleted"] = True
            self._stamp(record)
            self._forget_keys(sobject, record, [field.name for field in self.schema.unique_fields(sobject)])

    def undelete(self, sobject: str, id: str) -> None:
        """Take a record out of the recycle bin again; what referred to it does so no more."""
        with self._lock:
            sobject = self.schema.object_named(sobject)
            record = self.records[sobject][eighteen(id)]
            self._check_unique(sobject, record, own_id=str(record["Id"]))
            record["IsDeleted"] = False
            self._stamp(record)
            self._settle(sobject, record)

    def merge(self, sobject: str, winner: str, loser: str) -> None:
        """Merge two records: what refers to `loser` refers to `winner`, and the loser is deleted and names it."""
        with self._lock:
            sobject = self.schema.object_named(sobject)
            kept, gone = self.find(sobject, winner), self.find(sobject, loser)
            for name, field in self.schema.references_to(sobject):
                for child in self._referring(name, field, str(gone["Id"])):
                    child[field.name] = kept["Id"]
                    self._stamp(child)
            self.delete(sobject, str(gone["Id"]))
            gone["MasterRecordId"] = kept["Id"]
            self._stamp(kept)

    def insert(self, sobject: str, given: dict[str, Any]) -> str:
        """Create a record from the fields of a request; Refused when a rule of the org is broken."""
        sobject = self.schema.object_named(sobject)
        fields = self.schema.objects[sobject]
        values = self._values(sobject, given, inserting=True)
        missing = [f.name for f in fields.values() if f.required and values.get(f.name) is None]
        if missing:
            message = f"Required fields are missing: [{', '.join(missing)}]"
            raise Refused("REQUIRED_FIELD_MISSING", message, missing)
        self._check_unique(sobject, values, own_id=None)
        number = self._numbers[sobject] = self._numbers.get(sobject, 0) + 1
        new_id = self._new_id(sobject, number)
        record: Record = {name: False if f.kind == "boolean" else f.default for name, f in fields.items()}
        record |= {"Id": new_id, "CreatedDate": api_time(self._clock()), **values}
        if fields["Name"].numbered:
            record["Name"] = fields["Name"].name_of(number)
        elif fields["Name"].writable:
            record["Name"] = record["Name"] or new_id
        self._stamp(record)
        self.records[sobject][new_id] = record
        self._settle(sobject, record)
        return new_id

    def change(self, sobject: str, some_id: str, given: dict[str, Any]) -> None:
        """Change a record by the fields of a request. Even a change to equal values bumps LastModifiedDate."""
        sobject = self.schema.object_named(sobject)
        record = self.find(sobject, some_id)
        values = self._values(sobject, given, inserting=False)
        emptied = [n for n in values if self.schema.objects[sobject][n].required and values[n] is None]
        if emptied:
            message = f"Required fields are missing: [{', '.join(emptied)}]"
            raise Refused("REQUIRED_FIELD_MISSING", message, emptied)
        self._check_unique(sobject, values, own_id=str(record["Id"]))
        self._forget_keys(sobject, record, values)
        record.update(values)
        self._stamp(record)
        self._settle(sobject, record)

    def upsert(self, sobject: str, field_name: str, value: Any, given: dict[str, Any]) -> tuple[str, bool]:  # noqa: ANN401
        """Create or change the record whose external id is `value`; the id and whether it was created."""
        sobject = self.schema.object_named(sobject)
        field = self.external_field(sobject, field_name)
        if value is None or value == "":
            raise Refused("MISSING_ARGUMENT", f"{field.name} not specified", [field.name])
        known = self._by_key.get((sobject, field.name, field.key(value)))
        if known is not None:
            self.change(sobject, known, given)
            return known, False
        return self.insert(sobject, {**given, field.name: value}), True

    def find(self, sobject: str, some_id: str) -> Record:
        """Return a record by its 15- or 18-character id; Refused when absent or deleted."""
        record = self.records[self.schema.object_named(sobject)].get(eighteen(some_id))
        if record is None:
            raise Refused("NOT_FOUND", "The requested resource does not exist", status=404)
        if record["IsDeleted"]:
            raise Refused("ENTITY_IS_DELETED", "entity is deleted", status=404)
        return record

    def find_by_external_id(self, sobject: str, field_name: str, value: str) -> Record:
        """Return the record with an external id."""
        sobject = self.schema.object_named(sobject)
        field = self.external_field(sobject, field_name)
        known = self._by_key.get((sobject, field.name, field.key(value)))
        if known is None:
            raise Refused("NOT_FOUND", "The requested resource does not exist", status=404)
        return self.records[sobject][known]

    def external_field(self, sobject: str, field_name: str) -> Field:
        """Return the external id field of that name; Refused NOT_FOUND when it is none."""
        field = self.schema.field_named(self.schema.object_named(sobject), field_name)
        if field is None or not field.external_id:
            message = f"Provided external ID field does not exist or is not accessible: {field_name}"
            raise Refused("NOT_FOUND", message, status=404)
        return field

    @contextmanager
    def all_or_none(self) -> Iterator[None]:
        """Undo every write of the block when it raises."""
        records = {
            sobject: {key: dict(record) for key, record in rows.items()} for sobject, rows in self.records.items()
        }
        keys, numbers = dict(self._by_key), dict(self._numbers)
        try:
            yield
        except Exception:
            self.records, self._by_key, self._numbers = records, keys, numbers
            raise

    def _values(self, sobject: str, given: dict[str, Any], *, inserting: bool) -> Record:
        values: Record = {}
        fields = self.schema.objects[sobject].values()
        for name, value in given.items():
            if name.lower() == "attributes":
                continue
            parent = next((f for f in fields if f.relationship == name), None)
            if parent is not None and isinstance(value, dict):
                values[parent.name] = self._parent_id(parent, value)
                continue
            field = self.schema.field_named(sobject, name)
            if field is None:
                raise Refused("INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject}", [])
            if not field.writable:
                verb = "create" if inserting else "update"
                message = f"Unable to {verb} fields: {field.name}. Please check the security settings of this field."
                raise Refused("INVALID_FIELD_FOR_INSERT_UPDATE", message, [field.name])
            values[field.name] = stored(field, value)
            if field.refers_to is not None and values[field.name] is not None:
                self._check_reference(field, str(values[field.name]))
        return values

    def _parent_id(self, field: Field, given: dict[str, Any]) -> str:
        """Resolve a parent that is given by its external id: {"Account__r": {"TrueDue_Id__c": "…"}}."""
        keys = {name: value for name, value in given.items() if name != "attributes"}
        if len(keys) != 1 or field.refers_to is None:
            raise Refused("INVALID_FIELD", f"{field.relationship} needs exactly one external id", [])
        ((name, value),) = keys.items()
        target = self.external_field(field.refers_to, name)
        known = self._by_key.get((field.refers_to, target.name, target.key(value)))
        if known is None:
            message = f"Foreign key external ID: {value} not found for field {name} in entity {field.refers_to}"
            raise Refused("INVALID_FIELD", message, [])
        return known

    def _check_reference(self, field: Field, target_id: str) -> None:
        targets = self.records[str(field.refers_to)]
        if target_id[:3] != self.schema.prefix(str(field.refers_to)):
            raise Refused("MALFORMED_ID", f"{field.name}: id value of incorrect type: {target_id}", [field.name])
        if target_id not in targets:
            raise Refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [field.name])
        if targets[target_id]["IsDeleted"]:
            raise Refused("ENTITY_IS_DELETED", "entity is deleted", [field.name])

    def _check_unique(self, sobject: str, values: Record, *, own_id: str | None) -> None:
        for field in self.schema.unique_fields(sobject):
            value = values.get(field.name)
            holder = self._by_key.get((sobject, field.name, field.key(value)))
            if value is not None and holder is not None and holder != own_id:
                message = f"duplicate value found: {field.name} duplicates value on record with id: {holder}"
                raise Refused("DUPLICATE_VALUE", message, [field.name])

    def _settle(self, sobject: str, record: Record) -> None:
        for field in self.schema.unique_fields(sobject):
            if record[field.name] is not None:
                self._by_key[(sobject, field.name, field.key(record[field.name]))] = str(record["Id"])
        if sobject == "Contact":
            record["Name"] = " ".join(str(record[part]) for part in ("FirstName", "LastName") if record[part])
        if sobject == "Opportunity":
            record["IsWon"] = record["StageName"] == WON

    def _forget_keys(self, sobject: str, record: Record, names: Iterable[str]) -> None:
        for field in self.schema.unique_fields(sobject):
            if field.name in names:
                self._by_key.pop((sobject, field.name, field.key(record[field.name])), None)

    def _referring(self, sobject: str, field: Field, target_id: str) -> list[Record]:
        rows = self.records[sobject].values()
        return [record for record in rows if record[field.name] == target_id and not record["IsDeleted"]]

    def _let_go(self, sobject: str, target_id: str) -> None:
        """Refuse a deletion that a lookup restricts; clear the other lookups."""
        lookups = self.schema.references_to(sobject)
        for name, field in sorted(lookups, key=lambda each: not each[1].restricts_delete):
            for child in self._referring(name, field, target_id):
                if field.restricts_delete:
                    message = (
                        f"Your attempt to delete {target_id} could not be completed because it is associated with "
                    )
                    raise Refused("DELETE_FAILED", f"{message}the following {name}: {child['Name']}")
                child[field.name] = None
                self._stamp(child)

    def _new_id(self, sobject: str, number: int) -> str:
        return record_id(self.schema.prefix(sobject), pod=self._pod, number=number)

    def _stamp(self, record: Record) -> None:
        record["LastModifiedDate"] = record["SystemModstamp"] = api_time(self._clock())

    def _store_organization(self) -> None:
        record: Record = {"Id": self.org_id, "Name": self.name, "IsSandbox": False, "IsDeleted": False}
        record |= {"OrganizationType": "Enterprise Edition", "CreatedDate": api_time(self._clock())}
        self._stamp(record)
        self.records["Organization"][self.org_id] = record
