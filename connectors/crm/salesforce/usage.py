"""Sforce-Limit-Info: how many of the org's daily calls are used, by us and by every other tool of the org."""

from __future__ import annotations

import re
from dataclasses import dataclass

_USAGE = re.compile(r"(?:^|[;,\s])api-usage=(\d+)/(\d+)")


@dataclass(frozen=True, slots=True)
class DailyCalls:
    """The org's calls within 24 hours: `used` of `total`."""

    used: int
    total: int

    @property
    def left(self) -> int:
        """How many calls may still be made; never below zero (Salesforce lets an org exceed its limit for a while)."""
        return max(0, self.total - self.used)


def daily_calls(header: str) -> DailyCalls | None:
    """Read the header, `api-usage=25/15000; per-app-api-usage=17/250(appName=x)`; None when it tells no daily usage."""
    found = _USAGE.search(header)
    return DailyCalls(int(found[1]), int(found[2])) if found else None
