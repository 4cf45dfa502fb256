"""A decision that was a slip is taken back as if nothing had been said."""

from __future__ import annotations

import pytest

from runtime.operations.errors import RefusedError
from runtime.operations.matching import decide
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
