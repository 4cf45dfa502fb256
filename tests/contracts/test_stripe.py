"""Stripe's connector, its stand-in and its events against Stripe's OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from connectors.errors import Reconnect
from connectors.intents import ByTransfer, Done, ForgetMeans, KeepPayer
from connectors.records import Kind
from receivables.money import Money
from sandbox.stripe import StripeAccount
from tests.connectors.test_stripe import PAYMENT, PAYOUT, START, World, checkout, world
from tests.connectors.test_stripe_bank_feed import account_of, lines
from tests.connectors.test_stripe_saved_means import saved, taking
from tests.contracts.deviations import unused
from tests.contracts.witness import Witness
from tests.sandbox.stripe_wired import Wired, wired

__all__ = ["world"]

CASH = Kind.HELD_CASH
DEBITS = ("us_bank_account", "sepa_debit", "bacs_debit")


@pytest.fixture
def written() -> Iterator[Wired]:
    """A stand-in that the SDK writes to, with webhooks that nobody takes."""
    with wired() as one:
        one.standin.subscribe("http://127.0.0.1:1/webhooks/stripe")
        yield one


def _lived(account: StripeAccount) -> list[str]:
    """A payment of every fate; returns their ids."""
    payer = account.add_customer(name="Alder & Co", email="ap@alder.example", metadata={"ledger": "1"})
    paid = account.pay(amount=120_00, currency="gbp", customer_id=payer, metadata={"invoice": "INV-1"})
    refunded, failing, won, lost = (account.pay(amount=50_00, currency="gbp") for _ in range(4))
    debits = [account.pay(amount=70_00, currency="gbp", method=method) for method in DEBITS]
    account.settle(debits[0])
    account.fail(debits[1])
    account.refund(refunded, 10_00, reason="requested_by_customer")
    account.fail_refund(account.refund(failing))
    account.close_dispute(account.dispute(won), won=True)
    account.close_dispute(account.dispute(lost, reason="product_not_received"), won=False)
    return [paid, refunded, failing, won, lost, *debits]


def _cash_moved(account: StripeAccount) -> list[str]:
    """Cash of payers that moved in every way; returns whose it is."""
    payers = [account.add_customer(name=name) for name in ("Birch Ltd", "Cedar GmbH")]
    account.transfer_in(payers[0], 90_00, "gbp", reference="INV-7")
    asked = [account.ask_for_transfer(payers[0], amount, "gbp", {"invoice": "INV-7"}) for amount in (60_00, 50_00)]
    account.give_up_transfer(asked[1])
    account.return_cash(payers[0], 10_00, "gbp")
    for currency in ("eur", "usd"):
        account.transfer_in(payers[1], 5_00, currency)
    account.reverse_transfer(payers[1], 5_00, "usd")
    return payers


def test_whatever_is_read_keeps_the_contract(witness: Witness, world: World) -> None:
    payments, payers = _lived(world.stripe), _cash_moved(world.stripe)
    payouts = [world.stripe.pay_out([payments[0]], arrival_on=START.date())]
    (opened,) = world.connector.write([checkout("cko_1", Money(12_000, "GBP"), Money(50, "GBP"))])
    assert isinstance(opened, Done)
    world.clock.forward(days=3)
    payouts.append(world.stripe.pay_out(arrival_on=date(2026, 11, 23)))
    world.stripe.fail_payout(payouts[1])
    world.renew()  # three days on, the first token is over
    for since in (None, START - timedelta(days=1)):
        assert set(payments) <= set(world.read(PAYMENT, since))
        assert set(payouts) <= set(world.read(PAYOUT, since))
        assert set(payers) == set(world.read(CASH, since))
    world.connector.fetch(PAYMENT, [*payments, "pi_gone"])
    world.connector.fetch(PAYOUT, [*payouts, "po_gone"])
    world.connector.fetch(CASH, [*payers, "cus_gone"])
    world.flow.revoke(world.tokens[-1].access_token, account=world.stripe.account_id)
    with pytest.raises(Reconnect):
        world.read(PAYOUT)
    assert not witness.findings, witness.report()
    assert not unused(witness.used, {"stripe"})


@pytest.mark.parametrize("currency", ["EUR", "GBP", "USD"])
def test_a_page_of_transfers_keeps_the_contract(witness: Witness, world: World, currency: str) -> None:
    world.standin.subscribe("http://127.0.0.1:1/webhooks/stripe")
    (kept,) = world.connector.write([KeepPayer("k", "cus_ours", "Alder & Co", "ap@alder.example")])
    assert isinstance(kept, Done)
    transfer = ByTransfer(kept.external_ids[0], "DE")
    (opened,) = world.connector.write([replace(checkout("cko_1", Money(12_000, currency)), transfer=transfer)])
    assert isinstance(opened, Done)
    told = world.stripe.complete_checkout(opened.external_ids[0])
    for part in (5_000, 7_000):
        world.stripe.transfer_in(transfer.payer_external_id, part, currency.lower())
        world.connector.fetch(PAYMENT, [told])
        world.connector.fetch(CASH, [transfer.payer_external_id])
    assert world.payment(told).amount == Money(12_000, currency)
    assert not witness.findings, witness.report()
    assert witness.seen["webhook"] > 5


@pytest.mark.parametrize("method", ["card", *DEBITS])
def test_what_is_saved_taken_and_forgotten_keeps_the_contract(witness: Witness, world: World, method: str) -> None:
    world.standin.subscribe("http://127.0.0.1:1/webhooks/stripe")
    means = saved(world, method)
    (taken,) = world.connector.write([taking(means)])
    assert isinstance(taken, Done)
    if method == "card":
        world.stripe.refuse(means.means_external_id, code="authentication_required")
        world.connector.write([taking(means, "apm_2")])
    assert world.connector.find([taking(means)]) == [taken]
    world.connector.write([ForgetMeans(key, means.means_external_id) for key in ("fgt_1", "fgt_2")])
    world.connector.write([taking(means, "apm_3")])
    (setup,) = world.stripe.setup_intents
    world.connector.fetch(Kind.SAVED_MEANS, [setup, "seti_gone"])
    assert not witness.findings, witness.report()
    assert witness.seen["webhook"] > 5


def test_what_the_sdk_writes_and_every_webhook_keep_the_contract(witness: Witness, written: Wired) -> None:
    _lived(written.account)
    _cash_moved(written.account)
    sdk = written.client().v1
    payer = sdk.customers.create({"name": "Birch", "email": "ap@birch.example", "metadata": {"ledger": "2"}})
    session = sdk.checkout.sessions.create(
        {
            "mode": "payment",
            "customer": payer.id,
            "success_url": "http://localhost/thanks",
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {"currency": "usd", "unit_amount": 999, "product_data": {"name": "INV-7"}},
                }
            ],
            "payment_intent_data": {"metadata": {"invoice": "INV-7"}},
        }
    )
    written.account.complete_checkout(session.id)
    intent = sdk.payment_intents.create({"amount": 500, "currency": "usd"})
    sdk.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    sdk.refunds.create({"payment_intent": intent.id, "amount": 100, "reason": "requested_by_customer"})
    sdk.test_helpers.customers.fund_cash_balance(payer.id, {"amount": 700, "currency": "usd", "reference": "INV-8"})
    sdk.customers.cash_balance.retrieve(payer.id)
    transfer: Any = {  # the SDK's types do not know all of it
        "amount": 900,
        "currency": "usd",
        "customer": payer.id,
        "payment_method_types": ["customer_balance"],
        "payment_method_data": {"type": "customer_balance"},
        "payment_method_options": {
            "customer_balance": {"funding_type": "bank_transfer", "bank_transfer": {"type": "us_bank_transfer"}}
        },
        "confirm": True,
    }
    asked = sdk.payment_intents.create(transfer).to_dict()
    assert asked["status"] == "requires_action"
    assert asked["next_action"]["display_bank_transfer_instructions"]["amount_remaining"] == 200
    sdk.events.list({"limit": 100, "types": ["refund.created", "payment_intent.succeeded"], "created": {"gte": 1}})
    assert not witness.findings, witness.report()
    assert witness.seen["webhook"] > 20


def test_a_bank_account_that_is_linked_and_read_keeps_the_contract(witness: Witness, world: World) -> None:
    world.standin.subscribe("http://127.0.0.1:1/webhooks/stripe")
    account = account_of(world)
    line = world.stripe.bank_books(account.external_id, 120_00, "ACH CREDIT ACME LTD INV-1001", pending=True)
    world.clock.forward(minutes=5)
    first = world.connector.fed(account.external_id).reading
    assert len(lines(world, account)) == 1
    world.stripe.bank_changes(line, "posted")
    world.clock.forward(minutes=61)
    world.renew()
    world.connector.read_bank(account.external_id)
    world.clock.forward(minutes=5)
    world.connector.fed(account.external_id)
    assert len(lines(world, account, first)) == 1
    assert not witness.findings, witness.report()
