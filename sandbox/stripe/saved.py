"""Means of payment that payers save on a page of mode setup, and payments taken from them while nobody is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.stripe import objects
from sandbox.stripe.bank_links import BankLinks
from sandbox.stripe.objects import DEBITS, Object
from sandbox.stripe.refusal import Refused

AUTHENTICATION = "authentication_required"


class SavedMeans(BankLinks):
    """What payers save, and what banks say when it is used."""

    def complete_setup(self, session_id: str, *, method: str = "card") -> str:
        """Save a means of payment on a session's page; return its id. Its customer is made there, where asked for."""
        with self._lock:
            session = self.open_session(session_id)
            setup = self.setup_intents[session["setup_intent"]]
            if session["customer"] is None and session["customer_creation"] == "always":
                session["customer"] = self.add_customer(name="", email=session["customer_email"])
            payer = self.customers[session["customer"]]
            means = objects.payment_method(id=self.new_id("pm"), created=self.now(), method=method, payer=payer)
            asked = session["payment_method_options"].get("us_bank_account", {}).get("financial_connections")
            if method == "us_bank_account" and asked:
                means[method]["financial_connections_account"] = self.link_bank(payer["id"], asked["permissions"])
            self.payment_methods[means["id"]] = means
            self.emit("payment_method.attached", means)
            setup |= {"status": "succeeded", "customer": payer["id"], "payment_method": means["id"]}
            if method in DEBITS:
                setup["mandate"] = self.new_id("mandate")
            self.emit("setup_intent.succeeded", setup)
            session |= {"status": "complete", "url": None}
            self.emit("checkout.session.completed", session)
            return str(means["id"])

    def refuse(self, means_id: str, *, code: str = "card_declined", decline_code: str = "generic_decline") -> None:
        """Let the bank decline whatever is taken from a saved means from now on."""
        self.refusing[means_id] = (code, decline_code)

    def detach(self, means_id: str) -> Object:
        """Take a means from its customer: nothing can be paid with it any more."""
        with self._lock:
            means = self.known(self.payment_methods, "PaymentMethod", means_id)
            if means["customer"] is None:
                raise Refused(
                    "The payment method you provided is not attached to a customer so detachment is impossible.",
                    param="payment_method",
                )
            means["customer"] = None
            self.emit("payment_method.detached", means)
            return means

    def saved_means(self, given: Mapping[str, Any]) -> Object | None:
        """Return the saved means that a payment names; None where it names none. Refused where it cannot be used so."""
        if given.get("off_session") and given.get("confirm") != "true":
            raise Refused("`off_session` can only be used with `confirm`.", param="off_session")
        means = self.payment_methods.get(given.get("payment_method") or "")
        if means is None:
            return None
        if means["customer"] is None or means["customer"] != given.get("customer"):
            message = (
                f"The customer does not have a payment method with the ID {means['id']}. "
                "The payment method must be attached to the customer."
            )
            raise Refused(message, param="payment_method", code="resource_missing")
        if means["type"] not in given.get("payment_method_types", ["card"]):
            message = f"The PaymentMethod provided ({means['type']}) is not allowed for this PaymentIntent."
            raise Refused(message, param="payment_method")
        return means

    def pay_from(self, intent: Object, means: Object) -> Object:
        """Confirm a payment with a saved means; return the intent, declined where the bank says so."""
        with self._lock:
            means_id = str(means["id"])
            self._ask_bank(str(intent["id"]), means_id, method=str(means["type"]))
            self.on_taken(intent, means_id)
            return intent

    def _ask_bank(self, intent_id: str, means_id: str, *, method: str) -> None:
        if means_id not in self.refusing:
            self.confirm(intent_id, method=method, means=means_id)
            return
        code, decline_code = self.refusing[means_id]
        message = "Your card was declined."
        if code == AUTHENTICATION:
            message += " This transaction requires authentication."
        self.decline(intent_id, code=code, message=message, method=method, means=means_id, decline_code=decline_code)
