"""Months as banks write them: the names that CLDR gives them in Europe's languages, with or without accents."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from babel import Locale

# The more languages, the safer: a word that means another month in one of them is read in none.
_LANGUAGES = (
    "en", "en_GB", "de", "de_AT", "fr", "fr_CA", "es", "it", "pt", "nl", "ca", "gl", "da", "sv", "nb", "nn", "fi", "is",
    "et", "lv", "lt", "pl", "cs", "sk", "sl", "hr", "bs", "sr_Latn", "hu", "ro", "sq", "tr", "el", "bg", "mk", "uk",
    "mt", "ga",
)  # fmt: skip
_BESIDE_CLDR = {"mrz": 3}  # German banks
_CONTEXTS = ("format", "stand-alone")
_WIDTHS = ("abbreviated", "wide")


def month_of(word: str) -> int | None:
    """Return the month that a word names, 1 to 12; None when it names none, or not the same in all languages."""
    found = _months().get(folded(word), frozenset())
    return next(iter(found)) if len(found) == 1 else None


def folded(text: str) -> str:
    """Return a text in small letters without accents."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


@lru_cache(maxsize=1)
def _months() -> dict[str, frozenset[int]]:
    found: dict[str, frozenset[int]] = {word: frozenset({month}) for word, month in _BESIDE_CLDR.items()}
    for language in _LANGUAGES:
        names = Locale.parse(language).months
        for written in (names[context][width] for context in _CONTEXTS for width in _WIDTHS):
            for month, name in written.items():
                word = folded(name).strip(". ")
                found[word] = found.get(word, frozenset()) | {month}
    return found
