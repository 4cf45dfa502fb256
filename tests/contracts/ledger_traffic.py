"""Everything that a ledger's connector sends: each kind read, each declared intent written, found and undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta

from connectors.contract import ListsTaxCodes, PrintsInvoices, ShowsInvoicesOnline, StatesInvoices, TellsOfReminders
from connectors.errors import ConnectorError
from connectors.intents import (
    AllocateCredit,
    AttachFile,
    Done,
    DraftInvoice,
    EditCustomer,
    EditDocument,
    Intent,
    LinkDocument,
    NoteDocument,
    OfferPayment,
    PostCharge,
    PostPayout,
    PostReceipt,
    UndoPosting,
    WriteDown,
)
from connectors.records import Kind, PaymentLine
from tests.connectors.ledger_suite import PAID_ON, SHAPES, Ledger, charge, gbp, income_of, read, receipt
from tests.connectors.lookups import find_one

DUE_ON = date(2026, 12, 24)
_POSTINGS = (PostReceipt, PostPayout, AllocateCredit, WriteDown)


def _receipts(ledger: Ledger) -> Iterator[Intent]:
    for shape, (lines, unapplied, fee, _) in SHAPES.items():
        yield receipt(ledger, f"contract {shape}", lines, unapplied=unapplied, fee=fee)


def _payout(ledger: Ledger) -> Iterator[Intent]:
    yield PostPayout(
        key="contract payout",
        paid_on=PAID_ON,
        reference="TrueDue contract payout",
        clearing_account=ledger.clearing,
        bank_account=ledger.bank,
        fee_account=ledger.fees,
        amount=gbp("97.50"),
        fees=gbp("2.50"),
    )


def _credit(ledger: Ledger) -> Iterator[Intent]:
    (credit,) = read(ledger, Kind.CREDIT_NOTE)
    lines = (PaymentLine(ledger.invoices[2], gbp("3")), PaymentLine(ledger.invoices[3], gbp("2.50")))
    yield AllocateCredit("contract credit", ledger.customer, credit, PAID_ON, lines)


def _write_down(ledger: Ledger) -> Iterator[Intent]:
    yield WriteDown(
        key="contract write-down",
        customer_external_id=ledger.customer,
        document_external_id=ledger.invoices[2],
        on=PAID_ON,
        amount=gbp("1.25"),
        reason="discount",
        account=ledger.fees,
        tax_code="",
        reference="TrueDue contract write-down",
    )


def _draft(ledger: Ledger) -> Iterator[Intent]:
    whole = DraftInvoice(
        key="contract draft",
        customer_external_id=ledger.customer,
        description="Consulting, October – naïve “quotes” & more",
        amount=gbp("250"),
        issued_on=PAID_ON,
        due_on=DUE_ON,
        account=income_of(ledger),
        purchase_order="PO-77",
        reference="TrueDue contract draft",
    )
    yield from (whole, replace(whole, key="contract bare", purchase_order=None, reference="TrueDue contract bare"))


def _charge(ledger: Ledger) -> Iterator[Intent]:
    yield charge(ledger, "contract charge")


def _note(ledger: Ledger) -> Iterator[Intent]:
    yield NoteDocument("contract note", ledger.invoices[2], "A reminder was sent to pay@example.com.")


def _file(ledger: Ledger) -> Iterator[Intent]:
    yield AttachFile("contract file", ledger.invoices[2], "dsf", "Ünser Bild (1).png", b"\x89PNG")


def _edits(ledger: Ledger) -> Iterator[Intent]:
    edit = EditDocument(
        "contract due", ledger.invoices[2], read(ledger, Kind.INVOICE)[ledger.invoices[2]].version, DUE_ON
    )
    yield edit
    version = read(ledger, Kind.INVOICE)[ledger.invoices[2]].version
    yield replace(edit, key="contract order", version=version, due_on=None, purchase_order="PO-78")


def _mail(ledger: Ledger) -> Iterator[Intent]:
    version = read(ledger, Kind.CUSTOMER)[ledger.customer].version
    yield EditCustomer("contract mail", ledger.customer, version, "new@example.com")


def _pay_button(_ledger: Ledger) -> Iterator[Intent]:
    yield OfferPayment("contract button", "TrueDue", "https://pay.example.com/pay/key", "Pay now")


def _link(ledger: Ledger) -> Iterator[Intent]:
    ours = "https://pay.example.com/"
    yield LinkDocument("contract link", ledger.invoices[2], f"{ours}o/org/invoices/doc", ours)


SAMPLES: Mapping[type[Intent], Callable[[Ledger], Iterator[Intent]]] = {
    PostReceipt: _receipts,
    PostPayout: _payout,
    AllocateCredit: _credit,
    WriteDown: _write_down,
    DraftInvoice: _draft,
    PostCharge: _charge,
    NoteDocument: _note,
    AttachFile: _file,
    EditDocument: _edits,
    EditCustomer: _mail,
    OfferPayment: _pay_button,
    LinkDocument: _link,
}


def without_sample(ledger: Ledger) -> set[type[Intent]]:
    """Intents that the connector declares and no sample here sends."""
    return set(ledger.consent.declaration.writes) - {*SAMPLES, UndoPosting}


def drive(ledger: Ledger) -> list[str]:
    """Send everything; say what was refused that should not have been."""
    begun = ledger.time.now()
    refused = [told for kind in ledger.consent.declaration.writes if kind in SAMPLES for told in _write(ledger, kind)]
    refused += _refusals(ledger)
    for since in (None, begun - timedelta(seconds=1), begun - timedelta(days=60)):
        for reading in ledger.consent.declaration.reads:
            ledger.time.sleep(60)  # a new minute has its calls again
            records = read(ledger, reading, since)
            ledger.connector.fetch(reading, list(records)[:3])
    assert isinstance(ledger.connector, PrintsInvoices)
    ledger.connector.printed(ledger.invoices[1])
    assert isinstance(ledger.connector, ShowsInvoicesOnline)
    assert ledger.connector.online(ledger.invoices[1]).startswith("https://")
    assert isinstance(ledger.connector, ListsTaxCodes)
    ledger.connector.tax_codes()
    assert isinstance(ledger.connector, StatesInvoices)
    assert ledger.connector.invoiced(ledger.invoices[1], ledger.connector.issuer()).lines
    if isinstance(ledger.connector, TellsOfReminders):
        ledger.connector.reminds()
    return refused


def _write(ledger: Ledger, kind: type[Intent]) -> Iterator[str]:
    for intent in SAMPLES[kind](ledger):
        (outcome,) = ledger.connector.write([intent])
        if not isinstance(outcome, Done):
            yield f"{intent.key}: {outcome!r}"
            continue
        ledger.time.sleep(3600)  # by now no vendor replays an answer
        if find_one(ledger.connector, intent) is None:
            yield f"{intent.key}: not found again"
        if isinstance(intent, _POSTINGS):
            undo = UndoPosting(f"undo {intent.key}", outcome.external_ids)
            (undone,) = ledger.connector.write([undo])
            if isinstance(undone, ConnectorError) or find_one(ledger.connector, undo) is None:
                yield f"{undo.key}: {undone!r}"


def _refusals(ledger: Ledger) -> list[str]:
    """What is refused travels too: more than an invoice is open for, and an object that is gone."""
    over = receipt(ledger, "contract over", {1: "10.11"})
    kept = receipt(ledger, "contract kept", {1: "1"}, unapplied="0.50")
    gone = UndoPosting("contract gone", (ledger.customer,))
    notes = read(ledger, Kind.CREDIT_NOTE).items()  # voided ones of the write-down among them
    credit = next(identity for identity, note in notes if getattr(note.fields, "number", "") == "CN-1")
    lines = (PaymentLine(ledger.invoices[2], gbp("7.01")),)
    beyond = AllocateCredit("contract beyond", ledger.customer, credit, PAID_ON, lines)
    outcomes = ledger.connector.write([over, kept, gone, beyond])
    wanted = (ConnectorError, Done, ConnectorError, ConnectorError)
    return [f"{each!r}" for each, kind in zip(outcomes, wanted, strict=True) if not isinstance(each, kind)]
