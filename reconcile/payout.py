"""A processor's payout, broken down: what came in, what was kept or taken back, and whether the bank got the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from receivables.money import Money, total


class PayoutLineKind(StrEnum):
    """What a line of a payout is. A FEE line is one of its own, such as a monthly charge."""

    CHARGE = "charge"
    REFUND = "refund"
    CHARGEBACK = "chargeback"
    FEE = "fee"
    ADJUSTMENT = "adjustment"


@dataclass(frozen=True, slots=True)
class PayoutLine:
    """One balance movement: `gross` is signed (positive: to us); `fee` was kept from it (negative: returned)."""

    line_id: str
    kind: PayoutLineKind
    gross: Money
    fee: Money

    @property
    def net(self) -> Money:
        """What the line adds to the payout."""
        return self.gross - self.fee


@dataclass(frozen=True, slots=True)
class PayoutBreakdown:
    """Signed sums by kind; `fees` is what was kept in all, and `difference` what the lines leave unexplained."""

    charges: Money
    refunds: Money
    chargebacks: Money
    adjustments: Money
    fees: Money
    net: Money
    difference: Money

    @property
    def explained(self) -> bool:
        """Whether the lines add up to the amount at the bank, to the minor unit."""
        return not self.difference


def explain_payout(*, lines: Sequence[PayoutLine], amount: Money) -> PayoutBreakdown:
    """Break `amount`, a payout as the bank booked it, down by its lines.

    It is arithmetic: charges + refunds + chargebacks + adjustments - fees = net, and difference = amount - net.
    MoneyError when a line has another currency than the payout; ValueError when a line id occurs twice.
    """
    ids = [line.line_id for line in lines]
    if len(set(ids)) != len(ids):
        raise ValueError("a payout line occurs twice")
    currency = amount.currency
    gross = {kind: total([line.gross for line in lines if line.kind is kind], currency) for kind in PayoutLineKind}
    fees = total([line.fee for line in lines], currency) - gross[PayoutLineKind.FEE]
    net = total([line.net for line in lines], currency)
    return PayoutBreakdown(
        charges=gross[PayoutLineKind.CHARGE],
        refunds=gross[PayoutLineKind.REFUND],
        chargebacks=gross[PayoutLineKind.CHARGEBACK],
        adjustments=gross[PayoutLineKind.ADJUSTMENT],
        fees=fees,
        net=net,
        difference=amount - net,
    )
