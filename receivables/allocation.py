"""What a receipt pays: proposals, the residuals that close items beside the cash, and their arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from receivables.money import Money, total
from receivables.receipt import Receipt


class Decision(StrEnum):
    """What to do with a proposal: post it, ask a person, or leave the receipt alone."""

    APPLY = "apply"
    SUGGEST = "suggest"
    NONE = "none"


class Explanation(StrEnum):
    """How a receipt relates to the items it is set against."""

    EXACT = "exact"
    REFERENCES = "references"
    SUBSET = "subset"
    PARTIAL = "partial"
    INSTALMENT = "instalment"
    OVERPAYMENT = "overpayment"
    FEE = "fee"
    DISCOUNT = "discount"
    WITHHOLDING = "withholding"
    CREDIT_OFFSET = "credit_offset"
    FX = "fx"
    DUPLICATE = "duplicate"
    REVERSAL = "reversal"
    UNRELATED = "unrelated"
    WRITE_OFF = "write_off"  # a person's decision; matching never proposes it
    CHOSEN = "chosen"  # by a person, invoice by invoice; matching never proposes it


class ResidualKind(StrEnum):
    """Why an item closes although less cash arrived. Only `rounding` and `fx` may be negative."""

    PROCESSOR_FEE = "processor_fee"
    BANK_FEE = "bank_fee"
    DISCOUNT = "discount"
    WITHHOLDING = "withholding"
    ROUNDING = "rounding"
    FX = "fx"
    WRITE_OFF = "write_off"  # given up by a person; matching never proposes it


@dataclass(frozen=True, slots=True)
class Allocation:
    """`amount` (positive) of a receipt or credit set against one item; a credit note's share offsets the others."""

    item_id: str
    amount: Money
    is_credit: bool = False


@dataclass(frozen=True, slots=True)
class Residual:
    """A part of an item closed by something other than cash."""

    kind: ResidualKind
    amount: Money


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One way to explain a receipt: a set of items, with what is left over."""

    explanation: Explanation
    confidence: float
    allocations: tuple[Allocation, ...]
    residuals: tuple[Residual, ...]
    unapplied: Money


@dataclass(frozen=True, slots=True)
class Proposal:
    """A decision about one receipt, its evidence in plain words, and the next best hypothesis.

    `customer_id` is the identified payer, to whom unapplied money belongs; None when nobody could be identified.
    `foreign` are the items that it is about where they are open in another currency: such money pays none by itself.
    """

    receipt_id: str
    decision: Decision
    best: Hypothesis
    reasons: tuple[str, ...]
    runner_up: Hypothesis | None = None
    customer_id: str | None = None
    foreign: tuple[str, ...] = ()


def imbalance(receipt: Receipt, hypothesis: Hypothesis) -> Money:
    """Return cash + residuals - (invoice allocations - credit allocations + unapplied); zero when money is conserved.

    Source: DESIGN invariant 1 (conservation, per currency, to the minor unit).
    """
    currency = receipt.amount.currency
    applied = total([a.amount for a in hypothesis.allocations if not a.is_credit], currency)
    credited = total([a.amount for a in hypothesis.allocations if a.is_credit], currency)
    residuals = total([r.amount for r in hypothesis.residuals], currency)
    return receipt.amount + residuals - (applied - credited + hypothesis.unapplied)
