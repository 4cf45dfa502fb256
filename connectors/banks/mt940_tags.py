"""The tagged fields of SWIFT messages: which line begins one, which continues it, where a message ends."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_TAG = re.compile(
    r"[\x00-\x20\ufeff]*(?:\{1:.*?\{4:\s*|\{4:\s*)?"
    r":(2[01]|25P?|28C?|13D?|34F|6[02][FM]|61|64|65|86|90[CD]|NS|940|942):(.*)",
    re.DOTALL,
)
_BROKEN_TAG = re.compile(r"(?m)^:\n(?=\d\d[A-Z]?:)")  # a line break inside `:86:` itself
_END = re.compile(r"-(?:\}.*|X*)[\x00-\x20]*")


@dataclass(slots=True)
class Field:
    """One tagged field: the text behind its tag, the lines that continue it, and where it stands."""

    tag: str
    text: str
    line: int
    more: list[str] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """The whole text, line by line."""
        return [self.text, *self.more]


def mended(text: str) -> str:
    """The text with tags that a line break tore apart (`:` and `86:`) whole again, on the same number of lines."""
    return _BROKEN_TAG.sub("\n:", text)


def tagged_fields(text: str) -> list[Field]:
    """The tagged fields with their continuation lines; the end of a message has the tag `-`."""
    fields: list[Field] = []
    for number, line in enumerate(text.split("\n"), start=1):
        tagged = _TAG.fullmatch(line)
        if tagged:
            fields.append(Field(tagged[1], tagged[2], number))
        elif _END.fullmatch(line):
            fields.append(Field("-", "", number))
        elif fields and fields[-1].tag != "-":
            fields[-1].more.append(line)
    return fields
