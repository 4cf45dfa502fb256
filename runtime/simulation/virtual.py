"""Time that only moves when the simulation moves it, or when the product sleeps."""

from __future__ import annotations

from datetime import datetime, timedelta

_TICK = timedelta(microseconds=1)


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
