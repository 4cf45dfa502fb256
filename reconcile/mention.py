"""What a piece of text says: which items it names, how well, and how telling that is."""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import IntEnum
from typing import Final, NamedTuple

from reconcile.reference import digits_of

MAX_SHARED: Final = 40  # a key that more items share says nothing about which of them is meant


class ReferenceEvidence(IntEnum):
    """How well the text names an item; a set is as good as its worst item."""

    NONE = 0
    WEAK = 1
    DAMAGED = 2
    EXACT = 3
    HINT = 4


class Mention(NamedTuple):
    """A piece of text that names one of `rows`, and `weight`: the logarithm of how much likelier it is there if so."""

    text: str
    rows: tuple[int, ...]
    level: ReferenceEvidence
    weight: float

    @property
    def digits(self) -> str:
        """The digits of the text, without leading zeros."""
        return digits_of(self.text).lstrip("0")

    @property
    def exact(self) -> bool:
        """Whether it is undamaged and long enough not to be chance."""
        return self.level is ReferenceEvidence.EXACT


def mention(text: str, rows: list[int], level: ReferenceEvidence, weight: float) -> Mention:
    """A mention whose weight is shared among the items that it may mean."""
    named = tuple(rows) if len(rows) == 1 else tuple(sorted(set(rows)))  # most numbers are one item's
    return Mention(text, named, level, weight - math.log(max(1, len(named))))


def unique(mentions: Iterable[Mention]) -> list[Mention]:
    """Keep the most telling mention of each set of rows, in the order of the text."""
    best: dict[tuple[int, ...], Mention] = {}
    for each in mentions:
        held = best.get(each.rows)
        if held is None or each.weight > held.weight:
            best[each.rows] = each
    return list(best.values())
