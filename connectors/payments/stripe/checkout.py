"""A page of Stripe on which a payer pays invoices: how it is asked for, and where it is."""

from __future__ import annotations

from connectors.errors import Fatal, Reject
from connectors.intents import Done, OpenCheckout
from connectors.payments.stripe.client import Row
from connectors.payments.stripe.reading import ITEMS_KEY, minor_of
from connectors.payments.stripe.transfers import page_parameters

MAX_METADATA_CHARS = 500  # of one value (docs.stripe.com/metadata)


def parameters(intent: OpenCheckout) -> Row:
    """Return what a Checkout Session is made of; Reject when its payment could not name all items.

    What a payer can pay with is Stripe's to say, by what the account takes; a bank transfer is asked for by itself.

    Its life is Stripe's to bound: from half an hour to a day (docs.stripe.com/api/checkout/sessions/create).
    """
    items = ",".join(line.item_id for line in intent.lines)
    numbers = ", ".join(line.number for line in intent.lines)
    if len(items) > MAX_METADATA_CHARS:
        raise Reject("too many invoices for one payment: pay fewer together", code="too_many_items")
    asked: Row = {
        "mode": "payment",
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": line.amount.currency.lower(),
                    "unit_amount": minor_of(line.amount),
                    "product_data": {"name": line.number},
                },
            }
            for line in intent.lines
        ],
        "payment_intent_data": {"description": numbers[:MAX_METADATA_CHARS], "metadata": {ITEMS_KEY: items}},
        "success_url": intent.paid_url,
        "cancel_url": intent.given_up_url,
        "expires_at": int(intent.expires_at.timestamp()),
    }
    if intent.transfer is not None:
        return asked | page_parameters(intent.transfer, intent.lines[0].amount.currency)
    return asked | ({"customer_email": intent.email} if intent.email else {})


def opened(session: Row, api_url: str) -> Done:
    """Return the session with its page; Fatal when that is no page that a payer may be sent to."""
    address = str(session.get("url") or "")
    if not address.startswith(("https://", f"{api_url.rstrip('/')}/")):
        raise Fatal(f"Stripe opened the checkout {session['id']} without a page to pay on")
    return Done((str(session["id"]),), address=address)
