"""Which items a text names, and how telling it is: exactly, in shorthand, run together, or with a damaged number."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from reconcile import reference
from reconcile.postings import Postings
from reconcile.reference import Chunk
from reconcile.structured import structured_references

MAX_JOINED_CHUNKS = 4
MAX_SHARED = 40  # a key that more items share says nothing about which of them is meant
MAX_DAMAGED_TOKENS = 6
MAX_NEIGHBOURS = 32  # a damaged number near more than so many is no guide
MIN_BARE_SHORTHAND = 3  # shorter continuations of a list need a sign such as `/` or `,` before them
MAX_INSIDE = 16
MIN_INSIDE_RATIO = 88.0  # of 100: one digit of ten lost, added or changed
MIN_RUN_TO_SCAN = 12  # from here on a run of digits may be several numbers written without a blank
MAX_SCANNED = 200  # items of one payer whose numbers are compared with a damaged one
MAX_LENGTH = 32
BEGINNING_DIGITS = 3
MIN_ROOM = 1_000  # a few numbers close together do not make every other number in a text theirs

# How often payers write a number so, as logarithms; what is left for other ways is small enough to leave out.
LOG_EXACT = math.log(0.7)
LOG_DAMAGED = math.log(0.07)
LOG_TWICE_DAMAGED = math.log(0.01)
LOG_CUT = math.log(0.02)
LOG_INSIDE = -6.0  # a damaged number inside a longer run begins and ends anywhere
LOG_CHECKED = 4.0  # two check digits agree with a hundredth of all texts
LOG_SHORT = -2.5  # a short number without a word that introduces it may be anything
LOG_WORDED = 2.5  # letters or a word before it that make a number a document's
LOG_NUMBER = 1.0  # a long number is more often a reference than anything else


class ReferenceEvidence(IntEnum):
    """How well the text names an item; a set is as good as its worst item."""

    NONE = 0
    WEAK = 1
    DAMAGED = 2
    EXACT = 3
    HINT = 4


@dataclass(frozen=True, slots=True)
class Mention:
    """A piece of text that names one of `rows`, and `weight`: the logarithm of how much likelier it is there if so."""

    text: str
    rows: tuple[int, ...]
    level: ReferenceEvidence
    weight: float

    @property
    def exact(self) -> bool:
        """Whether it is undamaged and long enough not to be chance."""
        return self.level is ReferenceEvidence.EXACT


class _Lengths:
    """How many numbers of each length begin how: the model's idea of the ledger's numbering."""

    def __init__(self) -> None:
        self._beginnings: list[Counter[int]] = [Counter() for _ in range(MAX_LENGTH + 1)]
        self._rooms: dict[int, float] = {}

    def add(self, core: str, count: int = 1) -> None:
        length = min(len(core), MAX_LENGTH)
        beginnings, beginning = self._beginnings[length], int(core[:BEGINNING_DIGITS])
        beginnings[beginning] += count
        if count < 0 and not beginnings[beginning]:
            del beginnings[beginning]
        self._rooms.pop(length, None)

    def remove(self, core: str) -> None:
        self.add(core, -1)

    def has(self, length: int) -> bool:
        """Whether any number has this length."""
        return bool(self._beginnings[length])

    def room(self, length: int) -> float:
        """The logarithm of how many numbers of this length have room between the least and the greatest."""
        length = min(length, MAX_LENGTH)
        room = self._rooms.get(length)
        if room is None:
            beginnings = self._beginnings[length]
            span = max(beginnings) - min(beginnings) + 1 if beginnings else 1
            room = math.log(max(MIN_ROOM, span * 10.0 ** (length - BEGINNING_DIGITS)))
            self._rooms[length] = room
        return room


class ReferenceBook:
    """An incremental index from the spellings of numbers to the rows that bear them.

    Where numbers are sequential, a damaged one is soon another item's number; where they are sparse it is next to
    nobody's. `Mention.weight` knows the difference from the room that the numbers of that length fill.
    """

    def __init__(self) -> None:
        self._full = Postings()
        self._core = Postings()
        self._tail = Postings()
        self._lengths = _Lengths()

    def add(self, row: int, numbers: Iterable[str]) -> None:
        """Index `numbers` for a row that is not in the book yet."""
        for spelling in map(reference.spelling, numbers):
            for table, key in self._tables(spelling):
                table.add(hash(key), row)
            if spelling.core:
                self._lengths.add(spelling.core)

    def remove(self, row: int, numbers: Iterable[str]) -> None:
        """Forget a row by the same numbers with which it was added."""
        for spelling in map(reference.spelling, numbers):
            for table, key in self._tables(spelling):
                table.remove(hash(key), row)
            if spelling.core:
                self._lengths.remove(spelling.core)

    def _tables(self, spelling: reference.Spelling) -> Iterator[tuple[Postings, str]]:
        if spelling.full:
            yield self._full, spelling.full
        if spelling.core:
            yield self._core, spelling.core
        if spelling.tail:
            yield self._tail, spelling.tail

    def mentions(self, text: str) -> list[Mention]:
        """Return what `text` names, exact readings first claimed; damaged numbers only from what is left over."""
        normal = reference.normalise(text)
        parts = reference.chunks(normal)
        found: dict[int, list[Mention]] = {}
        self._read_structured(normal, found)
        free = [bool(part.digits) or part.text in reference.CONTEXT_WORDS for part in parts]
        self._read_joined(parts, free, found)
        for at, part in enumerate(parts):
            if free[at] and len(part.digits) >= reference.MIN_CORE_DIGITS:
                mentions = self._within(part, parts[at - 1] if at else None) or self._runs(part)
                if mentions:
                    found.setdefault(at, []).extend(mentions)
                    free[at] = not any(mention.exact for mention in mentions)
        self._read_shorthand(parts, found, free)
        return _unique([mention for at in sorted(found) for mention in found[at]])

    def damaged(self, text: str) -> list[Mention]:
        """Return what `text` would name if one character of a number were wrong, whether or not it names something."""
        mentions: list[Mention] = []
        for token in reference.damaged_tokens(reference.chunks(reference.normalise(text)))[:MAX_DAMAGED_TOKENS]:
            if len(token) <= MAX_LENGTH:
                mentions += self._near(token)
        return _unique(mentions)

    def _near(self, token: str) -> Iterator[Mention]:
        has, found = self._core.has, {}
        for key in dict.fromkeys(map(reference.core, reference.neighbours(token))):
            if len(key) >= reference.MIN_DAMAGED_DIGITS and has(hash(key)):
                rows = self._core.find(hash(key), MAX_SHARED)
                if len(rows) <= MAX_SHARED:
                    found[key] = rows
        if len(found) <= MAX_NEIGHBOURS:
            for key, rows in found.items():
                yield _mention(token, rows, ReferenceEvidence.DAMAGED, self._damaged_weight(key))

    def within(self, text: str, cores: Sequence[tuple[int, Sequence[str]]]) -> list[Mention]:
        """Return what `text` names among a payer's items (rows with the cores of their numbers) that no key would find.

        Numbers may be damaged twice, cut short, or run together with others.

        A piece of a longer run and a number cut short name an item only beside other evidence.
        """
        parts = reference.chunks(reference.normalise(text))
        tokens = reference.damaged_tokens(parts)[:MAX_DAMAGED_TOKENS]
        run = "".join(part.digits for part in parts)
        if not run:
            return []
        owners: dict[str, list[int]] = {}
        for row, numbers in cores[:MAX_SCANNED]:
            for key in numbers:
                if len(key) >= reference.MIN_DAMAGED_DIGITS:
                    owners.setdefault(key, []).append(row)
        keys = list(owners)
        found = [mention for token in tokens for mention in self._twice_damaged(token, keys, owners)]
        last = parts[-1].digits
        if len(last) >= reference.MIN_CORE_DIGITS:
            cut = [key for key in keys if len(last) < len(key) and key.startswith(last)]
            found += [self._cut(last, key, owners[key]) for key in cut]
        if len(run) >= MIN_RUN_TO_SCAN:
            hits = process.extract(
                run, keys, scorer=fuzz.partial_ratio, score_cutoff=MIN_INSIDE_RATIO, limit=MAX_INSIDE
            )
            for key, _, _ in hits:
                weight = self._damaged_weight(key) + (0.0 if key in run else LOG_INSIDE)
                found.append(_mention(key, owners[key], ReferenceEvidence.DAMAGED, weight))
        return _unique(found)

    def _twice_damaged(self, token: str, keys: Sequence[str], owners: dict[str, list[int]]) -> Iterator[Mention]:
        hits = process.extract(token, keys, scorer=OSA.distance, score_cutoff=2, limit=MAX_SHARED)
        for key, distance, _ in hits:
            if distance <= 1:
                yield _mention(token, owners[key], ReferenceEvidence.DAMAGED, self._damaged_weight(key))
            elif len(key) >= reference.SURE_DIGITS:
                weight = LOG_TWICE_DAMAGED + self._lengths.room(len(key)) - 2 * math.log(20 * len(key)) + math.log(2)
                yield _mention(token, owners[key], ReferenceEvidence.WEAK, weight)

    def _damaged_weight(self, key: str) -> float:
        return LOG_DAMAGED + self._lengths.room(len(key)) - math.log(20 * len(key))

    def _cut(self, token: str, key: str, rows: list[int]) -> Mention:
        weight = LOG_CUT + self._lengths.room(len(key)) - (len(key) - len(token)) * math.log(10)
        return _mention(token, rows, ReferenceEvidence.WEAK, weight)

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
        for size in range(min(MAX_JOINED_CHUNKS, len(parts)), 0, -1):
            for at in range(len(parts) - size + 1):
                if not all(free[at : at + size]):
                    continue
                window = parts[at : at + size]
                if size > 1 and not all(reference.joins(part.gap) for part in window[1:]):
                    continue
                mention = self._whole(window)
                if mention is not None:
                    found.setdefault(at, []).append(mention)
                    free[at : at + size] = [False] * size

    def _whole(self, window: Sequence[Chunk]) -> Mention | None:
        digits = "".join(part.digits for part in window)
        if not digits:
            return None
        text = "".join(part.text for part in window)
        if len(text) >= reference.SURE_LETTERS_AND_DIGITS:
            folded = reference.fold(text)
            rows = self._full.find(hash(folded), MAX_SHARED)
            if rows:
                core = reference.core(reference.folded_tail(text))
                return self._exact(text, rows, core, LOG_NUMBER if digits == text else LOG_WORDED + LOG_NUMBER)
        if len(digits) >= reference.SURE_DIGITS and all(part.is_number for part in window):
            rows = self._core.find(hash(reference.core(digits)), MAX_SHARED)
            if rows:
                return self._exact(digits, rows, reference.core(digits), LOG_NUMBER)
        return None

    def _exact(self, text: str, rows: list[int], core: str, extra: float) -> Mention:
        level = ReferenceEvidence.EXACT if len(rows) <= MAX_SHARED else ReferenceEvidence.WEAK
        return _mention(text, rows, level, LOG_EXACT + self._lengths.room(len(core)) + extra)

    def _within(self, part: Chunk, before: Chunk | None) -> list[Mention]:
        for digits in reference.cores_within(part):
            rows = self._core.find(hash(digits), MAX_SHARED)
            if rows and len(rows) <= MAX_SHARED:
                if reference.has_context(part, before):
                    return [self._exact(part.text, rows, digits, LOG_WORDED)]
                if len(digits) >= reference.SURE_DIGITS:
                    return [self._exact(part.text, rows, digits, LOG_NUMBER)]
                weight = LOG_EXACT + self._lengths.room(len(digits)) + LOG_SHORT
                return [_mention(part.text, rows, ReferenceEvidence.WEAK, weight)]
        tail = self._tail.find(hash(reference.core(part.digits)), MAX_SHARED) if part.is_number else []
        if not 0 < len(tail) <= MAX_SHARED:
            return []
        return [_mention(part.text, tail, ReferenceEvidence.WEAK, len(part.digits) * math.log(10) + LOG_SHORT)]

    def _runs(self, part: Chunk) -> list[Mention]:
        """Read several numbers written as one run of digits: from the left, the longest known number first.

        One known number alone inside a longer run may be chance, so it counts as damaged.
        """
        run = part.digits
        if len(run) < MIN_RUN_TO_SCAN:
            return []
        has = self._lengths.has
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
        return [_mention(p, rows, ReferenceEvidence.DAMAGED, self._damaged_weight(p)) for p, rows in pieces]

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


def _mention(text: str, rows: list[int], level: ReferenceEvidence, weight: float) -> Mention:
    unique = tuple(sorted(set(rows)))
    return Mention(text, unique, level, weight - math.log(len(unique)))


def _unique(mentions: Iterable[Mention]) -> list[Mention]:
    """Keep the most telling mention of each set of rows, in the order of the text."""
    best: dict[tuple[int, ...], Mention] = {}
    for mention in mentions:
        held = best.get(mention.rows)
        if held is None or mention.weight > held.weight:
            best[mention.rows] = mention
    return list(best.values())
