"""The noise model: how references, names and texts are damaged between a payer's desk and the bank statement.

Every rule is drawn on its own with the weights of a `Noise`. A reference is written in one of these ways:

- `clean` as printed; `core` its digits alone; `spaced` with other separators, groups or case;
- `look_alike` letters typed for digits (O for 0, I for 1, S for 5, B for 8);
- `dropped`, `changed`, `swapped`, `doubled`: one character lost, changed, exchanged with its neighbour, typed twice;
- `order` the buyer's own order number instead of ours; `creditor` an ISO 11649 reference with its check digits;
- `absent` not at all.

A payer's name is written in one of these ways: `same`, `plain` (capitals without accents), `bare` (no legal form),
`cut` (at 16 to 27 characters), `short` (words abbreviated), `typo` (one letter), `initials`, `other` (a person or firm
that nobody knows), `none`. The whole text is cut at 35 or 140 characters by some banks.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

LOOK_ALIKES = {"0": "O", "1": "I", "5": "S", "8": "B"}
FIRST = "Anna Ben Carla Deniz Elif Frank Gitte Hugo Ines Jonas Kira Liam Mona Nils Olga Paul Rosa Sven Tara Uwe".split()
LAST = "Adler Boyd Costa Diaz Ebert Fischer Gallo Haas Ivanov Jensen Koch Lopez Marin Novak Okoye Perez Rossi".split()


@dataclass(frozen=True)
class Noise:
    """Weights of the ways of writing, and the chances of what happens to a whole text or payer."""

    reference: Mapping[str, float]
    name: Mapping[str, float]
    cut_35: float
    cut_140: float
    joined_list: float
    shorthand_list: float
    no_account: float
    new_account: float
    pays_for_other: float


USUAL = Noise(
    reference={
        "clean": 56, "core": 13, "spaced": 8, "look_alike": 3.5, "dropped": 2.5, "changed": 2, "swapped": 1.5,
        "doubled": 1, "order": 5, "creditor": 1.5, "absent": 6,
    },
    name={
        "same": 40, "plain": 22, "bare": 10, "cut": 8, "short": 6, "typo": 5, "initials": 2, "other": 4, "none": 3,
    },
    cut_35=0.04, cut_140=0.20, joined_list=0.04, shorthand_list=0.10, no_account=0.15, new_account=0.08,
    pays_for_other=0.02,
)  # fmt: skip
HARSH = Noise(
    reference={
        "clean": 40, "core": 15, "spaced": 11, "look_alike": 6, "dropped": 4, "changed": 4, "swapped": 2.5,
        "doubled": 1.5, "order": 5, "creditor": 1, "absent": 10,
    },
    name={
        "same": 26, "plain": 22, "bare": 12, "cut": 11, "short": 9, "typo": 8, "initials": 2, "other": 5, "none": 5,
    },
    cut_35=0.07, cut_140=0.20, joined_list=0.06, shorthand_list=0.12, no_account=0.20, new_account=0.12,
    pays_for_other=0.03,
)  # fmt: skip


def draw(random: Random, weights: Mapping[str, float]) -> str:
    """Draw one name by its weight."""
    return random.choices(list(weights), list(weights.values()))[0]


def write_reference(random: Random, way: str, number: str, order: str) -> str:
    """Write a document number in one of the ways of the model."""
    core = "".join(c for c in number if c.isdigit())
    if way == "order":
        return order or number
    if way in {"clean", "absent"}:
        return "" if way == "absent" else number
    if way == "core":
        return core
    if way == "creditor":
        return creditor_reference("".join(c for c in number if c.isalnum()))
    if way == "spaced":
        return _spaced(random, number, core)
    if way == "look_alike":
        return "".join(LOOK_ALIKES.get(c, c) if random.random() < 0.5 else c for c in number)
    return _damage(random, way, number if random.random() < 0.6 else core)


def creditor_reference(body: str) -> str:
    """Give a body its `RF` and check digits (ISO 11649, ISO 7064 MOD 97-10)."""
    number = int("".join(str(int(c, 36)) for c in f"{body}RF00"))
    return f"RF{98 - number % 97:02}{body}"


def _spaced(random: Random, number: str, core: str) -> str:
    way = random.randrange(4)
    if way == 0:
        return number.replace("-", " ").lower()
    if way == 1:
        return number.replace("-", "")
    if way == 2:
        return f"{core[: len(core) // 2]} {core[len(core) // 2 :]}"
    return f"{number[:3].capitalize()}. No {core}"


def _damage(random: Random, way: str, text: str) -> str:
    places = [at for at, c in enumerate(text) if c.isdigit()]
    at = random.choice(places)
    if way == "dropped":
        return text[:at] + text[at + 1 :]
    if way == "doubled":
        return text[:at] + text[at] + text[at:]
    if way == "changed":
        return text[:at] + random.choice([d for d in "0123456789" if d != text[at]]) + text[at + 1 :]
    other = min(at + 1, len(text) - 1)
    letters = list(text)
    letters[at], letters[other] = letters[other], letters[at]
    return "".join(letters)


def write_name(random: Random, way: str, name: str) -> str:
    """Write a payer's name in one of the ways of the model."""
    words = name.split()
    if way == "plain":
        plain = unicodedata.normalize("NFKD", name)
        return "".join(c for c in plain if not unicodedata.combining(c)).upper()
    if way == "bare":
        return " ".join(words[:-1])
    if way == "cut":
        return name[: random.randint(16, 27)]
    if way == "short":
        return " ".join(w if len(w) < 6 or random.random() < 0.4 else w[: random.randint(3, 5)] for w in words)
    if way == "typo":
        at = random.randrange(1, len(name))
        return name[:at] + random.choice(["", random.choice("aeionrst"), name[at] * 2]) + name[at + 1 :]
    if way == "initials":
        return "".join(w[0] for w in words[:-1] if w[0].isalpha())
    if way == "other":
        return f"{random.choice(FIRST)} {random.choice(LAST)}"
    return "" if way == "none" else name
