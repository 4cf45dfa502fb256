"""Who paid: names normalised, compared, and looked up among the customers."""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from enum import IntEnum
from heapq import nsmallest
from typing import Final

from anyascii import anyascii
from rapidfuzz import fuzz

from reconcile.postings import Postings

MAX_NAME_CANDIDATES: Final = 24
MAX_NAMESAKES: Final = 64  # a name that more customers bear to the letter says nothing
MAX_GRAM_ENTRIES: Final = 2_000  # looked at for one name, those of rare letter triples first
MAX_CACHED_NAMES: Final = 50_000
SAME_NAME_RATIO: Final = 90.0  # rapidfuzz ratio from 0 to 100: one letter in ten may differ
LIKE_NAME_RATIO: Final = 65.0
MIN_INITIALS: Final = 2
NEAREST_MARGIN: Final = 3.0
MIN_SHORT_LETTERS: Final = 8  # of a name whose words are cut
START_LETTERS: Final = 8

LEGAL_FORMS: Final = frozenset(
    "AB AG AS AS APS BV BVBA CO COMPANY CORP CORPORATION CV EG EK EURL GBR GMBH GROUP INC INCORPORATED KFT KG KGAA "
    "LDA LIMITED LLC LLP LTD LTDA MBH NV OHG OY OYJ PARTNERS PLC PTE PTY PVT SA SARL SAS SE SL SNC SP SPA SRL SRO UG "
    "VE AE EPE AO DOO EOOD OAO OOD OOO PAO SPOL TOV ZAO ZOO 有限公司 有限会社 株 株式会社".split()
)
# Without spaces around them in Chinese and Japanese names.
_JOINED_FORMS: Final = re.compile("株式会社|有限会社|(?:股份)?有限公司")
# Chinese characters stay: many that differ are spoken alike, and names that sound alike are not the same.
_TRANSLITERATED: Final = re.compile("[^\x00-\x7f\u3005\u3400-\u4dbf\u4e00-\u9fff]+")
_NO_LETTERS: Final = dict.fromkeys(map(ord, "©®"), " ")
_LETTER_PAIRS: Final = str.maketrans({"Ä": "AE", "Ö": "OE", "Ü": "UE", "Ø": "OE", "Å": "AA"})
_WORD: Final = re.compile(r"\w+")
_DOTTED: Final = re.compile(r"\b(\w)[./](?=\w\b)")


class PayerEvidence(IntEnum):
    """How well a payer and a customer agree; a higher value is better evidence."""

    CONFLICT = 0
    UNKNOWN = 1
    WEAK = 2
    NAME = 3
    KNOWN = 4


def words(name: str) -> list[str]:
    """Return the words of a name in plain capital letters: `S.A.R.L.` reads `SARL`, `Łódź` `LODZ`, `&` is no word."""
    return spellings(name)[0]


def spellings(name: str) -> list[list[str]]:
    """Return the words of a name in each way to write it in plain letters: `Müller` is `MULLER` and `MUELLER`.

    A name that has nothing but plain letters is written in one way. Other alphabets are written in Latin letters.
    """
    if name.isascii():
        return [_words_of(name.upper())]
    text = _JOINED_FORMS.sub(r" \g<0> ", unicodedata.normalize("NFKC", name).upper().translate(_NO_LETTERS))
    plain, paired = _in_latin(text), _in_latin(text.translate(_LETTER_PAIRS))
    return [plain] if plain == paired else [plain, paired]


def _in_latin(text: str) -> list[str]:
    return _words_of(_TRANSLITERATED.sub(lambda found: anyascii(found[0]), text).upper())


def _words_of(text: str) -> list[str]:
    if "." in text or "/" in text:
        text = _DOTTED.sub(r"\1", text.replace("Z O.O", "Z.O.O").replace("S R.O", "S.R.O"))
    return _WORD.findall(text.replace("'", ""))


def normal_names(name: str) -> list[str]:
    """Return a name as one comparable text for each of its spellings, legal forms included."""
    return [" ".join(each) for each in spellings(name)]


def _bare(every: Sequence[str]) -> str:
    """Join the words of a name without its legal forms; all of them if nothing else is left."""
    return " ".join(word for word in every if word not in LEGAL_FORMS) or " ".join(every)


def _initials(bare: str) -> str:
    """The first letters of a bare name's words (`LUMEN POWER TECHNOLOGIES`: LPT)."""
    return "".join(word[0] for word in bare.split())


def compare(left: str, right: str) -> PayerEvidence:
    """Compare two names: the same, alike or abbreviated, or unlike (UNKNOWN)."""
    lefts, rights = spellings(left), spellings(right)
    if any(each in rights for each in lefts):
        return PayerEvidence.NAME
    return max(_compare_bare(_bare(one), _bare(other)) for one in lefts for other in rights)


def _compare_bare(left: str, right: str) -> PayerEvidence:
    ratio = fuzz.token_sort_ratio(left, right, score_cutoff=LIKE_NAME_RATIO)
    if ratio >= SAME_NAME_RATIO or _shortens(left, right):
        return PayerEvidence.NAME
    return PayerEvidence.WEAK if ratio >= LIKE_NAME_RATIO or _abbreviates(left, right) else PayerEvidence.UNKNOWN


def _abbreviates(left: str, right: str) -> bool:
    """Whether the first word of one bare name has the first letters of all words of the other."""
    first = left.partition(" ")[0]
    return MIN_INITIALS <= len(first) == right.count(" ") + 1 and first == _initials(right)


def _shortens(short: str, name: str) -> bool:
    """Whether the words of `short` begin words of `name`, in order, the first the first (`Harb Supp`)."""
    if len(short) < MIN_SHORT_LETTERS or len(short) > len(name) or short[0] != name[:1]:
        return False
    rest = name.split()
    if not rest[0].startswith(short.partition(" ")[0]):
        return False
    for word in short.split():
        while rest and not rest[0].startswith(word):
            rest.pop(0)
        if not rest:
            return False
        rest.pop(0)
    return True


class NameBook:
    """An incremental index of customers by id, and by exact and bare name, beginning, initials and letter triples.

    A customer keeps its code, a small number, for as long as the book lives.
    """

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._ids: list[str] = []
        self._names: list[str] = []
        self._bare: list[str] = []
        self._also: dict[int, str] = {}  # the bare names of those that are spelled in a second way
        self._keys = Postings()
        self._grams: defaultdict[str, array[int]] = defaultdict(lambda: array("i"))
        self._cache: dict[str, dict[int, PayerEvidence]] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def code(self, customer_id: str) -> int:
        """The code of a customer, a new one if it is new."""
        code = self._codes.get(customer_id)
        if code is None:
            code = self._codes[customer_id] = len(self._ids)
            self._ids.append(customer_id)
            self._names.append("")
            self._bare.append("")
        return code

    def known_code(self, customer_id: str) -> int | None:
        """The code of a customer, None for one that the book does not know."""
        return self._codes.get(customer_id)

    def id_of(self, code: int) -> str:
        """The customer that bears a code."""
        return self._ids[code]

    def add(self, customer_id: str, name: str) -> int:
        """Index or rename a customer, and return its code. An empty name changes nothing."""
        code = self.code(customer_id)
        if not name or self._names[code] == name:
            return code
        self._forget(code)
        ways = spellings(name)
        self._names[code], self._bare[code] = name, _bare(ways[0])
        if len(ways) > 1:
            self._also[code] = _bare(ways[1])
        for key in _keys(ways):
            self._keys.add(hash(key), code)
        for gram in _grams(ways):
            self._grams[gram].append(code)
        self._cache.clear()
        return code

    def _forget(self, code: int) -> None:
        name = self._names[code]
        if not name:
            return
        ways = spellings(name)
        self._also.pop(code, None)
        for key in _keys(ways):
            self._keys.remove(hash(key), code)
        for gram in _grams(ways):
            self._grams[gram].remove(code)

    def name_of(self, code: int) -> str:
        """The customer's name, or its id where no name is known."""
        return self._names[code] or self._ids[code]

    def resolve(self, payer_name: str) -> dict[int, PayerEvidence]:
        """Return the codes that a payer's name could be; only the same name when one is the same to the letter."""
        cached = self._cache.get(payer_name)
        if cached is None:
            if len(self._cache) >= MAX_CACHED_NAMES:
                self._cache.clear()
            cached = self._cache[payer_name] = self._search(payer_name)
        return cached

    def _search(self, payer_name: str) -> dict[int, PayerEvidence]:
        ways = spellings(payer_name)
        if not ways[0]:
            return {}
        same: set[int] = set()
        for every in ways:
            same.update(self._keys.find(hash("=" + " ".join(every)), MAX_NAMESAKES))
        if len(same) > MAX_NAMESAKES:
            return {}
        if same:
            return dict.fromkeys(self._in_order(self._written_alike(payer_name, same)), PayerEvidence.NAME)
        bares = list(map(_bare, ways))
        nearest: dict[int, None] = {}
        for key in (*_keys(ways), *(f"i{bare.partition(' ')[0]}" for bare in bares)):
            codes = self._keys.find(hash(key), MAX_NAME_CANDIDATES)
            if len(codes) <= MAX_NAME_CANDIDATES:  # what more customers share tells less than their letter triples
                nearest.update(dict.fromkeys(codes))
        found = {code: self._nearness(bares, code) for code in nearest}
        if PayerEvidence.NAME not in found.values():  # nothing that shares triples alone would be nearer
            found |= {code: self._nearness(bares, code) for code in self._by_grams(ways) if code not in found}
        best = max(found.values(), default=PayerEvidence.UNKNOWN)
        kept = [code for code, level in found.items() if level == best > PayerEvidence.UNKNOWN]
        return dict.fromkeys(self._in_order(self._closest(" ".join(ways[0]), kept)), best)

    def _written_alike(self, name: str, codes: Collection[int]) -> Collection[int]:
        """Of several that are the same in plain letters, those that are written with the very same ones, if any is."""
        if len(codes) < 2:
            return codes
        written = name.casefold()
        return [code for code in codes if self._names[code].casefold() == written] or codes

    def _nearness(self, bares: Sequence[str], code: int) -> PayerEvidence:
        """How well a customer's bare name agrees with one given in some spellings; the best of all of them."""
        level = _compare_bare(bares[0], self._bare[code])
        if len(bares) == 1 and code not in self._also:
            return level
        others = (self._bare[code], self._also.get(code, self._bare[code]))
        return max(level, *(_compare_bare(bare, other) for bare in bares for other in others))

    def _in_order(self, codes: Iterable[int]) -> list[int]:
        """Codes in an order that does not depend on when their customers became known."""
        return sorted(codes, key=self._ids.__getitem__)

    def _closest(self, name: str, codes: Sequence[int]) -> list[int]:
        """Of several that fit, those whose whole names, legal forms included, are nearest."""
        if len(codes) < 2:
            return list(codes)
        ratios = {code: fuzz.ratio(name, " ".join(words(self._names[code]))) for code in codes}
        best = max(ratios.values())
        return [code for code in codes if ratios[code] >= best - NEAREST_MARGIN]

    def _by_grams(self, ways: Sequence[Sequence[str]]) -> Iterable[int]:
        grams = sorted((len(self._grams[gram]), gram) for gram in _grams(ways) if gram in self._grams)
        overlap: Counter[int] = Counter()
        seen = 0
        for count, gram in grams:
            seen += count
            if seen > MAX_GRAM_ENTRIES:
                break
            overlap.update(self._grams[gram])
        if len(overlap) <= MAX_NAME_CANDIDATES:
            return overlap
        least = sorted(overlap.values())[-MAX_NAME_CANDIDATES]
        surely = [code for code, count in overlap.items() if count > least]
        level = [code for code, count in overlap.items() if count == least]
        named = zip(map(self._names.__getitem__, level), map(self._ids.__getitem__, level), level, strict=True)
        return surely + [code for _, _, code in nsmallest(MAX_NAME_CANDIDATES - len(surely), named)]


def _keys(ways: Sequence[Sequence[str]]) -> set[str]:
    keys = set()
    for every in ways:
        bare = _bare(every)
        compact = bare.replace(" ", "")
        keys |= {f"={' '.join(every)}", f"b{bare}", f"s{compact[:START_LETTERS]}", f"i{_initials(bare)}"}
    return keys


def _grams(ways: Sequence[Sequence[str]]) -> set[str]:
    return {bare[at : at + 3] for bare in map(_bare, ways) for at in range(max(1, len(bare) - 2))}
