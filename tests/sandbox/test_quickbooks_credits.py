"""Journal credits, estimates, tax, own fields and exchange in the QuickBooks stand-in, through the official SDK."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from quickbooks.exceptions import QuickbooksException  # type: ignore[import-untyped]
from quickbooks.objects.estimate import Estimate  # type: ignore[import-untyped]
from quickbooks.objects.item import Item  # type: ignore[import-untyped]
from quickbooks.objects.payment import Payment  # type: ignore[import-untyped]
from quickbooks.objects.preferences import Preferences  # type: ignore[import-untyped]

from tests.sandbox.quickbooks_client import QuickBooksScene, quickbooks_scene

DAY = date(2026, 3, 1)


@pytest.fixture
def scene() -> Iterator[QuickBooksScene]:
    with quickbooks_scene() as made:
        yield made


def post(scene: QuickBooksScene, path: str, **body: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    answer: dict[str, Any] = scene.call("POST", path, json=body).json()
    return answer


def code(answer: dict[str, Any]) -> str:
    return str(answer["Fault"]["Error"][0]["code"])


def journal(scene: QuickBooksScene, amount: str, customer: str = "") -> dict[str, Any]:
    receivables = scene.books.receivables_account("USD")
    entity = {"Entity": {"Type": "Customer", "EntityRef": {"value": customer}}} if customer else {}
    sides: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("Debit", scene.income_id, {}),
        ("Credit", receivables, entity),
    )
    lines = [
        {
            "Amount": amount,
            "DetailType": "JournalEntryLineDetail",
            "JournalEntryLineDetail": {"PostingType": side, "AccountRef": {"value": account}, **more},
        }
        for side, account, more in sides
    ]
    return post(scene, "/journalentry", Line=lines)


def test_a_journal_credit_pays_an_invoice_and_is_freed_again(scene: QuickBooksScene) -> None:
    invoice_id = scene.invoice("1001")
    assert code(journal(scene, "30")) == "6000"  # receivables without a customer
    entry = journal(scene, "30", scene.customer_id)["JournalEntry"]
    assert scene.books.customers[scene.customer_id]["Balance"] == 70
    with pytest.raises(QuickbooksException):
        scene.payment("0", ("Invoice", invoice_id, "31"), ("JournalEntry", entry["Id"], "31")).save(qb=scene.api)
    made = scene.payment("0", ("Invoice", invoice_id, "20"), ("JournalEntry", entry["Id"], "20")).save(qb=scene.api)
    assert scene.books.invoices[invoice_id]["Balance"] == 80
    assert scene.books.customers[scene.customer_id]["Balance"] == 70
    with pytest.raises(QuickbooksException):
        scene.payment("0", ("Invoice", invoice_id, "11"), ("JournalEntry", entry["Id"], "11")).save(qb=scene.api)
    token = scene.books.journal_entries[entry["Id"]]["SyncToken"]
    post(scene, "/journalentry?operation=delete", Id=entry["Id"], SyncToken=token)
    assert scene.books.invoices[invoice_id]["Balance"] == 100
    assert scene.books.payments[made.Id]["UnappliedAmt"] == 0
    assert scene.books.customers[scene.customer_id]["Balance"] == 100


def test_an_estimate_owes_nothing_until_it_is_an_invoice(scene: QuickBooksScene) -> None:
    body = {"CustomerRef": {"value": scene.customer_id}, "DueDate": "2026-05-01"}
    line = {"Amount": 50, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {"ItemRef": {"value": "1"}}}
    identity = post(scene, "/estimate", **body, Line=[line])["Estimate"]["Id"]
    kept = Estimate.get(identity, qb=scene.api)
    assert (kept.TxnStatus, kept.TotalAmt) == ("Pending", 50)
    assert scene.books.customers[scene.customer_id]["Balance"] == 0
    invoice = scene.books.invoices[scene.books.convert_estimate(identity, number="77")]
    assert (invoice["Balance"], invoice["DueDate"]) == (50, "2026-05-01")
    assert Estimate.get(identity, qb=scene.api).TxnStatus == "Closed"
    wrong = line | {"SalesItemLineDetail": {"ItemRef": {"value": "99"}}}
    assert code(post(scene, "/estimate", **body, Line=[wrong])) == "2500"


def test_an_item_sells_through_an_account_of_income_or_expense(scene: QuickBooksScene) -> None:
    assert [item.Name for item in Item.all(qb=scene.api)] == ["Services"]
    made = post(scene, "/item", Name="Training", Type="Service", IncomeAccountRef={"value": scene.income_id})
    assert made["Item"]["Id"] == "2"
    assert code(post(scene, "/item", Name="Bank", Type="Service", IncomeAccountRef={"value": scene.bank_id})) == "6430"
    assert code(post(scene, "/item", Name="Training", IncomeAccountRef={"value": scene.income_id})) == "6240"


@pytest.mark.parametrize(
    ("net", "gross", "total", "tax"), [("8.34", "10.01", 10.01, 1.67), ("8.33", None, 10.0, 1.67), ("9", "10.01", 0, 0)]
)
def test_tax_is_worked_out_from_the_net(
    scene: QuickBooksScene, net: str, gross: str | None, total: float, tax: float
) -> None:
    rate = scene.books.add_tax_code(name="20% S", percent=Decimal("20"))
    detail = {"ItemRef": {"value": "1"}, "TaxCodeRef": {"value": rate}} | ({"TaxInclusiveAmt": gross} if gross else {})
    line = {"Amount": net, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail}
    mode = "TaxInclusive" if gross else "TaxExcluded"
    answer = post(
        scene, "/creditmemo", CustomerRef={"value": scene.customer_id}, GlobalTaxCalculation=mode, Line=[line]
    )
    if not total:
        assert code(answer) == "6070"
        return
    memo = answer["CreditMemo"]
    assert (memo["TotalAmt"], memo["TxnTaxDetail"]["TotalTax"], memo["RemainingCredit"]) == (total, tax, total)


def test_own_fields_are_known_by_their_definition(scene: QuickBooksScene) -> None:
    scene.books.custom_field_names = {"1": "Crew", "2": "P.O. Number"}
    invoice_id = scene.invoice("1001")

    def update(*fields: dict[str, str]) -> dict[str, Any]:
        token = scene.books.invoices[invoice_id]["SyncToken"]
        return post(scene, "/invoice", Id=invoice_id, SyncToken=token, sparse=True, CustomField=list(fields))

    update({"DefinitionId": "1", "StringValue": "north"})
    shown = update({"DefinitionId": "2", "StringValue": "4711"}, {"StringValue": "lost"})["Invoice"]["CustomField"]
    assert [field.get("StringValue") for field in shown] == ["north", "4711"]
    assert code(update({"DefinitionId": "2", "StringValue": "x" * 32})) == "2050"
    prefs = Preferences.get(qb=scene.api).SalesFormsPrefs.CustomField
    assert prefs[1]["CustomField"][1]["StringValue"] == "P.O. Number"


def test_foreign_money_realises_a_difference_and_needs_a_fitting_account(scene: QuickBooksScene) -> None:
    books = scene.books
    books.rates["EUR"] = Decimal("1.10")
    customer = books.add_customer(name="Lyon", currency="EUR")
    invoice_id = scene.invoice("E1", "200.00", customer_id=customer, currency="EUR")
    body = {"CustomerRef": {"value": customer}, "CurrencyRef": {"value": "EUR"}, "TotalAmt": 200, "ExchangeRate": 1.05}
    body["Line"] = [{"Amount": 200, "LinkedTxn": [{"TxnId": invoice_id, "TxnType": "Invoice"}]}]
    pounds = books.add_account(name="Pounds", type="Bank", currency="GBP")
    assert code(post(scene, "/payment", **body, DepositToAccountRef={"value": pounds})) == "6000"
    made = post(scene, "/payment", **body, DepositToAccountRef={"value": scene.bank_id})["Payment"]
    (loss,) = (each for each in books.accounts.values() if each["Name"] == "Exchange Gain or Loss")
    assert loss["CurrentBalance"] == 10
    Payment.get(made["Id"], qb=scene.api).delete(qb=scene.api)
    assert (loss["CurrentBalance"], books.invoices[invoice_id]["Balance"]) == (0, 200)


def test_reconciled_money_resists(scene: QuickBooksScene) -> None:
    banked = scene.books.add_payment(
        customer_id=scene.customer_id, lines=[], total=Decimal("5"), paid_on=DAY, deposit_to=scene.bank_id
    )
    scene.books.reconcile(banked)
    token = scene.books.payments[banked]["SyncToken"]
    for operation in ("delete", "void"):
        assert code(post(scene, f"/payment?operation={operation}", Id=banked, SyncToken=token)) == "6480"
    assert code(post(scene, "/payment", Id=banked, SyncToken=token, sparse=True, TotalAmt=6)) == "6480"


def test_a_merge_moves_debts_and_is_told_with_both_ids(scene: QuickBooksScene) -> None:
    books = scene.books
    twin = books.add_customer(name="Twin")
    invoice_id = scene.invoice("1001", customer_id=twin)
    scene.standin.subscribe("http://127.0.0.1:9/unused")
    books.merge_customers(kept_id=scene.customer_id, gone_id=twin)
    assert books.invoices[invoice_id]["CustomerRef"]["value"] == scene.customer_id
    assert books.customers[scene.customer_id]["Balance"] == 100
    changed = scene.call("GET", "/cdc", params={"entities": "Customer", "changedSince": "2026-03-03T00:00:00Z"}).json()
    told = changed["CDCResponse"][0]["QueryResponse"][0]["Customer"]
    assert [(each["Id"], each.get("status")) for each in told if each["Id"] == twin] == [(twin, "Deleted")]
