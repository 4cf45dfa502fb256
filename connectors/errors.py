"""Errors of the outside world, named by what the caller must do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class ConnectorError(Exception):
    """What a vendor answered, in one line a person can act on. Never raised itself: see the subclasses."""


class Retry(ConnectorError):
    """Try again after `after_seconds`.

    `ambiguous` means that the write may have taken effect: look it up before repeating it.
    """

    def __init__(self, text: str, *, after_seconds: float = 5.0, ambiguous: bool = False) -> None:
        super().__init__(text)
        self.after_seconds = after_seconds
        self.ambiguous = ambiguous


class NoRoom(Retry):
    """No call was made: the vendor's limit is used up for now."""


class Reconnect(ConnectorError):
    """The consent is gone or the token is refused: a person must connect the system again."""


class TokenRefused(Reconnect):
    """The token is refused: another of the same consent may be taken."""


class Reject(ConnectorError):
    """The vendor refuses this request for good; `code` is the vendor's, `remedy` says what a person should do."""

    def __init__(self, text: str, *, code: str = "", remedy: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.remedy = remedy


class Stale(Reject):
    """The object changed at the vendor since it was read: read it again, merge again, then write."""


class Absent(ConnectorError):
    """The object does not exist at the vendor (never, or no longer)."""


class Fatal(ConnectorError):
    """A defect of ours or a contract that changed: stop and show it; repeating cannot help."""


def answered(ask: Callable[[], T]) -> T | ConnectorError:
    """Return what `ask` returns, or the ConnectorError that it raises: an outcome among others."""
    try:
        return ask()
    except ConnectorError as error:
        return error
