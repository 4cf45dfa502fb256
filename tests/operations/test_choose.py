"""A person chooses the invoices that a receipt pays: applied once, like any decision, and taken back as a whole."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from runtime.operations.errors import InputError, RefusedError, SaidError
from runtime.operations.matching import decide
from runtime.operations.matching.choose import MAX_CHOSEN, choose
from runtime.operations.matching.match import match_receipts
from runtime.operations.matching.reconsider import SLIP, reconsider
from runtime.operations.reminding.plan import plan_reminders
from runtime.store import tables as t
from tests.operations.firm import Firm, money_in
from tests.operations.test_deleted_postings import delete_posting

ACTOR = "dana@example.com"
NOBODY = money_in("B-1", "150.00", "A PERSON", "thank you")  # fits nothing
BOLTS = money_in("B-1", "300.00", "Bolt and Sons", "thank you")  # fits INV-2001
STRANGERS = money_in("B-2", "300.00", "A PERSON", "thanks")


def _choose(firm: Firm, actor: str = ACTOR, /, **amounts: str) -> None:
    """Choose for the one receipt of a firm; invoices are named by the digits of their number."""
    by_id = {firm.document(f"INV-{name[1:]}").id: text for name, text in amounts.items()}
    choose(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, amounts=by_id, actor=actor)


def _decision(firm: Firm) -> dict[str, str]:
    return {"organisation_id": firm.id, "receipt_id": firm.receipt().id, "actor": ACTOR}


def _balances(firm: Firm) -> list[int]:
    return [int(firm.ledger.balance(number) * 100) for number in ("INV-1001", "INV-1002", "INV-2001")]


def _proposal(firm: Firm) -> Any:  # noqa: ANN401 - a row
    (row,) = firm.rows(t.proposal)
    return row


def _everything(firm: Firm) -> Mapping[str, list[Any]]:
    return {table.name: firm.rows(table) for table in t.metadata.sorted_tables}


@pytest.fixture
def found_nothing(any_firm: Firm) -> Firm:
    any_firm.import_lines(NOBODY)
    any_firm.work()
    assert any_firm.receipt().state == "unidentified"
    return any_firm


@pytest.fixture
def asked(any_firm: Firm) -> Firm:
    """A firm that is asked about one receipt, which fits an invoice of a payer it does not name."""
    any_firm.import_lines(BOLTS)
    any_firm.work()
    assert _proposal(any_firm).body["best"]["allocations"]
    return any_firm


def test_where_nothing_was_found_a_part_of_one_and_the_rest_for_another_are_posted_once(found_nothing: Firm) -> None:
    firm = found_nothing
    _choose(firm, _1001="100.00", _1002="")
    firm.settle()
    assert _balances(firm) == [20_00, 25_50, 300_00]
    assert sum(firm.ledger.payments()) == Decimal("150.00")
    assert (firm.receipt().state, firm.receipt().unapplied_minor) == ("applied", 0)
    assert Decimal(str(firm.shown("INV-1001")["Balance__c"])) == 20
    proposal = _proposal(firm)
    assert (proposal.state, proposal.decided_by, proposal.plausible) == ("confirmed", ACTOR, [])
    assert proposal.body["reasons"] == [f"Chosen by {ACTOR}."]
    applied = firm.rows(t.event, action="payment_applied")
    assert [(each.actor, each.subject) for each in applied] == [
        (ACTOR, firm.document(number).id) for number in ("INV-1001", "INV-1002")
    ]
    assert all("(chosen)" in each.detail for each in applied)
    assert firm.problems() == []
    assert firm.writes_at_rest() == []


def test_what_is_left_is_the_customers_credit(found_nothing: Firm) -> None:
    _choose(found_nothing, _1002="")
    found_nothing.settle()
    assert _balances(found_nothing) == [120_00, 0, 300_00]
    assert found_nothing.receipt().unapplied_minor == 74_50
    assert found_nothing.receipt().customer_id == found_nothing.document("INV-1002").customer_id
    assert found_nothing.problems() == []


def test_undoing_opens_everything_again_and_the_choice_is_not_proposed(found_nothing: Firm) -> None:
    firm = found_nothing
    _choose(firm, _1001="100.00", _1002="")
    firm.settle()
    decide.undo(firm.app, **_decision(firm))
    firm.settle()
    assert _balances(firm) == [120_00, 75_50, 300_00]
    assert firm.ledger.payments() == []
    assert Decimal(str(firm.shown("INV-1001")["Balance__c"])) == 120
    assert firm.receipt().state == "unidentified"
    assert firm.rows(t.allocation, undone_at=None) == []
    assert not _proposal(firm).body["best"]["allocations"]
    assert firm.writes_at_rest() == []
    _choose(firm, _2001="")
    firm.settle()
    assert _balances(firm) == [120_00, 75_50, 150_00], "and it can be chosen anew"


def test_a_slip_is_taken_back_to_what_was_proposed_before(asked: Firm) -> None:
    firm = asked
    before, receipt = _proposal(firm), firm.receipt()
    _choose(firm, _1001="")
    firm.settle()
    reconsider(firm.app, **_decision(firm))
    after = _proposal(firm)
    assert (after.state, after.body, after.plausible, after.decided_by) == (
        before.state,
        before.body,
        before.plausible,
        None,
    )
    firm.settle()
    assert _balances(firm) == [120_00, 75_50, 300_00]
    assert (firm.receipt().state, firm.receipt().customer_id) == (receipt.state, receipt.customer_id)
    assert _proposal(firm).body == before.body
    assert firm.rows(t.past_case) == [], "nothing is learned from a slip"
    decide.confirm(firm.app, **_decision(firm))
    firm.settle()
    assert _balances(firm) == [120_00, 75_50, 0]
    assert firm.writes_at_rest() == []


def test_a_slip_after_a_rejection_leaves_it_rejected(asked: Firm) -> None:
    firm = asked
    decide.reject(firm.app, **_decision(firm))
    match_receipts(firm.app, firm.id)
    refused = [(row.items, row.refused_by) for row in firm.rows(t.refusal)]
    _choose(firm, _1001="")
    reconsider(firm.app, **_decision(firm))
    firm.settle()
    assert firm.receipt().state == "unidentified"
    assert (_proposal(firm).state, firm.document("INV-2001").id in _proposal(firm).plausible) == ("rejected", False)
    assert [(row.items, row.refused_by) for row in firm.rows(t.refusal)] == refused
    assert [row.word for row in firm.rows(t.past_case)] == ["rejected"]


def test_after_a_rejection_another_invoice_is_chosen(asked: Firm) -> None:
    decide.reject(asked.app, **_decision(asked))
    asked.settle()
    _choose(asked, _1001="100.00", _1002="")
    asked.settle()
    assert _balances(asked) == [20_00, 0, 300_00]
    assert asked.receipt().unapplied_minor == 124_50
    asked.time.advance(seconds=SLIP.total_seconds())
    decide.undo(asked.app, **_decision(asked))
    asked.settle()
    assert _balances(asked) == [120_00, 75_50, 300_00]


def test_whoever_chooses_others_than_proposed_has_said_that_the_proposal_was_wrong(asked: Firm) -> None:
    _choose(asked, _1001="")
    assert [(row.word, row.said_by) for row in asked.rows(t.past_case)] == [("rejected", ACTOR)]


def test_whoever_chooses_what_is_proposed_confirms_it_and_takes_it_back_by_undoing(asked: Firm) -> None:
    _choose(asked, _2001="250.00")
    assert [(row.word, row.said_by) for row in asked.rows(t.past_case)] == [("confirmed", ACTOR)]
    decide.undo(asked.app, **_decision(asked))
    assert [row.word for row in asked.rows(t.past_case)] == ["undone"]


def test_invoices_of_two_customers_are_paid_where_the_ledger_books_that(asked: Firm) -> None:
    if asked.ledger.system == "quickbooks":
        with pytest.raises(RefusedError, match="QuickBooks books a payment for one customer"):
            _choose(asked, _1001="100.00", _2001="200.00")
        with asked.app.store.write() as db:  # unless one of them is the other's parent
            parent = asked.document("INV-1001").customer_id
            db.execute(update(t.customer).where(t.customer.c.name == "Bolt").values(parent_id=parent))
        _choose(asked, _1001="100.00", _2001="200.00")
        assert asked.receipt().customer_id == parent
        return
    _choose(asked, _1001="100.00", _2001="200.00")
    asked.settle()
    assert _balances(asked) == [20_00, 75_50, 100_00]
    assert asked.problems() == []
    decide.undo(asked.app, **_decision(asked))
    asked.settle()
    assert _balances(asked) == [120_00, 75_50, 300_00]


def test_whom_it_paid_for_is_known_of_the_payer_from_then_on(firm: Firm) -> None:
    firm.import_lines(NOBODY)
    firm.work()
    _choose(firm, _1001="", _1002="30.00")
    firm.settle()
    firm.import_lines(money_in("B-2", "45.50", "A PERSON", "the other one"), name="later.xml")
    firm.work()
    (second,) = (row for row in firm.rows(t.receipt) if row.amount_minor == 45_50)
    assert second.customer_id == firm.document("INV-1002").customer_id


@pytest.mark.parametrize(
    ("amounts", "error", "said"),
    [
        ({}, RefusedError, "choose at least one"),
        ({"_1001": "120.01"}, RefusedError, "INV-1001: 120.01 GBP is more than the 120.00 GBP"),
        ({"_1001": "100.00", "_1002": "50.01"}, RefusedError, "come to 150.01 GBP, and the money is 150.00 GBP"),
        ({"_1001": "0"}, RefusedError, "above zero"),
        ({"_1001": "-1"}, RefusedError, "above zero"),
        ({"_1001": "a lot"}, InputError, "INV-1001: write the amount in numbers"),
        ({"_2001": "", "_1001": ""}, RefusedError, "nothing of the money is left for INV-1001"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line_and_changes_nothing(
    firm: Firm, amounts: dict[str, str], error: type[SaidError], said: str
) -> None:
    firm.import_lines(NOBODY)
    firm.work()
    before = _everything(firm)
    with pytest.raises(error, match=said):
        _choose(firm, **amounts)
    assert _everything(firm) == before


def test_only_open_invoices_of_the_organisation_are_chosen(firm: Firm) -> None:
    firm.import_lines(NOBODY)
    firm.work()
    before = _everything(firm)
    decision = {"organisation_id": firm.id, "receipt_id": firm.receipt().id, "actor": ACTOR}
    with pytest.raises(RefusedError, match="not open any more"):
        choose(firm.app, **decision, amounts={"another-organisations": "1.00"})
    with pytest.raises(InputError, match="at most"):
        choose(firm.app, **decision, amounts={str(at): "" for at in range(MAX_CHOSEN + 1)})
    invoice = firm.document("INV-1001").id
    for change in ({"status": "void"}, {"kind": "credit_note"}):
        with firm.app.store.write() as db:
            db.execute(update(t.document).where(t.document.c.number == "INV-1001").values(**change))
        with pytest.raises(RefusedError, match="not open any more"):
            choose(firm.app, **decision, amounts={invoice: ""})
        with firm.app.store.write() as db:
            db.execute(update(t.document).where(t.document.c.id == invoice).values(status="open", kind="invoice"))
    with pytest.raises(RefusedError, match="no such receipt"):
        choose(firm.app, **decision | {"organisation_id": "org-other"}, amounts={})
    assert _everything(firm) == before


def test_an_invoice_in_another_currency_is_refused(firm: Firm) -> None:
    firm.import_lines(NOBODY)
    firm.work()
    with firm.app.store.write() as db:
        db.execute(update(t.document).where(t.document.c.number == "INV-1001").values(currency="USD"))
    with pytest.raises(RefusedError, match="INV-1001 is in USD, and the money in GBP"):
        _choose(firm, _1001="")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"state": "new"}, "being matched"),
        ({"state": "awaited"}, "another app"),
        ({"state": "applied"}, "take that back"),
        ({"state": "recorded"}, "recorded in the ledger"),
        ({"state": "coded"}, "booked to an account"),
        ({"state": "payout"}, "payout"),
        ({"state": "returned"}, "waits for no decision"),
        ({"state": "undone"}, None),
        ({"status": "in_flight"}, "in flight: it pays nothing"),
        ({"status": "reversed"}, "reversed: it pays nothing"),
        ({"refunded_minor": 1}, "refunded in part"),
        ({"dispute": "open"}, "charged back"),
        ({"dispute": "lost"}, "charged back"),
    ],
)
def test_money_that_waits_for_no_decision_is_not_chosen_for(
    firm: Firm, values: dict[str, Any], said: str | None
) -> None:
    firm.import_lines(NOBODY)
    firm.work()
    with firm.app.store.write() as db:
        db.execute(update(t.receipt).values(**values))
    before = _everything(firm)
    if said is None:
        _choose(firm, _1001="")
        assert firm.receipt().state == "applied"
        return
    with pytest.raises(RefusedError, match=said):
        _choose(firm, _1001="")
    assert _everything(firm) == before


def test_the_same_form_sent_twice_applies_once(found_nothing: Firm) -> None:
    _choose(found_nothing, _1001="")
    with pytest.raises(RefusedError, match="pays something already"):
        _choose(found_nothing, _1001="")
    found_nothing.settle()
    with pytest.raises(RefusedError, match="pays something already"):
        _choose(found_nothing, _1001="")
    assert found_nothing.rows(t.allocation) == found_nothing.rows(t.allocation, undone_at=None)
    assert _balances(found_nothing) == [0, 75_50, 300_00]
    assert len(found_nothing.ledger.payments()) == 1
    assert found_nothing.writes_at_rest() == []


def test_of_two_people_at_once_one_applies_it(stored_firm: Firm) -> None:
    stored_firm.import_lines(NOBODY)
    stored_firm.work()
    together = threading.Barrier(2, timeout=10)

    def at_once(actor: str) -> str:
        together.wait()
        try:
            _choose(stored_firm, actor, _1001="") if actor == "one" else _choose(stored_firm, actor, _1002="")
        except RefusedError as error:
            return str(error)
        return "applied"

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(at_once, ("one", "two")))
    assert answers[0] == "applied" and "pays something already" in answers[1]
    stored_firm.settle()
    assert len(stored_firm.rows(t.allocation)) == len(stored_firm.ledger.payments()) == 1


def test_an_invoice_that_was_paid_meanwhile_is_not_paid_twice(firm: Firm) -> None:
    firm.import_lines(NOBODY)
    firm.import_lines(STRANGERS, name="more.xml")
    firm.work()
    first, second = sorted(row.id for row in firm.rows(t.receipt))
    invoice = {firm.document("INV-1001").id: ""}
    choose(firm.app, organisation_id=firm.id, receipt_id=first, amounts=invoice, actor="one")
    with pytest.raises(RefusedError, match="INV-1001 is not open any more"):
        choose(firm.app, organisation_id=firm.id, receipt_id=second, amounts=invoice, actor="two")
    firm.settle()
    assert firm.ledger.balance("INV-1001") == 0
    with pytest.raises(RefusedError, match="not open any more"):
        choose(firm.app, organisation_id=firm.id, receipt_id=second, amounts=invoice, actor="two")


def test_what_was_held_by_the_proposal_is_free_and_reminders_of_what_is_paid_are_withdrawn(firm: Firm) -> None:
    firm.import_lines(BOLTS)
    firm.work()
    plan_reminders(firm.app, firm.id)
    planned = {row.document_id for row in firm.rows(t.reminder_item, state="planned")}
    acme, bolt = firm.document("INV-1002").id, firm.document("INV-2001").id
    assert acme in planned and bolt not in planned, "money that may pay it holds it"
    _choose(firm, _1002="", _1001="")
    withdrawn = firm.rows(t.reminder_item, document_id=acme)
    assert {row.state for row in withdrawn} == {"withdrawn"}
    plan_reminders(firm.app, firm.id)
    assert bolt in {row.document_id for row in firm.rows(t.reminder_item, state="planned")}
    decide.undo(firm.app, **_decision(firm))
    firm.settle()
    plan_reminders(firm.app, firm.id)
    assert acme in {row.document_id for row in firm.rows(t.reminder_item, state="planned")}


def test_a_posting_that_is_deleted_in_the_ledger_asks_about_the_choice_again(any_firm: Firm) -> None:
    any_firm.import_lines(NOBODY)
    any_firm.work()
    _choose(any_firm, _1001="")
    any_firm.settle()
    delete_posting(any_firm)
    any_firm.settle()
    proposal = _proposal(any_firm)
    assert (proposal.state, proposal.body["reasons"]) == ("pending", [f"Chosen by {ACTOR}."])
    assert any_firm.ledger.balance("INV-1001") == 120
    decide.confirm(any_firm.app, **_decision(any_firm))
    any_firm.settle()
    assert any_firm.ledger.balance("INV-1001") == 0


def test_of_money_whose_bank_kept_a_charge_the_invoice_gets_what_the_payer_paid(any_firm: Firm) -> None:
    any_firm.import_lines(replace(NOBODY, amount=Decimal("97.00"), gross=Decimal("100.00"), fee=Decimal("3.00")))
    any_firm.work()
    _choose(any_firm, _1001="")
    any_firm.settle()
    assert any_firm.ledger.balance("INV-1001") == 20
    (fee,) = any_firm.rows(t.residual)
    assert (fee.kind, fee.amount_minor) == ("processor_fee", 3_00)
    assert any_firm.problems() == []
