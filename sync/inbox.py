"""Deciding what to read again for a heap of webhook notices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from connectors.records import Kind


@dataclass(frozen=True, slots=True)
class Wanted:
    """One object that a stored notice says has changed; `row` is the notice's inbox row."""

    row: int
    system: str
    account: str
    kind: Kind
    external_id: str


@dataclass(frozen=True, slots=True)
class Reading:
    """One call's worth of objects to read again, and the inbox rows that it settles."""

    system: str
    account: str
    kind: Kind
    external_ids: tuple[str, ...]
    rows: tuple[int, ...]


def readings(wanted: Iterable[Wanted], batch: Mapping[str, int]) -> list[Reading]:
    """Fold notices into as few calls as possible: each object once, at most `batch[system]` objects a call."""
    grouped: dict[tuple[str, str, Kind], dict[str, list[int]]] = {}
    for want in wanted:
        objects = grouped.setdefault((want.system, want.account, want.kind), {})
        objects.setdefault(want.external_id, []).append(want.row)
    return [
        Reading(
            system=system,
            account=account,
            kind=kind,
            external_ids=tuple(chunk),
            rows=tuple(row for external_id in chunk for row in objects[external_id]),
        )
        for (system, account, kind), objects in grouped.items()
        for chunk in _chunks(list(objects), batch[system])
    ]


def _chunks(values: Sequence[str], size: int) -> Iterator[list[str]]:
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk
