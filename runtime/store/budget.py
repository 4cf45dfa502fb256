"""Calls to vendors counted in the database: every thread and process takes from the same budget."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy import bindparam, select, update

from connectors.limits import CallBook, Limit
from runtime.store import tables as t
from runtime.store.engine import Store
from runtime.store.rows import insert_new

_BOOK = TypeAdapter(CallBook)
_KEYS = ("system", "account")
_MINE = (t.call_book.c.system == bindparam("the_system")) & (t.call_book.c.account == bindparam("the_account"))
# Said for each call to a vendor, so built once.
_READ = select(t.call_book.c.book).where(_MINE).with_for_update()
_WRITE = update(t.call_book).where(_MINE)


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
        with self._book() as book:
            return book.begin(self._limits, self._now(), urgent=urgent, of=of, concurrent=self._concurrent)

    def end(self, token: str) -> None:
        """Note that a call is over."""
        if token:
            with self._book() as book:
                book.end(token)

    def hold_off(self, seconds: float) -> None:
        """Let no call begin for `seconds`; an earlier, longer wait stands."""
        with self._book() as book:
            book.hold_off(seconds, self._now())

    def heed(self, left: Mapping[float, int]) -> None:
        """Note the vendor's word; see CallLog."""
        with self._book() as book:
            book.heed(left, self._now())

    def _now(self) -> float:
        return self._clock().timestamp()

    @contextmanager
    def _book(self) -> Iterator[CallBook]:
        """Let one worker at a time read and write what is known; what it changes is kept."""
        with self._store.write() as db:
            text = db.scalar(_READ, self._mine)
            if text is None:
                insert_new(db, t.call_book, [self._names | {"book": "{}"}], keys=_KEYS)
                text = db.scalar(_READ, self._mine)
            book = _BOOK.validate_json(text or "{}")
            yield book
            db.execute(_WRITE, self._mine | {"book": _BOOK.dump_json(book).decode()})
