"""Which sets of amounts sum to a target: bounded, exact, and counting, because two answers are no answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy import int64
    from numpy.typing import NDArray

MAX_EXHAUSTIVE = 22  # meet in the middle over two halves of 2^11 sums each
PLAIN_EXHAUSTIVE = 10  # so few need no numpy
MAX_FOR_TRIPLES = 120
MAX_SOLUTIONS = 12  # kept; more are only counted
MAX_PAIRED = 400  # pairs of half sums looked at for the smallest sets


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


_NONE = Solutions((), 0, complete=True)


def solve(amounts: Sequence[int], target: int, *, most: int | None = None) -> Solutions:
    """Find the sets of `amounts` (minor units, credits negative) that sum to `target`, of at most `most` members.

    Up to MAX_EXHAUSTIVE amounts every set is searched by meeting in the middle (Horowitz and Sahni, 1974). Beyond,
    only singles, pairs, triples, runs from the first amount on and all but one are, and the result is not complete.
    """
    if not amounts or (sum(amount for amount in amounts if amount > 0) < target):
        return _NONE
    room = target - sum(amount for amount in amounts if amount < 0)
    small = [at for at, amount in enumerate(amounts) if amount <= room]  # no credit makes up for more
    if len(small) < len(amounts):
        solved = solve([amounts[at] for at in small], target, most=most)
        return replace(solved, found=tuple(tuple(small[at] for at in positions) for positions in solved.found))
    if most is not None:
        found = _small_sets(amounts, target, most)
        return _solutions(found, len(found), complete=most <= 2)
    if len(amounts) <= PLAIN_EXHAUSTIVE:
        return _plain(amounts, target)
    if len(amounts) <= MAX_EXHAUSTIVE:
        return _meet_in_the_middle(amounts, target)
    found = _small_sets(amounts, target, 3) | _long_sets(amounts, target)
    return _solutions(found, len(found), complete=False)


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


def _small_sets(amounts: Sequence[int], target: int, most: int) -> set[tuple[int, ...]]:
    """Sets of one, two and, unless there are too many amounts, three, by looking up what is missing."""
    import numpy as np  # noqa: PLC0415 - as above

    values = np.array(amounts, dtype=np.int64)
    order = values.argsort(kind="stable")
    ranked = values[order]
    found: set[tuple[int, ...]] = {(int(at),) for at in np.nonzero(values == target)[0][:MAX_PAIRED]}
    for at, place in _missing(ranked, target - values):
        found.add((at, int(order[place])))
    if most >= 3 and len(amounts) <= MAX_FOR_TRIPLES:
        first, second = _pairs(len(amounts))
        for pair, place in _missing(ranked, target - values[first] - values[second]):
            found.add((int(first[pair]), int(second[pair]), int(order[place])))
    return {tuple(sorted(positions)) for positions in found if len(set(positions)) == len(positions)}


@lru_cache(maxsize=MAX_FOR_TRIPLES)
def _pairs(count: int) -> tuple[NDArray[int64], NDArray[int64]]:
    """The places of every pair of so many amounts."""
    import numpy as np  # noqa: PLC0415 - as above

    first, second = np.triu_indices(count, 1)
    return first, second


def _missing(ranked: NDArray[int64], wanted: NDArray[int64]) -> Iterator[tuple[int, int]]:
    """Yield, for each wanted amount that exists, its position and that of each amount equal to it in `ranked`."""
    import numpy as np  # noqa: PLC0415 - as above

    low = ranked.searchsorted(wanted)
    hits = np.nonzero(ranked.take(low, mode="clip") == wanted)[0][:MAX_PAIRED]
    high = ranked.searchsorted(wanted[hits], "right")
    for at, first, beyond in zip(hits.tolist(), low[hits].tolist(), high.tolist(), strict=True):
        for place in range(first, min(beyond, first + MAX_SOLUTIONS)):
            yield at, place


def _long_sets(amounts: Sequence[int], target: int) -> set[tuple[int, ...]]:
    """Runs from the first amount on, and all amounts but one."""
    found = {tuple(range(count)) for count, total in enumerate(accumulate(amounts), 1) if total == target}
    extra = sum(amounts) - target
    every = range(len(amounts))
    found |= {tuple(at for at in every if at != left_out) for left_out in every if amounts[left_out] == extra}
    return found
