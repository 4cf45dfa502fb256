"""How often each invariant was checked, and what violated it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

MAX_KEPT = 50  # violations of one invariant: the first ones tell what is wrong


@dataclass
class Tally:
    """Checks and violations by the invariant's name."""

    checked: Counter[str] = field(default_factory=Counter)
    violations: dict[str, list[str]] = field(default_factory=dict)

    def note(self, name: str, count: int, violations: list[str]) -> None:
        """Add one check over `count` things."""
        self.checked[name] += count
        kept = self.violations.setdefault(name, [])
        kept.extend(each for each in violations[:MAX_KEPT] if each not in kept)
