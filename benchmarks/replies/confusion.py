"""What the rules make of mails whose meaning is known: a confusion table, and how often they are right where sure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt

from benchmarks.replies.mails import CAME_ON, NOTHING, Mail
from reminders.replies.kinds import ReplyKind
from reminders.replies.understand import understand

KINDS = (*(kind.value for kind in ReplyKind), NOTHING)
_Z = 1.96  # of a bound that holds with 97.5 %


@dataclass
class Confusion:
    """Counts by (what was said, how it was understood); `sure` counts those that need no person."""

    every: Counter[tuple[str, str]] = field(default_factory=Counter)
    sure: Counter[tuple[str, str]] = field(default_factory=Counter)
    days: Counter[bool] = field(default_factory=Counter)

    def add(self, mail: Mail) -> None:
        """Read a mail and count it."""
        found = understand(mail.text, came_on=CAME_ON, currency=mail.currency, language=mail.language)
        pair = (mail.said, found.kind.value if found.kind else NOTHING)
        self.every[pair] += 1
        if found.is_sure:
            self.sure[pair] += 1
        if mail.day is not None and found.kind is ReplyKind.PROMISE:
            self.days[found.day == mail.day] += 1

    def table(self) -> list[str]:
        """Return a Markdown table: a row a kind that was said, a column a kind that was understood."""
        head = ["said", *(_short(kind) for kind in KINDS), "of them sure"]
        rows = [
            [_short(said), *(str(self.every[said, kind] or "") for kind in KINDS), str(self._sure_of(said))]
            for said in KINDS
        ]
        return _markdown([head, *rows])

    def precision(self) -> list[str]:
        """Return a Markdown table: of each kind, how many were sure, how many of these right, at least what share."""
        rows = [["kind", "sure", "right", "precision", "at least (97.5 %)", "of all said"]]
        for kind in KINDS[:-1]:
            sure = sum(count for (_, understood), count in self.sure.items() if understood == kind)
            right = self.sure[kind, kind]
            said = sum(count for (meant, _), count in self.every.items() if meant == kind)
            rows.append(
                [_short(kind), str(sure), str(right), _share(right, sure), _least(right, sure), _share(right, said)]
            )
        return _markdown(rows)

    def summary(self) -> str:
        """Return the figures in one line."""
        count, right = sum(self.every.values()), sum(self.every[kind, kind] for kind in KINDS)
        days = sum(self.days.values())
        return f"{right} of {count} kinds right; {self.days[True]} of {days} days right where a promise was understood"

    def _sure_of(self, said: str) -> int:
        return sum(count for (meant, _), count in self.sure.items() if meant == said)


def confusion(mails: Sequence[Mail]) -> Confusion:
    """Read `mails` and count."""
    counted = Confusion()
    for mail in mails:
        counted.add(mail)
    return counted


def _short(kind: str) -> str:
    return kind.replace("_", " ")


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2f}" if whole else "–"


def _least(right: int, count: int) -> str:
    """The lower end of Wilson's interval."""
    if not count:
        return "–"
    share, square = right / count, _Z * _Z
    spread = _Z * sqrt(share * (1 - share) / count + square / (4 * count * count))
    return f"{(share + square / (2 * count) - spread) / (1 + square / count):.2f}"


def _markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    head, *body = rows
    line = ["---"] + ["---:"] * (len(head) - 1)
    return ["| " + " | ".join(cells) + " |" for cells in (head, line, *body)]
