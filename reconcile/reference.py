"""References in free text: chunks, spellings of a number, look-alike characters, and creditor references."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

MAX_TEXT_CHARACTERS: Final = 2_000  # the longest remittance a SEPA or SWIFT message carries is 9,000; the rest is prose
MAX_CHUNKS: Final = 160
MIN_CORE_DIGITS: Final = 3  # shorter numbers occur by chance in any text, and name an item only behind such a word
MAX_PREFIX_LETTERS: Final = 5
SURE_DIGITS: Final = 6  # so many digits in a row name an item without further words
SURE_LETTERS_AND_DIGITS: Final = 5
MIN_DAMAGED_DIGITS: Final = 5
_DIGITS: Final = "0123456789"

_CHUNK: Final = re.compile(r"[A-Z0-9]+")
_AROUND_CHUNKS: Final = re.compile(r"([A-Z0-9]+)")
_RUN: Final = re.compile(r"[0-9]+")
_LAST_RUN: Final = re.compile(r"([0-9]+)[^0-9]*$")
_LOOK_ALIKE_TAIL: Final = re.compile(r"[0-9OQILSBZ]+$")
_JOINABLE_GAP: Final = re.compile(r"[\s\-./_#:]{0,3}$")
_LIST_GAP: Final = re.compile(r"\s*(?:[/,;+&\-]|AND|UND|ET|Y|E)?\s*$")
_FOLD: Final = str.maketrans("OQILSBZ", "0011582")
DOCUMENT_WORDS: Final = frozenset(
    "INV INVOICE INVOICES INVS BILL RECHNUNG RECHNUNGEN RGNR FACTURE FACTURES FACTURA FACTUUR FAKTURA FATTURA".split()
)
CONTEXT_WORDS: Final = DOCUMENT_WORDS | frozenset(
    "N NO NR NUM NUMBER REF REFERENCE RE RG RN FACT FAC FT DOC DOCUMENT SI CN CREDIT GUTSCHRIFT".split()
)


class Chunk(NamedTuple):
    """A run of letters and digits in the text; `gap` is what stands between it and the chunk before."""

    text: str
    gap: str
    digits: str

    @property
    def is_number(self) -> bool:
        """Whether the chunk has digits only."""
        return self.digits == self.text


class Spelling(NamedTuple):
    """The keys under which one number is found: `full` is folded letters and digits, `core` its digits."""

    full: str
    core: str
    tail: str


_NO_SPELLING: Final = Spelling("", "", "")


def normalise(text: str) -> str:
    """Upper case, compatibility forms unified (full-width digits and the like), and bounded in length."""
    if text.isascii():
        return text[:MAX_TEXT_CHARACTERS].upper()
    return unicodedata.normalize("NFKC", text[:MAX_TEXT_CHARACTERS]).upper()


def fold(text: str) -> str:
    """Map letters that are read or typed for digits onto those digits (O 0, I and L 1, S 5, B 8, Z 2)."""
    return text if text.isdigit() else text.translate(_FOLD)


def spelling(number: str) -> Spelling:
    """Return the keys of a document number or further reference; empty strings where it has no digits."""
    normal = normalise(number)
    digits = digits_of(normal)
    if not digits:
        return _NO_SPELLING
    last = _LAST_RUN.search(normal)
    run = last.group(1) if last is not None else ""
    tail = run.lstrip("0") if MIN_CORE_DIGITS <= len(run) < len(digits) else ""
    return Spelling(full=fold("".join(_CHUNK.findall(normal))), core=core(digits), tail=tail)


def digits_of(normal: str) -> str:
    """The digits of normalised text, one after the other."""
    return "".join(_RUN.findall(normal))


def core(digits: str) -> str:
    """Digits without leading zeros, which people drop and systems pad."""
    return digits.lstrip("0")


def chunks(text: str) -> list[Chunk]:
    """Split normalised text into at most MAX_CHUNKS chunks."""
    pieces = _AROUND_CHUNKS.split(text, MAX_CHUNKS)
    return [Chunk(word, gap, _digits_in(word)) for gap, word in zip(pieces[::2], pieces[1::2], strict=False)]


def _digits_in(word: str) -> str:
    return word if word.isdigit() else "" if word.isalpha() else digits_of(word)


@lru_cache(maxsize=8)  # a receipt's text is asked about anew for each payer that it could be of
def parts_of(text: str) -> tuple[Chunk, ...]:
    """Split text as it came into its chunks."""
    return tuple(chunks(normalise(text)))


@lru_cache(maxsize=256)  # most gaps are a blank or a sign
def joins(gap: str) -> bool:
    """Whether two chunks with `gap` between them may be one number that was broken apart."""
    return _JOINABLE_GAP.match(gap) is not None


def lists(gap: str) -> bool:
    """Whether `gap` may separate two numbers of one list."""
    return _LIST_GAP.match(gap) is not None


def cores_within(chunk: Chunk) -> list[str]:
    """Return the digit cores that a chunk may hold: all its digits, each run, and a tail with look-alikes."""
    found = [chunk.digits, *_RUN.findall(chunk.text)]
    found.append(folded_tail(chunk.text))
    return list(dict.fromkeys(core(digits) for digits in found if len(digits) >= MIN_CORE_DIGITS))


def folded_tail(text: str) -> str:
    """The digits at the end of a chunk, letters that stand for digits included (`INVII2633`: 112633)."""
    tail = _LOOK_ALIKE_TAIL.search(text)
    return "" if tail is None else fold(tail.group())


def has_context(chunk: Chunk, before: Chunk | None) -> bool:
    """Whether a word such as "invoice", or a `#`, introduces the chunk (`INV1001`, `Invoice 1001`, `#1001`)."""
    prefix = chunk.text.rstrip("0123456789")
    if prefix in CONTEXT_WORDS or "#" in chunk.gap:
        return True
    return before is not None and not prefix and before.text in CONTEXT_WORDS


def is_short_number(chunk: Chunk, before: Chunk | None) -> bool:
    """Whether a word for a document introduces a number too short to name one by itself (`INV-7`, `Invoice 12`)."""
    if not chunk.digits or len(chunk.digits) >= MIN_CORE_DIGITS:
        return False
    word = before.text if chunk.is_number and before is not None else chunk.text.rstrip("0123456789")
    return word in DOCUMENT_WORDS


def is_prefix(chunk: Chunk, after: Chunk) -> bool:
    """Whether a chunk may be the letters with which the number in the next one begins (`HS-4021`, `HS 4021`)."""
    return not chunk.digits and len(chunk.text) <= MAX_PREFIX_LETTERS and after.is_number and joins(after.gap)


def shortened(digits: str, places: range) -> list[str]:
    """`digits` with the one at each of these places lost."""
    return [digits[:at] + digits[at + 1 :] for at in places]


def changed(digits: str, places: range) -> list[str]:
    """`digits` with another at each of these places, or with two neighbours exchanged that begin there."""
    found = []
    for at in places:
        before, digit, after = digits[:at], digits[at], digits[at + 1 :]
        found += [before + other + after for other in _DIGITS if other != digit]
        if after and after[0] != digit:
            found.append(before + after[0] + digit + after[1:])
    return found


def lengthened(digits: str, places: range) -> list[str]:
    """`digits` with one more before each of these places."""
    return [digits[:at] + other + digits[at:] for at in places for other in _DIGITS]


def damaged_tokens(parts: Sequence[Chunk]) -> list[str]:
    """The long digit cores in the text that may be damaged numbers, those broken in two included."""
    tokens = [part.digits for part in parts]
    tokens += [a.digits + b.digits for a, b in pairwise(parts) if joins(b.gap)]
    return list(dict.fromkeys([core(token) for token in tokens if len(token) >= MIN_DAMAGED_DIGITS]))
