"""The Stripe stand-in, met by the real SDK over loopback HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
import stripe
from hypothesis import given
from hypothesis import strategies as st
from stripe import StripeClient
from stripe._encode import _api_encode

from sandbox.stripe.forms import nested
from sandbox.stripe.payments import usual_fee
from tests.sandbox.stripe_wired import (
    CLIENT_ID,
    CLIENT_SECRET,
    START,
    WEBHOOK_SECRET,
    Wired,
    wired,
)
from tests.sandbox.ticking import Ticking, receiver


@pytest.fixture
def wire() -> Iterator[Wired]:
    with wired() as one:
        yield one


@pytest.fixture
def client(wire: Wired) -> StripeClient:
    return wire.client()


def test_consent_tokens_rotation_and_expiry(wire: Wired) -> None:
    assert wire.authorize()["state"] == "s1"
    first = wire.sign_in()
    assert (first["stripe_user_id"], first["token_type"]) == (wire.account.account_id, "bearer")
    assert wire.client(first["access_token"]).v1.accounts.retrieve_current().id == wire.account.account_id
    second = wire.token(grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    reused = wire.token(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert (reused.status_code, reused.json()["error"]) == (400, "invalid_grant")
    with pytest.raises(stripe.AuthenticationError):
        wire.client(first["access_token"]).v1.charges.list()
    wire.clock.advance(hours=1)
    with pytest.raises(stripe.AuthenticationError) as expired:
        wire.client(second["access_token"]).v1.charges.list()
    assert '"code": "api_key_expired"' in str(expired.value.http_body)
    wire.clock.advance(days=364)
    assert wire.token(grant_type="refresh_token", refresh_token=second["refresh_token"]).status_code == 200
    assert wire.token("not it", grant_type="refresh_token", refresh_token="x").json()["error"] == "invalid_client"


def test_pkce_is_kept_when_it_was_begun(wire: Wired) -> None:
    # RFC 7636, appendix B
    verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    for sent, status in ((verifier, 200), ("w" * 43, 400)):
        code = wire.authorize(code_challenge=challenge, code_challenge_method="S256")["code"]
        answer = wire.token(grant_type="authorization_code", code=code, code_verifier=sent)
        assert answer.status_code == status


def test_keys_reach_only_their_account(wire: Wired, client: StripeClient) -> None:
    other = wire.standin.add_account(name="Contoso", currency="eur", country="DE")
    mine = wire.account.pay(amount=100, currency="usd")
    hidden = other.pay(amount=100, currency="eur")
    assert [p.id for p in client.v1.payment_intents.list().data] == [mine]
    with pytest.raises(stripe.InvalidRequestError) as missing:
        client.v1.payment_intents.retrieve(hidden)
    assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.PermissionError):
        wire.client(stripe_account=other.account_id).v1.payment_intents.list()
    platform = wire.client(CLIENT_SECRET, stripe_account=other.account_id)
    with pytest.raises(stripe.PermissionError):
        platform.v1.payment_intents.list()
    wire.sign_in(login_hint=other.account_id)
    assert [p.id for p in platform.v1.payment_intents.list().data] == [hidden]
    with pytest.raises(stripe.AuthenticationError):
        wire.client("nothing").v1.payment_intents.list()
    gone = client.oauth.deauthorize(
        {"client_id": CLIENT_ID, "stripe_user_id": other.account_id}, {"api_key": CLIENT_SECRET}
    )
    assert gone.stripe_user_id == other.account_id
    with pytest.raises(stripe.PermissionError):
        platform.v1.payment_intents.list()


def test_a_card_succeeds_at_once_with_its_fee(wire: Wired, client: StripeClient) -> None:
    payer = wire.account.add_customer(name="Alder & Co", email="ap@alder.example")
    paid = wire.account.pay(
        amount=120_00, currency="USD", customer_id=payer, metadata={"invoice": "INV-1"}, description="Invoice INV-1"
    )
    expand = ["latest_charge.balance_transaction", "customer"]
    intent = client.v1.payment_intents.retrieve(paid, {"expand": expand}).to_dict()
    assert (intent["status"], intent["amount_received"], intent["currency"]) == ("succeeded", 120_00, "usd")
    assert intent["customer"]["email"] == "ap@alder.example"
    movement = intent["latest_charge"]["balance_transaction"]
    assert (movement["amount"], movement["fee"], movement["net"]) == (120_00, 205, 117_95)
    assert movement["status"] == "pending"
    assert wire.types() == [
        "customer.created",
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]
    wire.clock.advance(days=2)
    assert client.v1.balance_transactions.retrieve(movement["id"]).status == "available"
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        client.v1.payment_intents.retrieve(paid, {"expand": ["metadata"]})


def test_a_debit_is_processing_until_settled(wire: Wired, client: StripeClient) -> None:
    paid = wire.account.pay(amount=500_00, currency="usd", method="us_bank_account", fee=400)
    intent = client.v1.payment_intents.retrieve(paid, {"expand": ["latest_charge"]}).to_dict()
    assert (intent["status"], intent["amount_received"]) == ("processing", 0)
    assert (intent["latest_charge"]["status"], intent["latest_charge"]["paid"]) == ("pending", False)
    wire.account.settle(paid)
    intent = client.v1.payment_intents.retrieve(paid, {"expand": ["latest_charge.balance_transaction"]}).to_dict()
    assert (intent["status"], intent["latest_charge"]["balance_transaction"]["net"]) == ("succeeded", 496_00)
    assert intent["latest_charge"]["balance_transaction"]["type"] == "payment"
    assert wire.types() == [
        "payment_intent.created",
        "charge.pending",
        "payment_intent.processing",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]
    told = [e["data"]["object"]["status"] for e in wire.account.events.values() if "intent" in e["type"]]
    assert told == ["requires_payment_method", "processing", "succeeded"]
    with pytest.raises(Exception, match="succeeded"):
        wire.account.settle(paid)


def test_a_debit_may_fail(wire: Wired, client: StripeClient) -> None:
    paid = wire.account.pay(amount=500_00, currency="eur", method="sepa_debit")
    wire.account.fail(paid, code="insufficient_funds", message="Too little in the account.")
    intent = client.v1.payment_intents.retrieve(paid).to_dict()
    assert (intent["status"], intent["last_payment_error"]["code"]) == ("requires_payment_method", "insufficient_funds")
    assert wire.types()[-2:] == ["charge.failed", "payment_intent.payment_failed"]
    assert wire.account.balance_transactions == {}


def test_refunds_by_api_and_their_bounds(wire: Wired, client: StripeClient) -> None:
    paid = wire.account.pay(amount=100_00, currency="usd")
    refund = client.v1.refunds.create({"payment_intent": paid, "amount": 30_00, "reason": "duplicate"})
    assert (refund.amount, refund.status) == (30_00, "succeeded")
    charge = client.v1.charges.list({"payment_intent": paid}).data[0]
    assert (charge.amount_refunded, charge.refunded) == (30_00, False)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"charge": charge.id, "amount": 70_01})
    assert refused.value.param == "amount"
    client.v1.refunds.create({"charge": charge.id})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"charge": charge.id})
    assert refused.value.code == "charge_already_refunded"
    assert client.v1.charges.retrieve(charge.id).refunded is True
    wire.account.fail_refund(refund.id)
    assert client.v1.refunds.retrieve(refund.id).status == "failed"
    assert client.v1.charges.retrieve(charge.id).amount_refunded == 70_00
    assert sum(m["amount"] for m in wire.account.balance_transactions.values()) == 30_00


def test_disputes_take_the_money_until_won(wire: Wired, client: StripeClient) -> None:
    paid = wire.account.pay(amount=100_00, currency="usd", fee=0)
    dispute_id = wire.account.dispute(paid, reason="fraudulent")
    dispute = client.v1.disputes.list({"payment_intent": paid}).data[0]
    assert (dispute.id, dispute.status, dispute.amount) == (dispute_id, "needs_response", 100_00)
    assert client.v1.charges.retrieve(str(dispute.charge)).disputed is True
    assert sum(m["net"] for m in wire.account.balance_transactions.values()) == -15_00
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": paid})
    assert refused.value.code == "charge_disputed"
    wire.account.close_dispute(dispute_id, won=True)
    assert client.v1.disputes.retrieve(dispute_id).status == "won"
    assert sum(m["net"] for m in wire.account.balance_transactions.values()) == 85_00
    assert wire.types()[-1] == "charge.dispute.closed"


@given(amounts=st.lists(st.integers(min_value=100, max_value=10**7), min_size=1, max_size=6), refunded=st.booleans())
def test_a_payout_is_the_sum_of_its_movements(amounts: list[int], refunded: bool) -> None:
    from sandbox.stripe import StripeStandIn

    standin = StripeStandIn(clock=Ticking(START), client_id="c", client_secret="s", webhook_secret="w")
    account = standin.add_account(name="N", currency="usd", country="US")
    paid = [account.pay(amount=amount, currency="usd") for amount in amounts]
    if refunded:
        account.refund(paid[0], 40)
    payout_id = account.pay_out(payment_intent_ids=paid, arrival_on=START.date())
    of_payout = [m for m in account.balance_transactions.values() if account.payout_of.get(m["id"]) == payout_id]
    assert account.payouts[payout_id]["amount"] == sum(m["net"] for m in of_payout if m["type"] != "payout")
    assert account.payouts[payout_id]["amount"] == sum(a - usual_fee(a) for a in amounts) - 40 * refunded
    assert sum(m["net"] for m in of_payout) == 0


def test_payouts_are_read_with_their_movements(wire: Wired, client: StripeClient) -> None:
    paid = [wire.account.pay(amount=100_00, currency="usd") for _ in range(3)]
    wire.account.refund(paid[1], 50_00)
    with pytest.raises(ValueError, match="nothing to pay out"):
        wire.account.pay_out(arrival_on=START.date())
    wire.clock.advance(days=2)
    late = wire.account.pay(amount=1_00, currency="usd")
    payout_id = wire.account.pay_out(arrival_on=(START + timedelta(days=4)).date())
    payout = client.v1.payouts.list({"status": "paid"}).data[0]
    assert (payout.id, payout.reconciliation_status, payout.automatic) == (payout_id, "completed", True)
    expanded = {"payout": payout_id, "expand": ["data.source"]}
    movements = client.v1.balance_transactions.list(expanded).to_dict()["data"]  # type: ignore[arg-type]
    assert sum(m["net"] for m in movements if m["type"] != "payout") == payout.amount == 3 * (100_00 - 175) - 50_00
    assert {m["source"]["object"] for m in movements} == {"charge", "refund", "payout"}
    assert client.v1.balance_transactions.list({"payout": payout_id, "type": "refund"}).data[0].amount == -50_00
    latest = wire.account.payment_intents[late]["latest_charge"]
    assert latest not in {m["source"]["id"] for m in movements}
    assert wire.types()[-3:] == ["payout.created", "payout.paid", "payout.reconciliation_completed"]
    with pytest.raises(ValueError, match="nothing to pay out"):
        wire.account.pay_out(arrival_on=START.date())
    wire.account.fail_payout(payout_id)
    assert client.v1.payouts.retrieve(payout_id).status == "failed"
    assert wire.account.pay_out(arrival_on=START.date()) != payout_id
    assert len(client.v1.balance_transactions.list({"payout": payout_id}).data) == 5


def test_lists_are_paged_both_ways(wire: Wired, client: StripeClient) -> None:
    ids = []
    for _ in range(25):
        ids.append(wire.account.pay(amount=100, currency="usd"))
        wire.clock.advance(seconds=1)
    first = client.v1.payment_intents.list()
    assert ([p.id for p in first.data], first.has_more) == (ids[:-11:-1], True)
    assert [p.id for p in client.v1.payment_intents.list({"limit": 7}).auto_paging_iter()] == ids[::-1]
    last = client.v1.payment_intents.list({"limit": 10, "starting_after": ids[5]})
    assert ([p.id for p in last.data], last.has_more) == (ids[4::-1], False)
    newer = client.v1.payment_intents.list({"limit": 3, "ending_before": ids[5]})
    assert ([p.id for p in newer.data], newer.has_more) == ([ids[8], ids[7], ids[6]], True)
    since = int(START.timestamp()) + 20
    assert len(client.v1.payment_intents.list({"created": {"gte": since}}).data) == 5
    assert len(client.v1.payment_intents.list({"created": {"gt": since, "lte": since + 2}}).data) == 2
    bad: list[tuple[str, str]] = [("limit", "101"), ("limit", "x"), ("starting_after", "pi_none"), ("colour", "red")]
    for name, value in bad:
        answer = requests.get(
            f"{wire.url}/v1/payment_intents", params={name: value}, auth=(wire.account.secret_key, ""), timeout=5
        )
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, name)


def test_events_are_listed_by_time_and_type(wire: Wired, client: StripeClient) -> None:
    wire.account.pay(amount=100, currency="usd", created_at=START - timedelta(days=31))
    wire.clock.advance(minutes=1)
    wire.account.pay(amount=100, currency="usd")
    seen = [e.type for e in client.v1.events.list({"types": ["payment_intent.succeeded", "charge.succeeded"]}).data]
    assert seen == ["payment_intent.succeeded", "charge.succeeded"]  # what is older than 30 days is not listed
    assert len(client.v1.events.list({"type": "charge.*"}).data) == 1
    assert client.v1.events.list({"created": {"gt": int(wire.clock().timestamp())}}).data == []
    newest = client.v1.events.list({"limit": 1}).data[0]
    wire.account.pay(amount=200, currency="usd")
    after = client.v1.events.list({"limit": 100, "ending_before": newest.id})
    assert [e.type for e in after.data] == ["payment_intent.succeeded", "charge.succeeded", "payment_intent.created"]
    assert client.v1.events.retrieve(newest.id).to_dict()["account"] == wire.account.account_id


def test_a_repeated_post_is_answered_alike_and_done_once(wire: Wired, client: StripeClient) -> None:
    paid = wire.account.pay(amount=100_00, currency="usd")
    for _ in range(2):
        refund = client.v1.refunds.create({"payment_intent": paid, "amount": 10_00}, {"idempotency_key": "k1"})
    assert refund.last_response is not None
    assert refund.last_response.headers["Idempotent-Replayed"] == "true"
    assert list(wire.account.refunds) == [refund.id]
    with pytest.raises(stripe.IdempotencyError):
        client.v1.refunds.create({"payment_intent": paid, "amount": 11_00}, {"idempotency_key": "k1"})
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": paid, "amount": 95_00}, {"idempotency_key": "k2"})
    client.v1.refunds.create({"payment_intent": paid, "amount": 90_00}, {"idempotency_key": "k2"})
    wire.clock.advance(hours=24)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": paid, "amount": 10_00}, {"idempotency_key": "k1"})
    assert refused.value.code == "charge_already_refunded"
    event = next(e for e in wire.account.events.values() if e["type"] == "refund.created")
    assert event["request"]["idempotency_key"] == "k1"
    assert event["request"]["id"].startswith("req_")


def test_payment_intents_by_api(client: StripeClient) -> None:
    made = client.v1.payment_intents.create({"amount": 100, "currency": "usd", "metadata": {"invoice": "7"}})
    assert (made.status, made.metadata and made.metadata["invoice"]) == ("requires_payment_method", "7")
    assert client.v1.payment_intents.confirm(made.id, {"payment_method": "pm_card_visa"}).status == "succeeded"
    debit = client.v1.payment_intents.create(
        {"amount": 100, "currency": "usd", "confirm": True, "payment_method": "pm_usBankAccount_success"}
    )
    assert debit.status == "processing"
    with pytest.raises(stripe.CardError) as declined:
        client.v1.payment_intents.create(
            {"amount": 100, "currency": "usd", "confirm": True, "payment_method": "pm_card_visa_chargeDeclined"}
        )
    assert declined.value.code == "card_declined"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.confirm(made.id, {"payment_method": "pm_card_visa"})
    assert refused.value.code == "payment_intent_unexpected_state"
    changed = client.v1.payment_intents.update(made.id, {"metadata": {"invoice": "", "po": "8"}})
    assert changed.to_dict()["metadata"] == {"po": "8"}
    customer = client.v1.customers.create({"name": "Ada", "email": "ada@example.com"})
    assert client.v1.customers.list({"email": "ada@example.com"}).data[0].id == customer.id


def test_a_pay_link_is_paid_and_told(wire: Wired, client: StripeClient) -> None:
    def link() -> stripe.checkout.Session:
        return client.v1.checkout.sessions.create(
            {
                "mode": "payment",
                "success_url": "http://localhost/thanks?session={CHECKOUT_SESSION_ID}",
                "client_reference_id": "INV-9",
                "line_items": [
                    {
                        "quantity": 2,
                        "price_data": {"currency": "usd", "unit_amount": 50_00, "product_data": {"name": "INV-9"}},
                    }
                ],
                "payment_intent_data": {"metadata": {"invoice": "INV-9"}},
            }
        )

    session = link()
    assert (session.amount_total, session.status, session.client_reference_id) == (100_00, "open", "INV-9")
    assert session.url is not None
    assert requests.get(session.url, timeout=5).status_code == 200
    sent_back = requests.post(session.url, allow_redirects=False, timeout=5)
    assert sent_back.headers["Location"] == f"http://localhost/thanks?session={session.id}"
    paid = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]}).to_dict()
    assert (paid["status"], paid["payment_status"], paid["payment_intent"]["metadata"]) == (
        "complete",
        "paid",
        {"invoice": "INV-9"},
    )
    slow = link()
    intent = wire.account.complete_checkout(slow.id, method="us_bank_account")
    assert client.v1.checkout.sessions.retrieve(slow.id).payment_status == "unpaid"
    wire.account.settle(intent)
    assert client.v1.checkout.sessions.retrieve(slow.id).payment_status == "paid"
    assert wire.types()[-1] == "checkout.session.async_payment_succeeded"
    stale = link()
    wire.clock.advance(hours=24)
    with pytest.raises(Exception, match="no longer open"):
        wire.account.complete_checkout(stale.id)
    assert client.v1.checkout.sessions.expire(stale.id).status == "expired"


def test_more_calls_a_second_than_allowed_are_refused() -> None:
    with wired(requests_per_second=25) as wire:
        client = wire.client()
        for _ in range(25):
            client.v1.charges.list()
        with pytest.raises(stripe.RateLimitError) as refused:
            client.v1.charges.list()
        assert refused.value.headers is not None
        assert refused.value.headers["Stripe-Rate-Limited-Reason"] == "global-rate"
        assert wire.standin.avoidable_429 == 1
        wire.clock.advance(seconds=1)
        client.v1.charges.list()
        assert wire.standin.avoidable_429 == 1


def test_events_arrive_signed_and_each_try_is_signed_anew(wire: Wired) -> None:
    wire.clock.now = type(wire.clock.now).now(START.tzinfo)  # Stripe's own check compares with the computer's clock
    answers = [500]
    with receiver(lambda _headers, _body: answers.pop() if answers else 200) as received:
        wire.standin.subscribe(received.url)
        wire.standin.courier.start()
        wire.account.pay(amount=100_00, currency="usd", metadata={"invoice": "INV-1"})
        deadline = time.monotonic() + 10
        while not wire.standin.courier.idle() and time.monotonic() < deadline:
            time.sleep(0.02)
        wire.standin.courier.stop()
        got = [(body, headers["stripe-signature"]) for headers, body in received.posts]
        events = [stripe.Webhook.construct_event(body, header, WEBHOOK_SECRET) for body, header in got]
        assert [e.type for e in events] == [
            "payment_intent.created",
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.succeeded",
        ]
        assert events[0].id == events[1].id
        subject = events[-1].data.object
        assert (subject["amount_received"], subject["metadata"]["invoice"]) == (100_00, "INV-1")
        body, header = got[-1]
        assert json.loads(body)["pending_webhooks"] == 1
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body + b" ", header, WEBHOOK_SECRET)
        wire.clock.advance(seconds=-301)
        with pytest.raises(stripe.SignatureVerificationError, match="tolerance"):
            stripe.Webhook.construct_event(body, wire.standin.signature(body), WEBHOOK_SECRET)
        wire.clock.advance(seconds=301)
        delivery = wire.standin.courier.log[-1]
        delivery.delivered_at = None
        wire.clock.advance(seconds=250)
        with requests.Session() as session:
            assert wire.standin.courier.deliver(delivery, session)
        assert received.posts[-1][0]["stripe-signature"] != header


_LEAVES = st.text(st.characters(codec="ascii", min_codepoint=32), min_size=1, max_size=8)
_KEYS = st.text("abcdefgh_", min_size=1, max_size=5)
_TREES = st.recursive(
    _LEAVES,
    lambda inner: st.dictionaries(_KEYS, inner, min_size=1, max_size=3) | st.lists(inner, min_size=1, max_size=12),
    max_leaves=12,
)


@given(st.dictionaries(_KEYS, _TREES, max_size=4))
def test_parameters_of_the_sdk_are_read_back(parameters: dict[str, object]) -> None:
    assert nested(_api_encode(parameters)) == parameters


def test_the_same_steps_give_the_same_ids() -> None:
    def ids(seed: int) -> list[str]:
        with wired(seed=seed) as wire:
            wire.account.pay(amount=100, currency="usd")
            return [wire.account.account_id, *wire.account.payment_intents, *wire.account.events]

    assert ids(1) == ids(1)
    assert not set(ids(1)) & set(ids(2))


def test_a_checkout_lives_as_long_as_it_is_asked_to_within_stripes_bounds(wire: Wired) -> None:
    item = {"quantity": 1, "price_data": {"currency": "gbp", "unit_amount": 999, "product_data": {"name": "INV-7"}}}
    asked: Any = {"mode": "payment", "success_url": "http://localhost/thanks", "line_items": [item]}
    now = int(wire.account.now())
    sessions = wire.client().v1.checkout.sessions
    assert sessions.create(asked | {"expires_at": now + 3_600}).expires_at == now + 3_600
    for seconds in (1_700, 86_500):
        with pytest.raises(stripe.InvalidRequestError):
            sessions.create(asked | {"expires_at": now + seconds})
