"""A firm that sells in a second currency: what is owed, paid, posted and shown in it stays apart from the other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Row, select

from runtime.operations.bank_files.import_statement import import_statement
from runtime.operations.reminding.plan import decide
from runtime.operations.work import poll, work
from runtime.simulation.faults import KINDS
from runtime.simulation.invariants.in_step import crm_equals_hub
from runtime.simulation.invariants.money import currencies_apart, ledger_equals_truth, money_conserved
from runtime.simulation.office import ANSWERED_WITHIN, look_after
from runtime.simulation.stage import ABROAD, Play, set_play
from runtime.store import connections
from runtime.store import tables as t
from sandbox.life import Debt, Firm, Source
from sandbox.life.payments import EXCHANGED, pay, pay_in_firms_currency
from sandbox.life.processor import charge_by

SEED = 6
FIRMS = ("harbour-pine", "cedar-ridge")


@pytest.fixture(scope="module")
def play() -> Iterator[Play]:
    with set_play(SEED, without=frozenset(KINDS), often={ABROAD: 3}) as found:
        yield found


def _owed_abroad(firm: Firm) -> Debt:
    assert firm.abroad is not None
    return next(
        each for each in firm.unpaid.values() if each.invoice.currency == firm.abroad.currency and not each.facts
    )


def _take_files(play: Play, firm: Firm) -> None:
    """The files of all accounts, up to today."""
    for bank in firm.banks.values():
        at = play.time.now()
        name = "bank.xml" if bank.is_camt else "bank.mt940"
        content = bank.statement(since=bank.opened_on, until=at.date(), at=at)
        import_statement(play.app, organisation_id=play.ids[firm.key], name=name, content=content)
        bank.given(since=bank.opened_on, until=at.date(), at=at)
    for _ in range(2):
        work(play.app)
        poll(play.app)
    work(play.app)


def _receipt(play: Play, firm: Firm, number: str) -> Row[Any]:
    """The receipt that names an invoice in its text."""
    receipt = t.receipt.c
    mine = (receipt.organisation_id == play.ids[firm.key]) & receipt.remittance.contains(number)
    with play.app.store.read() as db:
        return db.execute(select(t.receipt).where(mine)).one()


def _holds(play: Play, firm: Firm, number: str) -> set[str]:
    with play.app.store.read() as db:
        organisation = connections.organisation(db, play.ids[firm.key])
        assert organisation is not None
        decisions = decide(db, organisation, now=play.clock(), freshness_is_reported=True).decisions
    return {hold.code.value for each in decisions if each.evidence.item.number == number for hold in each.holds}


@pytest.mark.parametrize("key", FIRMS)
def test_what_is_owed_in_a_second_currency_is_paid_posted_and_shown_in_it(play: Play, key: str) -> None:
    firm, hands = play.life.firms[key], play.life.hands
    by_bank = _owed_abroad(firm)
    pay(
        hands,
        firm,
        firm.customer_of(by_bank),
        [by_bank],
        amount=by_bank.invoice.total,
        text=f"INVOICE {by_bank.number}",
    )
    by_card = _owed_abroad(firm)
    charge_by(hands, firm, by_card, "card", by_card.invoice.total)
    hands.note(firm, by_card, Source.PROCESSOR, paid=by_card.invoice.total)
    play.time.advance(timedelta(minutes=10))
    _take_files(play, firm)
    for debt in (by_bank, by_card):
        assert firm.ledger.balance(debt.invoice) == 0
        assert [keeps for _, keeps in firm.ledger.paid_into(debt.invoice)] == ["EUR"]
        assert firm.crm.balance(debt.invoice) == 0
        assert firm.crm.currencies(debt.invoice) == {"EUR"}
    for invariant in (currencies_apart, money_conserved, crm_equals_hub):
        assert invariant(play)[1] == []


@pytest.mark.parametrize("how", EXCHANGED)
@pytest.mark.parametrize("key", FIRMS)
def test_money_in_another_currency_pays_nothing_until_a_person_has_booked_it(play: Play, key: str, how: str) -> None:
    firm, hands = play.life.firms[key], play.life.hands
    debt = _owed_abroad(firm)
    assert firm.abroad is not None
    firm.abroad.rng.seed(1)  # a text is there
    pay_in_firms_currency(hands, firm, debt, firm.abroad, how=how)
    _take_files(play, firm)
    assert _receipt(play, firm, debt.number).state == "suggested"
    assert firm.ledger.balance(debt.invoice) == debt.invoice.total
    look_after(play)
    assert _receipt(play, firm, debt.number).state == "suggested", "nobody knows yet what it pays"
    play.time.advance(ANSWERED_WITHIN + timedelta(hours=1))
    for _ in range(2):
        look_after(play)
        poll(play.app)
        work(play.app)
    left = debt.state(play.time.now().date()).open
    assert firm.ledger.balance(debt.invoice) == left == (0 if how != "part" else left)
    assert [keeps for _, keeps in firm.ledger.paid_into(debt.invoice)] == [firm.profile.currency]
    assert "probably_paid" not in _holds(play, firm, debt.number), "she has said what it pays"
    for invariant in (currencies_apart, money_conserved, ledger_equals_truth):
        assert invariant(play)[1] == []
