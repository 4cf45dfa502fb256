"""A person pauses reminders of invoices up to a day, and lets them go on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Select, bindparam, select

from reminders.evidence import FlagCode
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.matching.open_items import OpenDocument
from runtime.operations.payers.payers_word import follow
from runtime.operations.reminding.standing_holds import place_hold, release_hold
from runtime.store import connections
from runtime.store import tables as t
from runtime.store.rows import among, among_given, chunks

MAX_DAYS = 90  # a longer pause is a decision about the customer: their policy, or a dispute
PAUSED = FlagCode.PAUSED.value
LATER_COUNTS = "a later instruction counts"


def pause(
    db: Connection,
    organisation_id: str,
    invoices: Sequence[OpenDocument],
    *,
    until: date | None,
    reason: str,
    actor: str,
    asked_at: datetime,
    at: datetime,
) -> None:
    """Hold reminders of these invoices through the day `until`, at most MAX_DAYS from today.

    The caller has locked the organisation. InputError for another day; RefusedError when something about one of
    them was asked for after `asked_at`.
    """
    zone = connections.zone_of(db, organisation_id)
    today = at.astimezone(zone).date()
    if until is None or not today <= until <= today + timedelta(days=MAX_DAYS):
        raise InputError(f"the last day of a pause is between today and {MAX_DAYS} days from now")
    ids = [invoice.document.document_id for invoice in invoices]
    _require_latest(db, organisation_id, ids, asked_at)
    for invoice in invoices:
        place_hold(
            db,
            organisation_id=organisation_id,
            document_id=invoice.document.document_id,
            code=PAUSED,
            reason=f"paused through {until}" + (f": {reason}" if reason else ""),
            placed_by=actor,
            at=asked_at,
            until=_end_of(until, zone),
        )
        follow(
            db,
            organisation_id=organisation_id,
            document_id=invoice.document.document_id,
            actor=actor,
            action="paused",
            detail=f"reminders of {invoice.document.number} are paused through {until}",
            at=at,
        )


def resume(
    db: Connection,
    organisation_id: str,
    invoices: Sequence[OpenDocument],
    *,
    actor: str,
    asked_at: datetime,
    at: datetime,
) -> int:
    """End the pauses of these invoices; returns how many were paused.

    The caller has locked the organisation. RefusedError when something about one of them was asked for after
    `asked_at`.
    """
    ids = [invoice.document.document_id for invoice in invoices]
    _require_latest(db, organisation_id, ids, asked_at)
    paused = paused_until(db, organisation_id, ids, at)
    for invoice in invoices:
        if invoice.document.document_id in paused:
            release_hold(db, organisation_id, invoice.document.document_id, PAUSED, asked_at)
            follow(
                db,
                organisation_id=organisation_id,
                document_id=invoice.document.document_id,
                actor=actor,
                action="resumed",
                detail=f"reminders of {invoice.document.number} go on",
                at=at,
            )
    return len(paused)


def paused_until(db: Connection, organisation_id: str, document_ids: Collection[str], at: datetime) -> dict[str, date]:
    """Return the last day of each pause that stands, by document."""
    which = {"organisation_id": organisation_id, "at": at}
    paused = [
        row
        for chunk in chunks(sorted(document_ids))
        for row in db.execute(_paused(db.dialect.name), which | {"document_ids": list(chunk)})
    ]
    if not paused:
        return {}
    zone = connections.zone_of(db, organisation_id)
    return {row.document_id: (row.until.astimezone(zone) - timedelta(seconds=1)).date() for row in paused}


@cache
def _paused(dialect: str) -> Select[Any]:
    hold = t.hold.c
    return select(hold.document_id, hold.until).where(
        hold.organisation_id == bindparam("organisation_id"),
        hold.code == PAUSED,
        hold.released_at.is_(None),
        hold.until > bindparam("at"),
        among_given(dialect, hold.document_id, "document_ids"),
    )


def _require_latest(db: Connection, organisation_id: str, document_ids: Sequence[str], asked_at: datetime) -> None:
    """RefusedError when a pause was begun or ended after `asked_at`: instructions may be read in any order."""
    hold = t.hold.c
    for chunk in chunks(document_ids):
        later = db.execute(
            select(hold.document_id).where(
                hold.organisation_id == organisation_id,
                hold.code == PAUSED,
                among(db, hold.document_id, chunk),
                (hold.placed_at > asked_at) | (hold.released_at > asked_at),
            )
        ).first()
        if later is not None:
            raise RefusedError(LATER_COUNTS)


def _end_of(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), zone)
