"""Edits in Xero, fifty a call, with xero-python against the stand-in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from werkzeug.wrappers import Request, Response

from connectors.errors import Absent, Reject, Retry, Stale
from connectors.intents import Done, EditCustomer, EditDocument, Intent
from connectors.ledgers.xero.edits import MAX_LOOKED_BACK
from connectors.records import CustomerFields, DocumentFields, Kind
from tests.connectors.ledger_suite import Install, Ledger, done, intercept, read
from tests.connectors.lookups import find_one
from tests.connectors.xero_organisation import books_of, ledger

__all__ = ["intercept", "ledger"]

NEW_DUE = date(2026, 12, 24)
NOBODY = "00000000-0000-0000-0000-000000000009"


def many_invoices(ledger: Ledger, count: int) -> dict[str, str]:
    """Invoices by id, with their versions."""
    books = books_of(ledger)
    for number in range(count):
        books.add_invoice(
            contact_id=ledger.customer,
            number=f"M-{number}",
            total=Decimal(number + 1),
            currency="GBP",
            issued_on=date(2026, 10, 1),
            due_on=date(2026, 10, 31),
        )
    records = read(ledger, Kind.INVOICE)
    return {
        identity: record.version
        for identity, record in records.items()
        if isinstance(record.fields, DocumentFields) and record.fields.number.startswith("M-")
    }


def edits(versions: dict[str, str]) -> list[EditDocument]:
    return [
        EditDocument(f"e {identity}", identity, version, due_on=NEW_DUE, purchase_order=f"PO {number}")
        for number, (identity, version) in enumerate(versions.items())
    ]


def calls(ledger: Ledger, method: str) -> int:
    return sum(count for name, count in ledger.standin.calls.items() if name.startswith(method))


def test_a_thousand_edits_take_twenty_posts(ledger: Ledger) -> None:
    intents = edits(many_invoices(ledger, 1000))
    posts, gets = calls(ledger, "POST"), calls(ledger, "GET")
    outcomes = ledger.connector.write(intents)
    assert (calls(ledger, "POST") - posts, calls(ledger, "GET") - gets) == (20, 20)
    records = read(ledger, Kind.INVOICE)
    for number, (intent, outcome) in enumerate(zip(intents, outcomes, strict=True)):
        record = records[intent.document_external_id]
        assert isinstance(record.fields, DocumentFields)
        assert (record.fields.due_on, record.fields.purchase_order) == (NEW_DUE, f"PO {number}")
        assert outcome == Done((intent.document_external_id,), record.version)
    assert ledger.standin.avoidable_429 == 0


def test_each_edit_of_a_call_has_its_own_outcome(ledger: Ledger) -> None:
    versions = many_invoices(ledger, 6)
    moved, voided, whole, same, *_ = versions
    books = books_of(ledger)
    ledger.time.sleep(60)
    ledger.edit_due(moved, date(2026, 12, 1))
    books.edit_invoice(same, DueDate=NEW_DUE)
    books.void_invoice(voided)
    void_version = read(ledger, Kind.INVOICE)[voided].version
    intents = [
        EditDocument("moved", moved, versions[moved], due_on=NEW_DUE),
        EditDocument("void", voided, void_version, due_on=NEW_DUE),
        EditDocument("whole", whole, versions[whole], purchase_order="PO 9"),
        EditDocument("gone", NOBODY, versions[whole], due_on=NEW_DUE),
        EditDocument("same", same, versions[same], due_on=NEW_DUE),
    ]
    posts = calls(ledger, "POST")
    outcomes = dict(zip((intent.key for intent in intents), ledger.connector.write(intents), strict=True))
    assert calls(ledger, "POST") - posts == 1
    assert isinstance(outcomes["moved"], Stale)
    assert isinstance(outcomes["void"], Reject)
    assert not isinstance(outcomes["void"], Stale)
    assert isinstance(outcomes["gone"], Absent)
    assert done(outcomes["same"]).version != versions[same]
    done(outcomes["whole"])
    fields = read(ledger, Kind.INVOICE)[whole].fields
    assert isinstance(fields, DocumentFields)
    assert (fields.purchase_order, fields.due_on) == ("PO 9", date(2026, 10, 31))


def test_a_second_edit_of_an_invoice_meets_the_first(ledger: Ledger) -> None:
    ((identity, version),) = many_invoices(ledger, 1).items()
    first = EditDocument("first", identity, version, due_on=NEW_DUE)
    second = EditDocument("second", identity, version, due_on=date(2026, 12, 25))
    outcomes = ledger.connector.write([first, second])
    assert done(outcomes[0]).version != version
    assert isinstance(outcomes[1], Stale)


def test_an_order_number_is_taken_away(ledger: Ledger) -> None:
    record = read(ledger, Kind.INVOICE)[ledger.invoices[1]]
    assert isinstance(record.fields, DocumentFields)
    assert record.fields.purchase_order == "PO-1"
    (outcome,) = ledger.connector.write([EditDocument("none", record.external_id, record.version, purchase_order="")])
    done(outcome)
    fields = read(ledger, Kind.INVOICE)[ledger.invoices[1]].fields
    assert isinstance(fields, DocumentFields)
    assert fields.purchase_order == ""


def test_customers_are_edited_together_and_apart_from_invoices(ledger: Ledger) -> None:
    books = books_of(ledger)
    others = [books.add_contact(name=f"Customer {number}") for number in range(3)]
    versions = {identity: record.version for identity, record in read(ledger, Kind.CUSTOMER).items()}
    intents: list[Intent] = [
        EditCustomer(f"c {identity}", identity, versions[identity], f"{number}@example.com")
        for number, identity in enumerate(others)
    ]
    intents.insert(2, EditDocument("i", ledger.invoices[1], "", purchase_order="PO-1"))
    intents.append(EditCustomer("bad", ledger.customer, versions[ledger.customer], "no address"))
    outcomes = ledger.connector.write(intents)
    assert isinstance(outcomes.pop(), Reject)
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    records = read(ledger, Kind.CUSTOMER)
    for number, identity in enumerate(others):
        fields = records[identity].fields
        assert isinstance(fields, CustomerFields)
        assert fields.email == f"{number}@example.com"


def test_a_lost_answer_leaves_every_edit_to_be_looked_up(ledger: Ledger, intercept: Install) -> None:
    intents = edits(many_invoices(ledger, 3))

    def lose(request: Request, handle: Callable[[], Response]) -> Response:
        response = handle()
        return Response(status=502) if request.method == "POST" else response

    intercept(lose)
    outcomes = ledger.connector.write(intents)
    assert [isinstance(outcome, Retry) and outcome.ambiguous for outcome in outcomes] == [True] * 3
    assert all(find_one(ledger.connector, intent) for intent in intents)


def _edit_meanwhile(ledger: Ledger, identity: str) -> None:
    """Somebody opens the invoice in Xero and moves its due date, a while after it was last changed."""
    ledger.time.sleep(60)
    books_of(ledger).edit_invoice(identity, DueDate=date(2026, 11, 11))
    ledger.time.sleep(1)


def test_an_edit_that_a_write_went_over_is_told_of(ledger: Ledger, intercept: Install) -> None:
    overtaken, alone = edits(many_invoices(ledger, 2))

    def overtake(request: Request, handle: Callable[[], Response]) -> Response:
        if request.method == "POST":
            _edit_meanwhile(ledger, overtaken.document_external_id)
        return handle()

    intercept(overtake)
    told, silent = (done(outcome) for outcome in ledger.connector.write([overtaken, alone]))
    assert "somebody edited it" in told.overwrote
    assert not silent.overwrote


def test_an_edit_after_the_write_was_not_gone_over(ledger: Ledger, intercept: Install) -> None:
    (intent,) = edits(many_invoices(ledger, 1))
    identity = intent.document_external_id

    def follow(request: Request, handle: Callable[[], Response]) -> Response:
        if request.path.endswith("/History"):
            _edit_meanwhile(ledger, identity)
        return handle()

    intercept(follow)
    (outcome,) = ledger.connector.write([intent])
    assert not done(outcome).overwrote
    fields = read(ledger, Kind.INVOICE)[identity].fields
    assert isinstance(fields, DocumentFields)
    assert fields.due_on == date(2026, 11, 11)


def test_a_history_that_cannot_be_read_is_read_when_the_edit_is_looked_up(ledger: Ledger, intercept: Install) -> None:
    (intent,) = edits(many_invoices(ledger, 1))

    def hide(request: Request, handle: Callable[[], Response]) -> Response:
        if request.method == "POST":
            _edit_meanwhile(ledger, intent.document_external_id)
        return Response(status=503) if request.path.endswith("/History") else handle()

    intercept(hide)
    (outcome,) = ledger.connector.write([intent])
    assert isinstance(outcome, Retry)
    assert outcome.ambiguous
    intercept(lambda _, handle: handle())
    found = find_one(ledger.connector, intent)
    assert found is not None
    assert found.overwrote


def test_a_customers_edit_that_a_write_went_over_is_told_of(ledger: Ledger, intercept: Install) -> None:
    version = read(ledger, Kind.CUSTOMER)[ledger.customer].version

    def overtake(request: Request, handle: Callable[[], Response]) -> Response:
        if request.method == "POST":
            ledger.time.sleep(60)
            books_of(ledger).edit_contact(ledger.customer, EmailAddress="theirs@example.com")
            ledger.time.sleep(1)
        return handle()

    intercept(overtake)
    (outcome,) = ledger.connector.write([EditCustomer("e", ledger.customer, version, "ours@example.com")])
    assert done(outcome).overwrote


def test_histories_of_a_mass_of_edits_are_not_read(ledger: Ledger) -> None:
    intents = edits(many_invoices(ledger, MAX_LOOKED_BACK + 1))
    gets = calls(ledger, "GET")
    ledger.connector.write(intents)
    assert calls(ledger, "GET") - gets == 1
