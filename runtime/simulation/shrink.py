"""Shrinking: the fewest events and kinds of faults that still violate something, and what happened in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from runtime.simulation.run import Result, simulate

MAX_REPLAYS = 60


@dataclass(frozen=True, slots=True)
class Shrunk:
    """A short run that violates something: give its `seed`, `events` and `without` again and it happens again."""

    seed: int
    events: int
    without: tuple[str, ...]
    violations: dict[str, list[str]]
    trace: tuple[str, ...]


class _Replays:
    """Plays a seed again and again, at most MAX_REPLAYS times, and keeps the shortest run that failed."""

    def __init__(self, seed: int, sabotage: str | None, invoices: int, progress: Callable[[str], None]) -> None:
        self._seed = seed
        self._invoices = invoices
        self._sabotage = sabotage
        self._progress = progress
        self._left = MAX_REPLAYS
        self.failed: Result | None = None

    def fails(self, events: int, without: frozenset[str]) -> bool:
        """Whether this much of the run violates something; once the replays are used up nothing does."""
        if self._left == 0:
            return False
        self._left -= 1
        result = simulate(
            seeds=[self._seed], events=events, sabotage=self._sabotage, without=without, invoices=self._invoices
        )
        self._progress(
            f"{events} events without {len(without)} kinds of faults: {'holds' if result.holds else 'fails'}"
        )
        if not result.holds:
            self.failed = result
        return not result.holds


def shrink(
    seed: int,
    events: int,
    *,
    sabotage: str | None = None,
    invoices: int = 0,
    progress: Callable[[str], None] = lambda _text: None,
) -> Shrunk | None:
    """Shrink the run of a seed; None when it violates nothing."""
    replays = _Replays(seed, sabotage, invoices, progress)
    if not replays.fails(events, frozenset()) or replays.failed is None:
        return None
    fired = [name for name, count in replays.failed.faults.items() if count]
    low, high = 0, events
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if replays.fails(middle, frozenset()) else (middle, high)
    without: frozenset[str] = frozenset()
    for name in sorted(fired):
        if replays.fails(high, without | {name}):
            without |= {name}
    failed = replays.failed
    violations = {name: found for name, found in failed.tally.violations.items() if found}
    return Shrunk(seed, high, tuple(sorted(without)), violations, tuple(failed.trace))
