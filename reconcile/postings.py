"""A multimap from hashes to rows in flat arrays: some sixteen bytes an entry, and nothing for the garbage collector."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mypy_extensions import i64  # an int that the compiled matcher holds in a machine word, as a hash is one

MIN_SLOTS: Final = 1 << 10
_NOTHING: Final = -1
_HIGH: Final = 0xFFFFFFFF


class Postings:
    """Which rows bear a key. Chains of entries hang from slots; the slots double when entries outnumber them.

    A key is a 64-bit hash, such as `hash(text)`: its low bits choose the slot, and its high 32 bits are compared, so
    that an entry of another key passes for this one once in four thousand million.
    """

    def __init__(self) -> None:
        self._heads = array("i", [_NOTHING]) * MIN_SLOTS
        self._marks = array("I")
        self._lows = array("I")
        self._rows = array("i")
        self._nexts = array("i")
        self._free = _NOTHING
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, key: i64, row: int) -> None:
        """Note that `row` bears `key`."""
        if self._count >= len(self._heads):
            self._grow()
        slot = key & (len(self._heads) - 1)
        entry = self._free
        if entry == _NOTHING:
            entry = len(self._rows)
            self._marks.append(key >> 32 & _HIGH)
            self._lows.append(key & _HIGH)
            self._rows.append(row)
            self._nexts.append(self._heads[slot])
        else:
            self._free = self._nexts[entry]
            self._marks[entry] = key >> 32 & _HIGH
            self._lows[entry] = key & _HIGH
            self._rows[entry] = row
            self._nexts[entry] = self._heads[slot]
        self._heads[slot] = entry
        self._count += 1

    def remove(self, key: i64, row: int) -> None:
        """Forget one entry of `row` under `key`; nothing happens where there is none."""
        slot = key & (len(self._heads) - 1)
        mark, before, entry = key >> 32 & _HIGH, _NOTHING, self._heads[slot]
        while entry != _NOTHING:
            after = self._nexts[entry]
            if self._rows[entry] == row and self._marks[entry] == mark:
                if before == _NOTHING:
                    self._heads[slot] = after
                else:
                    self._nexts[before] = after
                self._nexts[entry] = self._free
                self._free = entry
                self._count -= 1
                return
            before, entry = entry, after

    def find(self, key: i64, limit: int) -> list[int]:
        """Return the rows that bear `key`, in no order: at most `limit`, and one more to say that there are more."""
        entry = self._heads[key & (len(self._heads) - 1)]
        if entry < 0:
            return []
        mark, marks, nexts = key >> 32 & _HIGH, self._marks, self._nexts
        found = []
        while entry >= 0:
            if marks[entry] == mark:
                found.append(self._rows[entry])
                if len(found) > limit:
                    break
            entry = nexts[entry]
        return found

    def _grow(self) -> None:
        """Double the slots and hang every entry anew: a few tenths of a second for a million, once in a doubling."""
        free = set()
        entry = self._free
        while entry != _NOTHING:
            free.add(entry)
            entry = self._nexts[entry]
        self._heads = array("i", [_NOTHING]) * (2 * len(self._heads))
        mask, heads, nexts = len(self._heads) - 1, self._heads, self._nexts
        for entry, low in enumerate(self._lows):
            if entry not in free:
                nexts[entry] = heads[low & mask]
                heads[low & mask] = entry
