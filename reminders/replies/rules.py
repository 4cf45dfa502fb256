"""The rules by which replies are read, from the files in `rules/`: one a language, in words that people can check."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from reminders.replies.kinds import Evidence, ReplyKind
from reminders.wording import LANGUAGES


@dataclass(frozen=True, slots=True)
class KindRules:
    """How one language says one kind. `is_polite` where a question asks for it: "could you send it again?"."""

    kind: ReplyKind
    sure: tuple[re.Pattern[str], ...]
    hint: tuple[re.Pattern[str], ...]
    unless: tuple[re.Pattern[str], ...]
    is_polite: bool

    def read(self, sentence: str, offset: int) -> Iterator[Evidence]:
        """Yield what a folded sentence says of this kind; `offset` is where it begins in the whole."""
        if any(each.search(sentence) for each in self.unless):
            return
        for patterns, is_sure in ((self.sure, True), (self.hint, False)):
            for pattern in patterns:
                if found := pattern.search(sentence):
                    yield Evidence(self.kind, offset + found.start(), offset + found.end(), is_sure)


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules: of every language, since payers mix them.

    `conditions` make an offer of a statement, `turns` may turn its meaning, `courtesies` say nothing and ask nothing.
    """

    kinds: tuple[KindRules, ...]
    conditions: tuple[re.Pattern[str], ...]
    turns: tuple[re.Pattern[str], ...]
    courtesies: tuple[re.Pattern[str], ...]


@lru_cache(maxsize=1)
def rules() -> Rules:
    """Return the rules of every language."""
    tables = [tomllib.loads(_source(language)) for language in LANGUAGES]
    return Rules(
        kinds=tuple(_kind(kind, table[kind]) for table in tables for kind in ReplyKind),
        conditions=_of_all(tables, "condition"),
        turns=_of_all(tables, "turn"),
        courtesies=_of_all(tables, "courtesy"),
    )


def _source(language: str) -> str:
    return (files("reminders") / "replies" / "rules" / f"{language}.toml").read_text(encoding="utf-8")


def _kind(kind: ReplyKind, table: Mapping[str, Any]) -> KindRules:
    return KindRules(
        kind=kind,
        sure=_patterns(table, "sure"),
        hint=_patterns(table, "hint"),
        unless=_patterns(table, "unless"),
        is_polite=bool(table.get("polite")),
    )


def _of_all(tables: Sequence[Mapping[str, Any]], name: str) -> tuple[re.Pattern[str], ...]:
    return tuple(pattern for table in tables for pattern in _patterns(table[name], "hint"))


def _patterns(table: Mapping[str, Any], name: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(source) for source in table[name])
