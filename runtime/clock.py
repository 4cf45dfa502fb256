"""The clock that everything is given."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Return the time now, in UTC."""
    return datetime.now(UTC)


def clock_from(start: datetime) -> Clock:
    """Return a clock that shows `start` now and runs at the true speed from there."""
    offset = start - system_clock()
    return lambda: system_clock() + offset
