"""Who paid: names normalised, compared, and looked up among the customers with open items."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from enum import IntEnum

from rapidfuzz import fuzz

MAX_NAME_CANDIDATES = 12
MAX_CACHED_NAMES = 50_000
SAME_NAME_RATIO = 90.0  # rapidfuzz ratio from 0 to 100: one letter in ten may differ
LIKE_NAME_RATIO = 65.0
MIN_INITIALS = 2

LEGAL_FORMS = frozenset(
    "AB AG AS AS APS BV BVBA CO COMPANY CORP CORPORATION CV EG EK EURL GBR GMBH GROUP INC INCORPORATED KFT KG KGAA "
    "LDA LIMITED LLC LLP LTD LTDA MBH NV OHG OY OYJ PARTNERS PLC PTE PTY PVT SA SARL SAS SE SL SNC SP SPA SRL SRO UG "
    "VE 株式会社 有限会社".split()
)
_WORD = re.compile(r"\w+")
_DOTTED = re.compile(r"\b(\w)\.(?=\w\b)")


class PayerEvidence(IntEnum):
    """How well a payer and a customer agree; a higher value is better evidence."""

    CONFLICT = 0
    UNKNOWN = 1
    WEAK = 2
    NAME = 3
    KNOWN = 4


def words(name: str) -> list[str]:
    """Return the words of a name without accents, dots and case: `S.A.R.L.` reads `SARL`, `&` is no word."""
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(c for c in plain if not unicodedata.combining(c)).upper()
    return _WORD.findall(_DOTTED.sub(r"\1", plain).replace("'", ""))


def normal_name(name: str) -> str:
    """Return a name as one comparable text, legal forms included."""
    return " ".join(words(name))


def bare_name(name: str) -> str:
    """Return a name without its legal forms; the whole name if nothing else is left."""
    every = words(name)
    return " ".join(word for word in every if word not in LEGAL_FORMS) or " ".join(every)


def initials(name: str) -> str:
    """Return the first letters of the words of a name without legal forms (`Lumen Power Technologies`: LPT)."""
    return "".join(word[0] for word in bare_name(name).split())


def compare(left: str, right: str) -> PayerEvidence:
    """Compare two names: the same, alike or abbreviated, or unlike (UNKNOWN)."""
    if normal_name(left) == normal_name(right):
        return PayerEvidence.NAME
    bare_left, bare_right = bare_name(left), bare_name(right)
    ratio = fuzz.token_sort_ratio(bare_left, bare_right)
    if ratio >= SAME_NAME_RATIO:
        return PayerEvidence.NAME
    if ratio >= LIKE_NAME_RATIO or _abbreviates(bare_left, right):
        return PayerEvidence.WEAK
    return PayerEvidence.UNKNOWN


def _abbreviates(text: str, name: str) -> bool:
    short = initials(name)
    first = text.partition(" ")[0]
    return len(short) >= MIN_INITIALS and first == short


class NameBook:
    """An incremental index of customer names by exact text, words, initials and letter triples."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._exact: defaultdict[str, set[str]] = defaultdict(set)
        self._grams: defaultdict[str, set[str]] = defaultdict(set)
        self._cache: dict[str, dict[str, PayerEvidence]] = {}

    def add(self, customer_id: str, name: str) -> None:
        """Index or rename a customer."""
        if self._names.get(customer_id) == name:
            return
        self.remove(customer_id)
        self._names[customer_id] = name
        self._exact[normal_name(name)].add(customer_id)
        for gram in _grams(name):
            self._grams[gram].add(customer_id)
        self._cache.clear()

    def remove(self, customer_id: str) -> None:
        """Forget a customer; unknown ids are ignored."""
        name = self._names.pop(customer_id, None)
        if name is None:
            return
        self._exact[normal_name(name)].discard(customer_id)
        for gram in _grams(name):
            self._grams[gram].discard(customer_id)
        self._cache.clear()

    def name_of(self, customer_id: str) -> str:
        """The customer's name, or its id where no name is known."""
        return self._names.get(customer_id) or customer_id

    def resolve(self, payer_name: str) -> dict[str, PayerEvidence]:
        """Return the customers that a payer's name could be; only the same name when one is the same to the letter."""
        key = normal_name(payer_name)
        if not key:
            return {}
        cached = self._cache.get(key)
        if cached is None:
            if len(self._cache) >= MAX_CACHED_NAMES:
                self._cache.clear()
            cached = self._cache[key] = self._search(key, payer_name)
        return cached

    def _search(self, key: str, payer_name: str) -> dict[str, PayerEvidence]:
        same = self._exact.get(key)
        if same:
            return dict.fromkeys(sorted(same), PayerEvidence.NAME)
        overlap: Counter[str] = Counter()
        for gram in _grams(payer_name):
            overlap.update(self._grams.get(gram, ()))
        nearest = sorted(overlap, key=lambda customer: (-overlap[customer], customer))[:MAX_NAME_CANDIDATES]
        found = {customer: compare(payer_name, self._names[customer]) for customer in nearest}
        return {customer: level for customer, level in found.items() if level > PayerEvidence.UNKNOWN}


def _grams(name: str) -> set[str]:
    bare = bare_name(name)
    grams = {bare[at : at + 3] for at in range(max(1, len(bare) - 2))}
    first = bare.partition(" ")[0]
    return grams | {f"={initials(name)}", f"={first}"}
