"""From a bank line to the ledger and the CRM: matched, applied and posted exactly once, and taken back as a whole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update
from werkzeug.wrappers import Request, Response

from connectors.contract import Role
from connectors.records import Kind
from receivables.allocation import Hypothesis, ResidualKind
from runtime.operations.applying.apply import HYPOTHESIS
from runtime.operations.errors import RefusedError
from runtime.operations.matching.decide import confirm, reject, undo
from runtime.operations.matching.match import match_receipts
from runtime.operations.matching.open_items import pending_allocations
from runtime.operations.systems import deliver
from runtime.operations.systems.pull import pull
from runtime.store import queues
from runtime.store import tables as t
from tests.operations.faults import lose_answer, lose_answer_and_lag, unavailable
from tests.operations.firm import TODAY, Firm, XeroLedger, money_in

PART = money_in("LP", "50.00", "ACME LTD", "INV-1001")
HALF = money_in("LH", "60.00", "ACME LTD", "INV-1001")
EXACT = money_in("L1", "120.00", "ACME LTD", "INV-1001")
VAGUE = money_in("L2", "300.00", "A PERSON", "thank you")


def _paid(firm: Firm) -> None:
    """INV-1001 is paid once, everywhere."""
    assert firm.ledger.payments() == [Decimal("120.00")]
    assert firm.ledger.balance("INV-1001") == 0
    firm.settle()
    assert firm.document("INV-1001").status == "paid"
    shown = firm.shown("INV-1001")
    assert (shown["Status__c"], Decimal(str(shown["Balance__c"]))) == ("paid", Decimal(0))
    assert firm.ledger.payments() == [Decimal("120.00")]


def _open(firm: Firm) -> None:
    """INV-1001 is open again, everywhere."""
    assert firm.ledger.payments() == []
    assert firm.ledger.balance("INV-1001") == Decimal("120.00")
    firm.settle()
    assert (firm.document("INV-1001").status, firm.document("INV-1001").balance_minor) == ("open", 12_000)
    shown = firm.shown("INV-1001")
    assert (shown["Status__c"], Decimal(str(shown["Balance__c"]))) == ("open", Decimal(120))


def _best(firm: Firm) -> Hypothesis:
    (proposal,) = firm.rows(t.proposal)
    return HYPOTHESIS.validate_python(proposal.body["best"])


def test_money_is_matched_posted_once_and_shown(any_firm: Firm) -> None:
    any_firm.import_lines(EXACT)
    any_firm.work()
    assert any_firm.receipt().state == "applied"
    _paid(any_firm)
    assert any_firm.problems() == []
    (posted,) = any_firm.rows(t.ledger_payment)
    assert posted.receipt_id == any_firm.receipt().id, "what comes back from the ledger is our own posting"


def test_the_receipt_is_shown_on_the_accounts_page(firm: Firm) -> None:
    firm.import_lines(EXACT)
    firm.work()
    (shown,) = firm.crm.records["TrueDue_Receipt__c"].values()
    assert (Decimal(str(shown["Amount__c"])), shown["Payer__c"]) == (Decimal(120), "ACME LTD")
    (account,) = [each for each in firm.crm.records["Account"].values() if each["Name"] == "Acme"]
    assert Decimal(str(account["TrueDue_Balance__c"])) == Decimal("75.50")


def test_a_lost_answer_is_looked_up_and_not_posted_twice(any_firm: Firm) -> None:
    any_firm.import_lines(EXACT)
    any_firm.ledger.standin.interceptor = lose_answer(any_firm.ledger.standin)
    any_firm.work()
    (row,) = any_firm.rows(t.outbox)
    assert (row.state, row.in_doubt) == (queues.NEW, True)
    assert any_firm.ledger.payments() == [Decimal("120.00")]
    any_firm.work(minutes=5)
    (row,) = any_firm.rows(t.outbox)
    assert (row.state, row.in_doubt) == (queues.DONE, False)
    _paid(any_firm)


def test_the_crm_shows_what_is_left_when_a_payment_is_read_before_its_answer_is_found(any_firm: Firm) -> None:
    any_firm.import_lines(PART)
    any_firm.work()
    confirm(any_firm.app, organisation_id=any_firm.id, receipt_id=any_firm.receipt().id, actor="dana")
    any_firm.ledger.standin.interceptor = lose_answer(any_firm.ledger.standin)
    any_firm.work()
    any_firm.poll()
    any_firm.work()
    assert Decimal(str(any_firm.shown("INV-1001")["Balance__c"])) == 20, "the payment counts beside the balance"
    any_firm.work(minutes=5)
    any_firm.poll()
    any_firm.work()
    assert any_firm.ledger.balance("INV-1001") == 70
    assert Decimal(str(any_firm.shown("INV-1001")["Balance__c"])) == 70


def test_a_reading_shows_what_was_posted_until_the_moment_in_which_it_began(firm: Firm) -> None:
    firm.import_lines(PART)
    firm.work()
    confirm(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="dana")
    firm.settle()
    document = firm.document("INV-1001")
    for posted_at, pending in ((document.read_at, {}), (document.read_at + timedelta.resolution, {document.id: 5_000})):
        with firm.app.store.write() as db:
            db.execute(update(t.allocation).values(posted_at=posted_at))
            assert pending_allocations(db, firm.id) == pending


def test_a_crash_between_the_write_and_its_record_posts_once(any_firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_arguments: object) -> None:
        raise KeyboardInterrupt

    any_firm.import_lines(EXACT)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(deliver, "_settle", crash)
        any_firm.work()
    assert any_firm.ledger.payments() == [Decimal("120.00")]
    any_firm.work(seconds=queues.LEASE.total_seconds() - 10)
    (row,) = any_firm.rows(t.outbox)
    assert row.state == queues.NEW, "the dead worker's lease has not ended"
    any_firm.work(hours=48)  # by now no vendor replays an answer by its idempotency key
    _paid(any_firm)


def test_a_vendor_that_is_down_is_tried_again_and_posted_once(any_firm: Firm) -> None:
    any_firm.import_lines(EXACT)
    any_firm.ledger.standin.interceptor = unavailable
    any_firm.work()
    assert any_firm.ledger.payments() == []
    any_firm.ledger.standin.interceptor = None
    any_firm.work(minutes=5)
    _paid(any_firm)


def test_a_refused_posting_is_a_problem_and_the_item_is_open_again(firm: Firm) -> None:
    assert isinstance(firm.ledger, XeroLedger)
    firm.ledger.books.period_lock_date = TODAY
    firm.import_lines(EXACT)
    firm.work()
    assert firm.problems() == ["write_refused"]
    assert firm.receipt().state == "undone"
    (allocation,) = firm.rows(t.allocation)
    assert allocation.undone_at is not None
    _open(firm)


def test_undoing_takes_it_back_everywhere(any_firm: Firm) -> None:
    any_firm.import_lines(EXACT)
    any_firm.settle()
    undo(any_firm.app, organisation_id=any_firm.id, receipt_id=any_firm.receipt().id, actor="dana")
    any_firm.work()
    _open(any_firm)
    with pytest.raises(RefusedError):
        undo(any_firm.app, organisation_id=any_firm.id, receipt_id=any_firm.receipt().id, actor="dana")


def test_undone_before_it_was_posted_it_is_never_posted(any_firm: Firm) -> None:
    any_firm.import_lines(EXACT)
    match_receipts(any_firm.app, any_firm.id)
    undo(any_firm.app, organisation_id=any_firm.id, receipt_id=any_firm.receipt().id, actor="dana")
    any_firm.work()
    _open(any_firm)
    (row,) = any_firm.rows(t.outbox)
    assert row.state == queues.SUPERSEDED


def test_undone_while_its_answer_was_lost_it_is_taken_back(any_firm: Firm) -> None:
    """The posting may stand in the ledger: an undo that forgets it would leave the invoice paid there for ever."""
    any_firm.import_lines(EXACT)
    any_firm.ledger.standin.interceptor = lose_answer(any_firm.ledger.standin)
    any_firm.work()
    undo(any_firm.app, organisation_id=any_firm.id, receipt_id=any_firm.receipt().id, actor="dana")
    any_firm.work(minutes=5)
    any_firm.work(minutes=5)
    _open(any_firm)


def test_undone_while_its_answer_was_lost_and_no_list_shows_it_yet_it_is_taken_back(any_firm: Firm) -> None:
    any_firm.import_lines(EXACT)
    any_firm.ledger.standin.interceptor = lose_answer_and_lag(any_firm.ledger.standin)
    any_firm.work()
    undo(any_firm.app, organisation_id=any_firm.id, receipt_id=any_firm.receipt().id, actor="dana")
    for seconds in (10, 30, 300, 300, 300):
        any_firm.work(seconds=seconds)
    _open(any_firm)


def test_half_of_an_invoice_whose_answer_was_lost_and_that_no_list_shows_yet_is_posted_once(any_firm: Firm) -> None:
    """What is posted with it the next time makes the call another one, which no idempotency key knows again."""
    any_firm.import_lines(HALF)
    any_firm.work()
    confirm(any_firm.app, organisation_id=any_firm.id, receipt_id=any_firm.receipt().id, actor="dana")
    any_firm.ledger.standin.interceptor = lose_answer_and_lag(any_firm.ledger.standin)
    any_firm.work()
    any_firm.import_lines(money_in("L3", "300.00", "BOLT", "INV-2001"), name="later.xml")
    for seconds in (10, 30, 300, 300, 300):
        any_firm.work(seconds=seconds)
    assert any_firm.ledger.payments() == [Decimal("60.00"), Decimal("300.00")]
    assert any_firm.ledger.balance("INV-1001") == 60


def test_a_guess_waits_for_a_person_and_is_posted_when_confirmed(any_firm: Firm) -> None:
    any_firm.import_lines(VAGUE)
    any_firm.work()
    receipt = any_firm.receipt()
    assert receipt.state == "suggested"
    assert any_firm.ledger.payments() == []
    confirm(any_firm.app, organisation_id=any_firm.id, receipt_id=receipt.id, actor="dana")
    any_firm.work()
    assert any_firm.ledger.balance("INV-2001") == 0
    for decide in (confirm, reject):
        with pytest.raises(RefusedError, match="decided already"):
            decide(any_firm.app, organisation_id=any_firm.id, receipt_id=receipt.id, actor="dana")


def test_a_rejected_guess_is_not_asked_again_and_posts_nothing(firm: Firm) -> None:
    firm.import_lines(VAGUE)
    firm.work()
    reject(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="dana")
    firm.import_lines(EXACT)
    firm.work()
    assert firm.ledger.balance("INV-2001") == Decimal(300)
    states = {row.external_id: row.state for row in firm.rows(t.receipt)}
    assert sorted(states.values()) == ["applied", "unidentified"]
    pending = [row for row in firm.rows(t.proposal) if row.state == "pending"]
    assert pending == []


def test_a_guess_whose_invoice_was_paid_meanwhile_cannot_be_confirmed(firm: Firm) -> None:
    firm.import_lines(VAGUE)
    firm.work()
    assert _best(firm).allocations
    firm.ledger.pay_by_hand("INV-2001", "300.00", on=TODAY)
    pull(firm.app, firm.connection(Role.LEDGER), kinds=(Kind.INVOICE,))
    with pytest.raises(RefusedError, match="paid or changed"):
        confirm(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="dana")
    assert firm.rows(t.allocation) == []


def test_nobody_decides_about_another_organisations_receipt(firm: Firm) -> None:
    firm.import_lines(VAGUE)
    firm.work()
    for decide in (confirm, reject, undo):
        with pytest.raises(RefusedError):
            decide(firm.app, organisation_id="org-other", receipt_id=firm.receipt().id, actor="mallory")
    assert firm.receipt().state == "suggested"


def test_what_a_bank_kept_on_the_way_is_booked_as_a_fee_and_stays_booked(any_firm: Firm) -> None:
    any_firm.import_lines(money_in("L1", "115.00", "ACME LTD", "INV-1001"))
    any_firm.work()
    assert [each.kind for each in _best(any_firm).residuals] == [ResidualKind.BANK_FEE]
    confirm(any_firm.app, organisation_id=any_firm.id, receipt_id=any_firm.receipt().id, actor="dana")
    any_firm.settle()
    any_firm.time.advance(minutes=3)
    any_firm.settle()  # our deposit less the fee is read back, and is nobody's deletion
    assert any_firm.ledger.balance("INV-1001") == 0
    assert (any_firm.receipt().state, any_firm.problems()) == ("applied", [])


def test_a_worker_that_was_slow_until_others_may_have_its_rows_writes_nothing(any_firm: Firm) -> None:
    any_firm.import_lines(EXACT)
    any_firm.time.advance(hours=2)  # the token is over, and renewing it takes too long this time
    late: list[str] = []

    def slow(request: Request, handle: Callable[[], Response]) -> Response:
        if "token" in request.path and not late:
            any_firm.time.advance(seconds=queues.LEASE.total_seconds())
            late.append(request.path)
        return handle()

    any_firm.ledger.standin.interceptor = slow
    match_receipts(any_firm.app, any_firm.id)
    deliver.deliver_outbox(any_firm.app)
    assert late
    assert any_firm.ledger.payments() == []
    any_firm.work(minutes=1)
    _paid(any_firm)
