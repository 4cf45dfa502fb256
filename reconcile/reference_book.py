"""Which items a text names, and how telling it is: exactly, in shorthand, run together, or with a damaged number."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final

from reconcile import damaged, reference
from reconcile.damaged import MIN_RUN_TO_SCAN
from reconcile.mention import MAX_SHARED, Mention, ReferenceEvidence, mention, unique
from reconcile.numbering import MAX_LENGTH, Numbering
from reconcile.postings import Postings
from reconcile.reference import Chunk
from reconcile.structured import structured_references

MAX_JOINED_CHUNKS: Final = 4
MIN_BARE_SHORTHAND: Final = 3  # shorter continuations of a list need a sign such as `/` or `,` before them

# How often payers write a number so, as logarithms; what is left for other ways is small enough to leave out.
LOG_EXACT: Final = math.log(0.7)
LOG_CHECKED: Final = 4.0  # two check digits agree with a hundredth of all texts
LOG_SHORT: Final = -2.5  # a short number without a word that introduces it may be anything
LOG_WORDED: Final = 2.5  # letters or a word before it that make a number a document's
LOG_NUMBER: Final = 1.0  # a long number is more often a reference than anything else


class ReferenceBook:
    """An incremental index from the spellings of numbers to the rows that bear them.

    Where numbers are sequential, a damaged one is soon another item's number; where they are sparse it is next to
    nobody's. `Mention.weight` knows the difference from the room that the numbers of that length fill.
    """

    def __init__(self) -> None:
        self._full = Postings()
        self._core = Postings()
        self._tail = Postings()
        self._numbering = Numbering()

    def add(self, row: int, numbers: Iterable[str]) -> None:
        """Index `numbers` for a row that is not in the book yet."""
        for spelling in map(reference.spelling, numbers):
            for table, key in self._tables(spelling):
                table.add(hash(key), row)
            if spelling.core:
                self._numbering.add(spelling.core)

    def remove(self, row: int, numbers: Iterable[str]) -> None:
        """Forget a row by the same numbers with which it was added."""
        for spelling in map(reference.spelling, numbers):
            for table, key in self._tables(spelling):
                table.remove(hash(key), row)
            if spelling.core:
                self._numbering.remove(spelling.core)

    def _tables(self, spelling: reference.Spelling) -> Iterator[tuple[Postings, str]]:
        if spelling.full:
            yield self._full, spelling.full
        if spelling.core:
            yield self._core, spelling.core
        if spelling.tail:
            yield self._tail, spelling.tail

    def mentions(self, text: str) -> list[Mention]:
        """Return what `text` names, exact readings first claimed; damaged numbers only from what is left over."""
        parts = reference.parts_of(text)
        found: dict[int, list[Mention]] = {}
        self._read_structured(reference.normalise(text), found)
        free = [bool(part.digits) or part.text in reference.CONTEXT_WORDS for part in parts]
        self._read_joined(parts, free, found)
        for at, part in enumerate(parts):
            before = parts[at - 1] if at else None
            is_long = len(part.digits) >= reference.MIN_CORE_DIGITS
            if free[at] and (is_long or reference.is_short_number(part, before)):
                mentions = self._within(part, before) or self._runs(part)
                if mentions:
                    found.setdefault(at, []).extend(mentions)
                    free[at] = not any(each.exact for each in mentions)
        self._read_shorthand(parts, found, free)
        return unique([each for at in sorted(found) for each in found[at]])

    def damaged(self, text: str, *, least: float = -math.inf) -> list[Mention]:
        """Return what `text` would name if one character of a number were wrong, whether or not it names something."""
        return damaged.one_off(text, self._core, self._numbering, least=least)

    def within(self, text: str, cores: Iterable[tuple[int, Sequence[str]]]) -> list[Mention]:
        """Return what `text` names among a payer's items: rows with the cores of their numbers (`damaged.among`)."""
        return damaged.among(text, cores, self._numbering)

    def _read_structured(self, normal: str, found: dict[int, list[Mention]]) -> None:
        for bodies in structured_references(normal):
            for body in bodies:
                spelling = reference.spelling(body)
                rows = self._full.find(hash(spelling.full), MAX_SHARED) or self._core.find(
                    hash(spelling.core), MAX_SHARED
                )
                if spelling.core and rows:
                    found.setdefault(-1, []).append(self._exact(body, rows, spelling.core, LOG_CHECKED))
                    break

    def _read_joined(self, parts: Sequence[Chunk], free: list[bool], found: dict[int, list[Mention]]) -> None:
        joined = [reference.joins(part.gap) for part in parts]
        begins = [reference.is_prefix(part, after) for part, after in pairwise(parts)]
        for size in range(min(MAX_JOINED_CHUNKS, len(parts)), 0, -1):
            for at in range(len(parts) - size + 1):
                if not (free[at] or (size > 1 and begins[at])):
                    continue
                if not all(free[at + 1 : at + size]) or not all(joined[at + 1 : at + size]):
                    continue
                whole = self._whole(parts[at : at + size])
                if whole is not None:
                    found.setdefault(at, []).append(whole)
                    free[at : at + size] = [False] * size

    def _whole(self, window: Sequence[Chunk]) -> Mention | None:
        digits = "".join([part.digits for part in window])
        if not digits:
            return None
        text = "".join([part.text for part in window])
        if len(text) >= reference.SURE_LETTERS_AND_DIGITS:
            folded = reference.fold(text)
            rows = self._full.find(hash(folded), MAX_SHARED)
            if rows:
                core = reference.core(digits if window[-1].is_number else reference.folded_tail(text))
                return self._exact(text, rows, core, LOG_NUMBER if digits == text else LOG_WORDED + LOG_NUMBER)
        if len(digits) >= reference.SURE_DIGITS and all(part.is_number for part in window):
            rows = self._core.find(hash(reference.core(digits)), MAX_SHARED)
            if rows:
                return self._exact(digits, rows, reference.core(digits), LOG_NUMBER)
        return None

    def _exact(self, text: str, rows: list[int], core: str, extra: float) -> Mention:
        if len(rows) > MAX_SHARED:  # it is read, and nothing else is to be made of it
            return mention(text, [], ReferenceEvidence.WEAK, 0.0)
        return mention(text, rows, ReferenceEvidence.EXACT, LOG_EXACT + self._numbering.room(len(core)) + extra)

    def _within(self, part: Chunk, before: Chunk | None) -> list[Mention]:
        for digits in reference.cores_within(part) or [reference.core(part.digits)]:
            rows = self._core.find(hash(digits), MAX_SHARED)
            if rows and len(rows) <= MAX_SHARED:
                if reference.has_context(part, before):
                    return [self._exact(part.text, rows, digits, LOG_WORDED)]
                if len(digits) >= reference.SURE_DIGITS:
                    return [self._exact(part.text, rows, digits, LOG_NUMBER)]
                weight = LOG_EXACT + self._numbering.room(len(digits)) + LOG_SHORT
                return [mention(part.text, rows, ReferenceEvidence.WEAK, weight)]
        tail = self._tail.find(hash(reference.core(part.digits)), MAX_SHARED) if part.is_number else []
        if not 0 < len(tail) <= MAX_SHARED:
            return []
        return [mention(part.text, tail, ReferenceEvidence.WEAK, len(part.digits) * math.log(10) + LOG_SHORT)]

    def _runs(self, part: Chunk) -> list[Mention]:
        """Read several numbers written as one run of digits: from the left, the longest known number first.

        One known number alone inside a longer run may be chance, so it counts as damaged.
        """
        run = part.digits
        if len(run) < MIN_RUN_TO_SCAN:
            return []
        has = self._numbering.has
        lengths = [n for n in range(min(MAX_LENGTH, len(run)), reference.SURE_DIGITS - 1, -1) if has(n)]
        pieces: list[tuple[str, list[int]]] = []
        at = 0
        while at < len(run):
            for length in lengths:
                piece = run[at : at + length]
                rows = self._core.find(hash(piece), MAX_SHARED) if len(piece) == length else []
                if 0 < len(rows) <= MAX_SHARED:
                    pieces.append((piece, rows))
                    at += length
                    break
            else:
                at += 1
        if len(pieces) > 1:
            return [self._exact(piece, rows, piece, 0.0) for piece, rows in pieces]
        return [
            mention(piece, rows, ReferenceEvidence.DAMAGED, damaged.log_damaged(len(piece), self._numbering))
            for piece, rows in pieces
        ]

    def _read_shorthand(self, parts: Sequence[Chunk], found: dict[int, list[Mention]], free: list[bool]) -> None:
        """Read `INV-0401/217` as 0401 and 0217: a short number in a list takes its beginning from the one before."""
        stem = ""
        for at, part in enumerate(parts):
            if not free[at]:
                stem = part.digits or stem
                continue
            if not stem or not part.is_number or not reference.lists(part.gap):
                stem = ""
                continue
            if len(part.digits) < MIN_BARE_SHORTHAND and not part.gap.strip():
                continue
            digits = stem[: max(0, len(stem) - len(part.digits))] + part.digits
            rows = self._core.find(hash(reference.core(digits)), MAX_SHARED)
            if rows and len(rows) <= MAX_SHARED:
                found[at] = [self._exact(part.text, rows, digits, -2 * LOG_WORDED)]
                free[at] = False
                stem = digits
