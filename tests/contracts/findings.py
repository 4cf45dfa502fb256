"""What passed between a client and a stand-in, and where it differs from the vendor's contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer, as bytes on the wire; names of headers are in lower case."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes
    status: int
    answer_headers: Mapping[str, str]
    answer: bytes


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference.

    `where` names the call and its side, `place` the part of it (list indexes as `[]`), `rule` what is broken there.
    """

    contract: str
    where: str
    place: str
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.contract}: {self.where}: {self.place or '(whole)'}: {self.rule}: {self.text}"
