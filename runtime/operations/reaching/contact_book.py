"""Where customers are reached beside e-mail: what people noted, else what the ledger tells, else what the CRM does."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select, union

from connectors import registry
from connectors.contract import Role
from receivables.address import PostalAddress
from reminders.contact import basis_of_told
from reminders.evidence import Channel, LawfulBasis
from runtime.store import tables as t
from runtime.store.rows import chunks

MAX_SPOKEN_CHARACTERS = 320  # of a letter's address on one line; `reminder.recipient` has no room for more

_POINTS = [
    select(table).where(
        table.c.organisation_id == bindparam("organisation_id"),
        table.c.customer_id.in_(bindparam("customer_ids", expanding=True)),
    )
    for table in (t.contact_point, t.told_contact)
]


@dataclass(frozen=True, slots=True)
class Point:
    """Where a customer is reached by a channel, why we may, and who says so.

    `address` is a telephone number in E.164, or a `PostalAddress` as text. `told_by` is the system that tells of it,
    None where a person noted it.
    """

    channel: Channel
    address: str
    basis: LawfulBasis | None
    evidence: str
    by: str
    at: datetime
    told_by: str | None = None

    @property
    def postal(self) -> PostalAddress | None:
        """Where letters go, None of another channel."""
        return PostalAddress.from_text(self.address) if self.channel is Channel.LETTER else None

    def spoken(self, home: str) -> str:
        """The address on one line, without the country where it is `home`."""
        postal = self.postal
        return ", ".join(postal.lines(home=home))[:MAX_SPOKEN_CHARACTERS] if postal else self.address


Points = Mapping[tuple[str, Channel], Point]


def contact_points(db: Connection, organisation_id: str, customer_ids: Collection[str]) -> Points:
    """Return where these customers are reached, by customer and channel."""
    found: dict[tuple[str, Channel], Point] = {}
    for chunk in chunks(sorted(customer_ids)):
        noted, told = (_rows(db, statement, organisation_id, chunk) for statement in _POINTS)
        found |= _told(told) | _noted(noted)
    return found


def contact_point(db: Connection, organisation_id: str, customer_id: str, channel: Channel) -> Point | None:
    """Return where a customer is reached by `channel`, None where nobody says."""
    return contact_points(db, organisation_id, [customer_id]).get((customer_id, channel))


def texted_at(db: Connection, organisation_id: str, number: str) -> list[str]:
    """Return the customers whose texts go to this telephone."""
    asked = [
        select(of.customer_id).where(
            of.organisation_id == organisation_id, of.channel == Channel.SMS.value, of.address == number
        )
        for of in (t.contact_point.c, t.told_contact.c)
    ]
    points = contact_points(db, organisation_id, set(db.scalars(union(*asked))))
    return sorted(
        customer for (customer, channel), point in points.items() if (channel, point.address) == (Channel.SMS, number)
    )


def _rows(
    db: Connection, statement: Select[Any], organisation_id: str, customer_ids: Collection[str]
) -> list[Mapping[str, Any]]:
    theirs = {"organisation_id": organisation_id, "customer_ids": list(customer_ids)}
    return [dict(row) for row in db.execute(statement, theirs).mappings()]


def _told(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, Channel], Point]:
    found: dict[tuple[str, Channel], Point] = {}
    usable = [row for row in rows if row["address"]]
    # The ledger's word comes last, and counts.
    for row in sorted(usable, key=lambda each: registry.declaration(each["system"]).role is Role.LEDGER):
        declaration, channel = registry.declaration(row["system"]), Channel(row["channel"])
        found[row["customer_id"], channel] = Point(
            channel=channel,
            address=row["address"],
            basis=basis_of_told(channel),
            evidence="",
            by=declaration.title,
            at=row["told_at"],
            told_by=declaration.system,
        )
    return found


def _noted(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, Channel], Point]:
    return {
        (row["customer_id"], Channel(row["channel"])): Point(
            channel=Channel(row["channel"]),
            address=row["address"],
            basis=LawfulBasis(row["basis"]) if row["basis"] else None,
            evidence=row["evidence"],
            by=row["noted_by"],
            at=row["noted_at"],
        )
        for row in rows
    }
