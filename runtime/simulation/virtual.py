"""Time that only moves when the simulation moves it, and the one heap of everything that is going to happen."""

from __future__ import annotations

import heapq
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from random import Random
from unittest.mock import patch

_TICK = timedelta(microseconds=1)
MAX_PENDING = 100_000  # far above what a run leaves for later; above it the run is broken, not the product
Happening = Callable[[], str | None]


@contextmanager
def seeded_secrets(rng: Random) -> Iterator[None]:
    """Draw tokens and ids of this process from `rng` instead of the machine: they decide what comes before what."""
    with (
        patch.object(secrets, "token_hex", lambda nbytes=32: rng.randbytes(nbytes).hex()),
        patch.object(secrets, "token_urlsafe", lambda nbytes=32: rng.randbytes(nbytes).hex()),
        patch.object(secrets, "token_bytes", lambda nbytes=32: rng.randbytes(nbytes)),
    ):
        yield


class VirtualTime:
    """A clock, and a sleep that passes at once."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """Return the virtual time."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass, at least a tick: a wait too small for the clock must still end."""
        self.advance(max(timedelta(seconds=seconds), _TICK))

    def advance(self, span: timedelta) -> None:
        """Let `span` pass."""
        self._now += span

    def reach(self, moment: datetime) -> None:
        """Let it become `moment`; nothing when it is later already."""
        self._now = max(self._now, moment)


class Agenda:
    """What happens next, by virtual time; what falls on one moment comes in an order that the seed draws."""

    def __init__(self, time: VirtualTime, rng: Random) -> None:
        self._time = time
        self._rng = rng
        self._heap: list[tuple[datetime, float, int, str, Happening]] = []
        self._count = 0

    def later(self, after: timedelta, name: str, happening: Happening) -> None:
        """Let something happen once, `after` from now; what it returns, or else its name, is told in the trace."""
        if len(self._heap) >= MAX_PENDING:
            raise RuntimeError(f"more than {MAX_PENDING} things are left for later")
        self._count += 1
        heapq.heappush(self._heap, (self._time.now() + after, self._rng.random(), self._count, name, happening))

    def forget(self, name: str) -> None:
        """Let nothing of this name happen that is left for later."""
        self._heap = [entry for entry in self._heap if entry[3] != name]
        heapq.heapify(self._heap)

    def next(self) -> str:
        """Let the next thing happen at its time and tell it."""
        moment, _, _, name, happening = heapq.heappop(self._heap)
        self._time.reach(moment)
        return happening() or name

    def settle(self, wanted: Callable[[str], bool]) -> int:
        """Let everything that is `wanted` by its name happen now, in its order. Returns how many that were."""
        now = [entry for entry in self._heap if wanted(entry[3])]
        self._heap = [entry for entry in self._heap if not wanted(entry[3])]
        heapq.heapify(self._heap)
        for *_, happening in sorted(now, key=lambda entry: entry[:3]):
            happening()
        return len(now)
