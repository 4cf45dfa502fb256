"""The amounts of money that a reply names."""

from __future__ import annotations

import re

from receivables.money import Money, MoneyError

_SIGNS = {"£": "GBP", "€": "EUR", "euro": "EUR", "euros": "EUR", "pounds": "GBP", "eur": "EUR", "gbp": "GBP"}
_SIGNS |= {
    "usd": "USD",
    "chf": "CHF",
    "cad": "CAD",
    "aud": "AUD",
    "nzd": "NZD",
    "sek": "SEK",
    "dkk": "DKK",
    "nok": "NOK",
}
_DOLLAR = "$"
_DOLLARS = frozenset({"USD", "CAD", "AUD", "NZD", "SGD", "HKD"})
_SIGN = "|".join(re.escape(sign) for sign in (*sorted(_SIGNS, key=len, reverse=True), _DOLLAR))
_NUMBER = r"\d{1,3}(?:[ .,\u00a0\u202f]\d{3})+(?:[.,]\d{1,2})?|\d{1,9}(?:[.,]\d{1,2})?"
_NUMBER_ALONE = re.compile(_NUMBER)
_AMOUNT = re.compile(
    rf"(?P<before>{_SIGN})\s?(?P<first>{_NUMBER})(?![\d])|(?<![\d.,])(?P<second>{_NUMBER})\s?(?P<after>{_SIGN})(?![a-z])"
)


def named_amounts(text: str, *, currency: str) -> list[Money]:
    """Return the amounts that a folded text names with a currency, each once, in its order.

    `currency` is what the payer owes in: a dollar sign means it where it is a dollar.
    """
    found: list[Money] = []
    for match in _AMOUNT.finditer(text):
        sign = match["before"] or match["after"]
        code = _SIGNS.get(sign) or (currency if currency in _DOLLARS else "USD")
        amount = _money(match["first"] or match["second"], code)
        if amount is not None and amount not in found:
            found.append(amount)
    return found


def written_amount(text: str, *, currency: str) -> Money | None:
    """Return the amount that somebody wrote into a field, with comma or point, in `currency`; None for no number."""
    try:
        return Money.parse(text.strip(), currency)
    except MoneyError:
        number = _NUMBER_ALONE.fullmatch(text.strip())
        return _money(number[0], currency) if number else None


def _money(number: str, currency: str) -> Money | None:
    """Read a number as people write it: the last mark with one or two digits behind it is the decimal one."""
    tail = re.search(r"[.,](\d{1,2})$", number)
    whole = re.sub(r"\D", "", number[: tail.start()] if tail else number)
    try:
        return Money.parse(f"{whole}.{tail[1]}" if tail else whole, currency)
    except MoneyError:
        return None
