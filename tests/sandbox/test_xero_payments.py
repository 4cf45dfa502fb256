"""Money in the Xero stand-in, through the official SDK over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from xero_python import accounting as x  # type: ignore[import-untyped]
from xero_python.exceptions import AccountingBadRequestException  # type: ignore[import-untyped]

from sandbox.xero.values import Refused
from tests.sandbox.xero_client import XeroScene, xero_scene


@pytest.fixture
def scene() -> Iterator[XeroScene]:
    with xero_scene() as made:
        yield made


def payment(invoice_id: str, amount: str, **fields: object) -> x.Payment:
    given: dict[str, Any] = {
        "account": x.Account(code="090"),
        "date": date(2026, 3, 2),
        "reference": "line 7",
        **fields,
    }
    return x.Payment(invoice=x.Invoice(invoice_id=invoice_id), amount=Decimal(amount), **given)


def pay(scene: XeroScene, *payments: x.Payment, **options: object) -> list[Any]:
    answer = scene.api.create_payments(scene.books.tenant_id, x.Payments(payments=list(payments)), **options)
    return list(answer.payments)


def invoice_of(scene: XeroScene, invoice_id: str) -> Any:  # noqa: ANN401 - the SDK is untyped
    return scene.api.get_invoice(scene.books.tenant_id, invoice_id).invoices[0]


def messages(error: AccountingBadRequestException) -> list[str]:
    return [e["Message"] for element in error.error_data["Elements"] for e in element["ValidationErrors"]]


def test_a_payment_in_full_closes_the_invoice_and_its_deletion_opens_it(scene: XeroScene) -> None:
    invoice_id = scene.invoice("INV-1")
    before = invoice_of(scene, invoice_id).updated_date_utc
    scene.clock.advance(seconds=30)
    (made,) = pay(scene, payment(invoice_id, "100.00"))
    paid = invoice_of(scene, invoice_id)
    assert (paid.status, paid.amount_due, paid.amount_paid) == ("PAID", 0, 100)
    assert paid.fully_paid_on_date == date(2026, 3, 2)
    assert paid.updated_date_utc > before
    assert [p.payment_id for p in paid.payments] == [made.payment_id]
    scene.api.delete_payment(scene.books.tenant_id, made.payment_id, x.PaymentDelete(status="DELETED"))
    opened = invoice_of(scene, invoice_id)
    assert (opened.status, opened.amount_due, opened.fully_paid_on_date) == ("AUTHORISED", 100, None)
    assert scene.books.payments[made.payment_id]["Status"] == "DELETED"


def test_more_than_is_outstanding_is_refused_and_changes_nothing(scene: XeroScene) -> None:
    invoice_id = scene.invoice("INV-1")
    with pytest.raises(AccountingBadRequestException) as refused:
        pay(scene, payment(invoice_id, "60.00"), payment(invoice_id, "40.01"))
    assert messages(refused.value) == ["Payment amount exceeds the amount outstanding on this document"]
    assert invoice_of(scene, invoice_id).amount_due == 100
    assert not scene.books.payments


@pytest.mark.parametrize("status", ["DRAFT", "VOIDED", "PAID"])
def test_only_approved_documents_are_paid(scene: XeroScene, status: str) -> None:
    invoice_id = scene.invoice("INV-1", status="DRAFT" if status == "DRAFT" else "AUTHORISED")
    if status == "VOIDED":
        scene.books.void_invoice(invoice_id)
    elif status == "PAID":
        pay(scene, payment(invoice_id, "100"))
    with pytest.raises(AccountingBadRequestException) as refused:
        pay(scene, payment(invoice_id, "1"))
    assert messages(refused.value) == ["Payments can only be made against Authorised documents"]


def test_only_bank_accounts_and_those_with_payments_enabled_take_payments(scene: XeroScene) -> None:
    invoice_id = scene.invoice("INV-1")
    with pytest.raises(AccountingBadRequestException):
        pay(scene, payment(invoice_id, "1", account=x.Account(code="200")))
    (made,) = pay(scene, payment(invoice_id, "1", account=x.Account(code="404")))
    assert made.account.code == "404"


def test_without_summarised_errors_each_item_has_its_own_outcome(scene: XeroScene) -> None:
    good, bad = scene.invoice("INV-1"), scene.invoice("INV-2")
    first, second = pay(scene, payment(good, "10"), payment(bad, "100.01"), summarize_errors=False)
    assert (first.status_attribute_string, first.has_validation_errors) == ("OK", False)
    assert (second.status_attribute_string, second.has_validation_errors) == ("ERROR", True)
    assert "exceeds the amount outstanding" in second.validation_errors[0].message
    assert [p["Amount"] for p in scene.books.payments.values()] == [Decimal("10.00")]


def test_one_idempotency_key_pays_once_for_six_minutes_and_refuses_another_body(scene: XeroScene) -> None:
    invoice_id = scene.invoice("INV-1")
    (first,) = pay(scene, payment(invoice_id, "10"), idempotency_key="k1")
    (again,) = pay(scene, payment(invoice_id, "10"), idempotency_key="k1")
    assert first.payment_id == again.payment_id
    assert len(scene.books.payments) == 1
    with pytest.raises(AccountingBadRequestException):
        pay(scene, payment(invoice_id, "11"), idempotency_key="k1")
    scene.clock.advance(minutes=7)
    (later,) = pay(scene, payment(invoice_id, "10"), idempotency_key="k1")
    assert later.payment_id != first.payment_id


def test_a_refusal_is_replayed_too(scene: XeroScene) -> None:
    invoice_id = scene.invoice("INV-1", "5.00")
    for _ in range(2):
        with pytest.raises(AccountingBadRequestException):
            pay(scene, payment(invoice_id, "10"), idempotency_key="k1")
        scene.books.edit_invoice(invoice_id, LineItems=[{"Description": "more", "UnitAmount": "50"}])
    assert not scene.books.payments


def test_a_batch_pays_several_invoices_and_is_undone_as_a_whole(scene: XeroScene) -> None:
    ids = [scene.invoice(f"INV-{n}") for n in range(3)]
    parts = [x.Payment(invoice=x.Invoice(invoice_id=i), amount=Decimal("100")) for i in ids]
    batch = x.BatchPayment(
        account=x.Account(account_id=account_id(scene, "090")), date=date(2026, 3, 2), payments=parts
    )
    answer = scene.api.create_batch_payment(scene.books.tenant_id, x.BatchPayments(batch_payments=[batch]))
    made = answer.batch_payments[0]
    assert (made.type, made.total_amount, len(made.payments)) == ("RECBATCH", 300, 3)
    assert {invoice_of(scene, i).status for i in ids} == {"PAID"}
    listed = scene.api.get_payments(scene.books.tenant_id, page=1).payments
    assert {p.batch_payment.batch_payment_id for p in listed} == {made.batch_payment_id}
    with pytest.raises(AccountingBadRequestException):
        scene.api.delete_payment(scene.books.tenant_id, listed[0].payment_id, x.PaymentDelete(status="DELETED"))
    gone = x.BatchPaymentDelete(batch_payment_id=made.batch_payment_id, status="DELETED")
    scene.api.delete_batch_payment(scene.books.tenant_id, gone)
    assert {invoice_of(scene, i).amount_due for i in ids} == {100}


def test_an_overpayment_is_a_credit_that_is_allocated_and_taken_back(scene: XeroScene) -> None:
    invoice_id = scene.invoice("INV-1")
    line = x.LineItem(description="too much", unit_amount=Decimal("30"), quantity=Decimal(1), account_code="610")
    money = x.BankTransaction(
        type="RECEIVE-OVERPAYMENT", contact=x.Contact(contact_id=scene.contact_id), line_items=[line],
        bank_account=x.Account(code="090"), date=date(2026, 3, 2),
    )  # fmt: skip
    tenant = scene.books.tenant_id
    made = scene.api.create_bank_transactions(tenant, x.BankTransactions(bank_transactions=[money]))
    overpayment_id = made.bank_transactions[0].overpayment_id
    part = x.Allocation(invoice=x.Invoice(invoice_id=invoice_id), amount=Decimal("30"), date=date(2026, 3, 3))
    scene.api.create_overpayment_allocations(tenant, overpayment_id, x.Allocations(allocations=[part]))
    credit = scene.api.get_overpayments(tenant, page=1).overpayments[0]
    assert (credit.remaining_credit, credit.status) == (0, "PAID")
    credited = invoice_of(scene, invoice_id)
    assert (credited.amount_due, credited.amount_credited, len(credited.overpayments)) == (70, 30, 1)
    with pytest.raises(AccountingBadRequestException):
        scene.api.create_overpayment_allocations(tenant, overpayment_id, x.Allocations(allocations=[part]))
    allocation_id = credit.allocations[0].allocation_id
    scene.api.delete_overpayment_allocations(tenant, overpayment_id, allocation_id)
    assert invoice_of(scene, invoice_id).amount_due == 100
    assert scene.books.overpayments[overpayment_id]["RemainingCredit"] == 30


def test_a_credit_note_covers_only_its_own_contact(scene: XeroScene) -> None:
    other = scene.books.add_contact(name="Other")
    note = scene.books.add_credit_note(
        contact_id=other, number="CN-1", total=Decimal("20"), currency="NZD", issued_on=date(2026, 1, 1)
    )
    theirs, ours = scene.invoice("INV-1", contact_id=other), scene.invoice("INV-2")
    with pytest.raises(Refused, match="same contact"):
        scene.books.allocate_credit(credit_note_id=note, invoice_id=ours, amount=Decimal("5"))
    part = x.Allocation(invoice=x.Invoice(invoice_id=theirs), amount=Decimal("20"), date=date(2026, 3, 3))
    scene.api.create_credit_note_allocation(scene.books.tenant_id, note, x.Allocations(allocations=[part]))
    shown = scene.api.get_credit_notes(scene.books.tenant_id, page=1).credit_notes[0]
    assert (shown.remaining_credit, shown.status, invoice_of(scene, theirs).amount_due) == (0, "PAID", 80)


def test_a_transfer_moves_money_between_bank_accounts(scene: XeroScene) -> None:
    scene.books.add_account(code="091", name="Clearing", type="BANK")
    move = x.BankTransfer(
        from_bank_account=x.Account(code="091"), to_bank_account=x.Account(code="090"), amount=Decimal("12.34")
    )
    made = scene.api.create_bank_transfer(scene.books.tenant_id, x.BankTransfers(bank_transfers=[move])).bank_transfers[
        0
    ]
    kinds = {t["Type"] for t in scene.books.bank_transactions.values()}
    assert (made.amount, kinds) == (Decimal("12.34"), {"SPEND-TRANSFER", "RECEIVE-TRANSFER"})


def test_lock_dates_and_reconciliation_resist_changes(scene: XeroScene) -> None:
    invoice_id = scene.invoice("INV-1")
    scene.books.period_lock_date = date(2026, 3, 2)
    with pytest.raises(AccountingBadRequestException, match="lock date"):
        pay(scene, payment(invoice_id, "10"))
    (made,) = pay(scene, payment(invoice_id, "10", date=date(2026, 3, 3)))
    scene.books.reconcile(made.payment_id)
    with pytest.raises(AccountingBadRequestException, match="reconciled"):
        scene.api.delete_payment(scene.books.tenant_id, made.payment_id, x.PaymentDelete(status="DELETED"))
    shown = scene.api.get_organisations(scene.books.tenant_id).organisations[0]
    assert shown.period_lock_date == date(2026, 3, 2)


def account_id(scene: XeroScene, code: str) -> str:
    return next(key for key, account in scene.books.accounts.items() if account["Code"] == code)
