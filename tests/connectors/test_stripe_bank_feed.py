"""A bank account that the organisation linked at Stripe: on a page of Stripe's, and read from then on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.bank_feed import FedAccount, FedLine, FeedsBanks, LineState
from connectors.errors import Absent, Reject
from connectors.intents import Done, LinkBank
from receivables.money import Money
from tests.connectors.test_stripe import START, World, world

__all__ = ["world"]


def linking(key: str = "fed_1") -> LinkBank:
    return LinkBank(key, "https://x/linked", "https://x/given-up", START + timedelta(hours=1))


def page_of(world: World) -> str:
    (opened,) = world.connector.write([linking()])
    assert isinstance(opened, Done) and opened.address
    return opened.external_ids[0]


def account_of(world: World) -> FedAccount:
    page = page_of(world)
    world.stripe.complete_setup(page, method="us_bank_account")
    found = world.connector.linked(page)
    assert found is not None
    return found


def lines(world: World, account: FedAccount, after: str | None = None) -> list[FedLine]:
    return [line for page in world.connector.lines(account.external_id, after=after) for line in page]


def test_the_connector_feeds_banks(world: World) -> None:
    assert isinstance(world.connector, FeedsBanks)


def test_nothing_is_linked_before_a_person_agreed_at_their_bank(world: World) -> None:
    page = page_of(world)
    assert world.connector.linked(page) is None
    world.stripe.complete_setup(page, method="us_bank_account")
    linked = world.connector.linked(page)
    assert linked == world.connector.linked(page), "subscribed to once or twice is the same"
    assert linked is not None and (linked.ending, linked.is_linked) == ("6789", True)
    (stored,) = world.stripe.bank_accounts.values()
    assert (stored["subscriptions"], stored["permissions"]) == (["transactions"], ["payment_method", "transactions"])


def test_an_account_that_cannot_be_read_is_said_so(world: World) -> None:
    page = page_of(world)
    world.stripe.checkout_sessions[page]["payment_method_options"] = {}
    world.stripe.complete_setup(page, method="us_bank_account")
    with pytest.raises(Reject, match="signing in at the bank"):
        world.connector.linked(page)


def test_lines_are_shown_by_the_reading_that_brought_or_changed_them(world: World) -> None:
    account = account_of(world)
    assert (account.reading, account.may_read_at) == (None, None), "the first reading takes minutes"
    came = world.stripe.bank_books(account.external_id, 120_00, "ACH CREDIT ACME LTD INV-1001")
    late = world.stripe.bank_books(account.external_id, 30_00, "CHECK 114", pending=True)
    assert lines(world, account) == []
    world.clock.forward(minutes=5)
    first = world.connector.fed(account.external_id)
    assert first.reading is not None and first.read_at == START
    assert {(each.external_id, each.state, each.amount) for each in lines(world, account)} == {
        (came, LineState.POSTED, Money(120_00, "USD")),
        (late, LineState.PENDING, Money(30_00, "USD")),
    }
    world.stripe.bank_changes(late, "posted")
    world.stripe.bank_changes(came, "void")
    assert lines(world, account, first.reading) == []
    assert first.may_read_at is not None
    world.clock.forward(minutes=61)
    world.renew()
    world.connector.read_bank(account.external_id)
    world.clock.forward(minutes=5)
    second = world.connector.fed(account.external_id)
    assert second.reading not in (None, first.reading)
    changed = {each.external_id: each.state for each in lines(world, account, first.reading)}
    assert changed == {late: LineState.POSTED, came: LineState.VOID}
    assert lines(world, account, second.reading) == []


def test_a_bank_that_gives_nothing_any_more_is_told(world: World) -> None:
    account = account_of(world)
    world.stripe.unlink_bank(account.external_id)
    world.clock.forward(minutes=5)
    found = world.connector.fed(account.external_id)
    assert (found.is_linked, found.reading) == (False, None)
    with pytest.raises(Absent):
        world.connector.fed("fca_gone")
