"""From a ledger's invoice to our page of it and back: links where the owner wants them, and nobody's replaced."""

from __future__ import annotations

import pytest

from runtime.operations.errors import RefusedError
from runtime.operations.systems.link_back import LINKED_AT_ONCE, link_back, switch_links_back
from runtime.operations.systems.online_invoice import online_invoice
from runtime.operations.views.invoice import invoice
from runtime.store import connections, queues
from runtime.store import tables as t
from tests.operations.firm import PUBLIC_URL, Firm, QuickBooksLedger, XeroLedger


def _books(firm: Firm) -> dict[str, dict[str, object]]:
    assert isinstance(firm.ledger, XeroLedger)
    return {each["InvoiceNumber"]: each for each in firm.ledger.books.invoices.values()}


def _on(firm: Firm) -> None:
    switch_links_back(firm.app, organisation_id=firm.id, on=True, actor="owner")


def test_nothing_is_linked_before_it_is_switched_on(firm: Firm) -> None:
    firm.settle()
    assert not any("Url" in each for each in _books(firm).values())
    assert link_back(firm.app, firm.id) == 0


def test_open_invoices_lead_here_and_what_leads_elsewhere_stays(firm: Firm) -> None:
    assert isinstance(firm.ledger, XeroLedger)
    theirs, earlier = "https://files.example/contract.pdf", f"{PUBLIC_URL}/o/earlier/invoices/x"
    firm.ledger.books.edit_invoice(firm.ledger.ids["INV-1002"], Url=theirs)
    firm.ledger.books.edit_invoice(firm.ledger.ids["INV-2001"], Url=earlier)
    _on(firm)
    firm.settle()
    books = _books(firm)
    assert books["INV-1001"]["Url"] == f"{PUBLIC_URL}/o/{firm.id}/invoices/{firm.document('INV-1001').id}"
    assert books["INV-1002"]["Url"] == theirs
    assert books["INV-2001"]["Url"] == f"{PUBLIC_URL}/o/{firm.id}/invoices/{firm.document('INV-2001').id}"
    assert not firm.writes_at_rest()
    assert not firm.problems()


def test_an_invoice_that_was_paid_meanwhile_is_left_alone(firm: Firm) -> None:
    _on(firm)
    assert link_back(firm.app, firm.id) == 3
    firm.ledger.pay_by_hand("INV-1001", "120.00", on=firm.time().date())
    firm.settle()
    assert "Url" not in _books(firm)["INV-1001"]
    assert {row.state for row in firm.rows(t.outbox) if row.intent["intent"] == "link_document"} == {queues.DONE}


def test_what_the_ledger_refuses_bothers_nobody_and_is_not_tried_again(firm: Firm) -> None:
    assert isinstance(firm.ledger, XeroLedger)
    firm.ledger.books.period_lock_date = firm.time().date()
    _on(firm)
    firm.settle()
    assert not any("Url" in each for each in _books(firm).values())
    assert not firm.problems()
    states = [row.state for row in firm.rows(t.outbox) if row.intent["intent"] == "link_document"]
    assert states == [queues.SUPERSEDED] * 3


def test_a_large_load_is_linked_bit_by_bit(firm: Firm) -> None:
    for number in range(LINKED_AT_ONCE):
        firm.invoice("Acme", f"MANY-{number}", "10.00")
    _on(firm)
    firm.poll()
    assert len([row for row in firm.rows(t.outbox) if row.intent["intent"] == "link_document"]) == LINKED_AT_ONCE
    assert link_back(firm.app, firm.id) == 3
    assert link_back(firm.app, firm.id) == 0


def test_each_ledger_has_a_page_of_an_invoice_for_people_and_one_for_the_customer(any_firm: Firm) -> None:
    row = any_firm.document("INV-1001")
    with any_firm.app.store.read() as db:
        organisation = connections.organisation(db, any_firm.id)
        assert organisation is not None
        view = invoice(db, organisation, row.id, now=any_firm.time())
    assert view is not None
    (address,) = [each.address for each in view.places if each.system == any_firm.ledger.system]
    external_id = any_firm.ledger.ids["INV-1001"]
    wanted = {
        "xero": f"https://go.xero.com/app/!x/invoicing/view/{external_id}",
        "quickbooks": f"https://qbo.intuit.com/login?deeplinkcompanyid={any_firm.ledger.account}"
        f"&pagereq=invoice%3FtxnId%3D{external_id}",
    }
    assert address == wanted[any_firm.ledger.system]
    online = online_invoice(any_firm.app, organisation_id=any_firm.id, document_id=row.id)
    assert online.startswith(
        {"xero": "https://in.xero.com/", "quickbooks": "https://connect.intuit.com/"}[any_firm.ledger.system]
    )


def test_only_their_own_invoice_is_shown_online(firm: Firm) -> None:
    mine, theirs = firm.document("INV-1001"), firm.document("INV-2001")
    for document_id, customer_id in ((mine.id, theirs.customer_id), ("nothing", None)):
        with pytest.raises(RefusedError, match="no such invoice"):
            online_invoice(firm.app, organisation_id=firm.id, document_id=document_id, customer_id=customer_id)


def test_an_organisation_without_a_ledger_is_told_so(unconnected: Firm) -> None:
    with pytest.raises(RefusedError, match="connect one first"):
        switch_links_back(unconnected.app, organisation_id=unconnected.id, on=True, actor="owner")


def test_in_quickbooks_a_note_beside_the_invoice_says_where_our_page_is(any_firm: Firm) -> None:
    _on(any_firm)
    any_firm.settle()
    if isinstance(any_firm.ledger, QuickBooksLedger):
        page = f"{PUBLIC_URL}/o/{any_firm.id}/invoices/{any_firm.document('INV-1001').id}"
        assert any_firm.ledger.books.notes_of(any_firm.ledger.ids["INV-1001"]) == [f"In TrueDue: {page}"]
    assert not any_firm.writes_at_rest()
    assert not any_firm.problems()
