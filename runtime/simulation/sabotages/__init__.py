"""Named safeguards of the real code, each switched off by injection to see whether the invariants notice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from runtime.simulation.histories import HISTORIES
from runtime.simulation.sabotages import autopay, boundaries, charges, in_step, intake, money, reminding
from runtime.simulation.sabotages.sabotage import Sabotage

_ROOMS = (intake, money, in_step, reminding, boundaries, autopay, charges)
# Lines of history are calls as well, and faults strike at calls: without them a safeguard meets the faults it is for.
SABOTAGES: tuple[Sabotage, ...] = tuple(
    replace(each, often={HISTORIES: 0.0, **each.often})
    for each in sorted((each for room in _ROOMS for each in room.SABOTAGES), key=lambda each: each.invariant)
)

__all__ = ["SABOTAGES", "Sabotage", "by_name", "sabotaged"]


def by_name(name: str) -> Sabotage:
    """Return a sabotage; KeyError when there is none of this name."""
    return {each.name: each for each in SABOTAGES}[name]


@contextmanager
def sabotaged(name: str | None) -> Iterator[None]:
    """Switch one safeguard off for a while; None switches nothing off."""
    if name is None:
        yield
        return
    with by_name(name).switch_off():
        yield
