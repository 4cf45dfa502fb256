"""Keeping a vendor's published limits: a budget an account, shared by everything that calls it.

Calls are counted by slices of each limit's window, so that the same arithmetic serves one process (in memory) and
many (rows of the database, `runtime/store/budget.py`).
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from connectors.errors import Retry

MAX_WAIT_SECONDS = 30.0  # longer waits go back to the queue instead of holding a worker
# Reading in the background waits for a whole minute's window: one that breaks off begins again from its first page.
PATIENT_WAIT_SECONDS = 75.0
SLICES = 60  # of a window; a call counts until the slice it fell in has left the window
MARGIN_SECONDS = 0.25  # our clock and the vendor's count the same call at different moments
BUSY_SECONDS = 0.1  # until a place among the concurrent calls is looked for again
BELIEVED_SECONDS = 3600.0  # how long the vendor's own word about what is left is relied on

Counts = Mapping[int, int]  # calls by slice


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `calls` within any `seconds`; `reserve` of them are kept for urgent work.

    `of` narrows it to calls of that kind (QuickBooks counts its batches apart); empty: every call.
    """

    calls: int
    seconds: float
    reserve: int = 0
    of: str = ""

    def binds(self, of: str) -> bool:
        """Whether a call of the kind `of` counts against it."""
        return self.of in ("", of)

    def slice_at(self, now: float) -> int:
        """Return the slice that `now` (seconds) falls in."""
        return math.floor(now / self._width)

    def oldest(self, now: float) -> int:
        """Return the first slice that still counts."""
        return self.slice_at(now - self.seconds - MARGIN_SECONDS)

    def wait(self, counts: Counts, now: float, *, urgent: bool) -> float:
        """Return the seconds until one more call fits, 0 when it fits now."""
        oldest = self.oldest(now)
        living = sorted((slice_, calls) for slice_, calls in counts.items() if slice_ >= oldest)
        too_many = sum(calls for _, calls in living) - self.allowed(urgent=urgent) + 1
        for slice_, calls in living:
            if too_many <= 0:
                break
            too_many -= calls
            if too_many <= 0:
                return max(0.0, (slice_ + 1) * self._width + self.seconds + MARGIN_SECONDS - now)
        return 0.0

    def allowed(self, *, urgent: bool) -> int:
        """Return how many calls a window takes."""
        return self.calls if urgent else self.calls - self.reserve

    @property
    def _width(self) -> float:
        return self.seconds / SLICES


@dataclass(frozen=True, slots=True)
class Told:
    """The vendor's own word: `remaining` calls are left until `until` (seconds)."""

    remaining: int
    until: float

    def wait(self, limit: Limit, now: float, *, urgent: bool) -> float:
        """Return the seconds until a call of `limit` fits by this word, 0 when it fits now."""
        fits = self.remaining > (0 if urgent else limit.reserve)
        return 0.0 if fits else max(0.0, self.until - now)


def seconds_to_wait(
    held_for: float, binding: Iterable[tuple[Limit, Counts, Told | None]], now: float, *, urgent: bool
) -> float:
    """Return the seconds until one more call may be made, 0 when it may be made now.

    `held_for` is how many seconds are left of the vendor's hold, and `binding` the limits that the call counts against,
    each with our counts and the vendor's own word.
    """
    ours_and_theirs = (
        max(limit.wait(counts, now, urgent=urgent), told.wait(limit, now, urgent=urgent) if told else 0.0)
        for limit, counts, told in binding
    )
    return max(held_for, *ours_and_theirs, 0.0)


class CallLog(Protocol):
    """Where the calls to one account are counted. Safe to use from everything that shares it."""

    def begin(self, *, urgent: bool, of: str) -> str | float:
        """Count one call and return its token, or return the seconds until one may be made."""
        ...

    def end(self, token: str) -> None:
        """Note that a call is over."""
        ...

    def hold_off(self, seconds: float) -> None:
        """Let no call begin for `seconds`."""
        ...

    def heed(self, seconds: float, remaining: int) -> None:
        """Note the vendor's word that `remaining` calls are left of the limit over `seconds`."""
        ...


class CallsInMemory:
    """Counts the calls of one process."""

    def __init__(self, limits: tuple[Limit, ...], now: Callable[[], float]) -> None:
        self._limits = limits
        self._counts: tuple[dict[int, int], ...] = tuple({} for _ in limits)
        self._told: dict[float, Told] = {}
        self._held_until = 0.0
        self._now = now
        self._lock = threading.Lock()

    def begin(self, *, urgent: bool, of: str) -> str | float:
        """Count one call, or return the seconds until one may be made."""
        with self._lock:
            now = self._now()
            binding = [
                (limit, counts, self._told.get(limit.seconds))
                for limit, counts in zip(self._limits, self._counts, strict=True)
                if limit.binds(of)
            ]
            wait = seconds_to_wait(self._held_until - now, binding, now, urgent=urgent)
            if wait > 0:
                return wait
            self._count(now, of)
            return ""

    def end(self, token: str) -> None:
        """Do nothing: one process keeps fewer threads than a vendor takes calls at once."""

    def hold_off(self, seconds: float) -> None:
        """Let no call begin for `seconds`; an earlier, longer wait stands."""
        with self._lock:
            self._held_until = max(self._held_until, self._now() + seconds)

    def heed(self, seconds: float, remaining: int) -> None:
        """Note the vendor's word about the limit over `seconds`."""
        with self._lock:
            self._told[seconds] = Told(remaining, self._now() + min(seconds, BELIEVED_SECONDS))

    def _count(self, now: float, of: str) -> None:
        for limit, counts in zip(self._limits, self._counts, strict=True):
            if limit.binds(of):
                here, oldest = limit.slice_at(now), limit.oldest(now)
                for gone in [slice_ for slice_ in counts if slice_ < oldest]:
                    del counts[gone]
                counts[here] = counts.get(here, 0) + 1
                told = self._told.get(limit.seconds)
                if told is not None:
                    self._told[limit.seconds] = Told(told.remaining - 1, told.until)


class Budget:
    """Waits before a call that would exceed a limit: MAX_WAIT_SECONDS for urgent ones, else PATIENT_WAIT_SECONDS."""

    def __init__(
        self,
        limits: tuple[Limit, ...],
        *,
        log: CallLog | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._log = log or CallsInMemory(limits, monotonic)
        self._sleep = sleep
        self.taken = 0

    @contextmanager
    def call(self, *, urgent: bool = False, of: str = "") -> Iterator[None]:
        """Make one call inside this context; Retry when waiting for it would take too long."""
        token = self._begin(urgent=urgent, of=of)
        try:
            yield
        finally:
            self._log.end(token)

    def take(self, *, urgent: bool = False, of: str = "") -> None:
        """Take one call without saying when it is over; Retry as `call`."""
        with self.call(urgent=urgent, of=of):
            pass

    def hold_off(self, seconds: float) -> None:
        """Make no call for `seconds`: the vendor said so (Retry-After)."""
        self._log.hold_off(seconds)

    def heed(self, seconds: float, remaining: int) -> None:
        """Believe the vendor that `remaining` calls are left of its limit over `seconds` (an answer's headers)."""
        self._log.heed(seconds, remaining)

    def _begin(self, *, urgent: bool, of: str) -> str:
        left = MAX_WAIT_SECONDS if urgent else PATIENT_WAIT_SECONDS
        while True:
            begun = self._log.begin(urgent=urgent, of=of)
            if isinstance(begun, str):
                self.taken += 1
                return begun
            if begun > left:
                raise Retry("the vendor's call limit is used up for now", after_seconds=begun)
            self._sleep(begun)
            left -= begun
