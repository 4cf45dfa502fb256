"""The matcher without one of its ideas, switched off from outside, so that the product has no switch for it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from unittest.mock import patch

from receivables.allocation import Explanation
from reconcile import hypotheses, match, reference_book, weigh
from reconcile.assign import Choice
from reconcile.candidates import OpenItemIndex
from reconcile.draft import Claim
from reconcile.likelihood import AmountEvidence, probabilities
from reconcile.numbering import Numbering
from reconcile.payer import NameBook
from reconcile.residual import Difference
from reconcile.subset import Solutions

Swap = tuple[object, str, Callable[..., object] | float]


def _plain_difference(*, short: int, **_: object) -> Difference:
    if short == 0:
        return Difference(None, AmountEvidence.EXACT, None, 0)
    if short < 0:
        return Difference(Explanation.OVERPAYMENT, AmountEvidence.OVER, None, 0)
    return Difference(Explanation.PARTIAL, AmountEvidence.PARTIAL, None, 0)


def _each_alone(claims: list[Claim], _: OpenItemIndex) -> list[Choice]:
    choices = []
    for claim in claims:
        chances = probabilities([draft.likelihood for draft in claim.options], otherwise=claim.otherwise)
        pick, chance = (claim.options[0], chances[0]) if claim.options else (None, 0.0)
        choices.append(Choice(pick, chance, tuple(chances)))
    return choices


ABLATIONS: dict[str, tuple[Swap, ...]] = {
    "damaged and cut numbers": (
        (reference_book.ReferenceBook, "damaged", lambda *_, **__: []),
        (reference_book.ReferenceBook, "within", lambda *_: []),
    ),
    "shorthand lists and joined runs": (
        (reference_book.ReferenceBook, "_read_shorthand", lambda *_: None),
        (reference_book.ReferenceBook, "_runs", lambda *_: []),
    ),
    "whether numbers are sequential or sparse": ((Numbering, "room", lambda *_: 14.0),),
    "payers' names": ((NameBook, "resolve", lambda *_: {}),),
    "sums of a payer's items": ((hypotheses, "solve", lambda *_, **__: Solutions((), 0, complete=True)),),
    "fees, discounts, withholding, rounding": ((weigh, "explain_difference", _plain_difference),),
    "receipts compete for items": ((match, "assign", _each_alone),),
    "instalments that add up": ((match, "join_instalments", lambda claims, _: list(claims)),),
    "a second look without what others pay": ((match, "SURELY_TAKEN", 2.0),),
    "what a text may not show": ((hypotheses._Search, "_unreadable", lambda *_: []),),
}


def without(idea: str) -> ExitStack:
    """Switch one idea off for as long as the context lasts."""
    stack = ExitStack()
    for owner, name, swap in ABLATIONS[idea]:
        stack.enter_context(patch.object(owner, name, swap))
    return stack
