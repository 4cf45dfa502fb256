"""How an application is booked: what of each invoice the cash pays, a credit note covers, or closes without either."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from receivables.allocation import Allocation, Hypothesis, Residual, ResidualKind
from receivables.money import Money, split, total

# Kept from the cash before it arrived: the payer paid them, so they stay with the cash.
FEE_KINDS = frozenset({ResidualKind.PROCESSOR_FEE, ResidualKind.BANK_FEE})


class SettlementError(ValueError):
    """An application that cannot be booked part by part; the text says why."""


@dataclass(frozen=True, slots=True)
class CashPart:
    """`amount` of an invoice that the receipt pays, fees kept from it included."""

    item_id: str
    amount: Money


@dataclass(frozen=True, slots=True)
class CreditPart:
    """`amount` of an invoice that a credit note covers."""

    credit_id: str
    item_id: str
    amount: Money


@dataclass(frozen=True, slots=True)
class WriteDownPart:
    """`amount` of an invoice that closes for a reason beside cash and credit."""

    item_id: str
    kind: ResidualKind
    amount: Money


@dataclass(frozen=True, slots=True)
class Settlement:
    """The parts of an application, none of them zero. For each invoice they sum to its allocation."""

    cash: tuple[CashPart, ...]
    credits: tuple[CreditPart, ...]
    write_downs: tuple[WriteDownPart, ...]
    fee: Money


def without_surplus(hypothesis: Hypothesis) -> Hypothesis:
    """Keep cash that is more than its items as the customer's credit, where a negative residual would hide it."""
    surplus = [residual for residual in hypothesis.residuals if residual.amount.minor < 0]
    kept = tuple(residual for residual in hypothesis.residuals if residual.amount.minor > 0)
    more = total([-residual.amount for residual in surplus], hypothesis.unapplied.currency)
    return replace(hypothesis, residuals=kept, unapplied=hypothesis.unapplied + more)


def settle(
    *, allocations: Sequence[Allocation], residuals: Sequence[Residual], owners: Mapping[str, str], currency: str
) -> Settlement:
    """Divide an application into what is booked for each invoice.

    Each residual but a fee is spread over the invoices in proportion to what is left of them; each credit note then
    covers invoices of its own customer (`owners`: item to customer); the cash pays the rest. The order of what is
    given changes nothing. SettlementError when a credit note or a residual is more than the invoices it may close.
    """
    ordered = sorted(allocations, key=lambda each: each.item_id)
    left = {each.item_id: each.amount.minor for each in ordered if not each.is_credit}
    write_downs: list[WriteDownPart] = []
    for residual in sorted(residuals, key=lambda each: each.kind.value):
        if residual.kind not in FEE_KINDS:
            write_downs += _write_down(residual, left)
    credited: list[CreditPart] = []
    for each in ordered:
        if each.is_credit:
            credited += _cover(each, left, owners)
    return Settlement(
        cash=tuple(CashPart(item_id, Money(minor, currency)) for item_id, minor in left.items() if minor),
        credits=tuple(credited),
        write_downs=tuple(write_downs),
        fee=total([each.amount for each in residuals if each.kind in FEE_KINDS], currency),
    )


def _write_down(residual: Residual, left: dict[str, int]) -> list[WriteDownPart]:
    if not 0 < residual.amount.minor <= sum(left.values()):
        raise SettlementError(f"a {residual.kind.replace('_', ' ')} of {residual.amount} is no part of these invoices")
    parts = []
    for item_id, amount in zip(list(left), split(residual.amount, list(left.values())), strict=True):
        left[item_id] -= amount.minor
        if amount:
            parts.append(WriteDownPart(item_id, residual.kind, amount))
    return parts


def _cover(credit: Allocation, left: dict[str, int], owners: Mapping[str, str]) -> list[CreditPart]:
    rest = credit.amount.minor
    parts = []
    for item_id, minor in left.items():
        amount = min(rest, minor)
        if amount and owners.get(item_id) == owners.get(credit.item_id):
            left[item_id] = minor - amount
            rest -= amount
            parts.append(CreditPart(credit.item_id, item_id, Money(amount, credit.amount.currency)))
    if rest:
        raise SettlementError(f"a credit note of {credit.amount} is more than the invoices of its own customer")
    return parts
