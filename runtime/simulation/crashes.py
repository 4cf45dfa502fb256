"""A store whose units of work can fail: the process dies at a commit, or the database is busy, full or away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from runtime.simulation.faults import Faults
from runtime.store.engine import Store

# How many units of work in a row the database refuses while it is away, or its disk is full.
AWAY_FOR, FULL_FOR = (5, 60), (2, 12)


class Crash(BaseException):
    """The process is gone: nothing may catch it but the simulation, which starts another."""


class MortalStore(Store):
    """The real store, in a process that may die at any commit, on a database that may refuse."""

    def __init__(self, url: str, faults: Faults) -> None:
        super().__init__(url)
        self._faults = faults
        self._away, self._full = 0, 0
        self.refuses_next = False  # whether the next unit of work is refused at its commit

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Run one unit of work; see Store.write."""
        self._open_unit()
        with super().write() as db:
            yield db
            self._end_unit()
        if self._faults.strikes("crash_after_commit"):
            raise Crash
        if self._faults.strikes("commit_unknown"):
            raise _operational("server closed the connection unexpectedly")

    def recover(self) -> None:
        """Be there again, with room on the disk, and refuse nothing."""
        self._away, self._full, self.refuses_next = 0, 0, False

    def _open_unit(self) -> None:
        faults = self._faults
        if faults.strikes("store_down"):
            self._away = faults.draw().randint(*AWAY_FOR)
        if self._away:
            self._away -= 1
            raise _operational("connection refused")
        if faults.strikes("store_busy"):
            raise _operational("database is locked")

    def _end_unit(self) -> None:
        faults = self._faults
        if faults.strikes("crash_before_commit"):
            raise Crash
        if self.refuses_next or faults.strikes("commit_refused"):
            self.refuses_next = False
            raise _operational("database is locked")
        if faults.strikes("deadlock"):
            raise _operational("deadlock detected")
        if faults.strikes("disk_full"):
            self._full = faults.draw().randint(*FULL_FOR)
        if self._full:
            self._full -= 1
            raise _operational("database or disk is full")


def _operational(why: str) -> OperationalError:
    return OperationalError("COMMIT", None, Exception(why))
