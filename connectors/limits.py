"""Keeping a vendor's published limits: a budget an account, shared by everything that calls it.

Calls are counted by slices of each limit's window, so that the same arithmetic serves one process (in memory) and
many (a row of the database, `runtime/store/budget.py`).
"""

from __future__ import annotations

import math
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol

from connectors.errors import NoRoom, Retry

MAX_WAIT_SECONDS = 30.0  # longer waits go back to the queue instead of holding a worker
# Reading in the background waits for a whole minute's window: one that breaks off begins again from its first page.
PATIENT_WAIT_SECONDS = 75.0
SLICES = 60  # of a window; a call counts until the slice it fell in has left the window
MARGIN_SECONDS = 0.25  # our clock and the vendor's count the same call at different moments
BUSY_SECONDS = 0.1  # until a place among the concurrent calls is looked for again
FORGOTTEN_AFTER_SECONDS = 60.0  # a call whose process died is over by then: above the time-out of a call (contract.py)
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

    @property
    def name(self) -> str:
        """Which limit of its vendor it is."""
        return f"{int(self.seconds)} {self.of}"

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


@dataclass
class CallBook:
    """What is known of the calls to one account; times are seconds of one clock for all who write in it.

    Calls are counted by slice of each limit's window. `begun` are calls on their way, each with the time by which it is
    over even if nobody says so.
    """

    held_until: float = 0.0
    counts: dict[str, dict[int, int]] = field(default_factory=dict)
    told: dict[int, Told] = field(default_factory=dict)
    begun: dict[str, float] = field(default_factory=dict)

    def begin(
        self, limits: Iterable[Limit], now: float, *, urgent: bool, of: str, concurrent: int | None = None
    ) -> str | float:
        """Count one call of the kind `of` and return its token, or return the seconds until one may be made.

        `concurrent` is how many may be on their way at once; None: any number, and none is noted.
        """
        binding = [limit for limit in limits if limit.binds(of)]
        wait = max((self._wait(limit, now, urgent=urgent) for limit in binding), default=0.0)
        wait = max(wait, self.held_until - now)
        if wait > 0:
            return wait
        self.begun = {token: until for token, until in self.begun.items() if until > now}
        if concurrent is not None and len(self.begun) >= concurrent:
            return BUSY_SECONDS
        for limit in binding:
            self._count(limit, now)
        for window in {int(limit.seconds) for limit in binding} & self.told.keys():
            self.told[window] = Told(self.told[window].remaining - 1, self.told[window].until)
        if concurrent is None:
            return ""
        token = secrets.token_hex(8)
        self.begun[token] = now + FORGOTTEN_AFTER_SECONDS
        return token

    def end(self, token: str) -> None:
        """Note that a call is over."""
        self.begun.pop(token, None)

    def hold_off(self, seconds: float, now: float) -> None:
        """Let no call begin for `seconds`; an earlier, longer wait stands."""
        self.held_until = max(self.held_until, now + seconds)

    def heed(self, left: Mapping[float, int], now: float) -> None:
        """Note the vendor's word: how many calls are left of its limit over each window of seconds."""
        for seconds, remaining in left.items():
            self.told[int(seconds)] = Told(remaining, now + min(seconds, BELIEVED_SECONDS))

    def _wait(self, limit: Limit, now: float, *, urgent: bool) -> float:
        told = self.told.get(int(limit.seconds))
        theirs = told.wait(limit, now, urgent=urgent) if told else 0.0
        return max(limit.wait(self.counts.get(limit.name, {}), now, urgent=urgent), theirs)

    def _count(self, limit: Limit, now: float) -> None:
        here, oldest = limit.slice_at(now), limit.oldest(now)
        counts = {slice_: calls for slice_, calls in self.counts.get(limit.name, {}).items() if slice_ >= oldest}
        self.counts[limit.name] = counts | {here: counts.get(here, 0) + 1}


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

    def heed(self, left: Mapping[float, int]) -> None:
        """Note the vendor's word: how many calls are left of its limit over each window of seconds."""
        ...


class CallsInMemory:
    """Counts the calls of one process, which keeps fewer threads than a vendor takes calls at once."""

    def __init__(self, limits: tuple[Limit, ...], now: Callable[[], float]) -> None:
        self._limits = limits
        self._book = CallBook()
        self._now = now
        self._lock = threading.Lock()

    def begin(self, *, urgent: bool, of: str) -> str | float:
        """Count one call, or return the seconds until one may be made."""
        with self._lock:
            return self._book.begin(self._limits, self._now(), urgent=urgent, of=of)

    def end(self, token: str) -> None:
        """Do nothing: calls on their way are not counted here."""

    def hold_off(self, seconds: float) -> None:
        """Let no call begin for `seconds`; an earlier, longer wait stands."""
        with self._lock:
            self._book.hold_off(seconds, self._now())

    def heed(self, left: Mapping[float, int]) -> None:
        """Note the vendor's word; see CallLog."""
        with self._lock:
            self._book.heed(left, self._now())


_may_call: ContextVar[Callable[[], bool]] = ContextVar("may_call", default=lambda: True)


@contextmanager
def calling_while(allowed: Callable[[], bool]) -> Iterator[None]:
    """Let no call begin in this context once `allowed` says no; it is asked after every wait, right before the call."""
    before = _may_call.set(allowed)
    try:
        yield
    finally:
        _may_call.reset(before)


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
    def call(self, *, urgent: bool = False, of: str = "", waits: bool = True) -> Iterator[None]:
        """Make one call inside this context; NoRoom when waiting for it would take too long, or it is not to wait."""
        token = self._begin(urgent=urgent, of=of, waits=waits)
        try:
            yield
        finally:
            self._log.end(token)

    def take(self, *, urgent: bool = False, of: str = "") -> None:
        """Take one call without saying when it is over; NoRoom as `call`."""
        with self.call(urgent=urgent, of=of):
            pass

    def hold_off(self, seconds: float) -> None:
        """Make no call for `seconds`: the vendor said so (Retry-After)."""
        self._log.hold_off(seconds)

    def heed(self, left: Mapping[float, int]) -> None:
        """Believe the vendor how many calls are left of its limit over each window of seconds (an answer's headers)."""
        if left:
            self._log.heed(left)

    def _begin(self, *, urgent: bool, of: str, waits: bool) -> str:
        left = (MAX_WAIT_SECONDS if urgent else PATIENT_WAIT_SECONDS) if waits else 0.0
        while True:
            begun = self._log.begin(urgent=urgent, of=of)
            if isinstance(begun, str):
                if not _may_call.get()():
                    self._log.end(begun)
                    raise Retry("the time for these calls was over before they began: they are taken up again")
                self.taken += 1
                return begun
            if begun > left:
                raise NoRoom("the vendor's call limit is used up for now", after_seconds=begun)
            self._sleep(begun)
            left -= begun
