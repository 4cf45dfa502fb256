"""Stripe Financial Connections: the organisation's own bank account, linked on a page of Stripe and read from then on.

Source: docs.stripe.com/financial-connections/transactions. The page is a Checkout Session of mode `setup` that takes US
bank accounts and asks for the permission to see their lines, so that no script of Stripe's runs on our pages. Stripe
reads a subscribed account about once a day; a reading that is asked for takes minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from connectors.bank_feed import FedAccount, FedLine, LineState
from connectors.errors import Reject
from connectors.intents import LinkBank
from connectors.payments.stripe.client import Client, Row
from connectors.payments.stripe.reading import money

CURRENCY = "USD"  # banks of the United States alone can be linked so
_METHOD = "us_bank_account"
_FEATURES = ["transactions"]
_EXPANDED = ["setup_intent.payment_method"]


def page_parameters(intent: LinkBank) -> Row:
    """Return what a Checkout Session is made of on which a bank account is linked.

    Only by signing in at the bank (`instant`): an account that is typed in cannot be read.
    """
    connections = {"permissions": ["payment_method", *_FEATURES], "prefetch": _FEATURES}
    return {
        "mode": "setup",
        "currency": CURRENCY.lower(),
        "customer_creation": "always",
        "payment_method_types": [_METHOD],
        "payment_method_options": {_METHOD: {"financial_connections": connections, "verification_method": "instant"}},
        "success_url": intent.linked_url,
        "cancel_url": intent.given_up_url,
        "expires_at": int(intent.expires_at.timestamp()),
    }


class BankFeeds:
    """The bank accounts that one Stripe account linked (`connectors.bank_feed.FeedsBanks`)."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def linked(self, page_external_id: str) -> FedAccount | None:
        """Return what was linked on a page, subscribed to; None while nothing was."""
        expand: Any = {"expand": _EXPANDED}
        page = self._client.one(lambda sdk: sdk.v1.checkout.sessions.retrieve(page_external_id, expand), urgent=True)
        setup = page.get("setup_intent") or {}
        if setup.get("status") != "succeeded":
            return None
        external_id = ((setup.get("payment_method") or {}).get(_METHOD) or {}).get("financial_connections_account")
        if not external_id:
            raise Reject(
                "what was linked at Stripe cannot be read: link the account by signing in at the bank",
                code="unreadable",
            )
        return self._ask("subscribe", str(external_id))

    def fed(self, external_id: str) -> FedAccount:
        """Return an account as it stands."""
        return _account(
            self._client.one(lambda sdk: sdk.v1.financial_connections.accounts.retrieve(external_id), urgent=False)
        )

    def read_bank(self, external_id: str) -> FedAccount:
        """Ask for a reading of the bank."""
        return self._ask("refresh", external_id)

    def lines(self, external_id: str, *, after: str | None) -> Iterator[tuple[FedLine, ...]]:
        """Yield lines in pages, newest first."""
        asked: Row = {"account": external_id} | ({"transaction_refresh": {"after": after}} if after else {})
        pages = self._client.pages(
            lambda sdk, params: sdk.v1.financial_connections.transactions.list(params), asked, urgent=False
        )
        return (tuple(map(_line, rows)) for rows in pages)

    def _ask(self, what: str, external_id: str) -> FedAccount:
        """Subscribe to an account, or have it read; asked twice, both are as asked once."""
        features: Any = {"features": _FEATURES}
        return _account(
            self._client.create(lambda sdk: getattr(sdk.v1.financial_connections.accounts, what)(external_id, features))
        )


def _account(row: Row) -> FedAccount:
    refresh = row.get("transaction_refresh") or {}
    succeeded = refresh.get("status") == "succeeded"
    names = (row.get("institution_name"), row.get("display_name"))
    return FedAccount(
        external_id=str(row["id"]),
        name=" ".join(str(name) for name in names if name),
        ending=str(row.get("last4") or ""),
        is_linked=row.get("status") == "active" and "transactions" in (row.get("permissions") or ()),
        reading=str(refresh["id"]) if succeeded else None,
        read_at=_moment(refresh["last_attempted_at"]) if succeeded else None,
        may_read_at=_moment(refresh.get("next_refresh_available_at")),
    )


def _line(row: Row) -> FedLine:
    booked_at = (row.get("status_transitions") or {}).get("posted_at") or row["transacted_at"]
    return FedLine(
        external_id=str(row["id"]),
        state=LineState(row["status"]),
        at=datetime.fromtimestamp(int(booked_at), UTC),
        amount=money(row["amount"], str(row["currency"])),
        text=str(row.get("description") or ""),
    )


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
