"""Purchase orders and notes travel between ledger and CRM; what the CRM has is looked at before it is overwritten."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from werkzeug.wrappers import Request, Response

from connectors.contract import Role
from runtime.operations.work import poll, work
from runtime.store import tables as t
from tests.operations.faults import is_write, lose_answer
from tests.operations.firm import TODAY, Firm

NUMBER, NEW = "INV-1001", "INV-1003"
SOON, LATER = TODAY + timedelta(days=10), TODAY + timedelta(days=20)


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


def _edited_before_its_first_answer(firm: Firm, meanwhile: Callable[[], object] = lambda: None) -> None:
    """A new invoice is written to the CRM, somebody there moves its date, and the answer is lost."""
    firm.invoice("Acme", NEW, "60.00")
    poll(firm.app, roles=[Role.LEDGER])

    def lose(request: Request, handle: Callable[[], Response]) -> Response:
        answer = handle()
        if not is_write(request):
            return answer
        firm.estate.salesforce.interceptor = None
        firm.edit_in_crm(NEW, Due_Date__c=LATER.isoformat())
        meanwhile()
        return Response("bad gateway", status=502)

    firm.estate.salesforce.interceptor = lose
    work(firm.app)


@pytest.mark.parametrize("is_polled", [True, False])
def test_an_edit_of_a_record_whose_first_write_was_never_answered_counts(firm: Firm, is_polled: bool) -> None:
    _edited_before_its_first_answer(firm, lambda: poll(firm.app, roles=[Role.CRM]) if is_polled else None)
    firm.settle()
    assert firm.shown(NEW)["Due_Date__c"] == LATER.isoformat()
    assert firm.document(NEW).due_on == firm.ledger.due_on(NEW) == LATER
    assert firm.rows(t.conflict) == []
    assert firm.writes_at_rest() == []


def test_two_dates_that_met_before_the_first_answer_are_a_conflict(firm: Firm) -> None:
    def moved_in_the_ledger_too() -> None:
        firm.ledger.edit_due_date(NEW, SOON)
        poll(firm.app, roles=[Role.LEDGER])

    _edited_before_its_first_answer(firm, moved_in_the_ledger_too)
    firm.settle()
    (conflict,) = firm.rows(t.conflict)
    assert (conflict.kept, conflict.lost) == (SOON.isoformat(), LATER.isoformat())
    assert firm.shown(NEW)["Due_Date__c"] == firm.ledger.due_on(NEW).isoformat() == SOON.isoformat()
    assert firm.writes_at_rest() == []


def test_what_was_never_written_is_not_looked_for(firm: Firm) -> None:
    asked: list[str] = []

    def listen(request: Request, handle: Callable[[], Response]) -> Response:
        asked.append(request.args.get("q", ""))
        return handle()

    firm.invoice("Acme", NEW, "60.00")
    poll(firm.app, roles=[Role.LEDGER])
    firm.estate.salesforce.interceptor = listen
    work(firm.app)
    assert firm.shown(NEW)
    assert [each for each in asked if each] == [], "a first load costs no call but its writes"


@pytest.mark.parametrize("is_answered", [True, False])
def test_a_record_deleted_there_is_shown_whole_when_a_payment_comes_before_the_deletion_is_known(
    firm: Firm, is_answered: bool
) -> None:
    firm.edit_in_crm(NUMBER, Disputed__c=True, Dispute_Reason__c="One crate was broken")
    firm.settle()
    before = dict(firm.shown(NUMBER))
    firm.crm.delete("TrueDue_Invoice__c", before["Id"])
    if not is_answered:
        firm.estate.salesforce.interceptor = lose_answer(firm.estate.salesforce)
    firm.ledger.pay_by_hand(NUMBER, "50.00", on=TODAY)
    poll(firm.app, roles=[Role.LEDGER])
    work(firm.app)
    poll(firm.app, roles=[Role.CRM])
    assert firm.document(NUMBER).disputed, "nobody took the dispute back"
    firm.settle()
    after = firm.shown(NUMBER)
    assert after["Id"] != before["Id"]
    shared = ("Due_Date__c", "Disputed__c", "Dispute_Reason__c")
    assert [after[name] for name in shared] == [before[name] for name in shared]
    assert after["Balance__c"] == before["Balance__c"] - 50
    assert firm.rows(t.conflict) == []
    assert firm.writes_at_rest() == []


def test_a_date_emptied_in_the_crm_is_shown_again_and_hides_nothing_else_said_there(firm: Firm) -> None:
    due_on = firm.document(NUMBER).due_on
    firm.edit_in_crm(NUMBER, Due_Date__c=None, Disputed__c=True)
    firm.settle()
    assert firm.document(NUMBER).disputed
    assert firm.document(NUMBER).due_on == firm.ledger.due_on(NUMBER) == due_on
    assert firm.shown(NUMBER)["Due_Date__c"] == due_on.isoformat()
    assert firm.rows(t.problem) == []
    assert firm.writes_at_rest() == []
