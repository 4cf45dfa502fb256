"""Every object that the Stripe stand-in writes fits the schema that Stripe publishes for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from sandbox.stripe import StripeAccount
from tests.contracts.witness import contracts
from tests.sandbox.stripe_wired import START, wired
from tests.sandbox.ticking import Ticking
from tests.shared import shared_specs


def _violations(value: dict[str, Any], schema: str) -> list[str]:
    return [str(found) for found in contracts(shared_specs()).stripe.value_findings(schema, value, "object")]


def _lived(account: StripeAccount, clock: Ticking) -> None:
    payer = account.add_customer(name="Alder & Co", email="ap@alder.example", metadata={"ledger": "1"})
    paid = account.pay(amount=120_00, currency="usd", customer_id=payer, metadata={"invoice": "INV-1"}, description="x")
    refunded = account.pay(amount=50_00, currency="usd")
    failing_refund = account.pay(amount=20_00, currency="usd")
    disputed = [account.pay(amount=30_00, currency="usd") for _ in range(2)]
    debits = [
        account.pay(amount=70_00, currency="usd", method=m) for m in ("us_bank_account", "sepa_debit", "bacs_debit")
    ]
    account.settle(debits[0])
    account.fail(debits[1])
    account.refund(refunded, 10_00, reason="requested_by_customer")
    account.refund(debits[0])
    account.fail_refund(account.refund(failing_refund))
    account.close_dispute(account.dispute(disputed[0]), won=True)
    account.close_dispute(account.dispute(disputed[1], reason="product_not_received"), won=False)
    declined = account.open_intent(amount=10_00, currency="usd", methods=["card"])
    account.decline(declined["id"])
    account.cancel(declined["id"], reason="abandoned")
    for method in ("card", "us_bank_account"):
        session = account.open_checkout(
            amount=9_99, currency="usd", base_url="http://localhost", given={"customer": payer}
        )
        account.complete_checkout(session["id"], method=method)
    account.settle(list(account.payment_intents)[-1])
    account.expire_checkout(account.open_checkout(amount=9_99, currency="usd", base_url="http://localhost")["id"])
    account.pay_out([paid], arrival_on=START.date())
    clock.now += timedelta(days=3)
    account.fail_payout(account.pay_out(arrival_on=date(2026, 11, 23)))


@pytest.fixture(scope="module")
def account() -> Iterator[StripeAccount]:
    with wired() as one:
        _lived(one.account, one.clock)
        yield one.account


@pytest.mark.parametrize(
    ("store", "schema", "least"),
    [
        ("payment_intents", "payment_intent", 11),
        ("charges", "charge", 11),
        ("refunds", "refund", 3),
        ("disputes", "dispute", 2),
        ("balance_transactions", "balance_transaction", 18),
        ("payouts", "payout", 2),
        ("customers", "customer", 1),
        ("checkout_sessions", "checkout.session", 3),
        ("events", "event", 50),
    ],
)
def test_objects_fit_their_schema(account: StripeAccount, store: str, schema: str, least: int) -> None:
    kept: dict[str, Any] = getattr(account, store)
    assert len(kept) >= least
    for one in kept.values():
        assert _violations(one, schema) == []


def test_the_subject_of_each_event_fits_its_schema(account: StripeAccount) -> None:
    for event in account.events.values():
        subject = event["data"]["object"]
        assert _violations(subject, subject["object"]) == [], event["type"]


def test_the_account_fits_its_schema(account: StripeAccount) -> None:
    assert _violations(account.account, "account") == []


def test_the_check_itself_finds_faults(account: StripeAccount) -> None:
    intent = next(iter(account.payment_intents.values()))
    faults: list[dict[str, Any]] = [
        {"status": "paid"},
        {"amount": "12"},
        {"created": None},
        {"metadata": {"a": 1}},
        {"surprise": 1},
        {"last_payment_error": {"type": "unknown"}},
    ]
    for fault in faults:
        assert _violations(intent | fault, "payment_intent"), fault
    assert _violations({k: v for k, v in intent.items() if k != "id"}, "payment_intent")
