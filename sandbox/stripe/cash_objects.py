"""Objects of the cash that Stripe keeps for payers, as its API writes them."""

from __future__ import annotations

from typing import Any

from sandbox.stripe.objects import Object


def cash_balance(*, customer: str, available: dict[str, int] | None) -> Object:
    """Build the cash balance of a customer."""
    return {
        "object": "cash_balance",
        "available": available,
        "customer": customer,
        "customer_account": None,
        "livemode": False,
        "settings": {"reconciliation_mode": "automatic", "using_merchant_default": True},
    }


def cash_movement(
    *, id: str, created: int, customer: str, currency: str, net: int, ending: int, kind: str, detail: dict[str, Object]
) -> Object:
    """Build a movement of cash (`net` signed); `detail` says where it came from or went."""
    return {
        "id": id,
        "object": "customer_cash_balance_transaction",
        "created": created,
        "currency": currency,
        "customer": customer,
        "customer_account": None,
        "ending_balance": ending,
        "livemode": False,
        "net_amount": net,
        "type": kind,
        **detail,
    }


def transfer_sender(kind: str, name: str) -> Object:
    """Say who sent a bank transfer, as its kind tells it."""
    own: dict[str, dict[str, Any]] = {
        "gb_bank_transfer": {"account_number_last4": "2345", "sort_code": "108800"},
        "eu_bank_transfer": {"bic": "BANKDEAAXXX", "iban_last4": "7089"},
        "us_bank_transfer": {"network": "ach"},
    }
    return {**own[kind], "sender_name": name}


def transfer_instructions(*, kind: str, rest: int, currency: str, reference: str) -> Object:
    """Tell the payer of a payment where to send what is missing."""
    return {
        "type": "display_bank_transfer_instructions",
        "display_bank_transfer_instructions": {
            "amount_remaining": rest,
            "currency": currency,
            "financial_addresses": [],
            "hosted_instructions_url": None,
            "reference": reference,
            "type": kind,
        },
    }
