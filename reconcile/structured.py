"""Structured references, which carry check digits: ISO 11649, the Swiss QR reference, the Belgian communication."""

from __future__ import annotations

import re
from typing import Final

_RF: Final = re.compile(r"\bRF(\d{2})((?:\s?[A-Z0-9]){1,21})")
_SWISS: Final = re.compile(r"(?<![0-9])[0-9](?:\s?[0-9]){26}(?![0-9])")
_BELGIAN: Final = re.compile(r"(?<![0-9])([0-9]{3})/?\s?([0-9]{4})/?\s?([0-9]{5})(?![0-9])")
_ZEROS: Final = re.compile(r"0{2,}")
_CARRY: Final = (0, 9, 4, 6, 8, 2, 7, 1, 3, 5)  # the table of the recursive modulo 10


def structured_references(text: str) -> list[tuple[str, ...]]:
    """Return, for each valid structured reference in normalised text, the numbers it may carry, the longest first."""
    found = [(body,) for body in creditor_references(text)] if "RF" in text else []
    return [*found, *_swiss(text), *_belgian(text)]


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


def valid_swiss_reference(digits: str) -> bool:
    """Whether the last of 27 digits checks the others.

    Source: Swiss Implementation Guidelines QR-bill (SIX), modulo 10, recursive.
    """
    carry = 0
    for digit in digits[:-1]:
        carry = _CARRY[(carry + int(digit)) % 10]
    return (10 - carry) % 10 == int(digits[-1])


def valid_belgian_communication(digits: str) -> bool:
    """Whether the last two of 12 digits are the first ten modulo 97, or 97 for 0.

    Source: Febelfin, structured communication.
    """
    return int(digits[10:]) == (int(digits[:10]) % 97 or 97)


def _swiss(text: str) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for match in _SWISS.finditer(text):
        digits = "".join(match.group().split())
        if valid_swiss_reference(digits):
            body = digits[:-1]
            # An invoice number fills its field from the right, and may itself have zeros in a row.
            found.append((digits, body, *(body[zeros.end() :] for zeros in _ZEROS.finditer(body))))
    return found


def _belgian(text: str) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for match in _BELGIAN.finditer(text):
        digits = "".join(match.groups())
        if valid_belgian_communication(digits):
            found.append((digits, digits[:10]))
    return found
