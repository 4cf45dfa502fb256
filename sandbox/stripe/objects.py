"""Stripe's objects as its API writes them (shapes after Stripe's published OpenAPI specification)."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

DEBITS = ("us_bank_account", "sepa_debit", "bacs_debit")
METHODS = ("card", *DEBITS)


def customer(*, id: str, created: int, name: str, email: str | None, metadata: dict[str, str]) -> Object:
    """Build a customer."""
    return {
        "id": id,
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": created,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": email,
        "invoice_prefix": id[-8:].upper(),
        "livemode": False,
        "metadata": metadata,
        "name": name,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }


def payment_intent(
    *,
    id: str,
    created: int,
    amount: int,
    currency: str,
    methods: list[str],
    customer: str | None,
    metadata: dict[str, str],
    description: str | None,
) -> Object:
    """Build a payment intent that nobody has paid yet."""
    return {
        "id": id,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": f"{id}_secret_{id[-12:]}",
        "confirmation_method": "automatic",
        "created": created,
        "currency": currency,
        "customer": customer,
        "description": description,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": metadata,
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_options": {},
        "payment_method_types": methods,
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }


def charge(*, id: str, created: int, intent: Object, method: str, payer: Object | None) -> Object:
    """Build the charge of a payment intent that is under way."""
    return {
        "id": id,
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": {
            "address": dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state")),
            "email": payer and payer["email"],
            "name": payer and payer["name"],
            "phone": None,
            "tax_id": None,
        },
        "calculated_statement_descriptor": None,
        "captured": False,
        "created": created,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": None,
        "outcome": None,
        "paid": False,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "payment_method_details": {"type": method, method: _method_details(method)},
        "receipt_email": None,
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "pending",
        "transfer_data": None,
        "transfer_group": None,
    }


def _method_details(method: str) -> Object:
    details: dict[str, Object] = {
        "card": {
            "brand": "visa",
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
            "country": "US",
            "exp_month": 8,
            "exp_year": 2030,
            "funding": "credit",
            "installments": None,
            "last4": "4242",
            "mandate": None,
            "network": "visa",
            "three_d_secure": None,
            "wallet": None,
        },
        "us_bank_account": {
            "account_holder_type": "company",
            "account_type": "checking",
            "bank_name": "STRIPE TEST BANK",
            "last4": "6789",
            "payment_reference": None,
            "routing_number": "110000000",
        },
        "sepa_debit": {"bank_code": "37040044", "branch_code": None, "country": "DE", "last4": "3000", "mandate": None},
        "bacs_debit": {"last4": "2345", "mandate": None, "sort_code": "108800"},
        "customer_balance": {},
    }
    return details[method]


def refund(
    *, id: str, created: int, charge: Object, amount: int, reason: str | None, metadata: dict[str, str]
) -> Object:
    """Build a refund that has gone through."""
    card = charge["payment_method_details"]["type"] == "card"
    details: Object = {"card": {"reference_status": "pending", "type": "refund"}, "type": "card"}
    return {
        "id": id,
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": created,
        "currency": charge["currency"],
        **({"destination_details": details} if card else {}),
        "metadata": metadata,
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }


def dispute(*, id: str, created: int, charge: Object, reason: str, due_by: int) -> Object:
    """Build a dispute that waits for the merchant's answer."""
    card = {"brand": "visa", "case_type": "chargeback", "network_reason_code": "10.4"}
    is_card = charge["payment_method_details"]["type"] == "card"
    return {
        "id": id,
        "object": "dispute",
        "amount": charge["amount"] - charge["amount_refunded"],
        "balance_transactions": [],
        "charge": charge["id"],
        "created": created,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {"enhanced_evidence": {}, "uncategorized_text": None},
        "evidence_details": {
            "due_by": due_by,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        **({"payment_method_details": {"card": card, "type": "card"}} if is_card else {}),
        "reason": reason,
        "status": "needs_response",
    }


def balance_transaction(
    *,
    id: str,
    created: int,
    available_on: int,
    type: str,
    category: str,
    source: str,
    amount: int,
    fee: int,
    currency: str,
    description: str | None,
) -> Object:
    """Build a movement of the balance; `amount` is signed and `net` is what the fee leaves of it."""
    details = {"amount": fee, "application": None, "currency": currency, "type": "stripe_fee"}
    return {
        "id": id,
        "object": "balance_transaction",
        "amount": amount,
        "available_on": available_on,
        "balance_type": "payments",
        "created": created,
        "currency": currency,
        "description": description,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [{**details, "description": "Stripe processing fees"}] if fee else [],
        "net": amount - fee,
        "reporting_category": category,
        "source": source,
        "status": "pending",
        "type": type,
    }


def payout(*, id: str, created: int, arrival_date: int, amount: int, currency: str, destination: str) -> Object:
    """Build an automatic payout on its way to the bank."""
    return {
        "id": id,
        "object": "payout",
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": arrival_date,
        "automatic": True,
        "balance_transaction": None,
        "created": created,
        "currency": currency,
        "description": "STRIPE PAYOUT",
        "destination": destination,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "in_progress",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": "in_transit",
        "trace_id": None,
        "type": "bank_account",
    }


def setup_intent(*, id: str, created: int, methods: list[str], metadata: dict[str, str]) -> Object:
    """Build a setup intent that nobody has saved a means of payment by yet."""
    return {
        "id": id,
        "object": "setup_intent",
        "application": None,
        "automatic_payment_methods": None,
        "cancellation_reason": None,
        "client_secret": f"{id}_secret_{id[-12:]}",
        "created": created,
        "customer": None,
        "description": None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "mandate": None,
        "metadata": metadata,
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_options": {},
        "payment_method_types": methods,
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": "off_session",
    }


def payment_method(*, id: str, created: int, method: str, payer: Object) -> Object:
    """Build a means of payment that a customer saved."""
    details = {name: value for name, value in _method_details(method).items() if name in _SAVED[method]}
    return {
        "id": id,
        "object": "payment_method",
        "allow_redisplay": "limited",
        "billing_details": {
            "address": dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state")),
            "email": payer["email"],
            "name": payer["name"] or None,
            "phone": None,
            "tax_id": None,
        },
        "created": created,
        "customer": payer["id"],
        "livemode": False,
        "metadata": {},
        "type": method,
        method: details,
    }


# What a saved means tells of itself, of what a charge tells.
_SAVED = {
    "card": ("brand", "checks", "country", "exp_month", "exp_year", "funding", "last4", "wallet"),
    "us_bank_account": ("account_holder_type", "account_type", "bank_name", "last4", "routing_number"),
    "sepa_debit": ("bank_code", "branch_code", "country", "last4"),
    "bacs_debit": ("last4", "sort_code"),
}


def checkout_session(
    *, id: str, created: int, expires_at: int, url: str, amount: int | None, currency: str, given: dict[str, Any]
) -> Object:
    """Build an open session, of mode payment or setup; `given` are the parameters of the request."""
    mode = given.get("mode", "payment")
    if mode == "setup":
        given = {"customer_creation": None, **given}
    return {
        "id": id,
        "object": "checkout.session",
        "adaptive_pricing": None,
        "after_expiration": None,
        "allow_promotion_codes": None,
        "amount_subtotal": amount,
        "amount_total": amount,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": None,
        "cancel_url": given.get("cancel_url"),
        "client_reference_id": given.get("client_reference_id"),
        "client_secret": None,
        "created": created,
        "currency": currency,
        "custom_fields": [],
        "custom_text": dict.fromkeys(("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")),
        "customer": given.get("customer"),
        "customer_creation": given.get("customer_creation", "if_required"),
        "customer_details": None,
        "customer_email": given.get("customer_email"),
        "expires_at": expires_at,
        "invoice": None,
        "livemode": False,
        "locale": None,
        "metadata": given.get("metadata", {}),
        "mode": mode,
        "payment_intent": None,
        "payment_link": None,
        "payment_method_options": given.get("payment_method_options", {}),
        "payment_method_types": given.get("payment_method_types") or ["card"],
        "payment_status": "unpaid" if mode == "payment" else "no_payment_required",
        "recovered_from": None,
        "setup_intent": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": None,
        "subscription": None,
        "success_url": given.get("success_url"),
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0} if mode == "payment" else None,
        "ui_mode": "hosted_page",
        "url": url,
    }


def account(*, id: str, created: int, name: str, currency: str, country: str) -> Object:
    """Build the account itself, able to charge and to pay out."""
    return {
        "id": id,
        "object": "account",
        "business_profile": {"name": name, "support_email": None, "support_phone": None, "url": None},
        "business_type": "company",
        "capabilities": {"card_payments": "active", "transfers": "active", "us_bank_account_ach_payments": "active"},
        "charges_enabled": True,
        "country": country,
        "created": created,
        "default_currency": currency,
        "details_submitted": True,
        "email": None,
        "metadata": {},
        "payouts_enabled": True,
        "settings": {
            "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
            "card_payments": {"statement_descriptor_prefix": None},
            "dashboard": {"display_name": name, "timezone": "Etc/UTC"},
            "payments": {"statement_descriptor": None},
        },
        "type": "standard",
    }
