"""What every room of absorbing needs: whose data, from which system, in which unit of work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Select, Table, bindparam, select

from connectors.contract import Role
from connectors.records import Kind, Record
from receivables.identity import stable_id
from receivables.problem import Problem
from runtime.store import connections, journal
from runtime.store import tables as t
from runtime.store.links import links_to
from runtime.store.owners import owners_of
from runtime.store.rows import among_given, chunks, owned_by, rows_of, upsert
from sync.merge import Conflict, Pair, Value
from sync.owners import Owner, Owners
from sync.versions import UNKNOWN, Version


@dataclass
class Scope:
    """One organisation's records of one system, being taken in at `read_at`."""

    db: Connection
    organisation_id: str
    system: str
    role: Role
    read_at: datetime
    links: list[dict[str, object]] = field(default_factory=list)
    _read_ahead: tuple[str, frozenset[str], dict[str, dict[str, Any]]] | None = None

    @property
    def speaker(self) -> Owner:
        """Whose word these records are, for the merge."""
        return Owner.LEDGER if self.role is Role.LEDGER else Owner.CRM

    @cached_property
    def owners(self) -> Owners:
        """Whose word counts for which field in this organisation."""
        return owners_of(self.db, self.organisation_id)

    @cached_property
    def zone(self) -> ZoneInfo:
        """The organisation's time zone: its books know a moment by the day that it is there."""
        return connections.zone_of(self.db, self.organisation_id)

    def local_id(self, prefix: str, external_id: str) -> str:
        """Return our id of a vendor's object: the same in whatever order objects arrive."""
        return stable_id(prefix, self.organisation_id, self.system, external_id)

    def customers(self, external_ids: Iterable[str]) -> dict[str, str]:
        """Return our customer of each of the ledger's; of one that was merged, the one that took its place."""
        ids = {external_id: self.local_id("cus", external_id) for external_id in set(external_ids)}
        merged: dict[str, str] = {}
        for chunk in chunks(sorted(ids.values())):
            these = {"organisation_id": self.organisation_id, "ids": list(chunk)}
            merged |= {row.id: row.merged_into for row in self.db.execute(_merged(self.db.dialect.name), these)}
        return {external_id: merged.get(local_id, local_id) for external_id, local_id in ids.items()}

    def rows(self, table: Table, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return this organisation's rows of `table` by their ids."""
        return {row["id"]: row for row in rows_of(self.db, self.organisation_id, table, ids)}

    def known_links(self, kind: str, external_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return the identity map rows of this system and kind, by external id."""
        wanted = frozenset(external_ids)
        ahead, self._read_ahead = self._read_ahead, None
        if ahead is not None and ahead[:2] == (kind, wanted):
            return ahead[2]
        return links_to(self.db, self.organisation_id, self.system, kind, wanted)

    def links_ahead(self, kind: str, external_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return the same for whoever looks at a page before its room does, which then reads them no second time."""
        wanted = frozenset(external_ids)
        found = links_to(self.db, self.organisation_id, self.system, kind, wanted)
        self._read_ahead = (kind, wanted, found)
        return found

    def external_ids(self, kind: str) -> dict[str, str]:
        """Return what this system calls each object of ours of this kind, by our id."""
        rows = self.db.execute(
            select(t.link.c.local_id, t.link.c.external_id).where(
                t.link.c.organisation_id == self.organisation_id, t.link.c.system == self.system, t.link.c.kind == kind
            )
        )
        return {row.local_id: row.external_id for row in rows}

    def keep_link(
        self, kind: str, external_id: str, local_id: str, pairs: Mapping[str, Pair], *, version: Version = UNKNOWN
    ) -> None:
        """Remember who an external object is to us, the version that was read, and what both sides last agreed on."""
        self.links.append(
            {
                "organisation_id": self.organisation_id,
                "system": self.system,
                "kind": kind,
                "external_id": external_id,
                "local_id": local_id,
                "version": version.text,
                "modified_at": version.modified_at,
                "surpassed": False,
                "base": {name: list(pair) for name, pair in pairs.items()},
                "read_at": self.read_at,
            }
        )

    def stamps(self, record: Record) -> dict[str, object]:
        """Return what a row keeps of the reading that it comes from, where the row itself keeps it."""
        return {"version": record.version, "modified_at": record.modified_at, "read_at": self.read_at}

    def flush_links(self) -> None:
        """Write the links that were kept."""
        upsert(self.db, t.link, self.links, keys=["organisation_id", "system", "kind", "external_id"])
        self.links.clear()

    def note_conflicts(self, local_id: str, conflicts: Iterable[Conflict]) -> None:
        """Keep the losing values of a merge and show that there are some."""
        for conflict in conflicts:
            row = {
                "id": stable_id("cfl", local_id, conflict.field, self.system, str(conflict.lost), str(conflict.kept)),
                "organisation_id": self.organisation_id,
                "local_id": local_id,
                "field": conflict.field,
                "system": self.system,
                "kept": shown(conflict.kept),
                "lost": shown(conflict.lost),
                "found_at": self.read_at,
                "settled_at": None,  # the same two values may meet again after a person settled it
                "settled_by": None,
                "restored": False,
            }
            upsert(self.db, t.conflict, [row], keys=["id"])

    def record(self, action: str, subject: str, detail: str) -> None:
        """Add a line to the audit trail in this system's name."""
        journal.record(
            self.db,
            organisation_id=self.organisation_id,
            at=self.read_at,
            actor=self.system,
            action=action,
            subject=subject,
            detail=detail,
        )

    def problem(self, problem: Problem) -> None:
        """Show something to a person."""
        journal.raise_problem(self.db, organisation_id=self.organisation_id, problem=problem, at=self.read_at)


@cache
def _merged(dialect: str) -> Select[Any]:
    customer = t.customer.c
    these = owned_by(t.customer, bindparam("organisation_id")) & among_given(dialect, customer.id, "ids")
    return select(customer.id, customer.merged_into).where(these, customer.merged_into.is_not(None))


def shown(value: Value) -> str:
    """Return a value of a conflict as text; nothing said is empty."""
    return "" if value is None else str(value)


def version_of(record: Record) -> Version:
    """Return how old the vendor says that a record is."""
    return Version(record.version, record.modified_at)


def pairs_of(link: Mapping[str, Any] | None) -> dict[str, Pair]:
    """Return the agreed pairs that a link row keeps."""
    return {} if link is None else {name: (pair[0], pair[1]) for name, pair in link["base"].items()}


CUSTOMER_LINK = Kind.CUSTOMER.value
CONTACT_LINK = Kind.CONTACT.value
ACCOUNT_LINK = Kind.ACCOUNT.value
DOCUMENT_LINK = "document"
POSTING_LINK = "posting"
