"""What speaks for a hypothesis, as ranked evidence, points to compare by, and a band to calibrate by."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

from reconcile.payer import PayerEvidence

MIN_POINTS = 3.0  # below this nobody is helped by a suggestion
NEAR_TIE_POINTS = 1.0
LEFT_OUT_POINTS = -8.0  # a set that ignores an item the payer named
NOT_YET_ISSUED_POINTS = -3.0
INFERRED_POINTS = -3.0  # an item that only the amount adds to those named
EACH_UNNAMED_ITEM_POINTS = -1.0  # the more items a sum may choose from, the more sums come out by chance


class ReferenceEvidence(IntEnum):
    """How well the text names the items; a set is as good as its worst item."""

    NONE = 0
    WEAK = 1
    DAMAGED = 2
    EXACT = 3
    HINT = 4


class AmountEvidence(IntEnum):
    """How the cash and the open total agree. JOINT: several receipts together pay the item exactly."""

    PARTIAL = 0
    OVER = 1
    WITHHOLDING = 2
    FEE = 3
    DISCOUNT = 4
    TYPICAL_FEE = 5
    ROUNDING = 6
    JOINT = 7
    EXACT = 8


_REFERENCE_POINTS = {
    ReferenceEvidence.NONE: 0.0,
    ReferenceEvidence.WEAK: 3.0,
    ReferenceEvidence.DAMAGED: 6.0,
    ReferenceEvidence.EXACT: 12.0,
    ReferenceEvidence.HINT: 30.0,
}
_AMOUNT_POINTS = {
    AmountEvidence.PARTIAL: -2.0,
    AmountEvidence.OVER: -3.0,
    AmountEvidence.WITHHOLDING: 2.0,
    AmountEvidence.FEE: 2.0,
    AmountEvidence.DISCOUNT: 4.0,
    AmountEvidence.TYPICAL_FEE: 5.0,
    AmountEvidence.ROUNDING: 7.0,
    AmountEvidence.JOINT: 8.0,
    AmountEvidence.EXACT: 10.0,
}
_PAYER_POINTS = {
    PayerEvidence.CONFLICT: -5.0,
    PayerEvidence.UNKNOWN: 0.0,
    PayerEvidence.WEAK: 2.0,
    PayerEvidence.NAME: 5.0,
    PayerEvidence.KNOWN: 6.0,
}
_PROOF_AMOUNTS = frozenset(
    {AmountEvidence.EXACT, AmountEvidence.JOINT, AmountEvidence.ROUNDING, AmountEvidence.TYPICAL_FEE}
)

_SIZES = ("one", "set")


@dataclass(frozen=True, slots=True)
class Evidence:
    """`alternatives`: other item sets that explain the receipt about as well; `left_out`: items named but not in it;
    `inferred`: items that are not named, in a set where others are.
    """

    reference: ReferenceEvidence
    amount: AmountEvidence
    payer: PayerEvidence
    items: int
    left_out: int = 0
    inferred: int = 0
    alternatives: int = 0
    not_yet_issued: bool = False

    @property
    def unambiguous(self) -> bool:
        """Whether nothing else explains the receipt and nothing named is ignored."""
        return self.alternatives == 0 and self.left_out == 0

    @property
    def is_proof(self) -> bool:
        """Whether the evidence needs no experience: a trusted system named the items; or exact unique references,
        the right payer, and an amount that is exact, exact together with other receipts, or short by a rounding
        or a typical bank fee (at most MAX_TYPICAL_FEE_MAJOR and MAX_TYPICAL_FEE_SHARE of reconcile.residual).
        """
        if not self.unambiguous or self.inferred:
            return False
        if self.reference is ReferenceEvidence.HINT:
            return True
        named = self.reference is ReferenceEvidence.EXACT and self.payer >= PayerEvidence.NAME
        return named and self.amount in _PROOF_AMOUNTS

    @property
    def points(self) -> float:
        """The sum of fixed points for each kind of evidence, which stand for logarithms of likelihood ratios."""
        points = _REFERENCE_POINTS[self.reference] + _AMOUNT_POINTS[self.amount] + _PAYER_POINTS[self.payer]
        points += LEFT_OUT_POINTS * self.left_out + INFERRED_POINTS * self.inferred
        if self.reference is ReferenceEvidence.NONE:
            points += EACH_UNNAMED_ITEM_POINTS * (self.items - 1)
        if self.not_yet_issued and self.reference < ReferenceEvidence.EXACT:
            points += NOT_YET_ISSUED_POINTS
        return points

    @property
    def band(self) -> str:
        """The class of cases whose past precision speaks for this one."""
        return self._band(self.amount, self.payer, _SIZES[self.items > 1])

    @property
    def pool(self) -> tuple[str, ...]:
        """The bands whose cases may also speak for this one: the same but for the number of items, the way in which
        the amount agrees, and payers that fit no better. If those went well, so should this one.
        """
        amounts = _PROOF_AMOUNTS if self.amount in _PROOF_AMOUNTS else {self.amount}
        payers = [payer for payer in PayerEvidence if payer <= self.payer]
        return tuple(self._band(a, p, size) for a in sorted(amounts) for p in payers for size in _SIZES)

    def _band(self, amount: AmountEvidence, payer: PayerEvidence, size: str) -> str:
        clear = ("inferred" if self.inferred else "clear") if self.unambiguous else "open"
        return "/".join((self.reference.name, amount.name, payer.name, clear, size)).lower()

    @property
    def prior(self) -> float:
        """A probability for want of experience: logistic in points, shared among alternatives, never near certainty."""
        likely = 1 / (1 + math.exp(-(self.points - 8) / 3))
        return min(0.97, likely) / (1 + self.alternatives)
