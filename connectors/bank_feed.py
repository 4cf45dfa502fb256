"""A bank account of the organisation's own that a system reads for us: what it is, and what the bank booked in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from receivables.money import Money


class LineState(StrEnum):
    """How far a line is: announced, booked, or gone again as if it had never been."""

    PENDING = "pending"
    POSTED = "posted"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class FedAccount:
    """A bank account that is read for us: `name` is the bank's and the account's, `ending` its last digits.

    `is_linked` is False once the bank gives nothing any more until a person agrees there again. `reading` is the
    newest reading of the bank that succeeded, None before the first, `read_at` when it was begun; another one may be
    asked for from `may_read_at` on, which is None while one is under way.
    """

    external_id: str
    name: str
    ending: str
    is_linked: bool
    reading: str | None
    read_at: datetime | None
    may_read_at: datetime | None


@dataclass(frozen=True, slots=True)
class FedLine:
    """A line of the bank. `amount` is signed as the system tells it; `at` is when it was booked, or else made."""

    external_id: str
    state: LineState
    at: datetime
    amount: Money
    text: str


@runtime_checkable
class FeedsBanks(Protocol):
    """A connector of a system that reads organisations' own bank accounts, each after a person agreed at their bank.

    The page for that is asked for by the intent LinkBank. Absent where the system does not know the account.
    """

    def linked(self, page_external_id: str) -> FedAccount | None:
        """Return the account that was linked on a page, and have it read from now on; None while none was.

        Reject when what was linked there cannot be read.
        """
        ...

    def fed(self, external_id: str) -> FedAccount:
        """Return an account as it stands, in one call."""
        ...

    def read_bank(self, external_id: str) -> FedAccount:
        """Ask for a reading of the bank, which takes minutes."""
        ...

    def lines(self, external_id: str, *, after: str | None) -> Iterator[tuple[FedLine, ...]]:
        """Yield what readings after this one brought or changed, newest first; all that is known for None."""
        ...
