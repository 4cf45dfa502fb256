"""How Stripe's objects become records."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from connectors.errors import Reject
from connectors.payments.stripe.client import Row
from connectors.payments.stripe.declines import decline_of
from connectors.records import Fields, Kind, PayoutFields, PayoutLine, ProcessorPaymentFields, ProcessorState, Record
from receivables.money import Money, exponent
from receivables.money import total as sum_of

CHECKOUT_LIFETIME = timedelta(hours=1)  # how long a checkout that waits for its payer counts as begun

# Where Stripe's minor unit is not that of ISO 4217 (docs.stripe.com/currencies, "Zero-decimal currencies" and
# "Special cases"): ISK and UGX keep two decimals that are always 00, MGA has none.
_STRIPE_EXPONENTS = {"ISK": 2, "UGX": 2, "MGA": 0}

_OPEN_DISPUTES = frozenset({"needs_response", "under_review", "warning_needs_response", "warning_under_review"})
# A payout that is paid may still fail, and one that failed or was canceled is over: its money goes out under a new id.
_PAYOUT_STEPS = {"pending": 0, "in_transit": 1, "paid": 2, "failed": 3, "canceled": 3}
_INVOICE_KEYS = ("invoice", "invoice_number", "invoices")
ITEMS_KEY = "truedue_items"  # in the metadata of payments that we open: our ids of the items


def money(minor: Any, currency: str) -> Money:  # noqa: ANN401 - a JSON value
    """Turn Stripe's amount into money; ValueError when it is no integer or finer than the currency's minor unit."""
    if type(minor) is not int:
        raise ValueError(f"amount {minor!r} is not an integer")
    code = currency.upper()
    return Money.of(Decimal(minor).scaleb(-_STRIPE_EXPONENTS.get(code, exponent(code))), code)


def minor_of(amount: Money) -> int:
    """Turn money into Stripe's amount, the other way round; Reject when Stripe counts no such small unit."""
    scaled = amount.decimal.scaleb(_STRIPE_EXPONENTS.get(amount.currency, exponent(amount.currency)))
    if scaled != scaled.to_integral_value():
        raise Reject(f"{amount} is finer than what Stripe counts in this currency", code="too_fine")
    return int(scaled)


def payment_of(intent: Row, disputes: Sequence[Row], as_of: datetime) -> Record | None:
    """Turn a PaymentIntent, expanded by its charge, into a record; None while nobody has paid or tried to.

    Stripe's objects have no version. Refunds and disputes have no time of their own on a PaymentIntent: `version`
    follows what is read, so that it changes with them, while `modified_at` is the latest time the object tells.
    A PaymentIntent that succeeded stays so (docs.stripe.com/payments/paymentintents/lifecycle): that counts as a step.
    """
    state = _state(intent, as_of)
    if state is None:
        return None
    currency = str(intent["currency"])
    charge = _expanded(intent.get("latest_charge"))
    balance = _expanded(charge.get("balance_transaction"))
    customer = _expanded(intent.get("customer"))
    payer = charge.get("billing_details") or {}
    metadata = intent.get("metadata") or {}
    created_at = _instant(intent["created"])
    paid = state is ProcessorState.SUCCEEDED
    taken = [dispute for dispute in disputes if dispute["status"] in _OPEN_DISPUTES or dispute["status"] == "lost"]
    fields = ProcessorPaymentFields(
        state=state,
        method=_method(intent, charge),
        amount=money(intent["amount_received"] if paid else intent["amount"], currency),
        # The fee is in the currency that Stripe settles in, which need not be the payer's.
        fee=money(balance["fee"], str(balance["currency"])) if paid and balance else money(0, currency),
        refunded=money(charge.get("amount_refunded") or 0, currency),
        disputed=bool(taken),
        dispute_open=any(dispute["status"] in _OPEN_DISPUTES for dispute in taken),
        created_at=created_at,
        payer_name=str(payer.get("name") or customer.get("name") or ""),
        payer_email=payer.get("email") or intent.get("receipt_email") or customer.get("email"),
        payer_external_id=identity(intent.get("customer")),
        invoice_numbers=_listed(",".join(str(metadata[key]) for key in _INVOICE_KEYS if metadata.get(key))),
        item_ids=_listed(str(metadata.get(ITEMS_KEY) or "")),
        decline=decline_of(error) if state is ProcessorState.FAILED and (error := _error(intent)) else None,
        settled=_changed_to(balance, currency) if paid and balance else None,
        also_named=tuple(each for each in (identity(intent.get("latest_charge")),) if each),
    )
    told = [charge.get("created"), intent.get("canceled_at"), *(dispute["created"] for dispute in disputes)]
    modified_at = max([created_at, *(_instant(stamp) for stamp in told if stamp)])
    return _record(Kind.PROCESSOR_PAYMENT, str(intent["id"]), modified_at, fields, step=int(paid))


def _changed_to(balance: Row, currency: str) -> Money | None:
    settled = money(balance["amount"], str(balance["currency"]))
    return settled if settled.currency != currency.upper() else None


def payout_of(payout: Row, balance_transactions: Sequence[Row] | None) -> Record:
    """Turn a payout and what it is made of into a record; its states follow each other, and count as steps.

    `balance_transactions` is None while Stripe cannot tell them (manual payouts, reconciliation not completed);
    otherwise ValueError when amounts less fees do not sum to the payout.
    """
    amount = money(payout["amount"], str(payout["currency"]))
    lines = tuple(_line(row) for row in balance_transactions or () if row["type"] != "payout")
    if balance_transactions is not None:
        made_of = sum_of([line.amount - line.fee for line in lines], amount.currency)
        if made_of != amount:
            raise ValueError(f"its balance transactions sum to {made_of} and not to {amount}")
    state = str(payout["status"])
    fields = PayoutFields(amount=amount, arrival_on=_instant(payout["arrival_date"]).date(), state=state, lines=lines)
    # Its lines are told once, after it was made; what was not told yet is from before.
    step = 2 * _PAYOUT_STEPS[state] + (balance_transactions is not None)
    return _record(Kind.PAYOUT, str(payout["id"]), _instant(payout["created"]), fields, step=step)


def is_disputed(intent: Row) -> bool:
    """Whether the PaymentIntent's charge was ever disputed, so that its disputes are worth asking for."""
    return bool(_expanded(intent.get("latest_charge")).get("disputed"))


def identity(value: Any) -> str | None:  # noqa: ANN401 - a JSON value
    """Return the id of an object that Stripe gives as an id or, expanded, whole."""
    found = value.get("id") if isinstance(value, dict) else value
    return found if isinstance(found, str) and found else None


def _state(intent: Row, as_of: datetime) -> ProcessorState | None:
    match intent["status"]:
        case "succeeded":
            return ProcessorState.SUCCEEDED
        case "processing" | "requires_capture":
            return ProcessorState.IN_FLIGHT
        case "canceled":
            return ProcessorState.FAILED
        case "requires_payment_method":
            return ProcessorState.FAILED if intent.get("last_payment_error") else None
        case "requires_action" if _waits_for_transfer(intent):
            return None  # the payer was told where to send money, and nobody knows whether they did
        case "requires_action" | "requires_confirmation":
            begun = as_of - _instant(intent["created"]) < CHECKOUT_LIFETIME
            return ProcessorState.IN_FLIGHT if begun else None
        case unknown:
            raise ValueError(f"unknown status {unknown!r}")


def _waits_for_transfer(intent: Row) -> bool:
    return (intent.get("next_action") or {}).get("type") == "display_bank_transfer_instructions"


def _error(intent: Row) -> Row:
    """Why the last attempt was declined; empty for a payment that was given up."""
    return _expanded(intent.get("last_payment_error"))


def _method(intent: Row, charge: Row) -> str:
    kinds = intent.get("payment_method_types") or []
    return str((charge.get("payment_method_details") or {}).get("type") or (kinds[0] if kinds else "unknown"))


def _line(row: Row) -> PayoutLine:
    currency = str(row["currency"])
    return PayoutLine(
        kind=str(row["type"]),
        amount=money(row["amount"], currency),
        fee=money(row["fee"], currency),
        payment_external_id=identity(_expanded(row.get("source")).get("payment_intent")),
    )


def _record(kind: Kind, external_id: str, modified_at: datetime, fields: Fields, *, step: int) -> Record:
    version = f"{step}.{hashlib.sha256(repr(fields).encode()).hexdigest()[:32]}"
    return Record(kind=kind, external_id=external_id, version=version, modified_at=modified_at, fields=fields)


def _expanded(value: Any) -> Row:  # noqa: ANN401 - a JSON value
    return value if isinstance(value, dict) else {}


def _listed(text: str) -> tuple[str, ...]:
    parts = (part.strip() for part in re.split(r"[,|;]", text))
    return tuple(dict.fromkeys(part for part in parts if part))


def _instant(stamp: Any) -> datetime:  # noqa: ANN401 - a JSON value
    return datetime.fromtimestamp(int(stamp), UTC)
