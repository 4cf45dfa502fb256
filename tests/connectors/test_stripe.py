"""The Stripe connector through the real SDK against the stand-in over loopback HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.wrappers import Request, Response

from connectors.contract import Access, Account, Endpoint, Notice
from connectors.errors import Absent, Fatal, Reconnect, Reject, Retry
from connectors.intents import ByTransfer, CheckoutLine, Done, EditContact, KeepPayer, OpenCheckout
from connectors.limits import Budget
from connectors.oauth import OAuthFlow, TokenSet
from connectors.payments.stripe import DECLARATION, StripeConnector
from connectors.payments.stripe.reading import minor_of, money
from connectors.records import Kind, Page, PayoutFields, ProcessorPaymentFields, ProcessorState, Record
from receivables.decline import Advice, Decline, DeclineGroup
from receivables.money import Money, MoneyError
from sandbox.server import Served, serve
from sandbox.stripe import StripeAccount, StripeStandIn
from tests.connectors.consent import agree
from tests.connectors.lookups import find_one

START = datetime(2026, 11, 17, 10, 0, tzinfo=UTC)
REDIRECT = "http://127.0.0.1/callback"
Handle = Callable[[], Response]
PAYMENT, PAYOUT = Kind.PROCESSOR_PAYMENT, Kind.PAYOUT


@dataclass
class Clock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class World:
    """One stand-in with an account that installed the app, and the connector open on it."""

    clock: Clock = field(default_factory=Clock)
    standin: StripeStandIn = field(init=False)
    served: Served = field(init=False)
    stripe: StripeAccount = field(init=False)
    tokens: list[TokenSet] = field(default_factory=list)
    budget: Budget = field(default_factory=lambda: Budget(()))

    def __post_init__(self) -> None:
        self.standin = StripeStandIn(
            clock=self.clock,
            client_id="ca_1",
            client_secret="sk_app",
            webhook_secret="whsec",
            requests_per_second=100_000,
        )
        self.stripe = self.standin.add_account(name="Brightwater", currency="gbp", country="GB")
        self.served = serve(self.standin)
        self.endpoint = Endpoint(self.served.url, self.served.url, "ca_1", "sk_app")
        self.flow = OAuthFlow(DECLARATION.oauth, self.endpoint, self.clock)
        self.account = self.sign_in()
        self.connector = StripeConnector(self.access())

    def sign_in(self) -> Account:
        begun = self.flow.begin(REDIRECT)
        query = agree(begun.url)
        self.tokens.append(self.flow.finish(redirect_uri=REDIRECT, code=query["code"], verifier=begun.verifier))
        (account,) = DECLARATION.accounts(self.endpoint, self.tokens[-1].answer, query, self.access)
        return account

    def access(self, account: Account | None = None) -> Access:
        return Access(
            account or self.account,
            self.endpoint,
            lambda: self.tokens[-1].access_token,
            lambda _refused: self.tokens[-1].access_token,
            self.budget,
            self.clock,
        )

    def renew(self) -> None:
        self.tokens.append(self.flow.refresh(self.tokens[-1].refresh_token))

    def read(self, kind: Kind, since: datetime | None = None) -> dict[str, Record]:
        pages = list(self.connector.read(kind, since=since))
        assert not [problem for page in pages for problem in page.problems]
        return {record.external_id: record for page in pages for record in page.records}

    def payment(self, intent_id: str) -> ProcessorPaymentFields:
        (record,) = self.connector.fetch(PAYMENT, [intent_id]).records
        assert isinstance(record.fields, ProcessorPaymentFields)
        return record.fields

    def payout(self, payout_id: str) -> PayoutFields:
        (record,) = self.connector.fetch(PAYOUT, [payout_id]).records
        assert isinstance(record.fields, PayoutFields)
        return record.fields

    def calls(self) -> int:
        return sum(self.standin.calls.values())


@pytest.fixture
def world() -> Iterator[World]:
    one = World()
    yield one
    one.connector.close()
    one.served.stop()


def gbp(minor: int) -> Money:
    return Money(minor, "GBP")


def test_consent_names_the_account_and_can_be_renewed_and_ended(world: World) -> None:
    assert world.account == Account(world.stripe.account_id, "Brightwater")
    old = world.tokens[-1].access_token
    world.renew()
    assert world.tokens[-1].access_token != old
    world.flow.revoke(world.tokens[-1].refresh_token, account=world.account.external_id)
    with pytest.raises(Reconnect):
        world.renew()


def test_a_card_payment_is_read_as_it_was_made(world: World) -> None:
    who = world.stripe.add_customer(name="Ana Ng", email="ana@example.com")
    pid = world.stripe.pay(
        amount=123_450,
        currency="gbp",
        customer_id=who,
        fee=1_877,
        metadata={"invoice": "INV-1", "invoices": "INV-2, INV-3|INV-1", "truedue_items": "doc-1,doc-2", "other": "x"},
    )
    (record,) = world.read(PAYMENT).values()
    assert record.external_id == pid and record.modified_at == START
    assert record.fields == ProcessorPaymentFields(
        state=ProcessorState.SUCCEEDED,
        method="card",
        amount=gbp(123_450),
        fee=gbp(1_877),
        refunded=gbp(0),
        disputed=False,
        dispute_open=False,
        created_at=START,
        payer_name="Ana Ng",
        payer_email="ana@example.com",
        payer_external_id=who,
        invoice_numbers=("INV-1", "INV-2", "INV-3"),
        item_ids=("doc-1", "doc-2"),
        also_named=tuple(world.stripe.charges),
    )


def test_a_debit_is_in_flight_then_fails_or_succeeds(world: World) -> None:
    good, bad = (world.stripe.pay(amount=900, currency="gbp", method="bacs_debit") for _ in range(2))
    assert {fields.state for fields in map(world.payment, (good, bad))} == {ProcessorState.IN_FLIGHT}
    world.stripe.settle(good)
    world.stripe.fail(bad, code="insufficient_funds", message="no money")
    assert world.payment(good).state is ProcessorState.SUCCEEDED
    failed = world.payment(bad)
    why = Decline(DeclineGroup.FUNDS, Advice.LATER, "insufficient_funds: no money")
    assert (failed.state, failed.decline) == (ProcessorState.FAILED, why)
    assert failed.method == "bacs_debit" and failed.amount == gbp(900) and failed.fee == gbp(0)


def test_what_nobody_has_paid_is_no_payment_and_what_was_given_up_failed(world: World) -> None:
    opened = world.stripe.open_intent(amount=500, currency="gbp", methods=["card"])["id"]
    given_up = world.stripe.open_intent(amount=500, currency="gbp", methods=["card"])["id"]
    world.stripe.cancel(given_up, reason="abandoned")
    assert set(world.read(PAYMENT)) == {given_up}
    assert world.payment(given_up).decline is None
    assert world.connector.fetch(PAYMENT, [opened]).records == ()
    world.stripe.payment_intents[opened]["status"] = "requires_action"
    assert world.payment(opened).state is ProcessorState.IN_FLIGHT
    world.clock.forward(minutes=61)
    world.renew()
    assert world.connector.fetch(PAYMENT, [opened]).records == ()


def test_refunds_count_and_a_failed_refund_is_paid_again(world: World) -> None:
    pid = world.stripe.pay(amount=10_000, currency="gbp")
    before = world.read(PAYMENT)[pid].version
    refund = world.stripe.refund(pid, 2_500)
    assert world.payment(pid).refunded == gbp(2_500)
    assert world.read(PAYMENT)[pid].version != before
    world.stripe.refund(pid)
    assert world.payment(pid).refunded == gbp(10_000)
    world.stripe.fail_refund(refund)
    assert world.payment(pid).refunded == gbp(7_500)


@pytest.mark.parametrize(("won", "disputed"), [(True, False), (False, True)])
def test_a_dispute_is_open_then_won_or_lost(world: World, won: bool, disputed: bool) -> None:
    pid = world.stripe.pay(amount=10_000, currency="gbp")
    dispute = world.stripe.dispute(pid)
    fields = world.payment(pid)
    assert (fields.disputed, fields.dispute_open) == (True, True)
    world.stripe.close_dispute(dispute, won=won)
    fields = world.payment(pid)
    assert (fields.disputed, fields.dispute_open) == (disputed, False)


def _some_history(world: World, seed: int) -> datetime:
    """Let payers do everything to two dozen payments, with a pause in the middle; return the time of the pause."""
    random = Random(seed)  # noqa: S311 - not for secrets
    methods = ("card", "bacs_debit", "sepa_debit")
    ids = [world.stripe.pay(amount=1_000 + n, currency="gbp", method=methods[n % 3]) for n in range(24)]
    world.clock.forward(minutes=20)
    pause = world.clock.now
    for pid in random.sample(ids, 16):
        world.clock.forward(seconds=20)
        status = world.stripe.payment_intents[pid]["status"]
        if status == "processing":
            random.choice([world.stripe.settle, world.stripe.fail])(pid)
        elif random.random() < 0.4:
            world.stripe.refund(pid, 100)
        elif random.random() < 0.5:
            world.stripe.close_dispute(world.stripe.dispute(pid), won=random.random() < 0.5)
    world.stripe.pay(amount=77, currency="gbp")
    return pause


@pytest.mark.parametrize("seed", range(5))
def test_catching_up_by_events_equals_a_full_read(world: World, seed: int) -> None:
    earlier = world.read(PAYMENT)
    pause = _some_history(world, seed)
    caught_up = world.read(PAYMENT, since=pause)
    full = world.read(PAYMENT)
    assert len(full) == 25 and 2 < len(caught_up) < 25
    assert {pid: full[pid] for pid in caught_up} == caught_up
    untouched = {pid for pid in full if pid not in caught_up}
    assert all(world.stripe.payment_intents[pid]["created"] < pause.timestamp() for pid in untouched)
    assert not earlier
    changed = {
        event["data"]["object"].get("payment_intent") or event["data"]["object"]["id"]
        for event in world.stripe.events.values()
        if event["created"] >= pause.timestamp()
    }
    assert {pid for pid in changed if pid.startswith("pi_")} == set(caught_up)


def test_a_gap_longer_than_events_are_kept_is_read_in_full(world: World) -> None:
    pid = world.stripe.pay(amount=1_000, currency="gbp", method="bacs_debit")
    since = world.clock.now
    world.stripe.settle(pid)
    world.clock.forward(days=31)
    world.renew()
    assert world.read(PAYMENT, since=since)[pid].fields == world.payment(pid)


def test_lists_are_followed_to_the_end_in_full_pages(world: World) -> None:
    ids = {world.stripe.pay(amount=100 + n, currency="gbp") for n in range(230)}
    before = world.calls()
    pages = list(world.connector.read(PAYMENT, since=None))
    assert [len(page.records) for page in pages] == [100, 100, 30]
    assert {record.external_id for page in pages for record in page.records} == ids
    assert world.calls() - before == 3


def test_payout_lines_sum_to_its_amount(world: World) -> None:
    paid = [world.stripe.pay(amount=n, currency="gbp") for n in (10_000, 25_050, 333)]
    world.stripe.refund(paid[0], 1_000)
    world.stripe.dispute(paid[2])
    payout_id = world.stripe.pay_out(paid, arrival_on=date(2026, 11, 19))
    fields = world.payout(payout_id)
    assert fields.arrival_on == date(2026, 11, 19) and fields.state == "paid"
    assert sum(line.amount.minor - line.fee.minor for line in fields.lines) == fields.amount.minor
    assert fields.amount == gbp(world.stripe.payouts[payout_id]["amount"])
    assert sorted((line.kind, line.amount.minor, line.payment_external_id) for line in fields.lines) == sorted(
        [
            ("charge", 10_000, paid[0]),
            ("charge", 25_050, paid[1]),
            ("charge", 333, paid[2]),
            ("refund", -1_000, paid[0]),
            ("adjustment", -333, paid[2]),
        ]
    )


def test_what_the_balance_lacks_is_a_payout_of_less_than_nothing(world: World) -> None:
    pid = world.stripe.pay(amount=10_000, currency="gbp")
    world.stripe.pay_out([pid], arrival_on=date(2026, 11, 19))
    world.stripe.refund(pid, 4_000)
    payout_id = world.stripe.debit_bank(arrival_on=date(2026, 11, 24))
    fields = world.payout(payout_id)
    assert (fields.amount, fields.state) == (gbp(-4_000), "paid")
    assert [(line.kind, line.amount) for line in fields.lines] == [("refund", gbp(-4_000))]
    with pytest.raises(ValueError, match="nothing is lacking"):
        world.stripe.debit_bank(arrival_on=date(2026, 11, 24))


def test_a_payout_that_the_bank_returns_changes_and_its_money_goes_out_again(world: World) -> None:
    pid = world.stripe.pay(amount=10_000, currency="gbp")
    first = world.stripe.pay_out([pid], arrival_on=date(2026, 11, 19))
    since = world.clock.now + timedelta(minutes=5)
    world.clock.forward(minutes=6)
    world.stripe.fail_payout(first)
    world.clock.forward(minutes=30)
    second = world.stripe.pay_out(arrival_on=date(2026, 11, 24))
    changed = world.read(PAYOUT, since=since)
    assert set(changed) == {first, second} and changed == world.read(PAYOUT)
    states = {pid: record.fields.state for pid, record in changed.items() if isinstance(record.fields, PayoutFields)}
    assert states == {first: "failed", second: "paid"}
    assert [line.kind for line in world.payout(second).lines] == ["payout_failure"]


def test_a_payout_in_reconciliation_has_no_lines_yet(world: World) -> None:
    payout_id = world.stripe.pay_out([world.stripe.pay(amount=10_000, currency="gbp")], arrival_on=date(2026, 11, 19))
    world.stripe.payouts[payout_id]["reconciliation_status"] = "in_progress"
    assert world.payout(payout_id).lines == ()
    world.stripe.payouts[payout_id] |= {"reconciliation_status": "not_applicable", "automatic": False}
    assert world.payout(payout_id).lines == ()


def test_lines_that_do_not_sum_to_the_payout_are_a_problem(world: World) -> None:
    good, bad = (
        world.stripe.pay_out([world.stripe.pay(amount=n, currency="gbp")], arrival_on=date(2026, 11, 19))
        for n in (10_000, 20_000)
    )
    world.stripe.payouts[bad]["amount"] += 1
    page = world.connector.fetch(PAYOUT, [good, bad])
    assert [record.external_id for record in page.records] == [good]
    assert [problem.subject for problem in page.problems] == [bad]


@pytest.mark.off_contract
def test_an_unreadable_payment_does_not_lose_the_others(world: World) -> None:
    good, odd = (world.stripe.pay(amount=100, currency="gbp") for _ in range(2))
    world.stripe.payment_intents[odd]["status"] = "half_paid"
    (page,) = world.connector.read(PAYMENT, since=None)
    assert [record.external_id for record in page.records] == [good]
    assert [problem.subject for problem in page.problems] == [odd] and "half_paid" in page.problems[0].text


def test_fetch_leaves_out_the_absent(world: World) -> None:
    pid = world.stripe.pay(amount=100, currency="gbp")
    page = world.connector.fetch(PAYMENT, [pid, "pi_gone", pid])
    assert [record.external_id for record in page.records] == [pid] and not page.problems
    assert page.not_shown == ("pi_gone",)
    assert world.connector.fetch(PAYOUT, ["po_gone"]) == Page((), not_shown=("po_gone",))


def test_a_charge_without_a_payment_is_not_waited_for(world: World) -> None:
    world.stripe.pay(amount=100, currency="gbp")
    ((charge_id, charge),) = world.stripe.charges.items()
    charge["payment_intent"] = None
    assert world.connector.fetch(PAYMENT, [charge_id]) == Page(())


# https://docs.stripe.com/currencies: zero-decimal, three-decimal and special currencies
@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (500, "jpy", "500 JPY"),
        (1_050, "usd", "10.50 USD"),
        (5_120, "kwd", "5.120 KWD"),
        (500, "isk", "5 ISK"),
        (500, "ugx", "5 UGX"),
        (500, "mga", "500.00 MGA"),
        (-4_000, "huf", "-40.00 HUF"),
    ],
)
def test_amounts_are_in_stripes_minor_units(minor: int, currency: str, text: str) -> None:
    assert str(money(minor, currency)) == text


def test_an_amount_that_is_no_whole_krona_is_refused() -> None:
    with pytest.raises(MoneyError):
        money(4_010, "isk")
    with pytest.raises(ValueError, match="not an integer"):
        money(10.5, "usd")


@given(st.integers(min_value=-(10**15), max_value=10**15), st.sampled_from(["gbp", "EUR", "jpy", "kwd"]))
def test_usual_currencies_keep_their_minor_units(minor: int, currency: str) -> None:
    assert money(minor, currency) == Money(minor, currency.upper())


# --- webhooks -------------------------------------------------------------------------------------------------


def test_every_event_of_the_stand_in_is_signed_and_names_what_to_read(world: World) -> None:
    world.standin.subscribe("http://127.0.0.1:9/hook")
    pid = world.stripe.pay(amount=100, currency="gbp", method="bacs_debit")
    world.stripe.settle(pid)
    world.stripe.refund(pid, 10)
    world.stripe.close_dispute(world.stripe.dispute(pid), won=True)
    po = world.stripe.pay_out([world.stripe.pay(amount=9_000, currency="gbp")], arrival_on=date(2026, 11, 19))
    seen: set[tuple[Kind | None, str]] = set()
    for event in world.stripe.events.values():
        body = json.dumps(event).encode()
        signature = world.standin.signature(body)
        assert DECLARATION.verify("whsec", {"stripe-signature": signature}, body, world.clock.now)
        assert not DECLARATION.verify("other", {"stripe-signature": signature}, body, world.clock.now)
        assert not DECLARATION.verify("whsec", {"stripe-signature": signature}, body + b" ", world.clock.now)
        late = world.clock.now + timedelta(seconds=301)
        assert not DECLARATION.verify("whsec", {"stripe-signature": signature}, body, late)
        (notice,) = DECLARATION.notices(body)
        assert (notice.account, notice.event_id) == (world.stripe.account_id, event["id"])
        assert notice.occurred_at == datetime.fromtimestamp(event["created"], UTC)
        seen.add((notice.kind, notice.external_id))
    assert (PAYMENT, pid) in seen and (PAYOUT, po) in seen
    assert {kind for kind, _ in seen} == {PAYMENT, PAYOUT}
    assert not DECLARATION.verify("whsec", {}, b"{}", START)


def test_thin_events_are_signed_and_lead_to_the_payment_whatever_part_of_it_they_name(world: World) -> None:
    world.standin.courier.stop()
    world.standin.subscribe("http://127.0.0.1:9/hook", thin=True)
    pid = world.stripe.pay(amount=10_000, currency="gbp")
    world.stripe.refund(pid, 1_000)
    world.stripe.dispute(pid)
    po = world.stripe.pay_out([world.stripe.pay(amount=9_000, currency="gbp")], arrival_on=date(2026, 11, 19))
    sdk = stripe.StripeClient("sk_test")
    told: set[tuple[Kind | None, str]] = set()
    while not world.standin.courier.pending.empty():
        delivery = world.standin.courier.pending.get()
        assert delivery is not None
        signature = delivery.headers["Stripe-Signature"]
        assert DECLARATION.verify("whsec", {"stripe-signature": signature}, delivery.body, world.clock.now)
        theirs = sdk.parse_event_notification(delivery.body, signature, "whsec", tolerance=10**12)
        (notice,) = DECLARATION.notices(delivery.body)
        assert (notice.account, notice.event_id) == (world.stripe.account_id, theirs.id)
        assert notice.occurred_at == world.clock.now
        told.add((notice.kind, notice.external_id))
    prefixes = {external_id.partition("_")[0] for kind, external_id in told if kind is PAYMENT}
    assert prefixes == {"pi", "ch", "re", "du"} and (PAYOUT, po) in told
    named = [external_id for kind, external_id in told if kind is PAYMENT]
    page = world.connector.fetch(PAYMENT, named)
    shown = {record.external_id: record.fields for record in page.records}
    assert set(shown) == set(world.stripe.payment_intents) and not page.problems
    fields = shown[pid]
    assert isinstance(fields, ProcessorPaymentFields)
    assert (fields.refunded, fields.dispute_open) == (Money(1_000, "GBP"), True)


def test_an_app_that_is_taken_off_is_told_by_a_thin_event_too() -> None:
    event = {"id": "evt_1", "object": "v2.core.event", "type": "v1.account.application.deauthorized"}
    body = json.dumps(event | {"created": "2026-11-17T10:00:00Z", "context": "acct_1"}).encode()
    assert DECLARATION.notices(body) == [Notice("acct_1", "evt_1", Kind.CONSENT, "", START)]


@pytest.mark.parametrize("lacks", ["created", "related_object"])
def test_a_thin_event_that_lacks_something_is_unreadable_and_no_crash(lacks: str) -> None:
    event = {"id": "evt_1", "object": "v2.core.event", "type": "v1.charge.refunded", "context": "acct_1"}
    event |= {"created": "2026-11-17T10:00:00Z", "related_object": "ch_1"}
    del event[lacks]
    with pytest.raises(ValueError, match="not a thin event"):
        DECLARATION.notices(json.dumps(event).encode())


@pytest.mark.parametrize(
    "header",
    ["", "t=,v1=", "t=x,v1=00", "v1=00", f"t={'9' * 400},v1=00", f"t={'9' * 5000},v1=00", "t=1,t=2,v1=00", "t=1"],
)
def test_a_malformed_signature_is_refused_and_never_an_error(header: str) -> None:
    assert not DECLARATION.verify("whsec", {"stripe-signature": header}, b"{}", START)


def test_thin_and_unknown_events_are_noticed() -> None:
    thin = {
        "id": "evt_1",
        "object": "v2.core.event",
        "type": "v1.payment_intent.succeeded",
        "created": "2026-11-17T10:00:00.000Z",
        "context": "acct_1",
        "related_object": {"id": "pi_1", "type": "payment_intent", "url": "/v1/payment_intents/pi_1"},
    }
    assert DECLARATION.notices(json.dumps(thin).encode()) == [Notice("acct_1", "evt_1", PAYMENT, "pi_1", START)]
    other = {"id": "evt_2", "type": "customer.created", "account": "acct_1", "data": {"object": {"id": "cus_1"}}}
    assert DECLARATION.notices(json.dumps(other).encode()) == [Notice("acct_1", "evt_2", None, "cus_1", None)]
    old_charge = {"id": "evt_3", "type": "charge.refunded", "data": {"object": {"id": "ch_1", "payment_intent": None}}}
    assert DECLARATION.notices(json.dumps(old_charge).encode()) == [Notice("", "evt_3", None, "ch_1", None)]


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"{}", b'{"id": 1, "type": "x"}', b"[" * 100_000])
def test_unreadable_bodies_are_value_errors(body: bytes) -> None:
    with pytest.raises(ValueError):
        DECLARATION.notices(body)


@given(
    st.recursive(
        st.none() | st.text() | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["object", "id", "payment_intent"]), inner),
    )
)
def test_no_content_of_an_event_breaks_the_reading(data: Any) -> None:  # noqa: ANN401 - any JSON
    for kind in ("charge.refunded", "payment_intent.succeeded", "payout.paid", "x"):
        event = {"id": "evt", "type": kind, "created": data, "data": data, "account": data}
        (notice,) = DECLARATION.notices(json.dumps(event).encode())
        assert notice.event_id == "evt" and isinstance(notice.external_id, str)


# --- faults ---------------------------------------------------------------------------------------------------


def refuse(status: int, error: dict[str, str] | None = None, **headers: str) -> Callable[[Request, Handle], Response]:
    body = json.dumps({"error": error}) if error else "<html>down</html>"
    return lambda _request, _handle: Response(body, status, headers)


def test_another_token_is_asked_for_once_when_one_is_refused(world: World) -> None:
    world.stripe.pay(amount=100, currency="gbp")
    refused: list[str] = []

    def another(token: str) -> str:
        refused.append(token)
        return world.tokens[-1].access_token

    connector = StripeConnector(replace(world.access(), token=lambda: "sk_stale", another=another))
    assert [len(page.records) for page in connector.read(PAYMENT, since=None)] == [1]
    assert refused == ["sk_stale"]


def test_a_token_refused_for_good_asks_a_person_after_two_calls(world: World) -> None:
    world.standin.oauth.revoke(world.tokens[-1].access_token)
    before = world.calls()
    with pytest.raises(Reconnect):
        world.connector.fetch(PAYMENT, ["pi_1"])
    assert world.calls() - before == 2


@pytest.mark.parametrize("error", [{"code": "rate_limit", "message": "slow"}, None])
def test_a_call_too_many_holds_everything_off_as_long_as_stripe_or_what_stands_before_it_says(
    world: World, error: dict[str, str] | None
) -> None:
    world.standin.interceptor = refuse(429, error, **{"Retry-After": "45"})
    with pytest.raises(Retry) as raised:
        world.connector.fetch(PAYMENT, ["pi_1"])
    assert raised.value.after_seconds == 45
    world.standin.interceptor = None
    before = world.calls()
    with pytest.raises(Retry):
        world.connector.fetch(PAYMENT, ["pi_1"])
    assert world.calls() == before


@pytest.mark.parametrize("status", [409, 500, 502, 503, 200])
def test_faults_at_stripes_end_are_tried_again_later_and_never_within_the_call(world: World, status: int) -> None:
    asked: list[str] = []
    answer = refuse(status)

    def count(request: Request, handle: Handle) -> Response:
        asked.append(request.path)
        return answer(request, handle)

    world.standin.interceptor = count
    with pytest.raises(Retry):
        world.connector.fetch(PAYMENT, ["pi_1"])
    assert len(asked) == 1


def test_an_unreachable_stripe_is_tried_again_later(world: World) -> None:
    nowhere = replace(world.endpoint, api_url="http://127.0.0.1:9")
    with pytest.raises(Retry):
        StripeConnector(replace(world.access(), endpoint=nowhere)).fetch(PAYMENT, ["pi_1"])


def test_a_request_that_stripe_does_not_understand_is_our_defect(world: World) -> None:
    world.standin.interceptor = refuse(400, {"type": "invalid_request_error", "message": "no such parameter"})
    with pytest.raises(Fatal, match="no such parameter"):
        world.connector.fetch(PAYMENT, ["pi_1"])
    world.standin.interceptor = refuse(403, {"type": "invalid_request_error", "message": "no permission"})
    with pytest.raises(Reconnect, match="no permission"):
        world.connector.fetch(PAYMENT, ["pi_1"])


def test_the_published_limit_is_kept_with_room_to_spare(world: World) -> None:
    world.standin.requests_per_second = 25
    account = world.standin.add_account(name="Second", currency="gbp", country="GB")
    for n in range(60):
        account.pay(amount=100 + n, currency="gbp")
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds
        world.clock.forward(seconds=seconds)

    budget = Budget(DECLARATION.limits, monotonic=lambda: now[0], sleep=sleep)
    key = account.secret_key
    connector = StripeConnector(replace(world.access(), token=lambda: key, budget=budget))
    assert len(connector.fetch(PAYMENT, list(account.payment_intents)).records) == 60
    assert world.standin.avoidable_429 == 0 and now[0] > 2


def checkout(key: str, *amounts: Money) -> OpenCheckout:
    lines = tuple(CheckoutLine(f"doc_{at}", f"INV-{at}", amount) for at, amount in enumerate(amounts))
    ends = START + timedelta(hours=1)
    return OpenCheckout(key, lines, "ap@alder.example", "https://payer.example/paid", "https://payer.example/", ends)


def test_a_checkout_asks_for_its_lines_and_its_payment_names_them(world: World) -> None:
    intent = checkout("cko_1", Money(12_000, "GBP"), Money(50, "GBP"))
    (done,) = world.connector.write([intent])
    assert isinstance(done, Done)
    session = world.stripe.checkout_sessions[done.external_ids[0]]
    assert (session["amount_total"], session["currency"]) == (12_050, "gbp")
    assert session["expires_at"] == int(intent.expires_at.timestamp())
    assert (session["success_url"], session["cancel_url"]) == (intent.paid_url, intent.given_up_url)
    assert done.address == session["url"]
    paid = world.stripe.complete_checkout(done.external_ids[0])
    (record,) = world.connector.fetch(PAYMENT, [paid]).records
    fields = record.fields
    assert isinstance(fields, ProcessorPaymentFields)
    assert (fields.item_ids, fields.amount) == (("doc_0", "doc_1"), Money(12_050, "GBP"))


@pytest.mark.parametrize(
    ("currency", "country", "asked"),
    [
        ("GBP", "GB", {"type": "gb_bank_transfer"}),
        ("USD", "US", {"type": "us_bank_transfer"}),
        ("EUR", "DE", {"type": "eu_bank_transfer", "eu_bank_transfer": {"country": "DE"}}),
        ("EUR", "AT", {"type": "eu_bank_transfer", "eu_bank_transfer": {"country": "IE"}}),
    ],
)
def test_a_page_of_transfers_says_which_account_it_is_for(
    world: World, currency: str, country: str, asked: dict[str, Any]
) -> None:
    (kept,) = world.connector.write([KeepPayer("k", "cus_ours", "Alder & Co", "ap@alder.example")])
    assert isinstance(kept, Done)
    (payer,) = kept.external_ids
    intent = replace(checkout("cko_1", Money(12_000, currency)), transfer=ByTransfer(payer, country))
    (done,) = world.connector.write([intent])
    assert isinstance(done, Done)
    session = world.stripe.checkout_sessions[done.external_ids[0]]
    assert session["payment_method_types"] == ["customer_balance"]
    options = {"funding_type": "bank_transfer", "bank_transfer": asked}
    assert session["payment_method_options"] == {"customer_balance": options}
    assert (session["customer"], session["customer_email"]) == (payer, None)
    told = world.stripe.complete_checkout(done.external_ids[0])
    assert world.connector.fetch(PAYMENT, [told]).records == (), "nobody has paid"
    world.stripe.transfer_in(payer, 12_000, currency.lower())
    assert (world.payment(told).item_ids, world.payment(told).payer_external_id) == (("doc_0",), payer)


def test_a_page_of_transfers_that_cannot_be_is_refused(world: World) -> None:
    intent = checkout("cko_1", Money(12_000, "CHF"))
    nobody = ByTransfer("cus_gone", "GB")
    outcomes = [
        world.connector.write([replace(intent, transfer=nobody)])[0],
        world.connector.write([replace(checkout("cko_2", Money(12_000, "GBP")), transfer=nobody)])[0],
    ]
    assert [type(each) for each in outcomes] == [Reject, Absent]
    world.stripe.transfers_in.clear()
    (kept,) = world.connector.write([KeepPayer("k", "cus_ours", "Alder & Co", "")])
    assert isinstance(kept, Done)
    transfer = ByTransfer(kept.external_ids[0], "GB")
    (outcome,) = world.connector.write([replace(checkout("cko_3", Money(12_000, "GBP")), transfer=transfer)])
    assert isinstance(outcome, Fatal) and "activated" in str(outcome)


def test_a_checkout_is_opened_once_for_its_key(world: World) -> None:
    outcomes = world.connector.write([checkout("cko_1", Money(500, "GBP"))] * 2)
    assert outcomes[0] == outcomes[1]
    assert len(world.stripe.checkout_sessions) == 1


def test_what_one_payment_cannot_name_is_refused_before_a_call(world: World) -> None:
    before = world.calls()
    (outcome,) = world.connector.write([checkout("cko_1", *[Money(500, "GBP")] * 100)])
    assert isinstance(outcome, Reject) and world.calls() == before


@given(st.sampled_from(["GBP", "JPY", "KWD", "ISK", "UGX", "MGA"]), st.integers(0, 10**12))
def test_money_comes_back_from_stripes_amounts(currency: str, minor: int) -> None:
    amount = Money(minor, currency)
    try:
        there = minor_of(amount)
    except Reject:
        assert currency == "MGA" and minor % 100
    else:
        assert money(there, currency) == amount


def test_nothing_else_is_written(world: World) -> None:
    intent = EditContact("k", "c", "1", "a@example.com")
    before = world.calls()
    (outcome,) = world.connector.write([intent])
    assert isinstance(outcome, Reject) and find_one(world.connector, intent) is None and world.calls() == before
