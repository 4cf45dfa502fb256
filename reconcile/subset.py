"""Which sets of amounts sum to a target: bounded, exact, and counting, because two answers are no answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

MAX_EXHAUSTIVE = 20  # meet in the middle over two halves of 2^10 sums each
MAX_FOR_TRIPLES = 90
MAX_SOLUTIONS = 3  # more say nothing new: the answer is not unique


@dataclass(frozen=True, slots=True)
class Solutions:
    """Sets of positions that sum to the target, fewest first. `complete`: every set was searched."""

    found: tuple[tuple[int, ...], ...]
    complete: bool

    @property
    def unique(self) -> bool:
        """Whether exactly one set exists, which only a complete search can tell."""
        return self.complete and len(self.found) == 1


def solve(amounts: Sequence[int], target: int) -> Solutions:
    """Find the sets of `amounts` (minor units, credits negative) that sum to `target`.

    Up to MAX_EXHAUSTIVE amounts every set is searched by meeting in the middle (Horowitz and Sahni, 1974). Beyond,
    only singles, pairs, triples and runs from the first amount on are, and the result is not complete.
    """
    if len(amounts) <= MAX_EXHAUSTIVE:
        found = _meet_in_the_middle(amounts, target)
        complete = True
    else:
        found = _small_sets(amounts, target)
        complete = False
    ordered = sorted(found, key=lambda positions: (len(positions), positions))
    return Solutions(tuple(ordered[:MAX_SOLUTIONS]), complete)


def _meet_in_the_middle(amounts: Sequence[int], target: int) -> set[tuple[int, ...]]:
    half = len(amounts) // 2
    left = _sums(amounts[:half], 0)
    by_sum: defaultdict[int, list[tuple[int, ...]]] = defaultdict(list)
    for total, positions in left:
        by_sum[total].append(positions)
    found: set[tuple[int, ...]] = set()
    for total, positions in sorted(_sums(amounts[half:], half), key=lambda pair: (len(pair[1]), pair[1])):
        for other in sorted(by_sum.get(target - total, ()), key=len)[:MAX_SOLUTIONS]:
            if other or positions:
                found.add(other + positions)
        if len(found) > 4 * MAX_SOLUTIONS:
            break
    return found


def _sums(amounts: Sequence[int], offset: int) -> list[tuple[int, tuple[int, ...]]]:
    sums: list[tuple[int, tuple[int, ...]]] = [(0, ())]
    for at, amount in enumerate(amounts, offset):
        sums += [(total + amount, (*positions, at)) for total, positions in sums]
    return sums


def _small_sets(amounts: Sequence[int], target: int) -> set[tuple[int, ...]]:
    places: defaultdict[int, list[int]] = defaultdict(list)
    for at, amount in enumerate(amounts):
        if len(places[amount]) <= MAX_SOLUTIONS:
            places[amount].append(at)
    found: set[tuple[int, ...]] = {(at,) for at in places.get(target, ())}
    for at, amount in enumerate(amounts):
        found.update((at, other) for other in places.get(target - amount, ()) if other > at)
    if len(found) <= MAX_SOLUTIONS and len(amounts) <= MAX_FOR_TRIPLES:
        for first in range(len(amounts)):
            for second in range(first + 1, len(amounts)):
                rest = target - amounts[first] - amounts[second]
                found.update((first, second, third) for third in places.get(rest, ()) if third > second)
    for count, total in enumerate(accumulate(amounts), 1):
        if total == target:
            found.add(tuple(range(count)))
    return found
