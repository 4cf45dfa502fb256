"""Edits in batches, drafts, order numbers and call limits in QuickBooks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from werkzeug.wrappers import Request, Response

from connectors.errors import Reject, Retry, Stale
from connectors.intents import Done, DraftInvoice, EditCustomer, EditDocument, Intent, UndoPosting
from connectors.records import DocumentFields, Kind
from receivables.document import DocumentStatus
from tests.connectors.ledger_suite import Install, Ledger, done, gbp, intercept, read, receipt, write_one
from tests.connectors.lookups import find_one
from tests.connectors.quickbooks_company import books_of, ledger

__all__ = ["intercept", "ledger"]

DUE = date(2026, 12, 24)


def invoice(ledger: Ledger, index: int) -> DocumentFields:
    fields = read(ledger, Kind.INVOICE)[ledger.invoices[index]].fields
    assert isinstance(fields, DocumentFields)
    return fields


def draft(ledger: Ledger, *, order: str | None = None, key: str = "d") -> DraftInvoice:
    income = next(each["Id"] for each in books_of(ledger).accounts.values() if each["AccountType"] == "Income")
    return DraftInvoice(
        key=key,
        customer_external_id=ledger.customer,
        description="Two days of work",
        amount=gbp("1200.00"),
        issued_on=date(2026, 11, 16),
        due_on=DUE,
        account=income,
        purchase_order=order,
        reference=f"TrueDue {key}",
    )


def test_a_thousand_edits_take_36_calls(ledger: Ledger) -> None:
    books = books_of(ledger)
    day = date(2026, 10, 1)
    ids = [
        books.add_invoice(
            customer_id=ledger.customer, number=f"M{n}", total=Decimal(1), currency="GBP", issued_on=day, due_on=day
        )
        for n in range(1000)
    ]
    books.edit_invoice(ids[500], DueDate="2026-11-11")
    edits = [EditDocument(f"e{identity}", identity, "0", DUE, f"PO-{identity}") for identity in ids]
    edits[501] = replace(edits[501], purchase_order="x" * 32)
    calls = sum(ledger.standin.calls.values())
    outcomes = ledger.connector.write(edits)
    assert sum(ledger.standin.calls.values()) - calls <= 36
    assert ledger.standin.avoidable_429 == 0
    refused = {index for index, outcome in enumerate(outcomes) if isinstance(outcome, Reject)}
    assert refused == {500, 501}
    assert isinstance(outcomes[500], Stale)
    assert not isinstance(outcomes[501], Stale)
    for identity in set(ids) - {ids[500], ids[501]}:
        record = books.invoices[identity]
        assert (record["DueDate"], record["CustomField"][0]["StringValue"]) == ("2026-12-24", f"PO-{identity}")
        assert done(outcomes[ids.index(identity)]).version == record["SyncToken"]


def test_an_order_number_leaves_the_other_fields_alone(ledger: Ledger) -> None:
    books = books_of(ledger)
    books.custom_field_names = {"1": "Crew", "3": "PO #"}
    identity = ledger.invoices[2]
    books.edit_invoice(identity, CustomField=[{"DefinitionId": "1", "StringValue": "north"}], PrivateNote="call first")
    assert (invoice(ledger, 2).purchase_order, invoice(ledger, 2).note) == ("", "call first")
    edit = EditDocument("po", identity, books.invoices[identity]["SyncToken"], purchase_order="4711")
    assert find_one(ledger.connector, edit) is None
    done(write_one(ledger, edit))
    assert find_one(ledger.connector, edit) is not None
    shown = invoice(ledger, 2)
    assert (shown.purchase_order, shown.note, shown.due_on) == ("4711", "call first", date(2026, 10, 31))
    assert books.invoices[identity]["CustomField"][0]["StringValue"] == "north"
    cleared = replace(edit, key="none", version=books.invoices[identity]["SyncToken"], purchase_order="")
    done(write_one(ledger, cleared))
    assert invoice(ledger, 2).purchase_order == ""


def test_a_company_without_a_field_for_order_numbers_says_so(ledger: Ledger) -> None:
    books_of(ledger).custom_field_names = {"1": "Crew"}
    books_of(ledger).unused_field_names = {"3": "PO #"}
    for record in books_of(ledger).invoices.values():
        record["CustomField"] = []
    assert invoice(ledger, 2).purchase_order is None
    both = EditDocument("both", ledger.invoices[2], "0", DUE, "4711")
    alone = EditDocument("alone", ledger.invoices[3], "0", purchase_order="4711")
    writes = ledger.standin.calls["POST /v3/company/<realm_id>/batch"]
    outcomes = ledger.connector.write([both, alone])
    assert [outcome.code for outcome in outcomes if isinstance(outcome, Reject)] == ["no_order_field"] * 2
    assert ledger.standin.calls["POST /v3/company/<realm_id>/batch"] == writes
    assert invoice(ledger, 2).due_on == DUE  # what has a field is written


def test_edits_of_invoices_and_customers_share_a_call(ledger: Ledger) -> None:
    other = books_of(ledger).add_customer(name="Other", email="other@example.com")
    edits: list[Intent] = [EditDocument(f"d{n}", ledger.invoices[n], "0", DUE) for n in (1, 2)]
    edits += [
        EditCustomer("c1", ledger.customer, "9", "a@example.com"),
        EditCustomer("c2", other, "0", "b@example.com"),
    ]
    edits += [EditCustomer("c3", "987654", "0", "b@example.com")]
    outcomes = ledger.connector.write(edits)
    for outcome in (outcomes[0], outcomes[1], outcomes[3]):
        done(outcome)
    assert isinstance(outcomes[2], Stale)
    assert not isinstance(outcomes[4], Retry)
    same = EditDocument("same", ledger.invoices[1], "0", DUE)
    late = EditDocument("late", ledger.invoices[2], "0", date(2026, 12, 31))
    first, second = ledger.connector.write([same, late])
    done(first)  # our own change, whose answer was lost, made the version old
    assert isinstance(second, Stale)


def test_a_draft_is_an_estimate_until_a_person_makes_it_an_invoice(ledger: Ledger) -> None:
    books = books_of(ledger)
    books.custom_field_names = {}
    before = (set(read(ledger, Kind.INVOICE)), books.customers[ledger.customer]["Balance"])
    intent = draft(ledger, order="4711")
    assert find_one(ledger.connector, intent) is None
    (identity,) = done(write_one(ledger, intent)).external_ids
    estimate = books.entities["Estimate"][identity]
    assert (estimate["TxnStatus"], estimate["EmailStatus"], estimate["TotalAmt"]) == ("Pending", "NotSet", 1200)
    assert "4711" in estimate["PrivateNote"]  # this company has no field for it
    assert (set(read(ledger, Kind.INVOICE)), books.customers[ledger.customer]["Balance"]) == before
    ledger.time.sleep(3600 * 25)
    found = find_one(ledger.connector, intent)
    assert found is not None
    assert found.external_ids == (identity,)
    made = books.convert_estimate(identity, number="INV-77")
    fields = read(ledger, Kind.INVOICE)[made].fields
    assert isinstance(fields, DocumentFields)
    assert (fields.drafted_as_external_id, fields.number, fields.due_on) == (identity, "INV-77", DUE)
    assert (fields.status, fields.balance) == (DocumentStatus.OPEN, gbp("1200"))
    refused = write_one(ledger, UndoPosting("undo", (identity,)))
    assert isinstance(refused, Reject)
    assert refused.code == "draft_invoiced"


def test_a_draft_names_its_order_and_its_account_and_is_taken_back(ledger: Ledger) -> None:
    books = books_of(ledger)
    books.custom_field_names = {"1": "Purchase order no."}
    other = books.add_account(name="Training", type="Income")
    intents = [replace(draft(ledger, order=f"47-{n}", key=f"d{n}"), account=other) for n in range(2)]
    ids = [done(outcome).external_ids[0] for outcome in ledger.connector.write(intents)]
    for number, identity in enumerate(ids):
        record = books.entities["Estimate"][identity]
        assert record["CustomField"][0]["StringValue"] == f"47-{number}"
        item = books.items[record["Line"][0]["SalesItemLineDetail"]["ItemRef"]["value"]]
        assert item["IncomeAccountRef"]["value"] == other
    assert len(books.items) == 2
    done(write_one(ledger, replace(intents[0], key="third", reference="TrueDue third")))
    assert len(books.items) == 2  # made once, found afterwards
    done(write_one(ledger, UndoPosting("undo", (ids[0],))))
    assert ids[0] not in books.entities["Estimate"]


def test_batches_keep_their_own_limit(ledger: Ledger) -> None:
    pairs = [[receipt(ledger, f"{n} {m}", {4: "0.01"}) for m in range(2)] for n in range(45)]
    waits = [
        outcome.after_seconds
        for pair in pairs
        for outcome in ledger.connector.write(pair)
        if isinstance(outcome, Retry) and not outcome.ambiguous
    ]
    assert len(waits) == 10
    assert all(30 < wait <= 65 for wait in waits)
    assert ledger.standin.avoidable_429 == 0
    ledger.time.sleep(65)
    for outcome in ledger.connector.write(pairs[-1]):
        done(outcome)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, '{"BatchItemResponse":[{"bId":"%d","Fault":{"Error":[{"Message":"message=ThrottleExceeded; '
              'errorCode=003001; statusCode=429","code":"003001"}],"type":"SERVICE"}}]}'),
        (403, "<html>message=ThrottleExceeded; errorCode=003001; statusCode=429</html>"),
        (429, "<html>slow down</html>"),
        (400, '{"fault":{"error":[{"message":"message=ThrottleExceeded","code":"3001"}],"type":"SERVICE"}}'),
    ],
)  # fmt: skip
def test_a_throttle_is_a_retry_however_dressed(ledger: Ledger, intercept: Install, status: int, body: str) -> None:
    def throttle(request: Request, _: Callable[[], Response]) -> Response:
        if "%d" not in body:
            return Response(body, status=status)
        items = json.loads(request.get_data())["BatchItemRequest"]
        parts = [json.loads(body % int(item["bId"]))["BatchItemResponse"][0] for item in items]
        return Response(json.dumps({"BatchItemResponse": parts}), status=status)

    intercept(throttle)
    outcomes = ledger.connector.write([receipt(ledger, f"{n}", {4: "0.01"}) for n in range(2)])
    for outcome in outcomes:
        assert isinstance(outcome, Retry)
        assert (outcome.after_seconds, outcome.ambiguous) == (60, False)


def test_what_intuits_support_finds_a_refused_call_by_is_logged_and_nothing_else(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    refused = write_one(ledger, EditDocument("e", "999999", "0", DUE, None))
    assert not isinstance(refused, Done)
    (line,) = [record.getMessage() for record in caplog.records if record.name.endswith("quickbooks.client")]
    assert re.fullmatch(r"QuickBooks answered 400, intuit_tid 1-[0-9a-f-]{36}", line)
