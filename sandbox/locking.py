"""What people do in a stand-in's books takes the same lock as the requests it serves."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

Arguments = ParamSpec("Arguments")
Outcome = TypeVar("Outcome")


class HasLock(Protocol):
    """Something that one thread at a time may change."""

    lock: threading.RLock


Owner = TypeVar("Owner", bound=HasLock)


def locked(
    method: Callable[Concatenate[Owner, Arguments], Outcome],
) -> Callable[Concatenate[Owner, Arguments], Outcome]:
    """Run a method under its object's lock."""

    @functools.wraps(method)
    def guarded(owner: Owner, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Outcome:
        with owner.lock:
            return method(owner, *args, **kwargs)

    return guarded
