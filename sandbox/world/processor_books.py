"""The organisation's Stripe account: payments made before the demo, and what payers and banks do during it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.world.model import Charge, Customer, Organisation

if TYPE_CHECKING:
    from sandbox.stripe import StripeAccount


class ProcessorBooks:
    """One Stripe account. Amounts go there in minor units; every currency of the world has two decimals."""

    def __init__(self, account: StripeAccount, organisation: Organisation) -> None:
        self.account = account
        self._organisation = organisation

    def seed(self, *, payout_on: date) -> None:
        """Make the payments that came before the demo, and the payout whose line is in the bank statement."""
        for charge in sorted(self._organisation.charges, key=lambda c: c.created_at):
            if charge.state != "live":
                self.pay(charge, self._organisation.customers[charge.customer])
        paid_out = [c.payment_intent for c in self._organisation.charges if c.state == "paid_out"]
        self.account.pay_out(payment_intent_ids=paid_out, arrival_on=payout_on)

    def pay(self, charge: Charge, customer: Customer) -> None:
        """Let the customer pay by the charge's method."""
        if not customer.processor_id:
            customer.processor_id = self.account.add_customer(name=customer.name, email=customer.email)
        charge.payment_intent = self.account.pay(
            amount=_minor(charge.amount),
            currency=charge.currency.lower(),
            method=charge.method,
            customer_id=customer.processor_id,
            metadata={"invoice": charge.invoice},
            description=f"Payment for {charge.invoice}",
            fee=_minor(charge.fee),
            created_at=None if charge.state == "live" else charge.created_at,
        )

    def fail(self, charge: Charge) -> None:
        """Let a processing debit fail for lack of funds."""
        self.account.fail(charge.payment_intent, code="insufficient_funds")

    def refund(self, charge: Charge, amount: Decimal | None = None) -> str:
        """Refund the whole payment, or an amount of it; returns the refund's id."""
        return self.account.refund(charge.payment_intent, None if amount is None else _minor(amount))

    def charge_back(self, charge: Charge) -> str:
        """Let the payer's bank take the payment back; returns the dispute's id."""
        return self.account.dispute(charge.payment_intent, reason="fraudulent")


def _minor(amount: Decimal) -> int:
    return int(amount.scaleb(2))
