"""A late charge is posted after approval alone: once for an invoice and its days, as an invoice of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.intents import PostCharge
from reminders.replay import PastMoney
from runtime.operations.charges.decide import waive_charge
from runtime.operations.charges.refused import approve_again, give_up_charge
from runtime.operations.charges.terms import note_business, set_rate, set_terms, switch_charges
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.matching.open_items import OpenDocument, open_documents
from runtime.operations.payers.pay_by_card import pay_by_card, switch_card_payments
from runtime.operations.reminding.replay import payments_of
from runtime.operations.systems.treatments import LATE_CHARGE, set_treatment
from runtime.operations.views.standing import standings
from runtime.store import connections, queues
from runtime.store import tables as t
from tests.operations.charging import NUMBER, approve, charging, issued, look, proposed, which
from tests.operations.copied import copied_firm
from tests.operations.faults import lose_answer, unavailable
from tests.operations.firm import LEDGERS, TODAY, Firm, QuickBooksLedger, XeroLedger

NO_MORE = "not overdue any more, or something holds it"


@pytest.fixture(params=sorted(LEDGERS))
def firm(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Firm]:
    with copied_firm(tmp_path, request.param, prepare=charging) as firm:
        yield firm


def _send_it(firm: Firm) -> None:
    """Somebody sends the invoice of the charge from the ledger."""
    assert isinstance(firm.ledger, XeroLedger | QuickBooksLedger)
    (made,) = firm.ledger.books.invoices.keys() - set(firm.ledger.ids.values())
    if isinstance(firm.ledger, XeroLedger):
        firm.ledger.books.edit_invoice(made, SentToContact=True)
    else:
        firm.ledger.books.edit_invoice(made, EmailStatus="EmailSent")


def _states(firm: Firm) -> list[str]:
    return [row.state for row in firm.rows(t.charge)]


def test_an_approved_charge_is_an_invoice_of_its_own_that_is_not_charged_for_itself(firm: Firm) -> None:
    shown = look(firm)
    assert (shown.interest.text(), shown.fixed.text()) == ("3.22", "70.00")
    assert issued(firm) == [], "nothing is posted before somebody approves it"
    approve(firm)
    assert issued(firm) == [], "it is promised first"
    firm.settle()
    assert issued(firm) == [(Decimal("73.22"), False)]
    assert firm.problems() == []
    assert firm.ledger.balance(NUMBER) == Decimal("1000.00"), "the late invoice stays as it is"
    (charge,) = firm.rows(t.charge)
    (document,) = [row for row in firm.rows(t.document) if row.id == charge.charge_document_id]
    assert (charge.state, document.balance_minor, document.sent) == ("posted", 7_322, False)
    assert document.due_on == TODAY + timedelta(days=14)
    assert [row.actor for row in firm.rows(t.event) if row.action == "charge_approved"] == ["dana"]
    assert firm.writes_at_rest() == []
    _send_it(firm)
    firm.time.advance(days=40)
    firm.settle()
    with firm.app.store.read() as db:
        organisation = connections.organisation(db, firm.id)
        assert organisation is not None
        standing = standings(db, organisation, now=firm.app.clock()).invoices[document.id]
    assert standing.truly_due, "the charge itself is overdue now"
    numbers = set(proposed(firm))
    assert NUMBER in numbers
    assert document.number not in numbers, "there is no interest on interest"


def test_the_same_days_are_charged_once_and_later_ones_bear_no_fixed_sum(firm: Firm) -> None:
    shown = look(firm)
    approve(firm, shown)
    assert proposed(firm)[NUMBER].ask is None
    with pytest.raises(RefusedError, match="charged or waived"):
        approve(firm, shown)
    firm.settle()
    firm.time.advance(days=10)
    firm.settle()
    with pytest.raises(RefusedError, match="look again"):
        approve(firm, shown)
    again = look(firm)
    assert (again.interest.text(), again.fixed.text()) == ("3.22", "0.00")
    approve(firm, again)
    firm.settle()
    assert sorted(issued(firm)) == [(Decimal("3.22"), False), (Decimal("73.22"), False)]


def test_what_was_paid_before_the_approval_is_not_charged_for(firm: Firm) -> None:
    shown = look(firm)
    firm.ledger.pay_by_hand(NUMBER, "1000.00", on=TODAY)  # nobody has told us yet
    with pytest.raises(RefusedError, match=NO_MORE):
        approve(firm, shown)
    firm.settle()
    assert (issued(firm), _states(firm)) == ([], [])


def _paid_on_a_page(firm: Firm) -> None:
    document = firm.document(NUMBER)
    switch_card_payments(firm.app, organisation_id=firm.id, on=True, actor="dana")
    pay_by_card(
        firm.app,
        organisation_id=firm.id,
        customer_id=document.customer_id,
        document_ids=[document.id],
        part="",
        back_to="http://127.0.0.1:8000/p/token",
    )
    (session,) = firm.stripe.checkout_sessions
    firm.stripe.complete_checkout(session)


def _contested_in_the_crm(firm: Firm) -> None:
    firm.edit_in_crm(NUMBER, Disputed__c=True, Dispute_Reason__c="wrong price")


@pytest.mark.parametrize("tell", [_paid_on_a_page, _contested_in_the_crm])
def test_what_the_processor_or_the_crm_was_told_is_read_before_the_approval(
    firm: Firm, tell: Callable[[Firm], None]
) -> None:
    tell(firm)
    firm.pending_webhooks()  # they are lost
    firm.time.advance(hours=2)  # a page that was opened holds an hour
    with pytest.raises(RefusedError, match=NO_MORE):
        approve(firm)
    assert _states(firm) == []


def test_a_part_paid_meanwhile_asks_to_look_again(firm: Firm) -> None:
    shown = look(firm)
    firm.ledger.pay_by_hand(NUMBER, "400.00", on=TODAY - timedelta(days=5))
    firm.settle()
    with pytest.raises(RefusedError, match="look again"):
        approve(firm, shown)
    assert _states(firm) == []


def test_without_the_ledger_nothing_is_approved(firm: Firm) -> None:
    shown = look(firm)
    firm.ledger.standin.interceptor = unavailable
    with pytest.raises(RefusedError, match="could not be read"):
        approve(firm, shown)
    assert _states(firm) == []


@pytest.mark.parametrize("silent", ["Stripe", "Salesforce"])
def test_while_one_who_may_know_of_a_payment_cannot_be_read_nothing_is_approved(firm: Firm, silent: str) -> None:
    standin = firm.estate.stripe if silent == "Stripe" else firm.estate.salesforce
    shown = look(firm)
    firm.time.advance(hours=2)
    standin.interceptor = unavailable
    with pytest.raises(RefusedError, match=f"{silent} could not be read just now"):
        approve(firm, shown)
    assert _states(firm) == []
    standin.interceptor = None
    approve(firm, shown)
    assert _states(firm) == ["approved"]


def test_a_lost_answer_posts_no_second_invoice(firm: Firm) -> None:
    approve(firm)
    firm.ledger.standin.interceptor = lose_answer(firm.ledger.standin)
    firm.settle()
    firm.ledger.standin.interceptor = None
    firm.work(hours=1)
    firm.settle()
    assert issued(firm) == [(Decimal("73.22"), False)]
    assert _states(firm) == ["posted"]


def test_what_is_waived_is_not_asked_for_again(firm: Firm) -> None:
    waive_charge(firm.app, **which(firm), shown=look(firm))
    assert proposed(firm)[NUMBER].ask is None
    firm.time.advance(days=10)
    firm.settle()
    assert look(firm).fixed.text() == "0.00"
    assert (issued(firm), _states(firm)) == ([], ["waived"])


@pytest.mark.parametrize("then", ["again", "waived"])
def test_what_the_ledger_refuses_waits_for_a_person(firm: Firm, then: str) -> None:
    _close_books(firm, closed=True)
    approve(firm)
    firm.settle()
    assert (issued(firm), firm.problems()) == ([], ["write_refused"])
    (charge,) = firm.rows(t.charge)
    which: dict[str, Any] = {"organisation_id": firm.id, "charge_id": charge.id, "actor": "dana"}
    _close_books(firm, closed=False)
    if then == "again":
        approve_again(firm.app, **which)
        with pytest.raises(RefusedError, match="no such charge"):
            approve_again(firm.app, **which)
        firm.settle()
        assert issued(firm) == [(Decimal("73.22"), False)]
        assert _states(firm) == ["posted"]
    else:
        give_up_charge(firm.app, **which)
        firm.settle()
        assert (issued(firm), _states(firm)) == ([], ["waived"])
    assert firm.problems() == []


def _close_books(firm: Firm, *, closed: bool) -> None:
    until = TODAY + timedelta(days=1) if closed else TODAY - timedelta(days=200)
    if isinstance(firm.ledger, XeroLedger):
        firm.ledger.books.period_lock_date = until
    elif isinstance(firm.ledger, QuickBooksLedger):
        firm.ledger.books.book_close_date = until


def test_nothing_is_charged_while_it_is_off_or_nobody_said_how_it_is_booked(firm: Firm) -> None:
    shown = look(firm)
    switch_charges(firm.app, organisation_id=firm.id, on=False, actor="dana")
    with pytest.raises(RefusedError, match="switched off"):
        approve(firm, shown)
    switch_charges(firm.app, organisation_id=firm.id, on=True, actor="dana")
    set_treatment(firm.app, organisation_id=firm.id, kind=LATE_CHARGE, account="", actor="dana")
    with pytest.raises(RefusedError, match="name the account for late charge"):
        approve(firm, shown)
    assert (_states(firm), firm.rows(t.outbox)) == ([], [])


def test_only_businesses_are_charged_and_a_person_has_the_last_word(firm: Firm) -> None:
    customers = {row.name: row.id for row in firm.rows(t.customer)}
    assert proposed(firm)["INV-1001"].ask is None
    for name, is_business in (("Acme", True), ("Quay Ltd", False)):
        note_business(
            firm.app, organisation_id=firm.id, customer_id=customers[name], is_business=is_business, actor="dana"
        )
    firm.settle()
    found = proposed(firm)
    assert (found["INV-1001"].ask is not None, found[NUMBER].ask) == (True, None)


def test_the_contract_counts_where_it_is_named(firm: Firm) -> None:
    terms: dict[str, Any] = {"contract_rate": "18", "contract_fee": "25.00", "due_days": 7}
    set_terms(firm.app, organisation_id=firm.id, actor="dana", **terms)
    shown = look(firm)
    assert (shown.interest.text(), shown.fixed.text()) == ("4.93", "25.00")
    approve(firm)
    (row,) = firm.rows(t.outbox, state=queues.NEW)
    intent = queues.read_intent(dict(row._mapping))
    assert isinstance(intent, PostCharge)
    assert intent.due_on == TODAY + timedelta(days=7)
    for wrong in ({"contract_rate": "x"}, {"contract_fee": "1.234"}, {"due_days": 0}, {"contract_rate": "-1"}):
        with pytest.raises(InputError):
            set_terms(firm.app, organisation_id=firm.id, actor="dana", **(terms | wrong))


def test_a_half_year_without_a_rate_says_so(firm: Firm) -> None:
    set_rate(firm.app, organisation_id=firm.id, since=TODAY.replace(month=1, day=1), per_cent="", actor="dana")
    found = proposed(firm)[NUMBER]
    assert found.is_unknown
    assert "the half-year that begins on 2026-01-01 is not known" in found.why_not


def test_only_payments_of_the_customers_who_are_shown_are_read(firm: Firm) -> None:
    """What others paid is no business of this page: an organisation may have a million payments."""
    firm.ledger.pay_by_hand(NUMBER, "400.00", on=TODAY - timedelta(days=5))
    firm.ledger.pay_by_hand("INV-1001", "1.00", on=TODAY)
    firm.settle()
    everything = _payments(firm)
    mine = firm.document(NUMBER).id
    with firm.app.store.read() as db:
        shown = open_documents(db, firm.id, document_ids=[mine])
        assert [each.document.number for each in shown] == [NUMBER]
    assert set(everything) == {mine, firm.document("INV-1001").id}
    assert dict(_payments(firm, shown)) == {mine: everything[mine]}


def _payments(firm: Firm, documents: list[OpenDocument] | None = None) -> dict[str, list[PastMoney]]:
    with firm.app.store.read() as db:
        organisation = connections.organisation(db, firm.id)
        assert organisation is not None
        return payments_of(db, organisation, documents)
