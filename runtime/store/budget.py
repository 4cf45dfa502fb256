"""Calls to vendors counted in the database: every thread and process takes from the same budget."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import SQLAlchemyError

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
_log = logging.getLogger(__name__)


class StoredCalls:
    """Counts the calls to one account of a vendor. `concurrent` is how many it takes at once; None: any number.

    No call begins that cannot be counted. What an answer tells is noted after it came: where the database cannot take
    that now, the answer is heard all the same. A place among the concurrent calls is free again after a minute; how
    long to wait is remembered here, and kept with the next call.
    """

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
        self._held_until = 0.0

    def begin(self, *, urgent: bool, of: str) -> str | float:
        """Count one call and return its token, or return the seconds until one may be made."""
        with self._book() as book:
            book.held_until = max(book.held_until, self._held_until)
            return book.begin(self._limits, self._now(), urgent=urgent, of=of, concurrent=self._concurrent)

    def end(self, token: str) -> None:
        """Note that a call is over."""
        if token:
            self._note(lambda book: book.end(token))

    def hold_off(self, seconds: float) -> None:
        """Let no call begin for `seconds`; an earlier, longer wait stands."""
        now = self._now()
        self._held_until = max(self._held_until, now + seconds)
        self._note(lambda book: book.hold_off(seconds, now))

    def heed(self, left: Mapping[float, int]) -> None:
        """Note the vendor's word; see CallLog."""
        now = self._now()
        self._note(lambda book: book.heed(left, now))

    def _note(self, change: Callable[[CallBook], None]) -> None:
        """Change what is known, if the database can take it."""
        try:
            with self._book() as book:
                change(book)
        except SQLAlchemyError as error:
            _log.warning("what %s told could not be kept: %s", self._names["system"], type(error).__name__)

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
