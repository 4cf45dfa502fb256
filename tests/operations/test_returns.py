"""Money that goes back: a debit takes back a receipt, and what that had paid is open again, until a person looks."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from runtime.operations.bank_files.import_statement import Imported, import_statement
from runtime.operations.errors import RefusedError
from runtime.operations.matching.decide import confirm, undo
from runtime.operations.matching.returns import confirm_return, reject_return, see_return
from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.reminding.send import send_reminders
from runtime.operations.views.review import review_queue
from runtime.store import tables as t
from tests.operations.camt_lines import UNPAID, camt, line
from tests.operations.faults import no_writes
from tests.operations.firm import TODAY, Firm, money_in

CAME, WENT = TODAY - timedelta(days=6), TODAY - timedelta(days=1)


def take(firm: Firm, *lines: str, name: str = "bank.xml") -> Imported:
    return import_statement(firm.app, organisation_id=firm.id, name=name, content=camt(*lines))


COLLECTED = line("120.00", reference="B1", on=CAME, end_to_end="COLLECT-0001")
UNPAID_DEBIT = line("-120.00", reference="B2", on=WENT, end_to_end="COLLECT-0001", code=UNPAID)


def reminded(firm: Firm) -> set[str]:
    plan_reminders(firm.app, firm.id)
    ids = {row.id: row.number for row in firm.rows(t.document)}
    return {ids[row.document_id] for row in firm.rows(t.reminder_item, state="planned")}


def holds(firm: Firm, number: str) -> list[str]:
    rows = firm.rows(t.hold, document_id=firm.document(number).id)
    return [row.code for row in rows if row.released_at is None]


def collected(firm: Firm) -> None:
    take(firm, COLLECTED)
    firm.settle()
    assert (firm.receipt().state, firm.ledger.payments()) == ("applied", [Decimal(120)])


def test_a_returned_direct_debit_opens_the_invoice_everywhere_and_holds_until_a_person_has_looked(
    any_firm: Firm,
) -> None:
    firm = any_firm
    collected(firm)
    imported = take(firm, UNPAID_DEBIT, name="later.xml")
    assert (imported.added, imported.other, imported.returns, imported.out) == (0, 1, 1, 0)
    firm.settle()
    receipt = firm.receipt()
    assert (receipt.status, receipt.state, receipt.unapplied_minor) == ("reversed", "returned", 0)
    assert firm.ledger.payments() == []
    assert firm.ledger.balance("INV-1001") == 120
    assert firm.shown("INV-1001")["Balance__c"] == 120
    (problem,) = [row for row in firm.rows(t.problem) if row.resolved_at is None]
    assert problem.code == "payment_returned"
    assert "120.00 GBP by ACME LTD" in problem.text and "unpaid direct debit" in problem.text
    assert "INV-1001 is open again" in problem.text
    assert holds(firm, "INV-1001") == ["refund_review"]
    assert "INV-1001" not in reminded(firm)
    (debit,) = firm.rows(t.debit)
    see_return(firm.app, organisation_id=firm.id, debit_id=debit.id, actor="dana")
    assert firm.problems() == []
    assert "INV-1001" in reminded(firm)
    with pytest.raises(RefusedError):
        see_return(firm.app, organisation_id=firm.id, debit_id=debit.id, actor="dana")


def _asked_for(firm: Firm, number: str) -> list[str]:
    """Plan and send; the messages that name an invoice."""
    plan_reminders(firm.app, firm.id)
    send_reminders(firm.app, firm.id)
    return [mail.text for mail in firm.mailbox.mails if number in mail.text]


def test_what_went_back_is_asked_for_once_the_ledger_shows_it_no_more(any_firm: Firm) -> None:
    firm = any_firm
    take(firm, line("60.00", reference="B1", on=CAME, end_to_end="COLLECT-0001", text="INV-1001"))
    firm.work()
    confirm(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="dana")
    firm.settle()
    assert firm.ledger.balance("INV-1001") == 60
    firm.ledger.pay_by_hand("INV-1002", "75.50", on=TODAY)  # so that Acme is asked for nothing else
    firm.ledger.standin.interceptor = no_writes
    take(firm, line("-60.00", reference="B2", on=WENT, end_to_end="COLLECT-0001", code=UNPAID), name="later.xml")
    firm.settle()
    (debit,) = firm.rows(t.debit)
    see_return(firm.app, organisation_id=firm.id, debit_id=debit.id, actor="dana")
    firm.switch_sending()
    assert _asked_for(firm, "INV-1001") == [], "the ledger shows too little, as what went back still stands there"
    firm.ledger.standin.interceptor = None
    firm.time.advance(hours=1)
    firm.settle()
    assert firm.ledger.balance("INV-1001") == 120
    (text,) = _asked_for(firm, "INV-1001")
    assert "£120.00" in text


@pytest.mark.parametrize(
    "files",
    [[(COLLECTED, UNPAID_DEBIT)], [(UNPAID_DEBIT,), (COLLECTED,)], [(COLLECTED,), (UNPAID_DEBIT,)]],
    ids=["together", "return first", "return later"],
)
def test_in_any_order_the_same_comes_of_it(firm: Firm, files: list[tuple[str, ...]]) -> None:
    for number, lines in enumerate(files):
        take(firm, *lines, name=f"{number}.xml")
        firm.settle()
    take(firm, COLLECTED, UNPAID_DEBIT, name="again.xml")
    firm.settle()
    assert [(row.status, row.state) for row in firm.rows(t.receipt)] == [("reversed", "returned")]
    assert [row.state for row in firm.rows(t.debit)] == ["returned"]
    assert (firm.problems(), firm.ledger.payments()) == (["payment_returned"], [])
    assert holds(firm, "INV-1001") == ["refund_review"]


def test_importing_the_return_again_changes_nothing_after_a_person_has_looked(firm: Firm) -> None:
    take(firm, COLLECTED, UNPAID_DEBIT)
    firm.settle()
    (debit,) = firm.rows(t.debit)
    see_return(firm.app, organisation_id=firm.id, debit_id=debit.id, actor="dana")
    firm.settle()
    before = [firm.rows(table) for table in (t.receipt, t.debit, t.hold, t.problem, t.outbox, t.allocation)]
    assert take(firm, UNPAID_DEBIT, COLLECTED, name="again.xml").added == 0
    firm.settle()
    assert [firm.rows(table) for table in (t.receipt, t.debit, t.hold, t.problem, t.outbox, t.allocation)] == before


def test_a_charge_that_the_bank_states_is_told_and_takes_nothing_else_back(firm: Firm) -> None:
    collected(firm)
    take(firm, line("-123.50", reference="B2", on=WENT, end_to_end="COLLECT-0001", code=UNPAID, paid="120.00"))
    firm.settle()
    assert firm.receipt().status == "reversed"
    (problem,) = [row for row in firm.rows(t.problem) if row.resolved_at is None]
    assert "The bank charged 3.50 GBP for it" in problem.text


def test_a_debit_to_the_payers_account_without_a_word_of_the_bank_is_asked_about(firm: Firm) -> None:
    collected(firm)
    take(firm, line("-120.00", reference="B2", on=WENT))
    firm.settle()
    assert (firm.receipt().status, firm.receipt().state) == ("received", "applied")
    (debit,) = firm.rows(t.debit)
    assert debit.state == "suggested"
    assert "does not say that it takes an earlier payment back" in " ".join(debit.reasons)
    confirm_return(firm.app, organisation_id=firm.id, debit_id=debit.id, actor="dana")
    firm.settle()
    assert (firm.receipt().status, firm.ledger.payments(), firm.problems()) == ("reversed", [], [])
    assert "INV-1001" in reminded(firm), "whoever confirms has looked"
    with pytest.raises(RefusedError):
        confirm_return(firm.app, organisation_id=firm.id, debit_id=debit.id, actor="dana")


def test_a_rejected_return_is_not_asked_about_again(firm: Firm) -> None:
    collected(firm)
    take(firm, line("-120.00", reference="B2", on=WENT))
    firm.settle()
    (debit,) = firm.rows(t.debit)
    reject_return(firm.app, organisation_id=firm.id, debit_id=debit.id, actor="dana")
    firm.settle()
    assert [row.state for row in firm.rows(t.debit)] == ["out"]
    assert (firm.receipt().state, firm.ledger.payments()) == ("applied", [Decimal(120)])


def test_a_return_that_a_person_rejects_pays_again_what_it_had_paid(any_firm: Firm) -> None:
    firm = any_firm
    take(firm, COLLECTED, UNPAID_DEBIT)
    firm.settle()
    (debit,) = firm.rows(t.debit)
    reject_return(firm.app, organisation_id=firm.id, debit_id=debit.id, actor="dana")
    assert "INV-1001" not in reminded(firm), "the money is there, so it holds before it is matched again"
    firm.settle()
    firm.settle()
    assert (firm.receipt().status, firm.receipt().state) == ("received", "applied")
    assert firm.ledger.payments() == [Decimal(120)]
    assert (holds(firm, "INV-1001"), firm.problems()) == ([], [])


def test_equal_collections_are_told_apart_by_their_ids_and_otherwise_asked_about(firm: Firm) -> None:
    firm.invoice("Acme", "INV-1003", "120.00")
    firm.settle()
    other = line("120.00", reference="B3", on=CAME, end_to_end="COLLECT-0002", text="INV-1003")
    take(firm, COLLECTED, other, UNPAID_DEBIT)
    firm.settle()
    states = {row.remittance: row.status for row in firm.rows(t.receipt)}
    assert states == {"INV-1001": "reversed", "INV-1003": "received"}


def test_a_return_that_two_payments_fit_is_asked_about(firm: Firm) -> None:
    firm.invoice("Acme", "INV-1003", "120.00")
    firm.settle()
    take(
        firm,
        line("120.00", reference="B1", on=CAME),
        line("120.00", reference="B3", on=CAME, text="INV-1003"),
        line("-120.00", reference="B2", on=WENT, code=UNPAID, text="unpaid"),
    )
    firm.settle()
    assert {row.status for row in firm.rows(t.receipt)} == {"received"}
    (debit,) = firm.rows(t.debit)
    assert debit.state == "suggested" and any("1 other payment" in reason for reason in debit.reasons)


def test_a_return_that_names_another_payment_is_no_proof_of_this_one(firm: Firm) -> None:
    collected(firm)
    take(firm, line("-120.00", reference="B2", on=WENT, end_to_end="COLLECT-9999", code=UNPAID))
    firm.settle()
    assert firm.receipt().status == "received"
    assert [row.state for row in firm.rows(t.debit)] == ["suggested"]


@pytest.mark.parametrize("on", [CAME - timedelta(days=1), CAME + timedelta(days=401)])
def test_money_cannot_go_back_before_it_came_nor_years_later(firm: Firm, on: date) -> None:
    collected(firm)
    take(firm, line("-120.00", reference="B2", on=on, end_to_end="COLLECT-0001", code=UNPAID))
    firm.settle()
    assert ([row.state for row in firm.rows(t.debit)], firm.receipt().status) == (["out"], "received")


def test_payments_out_stay_out_and_are_counted(firm: Firm) -> None:
    rent = replace(money_in("L1", "-8450.00", "ESTATES", "RENT"), counterparty_account="")
    imported = firm.import_lines(rent, money_in("L2", "-5.00", "LANDLORD", "INV-1001"))
    firm.settle()
    assert (imported.added, imported.other, imported.returns, imported.out) == (0, 2, 0, 2)
    assert firm.rows(t.receipt) == []
    (kept,) = firm.rows(t.debit)
    assert (kept.state, kept.payee_name, kept.remittance) == ("out", "", ""), "nothing is kept that nothing needs"


def test_what_the_accountant_booked_and_the_bank_took_back_is_told_with_what_to_do(firm: Firm) -> None:
    firm.ledger.pay_by_hand("INV-1001", "120.00", on=CAME)
    firm.settle()
    take(firm, COLLECTED, UNPAID_DEBIT)
    firm.settle()
    assert (firm.receipt().state, firm.receipt().status) == ("recorded", "reversed")
    assert firm.ledger.payments() == [Decimal(120)], "what a person booked is a person's to take back"
    (problem,) = [row for row in firm.rows(t.problem) if row.resolved_at is None]
    assert "Take it back there" in problem.remedy
    assert holds(firm, "INV-1001") == ["refund_review"]


def test_money_that_nobody_could_be_found_for_and_that_went_back_waits_for_nobody(firm: Firm) -> None:
    take(
        firm,
        line("77.00", reference="B1", on=CAME, end_to_end="X-000001", text="thanks", name="NOBODY", account=""),
        line("-77.00", reference="B2", on=WENT, end_to_end="X-000001", text="", name="NOBODY", account="", code=UNPAID),
    )
    firm.settle()
    assert (firm.receipt().status, firm.receipt().state) == ("reversed", "returned")
    assert [row.state for row in firm.rows(t.proposal)] == ["settled"]


def test_what_was_taken_back_by_hand_before_the_bank_told_is_not_taken_back_twice(firm: Firm) -> None:
    collected(firm)
    undo(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="dana")
    firm.settle()
    take(firm, UNPAID_DEBIT)
    firm.settle()
    assert (firm.receipt().status, firm.ledger.payments()) == ("reversed", [])
    assert [row.intent["intent"] for row in firm.rows(t.outbox)].count("undo_posting") == 1


def test_a_batch_of_returns_takes_back_each_of_its_payments(firm: Firm) -> None:
    second = line("75.50", reference="B3", on=CAME, end_to_end="COLLECT-0002", text="INV-1002")
    take(firm, COLLECTED, second)
    firm.settle()
    detail = (
        '<TxDtls><Refs><EndToEndId>{}</EndToEndId></Refs><Amt Ccy="GBP">{}</Amt>'
        "<RtrInf><Rsn><Cd>AM04</Cd></Rsn></RtrInf></TxDtls>"
    )
    parts = detail.format("COLLECT-0001", "120.00") + detail.format("COLLECT-0002", "75.50")
    batch = (
        '<Ntry><Amt Ccy="GBP">195.50</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>'
        f"<BookgDt><Dt>{WENT}</Dt></BookgDt><AcctSvcrRef>B9</AcctSvcrRef><NtryDtls>{parts}</NtryDtls></Ntry>"
    )
    take(firm, batch)
    firm.settle()
    assert {row.status for row in firm.rows(t.receipt)} == {"reversed"}
    assert (firm.problems(), firm.ledger.payments()) == (["payment_returned"] * 2, [])


def test_one_payment_of_a_batch_that_went_back_is_told_and_holds_what_the_batch_pays(firm: Firm) -> None:
    """A creditor's collections come as one line; the bank takes one of them back by its own end-to-end id."""
    detail = (
        '<TxDtls><Refs><EndToEndId>{}</EndToEndId></Refs><Amt Ccy="GBP">{}</Amt>'
        "<RltdPties><Dbtr><Pty><Nm>ACME LTD</Nm></Pty></Dbtr></RltdPties><RmtInf><Ustrd>{}</Ustrd></RmtInf></TxDtls>"
    )
    parts = detail.format("COLLECT-0001", "120.00", "INV-1001") + detail.format("COLLECT-0002", "75.50", "INV-1002")
    batch = (
        '<Ntry><Amt Ccy="GBP">195.50</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>'
        f"<BookgDt><Dt>{CAME}</Dt></BookgDt><AcctSvcrRef>B9</AcctSvcrRef><NtryDtls>{parts}</NtryDtls></Ntry>"
    )
    take(firm, batch)
    firm.settle()
    assert firm.receipt().state == "applied"
    take(firm, line("-123.00", reference="B2", on=WENT, end_to_end="COLLECT-0001", code=UNPAID, paid="120.00"))
    firm.settle()
    firm.settle()
    receipt = firm.receipt()
    assert (receipt.status, receipt.state, receipt.refunded_minor) == ("received", "applied", 12_000)
    (problem,) = [row for row in firm.rows(t.problem) if row.resolved_at is None]
    assert "It was 120.00 GBP of it" in problem.text and "INV-1001, INV-1002" in problem.text
    assert (holds(firm, "INV-1001"), holds(firm, "INV-1002")) == (["refund_review"], ["refund_review"])
    with firm.app.store.read() as db:
        (item,) = review_queue(db, firm.id).returns
    assert (item.is_part, item.asks) == (True, False)
    reject_return(firm.app, organisation_id=firm.id, debit_id=firm.rows(t.debit)[0].id, actor="dana")
    firm.settle()
    assert (firm.receipt().refunded_minor, firm.receipt().state, firm.problems()) == (0, "applied", [])
    assert [row.state for row in firm.rows(t.debit)] == ["out"]
