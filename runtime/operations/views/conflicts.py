"""Values that lost against another system's, each with the invoice or customer it is about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from runtime.operations.systems.conflicts import RESTORABLE
from runtime.store import tables as t

MAX_CONFLICTS = 200  # on one page; the others come up when these are settled


@dataclass(frozen=True, slots=True)
class ConflictView:
    """Two systems said something else about `field`; `kept` stands, `lost` came from `system` or met it there.

    `document_id` is set where it is about an invoice. `settled_at` None: a person has not looked at it yet.
    """

    conflict_id: str
    field: str
    system: str
    kept: str
    lost: str
    found_at: datetime
    document_id: str | None
    number: str
    customer_name: str
    settled_at: datetime | None
    settled_by: str | None
    restored: bool

    @property
    def restorable(self) -> bool:
        """Whether a person can make the losing value count."""
        return self.settled_at is None and self.field in RESTORABLE


@dataclass(frozen=True, slots=True)
class Conflicts:
    """The newest conflicts first; `waiting` is how many a person has not settled, also beyond these."""

    rows: tuple[ConflictView, ...]
    waiting: int


def conflicts(
    db: Connection, organisation_id: str, *, local_id: str | None = None, with_settled: bool = False
) -> Conflicts:
    """Return what waits for a person (and what was settled), of one invoice or customer or of all."""
    customer = t.customer.alias("about")
    owner = t.customer.alias("owner")
    statement = (
        select(t.conflict, t.document.c.number, t.document.c.id.label("document_id"))
        .add_columns(func.coalesce(owner.c.name, customer.c.name, "").label("customer_name"))
        .outerjoin(t.document, t.document.c.id == t.conflict.c.local_id)
        .outerjoin(owner, owner.c.id == t.document.c.customer_id)
        .outerjoin(customer, customer.c.id == t.conflict.c.local_id)
        .where(t.conflict.c.organisation_id == organisation_id)
        .order_by(t.conflict.c.found_at.desc(), t.conflict.c.id)
        .limit(MAX_CONFLICTS)
    )
    if local_id is not None:
        statement = statement.where(t.conflict.c.local_id == local_id)
    if not with_settled:
        statement = statement.where(t.conflict.c.settled_at.is_(None))
    waiting = select(func.count()).select_from(t.conflict)
    waiting = waiting.where(t.conflict.c.organisation_id == organisation_id, t.conflict.c.settled_at.is_(None))
    return Conflicts(tuple(_view(row) for row in db.execute(statement)), db.execute(waiting).scalar_one())


def _view(row: Row[Any]) -> ConflictView:
    return ConflictView(
        conflict_id=row.id,
        field=row.field,
        system=row.system,
        kept=row.kept,
        lost=row.lost,
        found_at=row.found_at,
        document_id=row.document_id,
        number=row.number or "",
        customer_name=row.customer_name,
        settled_at=row.settled_at,
        settled_by=row.settled_by,
        restored=row.restored,
    )
