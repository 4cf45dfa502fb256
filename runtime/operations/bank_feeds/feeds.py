"""The bank feeds of an organisation as they are kept, and which days of an account they answer for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Row, bindparam, select

from receivables.money import Money
from receivables.statement import StatementFile
from runtime.operations.errors import InputError
from runtime.store import connections
from runtime.store import tables as t

_FEEDS = (
    select(t.bank_feed)
    .where(
        t.bank_feed.c.organisation_id == bindparam("organisation_id"),
        t.bank_feed.c.state.in_(bindparam("states", expanding=True)),
    )
    .order_by(t.bank_feed.c.begun_at, t.bank_feed.c.id)
)


class FeedState(StrEnum):
    """How far a feed is: its page was opened, its first lines wait for a person, it is on, it is over."""

    BEGUN = "begun"
    SHOWN = "shown"
    ON = "on"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line as the bank's feed tells it, before anybody said whether a positive amount is money in."""

    on: date
    amount: Money
    text: str


@dataclass(frozen=True, slots=True)
class Feed:
    """A bank feed of an organisation.

    `sign` is 1 where the system tells money in as positive and -1 where as negative, None before a person has said so.
    Lines count from the day `counts_from` on; `told` are the receipts of statements that lines of those days were met
    by. `reading` is the last reading of the bank that was taken in, and
    `caught_up_at` when that was begun.
    """

    id: str
    organisation_id: str
    system: str
    account: str
    state: FeedState
    ledger_account: str
    page_external_id: str
    page_expires_at: datetime
    external_id: str
    name: str
    ending: str
    currency: str
    first_lines: tuple[ShownLine, ...]
    sign: int | None
    counts_from: date | None
    told: tuple[str, ...]
    reading: str | None
    caught_up_at: datetime | None

    @property
    def called(self) -> str:
        """The account as people know it."""
        return f"{self.name} ending {self.ending}" if self.ending else self.name


def feeds(db: Connection, organisation_id: str, *states: FeedState) -> list[Feed]:
    """Return the feeds of an organisation in these states, the oldest first."""
    wanted = {"organisation_id": organisation_id, "states": [state.value for state in states]}
    return [_feed(row) for row in db.execute(_FEEDS, wanted)]


def is_feed(organisation_id: str, feed_id: str) -> ColumnElement[bool]:
    """Whether a row is that feed of that organisation."""
    return (t.bank_feed.c.organisation_id == organisation_id) & (t.bank_feed.c.id == feed_id)


def feed_of(db: Connection, organisation_id: str, feed_id: str) -> Feed | None:
    """Return one feed of an organisation."""
    row = db.execute(select(t.bank_feed).where(is_feed(organisation_id, feed_id))).first()
    return None if row is None else _feed(row)


def refuse_what_is_fed(db: Connection, organisation_id: str, file: StatementFile) -> None:
    """Refuse a file with lines that a feed has told already, or will: they would count twice.

    Whether a file is of the fed account only its ledger account says; one that proves another account is let pass.
    InputError names the day, and what to do.
    """
    fed = [each for each in feeds(db, organisation_id, FeedState.ON, FeedState.ENDED) if each.counts_from is not None]
    if not fed:
        return
    zone = connections.zone_of(db, organisation_id)
    for statement in file.statements:
        days = [day for entry in statement.entries if (day := entry.booked_on or entry.value_on) is not None]
        theirs = _ledger_account(db, organisation_id, statement.account, statement.currency)
        for feed in fed:
            told = [day for day in days if _answers_for(feed, day, zone)]
            if told and theirs in (None, feed.ledger_account) and statement.currency in (None, feed.currency):
                raise InputError(
                    f"{file.file}: the lines of {min(told)} to {max(told)} may be those of {feed.called}, whose feed "
                    "tells them already. Say in the settings which bank account of the ledger this file proves, or "
                    "leave those days out."
                )


def _answers_for(feed: Feed, day: date, zone: ZoneInfo) -> bool:
    """Whether the lines of a day come, or came, by this feed."""
    if feed.counts_from is None or day < feed.counts_from:
        return False
    if feed.state is FeedState.ON:
        return True
    return feed.caught_up_at is not None and day <= feed.caught_up_at.astimezone(zone).date()


def _ledger_account(db: Connection, organisation_id: str, account: str | None, currency: str | None) -> str | None:
    bank = t.bank_account.c
    mine = (bank.organisation_id == organisation_id) & (bank.identification == account) & (bank.currency == currency)
    return db.scalar(select(bank.ledger_account).where(mine))


def caught_up(db: Connection, organisation_id: str) -> dict[str, datetime | None]:
    """Return when each feed that is on last caught up, by what a bank account's declaration calls it."""
    return {each.external_id: each.caught_up_at for each in feeds(db, organisation_id, FeedState.ON)}


def as_kept(lines: Collection[ShownLine]) -> list[dict[str, Any]]:
    """Turn first lines into what the row keeps."""
    return [
        {"on": each.on.isoformat(), "minor": each.amount.minor, "currency": each.amount.currency, "text": each.text}
        for each in lines
    ]


def _feed(row: Row[Any]) -> Feed:
    shown = tuple(
        ShownLine(date.fromisoformat(each["on"]), Money(each["minor"], each["currency"]), each["text"])
        for each in row.first_lines
    )
    kept = {name: value for name, value in row._mapping.items() if name in Feed.__slots__}
    return Feed(**kept | {"state": FeedState(row.state), "first_lines": shown, "told": tuple(row.told)})
