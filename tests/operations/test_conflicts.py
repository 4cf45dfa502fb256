"""A value that lost against another system's is kept, shown, and restored or settled by a person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from receivables.problem import Problem
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.systems.conflicts import keep, restore
from runtime.operations.systems.looked_at import looked_at
from runtime.operations.systems.owners import change_owner
from runtime.operations.views.conflicts import conflicts
from runtime.operations.views.receipts import problems
from runtime.store import journal
from runtime.store import tables as t
from tests.operations.faults import is_write
from tests.operations.firm import TODAY, Firm

SOON = TODAY + timedelta(days=30)
LATER = TODAY + timedelta(days=60)
NUMBER = "INV-1001"


@pytest.fixture
def firm(stored_firm: Firm) -> Firm:
    return stored_firm


@pytest.fixture
def any_firm(any_stored_firm: Firm) -> Firm:
    return any_stored_firm


def _both_move_the_due_date(firm: Firm) -> Any:  # noqa: ANN401 - a row
    firm.edit_in_crm(NUMBER, Due_Date__c=SOON.isoformat())
    firm.ledger.edit_due_date(NUMBER, LATER)
    firm.settle()
    (conflict,) = firm.rows(t.conflict)
    assert (conflict.kept, conflict.lost) == (LATER.isoformat(), SOON.isoformat())
    return conflict


def test_a_restored_value_flows_to_both_systems_and_stays(any_firm: Firm) -> None:
    conflict = _both_move_the_due_date(any_firm)
    restore(any_firm.app, organisation_id=any_firm.id, conflict_id=conflict.id, actor="dana")
    any_firm.settle()
    assert any_firm.document(NUMBER).due_on == SOON
    assert any_firm.ledger.due_on(NUMBER) == SOON
    assert any_firm.shown(NUMBER)["Due_Date__c"] == SOON.isoformat()
    (settled,) = any_firm.rows(t.conflict)
    assert (settled.settled_by, settled.restored) == ("dana", True)
    assert [event.actor for event in any_firm.rows(t.event, action="conflict_restored")] == ["dana"]
    assert any_firm.writes_at_rest() == []


def test_a_settled_conflict_is_settled_once(firm: Firm) -> None:
    conflict = _both_move_the_due_date(firm)
    keep(firm.app, organisation_id=firm.id, conflict_id=conflict.id, actor="dana")
    for settle in (keep, restore):
        with pytest.raises(RefusedError, match="settled already"):
            settle(firm.app, organisation_id=firm.id, conflict_id=conflict.id, actor="dana")
    with pytest.raises(RefusedError, match="no such conflict"):
        keep(firm.app, organisation_id="another", conflict_id=conflict.id, actor="eve")
    assert firm.ledger.due_on(NUMBER) == LATER
    with firm.app.store.read() as db:
        assert conflicts(db, firm.id).rows == ()
        assert [each.number for each in conflicts(db, firm.id, with_settled=True).rows] == [NUMBER]


def test_what_changed_again_meanwhile_is_not_restored_over(firm: Firm) -> None:
    conflict = _both_move_the_due_date(firm)
    firm.ledger.edit_due_date(NUMBER, LATER + timedelta(days=1))
    firm.settle()
    with pytest.raises(RefusedError, match="changed again"):
        restore(firm.app, organisation_id=firm.id, conflict_id=conflict.id, actor="dana")
    assert firm.document(NUMBER).due_on == LATER + timedelta(days=1)


def test_of_several_contacts_the_one_with_the_ledgers_address_is_the_customers(unconnected: Firm) -> None:
    firm = unconnected
    sales, account = firm.contacts["Acme"], firm.crm.find("Contact", firm.contacts["Acme"])["AccountId"]
    firm.crm.update("Contact", sales, Email="sales@example.com")
    firm.crm.create("Contact", AccountId=account, LastName="Payables", Email="acme@example.com")
    firm.connect_all()
    firm.first_sync()
    assert firm.rows(t.conflict) == []
    assert {row.name: row.email for row in firm.rows(t.customer)}["Acme"] == "acme@example.com"
    firm.settle()
    assert firm.crm.find("Contact", sales)["Email"] == "sales@example.com"


def test_two_addresses_that_differ_from_the_start_agree_once_a_person_says_which(unconnected: Firm) -> None:
    firm = unconnected
    firm.crm.update("Contact", firm.contacts["Acme"], Email="crm@example.com")
    firm.connect_all()
    firm.first_sync()
    (conflict,) = firm.rows(t.conflict)
    assert (conflict.kept, conflict.lost) == ("acme@example.com", "crm@example.com")
    assert firm.crm.find("Contact", firm.contacts["Acme"])["Email"] == "crm@example.com", "left alone until then"
    keep(firm.app, organisation_id=firm.id, conflict_id=conflict.id, actor="dana")
    firm.settle()
    assert firm.crm.find("Contact", firm.contacts["Acme"])["Email"] == "acme@example.com"
    assert firm.writes_at_rest() == []


def test_what_the_ledger_owns_by_decision_is_put_back_in_the_crm_and_kept_as_a_conflict(firm: Firm) -> None:
    change_owner(firm.app, organisation_id=firm.id, field="due_on", owner="ledger", actor="dana")
    before = firm.ledger.due_on(NUMBER)
    firm.edit_in_crm(NUMBER, Due_Date__c=SOON.isoformat())
    firm.settle()
    assert firm.ledger.due_on(NUMBER) == before
    assert firm.shown(NUMBER)["Due_Date__c"] == before.isoformat()
    (conflict,) = firm.rows(t.conflict)
    assert conflict.lost == SOON.isoformat()
    assert firm.writes_at_rest() == []


@pytest.mark.parametrize(("field", "owner"), [("total", "crm"), ("number", "shared"), ("disputed", "ledger")])
def test_an_owner_that_a_field_cannot_have_is_refused_with_the_reason(firm: Firm, field: str, owner: str) -> None:
    with pytest.raises(InputError, match=field):
        change_owner(firm.app, organisation_id=firm.id, field=field, owner=owner, actor="dana")
    assert firm.rows(t.field_owner) == []


def test_who_edits_in_the_moment_of_a_write_is_told_to_look(firm: Firm) -> None:
    """Xero takes no version: what somebody enters between our reading and our write is gone over, and said."""

    def overtake(request: Request, handle: Callable[[], Response]) -> Response:
        if is_write(request) and request.path.endswith("/Invoices"):
            firm.ledger.standin.interceptor = None
            firm.time.advance(minutes=1)
            firm.ledger.edit_due_date(NUMBER, LATER)
            firm.time.advance(seconds=1)
        return handle()

    firm.edit_in_crm(NUMBER, Due_Date__c=SOON.isoformat())
    firm.ledger.standin.interceptor = overtake
    firm.settle()
    assert firm.ledger.due_on(NUMBER) == SOON
    (problem,) = firm.rows(t.problem, code="edit_overwritten")
    assert problem.subject == firm.document(NUMBER).id
    assert problem.text.startswith("xero: somebody edited it")
    with firm.app.store.read() as db:
        (row,) = problems(db, firm.id)
    assert row.is_for_a_look
    asked = {"organisation_id": firm.id, "code": "edit_overwritten", "subject": problem.subject, "actor": "dana"}
    looked_at(firm.app, **asked)
    assert firm.problems() == []
    assert [(event.actor, event.subject) for event in firm.rows(t.event, action="looked_at")] == [
        ("dana", problem.subject)
    ]
    with pytest.raises(RefusedError, match="any more"):
        looked_at(firm.app, **asked)


def test_a_problem_that_something_else_settles_cannot_be_waved_off(firm: Firm) -> None:
    with firm.app.store.write() as db:
        waiting = Problem("not_posted", "It is not in the ledger.", "Post it.", "rct_1")
        journal.raise_problem(db, organisation_id=firm.id, problem=waiting, at=firm.app.clock())
    with pytest.raises(RefusedError, match="no such problem"):
        looked_at(firm.app, organisation_id=firm.id, code="not_posted", subject="rct_1", actor="dana")
    assert firm.problems() == ["not_posted"]
