"""A Stripe account: payments, what takes money back, and payouts to the bank."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta

from sandbox.stripe import objects
from sandbox.stripe.cash import CashBalances
from sandbox.stripe.objects import Object
from sandbox.stripe.refusal import Refused

EVIDENCE_TIME = timedelta(days=20)
DISPUTE_FEE = 1_500  # minor units


class StripeAccount(CashBalances):
    """What payers, banks and card networks do to one account; each step emits the events that Stripe emits."""

    def refund(
        self,
        payment_intent_id: str,
        amount: int | None = None,
        *,
        reason: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Refund a succeeded payment, in full or in part, and return the refund's id."""
        with self._lock:
            charge = self._paid_charge(payment_intent_id)
            left = charge["amount"] - charge["amount_refunded"]
            if left == 0:
                raise Refused(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
            if charge["disputed"]:
                raise Refused(f"Charge {charge['id']} has been charged back.", code="charge_disputed")
            wanted = left if amount is None else amount
            if not 0 < wanted <= left:
                message = f"Refund amount ({wanted}) is greater than unrefunded amount on charge ({left})"
                raise Refused(message, param="amount")
            refund = objects.refund(
                id=self.new_id("re"),
                created=self.now(),
                charge=charge,
                amount=wanted,
                reason=reason,
                metadata=dict(metadata or {}),
            )
            card = charge["payment_method_details"]["type"] == "card"
            movement = self._take_back(charge, -wanted, "refund" if card else "payment_refund", "refund", refund)
            refund["balance_transaction"] = movement["id"]
            self.refunds[refund["id"]] = refund
            self._count_refunded(charge, wanted)
            self.emit("refund.created", refund)
            self.emit("charge.refunded", charge)
            self.emit("refund.updated", refund)
            return str(refund["id"])

    def fail_refund(self, refund_id: str, reason: str = "lost_or_stolen_card") -> None:
        """Let the payer's bank send a refund back: the customer has paid again."""
        with self._lock:
            refund = self.known(self.refunds, "refund", refund_id)
            if refund["status"] != "succeeded":
                raise Refused(f"Refund {refund_id} is {refund['status']}.")
            charge = self.charges[refund["charge"]]
            movement = self._take_back(charge, refund["amount"], "refund_failure", "refund_failure", refund)
            refund |= {"status": "failed", "failure_reason": reason, "failure_balance_transaction": movement["id"]}
            self._count_refunded(charge, -refund["amount"])
            self.emit("refund.updated", refund)
            self.emit("refund.failed", refund)

    def dispute(self, payment_intent_id: str, reason: str = "fraudulent", *, fee: int = DISPUTE_FEE) -> str:
        """Let the payer reverse a payment through the network; the money and a fee are withdrawn at once."""
        with self._lock:
            charge = self._paid_charge(payment_intent_id)
            if charge["disputed"]:
                raise Refused(f"Charge {charge['id']} has been charged back.", code="charge_disputed")
            due = self.now() + int(EVIDENCE_TIME.total_seconds())
            dispute = objects.dispute(
                id=self.new_id("du"), created=self.now(), charge=charge, reason=reason, due_by=due
            )
            movement = self._take_back(charge, -dispute["amount"], "adjustment", "dispute", dispute, fee=fee)
            dispute["balance_transactions"].append(dict(movement))
            charge["disputed"] = True
            self.disputes[dispute["id"]] = dispute
            self.emit("charge.dispute.created", dispute)
            self.emit("charge.dispute.funds_withdrawn", dispute)
            return str(dispute["id"])

    def close_dispute(self, dispute_id: str, won: bool) -> None:
        """Let the network decide; a won dispute returns the money, not the fee."""
        with self._lock:
            dispute = self.known(self.disputes, "dispute", dispute_id)
            if dispute["status"] in ("won", "lost"):
                raise Refused(f"Dispute {dispute_id} is closed.")
            dispute["status"] = "won" if won else "lost"
            if won:
                charge = self.charges[dispute["charge"]]
                movement = self._take_back(charge, dispute["amount"], "adjustment", "dispute_reversal", dispute)
                dispute["balance_transactions"].append(dict(movement))
                self.emit("charge.dispute.funds_reinstated", dispute)
            self.emit("charge.dispute.closed", dispute)

    def pay_out(
        self,
        payment_intent_ids: Iterable[str] | None = None,
        *,
        arrival_on: date,
        currency: str | None = None,
    ) -> str:
        """Pay the available balance, or all that moved for some payments, out to the bank; return the payout's id.

        ValueError when that is nothing or less: what a balance lacks is debited.
        """
        with self._lock:
            chosen, total = self._moved(payment_intent_ids, currency)
            if total <= 0:
                raise ValueError(f"nothing to pay out: the balance movements chosen sum to {total}")
            return self._settle_with_bank(chosen, total, arrival_on)

    def debit_bank(
        self,
        payment_intent_ids: Iterable[str] | None = None,
        *,
        arrival_on: date,
        currency: str | None = None,
    ) -> str:
        """Take what the balance, or what moved for some payments, lacks from the bank: a payout of less than nothing.

        ValueError when nothing is lacking.
        """
        with self._lock:
            chosen, total = self._moved(payment_intent_ids, currency)
            if total >= 0:
                raise ValueError(f"nothing is lacking: the balance movements chosen sum to {total}")
            return self._settle_with_bank(chosen, total, arrival_on)

    def _moved(self, payment_intent_ids: Iterable[str] | None, currency: str | None) -> tuple[list[Object], int]:
        self.settle_balance()
        chosen = self._to_pay_out(payment_intent_ids, (currency or self.currency).lower())
        return chosen, sum(movement["net"] for movement in chosen)

    def _settle_with_bank(self, chosen: list[Object], total: int, arrival_on: date) -> str:
        payout = objects.payout(
            id=self.new_id("po"),
            created=self.now(),
            arrival_date=int(datetime.combine(arrival_on, time(), UTC).timestamp()),
            amount=total,
            currency=chosen[0]["currency"],
            destination=f"ba_{self.account_id[5:]}",
        )
        movement = self.move(
            type="payout",
            category="payout",
            source=payout["id"],
            amount=-total,
            currency=payout["currency"],
            description="STRIPE PAYOUT",
        )
        payout["balance_transaction"] = movement["id"]
        self.payouts[payout["id"]] = payout
        for paid in (*chosen, movement):
            paid["status"] = "available"
            self.payout_of[paid["id"]] = payout["id"]
        self.emit("payout.created", payout)
        payout["status"] = "paid"
        self.emit("payout.paid", payout)
        payout["reconciliation_status"] = "completed"
        self.emit("payout.reconciliation_completed", payout)
        return str(payout["id"])

    def fail_payout(self, payout_id: str, code: str = "account_closed") -> None:
        """Let the bank return a payout that was paid; its money is available again."""
        with self._lock:
            payout = self.known(self.payouts, "payout", payout_id)
            if payout["status"] != "paid":
                raise Refused(f"Payout {payout_id} is {payout['status']}.")
            movement = self.move(
                type="payout_failure",
                category="payout_reversal",
                source=payout_id,
                amount=payout["amount"],
                currency=payout["currency"],
                description="PAYOUT FAILURE",
            )
            payout |= {"status": "failed", "failure_code": code, "failure_balance_transaction": movement["id"]}
            payout["failure_message"] = "The bank returned the payout."
            self.emit("payout.failed", payout)

    def _paid_charge(self, payment_intent_id: str) -> Object:
        intent = self.known(self.payment_intents, "payment_intent", payment_intent_id, param="payment_intent")
        if intent["status"] != "succeeded":
            message = f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
            raise Refused(message, code="payment_intent_unexpected_state", param="payment_intent")
        return self.charges[intent["latest_charge"]]

    def _take_back(
        self, charge: Object, amount: int, type: str, category: str, source: Object, *, fee: int = 0
    ) -> Object:
        return self.move(
            type=type,
            category=category,
            source=source["id"],
            amount=amount,
            currency=charge["currency"],
            fee=fee,
            description=f"{category.replace('_', ' ')} of {charge['id']}",
        )

    def _count_refunded(self, charge: Object, amount: int) -> None:
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]

    def _to_pay_out(self, payment_intent_ids: Iterable[str] | None, currency: str) -> list[Object]:
        waiting = [m for m in self.balance_transactions.values() if m["id"] not in self.payout_of]
        if payment_intent_ids is None:
            return [m for m in waiting if m["status"] == "available" and m["currency"] == currency]
        wanted = set(payment_intent_ids)
        for intent_id in wanted:
            self.known(self.payment_intents, "payment_intent", intent_id)
        sources = {**self.charges, **self.refunds, **self.disputes}
        chosen = [m for m in waiting if m["source"] in sources and sources[m["source"]]["payment_intent"] in wanted]
        if len({m["currency"] for m in chosen}) > 1:
            raise ValueError("one payout has one currency")
        return chosen
