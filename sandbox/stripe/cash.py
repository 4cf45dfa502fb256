"""Bank transfers of payers into the accounts that Stripe keeps for them, and what becomes of the money."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.stripe import cash_objects, objects
from sandbox.stripe.objects import Object
from sandbox.stripe.refusal import Refused
from sandbox.stripe.saved import SavedMeans

CASH_METHOD = "customer_balance"
_TRANSFERS = {"gbp": "gb_bank_transfer", "eur": "eu_bank_transfer", "usd": "us_bank_transfer"}
_EURO_COUNTRIES = ("BE", "DE", "ES", "FR", "IE", "NL")


class CashBalances(SavedMeans):
    """Cash by customer and currency; what arrives fills the customer's open bank transfer payments, oldest first."""

    def ask_for_transfer(
        self, customer_id: str, amount: int, currency: str, metadata: dict[str, str] | None = None
    ) -> str:
        """Open a payment that waits for a bank transfer of its payer; cash that is there already pays it."""
        with self._lock:
            intent = self.open_intent(
                amount=amount,
                currency=currency,
                methods=[CASH_METHOD],
                customer_id=customer_id,
                metadata=metadata,
            )
            self.await_transfer(intent)
            return str(intent["id"])

    def await_transfer(self, intent: Object) -> None:
        """Confirm a payment by customer balance: it is paid from the cash there, and waits for the rest."""
        with self._lock:
            intent["payment_method"] = self.new_id("pm")
            intent["payment_method_options"] = {
                CASH_METHOD: {
                    "bank_transfer": {"type": _TRANSFERS[intent["currency"]]},
                    "funding_type": "bank_transfer",
                }
            }
            self._ask_for_rest(intent, intent["amount"])
            self.emit("payment_intent.requires_action", intent)
            self._reconcile(intent["customer"], intent["currency"])

    def check_session(self, given: Mapping[str, Any], currency: str) -> None:
        """Refuse a checkout session by bank transfer for what it lacks, or what the account does not take."""
        if CASH_METHOD not in given.get("payment_method_types", []):
            return
        if currency not in self.transfers_in:
            message = (
                f"The payment method type provided: {CASH_METHOD} is invalid. Please ensure the provided type is"
                " activated in your dashboard and your account is enabled for it."
            )
            raise Refused(message, param="payment_method_types")
        if not given.get("customer"):
            raise Refused(f"A `customer` is required to use {CASH_METHOD}.", param="customer", code="parameter_missing")
        options = given.get("payment_method_options", {}).get(CASH_METHOD, {})
        transfer, kind = options.get("bank_transfer", {}), _TRANSFERS[currency]
        if options.get("funding_type") != "bank_transfer" or transfer.get("type") != kind:
            param = f"payment_method_options[{CASH_METHOD}][bank_transfer][type]"
            raise Refused(f"Bank transfers in {currency} are funded by {kind}.", param=param)
        if currency == "eur" and transfer.get(kind, {}).get("country") not in _EURO_COUNTRIES:
            param = f"payment_method_options[{CASH_METHOD}][bank_transfer][{kind}][country]"
            raise Refused(f"The country must be one of {', '.join(_EURO_COUNTRIES)}.", param=param)

    def _pay_on_page(self, session: Object, data: Object, *, method: str, fee: int | None) -> str:
        """Show where to transfer the money to, on a page of transfers; take it on any other."""
        if session["payment_method_types"] != [CASH_METHOD]:
            return super()._pay_on_page(session, data, method=method, fee=fee)
        amount, currency = session["amount_total"], session["currency"]
        return self.ask_for_transfer(session["customer"], amount, currency, data.get("metadata"))

    def transfer_in(
        self, customer_id: str, amount: int, currency: str, *, reference: str = "", sender: str = "Payer Ltd"
    ) -> str:
        """Let a payer's bank transfer arrive; return the id of the movement."""
        with self._lock:
            self.known(self.customers, "customer", customer_id)
            kind = _TRANSFERS[currency]
            transfer = {"type": kind, "reference": reference or None, kind: cash_objects.transfer_sender(kind, sender)}
            made = self._move_cash(customer_id, amount, currency, "funded", funded={"bank_transfer": transfer})
            self._reconcile(customer_id, currency)
            if self.cash_of(customer_id).get(currency):
                self.emit("cash_balance.funds_available", self.cash_balance(customer_id))
            return str(made["id"])

    def return_cash(self, customer_id: str, amount: int, currency: str) -> None:
        """Send cash back to the payer's bank."""
        with self._lock:
            if self.cash_of(customer_id).get(currency, 0) < amount:
                raise Refused("The customer has not enough cash.", param="amount")
            self._move_cash(customer_id, -amount, currency, "return_initiated")

    def reverse_transfer(self, customer_id: str, amount: int, currency: str) -> None:
        """Let the payer's bank take a transfer back."""
        with self._lock:
            self._move_cash(customer_id, -amount, currency, "funding_reversed")

    def give_up_transfer(self, payment_intent_id: str) -> None:
        """Cancel a payment that waits for a transfer; what it was filled with is the payer's cash again."""
        with self._lock:
            intent = self.known(self.payment_intents, "payment_intent", payment_intent_id)
            filled = self.filled.pop(payment_intent_id, 0)
            if filled:
                self._move_cash(
                    intent["customer"],
                    filled,
                    intent["currency"],
                    "unapplied_from_payment",
                    unapplied_from_payment={"payment_intent": payment_intent_id},
                )
            intent |= {"status": "canceled", "canceled_at": self.now(), "next_action": None}
            self.emit("payment_intent.canceled", intent)

    def cancel(self, payment_intent_id: str, *, reason: str | None = None) -> Object:
        """Give up a payment; one that waits for a transfer gives back what it was filled with."""
        intent = self.known(self.payment_intents, "payment_intent", payment_intent_id, param="intent")
        if _waits(intent):
            self.give_up_transfer(payment_intent_id)
            return intent
        return super().cancel(payment_intent_id, reason=reason)

    def cash_of(self, customer_id: str) -> dict[str, int]:
        """What is kept for a customer, by currency."""
        return self.cash.setdefault(customer_id, {})

    def cash_balance(self, customer_id: str) -> Object:
        """The cash balance of a customer as the API shows it."""
        return cash_objects.cash_balance(customer=customer_id, available=dict(self.cash_of(customer_id)) or None)

    def _reconcile(self, customer_id: str, currency: str) -> None:
        for intent in self.payment_intents.values():
            there = self.cash_of(customer_id).get(currency, 0)
            if _waits(intent) and there > 0 and (intent["customer"], intent["currency"]) == (customer_id, currency):
                self._fill(intent, there)

    def _fill(self, intent: Object, there: int) -> None:
        """Apply cash to a payment that waits for it, in full or in part."""
        filled = self.filled.get(intent["id"], 0)
        amount = min(there, intent["amount"] - filled)
        self.filled[intent["id"]] = filled + amount
        applied = {"payment_intent": intent["id"]}
        self._move_cash(
            intent["customer"], -amount, intent["currency"], "applied_to_payment", applied_to_payment=applied
        )
        rest = intent["amount"] - filled - amount
        if rest:
            self._ask_for_rest(intent, rest)
            self.emit("payment_intent.partially_funded", intent)
            return
        intent["next_action"] = None
        self._succeed(intent, self._charged(intent), fee=None, at=None)
        self._tell_session(intent, "checkout.session.async_payment_succeeded", "paid")

    def _charged(self, intent: Object) -> Object:
        charge = objects.charge(
            id=self.new_id("py"),
            created=self.now(),
            intent=intent,
            method=CASH_METHOD,
            payer=self.customers[intent["customer"]],
        )
        self.charges[charge["id"]] = charge
        intent["latest_charge"] = charge["id"]
        return charge

    def _ask_for_rest(self, intent: Object, rest: int) -> None:
        kind = _TRANSFERS[intent["currency"]]
        intent["status"] = "requires_action"
        intent["next_action"] = cash_objects.transfer_instructions(
            kind=kind, rest=rest, currency=intent["currency"], reference=intent["id"][-12:].upper()
        )

    def _move_cash(self, customer_id: str, net: int, currency: str, kind: str, **detail: Object) -> Object:
        cash = self.cash_of(customer_id)
        cash[currency] = cash.get(currency, 0) + net
        made = cash_objects.cash_movement(
            id=self.new_id("ccsbtxn"),
            created=self.now(),
            customer=customer_id,
            currency=currency,
            net=net,
            ending=cash[currency],
            kind=kind,
            detail=detail,
        )
        self.cash_movements[made["id"]] = made
        self.emit("customer_cash_balance_transaction.created", made)
        return made


def _waits(intent: Object) -> bool:
    return bool(intent["status"] == "requires_action" and intent["payment_method_types"] == [CASH_METHOD])
