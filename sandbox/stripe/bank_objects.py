"""A linked bank account and its lines, in Stripe's JSON form."""

from __future__ import annotations

from sandbox.stripe.objects import Object


def bank_account(*, id: str, created: int, payer: str, permissions: list[str]) -> Object:
    """Build an account that a person has just linked at their bank."""
    return {
        "id": id,
        "object": "financial_connections.account",
        "account_holder": {"type": "customer", "customer": payer},
        "balance": None,
        "balance_refresh": None,
        "category": "cash",
        "created": created,
        "display_name": "Business checking",
        "institution_name": "Stand-in Bank",
        "last4": "6789",
        "livemode": False,
        "ownership": None,
        "ownership_refresh": None,
        "permissions": permissions,
        "status": "active",
        "subcategory": "checking",
        "subscriptions": [],
        "supported_payment_method_types": ["us_bank_account"],
        "transaction_refresh": None,
    }


def transaction(*, id: str, at: int, account: str, amount: int, text: str, pending: bool) -> Object:
    """Build a line that the bank knows and Stripe has not read yet (`transaction_refresh` is empty)."""
    return {
        "id": id,
        "object": "financial_connections.transaction",
        "account": account,
        "amount": amount,
        "currency": "usd",
        "description": text,
        "livemode": False,
        "status": "pending" if pending else "posted",
        "status_transitions": {"posted_at": None if pending else at, "void_at": None},
        "transacted_at": at,
        "transaction_refresh": "",
        "updated": at,
    }
