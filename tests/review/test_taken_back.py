"""What is taken back halfway ends the same in the ledger and here, whatever was known when it was taken back."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, insert, select, update

from connectors.contract import Role
from connectors.records import Kind, Page, PayoutFields, ProcessorState, Record
from receivables.allocation import Allocation, Explanation, Hypothesis
from receivables.money import Money
from runtime.operations.applying.apply import apply_hypothesis
from runtime.operations.bank_files.import_statement import import_statement
from runtime.operations.matching.decide import undo
from runtime.operations.matching.match import match_receipts
from runtime.operations.matching.returns import reject_return
from runtime.operations.systems.absorb.page import absorb
from runtime.operations.work import work
from runtime.store import queues
from runtime.store import tables as t
from tests.operations.camt_lines import UNPAID, camt, line
from tests.operations.faults import lose_answer, unavailable
from tests.operations.firm import CURRENCY, START, TODAY, Firm, money_in
from tests.store.build import put

EXACT = money_in("L1", "120.00", "ACME LTD", "INV-1001")


def test_an_undo_finds_a_posting_that_was_set_aside_in_doubt(any_firm: Firm) -> None:
    firm = any_firm
    firm.import_lines(EXACT)
    firm.ledger.standin.interceptor = lose_answer(firm.ledger.standin)
    firm.work()
    assert len(firm.ledger.payments()) == 1, "it was posted, and nobody knows"
    firm.ledger.standin.interceptor = unavailable
    for _ in range(queues.MAX_ATTEMPTS):
        firm.work(hours=2)
    assert [(row.state, row.in_doubt) for row in firm.rows(t.outbox)] == [(queues.ASIDE, True)]
    undo(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="dana")
    firm.ledger.standin.interceptor = None
    firm.settle()
    firm.settle()
    assert firm.ledger.payments() == []


def _payment(firm: Firm, state: ProcessorState) -> None:
    firm.show_card_payment(state=state)
    match_receipts(firm.app, firm.id)


def test_a_debit_tried_again_while_its_failure_is_still_being_undone_is_posted_again(any_firm: Firm) -> None:
    firm = any_firm
    _payment(firm, ProcessorState.SUCCEEDED)
    firm.settle()
    assert firm.receipt().state == "applied"
    firm.ledger.standin.interceptor = unavailable
    _payment(firm, ProcessorState.FAILED)
    work(firm.app)
    _payment(firm, ProcessorState.SUCCEEDED)
    firm.ledger.standin.interceptor = None
    firm.time.advance(minutes=10)
    firm.settle()
    firm.settle()
    assert firm.receipt().state == "applied"
    assert len(firm.ledger.payments()) == 1


def _payout(firm: Firm, state: str, seconds: int) -> None:
    at = firm.app.clock() + timedelta(seconds=seconds)
    fields = PayoutFields(amount=Money(5_000, "GBP"), state=state, arrival_on=TODAY, lines=())
    step = ("pending", "in_transit", "paid", "failed").index(state)  # as the connector counts them
    record = Record(Kind.PAYOUT, "po_1", str(step), START, fields)
    with firm.app.store.write() as db:
        absorb(db, connection=firm.connection(Role.PROCESSOR), page=Page((record,)), read_at=at)


def test_an_older_reading_of_a_payout_that_came_back_does_not_pay_it(firm: Firm) -> None:
    for state, seconds in (("paid", 0), ("failed", 2), ("paid", 1)):
        _payout(firm, state, seconds)
    assert [row.state for row in firm.rows(t.payout)] == ["failed"]


def test_a_match_that_lost_its_customer_before_it_was_posted_is_shown_and_stops_nothing(firm: Firm) -> None:
    """A credit note covers invoices of its own customer; the invoice may move while an account is still missing."""
    firm.import_lines(EXACT)
    with firm.app.store.write() as db:
        db.execute(delete(t.account))
        db.execute(update(t.bank_account).values(ledger_account=None))
        invoice, other = (
            db.execute(select(t.document).where(t.document.c.number == n)).one() for n in ("INV-1001", "INV-2001")
        )
        credit = dict(invoice._mapping) | {"id": "doc_credit", "kind": "credit_note", "number": "CN-1"}
        db.execute(insert(t.document).values(credit))
        put(
            db, t.link, organisation_id=firm.id, system="xero", kind="document", external_id="cn", local_id="doc_credit"
        )
        pounds = Money(12_000, CURRENCY)
        hypothesis = Hypothesis(
            explanation=Explanation.CREDIT_OFFSET,
            confidence=1.0,
            allocations=(Allocation(invoice.id, pounds), Allocation("doc_credit", pounds, is_credit=True)),
            residuals=(),
            unapplied=pounds,
        )
        receipt = dict(db.execute(select(t.receipt)).one()._mapping)
        apply_hypothesis(
            db, receipt=receipt, hypothesis=hypothesis, customer_id=None, actor="dana", at=firm.app.clock()
        )
        moved = update(t.document).where(t.document.c.id == invoice.id)
        db.execute(moved.values(customer_id=other.customer_id))
    assert firm.problems() == ["not_posted"]
    match_receipts(firm.app, firm.id)
    (problem,) = [row for row in firm.rows(t.problem) if row.code == "not_posted" and row.resolved_at is None]
    assert "its own customer" in problem.text


def test_on_postgresql_too_a_returned_debit_opens_its_invoice_and_a_person_can_say_it_is_another(
    shared_firm: Firm,
) -> None:
    firm = shared_firm
    lines = [
        line("120.00", reference="C1", on=TODAY - timedelta(days=6), end_to_end="COLLECT-0001"),
        line("-120.00", reference="D1", on=TODAY - timedelta(days=1), end_to_end="COLLECT-0001", code=UNPAID),
        line("-45.00", reference="D2", on=TODAY - timedelta(days=1), text="RENT", account="DE11", name="ESTATES"),
    ]
    for number, content in enumerate((camt(*lines[1:]), camt(*lines), camt(*lines))):
        import_statement(firm.app, organisation_id=firm.id, name=f"{number}.xml", content=content)
        firm.settle()
    assert {row.amount_minor: row.state for row in firm.rows(t.debit)} == {12_000: "returned", 4_500: "out"}
    assert (firm.ledger.payments(), firm.problems()) == ([], ["payment_returned"])
    (returned,) = firm.rows(t.debit, state="returned")
    reject_return(firm.app, organisation_id=firm.id, debit_id=returned.id, actor="dana")
    firm.settle()
    firm.settle()
    assert (len(firm.ledger.payments()), firm.problems()) == (1, [])
