"""Which sets of amounts sum to a target: bounded, exact, and counting, because two answers are no answer."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

MAX_EXHAUSTIVE: Final = 22  # meet in the middle over two halves of 2^11 sums each
PLAIN_EXHAUSTIVE: Final = 10  # so few need no numpy
MAX_FOR_TRIPLES: Final = 120
MAX_SOLUTIONS: Final = 12  # kept; more are only counted
MAX_PAIRED: Final = 400  # pairs of half sums looked at for the smallest sets
MAX_COUNTED: Final = 4_000  # from so many sets of two or three on it is enough that they are many


@dataclass(frozen=True, slots=True)
class Solutions:
    """Sets of positions that sum to the target, fewest first, and how many there are in all.

    `complete`: every set was searched, so that `count` is exact.
    """

    found: tuple[tuple[int, ...], ...]
    count: int
    complete: bool

    @property
    def unique(self) -> bool:
        """Whether exactly one set exists, which only a complete search can tell."""
        return self.complete and self.count == 1


_NONE: Final = Solutions((), 0, complete=True)


def solve(amounts: list[int], target: int, *, most: int | None = None) -> Solutions:
    """Find the sets of `amounts` (minor units, credits negative) that sum to `target`, of at most `most` members.

    Up to MAX_EXHAUSTIVE amounts every set is searched by meeting in the middle (Horowitz and Sahni, 1974). Beyond,
    only singles, pairs, triples, runs from the first amount on and all but one are, and the result is not complete.
    """
    invoiced = sum(amount for amount in amounts if amount > 0)
    if not amounts or invoiced < target:
        return _NONE
    room = target + invoiced - sum(amounts)
    small = [at for at, amount in enumerate(amounts) if amount <= room]  # no credit makes up for more
    if len(small) < len(amounts):
        solved = solve([amounts[at] for at in small], target, most=most)
        found = tuple([tuple([small[at] for at in positions]) for positions in solved.found])
        return Solutions(found, solved.count, complete=solved.complete)
    if most is not None:
        sets = _small_sets(amounts, target, most)
        return _solutions(sets, len(sets), complete=most <= 2)
    if len(amounts) <= PLAIN_EXHAUSTIVE:
        return _plain(amounts, target)
    if len(amounts) <= MAX_EXHAUSTIVE:
        return _meet_in_the_middle(amounts, target)
    sets = _small_sets(amounts, target, 3) | _long_sets(amounts, target)
    return _solutions(sets, len(sets), complete=False)


def _solutions(found: set[tuple[int, ...]], count: int, *, complete: bool) -> Solutions:
    ordered = sorted(found, key=lambda positions: (len(positions), positions))
    return Solutions(tuple(ordered[:MAX_SOLUTIONS]), count, complete)


def _plain(amounts: Sequence[int], target: int) -> Solutions:
    half = len(amounts) // 2
    left = [0]
    for amount in amounts[:half]:
        left += [total + amount for total in left]
    right = [0]
    for amount in amounts[half:]:
        right += [total + amount for total in right]
    places: defaultdict[int, list[int]] = defaultdict(list)
    for mask, total in enumerate(left):
        places[target - total].append(mask)
    found = {
        _positions(mask | other << half)
        for other, total in enumerate(right)
        for mask in places.get(total, ())
        if mask or other
    }
    return _solutions(found, len(found), complete=True)


def _positions(mask: int) -> tuple[int, ...]:
    return tuple(at for at in range(mask.bit_length()) if mask >> at & 1)


def _meet_in_the_middle(amounts: Sequence[int], target: int) -> Solutions:
    import numpy as np  # noqa: PLC0415 - costs a tenth of a second, and only long lists need it

    half = len(amounts) // 2
    sums = []
    for part in (amounts[:half], amounts[half:]):
        reached = np.zeros(1, dtype=np.int64)
        for amount in part:
            reached = np.concatenate((reached, reached + amount))
        sums.append(reached)
    left, right = sums
    order = right.argsort(kind="stable")
    ranked = right[order]
    first = ranked.searchsorted(target - left, "left")
    beyond = ranked.searchsorted(target - left, "right")
    count = int((beyond - first).sum()) - (target == 0)
    masks: list[int] = []
    for mask in np.nonzero(beyond > first)[0].tolist():
        others = order[first[mask] : min(beyond[mask], first[mask] + MAX_PAIRED)].tolist()
        masks += [mask | other << half for other in others if mask or other]
        if len(masks) > MAX_PAIRED:
            break
    return _solutions({_positions(mask) for mask in masks}, count, complete=True)


def _small_sets(amounts: list[int], target: int, most: int) -> set[tuple[int, ...]]:
    """Sets of one, two and, unless there are too many amounts, three: about MAX_COUNTED at most."""
    order = sorted(range(len(amounts)), key=amounts.__getitem__)
    ranked = [amounts[at] for at in order]
    found: set[tuple[int, ...]] = {(at,) for at, amount in enumerate(amounts) if amount == target}
    for low, high in _pairs(ranked, 0, target):
        found.add(_in_order(order[low], order[high]))
    if most < 3 or len(amounts) > MAX_FOR_TRIPLES:
        return found
    for least in range(len(ranked) - 2):
        if 3 * ranked[least] > target or len(found) >= MAX_COUNTED:
            break
        for low, high in _pairs(ranked, least + 1, target - ranked[least]):
            found.add(_in_order(order[least], order[low], order[high]))
    return found


def _in_order(*positions: int) -> tuple[int, ...]:
    return tuple(sorted(positions))


def _pairs(ranked: list[int], start: int, target: int) -> list[tuple[int, int]]:
    """The places, from `start` on, of two ascending amounts that sum to `target`: from both ends inwards."""
    found = []
    low, high = start, bisect_right(ranked, target - ranked[start]) - 1
    while low < high:
        total = ranked[low] + ranked[high]
        if total > target:
            high -= 1
        elif total < target:
            low += 1
        else:
            same = high
            while same > low and ranked[same] == ranked[high]:
                found.append((low, same))
                same -= 1
            low += 1
        if len(found) >= MAX_COUNTED:
            break
    return found


def _long_sets(amounts: Sequence[int], target: int) -> set[tuple[int, ...]]:
    """Runs from the first amount on, and all amounts but one."""
    found = {tuple(range(count)) for count, total in enumerate(accumulate(amounts), 1) if total == target}
    extra = sum(amounts) - target
    every = range(len(amounts))
    found |= {tuple(at for at in every if at != left_out) for left_out in every if amounts[left_out] == extra}
    return found
