"""The ledger's tax codes, which people choose from, as they were read last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, select

from connectors.contract import Role
from connectors.records import TaxCode
from runtime.store import connections
from runtime.store import tables as t


@dataclass(frozen=True, slots=True)
class TaxCodes:
    """The codes by name, as they were at `read_at`; None where nothing was read of the ledger that is connected."""

    codes: tuple[TaxCode, ...]
    read_at: datetime | None

    def has(self, code: str) -> bool:
        """Whether something can be booked under `code`: no code always can."""
        return not code or any(each.code == code for each in self.codes)


def tax_codes(db: Connection, organisation_id: str) -> TaxCodes:
    """Return the tax codes of an organisation's ledger."""
    ledger = connections.connection_for_role(db, organisation_id, Role.LEDGER)
    if ledger is None:
        return TaxCodes((), None)
    read_at = db.scalar(select(t.connection.c.tax_codes_read_at).where(t.connection.c.id == ledger.id))
    if read_at is None:
        return TaxCodes((), None)
    mine = t.tax_code.c.organisation_id == organisation_id
    rows = db.execute(select(t.tax_code).where(mine).order_by(t.tax_code.c.name, t.tax_code.c.code))
    return TaxCodes(tuple(TaxCode(row.code, row.name, Decimal(row.per_cent)) for row in rows), read_at)
