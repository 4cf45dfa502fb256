"""Which customer of ours an account of another system is: exact keys, or a name with proof beside it, else a proposal.

A false link sends reminders to the wrong people and mixes two customers' edits; a missing one asks a person. So a name
alone, however alike, is only ever proposed.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rapidfuzz import fuzz

MAX_CANDIDATES = 5
MAX_COMPARED = 300  # customers that one account is compared with: those that share its rarest words
LIKE = 80.0  # per cent of likeness from which two names are worth a person's look
_LONG_KEY = 6  # characters; a shorter one may be another numbering, so the names must not contradict it
_COMPATIBLE = 60.0

# Words that say a name is registered: a register keeps them unique in its country.
_REGISTERED = frozenset(
    "ltd limited llc inc incorporated corp corporation plc llp lp gmbh mbh ag kg ohg ug se sarl sas sa eurl bv nv "
    "dac oy oyj ab as asa aps srl spa sl slu lda pty pte kft sro doo".split()
)
_SHARED_HOSTS = frozenset(
    "gmail.com googlemail.com outlook.com hotmail.com live.com msn.com yahoo.com icloud.com me.com aol.com gmx.de "
    "gmx.net web.de t-online.de proton.me protonmail.com orange.fr free.fr btinternet.com comcast.net".split()
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A customer of ours with every exact key it is known by (our id, its number, its id in the ledger)."""

    customer_id: str
    name: str
    keys: tuple[str, ...]
    email: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """What another system says of an account; `emails` are those of its contacts."""

    name: str
    keys: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    country: str | None = None


@dataclass(frozen=True, slots=True)
class Likeness:
    """A customer that an account may be: how alike the names are (0 to 100), and what speaks for it, in words."""

    customer_id: str
    score: int
    reasons: tuple[str, ...]


class CustomerBook:
    """Finds the customer behind an account. A key or name that two customers share identifies nobody."""

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        self._all: dict[str, Candidate] = {}
        self._by_key: dict[str, set[str]] = defaultdict(set)
        self._by_name: dict[str, set[str]] = defaultdict(set)
        self._by_word: dict[str, set[str]] = defaultdict(set)
        self._by_address: dict[str, set[str]] = defaultdict(set)
        for each in candidates:
            self._all[each.customer_id] = each
            plain = plain_name(each.name)
            self._by_name[plain].add(each.customer_id)
            for word in plain.split():
                self._by_word[word].add(each.customer_id)
            for key in each.keys:
                self._by_key[key].add(each.customer_id)
            for address in _addresses([each.email] if each.email else []):
                self._by_address[address].add(each.customer_id)

    def by_key(self, account: Account) -> str | None:
        """Return the customer that the first known exact key names."""
        for key in account.keys:
            found = self._by_key.get(key, set())
            if len(found) == 1 and self._agrees(key, account, next(iter(found))):
                return next(iter(found))
        return None

    def by_name(self, account: Account) -> str | None:
        """Return the only customer with this exact name, where there is proof beside the name.

        Proof is the same e-mail address, or the same country where the name is a registered one (Ltd, GmbH).
        """
        plain = plain_name(account.name)
        bearers = self._by_name.get(plain, set()) if plain else set()
        if len(bearers) != 1:
            return None
        customer = self._all[next(iter(bearers))]
        if customer.email and plain_address(customer.email) in {plain_address(each) for each in account.emails}:
            return customer.customer_id
        land = plain_name(customer.country or "")
        same_country = bool(land) and land == plain_name(account.country or "")
        return customer.customer_id if same_country and is_registered(plain) else None

    def _agrees(self, key: str, account: Account, customer_id: str) -> bool:
        """Whether a key may be taken at its word: a short number may come from another numbering."""
        return len(key) >= _LONG_KEY or likeness(account.name, self._all[customer_id].name) >= _COMPATIBLE

    def candidates(self, account: Account) -> tuple[Likeness, ...]:
        """Return the customers that the account may be, the likeliest first, each with reasons for a person."""
        found = [self._likeness(account, self._all[customer_id]) for customer_id in self._worth_comparing(account)]
        worth = [each for each in found if each.score >= LIKE or len(each.reasons) > 1]
        worth.sort(key=lambda each: (-len(each.reasons), -each.score, each.customer_id))
        return tuple(worth[:MAX_CANDIDATES])

    def _worth_comparing(self, account: Account) -> list[str]:
        wanted: dict[str, None] = {}
        for key in account.keys:
            wanted |= dict.fromkeys(sorted(self._by_key.get(key, ())))
        for address in _addresses(account.emails):
            wanted |= dict.fromkeys(sorted(self._by_address.get(address, ())))
        words = [word for word in plain_name(account.name).split() if word not in _REGISTERED]
        for word in sorted(words, key=lambda each: (len(self._by_word.get(each, ())), each)):
            wanted |= dict.fromkeys(sorted(self._by_word.get(word, ())))
            if len(wanted) >= MAX_COMPARED:
                break
        return list(wanted)[:MAX_COMPARED]

    def _likeness(self, account: Account, customer: Candidate) -> Likeness:
        score = round(likeness(account.name, customer.name))
        reasons = [f"the names are {score} % alike" if score < 100 else "the names are the same"]
        theirs = {plain_address(each) for each in account.emails}
        if shared := sorted(set(account.keys) & set(customer.keys)):
            reasons.append(f"{shared[0]} names both")
        if customer.email and plain_address(customer.email) in theirs:
            reasons.append(f"{customer.email} is the address of both")
        elif own := sorted(_hosts([customer.email] if customer.email else []) & _hosts(account.emails)):
            reasons.append(f"both have addresses at {own[0]}")
        return Likeness(customer.customer_id, score, tuple(reasons))


def likeness(one: str, other: str) -> float:
    """Return how alike two names are, 0 to 100, whatever the order of their words and their legal form."""
    left, right = _bare(one), _bare(other)
    return fuzz.token_sort_ratio(left, right) if left and right else 0.0


def is_registered(plain: str) -> bool:
    """Whether a plain name ends in a legal form that a register keeps unique in its country."""
    words = plain.split()
    spelled = "".join(words[-2:]) if len(words) > 2 and all(len(each) == 1 for each in words[-2:]) else ""  # "b v"
    return len(words) > 1 and (words[-1] in _REGISTERED or spelled in _REGISTERED)


def plain_name(name: str) -> str:
    """Return a name in lower case without accents, punctuation and doubled spaces."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    letters = "".join(character for character in decomposed if not unicodedata.combining(character))
    return re.sub(r"[\W_]+", " ", letters).strip()


def plain_address(address: str) -> str:
    """Return an e-mail address as it is compared."""
    return address.strip().casefold()


def namesakes(names: Mapping[str, str]) -> set[str]:
    """Return the keys of `names` whose plain name another key bears as well."""
    bearers: defaultdict[str, list[str]] = defaultdict(list)
    for key, name in names.items():
        bearers[plain_name(name)].append(key)
    return {key for keys in bearers.values() if len(keys) > 1 for key in keys}


def _bare(name: str) -> str:
    words = [word for word in plain_name(name).split() if word not in _REGISTERED]
    return " ".join(words)


def _addresses(emails: Iterable[str]) -> set[str]:
    """E-mail addresses, and the hosts of those that belong to one business."""
    plain = {plain_address(each) for each in emails}
    return plain | _hosts(plain)


def _hosts(emails: Iterable[str]) -> set[str]:
    return {host for each in emails if (host := plain_address(each).rpartition("@")[2]) and host not in _SHARED_HOSTS}
