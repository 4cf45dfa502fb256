"""The shape of a delimited file without headings: what is the same in every file that a bank exports so."""

from __future__ import annotations

import hashlib
import re

from connectors.banks.dates import is_day
from connectors.banks.table import rows_of

_FIGURE = re.compile(r"[-+−(]?[\d\s.,'’]*\d[.,]\d+[-)]?")
_MAX_FIGURE_CHARS = 40
_KEY_CHARS = 32
_DAY, _MONEY, _TEXT = "day", "money", "text"


def shape_key(text: str) -> str | None:
    """Return a digest of the number of columns and of what each holds; None for what can be no such file.

    A column holds days or figures with decimals when each cell does that is not blank, else text. So a column that is
    blank throughout, or whose references once look like figures, makes another shape: then a person is asked again.
    BankFileError as `rows_of`.
    """
    count = 0
    kinds: list[set[str]] = []
    for row in rows_of(text):
        if not count:
            count = len(row.cells)
            kinds = [set() for _ in row.cells]
        if len(row.cells) != count:
            return None
        for seen, cell in zip(kinds, row.cells, strict=True):
            if cell.strip() and _TEXT not in seen:
                seen.add(_kind(cell.strip()))
    shape = [each.pop() if len(each) == 1 else _TEXT for each in kinds]
    if not {_DAY, _MONEY} <= set(shape):
        return None
    return hashlib.sha256("\n".join(["without headings", *shape]).encode()).hexdigest()[:_KEY_CHARS]


def _kind(cell: str) -> str:
    if is_day(cell):
        return _DAY
    return _MONEY if len(cell) <= _MAX_FIGURE_CHARS and _FIGURE.fullmatch(cell) else _TEXT
