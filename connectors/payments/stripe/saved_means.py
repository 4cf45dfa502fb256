"""Means of payment that payers save at Stripe: the page for it, what was saved, and payments taken from it later.

Source: docs.stripe.com/payments/checkout/save-and-reuse. A payment that is taken while its payer is away is made and
confirmed in one call; a bank that wants its payer there declines it with `authentication_required`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.errors import Absent, Fatal, Reject
from connectors.intents import Done, SaveMeans, TakePayment
from connectors.payments.stripe.client import Declined, NotPermitted, Row
from connectors.payments.stripe.reading import ITEMS_KEY, identity, minor_of
from connectors.records import Kind, Record, SavedMeansFields

MANDATE_KEY = "truedue_mandate"  # in the metadata of what is saved: our id of the mandate that it is for
PAYMENT_KEY = "truedue_payment"  # in the metadata of payments that we take: the key that each is taken once under
SESSION_PREFIX = "cs_"  # of the page's id, by which what was saved there is found as well
EXPANDED = ["payment_method"]
EXPANDED_SESSION = ["setup_intent.payment_method"]
CLOCKS_DIFFER = timedelta(minutes=10)  # at most, Stripe's and ours
_REMEDY = "Look at the payer in Stripe. Autopay is paused for them until they save a means of payment again."


def page_parameters(intent: SaveMeans) -> Row:
    """Return what a Checkout Session is made of on which a means is saved, and a customer made who has it.

    Stripe offers the kinds of means that the account takes in the currency.
    """
    asked: Row = {
        "mode": "setup",
        "currency": intent.currency.lower(),
        "customer_creation": "always",
        "setup_intent_data": {"metadata": {MANDATE_KEY: intent.mandate_id}},
        "success_url": intent.saved_url,
        "cancel_url": intent.given_up_url,
        "expires_at": int(intent.expires_at.timestamp()),
    }
    return asked | ({"customer_email": intent.email} if intent.email else {})


def payment_parameters(intent: TakePayment) -> Row:
    """Return what a PaymentIntent is made of that takes a payment at once; Reject for an amount too fine for Stripe."""
    return {
        "amount": minor_of(intent.amount),
        "currency": intent.amount.currency.lower(),
        "customer": intent.payer_external_id,
        "payment_method": intent.means_external_id,
        "payment_method_types": [intent.method],
        "off_session": True,
        "confirm": True,
        "description": intent.number,
        "metadata": {ITEMS_KEY: intent.item_id, PAYMENT_KEY: intent.key},
    }


def taken(payment: Row) -> Done:
    """Return a payment that was made, whatever becomes of it."""
    return Done((str(payment["id"]),))


def not_taken(error: Absent | Fatal | NotPermitted) -> Reject:
    """Say that Stripe made no payment, and what a person can do. One call that is not permitted ends no connection."""
    return Reject(str(error), code="not_taken", remedy=_REMEDY)


def of_decline(declined: Declined) -> Done:
    """Return the payment that was made and declined: its fate is read as that of any other."""
    return taken(declined.payment)


def made_under(key: str, payments: Iterable[Row]) -> Done | None:
    """Find the payment that was made under a key; None when there is none among these."""
    mine = (each for each in payments if (each.get("metadata") or {}).get(PAYMENT_KEY) == key)
    found = next(mine, None)
    return taken(found) if found else None


def made_since(intent: TakePayment) -> Row:
    """Return which payments of the payer to look through for one: a list shows at once what a search shows later."""
    since = int((intent.promised_at - CLOCKS_DIFFER).timestamp())
    return {"customer": intent.payer_external_id, "created": {"gte": since}}


def means_of(setup: Row | None) -> Record | None:
    """Turn a SetupIntent, expanded by its means, into a record; None when nothing is saved (yet), or not for us."""
    mandate_id = ((setup or {}).get("metadata") or {}).get(MANDATE_KEY)
    if not setup or setup["status"] != "succeeded" or not mandate_id:
        return None
    means = setup["payment_method"]
    kind = str(means["type"])
    payer = identity(means.get("customer")) or identity(setup.get("customer"))
    if payer is None:
        raise ValueError("nobody has the means of payment that was saved")
    fields = SavedMeansFields(
        mandate_id=str(mandate_id),
        payer_external_id=payer,
        means_external_id=str(means["id"]),
        method=kind,
        ending=str(_shown(means.get(kind)).get("last4") or ""),
    )
    version = hashlib.sha256(repr(fields).encode()).hexdigest()[:32]
    created = datetime.fromtimestamp(int(setup["created"]), UTC)
    return Record(Kind.SAVED_MEANS, str(setup["id"]), version, created, fields)


def _shown(details: Any) -> Row:  # noqa: ANN401 - a JSON value
    return details if isinstance(details, dict) else {}
