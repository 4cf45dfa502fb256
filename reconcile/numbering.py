"""How the numbers of a ledger lie: one after the other, or far apart."""

from __future__ import annotations

import math
from collections import Counter
from typing import Final

MAX_LENGTH: Final = 32
BEGINNING_DIGITS: Final = 3
MIN_ROOM: Final = 1_000  # a few numbers close together do not make every other number in a text theirs


class Numbering:
    """How many numbers of each length begin how: the model's idea of the ledger's numbering."""

    def __init__(self) -> None:
        self._beginnings: list[Counter[str]] = [Counter() for _ in range(MAX_LENGTH + 1)]
        self._rooms: dict[int, float] = {}

    def add(self, core: str, count: int = 1) -> None:
        """Take in `count` numbers with these digits; negative: forget them."""
        length = min(len(core), MAX_LENGTH)
        beginnings, beginning = self._beginnings[length], core[:BEGINNING_DIGITS]
        beginnings[beginning] += count
        if count < 0 and not beginnings[beginning]:
            del beginnings[beginning]
        self._rooms.pop(length, None)

    def remove(self, core: str) -> None:
        """Forget one number with these digits."""
        self.add(core, -1)

    def has(self, length: int) -> bool:
        """Whether any number has this length."""
        return bool(self._beginnings[min(length, MAX_LENGTH)])

    def may_hold(self, core: str) -> bool:
        """Whether any number is as long as `core` and begins like it; most texts that are no number of ours do not."""
        return core[:BEGINNING_DIGITS] in self._beginnings[min(len(core), MAX_LENGTH)]

    def room(self, length: int) -> float:
        """The logarithm of how many numbers of this length have room between the least and the greatest."""
        length = min(length, MAX_LENGTH)
        room = self._rooms.get(length)
        if room is None:
            beginnings = self._beginnings[length]
            span = int(max(beginnings)) - int(min(beginnings)) + 1 if beginnings else 1
            room = math.log(max(MIN_ROOM, span * 10.0 ** (length - BEGINNING_DIGITS)))
            self._rooms[length] = room
        return room
