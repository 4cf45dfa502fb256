"""What a reply can say, and how it is understood."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from receivables.money import Money


class ReplyKind(StrEnum):
    """What a payer says. A mail that says several things has the first of them in this order."""

    WRONG_CONTACT = "wrong_contact"
    OUT_OF_OFFICE = "out_of_office"
    DISPUTE = "dispute"
    PAID_ALREADY = "paid_already"
    OPT_OUT = "opt_out"
    SEND_AGAIN = "send_again"
    PROMISE = "promise"
    QUESTION = "question"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The words from `start` to `end` of a reply that speak for `kind`; `is_sure` if they are enough by themselves."""

    kind: ReplyKind
    start: int
    end: int
    is_sure: bool


@dataclass(frozen=True, slots=True)
class Understood:
    """How a reply is understood: `kind` is None where it says nothing that we know.

    `words` is what the payer wrote, without what they quote and how they sign; `evidence` points into it. `doubts` says
    in plain words what speaks against being sure; a reply without a doubt may be acted on. `day` and `amount` are what
    a promise or a payment names.
    """

    words: str
    language: str
    kind: ReplyKind | None
    evidence: tuple[Evidence, ...] = ()
    doubts: tuple[str, ...] = ()
    day: date | None = None
    amount: Money | None = None

    @property
    def is_sure(self) -> bool:
        """Whether it may be acted on without a person."""
        return self.kind is not None and not self.doubts
