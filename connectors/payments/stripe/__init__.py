"""Stripe: payments with their refunds and disputes, payouts with what they are made of, cash kept for payers.

Written are the pages on which payers pay or save a means of payment, payers who get an account to transfer money to,
and payments from what they saved. Modules: `client` (calls through the SDK), `reading` and `cash` (objects to records),
`checkout` (a page to pay on), `transfers` (a page that says where to transfer money to), `saved_means` (a page to save
a means on, what is taken from it), `bank_feed` (the organisation's own bank account), `notices` (webhooks),
`connector`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from connectors.contract import Access, Account, Declaration, Endpoint, OAuthShape, Role
from connectors.errors import ConnectorError, Fatal
from connectors.intents import ForgetMeans, KeepPayer, LinkBank, OpenCheckout, SaveMeans, TakePayment
from connectors.limits import Limit
from connectors.payments.stripe.client import Client
from connectors.payments.stripe.connector import StripeConnector
from connectors.payments.stripe.notices import notices
from connectors.payments.stripe.transfers import TRANSFERS
from connectors.records import Kind
from connectors.signature import stripe_matches

__all__ = ["DECLARATION", "StripeConnector"]


def _accounts(
    endpoint: Endpoint, token: Mapping[str, object], query: Mapping[str, str], access: Callable[[Account], Access]
) -> list[Account]:
    """Return the one account that installed the app."""
    del endpoint, query
    account_id = str(token.get("stripe_user_id") or "")
    if not account_id:
        raise Fatal("Stripe's token answer names no account")
    account = Account(external_id=account_id, name=account_id)
    return [Account(account_id, _name(access(account)))]


def _name(access: Access) -> str:
    """Ask for the account's name; without the permission to see it the account is called by its id."""
    client, account_id = Client(access), access.account.external_id
    try:
        shown = client.one(lambda sdk: sdk.v1.accounts.retrieve_current(), urgent=True)
    except ConnectorError:
        return account_id
    finally:
        client.close()
    business = shown.get("business_profile") or {}
    dashboard = (shown.get("settings") or {}).get("dashboard") or {}
    return str(dashboard.get("display_name") or business.get("name") or account_id)


def _verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Check the Stripe-Signature header on the raw body."""
    return stripe_matches(secret, body, headers.get("stripe-signature", ""), now)


DECLARATION = Declaration(
    system="stripe",
    title="Stripe",
    role=Role.PROCESSOR,
    # Payments first: cash that has just become a payment is known as one before it is no more.
    reads=(Kind.PROCESSOR_PAYMENT, Kind.PAYOUT, Kind.HELD_CASH),
    writes=(KeepPayer, OpenCheckout, SaveMeans, LinkBank, TakePayment, ForgetMeans),
    # 25 a second for each endpoint in a sandbox and 100 live: 20 in all leave room for the merchant's own tools.
    limits=(Limit(calls=20, seconds=1.0, reserve=5),),
    oauth=OAuthShape(
        authorize_path="/oauth/v2/authorize",
        token_path="/v1/oauth/token",  # noqa: S106 - a path
        revoke_path="/oauth/deauthorize",
        scopes=(),  # the app's manifest holds them
        pkce=False,  # Stripe Apps documents none: the secret and the state protect the code
        secret_as_username=True,
        revoke_account_field="stripe_user_id",
    ),
    open=StripeConnector,
    accounts=_accounts,
    verify=_verify,
    notices=notices,
    transfers_in=frozenset(TRANSFERS),
)
