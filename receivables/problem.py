"""Something only a person can settle."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """`code` groups problems, `text` says what happened, `remedy` says what the person should do."""

    code: str
    text: str
    remedy: str
    subject: str = ""
