"""What was paid late is charged for where a policy says so: once, after approval, by the days of its payments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from receivables.money import Money
from reminders.evidence import FlagCode
from reminders.payment_plan import PlanState
from runtime.operations.applying.write_off import write_off
from runtime.operations.charges.decide import waive_charge
from runtime.operations.charges.paid_late import paid_late
from runtime.operations.charges.terms import note_business, switch_charges
from runtime.operations.errors import RefusedError
from runtime.operations.matching.decide import confirm, undo
from runtime.operations.matching.match import match_receipts
from runtime.operations.plans.agree_plan import agree_plan
from runtime.operations.plans.watch_plans import watch_plans
from runtime.operations.reminding.policies import set_policies
from runtime.operations.reminding.standing_holds import place_hold
from runtime.operations.systems.treatments import set_treatment
from runtime.operations.views.charges import charges_view
from runtime.store import connections
from runtime.store import tables as t
from tests.operations.charging import NUMBER, approve, charging, issued, look, proposed, which
from tests.operations.copied import copied_firm
from tests.operations.firm import LEDGERS, TODAY, Firm, QuickBooksLedger, XeroLedger, money_in

DUE = date(2026, 2, 27)  # a Friday
DAY = timedelta(days=1)
POLICIES = """policies:
  - name: standard
    levels:
      - {days_after_due: 1, tone: friendly}
    charge_paid_late: yes
"""


@pytest.fixture(params=sorted(LEDGERS))
def firm(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Firm]:
    with copied_firm(tmp_path, request.param, prepare=_charging_both) as firm:
        yield firm


def _charging_both(firm: Firm) -> None:
    """Let a firm charge also for what was paid late; Quay Ltd owes it 1,000.00, due on a Friday eleven days ago."""
    charging(firm)
    _due(firm, DUE)
    set_policies(firm.app, organisation_id=firm.id, text=POLICIES, source="a test", actor="dana")


def _due(firm: Firm, on: date) -> None:
    firm.ledger.edit_due_date(NUMBER, on)
    firm.settle()


def _pay(firm: Firm, amount: str = "1000.00", *, on: date) -> str:
    key = firm.ledger.pay_by_hand(NUMBER, amount, on=on)
    firm.settle()
    return key


def _arithmetic(firm: Firm) -> list[tuple[int, str]]:
    ask = proposed(firm)[NUMBER].ask
    assert ask is not None
    return [(span.days, span.owed.text()) for span in ask.whole.spans]


def test_what_was_paid_late_is_proposed_and_posted_once(firm: Firm) -> None:
    _pay(firm, on=DUE + 10 * DAY)
    each = proposed(firm)[NUMBER]
    assert each.ask is not None
    assert (each.paid_on, each.days_late, each.open_amount.text()) == (DUE + 10 * DAY, 10, "0.00")
    # 10 days at 11.75 % of 1,000.00, and 70.00 of 1,000.00 and more
    assert (each.ask.interest.text(), each.ask.fixed.text()) == ("3.22", "70.00")
    assert (each.ask.since, each.ask.until) == (DUE + DAY, DUE + 10 * DAY)
    firm.settle()
    assert issued(firm) == [], "nothing is posted before somebody approves it"
    shown = look(firm)
    approve(firm, shown)
    firm.settle()
    assert issued(firm) == [(Decimal("73.22"), False)]
    assert firm.ledger.balance(NUMBER) == 0
    firm.time.advance(days=5)
    firm.settle()
    assert proposed(firm)[NUMBER].ask is None
    with pytest.raises(RefusedError, match="charged or waived"):
        approve(firm, shown)
    assert (issued(firm), firm.problems()) == ([(Decimal("73.22"), False)], [])
    assert NUMBER not in [each.number for each in _page(firm).others], "it is over"


def _page(firm: Firm) -> Any:  # noqa: ANN401
    with firm.app.store.read() as db:
        organisation = connections.organisation(db, firm.id)
        assert organisation is not None
        return charges_view(db, organisation, now=firm.app.clock())


def test_no_policy_charges_for_it_unless_it_says_so(firm: Firm) -> None:
    _pay(firm, on=DUE + 10 * DAY)
    shown = look(firm)
    assert (_page(firm).paid_late_by, [each.number for each in _page(firm).waiting]) == (("standard",), [NUMBER])
    kind = POLICIES.replace("    charge_paid_late: yes\n", "")
    set_policies(firm.app, organisation_id=firm.id, text=kind, source="a test", actor="dana")
    assert NUMBER not in proposed(firm)
    assert (_page(firm).paid_late_by, _page(firm).waiting) == ((), ())
    with pytest.raises(RefusedError, match="not overdue any more"):
        approve(firm, shown)
    set_policies(firm.app, organisation_id=firm.id, text=POLICIES, source="a test", actor="dana")
    switch_charges(firm.app, organisation_id=firm.id, on=False, actor="dana")
    assert _page(firm).waiting == ()


def test_parts_count_to_the_day_of_each(firm: Firm) -> None:
    _pay(firm, "400.00", on=DUE + 3 * DAY)
    _pay(firm, "600.00", on=DUE + 8 * DAY)
    assert _arithmetic(firm) == [(3, "1000.00"), (5, "600.00")]
    assert proposed(firm)[NUMBER].days_late == 8


def test_what_was_charged_while_it_was_open_leaves_the_rest(firm: Firm) -> None:
    _due(firm, TODAY - 10 * DAY)
    approve(firm)  # ten days and the fixed sum
    firm.settle()
    firm.time.advance(days=6)
    _pay(firm, on=TODAY + 4 * DAY)
    ask = proposed(firm)[NUMBER].ask
    assert ask is not None
    # fourteen days are 4.51, of which 3.22 were charged
    assert (ask.since, ask.until) == (TODAY + DAY, TODAY + 4 * DAY)
    assert (ask.interest.text(), ask.fixed.text()) == ("1.29", "0.00")


def test_a_payment_on_the_day_that_was_charged_through_leaves_nothing(firm: Firm) -> None:
    approve(firm)
    firm.settle()
    _pay(firm, on=TODAY)
    assert proposed(firm)[NUMBER].ask is None


@pytest.mark.parametrize(
    ("due", "paid", "late"),
    [
        (DUE, DUE, 0),
        (DUE, DUE + 3 * DAY, 3),
        (DUE + DAY, DUE + 3 * DAY, 0),  # due on a Saturday: the Monday is in time
        (DUE + DAY, DUE + 4 * DAY, 3),
        (DUE + 3 * DAY, DUE + 4 * DAY, 1),
    ],
)
def test_what_was_paid_in_time_is_never_charged_for(firm: Firm, due: date, paid: date, late: int) -> None:
    _due(firm, due)
    _pay(firm, on=paid)
    found = proposed(firm)
    assert (found[NUMBER].days_late if NUMBER in found else 0) == late


def test_who_paid_long_ago_is_left_alone(firm: Firm) -> None:
    _pay(firm, on=DUE + 10 * DAY)
    firm.time.advance(days=89)  # TODAY is a day after the payment
    assert NUMBER in proposed(firm)
    assert [each.number for each in _page(firm).waiting] == [NUMBER]
    firm.time.advance(days=1)
    assert NUMBER not in proposed(firm)
    assert _page(firm).waiting == ()


def _hold(code: FlagCode) -> Callable[[Firm], None]:
    def hold(firm: Firm) -> None:
        with firm.app.store.write() as db:
            document_id, at = firm.document(NUMBER).id, firm.app.clock()
            placed: dict[str, Any] = {"organisation_id": firm.id, "document_id": document_id, "placed_by": "dana"}
            place_hold(db, **placed, code=code.value, reason="Dana said so.", at=at)

    return hold


def _dispute(firm: Firm) -> None:
    firm.edit_in_crm(NUMBER, Disputed__c=True, Dispute_Reason__c="wrong price")


def _no_business(firm: Firm) -> None:
    customer_id = firm.document(NUMBER).customer_id
    note_business(firm.app, organisation_id=firm.id, customer_id=customer_id, is_business=False, actor="dana")


@pytest.mark.parametrize(
    "spoil",
    [_dispute, _no_business, *(_hold(code) for code in FlagCode)],
    ids=["disputed", "consumer", *(code.value for code in FlagCode)],
)
def test_what_is_contested_or_held_is_not_charged_for(firm: Firm, spoil: Callable[[Firm], None]) -> None:
    _pay(firm, on=DUE + 10 * DAY)
    shown = look(firm)
    spoil(firm)
    firm.settle()
    found = proposed(firm)
    assert NUMBER not in found or found[NUMBER].ask is None
    with pytest.raises(RefusedError):
        approve(firm, shown)
    assert issued(firm) == []


def test_a_voided_invoice_is_not_charged_for(firm: Firm) -> None:
    assert isinstance(firm.ledger, XeroLedger | QuickBooksLedger)
    key = _pay(firm, on=DUE + 10 * DAY)
    firm.ledger.books.delete_payment(key)
    firm.ledger.books.void_invoice(firm.ledger.ids[NUMBER])
    firm.settle()
    assert NUMBER not in proposed(firm)


def _credit(firm: Firm, amount: str) -> None:
    """The accountant takes a part of the invoice back by a credit note, long after it was due."""
    customer = firm.customers["Quay Ltd"]
    credit: dict[str, Any] = {"number": "CN-1", "total": Decimal(amount), "currency": "GBP", "issued_on": TODAY}
    if isinstance(firm.ledger, XeroLedger):
        note = firm.ledger.books.add_credit_note(contact_id=customer, **credit)
        firm.ledger.books.allocate_credit(
            credit_note_id=note, invoice_id=firm.ledger.ids[NUMBER], amount=Decimal(amount)
        )
    elif isinstance(firm.ledger, QuickBooksLedger):
        memo = firm.ledger.books.add_credit_memo(customer_id=customer, **credit)
        invoice_id = firm.ledger.ids[NUMBER]
        firm.ledger.books.apply_credit(credit_memo_id=memo, invoice_id=invoice_id, amount=Decimal(amount), on=TODAY)
    firm.settle()


def test_what_was_credited_bears_nothing(firm: Firm) -> None:
    _credit(firm, "400.00")
    _pay(firm, "600.00", on=DUE + 10 * DAY)
    assert _arithmetic(firm) == [(10, "600.00")]
    each = proposed(firm)[NUMBER]
    assert each.ask is not None
    assert each.ask.fixed.text() == "40.00"


def test_an_invoice_that_was_credited_whole_was_not_paid_late(firm: Firm) -> None:
    _credit(firm, "1000.00")
    assert NUMBER not in proposed(firm)


def test_what_was_written_off_bears_nothing(firm: Firm) -> None:
    (account,) = [row.handle for row in firm.rows(t.account) if row.purpose == "fees"]
    set_treatment(firm.app, organisation_id=firm.id, kind="write_off", account=account, actor="dana")
    _pay(firm, "950.00", on=DUE + 6 * DAY)
    write_off(
        firm.app,
        organisation_id=firm.id,
        document_id=firm.document(NUMBER).id,
        amount=Money(5_000, "GBP"),
        actor="dana",
    )
    firm.settle()
    assert firm.ledger.balance(NUMBER) == 0
    assert _arithmetic(firm) == [(6, "950.00")]
    assert proposed(firm)[NUMBER].paid_on == DUE + 6 * DAY


def test_a_payment_that_is_undone_takes_the_proposal_along(firm: Firm) -> None:
    assert isinstance(firm.ledger, XeroLedger | QuickBooksLedger)
    key = _pay(firm, on=DUE + 4 * DAY)
    shown = look(firm)
    firm.ledger.books.delete_payment(key)
    with pytest.raises(RefusedError, match="look again"):
        approve(firm, shown)  # the ledger is read first: it is open again
    firm.settle()
    open_again = proposed(firm)[NUMBER]
    assert (open_again.paid_on, open_again.days_late) == (None, (TODAY - DUE).days)


def test_after_a_payment_was_undone_only_the_days_after_are_left(firm: Firm) -> None:
    assert isinstance(firm.ledger, XeroLedger | QuickBooksLedger)
    key = _pay(firm, on=DUE + 4 * DAY)
    approve(firm)
    firm.settle()
    firm.ledger.books.delete_payment(key)
    firm.settle()
    ask = proposed(firm)[NUMBER].ask
    assert ask is not None
    assert (ask.since, ask.until, ask.fixed.text()) == (DUE + 5 * DAY, TODAY, "0.00")


def test_our_own_applications_count_by_the_day_of_the_bank(firm: Firm) -> None:
    firm.import_lines(money_in("r1", "1000.00", "Quay Ltd", NUMBER))
    match_receipts(firm.app, firm.id)
    receipt = firm.receipt()
    if receipt.state != "applied":
        confirm(firm.app, organisation_id=firm.id, receipt_id=receipt.id, actor="dana")
    paid_on = TODAY - DAY
    assert firm.document(NUMBER).status == "open", "the ledger does not show it yet"
    assert proposed(firm)[NUMBER].paid_on == paid_on
    firm.settle()
    assert firm.document(NUMBER).status == "paid"
    assert proposed(firm)[NUMBER].paid_on == paid_on
    undo(firm.app, organisation_id=firm.id, receipt_id=receipt.id, actor="dana")
    firm.settle()
    assert proposed(firm)[NUMBER].paid_on is None, "it was another invoice's money: this one is open"


def test_what_is_booked_by_hand_later_was_paid_on_the_day_of_the_bank(firm: Firm) -> None:
    _due(firm, TODAY - 4 * DAY)
    firm.ledger.pay_by_hand(NUMBER, "1000.00", on=TODAY)
    firm.time.advance(seconds=20)
    firm.import_lines(money_in("r1", "1000.00", "Quay Ltd", NUMBER, on=TODAY - DAY))
    firm.work()
    assert firm.receipt().state == "recorded"
    assert proposed(firm)[NUMBER].paid_on == TODAY - DAY


def test_a_debit_counts_from_the_day_on_which_its_payer_paid(firm: Firm) -> None:
    _due(firm, TODAY - 4 * DAY)
    paid: dict[str, Any] = {"amount": Money(100_000, "GBP"), "payer_name": "Quay Ltd", "invoice_numbers": (NUMBER,)}
    at = firm.time() - 3 * DAY
    firm.show_card_payment(**paid, method="bacs_debit", created_at=at)
    firm.settle()
    assert firm.document(NUMBER).status == "paid"
    assert proposed(firm)[NUMBER].paid_on == TODAY - 3 * DAY


def test_what_a_plan_put_off_is_not_late(firm: Firm) -> None:
    customer_id = firm.document(NUMBER).customer_id
    agree_plan(
        firm.app,
        organisation_id=firm.id,
        customer_id=customer_id,
        debt=Money(100_000, "GBP"),
        count=2,
        first_on=TODAY + DAY,
        consent="by telephone",
        actor="dana",
    )
    firm.time.advance(days=1)
    _pay(firm, on=TODAY + DAY)
    watch_plans(firm.app, firm.id)
    assert [row.state for row in firm.rows(t.payment_plan)] == [PlanState.KEPT.value]
    assert NUMBER not in proposed(firm)


def test_what_is_waived_is_over(firm: Firm) -> None:
    _pay(firm, on=DUE + 10 * DAY)
    waive_charge(firm.app, **which(firm), shown=look(firm))
    firm.settle()
    assert (proposed(firm)[NUMBER].ask, _page(firm).waiting, issued(firm)) == (None, (), [])


def test_only_late_ones_are_looked_at_and_a_search_finds_them(firm: Firm) -> None:
    firm.ledger.invoice(firm.customers["Quay Ltd"], "INV-3002", "10.00", due=TODAY)
    firm.settle()
    firm.ledger.pay_by_hand("INV-3002", "10.00", on=TODAY)
    _pay(firm, on=DUE + 10 * DAY)
    mine = (firm.document(NUMBER).id,)
    for text, found in (("", mine), ("3001", mine), ("quay", mine), ("3002", ()), ("%", ())):
        with firm.app.store.read() as db:
            organisation = connections.organisation(db, firm.id)
            assert organisation is not None
            assert paid_late(db, organisation, now=firm.app.clock(), text=text).document_ids == found, text
