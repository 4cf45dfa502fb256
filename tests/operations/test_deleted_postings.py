"""A person deletes in the ledger what we posted: the invoice is open again, we ask, and nothing is posted by itself."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote

import pytest
from werkzeug import Request, Response

from connectors.contract import Role
from connectors.records import Kind, Page, PaymentFields, PaymentLine, Record
from receivables.money import Money
from runtime.operations.matching.decide import confirm, reject, undo
from runtime.operations.matching.match import match_receipts
from runtime.operations.matching.open_items import open_documents
from runtime.operations.reminding.facts import being_written
from runtime.operations.reminding.remind import remind_organisation
from runtime.operations.systems.absorb.page import absorb
from runtime.operations.systems.deliver import deliver_outbox
from runtime.operations.systems.disconnect import disconnect
from runtime.operations.systems.pull import pull
from runtime.store import tables as t
from tests.operations.copied import copied_firm
from tests.operations.faults import refused
from tests.operations.firm import CURRENCY, TODAY, Firm, XeroLedger, money_in

EXACT = money_in("L1", "120.00", "ACME LTD", "INV-1001")


def delete_posting(firm: Firm, amount: str = "") -> None:
    """A person deletes the one payment (of this amount) that stands in the ledger."""
    books = firm.ledger.books  # type: ignore[attr-defined]
    standing = {each: row for each, row in books.payments.items() if row.get("Status") != "DELETED"}
    (payment_id,) = [
        each
        for each, row in standing.items()
        if not amount or Decimal(str(row.get("Amount", row.get("TotalAmt")))) == Decimal(amount)
    ]
    books.delete_payment(payment_id)
    firm.time.advance(minutes=3)


def _no_payments(request: Request, handle: Callable[[], Response]) -> Response:
    """What was paid cannot be read; invoices can."""
    asked = unquote(f"{request.path}?{request.query_string.decode()}")
    return Response("down", status=503) if "Payment" in asked else handle()


def _reminded(firm: Firm, number: str) -> bool:
    document_id = firm.document(number).id
    return any(row.document_id == document_id and row.state == "sent" for row in firm.rows(t.reminder_item))


def _open(firm: Firm) -> int:
    with firm.app.store.read() as db:
        (found,) = open_documents(db, firm.id, document_ids=[firm.document("INV-1001").id])
    return found.open_amount.minor


def test_a_deleted_posting_opens_the_invoice_asks_and_is_posted_again_only_when_confirmed(any_firm: Firm) -> None:
    any_firm.switch_sending()
    any_firm.import_lines(EXACT)
    any_firm.settle()
    delete_posting(any_firm)
    any_firm.settle()
    assert any_firm.receipt().state == "undone"
    assert _open(any_firm) == 12_000
    assert any_firm.problems() == ["posting_deleted"]
    assert any_firm.ledger.payments() == []
    remind_organisation(any_firm.app, any_firm.id)
    reminded = {row.document_id for row in any_firm.rows(t.reminder_item) if row.state == "sent"}
    assert reminded, "what is due beside it is reminded"
    assert any_firm.document("INV-1001").id not in reminded
    confirm(any_firm.app, organisation_id=any_firm.id, receipt_id=any_firm.receipt().id, actor="dana")
    any_firm.settle()
    assert any_firm.ledger.payments() == [Decimal("120.00")]
    assert any_firm.problems() == []


def test_what_a_person_books_instead_of_our_posting_is_that_money(any_firm: Firm) -> None:
    any_firm.import_lines(EXACT)
    any_firm.settle()
    delete_posting(any_firm)
    any_firm.ledger.pay_by_hand("INV-1001", "120.00", on=any_firm.time().date())
    any_firm.settle()
    assert any_firm.receipt().state == "recorded"
    assert [row.state for row in any_firm.rows(t.proposal)] == ["settled"], "nobody is asked to post it once more"
    assert any_firm.ledger.payments() == [Decimal("120.00")]
    assert _open(any_firm) == 0
    assert any_firm.problems() == []


def _replace_a_part(firm: Firm) -> None:
    """A person deletes our posting of a part and books the same money by hand: the balance is as it was."""
    firm.import_lines(money_in("L1", "50.00", "ACME LTD", "INV-1001"))
    firm.work()
    confirm(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="dana")
    firm.settle()
    delete_posting(firm)
    firm.ledger.pay_by_hand("INV-1001", "50.00", on=firm.time().date())


def test_what_is_booked_instead_is_found_before_anybody_is_asked(tmp_path: Path) -> None:
    with copied_firm(tmp_path, "quickbooks") as firm:
        _replace_a_part(firm)
        pull(firm.app, firm.connection(Role.LEDGER), kinds=(Kind.PAYMENT,))
        firm.deliver_webhooks()
        firm.work()
        assert firm.receipt().state == "recorded"


def test_what_is_booked_by_hand_while_a_person_is_asked_is_her_answer(tmp_path: Path) -> None:
    with copied_firm(tmp_path, "quickbooks") as firm:
        firm.import_lines(money_in("L1", "50.00", "ACME LTD", "INV-1001"))
        firm.work()
        firm.ledger.pay_by_hand("INV-1001", "50.00", on=firm.time().date())
        firm.deliver_webhooks()
        firm.work()
        assert firm.receipt().state == "recorded"


def test_what_was_posted_once_is_not_posted_again_before_payments_are_read(any_firm: Firm) -> None:
    firm = any_firm
    _replace_a_part(firm)
    ledger, receipt_id = firm.connection(Role.LEDGER), firm.receipt().id
    read_at = firm.app.clock()
    (posting,) = [row.external_id for row in firm.rows(t.link, local_id=receipt_id)]
    gone = Record(Kind.PAYMENT, posting, "99", read_at, None, deleted=True)  # type: ignore[arg-type]
    with firm.app.store.write() as db:
        absorb(db, connection=ledger, page=Page((gone,)), read_at=read_at)
    assert firm.receipt().state == "undone"
    confirm(firm.app, organisation_id=firm.id, receipt_id=receipt_id, actor="dana")
    firm.work()
    assert firm.receipt().state == "recorded"
    assert firm.ledger.payments() == [Decimal("50.00")]


def test_what_we_took_back_ourselves_is_no_persons_deletion(firm: Firm) -> None:
    firm.import_lines(EXACT)
    firm.settle()
    undo(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="dana")
    firm.settle()
    firm.time.advance(minutes=3)
    firm.settle()
    assert firm.problems() == []
    assert firm.receipt().state == "unidentified"


def test_a_deletion_of_an_earlier_application_leaves_the_later_one_alone(firm: Firm) -> None:
    assert isinstance(firm.ledger, XeroLedger)
    firm.import_lines(EXACT)
    firm.settle()
    delete_posting(firm)
    firm.settle()
    confirm(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="dana")
    for _ in range(2):  # the deletion is read again with each overlapping poll
        firm.settle()
        firm.time.advance(minutes=1)
    assert (firm.receipt().state, firm.receipt().applications) == ("applied", 2)
    assert firm.ledger.payments() == [Decimal("120.00")]


def test_what_paid_a_voided_invoice_is_unapplied(tmp_path: Path) -> None:
    with copied_firm(tmp_path, "quickbooks") as firm:
        firm.import_lines(EXACT)
        firm.settle()
        books = firm.ledger.books  # type: ignore[attr-defined]
        (invoice,) = [each for each, row in books.invoices.items() if row["DocNumber"] == "INV-1001"]
        books.void_invoice(invoice)
        firm.time.advance(minutes=3)
        firm.settle()
        assert firm.document("INV-1001").status == "void"
        assert (firm.receipt().state, firm.receipt().unapplied_minor) == ("applied", 12_000)
        assert [row.undone_at is None for row in firm.rows(t.allocation)] == [False]
        assert len(books.payments) == 1, "the money stays in the ledger"


def test_an_invoice_that_somebody_deletes_in_the_crm_is_shown_again_once(firm: Firm) -> None:
    firm.settle()
    firm.crm.delete("TrueDue_Invoice__c", str(firm.shown("INV-1001")["Id"]))
    firm.time.advance(minutes=3)
    firm.settle()
    shown = [each for each in firm.crm.records["TrueDue_Invoice__c"].values() if each["Number__c"] == "INV-1001"]
    assert sorted(bool(each["IsDeleted"]) for each in shown) == [False, True]
    assert firm.writes_at_rest() == []


def test_what_was_deleted_while_the_crm_was_not_connected_is_shown_again(firm: Firm) -> None:
    firm.settle()
    disconnect(firm.app, organisation_id=firm.id, role=Role.CRM, actor="owner")
    firm.crm.delete("TrueDue_Invoice__c", str(firm.shown("INV-1001")["Id"]))
    firm.time.advance(hours=3)
    firm.connect("salesforce", firm.crm.org_id)
    firm.settle()
    shown = [each for each in firm.crm.records["TrueDue_Invoice__c"].values() if each["Number__c"] == "INV-1001"]
    assert sorted(bool(each["IsDeleted"]) for each in shown) == [False, True]


def test_an_invoice_whose_posting_is_gone_is_not_asked_for_before_the_deletion_is_known(any_firm: Firm) -> None:
    firm = any_firm
    firm.switch_sending()
    firm.import_lines(EXACT)
    firm.settle()
    delete_posting(firm)
    pull(firm.app, firm.connection(Role.LEDGER), kinds=[Kind.INVOICE])
    assert firm.document("INV-1001").balance_minor == 12_000
    assert _open(firm) == 0, "what was posted for it is gone, the money is not"
    remind_organisation(firm.app, firm.id)
    reminded = {row.document_id for row in firm.rows(t.reminder_item) if row.state == "sent"}
    assert reminded, "what is due beside it is reminded"
    assert firm.document("INV-1001").id not in reminded


@pytest.mark.parametrize("shown_in_between", [True, False])
def test_a_part_paid_by_others_hides_no_posting_that_is_gone(any_firm: Firm, shown_in_between: bool) -> None:
    firm = any_firm
    firm.switch_sending()
    firm.ledger.pay_by_hand("INV-1001", "70.00", on=TODAY)
    firm.settle()
    firm.import_lines(money_in("L1", "50.00", "ACME LTD", "INV-1001"))
    match_receipts(firm.app, firm.id)
    if firm.receipt().state != "applied":
        confirm(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="dana")
    if shown_in_between:
        firm.settle()
        assert firm.document("INV-1001").balance_minor == 0
    else:
        deliver_outbox(firm.app)
    assert sorted(firm.ledger.payments()) == [Decimal("50.00"), Decimal("70.00")]
    delete_posting(firm, "50.00")
    firm.ledger.standin.interceptor = _no_payments
    pull(firm.app, firm.connection(Role.LEDGER), kinds=[Kind.INVOICE])
    remind_organisation(firm.app, firm.id)
    assert firm.document("INV-1001").balance_minor == 5_000
    assert not _reminded(firm, "INV-1001")
    firm.ledger.standin.interceptor = None
    firm.settle()
    assert firm.problems() == ["posting_deleted"]
    remind_organisation(firm.app, firm.id)
    assert not _reminded(firm, "INV-1001"), "the money is asked about"


def test_money_that_was_applied_holds_what_it_paid_until_somebody_says_what_it_pays(any_firm: Firm) -> None:
    firm = any_firm
    firm.switch_sending()
    firm.import_lines(EXACT)
    firm.settle()
    delete_posting(firm)
    for _ in range(4):
        firm.settle()
        remind_organisation(firm.app, firm.id)
        firm.time.advance(days=7)
    assert _reminded(firm, "INV-2001"), "what nobody paid is reminded"
    assert not _reminded(firm, "INV-1001"), "the money for it lies here"
    reject(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="dana")
    firm.settle()
    remind_organisation(firm.app, firm.id)
    assert _reminded(firm, "INV-1001"), "a person said that it pays something else"


def _words(firm: Firm) -> list[tuple[str, str]]:
    return [(row.word, row.said_by) for row in firm.rows(t.past_case)]


def test_a_deleted_posting_counts_against_its_match_until_it_is_booked_for_the_same(any_firm: Firm) -> None:
    any_firm.import_lines(EXACT)
    any_firm.settle()
    assert _words(any_firm) == [("applied", "matching")]
    delete_posting(any_firm)
    any_firm.poll()
    assert _words(any_firm) == [("undone", any_firm.connection(Role.LEDGER).system)]
    any_firm.ledger.pay_by_hand("INV-1001", "120.00", on=any_firm.time().date())
    any_firm.settle()
    assert _words(any_firm) == [("confirmed", "ledger")]


def test_a_posting_that_was_changed_counts_against_its_match_and_what_was_added_does_not(firm: Firm) -> None:
    firm.import_lines(EXACT)
    firm.settle()
    firm.time.advance(minutes=3)
    firm.settle()
    (paid,) = firm.rows(t.ledger_payment)
    assert paid.receipt_id == firm.receipt().id
    names = {row.local_id: row.external_id for row in firm.rows(t.link, kind="document", system=firm.ledger.system)}
    ours, other = names[firm.document("INV-1001").id], names[firm.document("INV-1002").id]
    for version, lines, word in (
        (1, [(ours, 12_000), (other, 500)], ("applied", "matching")),
        (2, [(ours, 11_500), (other, 1_000)], ("undone", firm.ledger.system)),
    ):
        firm.time.advance(minutes=1)
        amount = Money(sum(minor for _, minor in lines), CURRENCY)
        shown = tuple(PaymentLine(document, Money(minor, CURRENCY)) for document, minor in lines)
        fields = PaymentFields(None, paid.received_on, amount, paid.reference, shown, Money(0, CURRENCY))
        at = firm.app.clock()
        record = Record(Kind.PAYMENT, paid.external_id, str(version), at, fields)
        with firm.app.store.write() as db:
            absorb(db, connection=firm.connection(Role.LEDGER), page=Page((record,)), read_at=at)
        assert _words(firm) == [word]


def test_what_a_person_took_back_where_it_was_refused_to_us_is_asked_of_nobody_and_holds_nothing(
    any_firm: Firm,
) -> None:
    firm = any_firm
    firm.import_lines(money_in("L1", "60.00", "ACME LTD", "INV-1001"))
    firm.work()
    confirm(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="dana")
    firm.settle()
    firm.ledger.standin.interceptor = refused
    undo(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="dana")
    firm.work()
    assert firm.problems() == ["write_refused"]
    assert _waits(firm)
    firm.ledger.standin.interceptor = None
    delete_posting(firm, "60.00")
    firm.settle()
    assert firm.problems() == []
    assert not _waits(firm)
    assert firm.ledger.balance("INV-1001") == 120


def _waits(firm: Firm) -> bool:
    """Whether nothing is asked for, because what still stands in the ledger is to be taken off it."""
    with firm.app.store.read() as db:
        return being_written(db, firm.id, firm.app.clock()) == {firm.document("INV-1001").id}
