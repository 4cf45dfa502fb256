"""Which open items a text names: exactly, in shorthand, joined to others, or with a damaged number."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from reconcile import reference
from reconcile.reference import Chunk

MAX_JOINED_CHUNKS = 4
MAX_SHARED = 40  # a key that more items share says nothing about which of them is meant
MAX_SEGMENT_KEYS = 64  # a beginning or ending that more numbers share is no guide to a damaged one
MAX_CLOSEST_KEYS = 6_000
MIN_BARE_SHORTHAND = 3  # shorter continuations of a list need a sign such as `/` or `,` before them
MAX_INSIDE = 16
MIN_INSIDE_RATIO = 88.0  # of 100: one digit of ten lost, added or changed
MIN_RUN_TO_SCAN = 12  # from here on a run of digits may be several numbers written without a blank


@dataclass(frozen=True, slots=True)
class Mention:
    """A piece of text that names one of `item_ids`. `exact`: undamaged and long enough not to be chance."""

    text: str
    item_ids: tuple[str, ...]
    exact: bool
    damaged: bool = False


class ReferenceBook:
    """An incremental index from the spellings of numbers to the items that bear them."""

    def __init__(self) -> None:
        self._full: defaultdict[str, set[str]] = defaultdict(set)
        self._core: defaultdict[str, set[str]] = defaultdict(set)
        self._tail: defaultdict[str, set[str]] = defaultdict(set)
        self._segments: defaultdict[str, set[str]] = defaultdict(set)
        self._lengths: Counter[int] = Counter()
        self._spellings: dict[str, tuple[reference.Spelling, ...]] = {}

    def add(self, item_id: str, numbers: Iterable[str]) -> None:
        """Index `numbers` for an item that is not in the book yet."""
        spellings = tuple(reference.spelling(number) for number in numbers)
        self._spellings[item_id] = spellings
        for spelling in spellings:
            for table, key in self._tables(spelling):
                table[key].add(item_id)
            if spelling.core:
                self._lengths[len(spelling.core)] += 1
                for segment in reference.segments(spelling.core):
                    self._segments[segment].add(spelling.core)

    def remove(self, item_id: str) -> None:
        """Forget an item; unknown ids are ignored."""
        for spelling in self._spellings.pop(item_id, ()):
            for table, key in self._tables(spelling):
                _discard(table, key, item_id)
            if spelling.core:
                self._lengths[len(spelling.core)] -= 1
            if spelling.core and spelling.core not in self._core:
                for segment in reference.segments(spelling.core):
                    _discard(self._segments, segment, spelling.core)

    def mentions(self, text: str) -> list[Mention]:
        """Return what `text` names, exact readings first claimed; damaged numbers only from what is left over."""
        normal = reference.normalise(text)
        parts = reference.chunks(normal)
        found: dict[int, list[Mention]] = {}
        self._read_creditor_references(normal, found)
        free = [bool(part.digits) or part.text in reference.CONTEXT_WORDS for part in parts]
        self._read_joined(parts, free, found)
        for at, part in enumerate(parts):
            if free[at] and len(part.digits) >= reference.MIN_CORE_DIGITS:
                mentions = self._within(part, parts[at - 1] if at else None) or self._runs(part)
                if mentions:
                    found.setdefault(at, []).extend(mentions)
                    free[at] = not any(mention.exact for mention in mentions)
        self._read_shorthand(parts, found, free)
        self._read_damaged(parts, found, free)
        every = [mention for at in sorted(found) for mention in found[at]]
        return list({(mention.item_ids, mention.exact): mention for mention in reversed(every)}.values())[::-1]

    def closest(self, text: str, item_ids: Iterable[str]) -> list[Mention]:
        """Return damaged mentions of the given items only: their numbers one edit from a number in `text`."""
        owners = self._owners_among(item_ids)
        mentions: list[Mention] = []
        for token in reference.damaged_tokens(reference.chunks(reference.normalise(text))):
            hits = process.extract(token, list(owners), scorer=OSA.distance, score_cutoff=1, limit=MAX_SHARED)
            items = {item for key, _, _ in hits for item in owners[key]}
            if items:
                mentions.append(Mention(token, tuple(sorted(items)), exact=False, damaged=True))
        return mentions

    def inside(self, text: str, item_ids: Iterable[str]) -> list[Mention]:
        """Return mentions of the given items whose numbers lie, maybe damaged, inside the digits of `text`."""
        run = "".join(part.digits for part in reference.chunks(reference.normalise(text)))
        if len(run) < MIN_RUN_TO_SCAN:
            return []
        owners = self._owners_among(item_ids)
        hits = process.extract(
            run, list(owners), scorer=fuzz.partial_ratio, score_cutoff=MIN_INSIDE_RATIO, limit=MAX_INSIDE
        )
        return [_mention(key, owners[key], exact=False, damaged=True) for key, _, _ in hits]

    def _owners_among(self, item_ids: Iterable[str]) -> dict[str, set[str]]:
        owners: defaultdict[str, set[str]] = defaultdict(set)
        for item_id in item_ids:
            for spelling in self._spellings.get(item_id, ()):
                if len(spelling.core) >= reference.MIN_DAMAGED_DIGITS and len(owners) < MAX_CLOSEST_KEYS:
                    owners[spelling.core].add(item_id)
        return owners

    def _tables(self, spelling: reference.Spelling) -> Iterable[tuple[defaultdict[str, set[str]], str]]:
        pairs = ((self._full, spelling.full), (self._core, spelling.core), (self._tail, spelling.tail))
        return [(table, key) for table, key in pairs if key]

    def _read_creditor_references(self, normal: str, found: dict[int, list[Mention]]) -> None:
        for body in reference.creditor_references(normal) if "RF" in normal else ():
            spelling = reference.spelling(body)
            owners = self._full.get(spelling.full) or self._core.get(spelling.core)
            if owners:
                found.setdefault(-1, []).append(_mention(body, owners, exact=True))

    def _read_joined(self, parts: Sequence[Chunk], free: list[bool], found: dict[int, list[Mention]]) -> None:
        for size in range(MAX_JOINED_CHUNKS, 0, -1):
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
            owners = self._full.get(reference.fold(text))
            if owners:
                return _mention(text, owners, exact=True)
        if len(digits) >= reference.SURE_DIGITS and all(part.is_number for part in window):
            owners = self._core.get(reference.core(digits))
            if owners:
                return _mention(digits, owners, exact=True)
        return None

    def _within(self, part: Chunk, before: Chunk | None) -> list[Mention]:
        for digits in reference.cores_within(part):
            owners = self._core.get(digits)
            if owners and len(owners) <= MAX_SHARED:
                sure = len(digits) >= reference.SURE_DIGITS or reference.has_context(part, before)
                return [_mention(part.text, owners, exact=sure)]
        tail = self._tail.get(reference.core(part.digits), set()) if part.is_number else set()
        return [_mention(part.text, tail, exact=False)] if 0 < len(tail) <= MAX_SHARED else []

    def _runs(self, part: Chunk) -> list[Mention]:
        """Read several numbers written as one run of digits: from the left, the longest known number first.

        One known number alone inside a longer run may be chance, so it counts as damaged.
        """
        run = part.digits
        if len(run) < MIN_RUN_TO_SCAN:
            return []
        lengths = [n for n in sorted(self._lengths, reverse=True) if n >= reference.SURE_DIGITS and self._lengths[n]]
        pieces: list[str] = []
        at = 0
        while at < len(run):
            piece = next((run[at : at + n] for n in lengths if run[at : at + n] in self._core), None)
            if piece is None:
                at += 1
                continue
            pieces.append(piece)
            at += len(piece)
        sure = len(pieces) > 1
        return [_mention(piece, self._core[piece], exact=sure, damaged=not sure) for piece in pieces]

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
            owners = self._core.get(reference.core(digits))
            if owners and len(owners) <= MAX_SHARED:
                found[at] = [_mention(part.text, owners, exact=True)]
                free[at] = False
                stem = digits

    def _read_damaged(self, parts: Sequence[Chunk], found: dict[int, list[Mention]], free: list[bool]) -> None:
        for at, part in enumerate(parts):
            if not free[at] or at in found:
                continue
            tokens = [part.digits]
            if at + 1 < len(parts) and free[at + 1] and reference.joins(parts[at + 1].gap):
                tokens.append(part.digits + parts[at + 1].digits)
            owners = {item for token in tokens for key in self._near(token) for item in self._core[key]}
            if 0 < len(owners) <= MAX_SHARED:
                found[at] = [Mention(part.text, tuple(sorted(owners)), exact=False, damaged=True)]

    def _near(self, token: str) -> set[str]:
        if len(token) < reference.MIN_DAMAGED_DIGITS:
            return set()
        keys: set[str] = set()
        for digits in {token, reference.core(token)}:
            for segment in reference.segments(digits):
                bucket = self._segments.get(segment, ())
                if len(bucket) <= MAX_SEGMENT_KEYS:
                    keys.update(key for key in bucket if reference.is_damaged_form(digits, key))
        return keys


def _mention(text: str, owners: set[str], *, exact: bool, damaged: bool = False) -> Mention:
    return Mention(text, tuple(sorted(owners)), exact=exact and len(owners) <= MAX_SHARED, damaged=damaged)


def _discard(table: defaultdict[str, set[str]], key: str, value: str) -> None:
    bucket = table.get(key)
    if bucket is not None:
        bucket.discard(value)
        if not bucket:
            del table[key]
