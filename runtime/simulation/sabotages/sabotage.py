"""What a sabotage is, and the few ways to make one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import Any
from unittest.mock import patch

SwitchOff = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True, slots=True)
class Sabotage:
    """A safeguard by name, what it is for, the invariant (its number) that must notice, and how it is switched off.

    `often` names faults and acts of daily life in which the safeguard is needed, and how many times as often they
    happen in the lives that are played without it: so a short life shows what else only a long one would.
    """

    name: str
    safeguard: str
    invariant: int
    switch_off: SwitchOff
    often: Mapping[str, float] = field(default_factory=dict)


def replacing(place: str, with_: Any) -> SwitchOff:  # noqa: ANN401 - whatever stands there
    """Put something else where the code looks a safeguard up ("module.name")."""
    return lambda: patch(place, with_)


def wrapping(place: str, around: Callable[[Any], Any]) -> SwitchOff:
    """Put `around` of what stands at `place` ("module.name") there: it is given the real thing."""
    return lambda: patch(place, around(resolve_name(place)))


def all_of(*each: SwitchOff) -> SwitchOff:
    """Switch several places off together: one safeguard that stands in each of them."""

    @contextmanager
    def switched_off() -> Iterator[None]:
        with ExitStack() as stack:
            for one in each:
                stack.enter_context(one())
            yield

    return switched_off


def doing_nothing(*_: Any, **__: Any) -> None:  # noqa: ANN401 - in the place of anything
    """Do nothing, whatever is asked."""
