"""Which customer of ours an account of another system is: exact keys first, then a name that only one bears."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """A customer of ours with every exact key it is known by (our id, its number, its id in the ledger)."""

    customer_id: str
    name: str
    keys: tuple[str, ...]


class CustomerBook:
    """Finds the customer behind a key or a name. A key or name that two customers share identifies nobody."""

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        self._by_key: dict[str, set[str]] = defaultdict(set)
        self._by_name: dict[str, set[str]] = defaultdict(set)
        for candidate in candidates:
            self._by_name[plain_name(candidate.name)].add(candidate.customer_id)
            for key in candidate.keys:
                self._by_key[key].add(candidate.customer_id)

    def find(self, *, keys: Iterable[str], name: str) -> str | None:
        """Return the customer that the first known key names, else the only one with this exact plain name."""
        for key in keys:
            found = self._by_key.get(key, set())
            if len(found) == 1:
                return next(iter(found))
        found = self._by_name.get(plain, set()) if (plain := plain_name(name)) else set()
        return next(iter(found)) if len(found) == 1 else None


def plain_name(name: str) -> str:
    """Return a name in lower case without accents, punctuation and doubled spaces."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    letters = "".join(character for character in decomposed if not unicodedata.combining(character))
    return re.sub(r"[\W_]+", " ", letters).strip()
