"""Watermarks that overlap: a change is read twice rather than missed."""

from __future__ import annotations

from datetime import datetime, timedelta

# Vendors stamp a change when it begins and show it when it commits. The watermark is by our clock and the change by
# theirs: five minutes ahead at one reading and five behind at the next still leave two.
OVERLAP = timedelta(minutes=12)


def read_from(watermark: datetime | None) -> datetime | None:
    """Return the instant to read changes from; None reads everything."""
    return None if watermark is None else watermark - OVERLAP


def advance(watermark: datetime | None, read_began_at: datetime) -> datetime:
    """Return the watermark after a complete read that began at `read_began_at`; it never goes back."""
    return read_began_at if watermark is None else max(watermark, read_began_at)
