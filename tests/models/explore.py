"""Every state that a small model can reach, breadth-first: what is wrong in one, and what leads nowhere good."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

MAX_STATES = 1_000_000  # above every model here: a model that grows past it is too large to be gone through

S = TypeVar("S", bound=Hashable)
Steps = Callable[[S], Iterable[tuple[str, S]]]


class TooLargeError(Exception):
    """The model has more than MAX_STATES states."""


@dataclass(frozen=True)
class Explored(Generic[S]):
    """What was found: how many states and steps there are, and the shortest story to something wrong, if any is."""

    states: int
    steps: int
    wrong: str | None
    story: tuple[str, ...]


def explore(start: S, steps: Steps[S], *, wrong: Callable[[S], str | None], good: Callable[[S], bool]) -> Explored[S]:
    """Go through every state that `steps` lead to from `start`.

    `wrong` names what may never be. From every state a `good` one must be within reach. The first state in which one
    of the two fails ends the search; its story is the shortest there is.
    """
    came_from: dict[S, tuple[S, str] | None] = {start: None}
    led_to: dict[S, list[S]] = {start: []}
    waiting, count = deque([start]), 0
    while waiting:
        state = waiting.popleft()
        if (what := wrong(state)) is not None:
            return Explored(len(came_from), count, what, _story(came_from, state))
        for name, after in steps(state):
            count += 1
            if after not in came_from:
                if len(came_from) == MAX_STATES:
                    raise TooLargeError(f"more than {MAX_STATES} states")
                came_from[after] = (state, name)
                led_to[after] = []
                waiting.append(after)
            led_to[after].append(state)
    hopeful = _leading_to([state for state in came_from if good(state)], led_to)
    stuck = next((state for state in came_from if state not in hopeful), None)
    if stuck is not None:
        return Explored(len(came_from), count, "stuck for ever", _story(came_from, stuck))
    return Explored(len(came_from), count, None, ())


def _leading_to(goals: Iterable[S], led_to: dict[S, list[S]]) -> set[S]:
    found = set(goals)
    waiting = list(found)
    while waiting:
        for before in led_to[waiting.pop()]:
            if before not in found:
                found.add(before)
                waiting.append(before)
    return found


def _story(came_from: dict[S, tuple[S, str] | None], state: S) -> tuple[str, ...]:
    told: list[str] = []
    step = came_from[state]
    while step is not None:
        told.append(step[1])
        step = came_from[step[0]]
    return tuple(reversed(told))
