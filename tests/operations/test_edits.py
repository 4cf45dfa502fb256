"""Edits travel both ways, nobody's is lost, and a quiet system writes nothing."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from connectors.contract import Role
from runtime.operations.work import poll
from runtime.store import queues
from runtime.store import tables as t
from tests.operations.firm import TODAY, Firm

SOON = TODAY + timedelta(days=30)
LATER = TODAY + timedelta(days=60)


def _agree(firm: Firm, number: str, on: date) -> None:
    """Ledger, CRM and we have the same due date, and nothing more is written about it."""
    assert firm.document(number).due_on == on
    assert firm.ledger.due_on(number) == on
    assert firm.shown(number)["Due_Date__c"] == on.isoformat()
    assert firm.writes_at_rest() == []


def test_a_due_date_moved_in_the_crm_reaches_the_ledger(any_firm: Firm) -> None:
    any_firm.edit_in_crm("INV-1001", Due_Date__c=SOON.isoformat())
    any_firm.settle()
    _agree(any_firm, "INV-1001", SOON)
    assert any_firm.rows(t.conflict) == []


def test_a_due_date_moved_in_the_ledger_reaches_the_crm(any_firm: Firm) -> None:
    any_firm.ledger.edit_due_date("INV-1001", SOON)
    any_firm.settle()
    _agree(any_firm, "INV-1001", SOON)
    assert any_firm.rows(t.conflict) == []


def test_back_and_forth_each_edit_counts(any_firm: Firm) -> None:
    before = any_firm.ledger.due_on("INV-1001")
    for on in (SOON, before, SOON):
        any_firm.edit_in_crm("INV-1001", Due_Date__c=on.isoformat())
        any_firm.settle()
        assert any_firm.ledger.due_on("INV-1001") == on
    any_firm.ledger.edit_due_date("INV-1001", before)
    any_firm.settle()
    _agree(any_firm, "INV-1001", before)
    assert any_firm.rows(t.conflict) == []


def test_an_address_corrected_in_the_crm_reaches_the_ledger(any_firm: Firm) -> None:
    any_firm.crm.update("Contact", any_firm.contacts["Acme"], Email="new@example.com")
    any_firm.settle()
    assert any_firm.ledger.email(any_firm.customers["Acme"]) == "new@example.com"
    assert any_firm.writes_at_rest() == []


def test_an_address_corrected_in_the_ledger_reaches_the_crm(any_firm: Firm) -> None:
    any_firm.ledger.edit_email(any_firm.customers["Acme"], "new@example.com")
    any_firm.settle()
    assert any_firm.crm.find("Contact", any_firm.contacts["Acme"])["Email"] == "new@example.com"
    assert any_firm.writes_at_rest() == []


def test_an_address_cleared_in_the_ledger_is_cleared_in_the_crm(any_firm: Firm) -> None:
    any_firm.ledger.edit_email(any_firm.customers["Acme"], "")
    any_firm.settle()
    assert any_firm.crm.find("Contact", any_firm.contacts["Acme"])["Email"] is None
    assert [row.email for row in any_firm.rows(t.customer, name="Acme")] == [None]
    assert any_firm.writes_at_rest() == [] and any_firm.rows(t.conflict) == []


def test_an_address_cleared_in_the_crm_is_cleared_in_the_ledger(any_firm: Firm) -> None:
    any_firm.crm.update("Contact", any_firm.contacts["Acme"], Email=None)
    any_firm.settle()
    assert any_firm.ledger.email(any_firm.customers["Acme"]) == ""
    assert [row.email for row in any_firm.rows(t.customer, name="Acme")] == [None]
    assert any_firm.writes_at_rest() == [] and any_firm.rows(t.conflict) == []
    any_firm.ledger.edit_email(any_firm.customers["Acme"], "new@example.com")
    any_firm.settle()
    assert any_firm.crm.find("Contact", any_firm.contacts["Acme"])["Email"] == "new@example.com"


def test_both_move_a_due_date_the_ledgers_stands_and_the_other_is_kept(any_firm: Firm) -> None:
    any_firm.edit_in_crm("INV-1001", Due_Date__c=SOON.isoformat())
    any_firm.ledger.edit_due_date("INV-1001", LATER)
    any_firm.settle()
    _agree(any_firm, "INV-1001", LATER)
    (conflict,) = any_firm.rows(t.conflict)
    assert (conflict.field, conflict.kept, conflict.lost) == ("due_on", LATER.isoformat(), SOON.isoformat())
    assert conflict.local_id == any_firm.document("INV-1001").id


def test_both_correct_an_address_and_the_other_is_kept(any_firm: Firm) -> None:
    any_firm.crm.update("Contact", any_firm.contacts["Acme"], Email="crm@example.com")
    any_firm.ledger.edit_email(any_firm.customers["Acme"], "ledger@example.com")
    any_firm.settle()
    assert any_firm.ledger.email(any_firm.customers["Acme"]) == "ledger@example.com"
    assert any_firm.crm.find("Contact", any_firm.contacts["Acme"])["Email"] == "ledger@example.com"
    (conflict,) = any_firm.rows(t.conflict)
    assert (conflict.kept, conflict.lost) == ("ledger@example.com", "crm@example.com")


def test_a_write_with_a_stale_version_is_merged_again_and_both_edits_stand(any_firm: Firm) -> None:
    """Somebody moved the date in the ledger after we read it and before our own edit arrived there."""
    any_firm.edit_in_crm("INV-1001", Due_Date__c=SOON.isoformat())
    poll(any_firm.app, roles=[Role.CRM])
    any_firm.ledger.edit_due_date("INV-1001", LATER)
    any_firm.work()
    assert any_firm.ledger.due_on("INV-1001") == LATER, "an edit that nobody here has seen is never overwritten"
    states = {row.state for row in any_firm.rows(t.outbox)}
    assert queues.SUPERSEDED in states
    any_firm.settle()
    _agree(any_firm, "INV-1001", LATER)
    (conflict,) = any_firm.rows(t.conflict)
    assert conflict.lost == SOON.isoformat()


def test_a_stale_version_for_another_reason_does_not_lose_our_edit(any_firm: Firm) -> None:
    any_firm.edit_in_crm("INV-1001", Due_Date__c=SOON.isoformat())
    poll(any_firm.app, roles=[Role.CRM])
    any_firm.ledger.pay_by_hand("INV-1001", "20.00", on=TODAY)
    any_firm.work()
    any_firm.settle()
    _agree(any_firm, "INV-1001", SOON)
    assert any_firm.document("INV-1001").balance_minor == 10_000
    assert any_firm.rows(t.conflict) == []


@pytest.mark.parametrize("disputed", [True, False])
def test_a_dispute_noted_in_the_crm_is_known_here(firm: Firm, disputed: bool) -> None:
    record = str(firm.shown("INV-1001")["Id"])
    firm.crm.update("TrueDue_Invoice__c", record, Disputed__c=True, Dispute_Reason__c="Two doors were missing")
    firm.settle()
    if not disputed:
        firm.crm.update("TrueDue_Invoice__c", record, Disputed__c=False, Dispute_Reason__c=None)
        firm.settle()
    assert firm.document("INV-1001").disputed is disputed


def test_nothing_is_written_while_nothing_changes(any_firm: Firm) -> None:
    any_firm.settle()
    assert any_firm.writes_at_rest() == []
    any_firm.time.advance(hours=3)
    assert any_firm.writes_at_rest() == []
