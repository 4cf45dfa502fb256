"""Credit notes, transfers, rates and notes of the Xero stand-in, through the official SDK over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from xero_python import accounting as x  # type: ignore[import-untyped]
from xero_python.exceptions import AccountingBadRequestException  # type: ignore[import-untyped]

from tests.sandbox.xero_client import XeroScene, xero_scene

ON = date(2026, 3, 2)


@pytest.fixture
def scene() -> Iterator[XeroScene]:
    with xero_scene() as made:
        yield made


def note(scene: XeroScene, amount: str, *, tax: str = "OUTPUT2", types: str = "INCLUSIVE", account: str = "404") -> Any:  # noqa: ANN401
    line = x.LineItem(description="off", quantity=Decimal(1), unit_amount=Decimal(amount), account_code=account)
    line.tax_type = tax
    wanted = x.CreditNote(
        type="ACCRECCREDIT",
        status="AUTHORISED",
        contact=x.Contact(contact_id=scene.contact_id),
        date=ON,
        reference="ours",
        line_amount_types=getattr(x.LineAmountTypes, types),
        line_items=[line],
    )
    answer = scene.api.create_credit_notes(scene.books.tenant_id, x.CreditNotes(credit_notes=[wanted]))
    return answer.credit_notes[0]


def status(scene: XeroScene, credit_note_id: str, wanted: str) -> Any:  # noqa: ANN401 - the SDK is untyped
    change = x.CreditNotes(credit_notes=[x.CreditNote(credit_note_id=credit_note_id, status=wanted)])
    return scene.api.update_credit_note(scene.books.tenant_id, credit_note_id, change).credit_notes[0]


def messages(error: AccountingBadRequestException) -> list[str]:
    return [each["Message"] for element in error.error_data["Elements"] for each in element["ValidationErrors"]]


@pytest.mark.parametrize(
    ("types", "tax", "amounts"),
    [
        ("INCLUSIVE", "OUTPUT2", ("10.00", "2.00", "12.00")),
        ("EXCLUSIVE", "OUTPUT2", ("12.00", "2.40", "14.40")),
        ("EXCLUSIVE", "NONE", ("12.00", "0.00", "12.00")),
        ("NOTAX", "OUTPUT2", ("12.00", "0.00", "12.00")),
    ],
)
def test_tax_is_inside_or_on_top(scene: XeroScene, types: str, tax: str, amounts: tuple[str, str, str]) -> None:
    made = note(scene, "12.00", tax=tax, types=types)
    shown = (made.sub_total, made.total_tax, made.total)
    assert shown == tuple(Decimal(amount) for amount in amounts)
    assert made.remaining_credit == made.total


@pytest.mark.parametrize(("tax", "account", "word"), [("NEVER", "404", "TaxType"), ("OUTPUT2", "999", "Account code")])
def test_a_credit_note_with_unknown_parts_is_refused(scene: XeroScene, tax: str, account: str, word: str) -> None:
    with pytest.raises(AccountingBadRequestException) as refused:
        note(scene, "12.00", tax=tax, account=account)
    assert word in messages(refused.value)[0]
    assert not scene.books.credit_notes


def test_a_credit_note_is_voided_once_it_is_free(scene: XeroScene) -> None:
    made = note(scene, "12.00")
    invoice_id = scene.invoice("INV-1")
    part = x.Allocation(invoice=x.Invoice(invoice_id=invoice_id), amount=Decimal("12"), date=ON)
    tenant = scene.books.tenant_id
    scene.api.create_credit_note_allocation(tenant, made.credit_note_id, x.Allocations(allocations=[part]))
    assert scene.books.invoices[invoice_id]["AmountDue"] == Decimal(88)
    with pytest.raises(AccountingBadRequestException) as refused:
        status(scene, made.credit_note_id, "VOIDED")
    assert "allocated to it" in messages(refused.value)[0]
    (allocation,) = scene.api.get_credit_note(tenant, made.credit_note_id).credit_notes[0].allocations
    scene.books.period_lock_date = ON
    with pytest.raises(AccountingBadRequestException):
        scene.api.delete_credit_note_allocations(tenant, made.credit_note_id, allocation.allocation_id)
    scene.books.period_lock_date = None
    scene.api.delete_credit_note_allocations(tenant, made.credit_note_id, allocation.allocation_id)
    assert scene.books.invoices[invoice_id]["AmountDue"] == Decimal(100)
    assert (
        status(scene, made.credit_note_id, "VOIDED").status,
        scene.books.credit_notes[made.credit_note_id]["RemainingCredit"],
    ) == ("VOIDED", 0)


def test_a_transfer_is_deleted_with_both_its_sides(scene: XeroScene) -> None:
    scene.books.add_account(code="091", name="Savings", type="BANK")
    tenant = scene.books.tenant_id
    wanted = x.BankTransfer(
        from_bank_account=x.Account(code="090"), to_bank_account=x.Account(code="091"), amount=Decimal("5"), date=ON
    )
    made = scene.api.create_bank_transfer(tenant, x.BankTransfers(bank_transfers=[wanted])).bank_transfers[0]
    gone = x.BankTransferDeleteByUrlParam(status="DELETED")
    scene.api.delete_bank_transfer(tenant, made.bank_transfer_id, gone)
    assert {side["Status"] for side in scene.books.bank_transactions.values()} == {"DELETED"}
    assert scene.api.get_bank_transfers(tenant).bank_transfers == []
    assert len(scene.api.get_bank_transfers(tenant, include_deleted=True).bank_transfers) == 1


def test_a_payment_in_another_currency_has_a_rate_and_a_gain(scene: XeroScene) -> None:
    invoice_id = scene.invoice("INV-1", "75.00", currency="USD", rate=Decimal("0.75"))
    paid = x.Payment(
        invoice=x.Invoice(invoice_id=invoice_id), account=x.Account(code="090"), amount=Decimal("75"), date=ON
    )
    paid.currency_rate = Decimal("0.60")
    tenant = scene.books.tenant_id
    made = scene.api.create_payments(tenant, x.Payments(payments=[paid])).payments[0]
    assert (made.amount, made.bank_amount, made.currency_rate) == (75, 125, Decimal("0.6"))
    assert scene.books.realised_gains == {made.payment_id: Decimal("25.00")}
    scene.api.delete_payment(tenant, made.payment_id, x.PaymentDelete(status="DELETED"))
    assert scene.books.realised_gains == {}


def test_only_pages_say_what_a_contact_was_merged_into(scene: XeroScene) -> None:
    kept = scene.books.add_contact(name="Kept")
    scene.books.merge_contact(scene.contact_id, into=kept)
    tenant = scene.books.tenant_id
    without = scene.api.get_contacts(tenant, i_ds=[scene.contact_id]).contacts[0]
    paged = scene.api.get_contacts(tenant, i_ds=[scene.contact_id], page=1).contacts[0]
    assert (without.merged_to_contact_id, paged.merged_to_contact_id) == (None, kept)


def test_what_the_app_made_is_told_from_what_people_made(scene: XeroScene) -> None:
    scene.invoice("INV-1")
    line = x.LineItem(description="work", quantity=Decimal(1), unit_amount=Decimal(3), account_code="200")
    text = x.LineItem(description="words alone")
    wanted = x.Invoice(type="ACCREC", contact=x.Contact(contact_id=scene.contact_id), line_items=[line, text], date=ON)
    tenant = scene.books.tenant_id
    made = scene.api.create_invoices(tenant, x.Invoices(invoices=[wanted])).invoices[0]
    assert (made.status, made.total, len(made.line_items)) == ("DRAFT", 3, 2)
    listed = scene.api.get_invoices(tenant, created_by_my_app=True, page=1).invoices
    assert [each.invoice_id for each in listed] == [made.invoice_id]


def test_a_note_has_at_most_250_characters(scene: XeroScene) -> None:
    invoice_id = scene.invoice("INV-1")
    records = [x.HistoryRecords(history_records=[x.HistoryRecord(details="x" * size)]) for size in (250, 251)]
    scene.api.create_invoice_history(scene.books.tenant_id, invoice_id, records[0])
    with pytest.raises(AccountingBadRequestException):
        scene.api.create_invoice_history(scene.books.tenant_id, invoice_id, records[1])
    assert len(scene.books.history) == 1
