"""Purchase orders and notes travel between ledger and CRM; what the CRM has is looked at before it is overwritten."""

from __future__ import annotations

from connectors.contract import Role
from runtime.operations.work import poll, work
from runtime.store import tables as t
from tests.operations.firm import TODAY, Firm

NUMBER = "INV-1001"


def test_an_order_number_and_a_note_of_the_crm_reach_the_ledger_once(firm: Firm) -> None:
    firm.edit_in_crm(NUMBER, PO_Number__c="PO 77", Note__c="Ask for Mr Reed")
    firm.settle()
    document = firm.document(NUMBER)
    assert (document.purchase_order, document.note) == ("PO 77", "Ask for Mr Reed")
    assert firm.ledger.books.invoices[firm.ledger.ids[NUMBER]]["Reference"] == "PO 77"  # type: ignore[attr-defined]
    told = [row for row in firm.rows(t.outbox) if row.intent["intent"] == "note_document"]
    assert [(row.state, row.intent["text"]) for row in told] == [("done", "Ask for Mr Reed")]
    assert firm.writes_at_rest() == []
    assert firm.rows(t.conflict) == []


def test_an_order_number_cleared_in_the_crm_is_cleared_in_the_ledger(firm: Firm) -> None:
    firm.edit_in_crm(NUMBER, PO_Number__c="PO 77")
    firm.settle()
    firm.edit_in_crm(NUMBER, PO_Number__c=None)
    firm.settle()
    assert firm.document(NUMBER).purchase_order is None
    assert not firm.ledger.books.invoices[firm.ledger.ids[NUMBER]]["Reference"]  # type: ignore[attr-defined]
    assert firm.writes_at_rest() == []


def test_an_edit_in_the_crm_that_nobody_here_has_seen_is_kept_when_the_ledgers_goes_there(firm: Firm) -> None:
    firm.ledger.edit_due_date(NUMBER, TODAY.replace(day=28))
    poll(firm.app, roles=[Role.LEDGER])
    firm.edit_in_crm(NUMBER, Due_Date__c=TODAY.replace(day=20).isoformat())
    firm.time.advance(seconds=2)
    work(firm.app)
    assert firm.shown(NUMBER)["Due_Date__c"] == TODAY.replace(day=28).isoformat()
    (conflict,) = firm.rows(t.conflict)
    assert conflict.lost == TODAY.replace(day=20).isoformat()
