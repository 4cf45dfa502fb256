"""Credits in QuickBooks: allocating them, writing invoices down with them, and what resists being undone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from werkzeug.wrappers import Request, Response

from connectors.contract import ListsTaxCodes
from connectors.errors import Reject, Retry
from connectors.intents import AllocateCredit, EditDocument, Intent, PostReceipt, UndoPosting, WriteDown
from connectors.records import Kind, PaymentFields, PaymentLine, TaxCode
from receivables.money import Money
from sandbox.quickbooks import QuickBooksStandIn
from tests.connectors.ledger_suite import (
    PAID_ON,
    Install,
    Ledger,
    charge,
    done,
    gbp,
    intercept,
    is_write,
    read,
    receipt,
    write_one,
)
from tests.connectors.lookups import find_one
from tests.connectors.quickbooks_company import books_of, ledger

__all__ = ["intercept", "ledger"]


def allocation(ledger: Ledger, lines: dict[int, str], *, key: str = "credit") -> AllocateCredit:
    (credit,) = books_of(ledger).credit_memos
    paid = tuple(PaymentLine(ledger.invoices[index], gbp(amount)) for index, amount in lines.items())
    return AllocateCredit(key, ledger.customer, credit, PAID_ON, paid)


def write_down(ledger: Ledger, amount: str, *, tax_code: str = "", account: str = "", key: str = "w") -> WriteDown:
    return WriteDown(
        key=key,
        customer_external_id=ledger.customer,
        document_external_id=ledger.invoices[2],
        on=PAID_ON,
        amount=gbp(amount),
        reason="bad debt",
        account=account or ledger.fees,
        tax_code=tax_code,
        reference=f"TrueDue {key}",
    )


def lose_answer(ledger: Ledger, *, of: str) -> Callable[[Request, Callable[[], Response]], Response]:
    """Carry out the write whose address ends in `of` and lose the answer."""

    def lose(request: Request, handle: Callable[[], Response]) -> Response:
        response = handle()
        if not is_write(request) or not request.path.endswith(of):
            return response
        ledger.standin.interceptor = None
        return Response(status=502)

    return lose


def state(ledger: Ledger) -> tuple[list[Decimal], int, int, Decimal]:
    books = books_of(ledger)
    open_amounts = [ledger.balance(invoice) for invoice in ledger.invoices]
    owed = Decimal(books.customers[ledger.customer]["Balance"])
    return open_amounts, ledger.postings(), len(books.credit_memos), owed


def test_a_credit_is_set_against_invoices_once_and_undone(ledger: Ledger) -> None:
    before = state(ledger)
    intent = allocation(ledger, {1: "5.00", 2: "2.00"})
    assert find_one(ledger.connector, intent) is None
    ids = done(write_one(ledger, intent)).external_ids
    assert [ledger.balance(ledger.invoices[index]) for index in (1, 2)] == [Decimal("5.10"), Decimal("98.00")]
    (memo,) = books_of(ledger).credit_memos.values()
    assert memo["RemainingCredit"] == 0
    assert done(write_one(ledger, intent)).external_ids == ids
    found = find_one(ledger.connector, intent)
    assert found is not None
    assert found.external_ids == ids
    fields = read(ledger, Kind.PAYMENT)[ids[0]].fields
    assert isinstance(fields, PaymentFields)
    assert (fields.amount, fields.unapplied, sum(line.amount.minor for line in fields.lines)) == (gbp("0"), gbp("0"), 0)
    assert "credit" in fields.reference
    done(write_one(ledger, UndoPosting("undo", ids)))
    assert state(ledger) == before


def test_allocations_and_receipts_share_a_call(ledger: Ledger) -> None:
    calls = sum(ledger.standin.calls.values())
    intents: list[Intent] = [receipt(ledger, "r", {3: "1"}), allocation(ledger, {1: "1"})]
    intents.append(allocation(ledger, {2: "6.01"}, key="too much"))
    outcomes = ledger.connector.write(intents)
    assert sum(ledger.standin.calls.values()) - calls == 1
    done(outcomes[0])
    done(outcomes[1])
    assert isinstance(outcomes[2], Reject)
    assert ledger.balance(ledger.invoices[2]) == 100


def test_a_write_down_is_a_journal_entry_on_the_named_account(ledger: Ledger) -> None:
    before = state(ledger)
    intent = write_down(ledger, "40.00")
    assert find_one(ledger.connector, intent) is None
    entry_id, payment_id = done(write_one(ledger, intent)).external_ids
    assert ledger.balance(ledger.invoices[2]) == 60
    books = books_of(ledger)
    sides = {
        books.accounts[line["JournalEntryLineDetail"]["AccountRef"]["value"]]["Name"]: (
            line["JournalEntryLineDetail"]["PostingType"],
            line["Amount"],
        )
        for line in books.journal_entries[entry_id]["Line"]
    }
    assert sides == {"Bank fees": ("Debit", 40), "Accounts Receivable (A/R)": ("Credit", 40)}
    assert books.customers[ledger.customer]["Balance"] == before[3] - 40
    fields = read(ledger, Kind.PAYMENT)[payment_id].fields
    assert isinstance(fields, PaymentFields)
    assert fields.lines == (PaymentLine(ledger.invoices[2], gbp("40")), PaymentLine(entry_id, gbp("-40")))
    written = state(ledger)
    assert done(write_one(ledger, intent)).external_ids == (entry_id, payment_id)
    assert state(ledger) == written
    undo = UndoPosting("undo", (entry_id, payment_id))
    assert find_one(ledger.connector, undo) is None
    done(write_one(ledger, undo))
    assert find_one(ledger.connector, undo) is not None
    assert state(ledger) == before


@pytest.mark.parametrize("hidden", ["all of it", "its payment"])
def test_what_a_lagging_query_does_not_show_is_taken_back_all_the_same(
    ledger: Ledger, intercept: Install, hidden: str
) -> None:
    before = state(ledger)
    ids = done(write_one(ledger, receipt(ledger, "r", {1: "10.10"}, fee="0.10", fee_account=ledger.fees))).external_ids
    shown = "FROM Payment" if hidden == "its payment" else "FROM "

    def lag(request: Request, handle: Callable[[], Response]) -> Response:
        if request.path.endswith("/query") and shown in request.get_data(as_text=True):
            return Response('{"QueryResponse": {}}', content_type="application/json")
        return handle()

    intercept(lag)
    undo = UndoPosting("undo", ids)
    assert find_one(ledger.connector, undo) is None
    done(write_one(ledger, undo))
    assert state(ledger) == before
    assert find_one(ledger.connector, undo) is not None


@pytest.mark.parametrize("tax_code", ["", "20%"])
@pytest.mark.parametrize("lost", ["first", "second"])
def test_a_write_down_cut_off_anywhere_is_completed_once(
    ledger: Ledger, intercept: Install, tax_code: str, lost: str
) -> None:
    books = books_of(ledger)
    code = books.add_tax_code(name="20% S", percent=Decimal("20")) if tax_code else ""
    first = "/creditmemo" if code else "/journalentry"
    intent = write_down(ledger, "40.00", tax_code=code)
    intercept(lose_answer(ledger, of=first if lost == "first" else "/payment"))
    outcome = write_one(ledger, intent)
    assert isinstance(outcome, Retry)
    assert outcome.ambiguous
    ledger.time.sleep(3600 * 25)  # by now no answer is replayed
    found = find_one(ledger.connector, intent)
    assert found is not None
    assert ledger.balance(ledger.invoices[2]) == 60
    assert (len(books.journal_entries) + len(books.credit_memos) - 1, len(books.payments)) == (1, 1)
    again = find_one(ledger.connector, intent)
    assert again is not None
    assert again.external_ids == found.external_ids


@pytest.mark.parametrize("percent", ["", "20", "5", "7.7"])
def test_a_refused_write_down_leaves_nothing_behind(ledger: Ledger, percent: str) -> None:
    code = books_of(ledger).add_tax_code(name="T", percent=Decimal(percent)) if percent else ""
    before = state(ledger)
    outcome = write_one(ledger, write_down(ledger, "100.01", tax_code=code))
    assert isinstance(outcome, Reject)
    assert outcome.remedy
    assert state(ledger) == before


def test_a_write_down_with_a_tax_code_lowers_the_tax_under_it(ledger: Ledger) -> None:
    books = books_of(ledger)
    before = state(ledger)
    code = books.add_tax_code(name="20% S", percent=Decimal("20"))
    memo_id, payment_id = done(write_one(ledger, write_down(ledger, "10.01", tax_code=code))).external_ids
    memo = books.credit_memos[memo_id]
    assert (memo["TotalAmt"], memo["TxnTaxDetail"]["TotalTax"], memo["Balance"]) == (
        Decimal("10.01"),
        Decimal("1.67"),
        0,
    )
    item = books.items[memo["Line"][0]["SalesItemLineDetail"]["ItemRef"]["value"]]
    assert item["IncomeAccountRef"]["value"] == ledger.fees
    assert ledger.balance(ledger.invoices[2]) == Decimal("89.99")
    done(write_one(ledger, UndoPosting("undo", (memo_id, payment_id))))
    assert state(ledger) == before


def test_a_tax_that_quickbooks_works_out_otherwise_is_taken_back(ledger: Ledger, intercept: Install) -> None:
    code = books_of(ledger).add_tax_code(name="20% S", percent=Decimal("20"))
    before = state(ledger)

    def otherwise(request: Request, handle: Callable[[], Response]) -> Response:
        response = handle()
        if request.path.endswith("/creditmemo"):
            response.set_data(response.get_data().replace(b'"TotalAmt": 12.0', b'"TotalAmt": 12.01'))
        return response

    intercept(otherwise)
    outcome = write_one(ledger, write_down(ledger, "12.00", tax_code=code))
    assert isinstance(outcome, Reject)
    assert outcome.code == "tax_amount"
    assert state(ledger) == before


@pytest.mark.parametrize(
    ("tax_code", "account", "code"), [("99", "", "no_tax_rate"), ("1", "bank", "6430"), ("", "987654", "2500")]
)
def test_what_a_write_down_lacks_is_named(ledger: Ledger, tax_code: str, account: str, code: str) -> None:
    books_of(ledger).add_tax_code(name="20% S", percent=Decimal("20"))
    before = state(ledger)
    intent = write_down(ledger, "1", tax_code=tax_code, account=ledger.bank if account == "bank" else account)
    outcome = write_one(ledger, intent)
    assert isinstance(outcome, Reject), repr(outcome)
    assert outcome.code == code
    assert outcome.remedy
    assert state(ledger) == before


def test_a_foreign_write_down_goes_through_the_receivables_of_its_currency(ledger: Ledger) -> None:
    books = books_of(ledger)
    customer = books.add_customer(name="Lyon", currency="EUR")
    intent = WriteDown(
        "eur", customer, "987654", PAID_ON, Money.parse("5", "EUR"), "small", ledger.fees, "", "TrueDue eur"
    )
    early = write_one(ledger, intent)
    assert isinstance(early, Reject)
    assert early.code == "no_receivables_account"
    issued = PAID_ON - timedelta(days=40)
    invoice = books.add_invoice(
        customer_id=customer, number="E1", total=Decimal("50"), currency="EUR", issued_on=issued, due_on=PAID_ON
    )
    later = replace(intent, key="later", document_external_id=invoice)
    done(write_one(ledger, later))
    assert ledger.balance(invoice) == 45


def test_closed_books_refuse_with_a_remedy(ledger: Ledger) -> None:
    ids = done(write_one(ledger, receipt(ledger, "early", {2: "10"}))).external_ids
    books_of(ledger).book_close_date = PAID_ON
    before = state(ledger)
    tries: list[Intent] = [
        receipt(ledger, "late", {2: "10"}),
        receipt(ledger, "late with a fee", {2: "10"}, fee="1"),
        allocation(ledger, {1: "1"}),
        write_down(ledger, "1"),
        UndoPosting("undo", ids),
    ]
    for intent in tries:
        outcome = write_one(ledger, intent)
        assert isinstance(outcome, Reject), repr(outcome)
        assert (outcome.code, "closed" in outcome.remedy) == ("6210", True)
    assert state(ledger) == before


def test_what_closed_books_refused_is_done_once_they_are_open(ledger: Ledger) -> None:
    undone = done(write_one(ledger, receipt(ledger, "early", {2: "10"}))).external_ids
    books, invoice = books_of(ledger), ledger.invoices[2]
    token = str(books.invoices[invoice]["SyncToken"])
    refused: list[Intent] = [UndoPosting("undo", undone), EditDocument("edit", invoice, token, purchase_order="PO-1")]
    books.book_close_date = PAID_ON
    for intent in refused:
        assert isinstance(write_one(ledger, intent), Reject)
    books.book_close_date = None
    for intent in reversed(refused):
        done(write_one(ledger, intent))
    assert ledger.balance(invoice) == 100


def test_reconciled_and_deposited_money_resists_undo(ledger: Ledger) -> None:
    books = books_of(ledger)
    plain = done(write_one(ledger, receipt(ledger, "plain", {2: "10"}))).external_ids
    with_fee = done(write_one(ledger, receipt(ledger, "fee", {3: "10"}, fee="1"))).external_ids
    books.reconcile(plain[0])
    books.reconcile(with_fee[1])
    theirs = ledger.add_payment(ledger.invoices[4], "12")
    books.payments[theirs]["DepositToAccountRef"] = {"value": books.undeposited_funds_id}
    link = [{"TxnId": theirs, "TxnType": "Payment", "TxnLineId": "0"}]
    line = {"Amount": Decimal(12), "LinkedTxn": link}
    books.create("Deposit", {"DepositToAccountRef": {"value": ledger.bank}, "Line": [line]})
    before = state(ledger)
    for ids, code in ((plain, "6480"), (with_fee, "6480"), ((theirs,), "6540")):
        outcome = write_one(ledger, UndoPosting(f"undo {code} {ids}", ids))
        assert isinstance(outcome, Reject), repr(outcome)
        assert outcome.code == code
        assert "first" in outcome.remedy
    assert state(ledger) == before


def test_money_banked_in_the_home_currency_realises_the_difference(ledger: Ledger) -> None:
    books = books_of(ledger)
    books.rates["EUR"] = Decimal("0.85")
    customer = books.add_customer(name="Lyon", currency="EUR")
    issued = PAID_ON - timedelta(days=40)
    invoice = books.add_invoice(
        customer_id=customer, number="E1", total=Decimal("333.33"), currency="EUR", issued_on=issued, due_on=PAID_ON
    )
    eur = PostReceipt(
        key="eur",
        customer_external_id=customer,
        received_on=PAID_ON,
        account=ledger.bank,
        reference="TrueDue eur",
        lines=(PaymentLine(invoice, Money.parse("333.33", "EUR")),),
        unapplied=Money.zero("EUR"),
        fee=Money.parse("3.33", "EUR"),
        fee_account=ledger.fees,
        banked=gbp("287.11"),
    )
    ids = done(write_one(ledger, eur)).external_ids
    deposit = books.deposits[ids[1]]
    assert deposit["TotalAmt"] == Decimal("330.00")
    assert (deposit["TotalAmt"] * Decimal(str(deposit["ExchangeRate"]))).quantize(Decimal("0.01")) == Decimal("287.11")
    (gain,) = (each for each in books.accounts.values() if each["Name"] == "Exchange Gain or Loss")
    paid = (Decimal("333.33") * Decimal(str(books.payments[ids[0]]["ExchangeRate"]))).quantize(Decimal("0.01"))
    assert gain["CurrentBalance"] == Decimal("283.33") - paid < 0  # an expense: a gain lowers it
    done(write_one(ledger, UndoPosting("undo", ids)))
    assert gain["CurrentBalance"] == 0
    refused = write_one(ledger, replace(eur, key="third", banked=Money.parse("360", "USD")))
    assert isinstance(refused, Reject)
    assert refused.code == "account_currency"


def test_a_charge_under_a_tax_code_asks_for_what_was_decided_tax_included(ledger: Ledger) -> None:
    books = books_of(ledger)
    code = books.add_tax_code(name="20% S", percent=Decimal("20"))
    made = books.invoices[done(write_one(ledger, charge(ledger, "c", tax_code=code))).external_ids[0]]
    assert (made["TotalAmt"], made["TxnTaxDetail"]["TotalTax"]) == (Decimal("73.22"), Decimal("12.21"))
    assert (made["EmailStatus"], made["PrivateNote"]) == ("NeedToSend", "INV-2 c")


def test_a_charge_that_quickbooks_makes_another_amount_of_is_taken_back(ledger: Ledger, intercept: Install) -> None:
    books = books_of(ledger)
    code = books.add_tax_code(name="20% S", percent=Decimal("20"))
    before = set(books.invoices)

    def a_cent_more(request: Request, handle: Callable[[], Response]) -> Response:
        answer = handle()
        if request.path.endswith("/invoice") and request.args.get("operation") is None:
            answer.set_data(answer.get_data(as_text=True).replace("73.22", "73.23"))
        return answer

    intercept(a_cent_more)
    outcome = write_one(ledger, charge(ledger, "c", tax_code=code))
    assert isinstance(outcome, Reject)
    assert (outcome.code, bool(outcome.remedy)) == ("tax_amount", True)
    assert set(books.invoices) == before


def test_only_active_tax_codes_with_rates_for_sales_can_be_chosen(ledger: Ledger) -> None:
    books = books_of(ledger)
    code = books.add_tax_code(name="20% S", percent=Decimal("20"))
    assert isinstance(ledger.connector, ListsTaxCodes)
    before = ledger.standin.calls.total()
    assert ledger.connector.tax_codes() == (TaxCode(code, "20% S", Decimal(20)),)
    assert ledger.standin.calls.total() == before + 2
    books.entities["TaxCode"][code]["Active"] = False
    assert ledger.connector.tax_codes() == ()


def test_in_the_united_states_a_line_bears_no_tax_of_ours(ledger: Ledger) -> None:
    assert isinstance(ledger.standin, QuickBooksStandIn)
    american = ledger.standin.add_company(name="Acme Inc", home_currency="USD")
    american.add_tax_code(name="California", percent=Decimal("8"))  # of the whole invoice there, never of a line
    books, _ = ledger.standin.companies.values()
    books.entities |= {name: american.entities[name] for name in ("TaxCode", "TaxRate")}
    assert isinstance(ledger.connector, ListsTaxCodes)
    assert ledger.connector.tax_codes() == (TaxCode("NON", "NON", Decimal(0)),)
