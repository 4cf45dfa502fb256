"""What payers sent by bank transfer to the accounts that Stripe gives them, and what became of it (cash balance).

Until it is applied to a payment the money is no part of the merchant's balance: Stripe keeps it for the payer. A
payment that it fills in part only is not paid; what was applied to it is the payer's still, and counts here. Source:
docs.stripe.com/payments/customer-balance, "Cash balance transaction types".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

from connectors.payments.stripe.client import Row
from connectors.payments.stripe.reading import identity, money
from connectors.records import CashMovement, HeldCashFields, Kind, Record

# To be read with the movements: whether the payment that cash was applied to is paid by it.
EXPANDED = ["data.applied_to_payment.payment_intent"]
_OVER = ("succeeded", "canceled")  # of a payment: it has the money, or gave it back as a movement of its own


def has_cash(customer: Row) -> bool:
    """Whether there is, or was, cash of a customer: of most there never was."""
    return (customer.get("cash_balance") or {}).get("available") is not None


def held_cash_of(customer: Row, movements: Sequence[Row]) -> Record | None:
    """Turn a customer, with its cash balance, and its newest movements into a record; None where there was no cash."""
    available = (customer.get("cash_balance") or {}).get("available") or {}
    if not available and not movements:
        return None
    held = dict.fromkeys((str(row["currency"]) for row in movements), 0) | available
    for currency, minor in _applied_to_open(movements):
        held[currency] += minor
    newest = max((int(row["created"]) for row in movements), default=None)
    fields = HeldCashFields(
        payer_name=str(customer.get("name") or ""),
        payer_email=customer.get("email"),
        held=tuple(money(minor, currency) for currency, minor in sorted(held.items())),
        movements=tuple(_movement(row) for row in movements),
    )
    moved_at = datetime.fromtimestamp(newest, UTC) if newest is not None else None
    # Nothing here has a version: the newest movement tells how old it is, and names it.
    version = str(movements[0]["id"]) if movements else ""
    return Record(Kind.HELD_CASH, str(customer["id"]), version, moved_at, fields)


def _applied_to_open(movements: Sequence[Row]) -> list[tuple[str, int]]:
    """What stands applied to payments that it does not pay yet, by payment."""
    applied: defaultdict[tuple[str, str], int] = defaultdict(int)
    states: dict[str, str] = {}
    for row in movements:
        detail = row.get("applied_to_payment") or row.get("unapplied_from_payment") or {}
        intent = detail.get("payment_intent")
        name = identity(intent)
        if name is None:
            continue
        applied[name, str(row["currency"])] -= int(row["net_amount"])
        if isinstance(intent, dict):
            states[name] = str(intent["status"])
    return [
        (currency, minor)
        for (name, currency), minor in applied.items()
        if minor > 0 and states.get(name, _OVER[0]) not in _OVER
    ]


def _movement(row: Row) -> CashMovement:
    transfer = (row.get("funded") or {}).get("bank_transfer") or {}
    sender = (transfer.get(str(transfer.get("type"))) or {}).get("sender_name")
    detail = row.get("applied_to_payment") or row.get("unapplied_from_payment") or {}
    return CashMovement(
        external_id=str(row["id"]),
        kind=str(row["type"]),
        amount=money(row["net_amount"], str(row["currency"])),
        moved_at=datetime.fromtimestamp(int(row["created"]), UTC),
        reference=str(transfer.get("reference") or ""),
        sender=str(sender or ""),
        payment_external_id=identity(detail.get("payment_intent")),
    )
