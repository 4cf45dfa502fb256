"""Keeping a vendor's published limits: a budget a tenant, shared by everything that calls it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from connectors.errors import Retry

MAX_WAIT_SECONDS = 30.0  # longer waits go back to the queue instead of holding a worker


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `calls` within any `seconds`; `reserve` of them are kept for urgent work."""

    calls: int
    seconds: float
    reserve: int = 0


class Budget:
    """Counts calls against sliding windows and waits before a call that would exceed one.

    Windows are kept on the monotonic clock and made a little longer than the vendor's, because our clock and the
    vendor's count the same call at different moments.
    """

    _MARGIN_SECONDS = 0.25

    def __init__(
        self,
        limits: tuple[Limit, ...],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._limits = limits
        self._calls: tuple[deque[float], ...] = tuple(deque() for _ in limits)
        self._monotonic = monotonic
        self._sleep = sleep
        self._lock = threading.Lock()
        self._blocked_until = 0.0
        self.taken = 0

    def take(self, *, urgent: bool = False) -> None:
        """Take one call, waiting at most MAX_WAIT_SECONDS; Retry when it would take longer."""
        deadline = self._monotonic() + MAX_WAIT_SECONDS
        while True:
            with self._lock:
                wait = self._wait(urgent=urgent)
                if wait <= 0:
                    now = self._monotonic()
                    for calls in self._calls:
                        calls.append(now)
                    self.taken += 1
                    return
            if self._monotonic() + wait > deadline:
                raise Retry("the vendor's call limit is used up for now", after_seconds=wait)
            self._sleep(wait)

    def hold_off(self, seconds: float) -> None:
        """Make no call for `seconds`: the vendor said so (Retry-After)."""
        with self._lock:
            self._blocked_until = max(self._blocked_until, self._monotonic() + seconds)

    def _wait(self, *, urgent: bool) -> float:
        now = self._monotonic()
        wait = self._blocked_until - now
        for limit, calls in zip(self._limits, self._calls, strict=True):
            window = limit.seconds + self._MARGIN_SECONDS
            while calls and calls[0] <= now - window:
                calls.popleft()
            allowed = limit.calls if urgent else limit.calls - limit.reserve
            if len(calls) >= allowed:
                wait = max(wait, calls[len(calls) - allowed] + window - now)
        return wait
