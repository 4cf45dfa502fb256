"""Money coming in: customers, payment intents from opening to success or failure, checkout sessions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sandbox.stripe import objects
from sandbox.stripe.books import Books
from sandbox.stripe.objects import DEBITS, METHODS, Object
from sandbox.stripe.refusal import Refused

SESSION_LIFETIME = timedelta(hours=24)
SHORTEST_SESSION = timedelta(minutes=30)
OPEN_STATES = ("requires_payment_method", "requires_confirmation")


def usual_fee(amount: int) -> int:
    """Return 1.5 % plus 25 minor units, rounded half up, at most the amount."""
    return min(amount, (amount * 15 + 500) // 1000 + 25)


class Payments(Books):
    """What payers and their banks do."""

    def add_customer(self, *, name: str, email: str | None = None, metadata: Mapping[str, str] | None = None) -> str:
        """Keep a customer and return its id."""
        with self._lock:
            made = objects.customer(
                id=self.new_id("cus"), created=self.now(), name=name, email=email, metadata=dict(metadata or {})
            )
            self.customers[made["id"]] = made
            self.emit("customer.created", made)
            return str(made["id"])

    def pay(
        self,
        *,
        amount: int,
        currency: str,
        method: str = "card",
        customer_id: str | None = None,
        metadata: Mapping[str, str] | None = None,
        description: str = "",
        fee: int | None = None,
        created_at: datetime | None = None,
    ) -> str:
        """Pay: a card succeeds at once, a debit is processing until `settle` or `fail`."""
        with self._lock:
            intent = self.open_intent(
                amount=amount,
                currency=currency,
                methods=[method],
                customer_id=customer_id,
                metadata=metadata,
                description=description or None,
                at=created_at,
            )
            self.confirm(str(intent["id"]), method=method, fee=fee, at=created_at)
            return str(intent["id"])

    def open_intent(
        self,
        *,
        amount: int,
        currency: str,
        methods: list[str],
        customer_id: str | None = None,
        metadata: Mapping[str, str] | None = None,
        description: str | None = None,
        at: datetime | None = None,
    ) -> Object:
        """Open a payment intent that waits for a payment method."""
        with self._lock:
            if amount < 1:
                message = "This value must be greater than or equal to 1."
                raise Refused(message, param="amount", code="parameter_invalid_integer")
            if customer_id is not None:
                self.known(self.customers, "customer", customer_id, param="customer")
            intent = objects.payment_intent(
                id=self.new_id("pi"),
                created=self.now(at),
                amount=amount,
                currency=currency.lower(),
                methods=methods,
                customer=customer_id,
                metadata=dict(metadata or {}),
                description=description,
            )
            self.payment_intents[intent["id"]] = intent
            self.emit("payment_intent.created", intent, at=at)
            return intent

    def confirm(
        self,
        payment_intent_id: str,
        *,
        method: str,
        fee: int | None = None,
        at: datetime | None = None,
        means: str | None = None,
    ) -> None:
        """Attach a method to an open payment intent, a new one or saved `means`, and pay with it."""
        with self._lock:
            intent, charge = self._attempt(payment_intent_id, method, at=at, means=means)
            if method not in DEBITS:
                self._succeed(intent, charge, fee=fee, at=at)
                return
            self.agreed_fees[charge["id"]] = fee
            intent["status"] = "processing"
            self.emit("charge.pending", charge, at=at)
            self.emit("payment_intent.processing", intent, at=at)

    def decline(
        self,
        payment_intent_id: str,
        *,
        code: str = "card_declined",
        message: str = "Declined.",
        method: str = "card",
        means: str | None = None,
        decline_code: str | None = None,
    ) -> Object:
        """Refuse a card; the payment intent waits for another method. Returns the failed intent."""
        with self._lock:
            intent, charge = self._attempt(payment_intent_id, method, at=None, means=means)
            self._fail(intent, charge, code, message, decline_code=decline_code)
            return intent

    def settle(self, payment_intent_id: str) -> None:
        """Let a processing debit succeed."""
        with self._lock:
            intent, charge = self._processing(payment_intent_id)
            self._succeed(intent, charge, fee=self.agreed_fees.pop(charge["id"], None), at=None)
            self._tell_session(intent, "checkout.session.async_payment_succeeded", "paid")

    def fail(
        self, payment_intent_id: str, code: str = "insufficient_funds", message: str = "The account has too little."
    ) -> None:
        """Let a processing debit fail; the payment intent waits for another method."""
        with self._lock:
            intent, charge = self._processing(payment_intent_id)
            self._fail(intent, charge, code, message)
            self._tell_session(intent, "checkout.session.async_payment_failed", "unpaid")

    def _open_setup(self, session: Object, data: Object) -> None:
        """Open the setup intent of a checkout session of mode setup."""
        made = objects.setup_intent(
            id=self.new_id("seti"),
            created=self.now(),
            methods=session["payment_method_types"],
            metadata=dict(data.get("metadata", {})),
        )
        self.setup_intents[made["id"]] = made
        session["setup_intent"] = made["id"]
        self.emit("setup_intent.created", made)

    def open_checkout(
        self, *, amount: int | None, currency: str, base_url: str, given: Mapping[str, Any] | None = None
    ) -> Object:
        """Open a checkout session (a pay link); `given` are request parameters. It lives 24 hours, or as they say."""
        with self._lock:
            longest = self.now() + int(SESSION_LIFETIME.total_seconds())
            expires_at = int((given or {}).get("expires_at") or longest)
            if not self.now() + int(SHORTEST_SESSION.total_seconds()) <= expires_at <= longest:
                raise Refused("`expires_at` must be between 30 minutes and 24 hours from now.", param="expires_at")
            session_id = self.new_id("cs_test")
            session = objects.checkout_session(
                id=session_id,
                created=self.now(),
                expires_at=expires_at,
                url=f"{base_url}/c/pay/{session_id}",
                amount=amount,
                currency=currency.lower(),
                given=dict(given or {}),
            )
            if session["mode"] == "setup":
                self._open_setup(session, (given or {}).get("setup_intent_data", {}))
            self.checkout_sessions[session_id] = session
            self.intent_data[session_id] = dict((given or {}).get("payment_intent_data", {}))
            return session

    def complete_checkout(self, session_id: str, *, method: str = "card", fee: int | None = None) -> str:
        """Pay on a session's page, unpaid until a debit settles or a transfer arrives. Returns the payment's id."""
        with self._lock:
            session = self.open_session(session_id)
            intent_id = self._pay_on_page(session, self.intent_data[session_id], method=method, fee=fee)
            paid = self.payment_intents[intent_id]["status"] == "succeeded"
            session |= {"payment_intent": intent_id, "status": "complete", "url": None}
            session["payment_status"] = "paid" if paid else "unpaid"
            self.emit("checkout.session.completed", session)
            return intent_id

    def _pay_on_page(self, session: Object, data: Object, *, method: str, fee: int | None) -> str:
        return self.pay(
            amount=session["amount_total"],
            currency=session["currency"],
            method=method,
            customer_id=session["customer"],
            metadata=data.get("metadata"),
            description=data.get("description", ""),
            fee=fee,
        )

    def open_session(self, session_id: str) -> Object:
        """Return a session that is not over; Refused for any other."""
        session = self.known(self.checkout_sessions, "checkout.session", session_id)
        if session["status"] != "open" or session["expires_at"] <= self.now():
            raise Refused("This Checkout Session is no longer open.", code="checkout_session_not_open")
        return session

    def expire_checkout(self, session_id: str) -> Object:
        """End an open session."""
        with self._lock:
            session = self.known(self.checkout_sessions, "checkout.session", session_id)
            if session["status"] != "open":
                raise Refused('Only Checkout Sessions with a status in ["open"] can be expired.')
            session |= {"status": "expired", "url": None}
            self.emit("checkout.session.expired", session)
            return session

    def cancel(self, payment_intent_id: str, *, reason: str | None = None) -> Object:
        """Give up an open payment intent."""
        with self._lock:
            intent = self.known(self.payment_intents, "payment_intent", payment_intent_id, param="intent")
            if intent["status"] not in OPEN_STATES:
                raise Refused.unexpected_state(intent)
            intent |= {"status": "canceled", "canceled_at": self.now(), "cancellation_reason": reason}
            self.emit("payment_intent.canceled", intent)
            return intent

    def _attempt(
        self, payment_intent_id: str, method: str, *, at: datetime | None, means: str | None = None
    ) -> tuple[Object, Object]:
        if method not in METHODS:
            raise ValueError(f"unknown method {method}: one of {', '.join(METHODS)}")
        intent = self.known(self.payment_intents, "payment_intent", payment_intent_id, param="intent")
        if intent["status"] not in OPEN_STATES:
            raise Refused.unexpected_state(intent)
        intent |= {"payment_method": means or self.new_id("pm"), "last_payment_error": None}
        charge = objects.charge(
            id=self.new_id("py" if method in DEBITS else "ch"),
            created=self.now(at),
            intent=intent,
            method=method,
            payer=self.customers.get(intent["customer"] or ""),
        )
        self.charges[charge["id"]] = charge
        intent["latest_charge"] = charge["id"]
        return intent, charge

    def _processing(self, payment_intent_id: str) -> tuple[Object, Object]:
        intent = self.known(self.payment_intents, "payment_intent", payment_intent_id, param="intent")
        if intent["status"] != "processing":
            raise Refused.unexpected_state(intent)
        return intent, self.charges[intent["latest_charge"]]

    def _succeed(self, intent: Object, charge: Object, *, fee: int | None, at: datetime | None) -> None:
        amount, card = intent["amount"], charge["payment_method_details"]["type"] == "card"
        movement = self.move(
            type="charge" if card else "payment",
            category="charge",
            source=charge["id"],
            amount=amount,
            currency=intent["currency"],
            fee=usual_fee(amount) if fee is None else fee,
            description=intent["description"],
            at=at,
        )
        charge |= {"status": "succeeded", "paid": True, "captured": True, "amount_captured": amount}
        charge["balance_transaction"] = movement["id"]
        intent |= {"status": "succeeded", "amount_received": amount}
        self.emit("charge.succeeded", charge, at=at)
        self.emit("payment_intent.succeeded", intent, at=at)

    def _fail(
        self, intent: Object, charge: Object, code: str, message: str, *, decline_code: str | None = None
    ) -> None:
        method = charge["payment_method_details"]["type"]
        charge |= {"status": "failed", "failure_code": code, "failure_message": message}
        intent |= {"status": "requires_payment_method", "payment_method": None}
        intent["last_payment_error"] = {
            "type": "card_error" if method == "card" else "invalid_request_error",
            "code": code,
            "message": message,
            "charge": charge["id"],
            "payment_method_type": method,
            **({"decline_code": decline_code} if decline_code else {}),
        }
        self.emit("charge.failed", charge)
        self.emit("payment_intent.payment_failed", intent)

    def _tell_session(self, intent: Object, type: str, payment_status: str) -> None:
        for session in self.checkout_sessions.values():
            if session["payment_intent"] == intent["id"]:
                session["payment_status"] = payment_status
                self.emit(type, session)
