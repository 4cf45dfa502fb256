"""How money arrives in the plan, and what becomes true by it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

from sandbox.world.bank import Teller, account_of, payer_name
from sandbox.world.company import Profile
from sandbox.world.model import DEMO_START, Charge, Customer, Organisation, TrueInvoice, TrueReceipt
from sandbox.world.statement import Line
from sandbox.world.trade import CENT

NIL = Decimal("0.00")
TODAY = DEMO_START.date()
DEBIT_FEE = Decimal("0.80")
_CARD_FEES = {
    "GBP": (Decimal("0.015"), Decimal("0.20")),
    "EUR": (Decimal("0.015"), Decimal("0.25")),
    "USD": (Decimal("0.029"), Decimal("0.30")),
}


class Takings:
    """The money of one organisation: through its bank and through its processor."""

    def __init__(self, profile: Profile, organisation: Organisation, teller: Teller, rng: random.Random) -> None:
        self.profile = profile
        self.organisation = organisation
        self.teller = teller
        self.rng = rng

    def customer(self, invoice: TrueInvoice) -> Customer:
        """The customer of an invoice."""
        return self.organisation.customer_of(invoice)

    def bank(
        self,
        customer: Customer,
        invoices: Sequence[TrueInvoice],
        remittance: str,
        *,
        amount: Decimal | None = None,
        fee: Decimal = NIL,
        payer: str | None = None,
        day: int | None = None,
    ) -> Line:
        """Money from `customer` reaches the bank account and pays `invoices` in order; the rest stays unapplied.

        `amount` is what arrived (default: what the invoices come to, less the fee); `day` counts the statement's days.
        """
        owed = sum((i.true_open for i in invoices), NIL)
        arrived = owed - fee if amount is None else amount
        line = self.teller.book(
            payer=payer or payer_name(customer, self.rng),
            account=account_of(customer, self.profile.currency) if payer is None else "",
            amount=arrived,
            remittance=remittance,
            on=None if day is None else self.profile.bank_days[day],
            gross=arrived + fee if fee else None,
            fee=fee or None,
        )
        self.receipt(
            line.reference, "bank", customer, invoices, amount=arrived, fee=fee, days_ago=(TODAY - line.booked_on).days
        )
        return line

    def receipt(
        self,
        key: str,
        channel: str,
        customer: Customer,
        invoices: Sequence[TrueInvoice],
        *,
        amount: Decimal,
        fee: Decimal = NIL,
        days_ago: int = 0,
    ) -> TrueReceipt:
        """Record the truth about money that arrived."""
        rest, allocations = amount + fee, []
        for invoice in invoices:
            part = min(rest, invoice.true_open)
            rest -= part
            if part:
                allocations.append((invoice.number, part))
                left = invoice.true_open - part
                invoice.change(open=left, covered=None if left else f"paid_by_{channel}")
        receipt = TrueReceipt(
            key=f"{self.organisation.key}:{key}",
            organisation=self.organisation.key,
            channel=channel,
            received_on=TODAY - timedelta(days=days_ago),
            currency=customer.currency,
            amount=amount,
            payer=customer.key,
            allocations=tuple(allocations),
            fee=fee,
            unapplied=rest,
        )
        self.organisation.receipts.append(receipt)
        return receipt

    def charge(self, invoice: TrueInvoice, *, method: str, state: str, days_ago: int) -> Charge:
        """Plan a payment through the processor for the invoice's whole amount."""
        charge = Charge(
            key=f"charge:{len(self.organisation.charges) + 1}",
            invoice=invoice.number,
            customer=invoice.customer,
            currency=invoice.currency,
            amount=invoice.total,
            method=method,
            state=state,
            created_at=DEMO_START - timedelta(days=days_ago, hours=2, minutes=len(self.organisation.charges)),
            fee=card_fee(invoice.total, self.profile.currency) if method == "card" else DEBIT_FEE,
        )
        self.organisation.charges.append(charge)
        return charge


def card_fee(amount: Decimal, currency: str) -> Decimal:
    """What the processor keeps of a card payment: a share, and a fixed part for each payment."""
    share, fixed = _CARD_FEES[currency]
    return (amount * share).quantize(CENT, ROUND_HALF_UP) + fixed
