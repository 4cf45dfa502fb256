"""Delimited text as a table: its separator, its rows with their lines, and what its columns are called."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from connectors.banks.fields import MAX_ENTRIES, BankFileError, clean

MAX_PREAMBLE_ROWS = 30  # banks put the account, its owner and a period above the headings
MAX_LABEL_CHARS = 100
_SEPARATORS = ",;\t|"
_KEY_CHARS = 32


class UnclearColumnsError(BankFileError):
    """The file may be sound, but it does not show what its columns mean: a person can say it."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is not blank; `line` is where it ends in the file, counted from 1."""

    line: int
    cells: tuple[str, ...]


def rows_of(text: str) -> Iterator[Row]:
    """Give the rows that are not blank; BankFileError where the text is not delimited, or has more than MAX_ENTRIES."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True)
    count = 0
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                count += 1
                if count > MAX_ENTRIES + MAX_PREAMBLE_ROWS:
                    raise BankFileError(f"the file has more than the {MAX_ENTRIES} rows read at once")
                yield Row(reader.line_num, tuple(cells))
    except csv.Error as error:
        raise BankFileError(f"not readable as delimited text: {error}", line=reader.line_num) from error


def first_rows(text: str, count: int = MAX_PREAMBLE_ROWS) -> list[Row]:
    """Return the first rows, as `rows_of`."""
    return list(islice(rows_of(text), count))


def labels(cells: Sequence[str]) -> tuple[str, ...]:
    """Return what each column is called, once each: by its heading, a repeated one numbered, or by its place."""
    seen: Counter[str] = Counter()
    named = []
    for place, cell in enumerate(cells, start=1):
        label = (clean(cell.strip("\ufeff ")) or f"Column {place}")[:MAX_LABEL_CHARS]
        seen[label] += 1
        named.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return tuple(named)


def places(count: int) -> tuple[str, ...]:
    """Return what so many columns without headings are called."""
    return labels([""] * count)


def header_key(cells: Sequence[str]) -> str:
    """Return what is the same for two rows of headings exactly when they name the same columns in the same order."""
    plain = "\n".join(label.casefold() for label in labels(cells))
    return hashlib.sha256(plain.encode()).hexdigest()[:_KEY_CHARS]


def _separator(text: str) -> str:
    """The mark that cuts most of the first lines into as many cells; of equal ones, that which makes more cells."""
    lines = [re.sub(r'"[^"]*"', "", line) for line in text.split("\n", MAX_PREAMBLE_ROWS)[:MAX_PREAMBLE_ROWS]]

    def agreement(mark: str) -> tuple[int, int]:
        counts = Counter(count for line in lines if (count := line.count(mark)))
        return max(((times, count) for count, times in counts.items()), default=(0, 0))

    return max(_SEPARATORS, key=agreement)
