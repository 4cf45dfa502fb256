"""Why the cash differs from what is open: rounding, a bank's fee, a discount, a tax withheld, or part of the money."""

from __future__ import annotations

from typing import Final, NamedTuple

from receivables.allocation import Explanation, ResidualKind
from reconcile.likelihood import AmountEvidence

MAX_ROUNDING_MINOR: Final = 5  # per receipt: five cents is the coarsest cash rounding in common use (Switzerland)
MAX_TYPICAL_FEE_MAJOR: Final = 30  # what a correspondent bank commonly keeps from a SWIFT payment (charges SHA or BEN)
MAX_TYPICAL_FEE_BASIS_POINTS: Final = 100
MAX_BANK_FEE_MAJOR: Final = 50
MAX_BANK_FEE_BASIS_POINTS: Final = 500
BASIS_POINTS: Final = 10_000
DISCOUNT_BASIS_POINTS: Final = (100, 150, 200, 250, 300, 400, 500)
# Rates of tax the payer withholds: India TDS 1, 2, 10; Spain 7, 15; Italy 20; UK CIS 20, 30; US 24; Brazil 5.
WITHHOLDING_BASIS_POINTS: Final = (100, 200, 500, 700, 1000, 1500, 2000, 2400, 3000)


class Difference(NamedTuple):
    """How `minor` units by which cash falls short of the open total are explained; `kind` None leaves items open."""

    explanation: Explanation | None
    evidence: AmountEvidence
    kind: ResidualKind | None
    minor: int


# What most sets of items come to needs no difference of its own.
_EXACT: Final = Difference(None, AmountEvidence.EXACT, None, 0)
_OVER: Final = Difference(Explanation.OVERPAYMENT, AmountEvidence.OVER, None, 0)
_PARTIAL: Final = Difference(Explanation.PARTIAL, AmountEvidence.PARTIAL, None, 0)


def explain_difference(*, short: int, total: int, items: int, unit: int, early: bool) -> Difference:
    """Explain why `total` (open, minor units, over `items` items) was paid with `short` less (negative: more).

    `unit` minor units make one of the currency. A discount needs a payment not after the due date. Bounds are the named
    constants of this module; a percentage may be rounded once an item. The explanation is None where the difference
    does not change how the match is called.
    """
    if short == 0:
        return _EXACT
    if abs(short) <= MAX_ROUNDING_MINOR and abs(short) * 100 <= total:
        return Difference(None, AmountEvidence.ROUNDING, ResidualKind.ROUNDING, short)
    if short < 0:
        return _OVER
    if early and _is_percentage(short, total, items, DISCOUNT_BASIS_POINTS):
        return Difference(Explanation.DISCOUNT, AmountEvidence.DISCOUNT, ResidualKind.DISCOUNT, short)
    if _is_percentage(short, total, items, WITHHOLDING_BASIS_POINTS):
        return Difference(Explanation.WITHHOLDING, AmountEvidence.WITHHOLDING, ResidualKind.WITHHOLDING, short)
    if short <= MAX_TYPICAL_FEE_MAJOR * unit and short * BASIS_POINTS <= total * MAX_TYPICAL_FEE_BASIS_POINTS:
        return Difference(Explanation.FEE, AmountEvidence.TYPICAL_FEE, ResidualKind.BANK_FEE, short)
    if short <= MAX_BANK_FEE_MAJOR * unit and short * BASIS_POINTS <= total * MAX_BANK_FEE_BASIS_POINTS:
        return Difference(Explanation.FEE, AmountEvidence.FEE, ResidualKind.BANK_FEE, short)
    return _PARTIAL


def _is_percentage(short: int, total: int, items: int, rates: tuple[int, ...]) -> bool:
    return any(2 * abs(short * BASIS_POINTS - total * rate) <= items * BASIS_POINTS for rate in rates)
