"""Calls to vendors counted in the database: every thread and process takes from the same budget."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Table, and_, delete, func, insert, select, update
from sqlalchemy.sql import ColumnElement

from connectors.limits import BELIEVED_SECONDS, BUSY_SECONDS, Counts, Limit, Told, seconds_to_wait
from runtime.store import tables as t
from runtime.store.engine import Store
from runtime.store.rows import insert_new, upsert

# A call whose process died is over by then: above the time-out of a call (connectors/contract.py).
FORGOTTEN_AFTER = timedelta(seconds=60)
NO_WAIT = datetime.min.replace(tzinfo=UTC)
_NO_COUNTS: Counts = {}


class StoredCalls:
    """Counts the calls to one account of a vendor. `concurrent` is how many it takes at once; None: any number."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], datetime],
        *,
        system: str,
        account: str,
        limits: tuple[Limit, ...],
        concurrent: int | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._names = {"system": system, "account": account}
        self._limits = limits
        self._concurrent = concurrent

    def begin(self, *, urgent: bool, of: str) -> str | float:
        """Count one call and return its token, or return the seconds until one may be made."""
        binding = [limit for limit in self._limits if limit.binds(of)]
        with self._store.write() as db:
            held_until = self._lock(db)
            now = self._clock()
            counts, told = self._counts(db), self._told(db)
            known = [(limit, counts.get(_key(limit), _NO_COUNTS), told.get(int(limit.seconds))) for limit in binding]
            held_for = (held_until - now).total_seconds()
            wait = seconds_to_wait(held_for, known, now.timestamp(), urgent=urgent)
            if wait > 0:
                return wait
            if self._concurrent is not None and self._on_their_way(db, now) >= self._concurrent:
                return BUSY_SECONDS
            self._count(db, binding, counts, now.timestamp())
            return self._note_begun(db, now)

    def end(self, token: str) -> None:
        """Note that a call is over."""
        if token:
            with self._store.write() as db:
                db.execute(delete(t.call_on_its_way).where(t.call_on_its_way.c.token == token))

    def hold_off(self, seconds: float) -> None:
        """Let no call begin for `seconds`; an earlier, longer wait stands."""
        with self._store.write() as db:
            until = max(self._lock(db), self._clock() + timedelta(seconds=seconds))
            db.execute(update(t.call_hold).where(self._mine(t.call_hold)).values(held_until=until))

    def heed(self, seconds: float, remaining: int) -> None:
        """Note the vendor's word about the limit over `seconds`."""
        until = self._clock() + timedelta(seconds=min(seconds, BELIEVED_SECONDS))
        row = self._names | {"window_seconds": int(seconds), "remaining": remaining, "until": until}
        with self._store.write() as db:
            upsert(db, t.call_told, [row], keys=["system", "account", "window_seconds"])

    def _mine(self, table: Table) -> ColumnElement[bool]:
        return and_(*(table.c[name] == value for name, value in self._names.items()))

    def _lock(self, db: Connection) -> datetime:
        """Let nobody else count for this account until the unit of work ends; return until when it holds off."""
        held = select(t.call_hold.c.held_until).where(self._mine(t.call_hold)).with_for_update()
        until = db.scalar(held)
        if until is None:
            insert_new(db, t.call_hold, [self._names | {"held_until": NO_WAIT}], keys=["system", "account"])
            until = db.scalar(held)
        return until or NO_WAIT

    def _counts(self, db: Connection) -> dict[tuple[int, str], dict[int, int]]:
        counts: defaultdict[tuple[int, str], dict[int, int]] = defaultdict(dict)
        for row in db.execute(select(t.call_count).where(self._mine(t.call_count))):
            counts[row.window_seconds, row.of][row.slice] = row.calls
        return counts

    def _told(self, db: Connection) -> dict[int, Told]:
        rows = db.execute(select(t.call_told).where(self._mine(t.call_told)))
        return {row.window_seconds: Told(row.remaining, row.until.timestamp()) for row in rows}

    def _on_their_way(self, db: Connection, now: datetime) -> int:
        way = t.call_on_its_way
        db.execute(delete(way).where(self._mine(way), way.c.until <= now))
        return db.scalar(select(func.count()).where(self._mine(way))) or 0

    def _count(
        self, db: Connection, binding: list[Limit], counts: Mapping[tuple[int, str], Counts], now: float
    ) -> None:
        count = t.call_count
        for limit in binding:
            here, window, known = limit.slice_at(now), int(limit.seconds), counts.get(_key(limit), _NO_COUNTS)
            if here not in known:  # a new slice begins: those that left the window go
                is_old = (count.c.window_seconds == window) & (count.c.of == limit.of)
                db.execute(delete(count).where(self._mine(count), is_old, count.c.slice < limit.oldest(now)))
            row = self._names | {"window_seconds": window, "of": limit.of, "slice": here}
            upsert(db, count, [row | {"calls": known.get(here, 0) + 1}], keys=list(row))
        db.execute(
            update(t.call_told)
            .where(self._mine(t.call_told), t.call_told.c.window_seconds.in_([int(each.seconds) for each in binding]))
            .values(remaining=t.call_told.c.remaining - 1)
        )

    def _note_begun(self, db: Connection, now: datetime) -> str:
        if self._concurrent is None:
            return ""
        token = secrets.token_hex(16)
        db.execute(insert(t.call_on_its_way).values(token=token, until=now + FORGOTTEN_AFTER, **self._names))
        return token


def _key(limit: Limit) -> tuple[int, str]:
    return int(limit.seconds), limit.of
