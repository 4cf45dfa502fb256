"""What closes an item beside the cash: booked as the settings say, with the cash, and taken back with it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from connectors.errors import Reject
from connectors.intents import AllocateCredit, Done, PostReceipt, UndoPosting, WriteDown
from receivables.money import Money
from runtime.operations.applying.write_off import offer, write_off
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.matching.decide import confirm, undo
from runtime.operations.matching.match import match_receipts
from runtime.operations.matching.open_items import open_documents
from runtime.operations.systems.deliver import _settle
from runtime.operations.systems.treatments import set_treatment
from runtime.store import queues
from runtime.store import tables as t
from tests.operations.firm import TODAY, Firm, XeroLedger, money_in

LATE_DISCOUNT = money_in("L1", "117.60", "ACME LTD", "INV-1001")  # 2 % less, after the due date: a tax withheld


def _fees(firm: Firm) -> str:
    """An account of the ledger that a difference can be booked to."""
    (account,) = [row.handle for row in firm.rows(t.account) if row.purpose == "fees"]
    return str(account)


def _name(firm: Firm, kind: str) -> None:
    set_treatment(firm.app, organisation_id=firm.id, kind=kind, account=_fees(firm), actor="dana")


def _open(firm: Firm, number: str) -> int:
    with firm.app.store.read() as db:
        (found,) = open_documents(db, firm.id, document_ids=[firm.document(number).id])
    return found.open_amount.minor


def _intents(firm: Firm) -> list[tuple[str, str]]:
    return [(row.intent["intent"], row.state) for row in firm.rows(t.outbox)]


def _confirm(firm: Firm) -> None:
    confirm(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="dana")


def _answer(firm: Firm, *outcomes: Done | Reject) -> None:
    """The ledger answers the postings that wait, in their order."""
    rows = [dict(row._mapping) for row in firm.rows(t.outbox, state=queues.NEW)]
    with firm.app.store.write() as db:
        queues.mark_in_doubt(db, [row["id"] for row in rows])
    _settle(firm.app, None, rows, outcomes)


def test_without_a_treatment_a_person_is_told_what_to_name(firm: Firm) -> None:
    firm.import_lines(LATE_DISCOUNT)
    firm.work()
    with pytest.raises(RefusedError, match="name the account for withholding in the settings"):
        _confirm(firm)
    assert firm.rows(t.allocation) == []


@pytest.mark.parametrize(("kind", "account"), [("charity", ""), ("discount", "no-such")])
def test_a_treatment_names_a_known_kind_and_an_account_of_the_ledger(firm: Firm, kind: str, account: str) -> None:
    with pytest.raises(InputError):
        set_treatment(firm.app, organisation_id=firm.id, kind=kind, account=account or _fees(firm), actor="dana")


def test_the_cash_and_the_write_down_close_the_invoice_and_are_taken_back_together(any_firm: Firm) -> None:
    _name(any_firm, "withholding")
    any_firm.import_lines(LATE_DISCOUNT)
    any_firm.work()
    if any_firm.receipt().state != "applied":
        _confirm(any_firm)
    any_firm.settle()
    assert any_firm.problems() == []
    assert any_firm.ledger.balance("INV-1001") == 0
    assert _open(any_firm, "INV-1001") == 0
    assert sorted(_intents(any_firm)) == [("post_receipt", "done"), ("write_down", "done")]
    undo(any_firm.app, organisation_id=any_firm.id, receipt_id=any_firm.receipt().id, actor="dana")
    any_firm.settle()
    any_firm.settle()
    assert any_firm.problems() == []
    assert any_firm.ledger.balance("INV-1001") == Decimal("120.00")
    assert _open(any_firm, "INV-1001") == 12_000


def test_one_part_that_is_refused_takes_all_others_back(firm: Firm) -> None:
    _name(firm, "withholding")
    firm.import_lines(LATE_DISCOUNT)
    match_receipts(firm.app, firm.id)
    _confirm(firm)
    assert _open(firm, "INV-1001") == 0, "what is promised counts, though the ledger shows nothing of it yet"
    _answer(firm, Done(("cash",)), Reject("the period is locked", remedy="Unlock it, then confirm again."))
    assert firm.receipt().state == "undone"
    assert _open(firm, "INV-1001") == 12_000
    assert firm.problems() == ["write_refused"]
    (undone,) = [row for row in firm.rows(t.outbox) if row.intent["intent"] == "undo_posting"]
    assert queues.read_intent(dict(undone._mapping)) == UndoPosting(undone.key, ("cash",))
    (proposal,) = firm.rows(t.proposal)
    assert (proposal.state, proposal.plausible) == ("pending", [firm.document("INV-1001").id])


def test_a_part_whose_answer_comes_after_the_refusal_of_another_is_taken_back(firm: Firm) -> None:
    _name(firm, "withholding")
    firm.import_lines(LATE_DISCOUNT)
    match_receipts(firm.app, firm.id)
    _confirm(firm)
    _answer(firm, Reject("the period is locked"), Done(("note",)))
    (undone,) = [row for row in firm.rows(t.outbox) if row.intent["intent"] == "undo_posting"]
    assert undone.intent["external_ids"] == ["note"]
    assert all(row.undone_at is not None and row.posted_at is None for row in firm.rows(t.allocation))


def test_an_item_is_posted_only_when_all_of_its_parts_are(firm: Firm) -> None:
    _name(firm, "withholding")
    firm.import_lines(LATE_DISCOUNT)
    match_receipts(firm.app, firm.id)
    _confirm(firm)
    cash, note = (dict(row._mapping) for row in firm.rows(t.outbox))
    _settle(firm.app, None, [cash], [Done(("cash",))])
    assert [row.posted_at for row in firm.rows(t.allocation)] == [None]
    _settle(firm.app, None, [note], [Done(("note",))])
    assert all(row.posted_at is not None for row in firm.rows(t.allocation))


def test_a_credit_note_is_allocated_beside_the_cash(firm: Firm) -> None:
    assert isinstance(firm.ledger, XeroLedger)
    firm.ledger.books.add_credit_note(
        contact_id=firm.customers["Bolt"],
        number="CN-1",
        total=Decimal("60.00"),
        currency="GBP",
        issued_on=TODAY - timedelta(days=3),
    )
    firm.settle()
    firm.import_lines(money_in("L3", "240.00", "BOLT", "INV-2001 less CN-1"))
    match_receipts(firm.app, firm.id)
    if firm.receipt().state != "applied":
        _confirm(firm)
    intents = [queues.read_intent(dict(row._mapping)) for row in firm.rows(t.outbox)]
    (cash,) = [each for each in intents if isinstance(each, PostReceipt)]
    (credit,) = [each for each in intents if isinstance(each, AllocateCredit)]
    assert [line.amount for line in cash.lines] == [Money(24_000, "GBP")]
    assert [line.amount for line in credit.lines] == [Money(6_000, "GBP")]
    assert (_open(firm, "INV-2001"), _open(firm, "CN-1")) == (0, 0)
    firm.settle()
    assert firm.problems() == []
    assert firm.ledger.balance("INV-2001") == 0


def test_a_cent_too_much_stays_as_credit(firm: Firm) -> None:
    firm.import_lines(money_in("L4", "120.02", "ACME LTD", "INV-1001"))
    match_receipts(firm.app, firm.id)
    if firm.receipt().state != "applied":
        _confirm(firm)
    assert firm.receipt().unapplied_minor == 2
    (row,) = firm.rows(t.outbox)
    assert row.intent["unapplied"] == {"minor": 2, "currency": "GBP"}


def _rest(firm: Firm, number: str = "INV-1001") -> Money | None:
    with firm.app.store.read() as db:
        found = offer(db, firm.id, firm.document(number).id)
    return None if found is None else found.amount


def test_a_small_rest_is_written_off_by_a_person_and_taken_back(firm: Firm) -> None:
    firm.ledger.pay_by_hand("INV-1001", "115.00", on=TODAY)
    firm.settle()
    assert _rest(firm) == Money(500, "GBP")
    assert _rest(firm, "INV-1002") is None, "a whole invoice is no small rest"
    document = firm.document("INV-1001").id
    arguments = {"organisation_id": firm.id, "document_id": document, "actor": "dana"}
    with pytest.raises(RefusedError, match="write off in the settings"):
        write_off(firm.app, amount=Money(500, "GBP"), **arguments)
    _name(firm, "write_off")
    with pytest.raises(RefusedError, match=r"5\.00 GBP is open now"):
        write_off(firm.app, amount=Money(400, "GBP"), **arguments)
    write_off(firm.app, amount=Money(500, "GBP"), **arguments)
    assert _open(firm, "INV-1001") == 0
    (row,) = firm.rows(t.outbox, state=queues.NEW)
    posted = queues.read_intent(dict(row._mapping))
    assert isinstance(posted, WriteDown)
    assert (posted.amount, posted.reason, posted.account) == (Money(500, "GBP"), "write_off", _fees(firm))
    (receipt,) = firm.rows(t.receipt)
    undo(firm.app, organisation_id=firm.id, receipt_id=receipt.id, actor="dana")
    assert (firm.receipt().state, _open(firm, "INV-1001")) == ("undone", 500)
    write_off(firm.app, amount=Money(500, "GBP"), **arguments)
    firm.settle()
    assert firm.problems() == []
    assert firm.ledger.balance("INV-1001") == 0
