"""The audit trail of an organisation: who did what, when and about what, the newest first."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from receivables.document import DocumentKind
from runtime.operations.errors import InputError, RefusedError
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.rows import chunks

PAGE_ROWS = 50
MAX_COUNTED = 10_000  # lines that a page counts and turns through: fewer days narrow them
MAX_PAGE = MAX_COUNTED // PAGE_ROWS
MAX_TAKEN = 50_000  # lines of one file
MAX_ACTOR_CHARS = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """Which lines: by whom (a part of the name), what, and from and through which day of the organisation's."""

    who: str = ""
    what: str = ""
    since: date | None = None
    until: date | None = None

    def __post_init__(self) -> None:
        if self.since is not None and self.until is not None and self.until < self.since:
            raise InputError("the last day is before the first: choose a later one")


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One line. `about` is the number of an invoice or the name of a customer, where it is about one of them."""

    at: datetime
    actor: str
    action: str
    detail: str
    subject: str
    about: str
    is_invoice: bool
    is_customer: bool


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """One page of PAGE_ROWS lines, counted from 1, of `count` in all; not `is_whole`, there are more."""

    rows: tuple[HistoryRow, ...]
    count: int
    page: int
    is_whole: bool

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.count // PAGE_ROWS))


def history(db: Connection, organisation: Organisation, asked: Asked, *, page: int = 1) -> HistoryPage:
    """Return a page of the audit trail."""
    statement = _asked(organisation, asked)
    counted = statement.with_only_columns(t.event.c.id).order_by(None).limit(MAX_COUNTED + 1)
    count = db.scalar(select(func.count()).select_from(counted.subquery())) or 0
    rows = db.execute(statement.limit(PAGE_ROWS).offset((page - 1) * PAGE_ROWS)).all()
    return HistoryPage(_rows(db, organisation.id, rows), min(count, MAX_COUNTED), page, count <= MAX_COUNTED)


def whole_history(db: Connection, organisation: Organisation, asked: Asked) -> tuple[HistoryRow, ...]:
    """Return every line that is asked for. RefusedError where there are more than MAX_TAKEN, so that none is missed."""
    rows = db.execute(_asked(organisation, asked).limit(MAX_TAKEN + 1)).all()
    if len(rows) > MAX_TAKEN:
        raise RefusedError(f"this is more than {MAX_TAKEN:,} lines: choose fewer days, and take them in parts")
    return _rows(db, organisation.id, rows)


def _asked(organisation: Organisation, asked: Asked) -> Select[tuple[object, ...]]:
    event = t.event.c
    wanted: list[ColumnElement[bool]] = [event.organisation_id == organisation.id]
    if asked.who:
        wanted.append(event.actor.icontains(asked.who, autoescape=True))
    if asked.what:
        wanted.append(event.action == asked.what)
    if asked.since is not None:
        wanted.append(event.at >= _start(asked.since, organisation.zone))
    if asked.until is not None:
        wanted.append(event.at < _start(asked.until + timedelta(days=1), organisation.zone))
    return select(t.event).where(*wanted).order_by(event.at.desc(), event.id.desc())


def _start(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _rows(db: Connection, organisation_id: str, rows: Sequence[Row[tuple[object, ...]]]) -> tuple[HistoryRow, ...]:
    subjects = {row.subject for row in rows}
    numbers = _numbers(db, organisation_id, subjects)
    names = _names(db, organisation_id, subjects - numbers.keys())
    return tuple(
        HistoryRow(
            at=row.at,
            actor=row.actor,
            action=row.action,
            detail=row.detail,
            subject=row.subject,
            about=numbers.get(row.subject) or names.get(row.subject) or "",
            is_invoice=row.subject in numbers,
            is_customer=row.subject in names,
        )
        for row in rows
    )


def _numbers(db: Connection, organisation_id: str, ids: Collection[str]) -> dict[str, str]:
    document = t.document.c
    invoices = (document.organisation_id == organisation_id) & (document.kind == DocumentKind.INVOICE.value)
    return {
        row.id: row.number
        for chunk in chunks(sorted(ids))
        for row in db.execute(select(document.id, document.number).where(invoices, document.id.in_(chunk)))
    }


def _names(db: Connection, organisation_id: str, ids: Collection[str]) -> dict[str, str]:
    customer = t.customer.c
    mine = customer.organisation_id == organisation_id
    return {
        row.id: row.name
        for chunk in chunks(sorted(ids))
        for row in db.execute(select(customer.id, customer.name).where(mine, customer.id.in_(chunk)))
    }
