"""A payer wants no messages: somebody is told what they owe, and a person may take it back with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from runtime.operations.errors import InputError, RefusedError
from runtime.operations.reaching.opt_out import MAX_REASON_CHARS, opt_out, take_opt_out_back
from runtime.operations.reminding.plan import plan_reminders
from runtime.store import tables as t
from tests.operations.firm import Firm


def _acme(firm: Firm) -> str:
    return str(firm.document("INV-1001").customer_id)


def _wants_none(firm: Firm, customer_id: str = "") -> None:
    opt_out(firm.app, organisation_id=firm.id, customer_id=customer_id or _acme(firm), actor="customer")


def _take_back(firm: Firm, reason: str) -> None:
    take_opt_out_back(firm.app, organisation_id=firm.id, customer_id=_acme(firm), actor="dana", reason=reason)


def _tasks(firm: Firm) -> list[Any]:
    return [row for row in firm.rows(t.task, kind="opted_out") if row.closed_at is None]


def _planned(firm: Firm) -> set[str]:
    plan_reminders(firm.app, firm.id)
    numbers = {row.id: row.number for row in firm.rows(t.document)}
    return {numbers[row.document_id] for row in firm.rows(t.reminder_item, state="planned")}


def test_somebody_is_told_who_wants_no_messages_and_what_they_owe(firm: Firm) -> None:
    assert "INV-1001" in _planned(firm)
    for _ in range(2):
        _wants_none(firm)
    assert not {"INV-1001", "INV-1002"} & _planned(firm)
    (task,) = _tasks(firm)
    assert (task.subject, task.customer_id) == (_acme(firm), _acme(firm))
    mine = [row for row in firm.rows(t.document, customer_id=_acme(firm)) if row.status == "open"]
    owed = sum(row.balance_minor for row in mine)
    assert f"and owes {owed // 100}.{owed % 100:02} GBP: no reminder" in task.text


def test_who_owes_nothing_is_told_too_and_without_an_amount(firm: Firm) -> None:
    for row in firm.rows(t.document, customer_id=_acme(firm)):
        firm.ledger.pay_by_hand(row.number, str(row.balance_minor / 100), on=row.due_on)
    firm.settle()
    _wants_none(firm)
    (task,) = _tasks(firm)
    assert "owes nothing now" in task.text


def test_a_person_takes_it_back_with_a_reason_that_is_kept(firm: Firm) -> None:
    _wants_none(firm)
    _take_back(firm, "  They rang on 10 March and asked for it  ")
    assert _tasks(firm) == []
    assert "INV-1001" in _planned(firm)
    (told,) = firm.rows(t.event, action="opt_out_taken_back")
    assert (told.actor, told.subject) == ("dana", _acme(firm))
    assert told.detail == "they may be written to again: They rang on 10 March and asked for it"
    assert len(firm.rows(t.event, action="opted_out")) == 1, "what they had said stays provable"
    with pytest.raises(RefusedError, match="taken back already"):
        _take_back(firm, "again")


@pytest.mark.parametrize("reason", ["", "   ", "x" * (MAX_REASON_CHARS + 1)])
def test_without_a_reason_it_stands(firm: Firm, reason: str) -> None:
    _wants_none(firm)
    with pytest.raises(InputError, match="say why"):
        _take_back(firm, reason)
    assert not {"INV-1001", "INV-1002"} & _planned(firm)
    assert len(_tasks(firm)) == 1
