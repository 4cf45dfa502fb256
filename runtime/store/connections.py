"""Organisations and the accounts at vendors that they connected."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, bindparam, select, update

from connectors.contract import Account, Role
from connectors.records import Kind
from receivables.problem import Problem
from runtime.store import journal
from runtime.store import tables as t
from runtime.store.rows import upsert

CONNECTED = "connected"
BROKEN = "broken"
DISCONNECTED = "disconnected"
CONNECTION_LOST = "connection_lost"

# Asked at every turn, so built once.
_ORGANISATION = select(t.organisation).where(t.organisation.c.id == bindparam("organisation_id"))
_ORGANISATIONS = select(t.organisation).order_by(t.organisation.c.id)
_ZONE = select(t.organisation.c.time_zone).where(t.organisation.c.id == bindparam("organisation_id"))
_LOCK = select(t.organisation.c.id).where(t.organisation.c.id == bindparam("organisation_id")).with_for_update()
_CONNECTIONS = select(t.connection).where(t.connection.c.organisation_id == bindparam("organisation_id"))
_FOR_ROLE = _CONNECTIONS.where(t.connection.c.role == bindparam("role"), t.connection.c.status == CONNECTED)
_FOR_ACCOUNT = select(t.connection).where(
    t.connection.c.system == bindparam("system"),
    t.connection.c.account == bindparam("account"),
    t.connection.c.status != DISCONNECTED,
)
_WATERMARK = select(t.watermark.c.since).where(
    t.watermark.c.connection_id == bindparam("connection_id"), t.watermark.c.kind == bindparam("kind")
)
_WATERMARKS = select(t.watermark.c.kind, t.watermark.c.since).where(
    t.watermark.c.connection_id == bindparam("connection_id")
)


@dataclass(frozen=True, slots=True)
class Organisation:
    """A business whose receivables we look after."""

    id: str
    name: str
    base_currency: str
    time_zone: str
    country: str
    sending_on: bool
    thanks_since: datetime | None = None
    limit_key: str | None = field(default=None, repr=False)
    card_payments_on: bool = False
    transfers_on: bool = False
    pay_button_on: bool = False
    links_back_on: bool = False
    history_from: datetime | None = None
    answers_on: bool = False
    others_remind: bool | None = None
    charges_on: bool = False
    statements_on: bool = False
    payers_instalments: int = 0
    approvals_on: bool = False
    approvals_by_level: bool = False
    autopay_on: bool = False
    discounts_on: bool = False

    @property
    def asks_approval(self) -> bool:
        """Whether a person approves messages before they leave: each one, or those of some levels."""
        return self.approvals_on or self.approvals_by_level

    @property
    def zone(self) -> ZoneInfo:
        """Its time zone, which decides what day it is there."""
        return ZoneInfo(self.time_zone)


@dataclass(frozen=True, slots=True)
class VendorConnection:
    """An account at a vendor that belongs to an organisation."""

    id: str
    organisation_id: str
    system: str
    role: Role
    account: Account
    consent_id: str
    status: str


def organisations(db: Connection) -> list[Organisation]:
    """Return every organisation, in a stable order."""
    return [_organisation(row) for row in db.execute(_ORGANISATIONS)]


def organisation(db: Connection, organisation_id: str) -> Organisation | None:
    """Return one organisation, None when there is none of this id."""
    row = db.execute(_ORGANISATION, {"organisation_id": organisation_id}).first()
    return _organisation(row) if row else None


def zone_of(db: Connection, organisation_id: str) -> ZoneInfo:
    """Return the time zone of an organisation: money that comes and goes has the date that it is there."""
    return ZoneInfo(db.execute(_ZONE, {"organisation_id": organisation_id}).scalar_one())


def lock_organisation(db: Connection, organisation_id: str) -> None:
    """Let one unit of work at a time decide about an organisation's money (SQLite has one writer anyway)."""
    if db.dialect.name != "sqlite":
        db.execute(_LOCK, {"organisation_id": organisation_id})


def connections(db: Connection, organisation_id: str) -> list[VendorConnection]:
    """Return an organisation's connections, also broken ones."""
    return [_connection(row) for row in db.execute(_CONNECTIONS, {"organisation_id": organisation_id})]


def connection_for_role(db: Connection, organisation_id: str, role: Role) -> VendorConnection | None:
    """Return the connection that serves `role`, None when there is none that works."""
    row = db.execute(_FOR_ROLE, {"organisation_id": organisation_id, "role": role.value}).first()
    return _connection(row) if row else None


def connection_for_account(db: Connection, system: str, account: str) -> VendorConnection | None:
    """Return the connection that an account belongs to; unknown or disconnected, it is nobody's, never guessed."""
    row = db.execute(_FOR_ACCOUNT, {"system": system, "account": account}).first()
    return _connection(row) if row else None


def lose(db: Connection, connection: VendorConnection, why: str, at: datetime) -> None:
    """Note that the vendor no longer lets us in: a person must connect again, and is told so.

    A consent that was given meanwhile is another one: it is not lost.
    """
    mine = (t.connection.c.id == connection.id) & (t.connection.c.consent_id == connection.consent_id)
    standing = mine & (t.connection.c.status == CONNECTED)
    if not db.execute(update(t.connection).where(standing).values(status=BROKEN)).rowcount:
        return
    text = f"The connection to {connection.account.name} ({connection.system}) is lost: {why}"
    problem = Problem(CONNECTION_LOST, text, "Connect it again on the connections page.", connection.id)
    journal.raise_problem(db, organisation_id=connection.organisation_id, problem=problem, at=at)


def regain(db: Connection, connection: VendorConnection, at: datetime) -> None:
    """Note that nothing is to be done about a connection that was lost."""
    journal.resolve_problem(
        db, organisation_id=connection.organisation_id, code=CONNECTION_LOST, subject=connection.id, at=at
    )


def of_consent(db: Connection, consent_id: str) -> list[VendorConnection]:
    """Return the connections that share a consent and were not ended."""
    rows = db.execute(
        select(t.connection).where(t.connection.c.consent_id == consent_id, t.connection.c.status != DISCONNECTED)
    )
    return [_connection(row) for row in rows]


def watermark(db: Connection, connection_id: str, kind: Kind) -> datetime | None:
    """Return up to when changes of `kind` were read; None before the first load."""
    return db.execute(_WATERMARK, {"connection_id": connection_id, "kind": kind.value}).scalar()


def watermarks(db: Connection, connection_id: str) -> dict[str, datetime]:
    """Return up to when changes of each kind, by its name, were read; a kind that was never read is left out."""
    return {row.kind: row.since for row in db.execute(_WATERMARKS, {"connection_id": connection_id})}


def set_watermark(db: Connection, connection_id: str, kind: Kind, since: datetime) -> None:
    """Remember up to when changes were read, in the unit of work that stored them."""
    row = {"connection_id": connection_id, "kind": kind.value, "since": since}
    upsert(db, t.watermark, [row], keys=["connection_id", "kind"])


def _organisation(row: Row[tuple[object, ...]]) -> Organisation:
    r = row._mapping
    return Organisation(
        id=r["id"],
        name=r["name"],
        base_currency=r["base_currency"],
        time_zone=r["time_zone"],
        country=r["country"],
        sending_on=r["sending_on"],
        thanks_since=r["thanks_since"],
        limit_key=r["limit_key"],
        card_payments_on=r["card_payments_on"],
        transfers_on=r["transfers_on"],
        pay_button_on=r["pay_button_on"],
        links_back_on=r["links_back_on"],
        history_from=r["history_from"],
        answers_on=r["answers_on"],
        others_remind=r["others_remind"],
        charges_on=r["charges_on"],
        statements_on=r["statements_on"],
        payers_instalments=r["payers_instalments"],
        approvals_on=r["approvals_on"],
        approvals_by_level=r["approvals_by_level"],
        autopay_on=r["autopay_on"],
        discounts_on=r["discounts_on"],
    )


def _connection(row: Row[tuple[object, ...]]) -> VendorConnection:
    r = row._mapping
    return VendorConnection(
        id=r["id"],
        organisation_id=r["organisation_id"],
        system=r["system"],
        role=Role(r["role"]),
        account=Account(r["account"], r["account_name"], r["instance_url"]),
        consent_id=r["consent_id"],
        status=r["status"],
    )
