"""Days that forms bring, as `<input type="date">` writes them."""

from __future__ import annotations

from datetime import date

from runtime.operations.errors import InputError

MAX_DAY_CHARS = 10


def day_of(text: str) -> date:
    """Return the day that was chosen; InputError for what is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError("choose a day, such as 2026-03-31") from None
