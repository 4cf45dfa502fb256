"""Money in the QuickBooks stand-in, through the official SDK over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from quickbooks.batch import batch_create  # type: ignore[import-untyped]
from quickbooks.exceptions import (  # type: ignore[import-untyped]
    ObjectNotFoundException,
    QuickbooksException,
    ValidationException,
)
from quickbooks.objects.base import LinkedTxn, Ref  # type: ignore[import-untyped]
from quickbooks.objects.creditmemo import CreditMemo  # type: ignore[import-untyped]
from quickbooks.objects.customer import Customer  # type: ignore[import-untyped]
from quickbooks.objects.deposit import Deposit, DepositLine, DepositLineDetail  # type: ignore[import-untyped]
from quickbooks.objects.invoice import Invoice  # type: ignore[import-untyped]
from quickbooks.objects.payment import Payment  # type: ignore[import-untyped]
from quickbooks.objects.transfer import Transfer  # type: ignore[import-untyped]

from tests.sandbox.quickbooks_client import QuickBooksScene, quickbooks_scene


@pytest.fixture
def scene() -> Iterator[QuickBooksScene]:
    with quickbooks_scene() as made:
        yield made


def invoice_of(scene: QuickBooksScene, invoice_id: str) -> Any:  # noqa: ANN401 - the SDK is untyped
    scene.clock.advance(seconds=1)
    return Invoice.get(invoice_id, qb=scene.api)


def test_a_payment_lowers_the_balance_and_stamps_the_invoice(scene: QuickBooksScene) -> None:
    invoice_id = scene.invoice("1001")
    before = invoice_of(scene, invoice_id)
    made = scene.payment("120.00", ("Invoice", invoice_id, "99.99")).save(qb=scene.api)
    after = invoice_of(scene, invoice_id)
    assert (made.UnappliedAmt, after.Balance) == (Decimal("20.01"), Decimal("0.01"))
    assert after.MetaData.LastUpdatedTime > before.MetaData.LastUpdatedTime
    assert int(after.SyncToken) > int(before.SyncToken)
    assert [(link.TxnType, link.TxnId) for link in after.LinkedTxn] == [("Payment", made.Id)]
    assert Customer.get(scene.customer_id, qb=scene.api).Balance == Decimal("-20.00")
    made.delete(qb=scene.api)
    opened = invoice_of(scene, invoice_id)
    assert (opened.Balance, opened.LinkedTxn) == (100, [])
    with pytest.raises(ObjectNotFoundException):
        Payment.get(made.Id, qb=scene.api)


@pytest.mark.parametrize(
    ("total", "applied"), [("200.00", "100.01"), ("50.00", "50.01")], ids=["more than open", "more than paid"]
)
def test_over_application_is_refused_and_changes_nothing(scene: QuickBooksScene, total: str, applied: str) -> None:
    invoice_id = scene.invoice("1001")
    with pytest.raises(QuickbooksException) as refused:
        scene.payment(total, ("Invoice", invoice_id, applied)).save(qb=scene.api)
    assert refused.value.error_code == 6000
    assert "Business Validation Error" in refused.value.detail
    assert invoice_of(scene, invoice_id).Balance == 100
    assert not scene.books.payments


def test_two_lines_on_one_invoice_count_together(scene: QuickBooksScene) -> None:
    invoice_id = scene.invoice("1001")
    with pytest.raises(QuickbooksException):
        scene.payment("200", ("Invoice", invoice_id, "60"), ("Invoice", invoice_id, "60")).save(qb=scene.api)


def test_one_request_id_pays_once(scene: QuickBooksScene) -> None:
    invoice_id = scene.invoice("1001")
    first = scene.payment("10", ("Invoice", invoice_id, "10")).save(qb=scene.api, request_id="r-1")
    again = scene.payment("10", ("Invoice", invoice_id, "10")).save(qb=scene.api, request_id="r-1")
    other = scene.payment("10", ("Invoice", invoice_id, "10")).save(qb=scene.api, request_id="r-2")
    assert first.Id == again.Id != other.Id
    assert invoice_of(scene, invoice_id).Balance == 80


def test_a_credit_memo_pays_through_a_payment_of_nothing(scene: QuickBooksScene) -> None:
    invoice_id = scene.invoice("1001")
    memo_id = scene.books.add_credit_memo(
        customer_id=scene.customer_id, number="C1", total=Decimal("30"), currency="USD", issued_on=date(2026, 1, 1)
    )
    made = scene.payment("0", ("Invoice", invoice_id, "30"), ("CreditMemo", memo_id, "30")).save(qb=scene.api)
    assert (made.UnappliedAmt, invoice_of(scene, invoice_id).Balance) == (0, 70)
    assert CreditMemo.get(memo_id, qb=scene.api).RemainingCredit == 0
    with pytest.raises(QuickbooksException):
        scene.payment("0", ("Invoice", invoice_id, "1"), ("CreditMemo", memo_id, "1")).save(qb=scene.api)


def test_a_parent_pays_for_its_child_and_not_the_other_way_round(scene: QuickBooksScene) -> None:
    child = scene.books.add_customer(name="Branch", parent_id=scene.customer_id, bill_with_parent=True)
    childs, parents = scene.invoice("1001", customer_id=child), scene.invoice("1002")
    scene.payment("100", ("Invoice", childs, "100")).save(qb=scene.api)
    assert invoice_of(scene, childs).Balance == 0
    wrong = scene.payment("100", ("Invoice", parents, "100"))
    wrong.CustomerRef = Ref.from_json({"value": child})
    with pytest.raises(QuickbooksException, match="customer"):
        wrong.save(qb=scene.api)


def test_a_payment_is_moved_to_another_invoice(scene: QuickBooksScene) -> None:
    one, other = scene.invoice("1001"), scene.invoice("1002")
    made = scene.payment("100", ("Invoice", one, "100")).save(qb=scene.api)
    made.Line[0].LinkedTxn[0].TxnId = other
    made.save(qb=scene.api)
    assert (invoice_of(scene, one).Balance, invoice_of(scene, other).Balance) == (100, 0)


def test_a_payment_may_take_what_it_already_held_and_no_more(scene: QuickBooksScene) -> None:
    invoice_id = scene.invoice("1001")
    made = scene.payment("150", ("Invoice", invoice_id, "60")).save(qb=scene.api)
    made.Line[0].Amount = Decimal("100")
    changed = made.save(qb=scene.api)
    assert (changed.UnappliedAmt, invoice_of(scene, invoice_id).Balance) == (50, 0)
    changed.Line[0].Amount = Decimal("100.01")
    with pytest.raises(QuickbooksException):
        changed.save(qb=scene.api)
    assert invoice_of(scene, invoice_id).Balance == 0


def test_a_deposit_takes_payments_out_of_undeposited_funds_less_a_fee(scene: QuickBooksScene) -> None:
    fees = scene.books.add_account(name="Bank charges", type="Expense")
    held = scene.payment("100").save(qb=scene.api)
    made = deposit_of(scene, held.Id, "100", fee_account=fees).save(qb=scene.api)
    assert made.TotalAmt == Decimal("97.50")
    assert Payment.get(held.Id, qb=scene.api).LinkedTxn[0]["TxnType"] == "Deposit"
    with pytest.raises(QuickbooksException, match="already been deposited"):
        deposit_of(scene, held.Id, "100", fee_account=fees).save(qb=scene.api)
    with pytest.raises(QuickbooksException, match="deposited"):
        Payment.get(held.Id, qb=scene.api).delete(qb=scene.api)
    scene.clock.advance(seconds=1)
    made.delete(qb=scene.api)
    Payment.get(held.Id, qb=scene.api).delete(qb=scene.api)
    assert not scene.books.payments


def test_a_payment_into_a_bank_account_cannot_be_deposited_again(scene: QuickBooksScene) -> None:
    banked = scene.books.add_payment(
        customer_id=scene.customer_id, lines=[], total=Decimal("5"), paid_on=date(2026, 3, 1), deposit_to=scene.bank_id
    )
    with pytest.raises(QuickbooksException, match="Undeposited"):
        deposit_of(scene, banked, "5", fee_account=scene.income_id).save(qb=scene.api)


def test_an_outdated_sync_token_is_refused(scene: QuickBooksScene) -> None:
    invoice_id = scene.invoice("1001")
    mine, theirs = invoice_of(scene, invoice_id), invoice_of(scene, invoice_id)
    theirs.DueDate = "2026-04-01"
    assert theirs.save(qb=scene.api).SyncToken == "1"
    mine.DueDate = "2026-05-01"
    with pytest.raises(QuickbooksException) as refused:
        mine.save(qb=scene.api)
    assert refused.value.error_code == 5010
    assert invoice_of(scene, invoice_id).DueDate == "2026-04-01"
    raw = scene.call("POST", "/invoice", json={"Id": invoice_id, "SyncToken": "0", "sparse": True})
    assert (raw.status_code, raw.json()["Fault"]["Error"][0]["code"]) == (400, "5010")


def test_sparse_updates_keep_and_full_updates_drop_what_they_omit(scene: QuickBooksScene) -> None:
    customer = {"Id": scene.customer_id, "SyncToken": "0", "sparse": True, "Notes": "kind"}
    kept = scene.call("POST", "/customer", json=customer).json()["Customer"]
    assert (kept["Notes"], kept["PrimaryEmailAddr"]) == ("kind", {"Address": "pay@example.com"})
    full = {"Id": scene.customer_id, "SyncToken": "1", "DisplayName": "O'Neil"}
    dropped = scene.call("POST", "/customer", json=full).json()["Customer"]
    assert "PrimaryEmailAddr" not in dropped
    assert dropped["SyncToken"] == "2"
    twin = scene.call("POST", "/customer", json={"DisplayName": "O'Neil"})
    assert twin.json()["Fault"]["Error"][0]["code"] == "6240"


def test_voiding_an_invoice_leaves_its_payment_unapplied(scene: QuickBooksScene) -> None:
    invoice_id = scene.invoice("1001")
    made = scene.payment("100", ("Invoice", invoice_id, "60")).save(qb=scene.api)
    invoice_of(scene, invoice_id).void(qb=scene.api)
    voided = invoice_of(scene, invoice_id)
    assert (voided.TotalAmt, voided.Balance, voided.PrivateNote) == (0, 0, "Voided")
    assert Payment.get(made.Id, qb=scene.api).UnappliedAmt == 100
    assert Customer.get(scene.customer_id, qb=scene.api).Balance == -100


def test_voiding_a_payment_opens_its_invoice(scene: QuickBooksScene) -> None:
    invoice_id = scene.invoice("1001")
    scene.payment("100", ("Invoice", invoice_id, "100")).save(qb=scene.api).void(qb=scene.api)
    assert invoice_of(scene, invoice_id).Balance == 100


def test_a_batch_has_an_outcome_per_item(scene: QuickBooksScene) -> None:
    invoice_id = scene.invoice("1001")
    good, bad = scene.payment("60", ("Invoice", invoice_id, "60")), scene.payment("60", ("Invoice", invoice_id, "60"))
    outcome = batch_create([good, bad], qb=scene.api)
    assert (len(outcome.successes), len(outcome.faults)) == (1, 1)
    assert outcome.faults[0].Error[0].code == "6000"
    assert invoice_of(scene, invoice_id).Balance == 40
    crowd = {"BatchItemRequest": [{"bId": str(n), "Query": "select * from Invoice"} for n in range(31)]}
    assert scene.call("POST", "/batch", json=crowd).status_code == 400


def test_a_closed_period_refuses_writes(scene: QuickBooksScene) -> None:
    invoice_id = scene.invoice("1001")
    scene.books.book_close_date = date(2026, 3, 31)
    with pytest.raises(QuickbooksException) as refused:
        scene.payment("10", ("Invoice", invoice_id, "10")).save(qb=scene.api)
    assert refused.value.error_code == 6210
    assert (
        scene.call("GET", "/preferences").json()["Preferences"]["AccountingInfoPrefs"]["BookCloseDate"] == "2026-03-31"
    )


def test_journal_entries_balance_and_transfers_need_accounts(scene: QuickBooksScene) -> None:
    def entry(debit: str, credit: str) -> dict[str, Any]:
        sides = (("Debit", debit, scene.bank_id), ("Credit", credit, scene.income_id))
        return {"Line": [
            {"Amount": amount, "DetailType": "JournalEntryLineDetail",
             "JournalEntryLineDetail": {"PostingType": side, "AccountRef": {"value": account}}}
            for side, amount, account in sides
        ]}  # fmt: skip

    assert scene.call("POST", "/journalentry", json=entry("5.00", "5.00")).status_code == 200
    assert scene.call("POST", "/journalentry", json=entry("5.00", "4.99")).status_code == 400
    move = Transfer()
    move.FromAccountRef, move.ToAccountRef = (Ref.from_json({"value": i}) for i in (scene.bank_id, scene.income_id))
    move.Amount = Decimal("3.21")
    assert Transfer.get(move.save(qb=scene.api).Id, qb=scene.api).Amount == Decimal("3.21")
    move.Id, move.FromAccountRef = None, Ref.from_json({"value": "999"})
    with pytest.raises(ValidationException):
        move.save(qb=scene.api)


def deposit_of(scene: QuickBooksScene, payment_id: str, amount: str, *, fee_account: str) -> Any:  # noqa: ANN401 - untyped SDK
    made, line, link, fee = Deposit(), DepositLine(), LinkedTxn(), DepositLine()
    link.TxnId, link.TxnType, link.TxnLineId = payment_id, "Payment", 0
    line.Amount, line.LinkedTxn = Decimal(amount), [link]
    fee.Amount, fee.DetailType, fee.DepositLineDetail = Decimal("-2.50"), "DepositLineDetail", DepositLineDetail()
    fee.DepositLineDetail.AccountRef = Ref.from_json({"value": fee_account})
    made.DepositToAccountRef = Ref.from_json({"value": scene.bank_id})
    made.Line = [line, fee]
    return made
