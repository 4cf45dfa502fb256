"""Which systems an organisation has connected, and how far each was read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, func, select

from runtime.store import tables as t


@dataclass(frozen=True, slots=True)
class ConnectedSystem:
    """A connection. `read_until` is how far the kind that lags most was read; None before the first load."""

    system: str
    role: str
    status: str
    account_name: str
    connected_at: datetime
    read_until: datetime | None


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
    lagging = (
        select(t.watermark.c.connection_id, func.min(t.watermark.c.since).label("since"))
        .group_by(t.watermark.c.connection_id)
        .subquery()
    )
    rows = db.execute(
        select(t.connection, lagging.c.since)
        .outerjoin(lagging, lagging.c.connection_id == t.connection.c.id)
        .where(t.connection.c.organisation_id == organisation_id)
        .order_by(t.connection.c.system)
    )
    return tuple(
        ConnectedSystem(row.system, row.role, row.status, row.account_name, row.connected_at, row.since) for row in rows
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
