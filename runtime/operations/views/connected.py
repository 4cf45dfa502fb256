"""Which systems an organisation has connected, and how far each was read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, bindparam, func, select

from connectors import registry
from runtime.store import tables as t
from runtime.store.connections import BROKEN, DISCONNECTED

BEHIND_AFTER = timedelta(hours=1)  # systems are read every five minutes: twelve readings in a row brought nothing

# Asked for every page of an organisation, so built once.
_SYSTEMS = (
    select(t.connection, func.min(t.watermark.c.since).label("since"), func.count(t.watermark.c.kind).label("kinds"))
    .outerjoin(t.watermark, t.watermark.c.connection_id == t.connection.c.id)
    .where(t.connection.c.organisation_id == bindparam("organisation_id"))
    .group_by(t.connection.c.id)
    .order_by(t.connection.c.system)
)


class Standing(StrEnum):
    """Where a connected system stands for whoever relies on what was read of it."""

    IN_STEP = "in_step"
    FIRST_READING = "first_reading"
    BEHIND = "behind"
    RECONNECT = "reconnect"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class ConnectedSystem:
    """A connection. `read_until` is how far the kind that lags most was read; None before the first load is over."""

    system: str
    role: str
    status: str
    account_name: str
    connected_at: datetime
    read_until: datetime | None

    def standing(self, now: datetime) -> Standing:
        """Say how it stands; in step is only what was read of late."""
        if self.status in (BROKEN, DISCONNECTED):
            return Standing.RECONNECT if self.status == BROKEN else Standing.OFF
        if self.read_until is None:
            return Standing.FIRST_READING
        return Standing.IN_STEP if now - self.read_until <= BEHIND_AFTER else Standing.BEHIND


@dataclass(frozen=True, slots=True)
class BankAccount:
    """A bank account and the last day its statements prove."""

    identification: str
    currency: str
    declares: str
    evidence_until: date | None
    attested_by: str | None


def connected_systems(db: Connection, organisation_id: str) -> tuple[ConnectedSystem, ...]:
    """Return every connection, also broken and ended ones."""
    return tuple(
        ConnectedSystem(
            system=row.system,
            role=row.role,
            status=row.status,
            account_name=row.account_name,
            connected_at=row.connected_at,
            read_until=row.since if row.kinds >= len(registry.declaration(row.system).reads) else None,
        )
        for row in db.execute(_SYSTEMS, {"organisation_id": organisation_id})
    )


def bank_accounts(db: Connection, organisation_id: str) -> tuple[BankAccount, ...]:
    """Return the bank accounts whose evidence is declared or whose statements were imported."""
    rows = db.execute(
        select(t.bank_account)
        .where(
            t.bank_account.c.organisation_id == organisation_id,
            t.bank_account.c.ledger_account.is_not(None) | t.bank_account.c.evidence_until.is_not(None),
        )
        .order_by(t.bank_account.c.identification, t.bank_account.c.currency)
    )
    return tuple(
        BankAccount(row.identification, row.currency, row.declares, row.evidence_until, row.attested_by) for row in rows
    )
