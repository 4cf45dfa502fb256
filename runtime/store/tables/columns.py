"""What all tables are made of: their metadata, ids, instants, money."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
)

ID_LENGTH = 64
Id = String(ID_LENGTH)
# SQLite numbers rows by itself only in a column declared INTEGER.
RowNumber = BigInteger().with_variant(Integer, "sqlite")


class Instant(TypeDecorator[datetime]):
    """An aware instant. SQLite keeps no zone, so UTC goes in and comes out; a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware instant into UTC; ValueError for a naive one."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant must have a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the instant back in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def their_text(length: int) -> String:
    """Text as long as vendors and banks make it: PostgreSQL would refuse a page for one name; SQLite never does."""
    return String(length).with_variant(Text(), "postgresql")


def organisation_id() -> Column[Any]:
    """Return the column that says whose a row is: every query names it."""
    return Column("organisation_id", Id, ForeignKey("organisation.id"), nullable=False)


def minor(name: str, *, nullable: bool = False) -> Column[Any]:
    """Return a column of money in minor units of the row's currency."""
    return Column(name, BigInteger, nullable=nullable)


def currency() -> Column[Any]:
    """Return the column of the ISO 4217 currency that the row's amounts are in."""
    return Column("currency", String(3), nullable=False)
