"""A decision that was a slip is taken back as if nothing had been said."""

from __future__ import annotations

import pytest

from runtime.operations.errors import RefusedError
from runtime.operations.matching import decide
from runtime.operations.matching.match import match_receipts
from runtime.operations.matching.reconsider import SLIP, reconsider
from runtime.store import tables as t
from tests.operations.firm import Firm, money_in

ACTOR = "accountant"


@pytest.fixture
def asked(any_firm: Firm) -> Firm:
    """A firm that is asked about one receipt, which fits an invoice of a payer it does not name."""
    any_firm.import_lines(money_in("B-1", "300.00", "Bolt and Sons", "thank you"))
    any_firm.work()
    (row,) = any_firm.rows(t.proposal)
    assert row.state == "pending" and row.body["best"]["allocations"]
    return any_firm


def _receipt(firm: Firm) -> dict[str, str]:
    return {"organisation_id": firm.id, "receipt_id": firm.receipt().id, "actor": ACTOR}


def _state(firm: Firm) -> tuple[str, list[str], list[str]]:
    (proposal,) = firm.rows(t.proposal)
    words = [row.word for row in firm.rows(t.past_case)]
    return proposal.state, proposal.plausible, words


def test_what_was_confirmed_waits_again_and_the_ledger_is_as_it_was(asked: Firm) -> None:
    before = _state(asked)
    decide.confirm(asked.app, **_receipt(asked))
    asked.settle()
    assert asked.ledger.balance("INV-2001") == 0
    reconsider(asked.app, **_receipt(asked))
    asked.settle()
    assert asked.ledger.balance("INV-2001") == 300
    assert _state(asked) == before
    decide.confirm(asked.app, **_receipt(asked))
    asked.settle()
    assert asked.ledger.balance("INV-2001") == 0
    assert asked.writes_at_rest() == []


def test_what_was_rejected_waits_again_and_is_no_refusal(asked: Firm) -> None:
    before = _state(asked)
    decide.reject(asked.app, **_receipt(asked))
    assert asked.rows(t.refusal)
    reconsider(asked.app, **_receipt(asked))
    asked.settle()
    assert not asked.rows(t.refusal)
    assert _state(asked) == before
    decide.confirm(asked.app, **_receipt(asked))
    asked.settle()
    assert asked.ledger.balance("INV-2001") == 0


def test_it_is_no_slip_after_an_hour_and_not_twice(asked: Firm) -> None:
    with pytest.raises(RefusedError):
        reconsider(asked.app, **_receipt(asked))
    decide.confirm(asked.app, **_receipt(asked))
    reconsider(asked.app, **_receipt(asked))
    with pytest.raises(RefusedError):
        reconsider(asked.app, **_receipt(asked))
    asked.settle()
    decide.confirm(asked.app, **_receipt(asked))
    asked.time.advance(seconds=SLIP.total_seconds())
    with pytest.raises(RefusedError, match="receipts page"):
        reconsider(asked.app, **_receipt(asked))


def test_another_organisation_takes_nothing_back(asked: Firm) -> None:
    decide.confirm(asked.app, **_receipt(asked))
    with pytest.raises(RefusedError):
        reconsider(asked.app, **_receipt(asked) | {"organisation_id": "org-other"})
    assert asked.receipt().state == "applied"


@pytest.fixture
def asked_of_two(firm: Firm) -> Firm:
    """A firm that is asked about money that two invoices of one payer are open for."""
    firm.invoice("Bolt", "INV-2002", "300.00", late=2)
    firm.poll()
    firm.import_lines(money_in("B-1", "300.00", "Bolt and Sons", "thank you"))
    firm.work()
    return firm


def _asked_about(firm: Firm) -> list[str]:
    (proposal,) = firm.rows(t.proposal, state="pending")
    numbers = {row.id: row.number for row in firm.rows(t.document)}
    return [numbers[each["item_id"]] for each in proposal.body["best"]["allocations"]]


def test_after_a_rejection_the_next_best_is_asked_about_and_held(asked_of_two: Firm) -> None:
    firm = asked_of_two
    assert _asked_about(firm) == ["INV-2001"]
    decide.reject(firm.app, **_receipt(firm))
    match_receipts(firm.app, firm.id)
    assert _asked_about(firm) == ["INV-2002"]
    (proposal,) = firm.rows(t.proposal)
    assert proposal.plausible == [firm.document("INV-2002").id], "the other one is free of this money"
    decide.reject(firm.app, **_receipt(firm))
    match_receipts(firm.app, firm.id)
    (proposal,) = firm.rows(t.proposal)
    assert (proposal.state, proposal.plausible, firm.receipt().state) == ("rejected", [], "unidentified")


def test_a_rejection_is_taken_back_also_when_the_next_best_waits(asked_of_two: Firm) -> None:
    firm = asked_of_two
    decide.reject(firm.app, **_receipt(firm))
    match_receipts(firm.app, firm.id)
    reconsider(firm.app, **_receipt(firm))
    match_receipts(firm.app, firm.id)
    assert _asked_about(firm) == ["INV-2001"]
    assert firm.rows(t.refusal) == firm.rows(t.past_case) == []
    with pytest.raises(RefusedError, match="lately"):
        reconsider(firm.app, **_receipt(firm))


def test_a_payment_that_was_refused_for_an_invoice_does_not_keep_another_from_it(firm: Firm) -> None:
    """It would claim the invoice for ever, and money that truly pays it would be taken for something else."""
    firm.import_lines(money_in("B-1", "300.00", "Bolt", "INV-2001"))
    firm.work()
    decide.undo(firm.app, **_receipt(firm))
    firm.settle()
    firm.import_lines(money_in("B-2", "300.00", "Bolt", "thank you"), name="later.xml")
    firm.work()
    (waiting,) = firm.rows(t.proposal, state="pending")
    assert _asked_about(firm) == ["INV-2001"]
    assert waiting.plausible == [firm.document("INV-2001").id]


def test_money_of_which_a_person_said_that_it_is_something_else_still_holds_what_it_may_pay(firm: Firm) -> None:
    firm.import_lines(money_in("B-1", "300.00", "Bolt", "INV-2001"))
    firm.work()
    (applied,) = firm.rows(t.receipt)
    firm.import_lines(money_in("B-2", "300.00", "Bolt", "thank you"), name="later.xml")
    firm.work()
    (second,) = firm.rows(t.proposal, state="pending")
    assert second.body["best"]["allocations"] == []
    decide.reject(firm.app, organisation_id=firm.id, receipt_id=second.receipt_id, actor=ACTOR)
    match_receipts(firm.app, firm.id)
    assert firm.rows(t.proposal, state="pending") == [], "it was said already that it is not paid twice"
    decide.undo(firm.app, organisation_id=firm.id, receipt_id=applied.id, actor=ACTOR)
    firm.settle()
    match_receipts(firm.app, firm.id)
    (second,) = firm.rows(t.proposal, state="pending")
    assert second.plausible == [firm.document("INV-2001").id]
