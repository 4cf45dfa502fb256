"""Published rate limits, counted as the vendors count them: calls within a sliding window of time."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta


class SlidingWindow:
    """At most `limit` calls within any `seconds`."""

    def __init__(self, *, limit: int, seconds: float, clock: Callable[[], datetime]) -> None:
        self.limit = limit
        self.seconds = seconds
        self._clock = clock
        self._calls: deque[datetime] = deque()

    def take(self) -> bool:
        """Count one call; False when it exceeds the limit (a refused call is not counted)."""
        if self.remaining() == 0:
            return False
        self._calls.append(self._clock())
        return True

    def remaining(self) -> int:
        """How many calls may still be made now."""
        horizon = self._clock() - timedelta(seconds=self.seconds)
        while self._calls and self._calls[0] <= horizon:
            self._calls.popleft()
        return self.limit - len(self._calls)

    def retry_after(self) -> int:
        """Whole seconds until one more call fits, at least 1."""
        if self.remaining() > 0:
            return 1
        wait = self._calls[0] + timedelta(seconds=self.seconds) - self._clock()
        return max(1, math.ceil(wait.total_seconds()))
