"""What a short answer to a text asks for: no more texts, texts again, or help."""

from __future__ import annotations

import unicodedata
from enum import StrEnum

MAX_CHARACTERS = 1_600  # of one text, as carriers take them


class Wish(StrEnum):
    """What somebody wants who answers with a keyword."""

    STOP = "stop"
    START = "start"
    HELP = "help"


# CTIA's Messaging Principles and 47 CFR 64.1200(a)(10) name the English ones; the others are theirs in our languages.
_STOP = frozenset(
    "stop stopall unsubscribe cancel end quit revoke optout stopp abmelden beenden arret arreter desabonner".split()
)
_START = frozenset("start unstop yes".split())
_HELP = frozenset("help info hilfe aide".split())


def wish_of(text: str) -> Wish | None:
    """Return the wish of a text, None for any other answer.

    A text that begins with a stop word is one, whatever follows: stopping in vain costs a text, going on costs trust.
    To start again somebody must say just that.
    """
    words = _plain(text[:MAX_CHARACTERS]).split()
    if not words:
        return None
    if words[0] in _STOP or words[:2] in (["opt", "out"], ["no", "more"], ["keine", "sms"], ["plus", "de"]):
        return Wish.STOP
    if len(words) == 1:
        return Wish.START if words[0] in _START else Wish.HELP if words[0] in _HELP else None
    return None


def _plain(text: str) -> str:
    """Lower case without accents and punctuation."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(
        letter if letter.isalnum() or letter.isspace() else " "
        for letter in letters
        if not unicodedata.combining(letter)
    )
