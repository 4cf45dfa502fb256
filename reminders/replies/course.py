"""What follows from a reply: which invoices it is about, and whether what it says can be done without a person."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from receivables.money import total
from receivables.open_item import OpenItem
from reminders.replies.kinds import ReplyKind, Understood
from reminders.replies.plain import folded

_MIN_NUMBER_CHARS = 3  # shorter invoice numbers stand in any text


@dataclass(frozen=True, slots=True)
class Course:
    """What is to be done about a reply. `item_ids` are what it is about; without a doubt it is done by itself."""

    item_ids: tuple[str, ...]
    doubts: tuple[str, ...]


def course(
    understood: Understood, *, about: Sequence[str], open_items: Sequence[OpenItem], is_their_address: bool
) -> Course:
    """Decide what follows. `about` are the items of the message that is answered, none where nobody knows it.

    `open_items` is all that the writer owes; `is_their_address` whether it was written from an address of theirs.
    Invoices named in the words count before those of the message.
    """
    known = [item for item in open_items if item.item_id in set(about)]
    mine = named_items(understood.words, open_items) or known or (list(open_items) if len(open_items) == 1 else [])
    doubts = [*understood.doubts, *_doubts(understood, mine, open_items, is_their_address=is_their_address)]
    return Course(tuple(item.item_id for item in mine), tuple(doubts))


def named_items(words: str, items: Sequence[OpenItem]) -> list[OpenItem]:
    """Return the items whose whole number stands in `words`, however its parts are joined."""
    text = f" {_joined(words)} "
    return [item for item in items if _is_named(_joined(item.number), text)]


def _doubts(
    understood: Understood, mine: Sequence[OpenItem], open_items: Sequence[OpenItem], *, is_their_address: bool
) -> Iterator[str]:
    match understood.kind:
        case ReplyKind.QUESTION:
            yield "A question is answered by a person."
        case ReplyKind.OPT_OUT | ReplyKind.WRONG_CONTACT if not is_their_address:
            yield "It comes from an address that is not the customer's."
        case ReplyKind.PROMISE if not mine:
            yield "It does not say for which invoice."
        case ReplyKind.PROMISE:
            yield from _doubts_of_amount(understood, mine)
        case ReplyKind.DISPUTE if len(mine) != 1:
            yield "It does not say which invoice is wrong."
        case ReplyKind.SEND_AGAIN | ReplyKind.PAID_ALREADY if not open_items:
            yield "Nothing of this customer is open."
        case _:
            return


def _doubts_of_amount(understood: Understood, mine: Sequence[OpenItem]) -> Iterator[str]:
    if understood.amount is None:
        return
    currencies = {item.open_amount.currency for item in mine}
    if currencies != {understood.amount.currency}:
        yield "It names another currency than the invoice has."
    elif len(mine) > 1 and understood.amount < total([item.open_amount for item in mine], understood.amount.currency):
        yield f"It promises {understood.amount}, which is less than what is open on its invoices."


def _is_named(number: str, text: str) -> bool:
    return len(number.replace(" ", "")) >= _MIN_NUMBER_CHARS and f" {number} " in text


def _joined(text: str) -> str:
    """Letters and digits in pieces: `INV-1001`, `inv 1001` and `Inv1001` are the same."""
    return " ".join(re.findall(r"[a-z]+|\d+", folded(text)))
