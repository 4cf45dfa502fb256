"""Salesforce's record ids: fifteen characters of which case counts, or eighteen of which it does not."""

from __future__ import annotations

import re

from sandbox.salesforce.refusal import Refused

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SUFFIX_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def record_id(prefix: str, *, pod: int, number: int) -> str:
    """Make the 18-character id of record `number`, of an object with this key prefix, in the org `pod`."""
    tail = ""
    for _ in range(9):
        number, digit = divmod(number, 62)
        tail = _ALPHABET[digit] + tail
    return eighteen(f"{prefix}{_ALPHABET[pod // 62 % 62]}{_ALPHABET[pod % 62]}0{tail}")


def eighteen(short: str) -> str:
    """Return the case-safe 18-character form of an id: each suffix letter tells which of five are capital."""
    if not re.fullmatch(r"[0-9A-Za-z]{15}([0-9A-Za-z]{3})?", short):
        raise Refused("MALFORMED_ID", f"malformed id {short}")
    chunks = (short[:15][i : i + 5] for i in (0, 5, 10))
    bits = (sum(1 << place for place, letter in enumerate(chunk) if letter.isupper()) for chunk in chunks)
    return short[:15] + "".join(_SUFFIX_ALPHABET[bit] for bit in bits)
