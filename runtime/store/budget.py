"""Calls to vendors counted in the database: every thread and process takes from the same budget."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Table, bindparam, delete, insert, select, update
from sqlalchemy.sql import ColumnElement

from connectors.limits import BELIEVED_SECONDS, BUSY_SECONDS, Counts, Limit, Told, seconds_to_wait
from runtime.store import tables as t
from runtime.store.engine import Store
from runtime.store.rows import insert_new, upsert

# A call whose process died is over by then: above the time-out of a call (connectors/contract.py).
FORGOTTEN_AFTER = timedelta(seconds=60)
NO_WAIT = datetime.min.replace(tzinfo=UTC)
_NO_COUNTS: Counts = {}
_ACCOUNT = ("system", "account")
_SLICE = (*_ACCOUNT, "window_seconds", "of", "slice")


def _of_account(table: Table) -> ColumnElement[bool]:
    mine: ColumnElement[bool] = table.c.system == bindparam("the_system")
    return mine & (table.c.account == bindparam("the_account"))


# Said for each call to a vendor, so built once.
_HELD = select(t.call_hold.c.held_until).where(_of_account(t.call_hold)).with_for_update()
_HOLD_OFF = update(t.call_hold).where(_of_account(t.call_hold))
_COUNTS = select(t.call_count).where(_of_account(t.call_count))
_FORGET_COUNTS = delete(t.call_count).where(
    _of_account(t.call_count),
    t.call_count.c.window_seconds == bindparam("the_window"),
    t.call_count.c.of == bindparam("the_kind"),
    t.call_count.c.slice < bindparam("oldest"),
)
_TOLD = select(t.call_told).where(_of_account(t.call_told))
_ONE_LESS = (
    update(t.call_told)
    .where(_of_account(t.call_told), t.call_told.c.window_seconds == bindparam("the_window"))
    .values(remaining=t.call_told.c.remaining - 1)
)
_ON_THEIR_WAY = select(t.call_on_its_way.c.token, t.call_on_its_way.c.until).where(_of_account(t.call_on_its_way))
_BEGUN = insert(t.call_on_its_way)
_OVER = delete(t.call_on_its_way).where(t.call_on_its_way.c.token == bindparam("the_token"))


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
        self._mine = {"the_system": system, "the_account": account}
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
            self._count_told(db, [int(limit.seconds) for limit in binding if int(limit.seconds) in told])
            return self._note_begun(db, now)

    def end(self, token: str) -> None:
        """Note that a call is over."""
        if token:
            with self._store.write() as db:
                db.execute(_OVER, {"the_token": token})

    def hold_off(self, seconds: float) -> None:
        """Let no call begin for `seconds`; an earlier, longer wait stands."""
        with self._store.write() as db:
            until = max(self._lock(db), self._clock() + timedelta(seconds=seconds))
            db.execute(_HOLD_OFF, self._mine | {"held_until": until})

    def heed(self, seconds: float, remaining: int) -> None:
        """Note the vendor's word about the limit over `seconds`."""
        until = self._clock() + timedelta(seconds=min(seconds, BELIEVED_SECONDS))
        row = self._names | {"window_seconds": int(seconds), "remaining": remaining, "until": until}
        with self._store.write() as db:
            upsert(db, t.call_told, [row], keys=[*_ACCOUNT, "window_seconds"])

    def _lock(self, db: Connection) -> datetime:
        """Let nobody else count for this account until the unit of work ends; return until when it holds off."""
        until = db.scalar(_HELD, self._mine)
        if until is None:
            insert_new(db, t.call_hold, [self._names | {"held_until": NO_WAIT}], keys=_ACCOUNT)
            until = db.scalar(_HELD, self._mine)
        return until or NO_WAIT

    def _counts(self, db: Connection) -> dict[tuple[int, str], dict[int, int]]:
        counts: defaultdict[tuple[int, str], dict[int, int]] = defaultdict(dict)
        for row in db.execute(_COUNTS, self._mine):
            counts[row.window_seconds, row.of][row.slice] = row.calls
        return counts

    def _told(self, db: Connection) -> dict[int, Told]:
        rows = db.execute(_TOLD, self._mine)
        return {row.window_seconds: Told(row.remaining, row.until.timestamp()) for row in rows}

    def _on_their_way(self, db: Connection, now: datetime) -> int:
        begun = db.execute(_ON_THEIR_WAY, self._mine).all()
        forgotten = [{"the_token": row.token} for row in begun if row.until <= now]
        if forgotten:
            db.execute(_OVER, forgotten)
        return len(begun) - len(forgotten)

    def _count(
        self, db: Connection, binding: Sequence[Limit], counts: Mapping[tuple[int, str], Counts], now: float
    ) -> None:
        rows, left = [], []
        for limit in binding:
            here, (window, of) = limit.slice_at(now), _key(limit)
            known, oldest = counts.get((window, of), _NO_COUNTS), limit.oldest(now)
            if any(slice_ < oldest for slice_ in known):  # those that left the window go
                left.append(self._mine | {"the_window": window, "the_kind": of, "oldest": oldest})
            row = self._names | {"window_seconds": window, "of": of, "slice": here}
            rows.append(row | {"calls": known.get(here, 0) + 1})
        if left:
            db.execute(_FORGET_COUNTS, left)
        upsert(db, t.call_count, rows, keys=_SLICE)

    def _count_told(self, db: Connection, windows: Sequence[int]) -> None:
        if windows:
            db.execute(_ONE_LESS, [self._mine | {"the_window": window} for window in set(windows)])

    def _note_begun(self, db: Connection, now: datetime) -> str:
        if self._concurrent is None:
            return ""
        token = secrets.token_hex(16)
        db.execute(_BEGUN, self._names | {"token": token, "until": now + FORGOTTEN_AFTER})
        return token


def _key(limit: Limit) -> tuple[int, str]:
    return int(limit.seconds), limit.of
