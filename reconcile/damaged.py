"""Numbers that are written wrong: one or two characters off, cut short, or somewhere inside a longer run of digits."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from reconcile import reference
from reconcile.mention import MAX_SHARED, Mention, ReferenceEvidence, mention
from reconcile.numbering import BEGINNING_DIGITS, MAX_LENGTH, Numbering
from reconcile.postings import Postings

MAX_TOKENS: Final = 6
MAX_NEIGHBOURS: Final = 32  # a damaged number near more than so many is no guide
MAX_INSIDE: Final = 16
TELLING: Final = 9.0  # a mention that by itself makes an item worth trying
MIN_INSIDE_RATIO: Final = 88.0  # of 100: one digit of ten lost, added or changed
MIN_RUN_TO_SCAN: Final = 12  # from here on a run of digits may be several numbers written without a blank
MAX_SCANNED: Final = 200  # items of one payer whose numbers are compared with a damaged one

# How often payers write a number so, as logarithms.
LOG_DAMAGED: Final = math.log(0.07)
LOG_TWICE_DAMAGED: Final = math.log(0.01)
LOG_CUT: Final = math.log(0.02)
LOG_INSIDE: Final = -6.0  # a damaged number inside a longer run begins and ends anywhere

Owners = Mapping[str, list[int]]


def one_off(text: str, cores: Postings, numbering: Numbering, *, least: float = -math.inf) -> list[Mention]:
    """Return what `text` would name if one character of a number were wrong, whether or not it names something.

    Only numbers of a length at which being near tells `least` or more (`log_damaged`) are looked up: where numbers
    follow each other, each is near twenty others, and looking through those that anything else speaks for costs less.
    """
    tokens = reference.damaged_tokens(reference.parts_of(text))[:MAX_TOKENS]
    return [each for token in tokens if len(token) <= MAX_LENGTH for each in _near(token, cores, numbering, least)]


def among(text: str, cores: Iterable[tuple[int, Sequence[str]]], numbering: Numbering) -> list[Mention]:
    """Return what `text` names among at most MAX_SCANNED items (rows with the cores of their numbers) of a payer.

    Numbers may be damaged twice, cut short, or run together with others. A piece of a longer run and a number cut
    short name an item only beside other evidence.
    """
    parts = reference.parts_of(text)
    run = "".join(part.digits for part in parts)
    if not run:
        return []
    owners: dict[str, list[int]] = {}
    for row, numbers in cores:
        for key in numbers:
            if len(key) >= reference.MIN_DAMAGED_DIGITS:
                owners.setdefault(key, []).append(row)
    keys = list(owners)
    found: list[Mention] = []
    for token in reference.damaged_tokens(parts)[:MAX_TOKENS]:
        found += _twice_damaged(token, keys, owners, numbering)
    found += _cut(parts[-1].digits, owners, numbering)
    found += _inside(run, keys, owners, numbering)
    return found


def log_damaged(length: int, numbering: Numbering) -> float:
    """How telling a number of this length is of which one character is wrong."""
    return LOG_DAMAGED + numbering.room(length) - math.log(20 * length)


def _near(token: str, cores: Postings, numbering: Numbering, least: float) -> Iterator[Mention]:
    found: dict[str, list[int]] = {}
    for key in _one_away(token, numbering, least):
        if len(key) >= reference.MIN_DAMAGED_DIGITS:
            rows = cores.find(hash(key), MAX_SHARED)
            if 0 < len(rows) <= MAX_SHARED:
                found[key] = rows
    if len(found) <= MAX_NEIGHBOURS:
        for key, rows in sorted(found.items()):
            yield mention(token, rows, ReferenceEvidence.DAMAGED, log_damaged(len(key), numbering))


def _one_away(token: str, numbering: Numbering, least: float) -> set[str]:
    """The numbers at a distance of one that the ledger may hold, of the lengths at which a damaged one tells.

    Behind its beginning a number may change in any way and begins as before, so that one look tells of all of them.
    A change or an addition that puts a zero first gives what a loss gives too, or `token` itself.
    """
    length = len(token)
    begins, rest = range(min(BEGINNING_DIGITS, length)), range(BEGINNING_DIGITS, length)
    found: set[str] = set()
    if _tells(length - 1, numbering, least):
        shorter = [reference.core(number) for number in reference.shortened(token, begins)]
        found.update([number for number in shorter if numbering.may_hold(number)])
        if numbering.may_hold(token[:-1]):
            found.update(reference.shortened(token, rest))
    if _tells(length, numbering, least):
        found.update([number for number in reference.changed(token, begins) if numbering.may_hold(number)])
        if numbering.may_hold(token):
            found.add(token)
            found.update(reference.changed(token, rest))
    if _tells(length + 1, numbering, least):
        found.update([number for number in reference.lengthened(token, begins) if numbering.may_hold(number)])
        if numbering.may_hold(token + token[-1]):
            found.update(reference.lengthened(token, range(len(begins), length + 1)))
    return found


def _tells(length: int, numbering: Numbering, least: float) -> bool:
    return numbering.has(length) and log_damaged(length, numbering) >= least


def _twice_damaged(token: str, keys: list[str], owners: Owners, numbering: Numbering) -> Iterator[Mention]:
    hits = process.extract(token, keys, scorer=OSA.distance, score_cutoff=2, limit=MAX_SHARED)
    for key, distance, _ in hits:
        if distance <= 1:
            yield mention(token, owners[key], ReferenceEvidence.DAMAGED, log_damaged(len(key), numbering))
        elif len(key) >= reference.SURE_DIGITS:
            weight = LOG_TWICE_DAMAGED + numbering.room(len(key)) - 2 * math.log(20 * len(key)) + math.log(2)
            yield mention(token, owners[key], ReferenceEvidence.WEAK, weight)


def _cut(last: str, owners: Owners, numbering: Numbering) -> Iterator[Mention]:
    if len(last) < reference.MIN_CORE_DIGITS:
        return
    for key, rows in owners.items():
        if len(last) < len(key) and key.startswith(last):
            weight = LOG_CUT + numbering.room(len(key)) - (len(key) - len(last)) * math.log(10)
            yield mention(last, rows, ReferenceEvidence.WEAK, weight)


def _inside(run: str, keys: list[str], owners: Owners, numbering: Numbering) -> Iterator[Mention]:
    if len(run) < MIN_RUN_TO_SCAN:
        return
    hits = process.extract(run, keys, scorer=fuzz.partial_ratio, score_cutoff=MIN_INSIDE_RATIO, limit=MAX_INSIDE)
    for key, _, _ in hits:
        weight = log_damaged(len(key), numbering) + (0.0 if key in run else LOG_INSIDE)
        place = fuzz.partial_ratio_alignment(run, key)
        piece = run if place is None else run[place.src_start : place.src_end]
        yield mention(piece, owners[key], ReferenceEvidence.DAMAGED, weight)
