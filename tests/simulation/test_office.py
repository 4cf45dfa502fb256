"""What the simulation's accountant does with what the review queue cannot say yes or no to."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from sqlalchemy import select

from runtime.operations.bank_files.import_statement import import_statement
from runtime.operations.work import poll, work
from runtime.simulation.faults import KINDS
from runtime.simulation.office import ANSWERED_WITHIN, look_after
from runtime.simulation.stage import Play, set_play
from runtime.store import tables as t
from sandbox.life.payments import pay

SEED = 4


def test_money_that_pays_an_invoice_in_part_is_booked_by_hand_once_it_has_waited_for_days() -> None:
    with set_play(SEED, without=frozenset(KINDS)) as play:
        firm, hands = play.life.firms["harbour-pine"], play.life.hands
        debt = next(each for each in firm.unpaid.values() if each.invoice.total > 100)
        amount = (debt.invoice.total * Decimal("0.8")).quantize(Decimal("0.01"))  # as if a fifth had been withheld
        pay(hands, firm, firm.customer_of(debt), [debt], amount=amount, text=f"PAYMENT {debt.number}")
        play.time.advance(timedelta(days=1))
        today = play.time.now().date()
        bank = firm.banks[debt.invoice.currency]
        content = bank.statement(since=bank.opened_on, until=today, at=play.time.now())
        import_statement(play.app, organisation_id=play.ids[firm.key], name="bank.xml", content=content)
        work(play.app)
        assert _state(play) == "suggested"
        look_after(play)
        assert firm.ledger.balance(debt.invoice) == debt.invoice.total, "she cannot tell yet"
        play.time.advance(ANSWERED_WITHIN + timedelta(hours=1))
        for _ in range(2):
            look_after(play)
            poll(play.app)
            work(play.app)
        assert firm.ledger.balance(debt.invoice) == debt.invoice.total - amount
        assert len(firm.ledger.postings(debt.invoice)) == 1
        assert _state(play) == "recorded"


def _state(play: Play) -> str:
    with play.app.store.read() as db:
        return str(db.scalar(select(t.receipt.c.state).where(t.receipt.c.source == "bank")))
