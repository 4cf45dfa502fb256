"""A store whose commits can fail: the process dies before or after one, or is told nothing certain about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from runtime.simulation.faults import Faults
from runtime.store.engine import Store


class Crash(BaseException):
    """The process is gone: nothing may catch it but the simulation, which starts another."""


class MortalStore(Store):
    """The real store, in a process that may die at any commit."""

    def __init__(self, url: str, faults: Faults) -> None:
        super().__init__(url)
        self._faults = faults
        self.refuses_next = False  # whether the next unit of work is refused at its commit

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Run one unit of work; see Store.write."""
        with super().write() as db:
            yield db
            if self._faults.strikes("crash_before_commit"):
                raise Crash
            if self.refuses_next or self._faults.strikes("commit_refused"):
                self.refuses_next = False
                raise _operational("database is locked")
        if self._faults.strikes("crash_after_commit"):
            raise Crash
        if self._faults.strikes("commit_unknown"):
            raise _operational("server closed the connection unexpectedly")


def _operational(why: str) -> OperationalError:
    return OperationalError("COMMIT", None, Exception(why))
