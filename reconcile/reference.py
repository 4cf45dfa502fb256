"""References in free text: chunks, spellings of a number, look-alike characters, and creditor references."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from rapidfuzz.distance import OSA

MAX_TEXT_CHARACTERS = 2_000  # the longest remittance a SEPA or SWIFT message carries is 9,000; the rest is prose
MAX_CHUNKS = 160
MIN_CORE_DIGITS = 3  # shorter numbers occur by chance in any text
SURE_DIGITS = 6  # so many digits in a row name an item without further words
SURE_LETTERS_AND_DIGITS = 5
MIN_DAMAGED_DIGITS = 6
SEGMENT_LENGTHS = (4, 5)

_CHUNK = re.compile(r"[A-Z0-9]+")
_RUN = re.compile(r"\d+")
_LOOK_ALIKE_TAIL = re.compile(r"[0-9OQILSBZ]+$")
_JOINABLE_GAP = re.compile(r"[\s\-./_#:]{0,3}$")
_LIST_GAP = re.compile(r"\s*(?:[/,;+&\-]|AND|UND|ET|Y|E)?\s*$")
_RF = re.compile(r"\bRF(\d{2})((?:\s?[A-Z0-9]){1,21})")
_FOLD = str.maketrans("OQILSBZ", "0011582")
CONTEXT_WORDS = frozenset(
    "INV INVOICE INVOICES INVS BILL NO NR NUM NUMBER REF REFERENCE RE RG RN RECHNUNG RECHNUNGEN RGNR FACTURE "
    "FACTURA FAKTURA FATTURA FACT FAC FT DOC DOCUMENT SI CN CREDIT GUTSCHRIFT".split()
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A run of letters and digits in the text; `gap` is what stands between it and the chunk before."""

    text: str
    gap: str
    digits: str

    @property
    def is_number(self) -> bool:
        """Whether the chunk has digits only."""
        return self.digits == self.text


@dataclass(frozen=True, slots=True)
class Spelling:
    """The keys under which one number is found: `full` is folded letters and digits, `core` its digits."""

    full: str
    core: str
    tail: str


def normalise(text: str) -> str:
    """Upper case, compatibility forms unified (full-width digits and the like), and bounded in length."""
    return unicodedata.normalize("NFKC", text[:MAX_TEXT_CHARACTERS]).upper()


def fold(text: str) -> str:
    """Map letters that are read or typed for digits onto those digits (O 0, I and L 1, S 5, B 8, Z 2)."""
    return text.translate(_FOLD)


def spelling(number: str) -> Spelling:
    """Return the keys of a document number or further reference; empty strings where it has too few digits."""
    letters = "".join(_CHUNK.findall(normalise(number)))
    runs = _RUN.findall(normalise(number))
    digits = "".join(runs)
    enough = len(digits) >= MIN_CORE_DIGITS
    tail = runs[-1].lstrip("0") if len(runs) > 1 and len(runs[-1]) >= MIN_CORE_DIGITS else ""
    return Spelling(full=fold(letters) if enough else "", core=core(digits) if enough else "", tail=tail)


def core(digits: str) -> str:
    """Digits without leading zeros, which people drop and systems pad."""
    return digits.lstrip("0")


def chunks(text: str) -> list[Chunk]:
    """Split normalised text into at most MAX_CHUNKS chunks."""
    found: list[Chunk] = []
    end = 0
    for match in _CHUNK.finditer(text):
        if len(found) == MAX_CHUNKS:
            break
        word = match.group()
        found.append(Chunk(word, text[end : match.start()], "".join(_RUN.findall(word))))
        end = match.end()
    return found


def joins(gap: str) -> bool:
    """Whether two chunks with `gap` between them may be one number that was broken apart."""
    return _JOINABLE_GAP.match(gap) is not None


def lists(gap: str) -> bool:
    """Whether `gap` may separate two numbers of one list."""
    return _LIST_GAP.match(gap) is not None


def cores_within(chunk: Chunk) -> list[str]:
    """Return the digit cores that a chunk may hold: all its digits, each run, and a tail with look-alikes."""
    found = [chunk.digits, *_RUN.findall(chunk.text)]
    tail = _LOOK_ALIKE_TAIL.search(chunk.text)
    if tail is not None:
        found.append(fold(tail.group()))
    return list(dict.fromkeys(core(digits) for digits in found if len(digits) >= MIN_CORE_DIGITS))


def has_context(chunk: Chunk, before: Chunk | None) -> bool:
    """Whether a word such as "invoice", or a `#`, introduces the chunk (`INV1001`, `Invoice 1001`, `#1001`)."""
    prefix = chunk.text.rstrip("0123456789")
    if prefix in CONTEXT_WORDS or "#" in chunk.gap:
        return True
    return before is not None and not prefix and before.text in CONTEXT_WORDS


def creditor_references(text: str) -> list[str]:
    """Return the bodies of the valid ISO 11649 creditor references (`RF18 5390 0754 7034`) in normalised text.

    Source: ISO 11649 with the check digits of ISO 7064 MOD 97-10: the body, `RF` and the two check digits, letters
    read as 10 to 35, leave 1 when divided by 97. Blanks may end or group a reference: the longest valid reading wins.
    """
    found: list[str] = []
    for match in _RF.finditer(text):
        words = match.group(2).split()
        for count in range(len(words), 0, -1):
            body = "".join(words[:count])
            if valid_creditor_reference(match.group(1), body):
                found.append(body)
                break
    return found


def valid_creditor_reference(check: str, body: str) -> bool:
    """Whether `check` are the ISO 7064 MOD 97-10 digits of an ISO 11649 reference with this body."""
    number = "".join(str(int(character, 36)) for character in f"{body}RF{check}")
    return int(number) % 97 == 1


def segments(digits: str) -> list[str]:
    """The beginnings and endings under which a damaged form of a number is looked for; none for short numbers."""
    if len(digits) < MIN_DAMAGED_DIGITS:
        return []
    return [text for n in SEGMENT_LENGTHS for text in (f"<{digits[:n]}", f"{digits[-n:]}>")]


def is_damaged_form(token: str, key: str) -> bool:
    """Whether `token` is `key` with one character lost, added, changed or swapped, or a long piece of it cut."""
    if abs(len(token) - len(key)) <= 1:
        return OSA.distance(token, key, score_cutoff=1) <= 1
    return len(token) < len(key) and (key.startswith(token) or key.endswith(token))


def damaged_tokens(parts: Sequence[Chunk]) -> list[str]:
    """The long digit cores in the text that may be damaged numbers, those broken in two included."""
    tokens = [part.digits for part in parts]
    tokens += [a.digits + b.digits for a, b in pairwise(parts) if joins(b.gap)]
    return list(dict.fromkeys(core(token) for token in tokens if len(token) >= MIN_DAMAGED_DIGITS))
