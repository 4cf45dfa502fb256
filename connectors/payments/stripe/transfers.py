"""Bank transfers to the account that Stripe keeps for a payer: who the payer is there, and the page that shows it.

A page that is completed so has taken no money: its payment waits for the transfer, also in parts, and tells nothing of
whether one is coming. Source: docs.stripe.com/payments/bank-transfers/accept-a-payment.
"""

from __future__ import annotations

from connectors.errors import Reject
from connectors.intents import ByTransfer, KeepPayer
from connectors.payments.stripe.client import Row

CASH_METHOD = "customer_balance"
CUSTOMER_KEY = "truedue_customer"  # in the metadata of payers that are kept: our id of the customer
TRANSFERS = {
    "EUR": "eu_bank_transfer",
    "GBP": "gb_bank_transfer",
    "JPY": "jp_bank_transfer",
    "MXN": "mx_bank_transfer",
    "USD": "us_bank_transfer",
}
# Where an account in euros can be (stripe-go, pull request 1508, and BE since); all of them are reached by SEPA.
EURO_COUNTRIES = frozenset({"BE", "DE", "ES", "FR", "IE", "NL"})
ELSEWHERE = "IE"  # for an issuer in another country


def payer_parameters(intent: KeepPayer) -> Row:
    """Return what a Customer is made of."""
    asked: Row = {"name": intent.name, "metadata": {CUSTOMER_KEY: intent.customer_id}}
    return asked | ({"email": intent.email} if intent.email else {})


def page_parameters(transfer: ByTransfer, currency: str) -> Row:
    """Return what makes a Checkout Session one of bank transfers alone; Reject in a currency that has none."""
    kind = TRANSFERS.get(currency)
    if kind is None:
        raise Reject(f"Stripe takes no bank transfers in {currency}", code="no_transfers")
    bank_transfer: Row = {"type": kind}
    if currency == "EUR":
        country = transfer.country if transfer.country in EURO_COUNTRIES else ELSEWHERE
        bank_transfer[kind] = {"country": country}
    return {
        "customer": transfer.payer_external_id,
        "payment_method_types": [CASH_METHOD],
        "payment_method_options": {CASH_METHOD: {"funding_type": "bank_transfer", "bank_transfer": bank_transfer}},
    }
