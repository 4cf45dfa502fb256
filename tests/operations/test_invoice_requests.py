"""An invoice asked for in the CRM becomes a draft in the ledger, once, and the same record then shows it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from connectors.contract import Role
from runtime.operations.systems.treatments import INCOME, set_treatment
from runtime.operations.work import poll, work
from runtime.store import queues
from runtime.store import tables as t
from sandbox.standin import Interceptor
from tests.operations.faults import is_write, lose_answer, unavailable
from tests.operations.firm import CURRENCY, TODAY, Firm, QuickBooksLedger, XeroLedger

INVOICE = "TrueDue_Invoice__c"
DUE = TODAY + timedelta(days=30)
SHOWN_BEFORE = 3  # the firm's invoices


def account_of(firm: Firm, name: str) -> str:
    (account,) = [str(each["Id"]) for each in firm.crm.records["Account"].values() if each["Name"] == name]
    return account


def opportunity(firm: Firm, stage: str, name: str = "Acme") -> str:
    account = account_of(firm, name)
    return firm.crm.create("Opportunity", Name="Doors", AccountId=account, StageName=stage, CloseDate=TODAY)


def ask(firm: Firm, name: str = "Acme", **fields: Any) -> str:  # noqa: ANN401 - any field
    """A CRM user asks for an invoice; returns the record's id."""
    said: dict[str, Any] = {
        "Account__c": account_of(firm, name),
        "Requested_Amount__c": "450.00",
        "Currency__c": CURRENCY,
        "Due_Date__c": DUE,
        "PO_Number__c": "PO-77",
        "Note__c": "call Bob first",
    }
    return firm.crm.create(INVOICE, **(said | fields))


def drafts(firm: Firm) -> list[dict[str, Any]]:
    """What the ledger has as drafts: invoices in Xero, estimates in QuickBooks."""
    if isinstance(firm.ledger, XeroLedger):
        return [each for each in firm.ledger.books.invoices.values() if each["Status"] == "DRAFT"]
    assert isinstance(firm.ledger, QuickBooksLedger)
    return list(firm.ledger.books.entities["Estimate"].values())


def record(firm: Firm, request: str) -> dict[str, Any]:
    return firm.crm.find(INVOICE, request)


def shown_once(firm: Firm, request: str) -> dict[str, Any]:
    """The request's record, which alone shows the ledger's one draft."""
    assert len(drafts(firm)) == 1
    assert len(firm.crm.records[INVOICE]) == SHOWN_BEFORE + 1, "no second record shows it"
    (document,) = firm.rows(t.document, status="draft")
    found = record(firm, request)
    assert (found["External_Id__c"], found["Status__c"]) == (document.id, "draft")
    assert firm.problems() == []
    return found


def test_a_won_opportunity_is_drafted_and_its_record_shows_the_draft(firm: Firm) -> None:
    request = ask(firm, Opportunity__c=opportunity(firm, "Closed Won"))
    firm.settle()
    found = shown_once(firm, request)
    (draft,) = drafts(firm)
    assert draft["LineItems"][0]["Description"] == "Doors"
    assert str(found["Total__c"]) in ("450", "450.00") and found["Requested_Amount__c"] == 450
    assert (found["Note__c"], found["PO_Number__c"]) == ("call Bob first", "PO-77")
    firm.settle()
    shown_once(firm, request)
    assert firm.document(str(found["Number__c"] or "")).note == "call Bob first"


def test_an_estimate_is_no_invoice_yet_and_the_record_says_so(any_firm: Firm) -> None:
    if any_firm.ledger.system != "quickbooks":
        pytest.skip("this ledger drafts invoices")
    request = ask(any_firm)
    any_firm.settle()
    any_firm.settle()
    assert len(drafts(any_firm)) == 1
    assert (record(any_firm, request)["Status__c"], record(any_firm, request)["External_Id__c"]) == ("drafted", None)
    assert any_firm.problems() == []


def test_an_opportunity_that_is_not_won_waits_until_it_is(firm: Firm) -> None:
    deal = opportunity(firm, "Negotiation")
    request = ask(firm, Opportunity__c=deal, Description__c="Two doors")
    firm.settle()
    assert drafts(firm) == [] and record(firm, request)["Status__c"] == "requested"
    firm.time.advance(hours=3)
    firm.settle()
    firm.crm.update("Opportunity", deal, StageName="Closed Won")
    firm.settle()
    shown_once(firm, request)


def test_an_account_that_is_nobodys_is_a_problem_until_it_is_linked(firm: Firm) -> None:
    stranger = firm.crm.create("Account", Name="Zebra")
    request = ask(firm, Account__c=stranger)
    firm.settle()
    firm.settle()
    assert firm.problems().count("invoice_request_waits") == 1 and drafts(firm) == []
    customer = firm.ledger.customer("Zebra", "zebra@example.com")
    firm.poll()
    firm.crm.update("Account", stranger, AccountNumber=customer)
    firm.settle()
    shown_once(firm, request)


def test_a_request_taken_back_is_asked_about_no_more(firm: Firm) -> None:
    request = ask(firm, Account__c=firm.crm.create("Account", Name="Zebra"))
    firm.settle()
    assert "invoice_request_waits" in firm.problems()
    firm.crm.delete(INVOICE, request)
    firm.settle()
    assert "invoice_request_waits" not in firm.problems()


def test_what_is_missing_is_named_and_read_again_when_it_is_there(firm: Firm) -> None:
    request = ask(firm, Currency__c=None)
    firm.settle()
    (problem,) = firm.rows(t.problem)
    assert "Currency__c is empty" in problem.text
    firm.crm.update(INVOICE, request, Currency__c=CURRENCY)
    firm.settle()
    shown_once(firm, request)


def test_two_income_accounts_are_nobodys_guess(firm: Firm) -> None:
    assert isinstance(firm.ledger, XeroLedger)
    firm.ledger.books.add_account(code="210", name="Services", type="REVENUE")
    request = ask(firm)
    firm.settle()
    (problem,) = firm.rows(t.problem)
    assert "name the account for income" in problem.text and drafts(firm) == []
    set_treatment(firm.app, organisation_id=firm.id, kind=INCOME, account="210", actor="owner")
    firm.settle()
    assert shown_once(firm, request) and drafts(firm)[0]["LineItems"][0]["AccountCode"] == "210"


def test_a_lost_answer_of_the_draft_makes_no_second_one_and_no_second_record(any_firm: Firm) -> None:
    request = ask(any_firm)
    poll(any_firm.app, roles=[Role.CRM])
    any_firm.ledger.standin.interceptor = lose_the_draft(any_firm)
    any_firm.work()
    (outbox,) = [row for row in any_firm.rows(t.outbox) if row.intent["intent"] == "draft_invoice"]
    assert (outbox.state, outbox.in_doubt) == (queues.NEW, True)
    # The draft is read, and would be shown, before anybody knows that it is the request's.
    poll(any_firm.app, roles=[Role.LEDGER])
    work(any_firm.app)
    assert len(any_firm.crm.records[INVOICE]) == SHOWN_BEFORE + 1
    any_firm.time.advance(minutes=10)
    any_firm.settle()
    if any_firm.ledger.system == "xero":
        shown_once(any_firm, request)
    assert len(drafts(any_firm)) == 1 and len(any_firm.crm.records[INVOICE]) == SHOWN_BEFORE + 1


def test_a_lost_answer_of_the_adoption_is_found(firm: Firm) -> None:
    request = ask(firm)
    poll(firm.app, roles=[Role.CRM])
    firm.estate.salesforce.interceptor = lose_answer(firm.estate.salesforce)
    firm.work()
    assert record(firm, request)["External_Id__c"], "it took effect"
    firm.time.advance(minutes=10)
    firm.settle()
    shown_once(firm, request)


def test_a_crm_that_is_down_for_long_adopts_before_it_shows(firm: Firm) -> None:
    request = ask(firm)
    poll(firm.app, roles=[Role.CRM])
    firm.estate.salesforce.interceptor = unavailable
    for _ in range(queues.MAX_ATTEMPTS + 1):
        firm.work(hours=2)
    assert "write_not_delivered" in firm.problems()
    poll(firm.app, roles=[Role.LEDGER])
    firm.estate.salesforce.interceptor = None
    firm.work(hours=2)
    assert len(firm.crm.records[INVOICE]) == SHOWN_BEFORE + 1
    firm.settle()
    firm.settle()
    assert record(firm, request)["External_Id__c"] and len(firm.crm.records[INVOICE]) == SHOWN_BEFORE + 1
    assert len(drafts(firm)) == 1 and firm.problems() == []


def test_two_workers_draft_once(firm: Firm) -> None:
    request = ask(firm)

    def worker(_: int) -> None:
        for _ in range(3):
            poll(firm.app)
            firm.work()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(worker, range(2)))
    firm.deliver_webhooks()
    firm.settle()
    shown_once(firm, request)


def test_what_people_edit_meanwhile_is_kept(firm: Firm) -> None:
    request = ask(firm)
    poll(firm.app, roles=[Role.CRM])
    firm.crm.update(INVOICE, request, Due_Date__c=DUE + timedelta(days=9), PO_Number__c="PO-78")
    firm.work()
    firm.settle()
    found = shown_once(firm, request)
    assert found["Due_Date__c"] == (DUE + timedelta(days=9)).isoformat()
    (draft,) = drafts(firm)
    assert draft["DueDate"] == DUE + timedelta(days=9)


def lose_the_draft(firm: Firm) -> Interceptor:
    """The draft is made, and the connection breaks before the ledger's answer is complete."""

    def lose(_request: Request, handle: Callable[[], Response]) -> Response:
        before = len(drafts(firm))
        answer = handle()
        if len(drafts(firm)) == before:
            return answer
        firm.ledger.standin.interceptor = None
        return Response(b"{", headers={"Content-Length": "99", "Connection": "close"})

    return lose


def refuse_writes(body: str) -> Interceptor:
    def refuse(request: Request, handle: Callable[[], Response]) -> Response:
        return Response(body, 400, content_type="application/json") if is_write(request) else handle()

    return refuse


def test_a_refused_draft_is_tried_again_only_when_the_request_changed(firm: Firm) -> None:
    request = ask(firm)
    refusal = '{"ErrorNumber": 10, "Type": "ValidationException", "Message": "no", "Elements": []}'
    firm.ledger.standin.interceptor = refuse_writes(refusal)
    firm.settle()
    firm.ledger.standin.interceptor = None
    firm.settle()
    assert firm.problems() == ["write_refused"] and drafts(firm) == []
    firm.crm.update(INVOICE, request, Requested_Amount__c="440.00")
    firm.settle()
    shown_once(firm, request)


def test_a_record_that_cannot_be_adopted_lets_the_draft_be_shown_in_its_own(firm: Firm) -> None:
    request = ask(firm)
    poll(firm.app, roles=[Role.CRM])
    firm.crm.delete(INVOICE, request)
    firm.settle()
    (document,) = firm.rows(t.document, status="draft")
    living = [each for each in firm.crm.records[INVOICE].values() if not each["IsDeleted"]]
    assert len(living) == SHOWN_BEFORE + 1 and document.id in {each["External_Id__c"] for each in living}
    assert firm.problems() == ["write_refused"], [row.text for row in firm.rows(t.problem)]
