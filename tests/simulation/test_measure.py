"""What a run says of itself: invoice-days, and how old the evidence of messages was."""

from __future__ import annotations

from datetime import timedelta

from runtime.simulation.faults import KINDS
from runtime.simulation.measure import LEDGER, PROCESSOR, InvoiceDays, open_invoices, percentile
from runtime.simulation.run import simulate
from runtime.simulation.stage import set_play
from sandbox.life import Source
from sandbox.life.paperwork import NOT_SENT
from sandbox.life.trade import void

SEED, EVENTS, INVOICES, FIRMS = 4, 250, 70, 2


def test_an_invoice_is_open_from_when_it_is_sent_until_it_is_settled_or_void() -> None:
    with set_play(SEED, invoices=INVOICES) as play:
        today, hands = play.time.now().date(), play.life.hands
        firm = next(iter(play.life.firms.values()))
        voided, paid, in_part, unsent = list(firm.unpaid.values())[:4]
        assert open_invoices(play, today) == FIRMS * INVOICES
        void(hands, firm, voided)
        hands.note(firm, paid, Source.LEDGER, paid=paid.invoice.total)
        hands.note(firm, in_part, Source.LEDGER, paid=in_part.invoice.total / 2)
        hands.note(firm, unsent, Source.LEDGER, holds=NOT_SENT)
        assert open_invoices(play, today) == FIRMS * INVOICES - 3


def test_what_a_firm_begins_with_is_of_all_ages_and_late_only_where_customers_are() -> None:
    with set_play(SEED, invoices=INVOICES) as play:
        today = play.time.now().date()
        for firm in play.life.firms.values():
            late = [each for each in firm.unpaid.values() if each.invoice.due_on < today]
            assert 0 < len(late) < INVOICES / 2
            assert all(firm.customer_of(each).late_days > 7 for each in late)
            ages = {(today - each.invoice.issued_on).days // 10 for each in firm.unpaid.values()}
            assert len(ages) > 3


def test_each_day_that_begins_counts_what_is_open() -> None:
    with set_play(SEED, invoices=INVOICES) as play:
        days = InvoiceDays(play.time.now().date())
        days.look(play)
        assert days.count == 0, "the first day had begun before"
        play.time.advance(timedelta(days=3))
        days.look(play)
        days.look(play)
        assert days.count == 3 * FIRMS * INVOICES


def test_the_age_of_evidence_is_told_of_each_message_by_its_certificates() -> None:
    result = simulate(seeds=[SEED], events=EVENTS, invoices=INVOICES, without=frozenset(KINDS))
    assert result.reminders_sent > 0
    for source in (LEDGER, PROCESSOR):
        ages = result.evidence_ages[source]
        assert len(ages) == result.reminders_sent
        assert 0 < max(ages) <= timedelta(minutes=6).total_seconds()
    assert result.as_json()["evidence_age_seconds"][LEDGER]["p99"] == max(result.evidence_ages[LEDGER])


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(number) for number in range(200, 0, -1)]
    assert percentile(values, 50) == 100.0
    assert percentile(values, 99) == 198.0
    assert percentile([3.0], 99) == 3.0
    assert percentile([], 50) is None
