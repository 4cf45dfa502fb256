"""Cash that Stripe keeps for payers, through the real SDK against the stand-in over loopback HTTP."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from connectors.contract import Notice
from connectors.payments.stripe import DECLARATION
from connectors.records import HeldCashFields, Kind, ProcessorState
from receivables.money import Money
from tests.connectors.test_stripe import PAYMENT, START, World, gbp, world

__all__ = ["world"]

CASH = Kind.HELD_CASH


def _payer(world: World) -> str:
    return world.stripe.add_customer(name="Alder & Co", email="ap@alder.example")


def _cash(world: World, payer: str) -> HeldCashFields:
    (record,) = world.connector.fetch(CASH, [payer]).records
    assert isinstance(record.fields, HeldCashFields) and record.external_id == payer
    return record.fields


def _kinds(fields: HeldCashFields) -> list[tuple[str, int]]:
    return [(each.kind, each.amount.minor) for each in fields.movements]


def test_a_transfer_that_pays_nothing_is_kept_with_what_it_says(world: World) -> None:
    payer = _payer(world)
    world.stripe.transfer_in(payer, 12_000, "gbp", reference="INV-1 thanks", sender="ALDER CO")
    fields = _cash(world, payer)
    assert (fields.payer_name, fields.payer_email) == ("Alder & Co", "ap@alder.example")
    assert fields.held == (gbp(12_000),)
    (movement,) = fields.movements
    assert (movement.kind, movement.amount, movement.moved_at) == ("funded", gbp(12_000), START)
    assert (movement.reference, movement.sender, movement.payment_external_id) == ("INV-1 thanks", "ALDER CO", None)
    assert world.read(CASH) == world.read(CASH, START - timedelta(days=1)) != {}


def test_cash_that_fills_a_payment_is_that_payment_and_no_longer_kept(world: World) -> None:
    payer = _payer(world)
    intent = world.stripe.ask_for_transfer(payer, 12_000, "gbp", {"invoice": "INV-1"})
    assert PAYMENT not in {record.kind for record in world.connector.fetch(PAYMENT, [intent]).records}, (
        "nobody has paid"
    )
    world.stripe.transfer_in(payer, 15_000, "gbp")
    payment = world.payment(intent)
    assert (payment.state, payment.amount, payment.method) == (
        ProcessorState.SUCCEEDED,
        gbp(12_000),
        "customer_balance",
    )
    assert payment.payer_external_id == payer
    fields = _cash(world, payer)
    assert fields.held == (gbp(3_000),)
    assert _kinds(fields) == [("applied_to_payment", -12_000), ("funded", 15_000)]
    assert fields.movements[0].payment_external_id == intent


def test_what_fills_a_payment_in_part_only_is_the_payers_still(world: World) -> None:
    payer = _payer(world)
    intent = world.stripe.ask_for_transfer(payer, 12_000, "gbp")
    world.stripe.transfer_in(payer, 5_000, "gbp")
    assert world.stripe.cash_of(payer) == {"gbp": 0}
    assert _cash(world, payer).held == (gbp(5_000),)
    assert world.connector.fetch(PAYMENT, [intent]).records == ()
    world.stripe.transfer_in(payer, 7_000, "gbp")
    assert _cash(world, payer).held == (gbp(0),)
    assert world.payment(intent).amount == gbp(12_000)


def test_a_payment_that_is_given_up_gives_its_cash_back(world: World) -> None:
    payer = _payer(world)
    intent = world.stripe.ask_for_transfer(payer, 12_000, "gbp")
    world.stripe.transfer_in(payer, 5_000, "gbp")
    world.stripe.give_up_transfer(intent)
    fields = _cash(world, payer)
    assert fields.held == (gbp(5_000),)
    assert _kinds(fields)[0] == ("unapplied_from_payment", 5_000)


def test_cash_goes_back_to_the_payer_or_to_the_bank(world: World) -> None:
    payer = _payer(world)
    world.stripe.transfer_in(payer, 12_000, "gbp")
    world.stripe.transfer_in(payer, 500, "eur")
    world.stripe.return_cash(payer, 2_000, "gbp")
    assert set(_cash(world, payer).held) == {gbp(10_000), Money(500, "EUR")}
    world.stripe.reverse_transfer(payer, 12_000, "gbp")
    assert set(_cash(world, payer).held) == {gbp(-2_000), Money(500, "EUR")}


def test_payers_without_cash_cost_no_call_each(world: World) -> None:
    for _ in range(3):
        _payer(world)
    before = world.calls()
    assert world.read(CASH) == {}
    assert world.calls() - before == 1
    assert world.connector.fetch(CASH, ["cus_gone"]).records == ()


@pytest.mark.parametrize("thin", [False, True])
def test_events_of_cash_lead_to_the_payer(world: World, *, thin: bool) -> None:
    world.standin.courier.stop()
    world.standin.subscribe("http://127.0.0.1:9/hook", thin=thin)
    payer = _payer(world)
    world.stripe.transfer_in(payer, 12_000, "gbp")
    noticed: list[Notice] = []
    while not world.standin.courier.pending.empty():
        delivery = world.standin.courier.pending.get()
        assert delivery is not None and delivery.sign is not None
        assert DECLARATION.verify("whsec", _lower(delivery.headers | delivery.sign()), delivery.body, START)
        noticed += DECLARATION.notices(delivery.body)
    told = [(each.kind, each.external_id) for each in noticed if each.kind is not None]
    assert told == [(CASH, payer)] * 2
    assert {each.account for each in noticed} == {world.stripe.account_id}


def test_an_event_of_cash_that_names_nobody_is_not_followed() -> None:
    event = {"id": "evt_1", "type": "cash_balance.funds_available", "data": {"object": {"object": "cash_balance"}}}
    (notice,) = DECLARATION.notices(json.dumps(event).encode())
    assert notice.kind is None


def _lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
