"""Writing to an account: each POST is performed once for its idempotency key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.wrappers import Request, Response

from sandbox.standin import Replays, json_response, route
from sandbox.stripe.account import StripeAccount
from sandbox.stripe.books import Cause
from sandbox.stripe.cash import CASH_METHOD
from sandbox.stripe.forms import Parameters, expanded, integer, required
from sandbox.stripe.objects import DEBITS, Object
from sandbox.stripe.reads import RESOURCES, Reads, parameters
from sandbox.stripe.refusal import Refused

_TEST_METHODS = {"pm_usBankAccount": "us_bank_account", "pm_sepaDebit": "sepa_debit", "pm_bacsDebit": "bacs_debit"}
_UPDATABLE = ("payment_intents", "charges", "refunds", "customers", "payouts", "disputes")
Step = Callable[[StripeAccount, Parameters], Object]


class Writes(Reads):
    """The POST side."""

    _replays: Replays

    @route("POST", "/v1/payment_intents")
    def create_intent(self, request: Request) -> Response:
        """Open a payment intent, and pay it when `confirm` says so."""

        def create(account: StripeAccount, given: Parameters) -> Object:
            required(given, "amount", "currency")
            saved = account.saved_means(given)
            intent = account.open_intent(
                amount=integer(given, "amount") or 0,
                currency=given["currency"],
                methods=given.get("payment_method_types") or ["card"],
                customer_id=given.get("customer"),
                metadata=given.get("metadata"),
                description=given.get("description"),
            )
            if saved is not None and given.get("confirm") == "true":
                return _answered(account.pay_from(intent, saved))
            return _confirm(account, intent["id"], given) if given.get("confirm") == "true" else intent

        return self._once(request, create)

    @route("POST", "/v1/payment_methods/<id>/detach")
    def detach_means(self, request: Request, id: str) -> Response:
        """Take a saved means of payment from its customer."""
        return self._once(request, lambda account, _: account.detach(id))

    @route("POST", "/v1/payment_intents/<id>/confirm")
    def confirm_intent(self, request: Request, id: str) -> Response:
        """Pay a payment intent."""
        return self._once(request, lambda account, given: _confirm(account, id, given))

    @route("POST", "/v1/payment_intents/<id>/cancel")
    def cancel_intent(self, request: Request, id: str) -> Response:
        """Give a payment intent up."""
        return self._once(request, lambda account, given: account.cancel(id, reason=given.get("cancellation_reason")))

    @route("POST", "/v1/refunds")
    def create_refund(self, request: Request) -> Response:
        """Refund a payment named by its payment intent or charge."""

        def create(account: StripeAccount, given: Parameters) -> Object:
            charge_id, intent_id = given.get("charge"), given.get("payment_intent")
            if charge_id and not intent_id:
                intent_id = account.known(account.charges, "charge", charge_id, param="charge")["payment_intent"]
            required({"payment_intent": intent_id}, "payment_intent")
            refund_id = account.refund(
                str(intent_id),
                integer(given, "amount"),
                reason=given.get("reason"),
                metadata=given.get("metadata"),
            )
            return account.refunds[refund_id]

        return self._once(request, create)

    @route("POST", "/v1/customers")
    def create_customer(self, request: Request) -> Response:
        """Keep a customer."""

        def create(account: StripeAccount, given: Parameters) -> Object:
            customer_id = account.add_customer(
                name=given.get("name", ""), email=given.get("email"), metadata=given.get("metadata")
            )
            return account.customers[customer_id]

        return self._once(request, create)

    @route("POST", "/v1/checkout/sessions")
    def create_session(self, request: Request) -> Response:
        """Open a checkout session of mode payment or setup."""

        def create(account: StripeAccount, given: Parameters) -> Object:
            required(given, "mode", "success_url")
            if given.get("customer") and given.get("customer_email"):
                raise Refused("You may only specify one of these parameters: customer, customer_email.")
            if given.get("customer"):
                account.known(account.customers, "customer", given["customer"], param="customer")
            host = request.host_url.rstrip("/")
            if given["mode"] == "setup":
                required(given, "currency")
                return account.open_checkout(amount=None, currency=given["currency"], base_url=host, given=given)
            if given["mode"] != "payment":
                raise Refused("Only modes payment and setup are modelled.", param="mode")
            required(given, "line_items")
            amount, currency = _total(given["line_items"])
            account.check_session(given, currency)
            return account.open_checkout(amount=amount, currency=currency, base_url=host, given=given)

        return self._once(request, create)

    @route("POST", "/v1/checkout/sessions/<id>/expire")
    def expire_session(self, request: Request, id: str) -> Response:
        """End a checkout session."""
        return self._once(request, lambda account, _: account.expire_checkout(id))

    @route("POST", "/v1/financial_connections/accounts/<id>/subscribe")
    def subscribe_bank(self, request: Request, id: str) -> Response:
        """Have a linked bank account read about once a day."""
        return self._once(request, lambda account, given: account.subscribe_bank(id, given.get("features", [])))

    @route("POST", "/v1/financial_connections/accounts/<id>/refresh")
    def refresh_bank(self, request: Request, id: str) -> Response:
        """Have a linked bank account read now."""
        return self._once(request, lambda account, given: account.refresh_bank(id, given.get("features", [])))

    @route("POST", "/v1/test_helpers/customers/<id>/fund_cash_balance")
    def fund_cash(self, request: Request, id: str) -> Response:
        """Let a bank transfer of a customer arrive, as in a sandbox."""

        def fund(account: StripeAccount, given: Parameters) -> Object:
            required(given, "amount", "currency")
            moved = account.transfer_in(
                id, integer(given, "amount") or 0, given["currency"].lower(), reference=given.get("reference", "")
            )
            return account.cash_movements[moved]

        return self._once(request, fund)

    @route("POST", f"/v1/<any({','.join(_UPDATABLE)}):resource>/<id>")
    def update_object(self, request: Request, resource: str, id: str) -> Response:
        """Change metadata and description (and a customer's name and e-mail)."""

        def update(account: StripeAccount, given: Parameters) -> Object:
            described = RESOURCES[resource]
            found = account.known(getattr(account, described.store), described.kind, id)
            for name in ("description", "name", "email"):
                if name in given and name in found:
                    found[name] = given[name] or None
            merged = {**found["metadata"], **given.get("metadata", {})}
            found["metadata"] = {name: value for name, value in merged.items() if value != ""}
            if resource == "customers":
                account.emit("customer.updated", found)
            return found

        return self._once(request, update)

    def _once(self, request: Request, step: Step) -> Response:
        """Perform a POST once for its idempotency key and answer repeats alike.

        As at Stripe, an answer is kept once execution began: refusals of the parameters (400, 404) are not.
        """
        account, given = self.account_of(request), parameters(request)
        key = request.headers.get("Idempotency-Key")
        performed = False

        def perform() -> Response:
            nonlocal performed
            performed = True
            account.cause = Cause(request.environ["sandbox.request_id"], key)
            try:
                return json_response(expanded(account, step(account, given), given))
            except Refused as refused:
                if refused.status != 402:
                    raise
                return json_response({"error": refused.error}, refused.status)
            finally:
                account.cause = Cause()

        response = self._replays.answer(
            account=account.account_id,
            key=key,
            fingerprint=f"{request.path}\n{sorted(request.form.items(multi=True))}".encode(),
            conflict=lambda: _conflict(str(key)),
            perform=perform,
        )
        if key:
            response.headers["Idempotency-Key"] = key
        if not performed and response.status_code != 400:
            response.headers["Idempotent-Replayed"] = "true"
        return response


def _confirm(account: StripeAccount, intent_id: str, given: Parameters) -> Object:
    intent = account.known(account.payment_intents, "payment_intent", intent_id, param="intent")
    if intent["payment_method_types"] == [CASH_METHOD]:
        account.await_transfer(intent)
        return intent
    wanted = given.get("payment_method")
    offered = given.get("payment_method_data", {}).get("type") or intent["payment_method_types"][0]
    if wanted is None and offered not in DEBITS:
        raise Refused(
            "You cannot confirm this PaymentIntent because it's missing a payment method.", code="parameter_missing"
        )
    if wanted and "Declined" in wanted:
        return _answered(account.decline(intent_id, message="Your card was declined.", decline_code="generic_decline"))
    named = next((method for prefix, method in _TEST_METHODS.items() if wanted and wanted.startswith(prefix)), None)
    account.confirm(intent_id, method=named or ("card" if wanted else offered))
    return intent


def _answered(intent: Object) -> Object:
    """Return a payment intent; Refused as card errors are where it was declined."""
    error = intent["last_payment_error"]
    if error is None:
        return intent
    told: dict[str, Any] = {"decline_code": error["decline_code"], "payment_intent": intent}
    raise Refused(
        error["message"],
        status=402,
        type="card_error",
        code=error["code"],
        charge=intent["latest_charge"],
        **told,
    )


def _total(line_items: list[Parameters]) -> tuple[int, str]:
    total, currencies = 0, set()
    for place, item in enumerate(line_items):
        price = item.get("price_data")
        if not isinstance(price, dict) or "unit_amount" not in price or "currency" not in price:
            param = f"line_items[{place}][price_data]"
            raise Refused(f"Missing required param: {param}.", param=param, code="parameter_missing")
        quantity = integer(item, "quantity")
        total += (integer(price, "unit_amount") or 0) * (1 if quantity is None else quantity)
        currencies.add(price["currency"].lower())
    if len(currencies) != 1:
        raise Refused("All line items must have the same currency.", param="line_items")
    return total, currencies.pop()


def _conflict(key: str) -> Response:
    message = (
        "Keys for idempotent requests can only be used with the same parameters they were first used with. "
        f"Try using a key other than '{key}' if you meant to execute a different request."
    )
    return json_response({"error": {"type": "idempotency_error", "message": message}}, 400)
