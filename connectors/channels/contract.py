"""What a carrier is: it takes one message over for a channel, tells what became of it, and what it cost.

The engine keeps the promise that a message leaves once: a carrier says honestly whether it knows that it took one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from receivables.address import PostalAddress


class Fate(StrEnum):
    """How far a message has come, in the order in which it comes there; the last two are for good."""

    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a message cost: a decimal amount, since a text costs less than a cent."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a carrier says of a message: its own id of it, how far it came, why, and what it cost if that is known."""

    external_id: str
    fate: Fate
    detail: str = ""
    cost: Cost | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to one recipient. `key` is the same at every attempt; `begun_at` is when the first one was made.

    `to` is an e-mail address or a telephone number (E.164); a letter goes to `recipient` and is `pages`, a PDF.
    `mark` stands in the text of this message alone, for a carrier that can be asked for its messages but not by our
    key. `from_name` is who writes, where a channel shows that beside its address. `follows` is the key of the earlier
    message that this one takes up, where mail programs show them as one thread.
    """

    key: str
    to: str
    begun_at: datetime
    subject: str = ""
    text: str = ""
    html: str = ""
    pages: bytes = b""
    recipient: PostalAddress | None = None
    sender: PostalAddress | None = None
    unsubscribe_url: str = ""
    mark: str = ""
    follows: str = ""
    from_name: str = ""


class Carrier(Protocol):
    """Every call is bounded in time and raises a ConnectorError when it fails."""

    def send(self, message: Outgoing) -> Report:
        """Take a message over. Retry with `ambiguous` where it may have been taken; any other error: surely not.

        Reject with code `unreachable` says that this address takes no message, `stopped` that its owner wants none.
        """
        ...

    def find(self, message: Outgoing) -> Report | None:
        """Look up a message whose answer was lost: None if it was surely not taken; an error where nobody can tell."""
        ...

    def look(self, external_id: str) -> Report:
        """Ask again what became of a message. Absent where the carrier does not know it (any more)."""
        ...


UNREACHABLE, STOPPED = "unreachable", "stopped"


@dataclass(frozen=True, slots=True)
class Told:
    """A webhook of a carrier: it reports on the message `external_id`, or brings `text` that `sender` wrote to us.

    A report's content is not trusted: the message is asked for again. `event_id` is the same when it comes twice.
    """

    event_id: str
    external_id: str
    sender: str = ""
    text: str = ""

    @property
    def is_reply(self) -> bool:
        """Whether somebody wrote to us."""
        return bool(self.sender)


@dataclass(frozen=True, slots=True)
class CarrierDeclaration:
    """Everything that must be known of a carrier before it is asked for anything.

    `needs` are the settings without which there is none (`TRUEDUE_<NAME>_<NEED>`), `open` makes one of all settings of
    that name. `verify(settings, url, headers, body)` checks a webhook that was posted to `url` (header names in lower
    case), `told` reads it and raises ValueError on an unreadable one; without them there are no webhooks.
    `tells_late` is whether it is worth asking later what became of a message. `prints_addresses` is of letters: it
    prints the address itself, on paper of 8.5 × 11 inches.
    """

    name: str
    title: str
    channel: str
    needs: tuple[str, ...]
    open: Callable[[Mapping[str, str], Callable[[], datetime]], Carrier]
    verify: Callable[[Mapping[str, str], str, Mapping[str, str], bytes], bool] | None = None
    told: Callable[[bytes], list[Told]] | None = None
    tells_late: bool = True
    prints_addresses: bool = False
