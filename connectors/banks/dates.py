"""Days as delimited files write them: in figures or with a name of the month, in one of three orders."""

from __future__ import annotations

import re
from datetime import date

from connectors.banks.fields import day
from connectors.banks.months import folded, month_of

DATE_ORDERS = ("ymd", "dmy", "mdy")

_MAX_CHARS = 40  # of a day with a name of the month
_FIGURES = re.compile(r"(\d{1,4})[-/. ](\d{1,2})[-/. ](\d{1,4})(?!\d)|(\d{4})(\d\d)(\d\d)(?!\d)", re.ASCII)
_GAP, _MONTH = r"(?:[-/., ]{1,3}| de | d')", r"(?P<m>[^\W\d_]{3,12})"
# `3 Nov 2026`, `03-NOV-26`, `3. März 2026`, `3 de enero de 2026`; `November 3, 2026`; `2026-Nov-03`.
_NAMED = {
    "dmy": re.compile(rf"(?P<d>[0-9]{{1,2}}){_GAP}{_MONTH}{_GAP}(?P<y>[0-9]{{4}}|[0-9]{{2}})(?![0-9])"),
    "mdy": re.compile(rf"{_MONTH}{_GAP}(?P<d>[0-9]{{1,2}}){_GAP}(?P<y>[0-9]{{4}})(?![0-9])"),
    "ymd": re.compile(rf"(?P<y>[0-9]{{4}}){_GAP}{_MONTH}{_GAP}(?P<d>[0-9]{{1,2}})(?![0-9])"),
}


def read_day(text: str, order: str) -> date | None:
    """Return the day at the start of a text by one of DATE_ORDERS; None when there is none."""
    numbers = _FIGURES.match(text)
    if not numbers:
        return _named_day(text, order)
    compact = numbers[4] is not None
    parts = dict(zip("ymd" if compact else order, (part for part in numbers.groups() if part), strict=True))
    if (compact and order != "ymd") or len(parts["y"]) not in {2, 4} or (order == "ymd" and len(parts["y"]) != 4):
        return None
    return day(_year(parts["y"]), int(parts["m"]), int(parts["d"]))


def is_day(text: str) -> bool:
    """Whether a text begins with a day, in whatever order."""
    return any(read_day(text.strip(), order) for order in DATE_ORDERS)


def _named_day(text: str, order: str) -> date | None:
    """A day whose month is written as a word."""
    found = _NAMED[order].match(folded(text[:_MAX_CHARS]))
    month = month_of(found["m"]) if found else None
    return day(_year(found["y"]), month, int(found["d"])) if found and month else None


def _year(digits: str) -> int:
    return int(digits) + (2000 if len(digits) == 2 else 0)
