"""Xero's published limits, and its own word about them in the headers of an answer."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.limits import Limit

# For each organisation: 60 calls a minute, 5,000 a day, five at once.
_PUBLISHED = (Limit(60, 60.0, reserve=10), Limit(5000, 86_400.0, reserve=500))
# Our own: each line of what happened here is a call, and most of a day's calls are for reading and for money.
EVENT_LINES = "event lines"
LIMITS = (*_PUBLISHED, Limit(1000, 86_400.0, of=EVENT_LINES))
MAX_CONCURRENT_CALLS = 5
_REMAINING = ("X-MinLimit-Remaining", "X-DayLimit-Remaining")  # in the order of _PUBLISHED
_PROBLEM = "X-Rate-Limit-Problem"
# How long each problem lasts at most, where the answer does not tell (Retry-After).
_PAUSES = {"concurrent": 1.0, "minute": 60.0, "appminute": 60.0, "day": 3600.0}
_DEFAULT_PAUSE_SECONDS = 60.0


def nearly_used(headers: Mapping[str, str]) -> list[tuple[float, int]]:
    """Return (seconds, calls left) of each limit that has no more left than its reserve.

    Our own count is enough until then; another app of the organisation, or a count lost, shows here.
    """
    found = []
    for name, limit in zip(_REMAINING, _PUBLISHED, strict=True):
        left = headers.get(name, "").strip()
        if left.isdecimal() and int(left) <= limit.reserve:
            found.append((limit.seconds, int(left)))
    return found


def problem(status: int, headers: Mapping[str, str], body: bytes) -> str | None:
    """Name the limit that an answer complains about; None when it is about something else.

    A limit comes as 429, as any status with a header that names it, or as Xero's older 503 with words alone.
    """
    named = headers.get(_PROBLEM, "").strip().lower()
    if named or status == 429:
        return named or "unnamed"
    words = body.lower().replace(b"%20", b" ")
    return "unnamed" if status == 503 and b"rate limit exceeded" in words else None


def pause(named: str, headers: Mapping[str, str]) -> float:
    """Return the seconds to make no call for: Retry-After, else as long as a problem of that name lasts."""
    return retry_after(headers) or _PAUSES.get(named, _DEFAULT_PAUSE_SECONDS)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the whole seconds of Retry-After; None without one."""
    text = headers.get("Retry-After", "").strip()
    return float(text) if text.isdecimal() else None
