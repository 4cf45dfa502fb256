"""What a receipt pays by a person's choice: which invoices, and how much of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from receivables.allocation import Allocation, Explanation, Hypothesis, Residual, ResidualKind
from receivables.money import Money, total
from receivables.receipt import Receipt


class ChoiceError(ValueError):
    """A choice that cannot be; the text is one line that says what of it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """An invoice that is to be paid. `amount` None: as much of it as the money is enough for."""

    item_id: str
    number: str
    open_amount: Money
    amount: Money | None = None


def chosen(receipt: Receipt, wishes: Sequence[Wish]) -> Hypothesis:
    """Set a receipt against what a person chose; what is left of it is the customer's credit.

    Stated amounts come first, then the others in their order. A processor's fee stays with the cash, so that the
    invoices get what the payer paid. ChoiceError when nothing is chosen, an invoice is in another currency or chosen
    twice, an amount is not above zero or more than is open, or all of them are more than the money.
    """
    if not wishes:
        raise ChoiceError("choose at least one invoice")
    if len({wish.item_id for wish in wishes}) < len(wishes):
        raise ChoiceError("an invoice is chosen twice")
    currency = receipt.gross.currency
    for wish in wishes:
        _check(wish, currency)
    stated = total([wish.amount for wish in wishes if wish.amount is not None], currency)
    left = receipt.gross - stated
    if left.minor < 0:
        raise ChoiceError(f"the amounts come to {stated}, and the money is {receipt.gross}")
    allocations = []
    for wish in wishes:
        amount = wish.amount
        if amount is None:
            amount = min(wish.open_amount, left)
            left -= amount
        if not amount:
            raise ChoiceError(
                f"nothing of the money is left for {wish.number}: write how much each gets, or choose fewer"
            )
        allocations.append(Allocation(wish.item_id, amount))
    fees = (Residual(ResidualKind.PROCESSOR_FEE, receipt.fee),) if receipt.fee else ()
    return Hypothesis(Explanation.CHOSEN, 1.0, tuple(allocations), fees, left)


def _check(wish: Wish, currency: str) -> None:
    if wish.open_amount.currency != currency:
        raise ChoiceError(f"{wish.number} is in {wish.open_amount.currency}, and the money in {currency}")
    if not wish.open_amount:
        raise ChoiceError(f"{wish.number} is not open any more")
    if wish.amount is None:
        return
    if wish.amount.minor <= 0:
        raise ChoiceError(f"{wish.number}: write an amount above zero")
    if wish.amount > wish.open_amount:
        raise ChoiceError(f"{wish.number}: {wish.amount} is more than the {wish.open_amount} that are open of it")
