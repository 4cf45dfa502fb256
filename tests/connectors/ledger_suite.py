"""What every ledger connector must do, run with the vendor's SDK against its stand-in over loopback HTTP."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from importlib import import_module
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from connectors.contract import CALL_TIMEOUT_SECONDS, Connector, PrintsInvoices, StatesInvoices
from connectors.errors import Absent, ConnectorError, Reconnect, Reject, Retry, Stale
from connectors.intents import (
    ChargeLine,
    Done,
    EditCustomer,
    EditDocument,
    Intent,
    Outcome,
    PostCharge,
    PostPayout,
    PostReceipt,
    UndoPosting,
)
from connectors.ledgers import exact
from connectors.ledgers.printed import MAX_PDF_BYTES
from connectors.records import (
    AccountFields,
    CodedReceiptFields,
    CustomerFields,
    DocumentFields,
    Kind,
    PaymentFields,
    PaymentLine,
    Record,
)
from receivables.document import DocumentStatus
from receivables.money import Money
from sandbox.server import Served
from sandbox.standin import StandIn
from tests.connectors.consent import Consent, VirtualTime
from tests.connectors.lookups import find_one

PAID_ON = date(2026, 11, 16)
HUGE = "90071992547409.93"  # a binary float shows it as …409.94


def gbp(text: str) -> Money:
    return Money.parse(text, "GBP")


@dataclass
class Ledger:
    """A vendor's company with one customer, invoices, and accounts, as the suite sees it."""

    time: VirtualTime
    standin: StandIn
    served: Served
    consent: Consent
    connector: Connector
    customer: str
    invoices: list[str]  # HUGE, 10.10, 100, 100, 100 GBP
    bank: str
    clearing: str
    fees: str
    closed_to_fees: str  # an account that refuses a fee
    balance: Callable[[str], Decimal]
    postings: Callable[[], int]  # live objects that record money
    void: Callable[[str], None]
    add_payment: Callable[[str, str], str]  # by people, in the vendor's own pages
    edit_due: Callable[[str, date], None]
    list_path: str  # a part of the address of the list of invoices
    write_path: str  # a part of the address of a posting


@pytest.fixture
def intercept(ledger: Ledger) -> Iterator[Callable[[Callable[[Request, Callable[[], Response]], Response]], None]]:
    def install(interceptor: Callable[[Request, Callable[[], Response]], Response]) -> None:
        ledger.standin.interceptor = interceptor

    yield install
    ledger.standin.interceptor = None


Install = Callable[[Callable[[Request, Callable[[], Response]], Response]], None]


def read(ledger: Ledger, kind: Kind, since: datetime | None = None) -> dict[str, Record]:
    pages = list(ledger.connector.read(kind, since=since))
    # What a vendor no longer remembers of a long gap is said, and no defect.
    assert not [each for page in pages for each in page.problems if each.code != "deletions_unknown"]
    return {record.external_id: record for page in pages for record in page.records}


def receipt(
    ledger: Ledger,
    key: str,
    lines: dict[int, str],
    *,
    unapplied: str = "0",
    fee: str = "0",
    fee_account: str | None = None,
) -> PostReceipt:
    return PostReceipt(
        key=key,
        customer_external_id=ledger.customer,
        received_on=PAID_ON,
        account=ledger.bank,
        reference=f"TrueDue {key}",
        lines=tuple(PaymentLine(ledger.invoices[index], gbp(amount)) for index, amount in lines.items()),
        unapplied=gbp(unapplied),
        fee=gbp(fee),
        fee_account=fee_account or (ledger.fees if fee != "0" else None),
    )


def income_of(ledger: Ledger) -> str:
    """The account that sales are booked to, as the ledger wants it named."""
    accounts = [each.fields for each in read(ledger, Kind.ACCOUNT).values()]
    return next(each.handle for each in accounts if isinstance(each, AccountFields) and each.name == "Consulting fees")


def charge(ledger: Ledger, key: str, *, tax_code: str = "") -> PostCharge:
    return PostCharge(
        key=key,
        customer_external_id=ledger.customer,
        issued_on=PAID_ON,
        due_on=PAID_ON + timedelta(days=14),
        lines=(
            ChargeLine("Interest – £1,000.00 × 11.75 % × 10/365", gbp("3.22")),
            ChargeLine("Fixed sum", gbp("70.00")),
        ),
        account=income_of(ledger),
        tax_code=tax_code,
        reference=f"INV-2 {key}",
    )


def done(outcome: Outcome) -> Done:
    assert isinstance(outcome, Done), repr(outcome)
    return outcome


def write_one(ledger: Ledger, intent: Intent) -> Outcome:
    return ledger.connector.write([intent])[0]


SHAPES: dict[str, tuple[dict[int, str], str, str, dict[int, str]]] = {
    # lines, unapplied, fee, what stays open
    "one invoice": ({1: "10.10"}, "0", "0", {1: "0"}),
    "part of one": ({2: "0.01"}, "0", "0", {2: "99.99"}),
    "three at once": ({1: "10.10", 2: "60", 3: "40.05"}, "0", "0", {1: "0", 2: "40", 3: "59.95"}),
    "with a rest": ({2: "100"}, "3.33", "0", {2: "0"}),
    "all on account": ({}, "25.00", "0", {}),
    "less a fee": ({4: "100"}, "0", "2.50", {4: "0"}),
    "several, fee and rest": ({1: "10.10", 2: "100"}, "1.00", "3.01", {1: "0", 2: "0"}),
    "a float cannot hold it": ({0: "90071992547409.92"}, "0", "0", {0: "0.01"}),
}


HEAP_LEAVES = [Decimal("10.10"), Decimal(35), Decimal(78), Decimal(80)]  # of the invoices after the first


def heap(ledger: Ledger) -> list[PostReceipt]:
    """Receipts of every make: plain, less a fee, several invoices, with a rest, on account."""
    return [
        receipt(ledger, "fee", {2: "30"}, fee="0.90"),
        receipt(ledger, "plain", {2: "15"}),
        receipt(ledger, "several", {2: "20", 3: "10"}),
        receipt(ledger, "everything", {3: "7", 4: "8"}, unapplied="1.50", fee="0.45"),
        receipt(ledger, "on account", {}, unapplied="25"),
        receipt(ledger, "rest", {3: "5"}, unapplied="2"),
        receipt(ledger, "another fee", {4: "12"}, fee="0.36"),
    ]


def open_amounts(ledger: Ledger) -> list[Decimal]:
    """What is open of the invoices after the first."""
    return [ledger.balance(invoice) for invoice in ledger.invoices[1:]]


class LedgerSuite:
    """Tests that a ledger's test module inherits; it gives the fixture `ledger`."""

    def test_reads_show_what_was_seeded(self, ledger: Ledger) -> None:
        invoices = read(ledger, Kind.INVOICE)
        assert set(invoices) == set(ledger.invoices)
        fields = invoices[ledger.invoices[1]].fields
        assert isinstance(fields, DocumentFields)
        assert (fields.number, fields.total, fields.balance) == ("INV-1", gbp("10.10"), gbp("10.10"))
        assert (fields.issued_on, fields.due_on) == (date(2026, 10, 1), date(2026, 10, 31))
        assert fields.customer_external_id == ledger.customer
        assert fields.status is DocumentStatus.OPEN
        customer = read(ledger, Kind.CUSTOMER)[ledger.customer].fields
        assert isinstance(customer, CustomerFields)
        assert (customer.name, customer.email) == ("Öz & Söhne", "pay@example.com")
        (credit,) = read(ledger, Kind.CREDIT_NOTE).values()
        assert isinstance(credit.fields, DocumentFields)
        assert (credit.fields.number, credit.fields.balance) == ("CN-1", gbp("7.00"))
        (coded,) = read(ledger, Kind.CODED_RECEIPT).values()
        assert isinstance(coded.fields, CodedReceiptFields)
        assert (coded.fields.amount, coded.fields.reference) == (gbp("5.50"), "coded")

    def test_amounts_are_read_exactly(self, ledger: Ledger, intercept: Install) -> None:
        def show(_: Request, handle: Callable[[], Response]) -> Response:
            response = handle()
            text = response.get_data(as_text=True)
            response.set_data(text.replace("90071992547409.94", HUGE))  # the stand-in serves a float
            return response

        intercept(show)
        fields = read(ledger, Kind.INVOICE)[ledger.invoices[0]].fields
        assert isinstance(fields, DocumentFields)
        assert fields.total.minor == 9007199254740993

    def test_text_is_read_as_utf_8(self, ledger: Ledger, intercept: Install) -> None:
        def plain(_: Request, handle: Callable[[], Response]) -> Response:
            response = handle()
            answer = json.dumps(json.loads(response.get_data()), ensure_ascii=False)
            return Response(answer, status=response.status_code, content_type="application/json")

        intercept(plain)
        fields = read(ledger, Kind.CUSTOMER)[ledger.customer].fields
        assert isinstance(fields, CustomerFields)
        assert fields.name == "Öz & Söhne"

    def test_changes_since_a_time_are_those_only(self, ledger: Ledger) -> None:
        ledger.time.sleep(3600)
        since = ledger.time.now()
        assert not read(ledger, Kind.INVOICE, since)
        ledger.time.sleep(60)
        ledger.edit_due(ledger.invoices[2], date(2026, 12, 24))
        ledger.void(ledger.invoices[3])
        changed = {identity: record.fields for identity, record in read(ledger, Kind.INVOICE, since).items()}
        assert set(changed) == {ledger.invoices[2], ledger.invoices[3]}
        moved, voided = changed[ledger.invoices[2]], changed[ledger.invoices[3]]
        assert isinstance(moved, DocumentFields)
        assert isinstance(voided, DocumentFields)
        assert moved.due_on == date(2026, 12, 24)
        assert voided.status is DocumentStatus.VOID

    def test_fetch_reads_again_and_leaves_out_what_is_gone(self, ledger: Ledger) -> None:
        missing = ledger.customer[:-1] + "9" * 3 if ledger.customer.isdecimal() else "0" * 8 + ledger.customer[8:]
        page = ledger.connector.fetch(Kind.INVOICE, [ledger.invoices[2], missing, ledger.invoices[1]])
        assert {record.external_id for record in page.records} == {ledger.invoices[1], ledger.invoices[2]}
        assert not page.problems

    @pytest.mark.parametrize("shape", SHAPES)
    def test_a_receipt_is_posted_once_and_undone_whole(self, ledger: Ledger, shape: str) -> None:
        lines, unapplied, fee, left = SHAPES[shape]
        before = ledger.postings()
        balances = [ledger.balance(invoice) for invoice in ledger.invoices]
        intent = receipt(ledger, f"key {shape}", lines, unapplied=unapplied, fee=fee)
        first = done(write_one(ledger, intent))
        written = ledger.postings()
        assert written > before
        for index, amount in left.items():
            assert ledger.balance(ledger.invoices[index]) == Decimal(amount)
        assert done(write_one(ledger, intent)).external_ids == first.external_ids
        found = find_one(ledger.connector, intent)
        assert found is not None
        assert found.external_ids == first.external_ids
        assert ledger.postings() == written
        undo = UndoPosting(key=f"undo {shape}", external_ids=first.external_ids)
        assert find_one(ledger.connector, undo) is None
        done(write_one(ledger, undo))
        assert find_one(ledger.connector, undo) is not None
        assert ledger.postings() == before
        assert [ledger.balance(invoice) for invoice in ledger.invoices] == balances

    def test_what_is_posted_is_read_back(self, ledger: Ledger) -> None:
        since = ledger.time.now()
        ledger.time.sleep(5)
        several = receipt(ledger, "several", {1: "10.10", 2: "60"})
        one = receipt(ledger, "one", {3: "100"}, unapplied="0.50")
        several_ids, one_ids = (done(each).external_ids for each in ledger.connector.write([several, one]))
        records = read(ledger, Kind.PAYMENT, since)
        fields = records[several_ids[0]].fields
        assert isinstance(fields, PaymentFields)
        assert set(fields.lines) == set(several.lines)
        assert (fields.amount, fields.received_on) == (gbp("70.10"), PAID_ON)
        assert several.reference in fields.reference
        ours = [records[identity].fields for identity in one_ids if identity in records]
        assert sum(each.amount.minor for each in ours if isinstance(each, PaymentFields)) == 10050
        assert sum(each.unapplied.minor for each in ours if isinstance(each, PaymentFields)) == 50
        page = ledger.connector.fetch(Kind.PAYMENT, [several_ids[0]])
        assert page.records[0].fields == fields

    def test_a_charge_is_an_open_invoice_of_its_own_once(self, ledger: Ledger) -> None:
        before = read(ledger, Kind.INVOICE)
        intent = charge(ledger, "charge")
        assert find_one(ledger.connector, intent) is None
        first = done(write_one(ledger, intent))
        assert done(write_one(ledger, intent)).external_ids == first.external_ids
        ledger.time.sleep(3600)  # by now no vendor replays an answer
        found = find_one(ledger.connector, intent)
        assert found is not None
        assert found.external_ids == first.external_ids
        after = read(ledger, Kind.INVOICE)
        (made,) = [after[identity] for identity in after.keys() - before.keys()]
        assert made.external_id == first.external_ids[0]
        fields = made.fields
        assert isinstance(fields, DocumentFields)
        assert (fields.total, fields.balance, fields.status) == (gbp("73.22"), gbp("73.22"), DocumentStatus.OPEN)
        assert (fields.issued_on, fields.due_on, fields.sent) == (PAID_ON, PAID_ON + timedelta(days=14), False)
        assert find_one(ledger.connector, charge(ledger, "another")) is None

    def test_a_charge_on_an_unknown_account_is_refused_and_another_account_is_taken(self, ledger: Ledger) -> None:
        intent = charge(ledger, "charge")
        refused = write_one(ledger, replace(intent, account="987654"))
        assert isinstance(refused, Reject)
        assert refused.remedy
        assert find_one(ledger.connector, intent) is None
        done(write_one(ledger, intent))

    def test_a_charge_whose_answer_was_lost_is_found_whatever_people_did(
        self, ledger: Ledger, intercept: Install
    ) -> None:
        def lose(request: Request, handle: Callable[[], Response]) -> Response:
            if not is_write(request):
                return handle()
            handle()
            return Response(status=502)

        intercept(lose)
        intent = charge(ledger, "charge")
        lost = write_one(ledger, intent)
        assert isinstance(lost, Retry)
        assert lost.ambiguous
        ledger.standin.interceptor = None
        (made,) = read(ledger, Kind.INVOICE).keys() - set(ledger.invoices)
        ledger.edit_due(made, date(2026, 12, 24))
        ledger.time.sleep(3600)
        found = find_one(ledger.connector, intent)
        assert found is not None
        assert found.external_ids == (made,)
        ledger.void(made)
        assert ledger.balance(made) == 0

    def test_many_plain_receipts_share_a_call(self, ledger: Ledger) -> None:
        intents = [receipt(ledger, f"part {number}", {4: "0.10"}) for number in range(12)]
        refused = receipt(ledger, "too much", {1: "10.11"})
        calls = sum(ledger.standin.calls.values())
        outcomes = ledger.connector.write([*intents[:6], refused, *intents[6:]])
        assert sum(ledger.standin.calls.values()) - calls == 1
        assert len({done(outcome).external_ids for outcome in outcomes if outcome is not outcomes[6]}) == 12
        assert isinstance(outcomes[6], Reject)
        assert ledger.balance(ledger.invoices[4]) == Decimal("98.80")
        assert ledger.balance(ledger.invoices[1]) == Decimal("10.10")

    def test_receipts_with_a_fee_share_calls(self, ledger: Ledger) -> None:
        """Each is two objects: two payments in Xero, fifty a call; a payment and a deposit in QuickBooks, thirty."""
        intents = [receipt(ledger, f"card {number}", {4: "1.50"}, fee="0.07") for number in range(50)]
        calls = sum(ledger.standin.calls.values())
        before = ledger.postings()
        outcomes = ledger.connector.write(intents)
        limit = {"xero": 2, "quickbooks": 4}[ledger.consent.declaration.system]
        assert sum(ledger.standin.calls.values()) - calls == limit
        assert len({external_id for outcome in outcomes for external_id in done(outcome).external_ids}) == 100
        assert ledger.postings() == before + 100
        assert ledger.balance(ledger.invoices[4]) == 25
        calls = sum(ledger.standin.calls.values())
        strange = receipt(ledger, "never written", {4: "1.50"}, fee="0.07")
        *found, unknown = ledger.connector.find([*intents, strange])
        assert unknown is None
        assert [done(each).external_ids for each in found if each] == [done(each).external_ids for each in outcomes]
        # Xero: the payments, once. QuickBooks: payments and deposits, for each thirty.
        assert (
            sum(ledger.standin.calls.values()) - calls
            == {"xero": 1, "quickbooks": 4}[ledger.consent.declaration.system]
        )

    def test_each_of_a_heap_keeps_its_own_outcome(self, ledger: Ledger) -> None:
        before = ledger.postings()
        intents = heap(ledger)
        too_much = receipt(ledger, "too much", {1: "10.11"}, fee="0.20")
        to_nowhere = replace(receipt(ledger, "nowhere", {3: "5"}, fee="0.20"), account=ledger.closed_to_fees)
        mixed = [*intents[:2], too_much, *intents[2:4], to_nowhere, *intents[4:], intents[0]]
        outcomes = ledger.connector.write(mixed)
        assert open_amounts(ledger) == HEAP_LEAVES
        written = ledger.postings()
        for intent, outcome in zip(mixed, outcomes, strict=True):
            found = find_one(ledger.connector, intent) if intent in intents else None
            if found is None:
                assert isinstance(outcome, Reject), repr(outcome)
                assert outcome.remedy
            else:
                assert found.external_ids == done(outcome).external_ids
        again = ledger.connector.write(mixed)
        assert [getattr(each, "external_ids", ()) for each in again] == [
            getattr(each, "external_ids", ()) for each in outcomes
        ]
        assert ledger.postings() == written
        for posted in {each.external_ids for each in outcomes if isinstance(each, Done)}:
            ledger.time.sleep(60)  # a minute's calls
            done(write_one(ledger, UndoPosting(f"undo {posted}", posted)))
        assert ledger.postings() == before

    @pytest.mark.parametrize("carried_out", [True, False])
    @pytest.mark.parametrize("lost", [0, 1, 2])
    def test_a_heap_whose_answer_was_lost_is_posted_once(
        self, ledger: Ledger, intercept: Install, lost: int, carried_out: bool
    ) -> None:
        """The answer to any one of its calls: what was made is found and completed, what was not is written again."""
        intents = heap(ledger)
        writes = 0

        def lose(request: Request, handle: Callable[[], Response]) -> Response:
            nonlocal writes
            if not is_write(request):
                return handle()
            writes += 1
            if writes != lost + 1:
                return handle()
            if carried_out:
                handle()
            return Response(status=502)

        intercept(lose)
        outcomes = ledger.connector.write(intents)
        ledger.standin.interceptor = None
        in_doubt = [each for each in outcomes if not isinstance(each, Done)]
        assert all(isinstance(each, Retry) and each.ambiguous for each in in_doubt), in_doubt
        assert bool(in_doubt) == (lost < writes)
        ledger.time.sleep(3600 * 25)  # by now no vendor replays an answer
        for intent, outcome in zip(intents, outcomes, strict=True):
            if not isinstance(outcome, Done) and find_one(ledger.connector, intent) is None:
                done(write_one(ledger, intent))
        assert open_amounts(ledger) == HEAP_LEAVES
        postings = ledger.postings()
        for intent, outcome in zip(intents, outcomes, strict=True):
            found = find_one(ledger.connector, intent)
            assert found is not None
            assert not isinstance(outcome, Done) or found.external_ids == outcome.external_ids
        assert ledger.postings() == postings

    def test_an_over_payment_is_refused_with_a_remedy(self, ledger: Ledger) -> None:
        before = ledger.postings()
        outcome = write_one(ledger, receipt(ledger, "over", {2: "100.01"}))
        assert isinstance(outcome, Reject)
        assert not isinstance(outcome, Stale)
        assert outcome.code
        assert outcome.remedy
        assert ledger.postings() == before

    def test_a_refused_second_step_takes_back_the_first(self, ledger: Ledger) -> None:
        before = ledger.postings()
        intent = receipt(ledger, "half", {2: "100"}, fee="2.50", fee_account=ledger.closed_to_fees)
        assert isinstance(write_one(ledger, intent), Reject | Absent)
        assert ledger.postings() == before
        assert ledger.balance(ledger.invoices[2]) == Decimal(100)

    @pytest.mark.parametrize("shape", SHAPES)
    @pytest.mark.parametrize("cut", [False, True])
    def test_a_lost_answer_is_found_again(self, ledger: Ledger, intercept: Install, shape: str, cut: bool) -> None:
        """The vendor carries the write out, the answer never arrives; the posting is completed by `find`, once."""
        lines, unapplied, fee, left = SHAPES[shape]
        intent = receipt(ledger, f"lost {shape}", lines, unapplied=unapplied, fee=fee)
        expected = self._twin(ledger, intent)

        def lose(request: Request, handle: Callable[[], Response]) -> Response:
            if not is_write(request):
                return handle()
            handle()
            ledger.standin.interceptor = None
            if not cut:
                return Response(status=502)
            return Response(b"{", headers={"Content-Length": "99", "Connection": "close"})

        intercept(lose)
        outcome = write_one(ledger, intent)
        assert isinstance(outcome, Retry), repr(outcome)
        assert outcome.ambiguous
        ledger.time.sleep(3600)  # by now no vendor replays an answer
        found = find_one(ledger.connector, intent)
        assert found is not None
        assert ledger.postings() == expected
        for index, amount in left.items():
            assert ledger.balance(ledger.invoices[index]) == Decimal(amount)

    def _twin(self, ledger: Ledger, intent: PostReceipt) -> int:
        """How many postings there are once `intent` stands: learnt by doing it and undoing it."""
        ids = done(write_one(ledger, intent)).external_ids
        expected = ledger.postings()
        done(write_one(ledger, UndoPosting(key=f"twin {intent.key}", external_ids=ids)))
        ledger.time.sleep(3600 * 24)  # so long that the same key is new again
        return expected

    def test_nothing_is_found_of_a_write_that_never_arrived(self, ledger: Ledger, intercept: Install) -> None:
        intent = receipt(ledger, "never", {2: "10"})
        intercept(lambda request, handle: Response(status=503) if is_write(request) else handle())
        outcome = write_one(ledger, intent)
        assert isinstance(outcome, Retry)
        assert outcome.ambiguous
        ledger.standin.interceptor = None
        assert find_one(ledger.connector, intent) is None
        done(write_one(ledger, intent))
        assert ledger.balance(ledger.invoices[2]) == Decimal(90)

    def test_a_dead_host_is_a_retry_without_doubt(self, ledger: Ledger) -> None:
        ledger.served.stop()
        outcome = write_one(ledger, receipt(ledger, "dead", {2: "10"}))
        assert isinstance(outcome, Retry)
        with pytest.raises(Retry):
            ledger.connector.fetch(Kind.INVOICE, [ledger.invoices[1]])

    def test_a_write_is_never_sent_again_behind_our_back(self, ledger: Ledger, intercept: Install) -> None:
        """The connection drops before any answer: that is when an HTTP library likes to repeat a request."""
        arrived: list[str] = []

        def drop(request: Request, handle: Callable[[], Response]) -> Response:
            if is_write(request):
                arrived.append(request.path)
                request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            return handle()

        intercept(drop)
        outcome = write_one(ledger, receipt(ledger, "drop", {2: "10"}))
        assert isinstance(outcome, Retry)
        assert outcome.ambiguous
        assert len(arrived) == 1

    def test_a_call_that_hangs_ends(self, ledger: Ledger, intercept: Install, monkeypatch: pytest.MonkeyPatch) -> None:
        module = import_module(f"connectors.ledgers.{ledger.consent.declaration.system}.client")
        name = "_TIMEOUT" if hasattr(module, "_TIMEOUT") else "CALL_TIMEOUT_SECONDS"
        assert 0 < getattr(module, name) <= CALL_TIMEOUT_SECONDS
        monkeypatch.setattr(module, name, 1)
        over = threading.Event()

        def hang(_: Request, handle: Callable[[], Response]) -> Response:
            over.wait(10)
            return handle()

        intercept(hang)
        begun = time.monotonic()
        outcome = write_one(ledger, receipt(ledger, "hang", {2: "10"}))
        with pytest.raises(Retry):
            ledger.connector.fetch(Kind.INVOICE, [ledger.invoices[1]])
        over.set()
        assert time.monotonic() - begun < 6
        assert isinstance(outcome, Retry)
        assert outcome.ambiguous

    def test_the_bytes_sent_are_exact(self, ledger: Ledger, intercept: Install) -> None:
        sent: list[bytes] = []

        def listen(request: Request, handle: Callable[[], Response]) -> Response:
            if is_write(request):
                sent.append(request.get_data(cache=True))
            return handle()

        intercept(listen)
        write_one(ledger, receipt(ledger, "exact", {0: HUGE}))
        write_one(ledger, receipt(ledger, "exact too", {1: "0.10", 2: "0.30"}, unapplied="0.01"))
        numbers: list[str] = []
        for body in sent:
            json.loads(body, parse_float=numbers.append, parse_int=numbers.append)
        assert {HUGE, "0.10", "0.30"} <= set(numbers)

    def test_edits_whose_answer_was_lost_are_looked_up_together(self, ledger: Ledger) -> None:
        versions = {identity: record.version for identity, record in read(ledger, Kind.INVOICE).items()}
        edits = [
            EditDocument(f"due {number}", ledger.invoices[number], versions[ledger.invoices[number]], date(2026, 12, 5))
            for number in (1, 2, 3)
        ]
        ledger.connector.write(edits[:2])
        before = Counter(ledger.standin.calls)
        found = ledger.connector.find(edits)
        assert [isinstance(each, Done) for each in found] == [True, True, False] and found[2] is None
        looks = {
            name: count for name, count in (ledger.standin.calls - before).items() if "history" not in name.lower()
        }
        assert sum(looks.values()) == 1

    def test_a_stale_version_is_stale(self, ledger: Ledger) -> None:
        invoice = ledger.invoices[2]
        version = read(ledger, Kind.INVOICE)[invoice].version
        edit = EditDocument(key="due", document_external_id=invoice, version=version, due_on=date(2026, 12, 5))
        first = done(write_one(ledger, edit))
        after = read(ledger, Kind.INVOICE)[invoice]
        assert isinstance(after.fields, DocumentFields)
        assert after.fields.due_on == date(2026, 12, 5)
        assert after.fields.balance == gbp("100")
        assert first.version == after.version != version
        assert isinstance(done(write_one(ledger, edit)), Done)
        assert find_one(ledger.connector, edit) is not None
        ledger.time.sleep(3600)
        same = EditDocument(key="same", document_external_id=invoice, version=version, due_on=date(2026, 12, 5))
        assert done(write_one(ledger, same)).version == after.version
        late = EditDocument(key="late", document_external_id=invoice, version=version, due_on=date(2026, 12, 6))
        assert isinstance(write_one(ledger, late), Stale)
        assert find_one(ledger.connector, late) is None
        missing = invoice[:-1] + "9" * 3 if invoice.isdecimal() else "0" * 8 + invoice[8:]
        gone = EditDocument(key="gone", document_external_id=missing, version=version, due_on=date(2026, 12, 6))
        assert isinstance(write_one(ledger, gone), Absent | Reject)

    def test_a_customer_gets_a_new_address(self, ledger: Ledger) -> None:
        version = read(ledger, Kind.CUSTOMER)[ledger.customer].version
        edit = EditCustomer(key="mail", customer_external_id=ledger.customer, version=version, email="new@example.com")
        done(write_one(ledger, edit))
        record = read(ledger, Kind.CUSTOMER)[ledger.customer]
        assert isinstance(record.fields, CustomerFields)
        assert (record.fields.email, record.fields.name) == ("new@example.com", "Öz & Söhne")
        other = EditCustomer(
            key="mail 2", customer_external_id=ledger.customer, version=version, email="other@example.com"
        )
        assert isinstance(write_one(ledger, other), Stale)

    @pytest.mark.parametrize("amount", ["97.50", "-97.50"], ids=["to the bank", "from the bank"])
    def test_a_payout_is_posted_once(self, ledger: Ledger, amount: str) -> None:
        before = ledger.postings()
        payout = PostPayout(
            key="po",
            paid_on=PAID_ON,
            reference="TrueDue po",
            clearing_account=ledger.clearing,
            bank_account=ledger.bank,
            fee_account=ledger.fees,
            amount=gbp(amount),
            fees=gbp("2.50"),
        )
        assert find_one(ledger.connector, payout) is None
        first = done(write_one(ledger, payout))
        written = ledger.postings()
        assert written > before
        assert done(write_one(ledger, payout)).external_ids == first.external_ids
        ledger.time.sleep(3600)
        found = find_one(ledger.connector, payout)
        assert found is not None
        assert found.external_ids == first.external_ids
        assert ledger.postings() == written

    @pytest.mark.parametrize(
        "damage",
        [{"CurrencyCode": None, "CurrencyRef": None}, {"DueDate": None, "DueDateString": None}, {"Total": 1.005}],
    )
    def test_a_bad_record_does_not_lose_its_page(
        self, ledger: Ledger, intercept: Install, damage: dict[str, object]
    ) -> None:
        if "Total" in damage:
            damage |= {"TotalAmt": damage["Total"]}

        def tamper(request: Request, handle: Callable[[], Response]) -> Response:
            response = handle()
            if ledger.list_path not in request.path:
                return response
            answer = json.loads(response.get_data())
            invoices = answer["Invoices"] if "Invoices" in answer else answer["QueryResponse"].get("Invoice", [])
            for item in invoices:
                if ledger.invoices[2] in (item.get("InvoiceID"), item.get("Id")):
                    item.update(damage)
            response.set_data(json.dumps(answer))
            return response

        intercept(tamper)
        pages = list(ledger.connector.read(Kind.INVOICE, since=None))
        problems = [problem for page in pages for problem in page.problems]
        assert [problem.subject for problem in problems] == [ledger.invoices[2]]
        assert problems[0].remedy
        records = {record.external_id for page in pages for record in page.records}
        assert records == set(ledger.invoices) - {ledger.invoices[2]}

    def test_a_call_limit_is_kept_for_as_long_as_told(self, ledger: Ledger, intercept: Install) -> None:
        intercept(always(status=429, headers={"Retry-After": "77"}))
        outcome = write_one(ledger, receipt(ledger, "429", {2: "10"}))
        assert isinstance(outcome, Retry)
        assert (outcome.after_seconds, outcome.ambiguous) == (77, False)
        calls = sum(ledger.standin.calls.values())
        ledger.standin.interceptor = None
        with pytest.raises(Retry):  # held off here, without a call
            ledger.connector.fetch(Kind.INVOICE, [ledger.invoices[1]])
        assert sum(ledger.standin.calls.values()) == calls
        ledger.time.sleep(78)
        assert ledger.connector.fetch(Kind.INVOICE, [ledger.invoices[1]]).records

    def test_another_token_is_asked_for_once_when_one_is_refused(self, ledger: Ledger) -> None:
        asked = ledger.consent.asked
        ledger.consent.forced = "refused"
        with pytest.raises(Reconnect):
            ledger.connector.fetch(Kind.INVOICE, [ledger.invoices[1]])
        assert (ledger.consent.asked - asked, ledger.consent.refused) == (1, ["refused"])

    def test_another_token_is_taken_for_one_that_was_ended_early(self, ledger: Ledger) -> None:
        seen: list[str] = []

        def refuse_first(request: Request, handle: Callable[[], Response]) -> Response:
            seen.append(request.headers["Authorization"])
            return Response("ended", status=401) if len(seen) == 1 else handle()

        ledger.standin.interceptor = refuse_first
        assert ledger.connector.fetch(Kind.INVOICE, [ledger.invoices[1]]).records
        assert len(seen) == 2

    @pytest.mark.parametrize(
        ("status", "error"), [(403, Reconnect), (404, Absent), (500, Retry), (400, Reject), (302, ConnectorError)]
    )
    def test_a_status_says_what_to_do(
        self, ledger: Ledger, intercept: Install, status: int, error: type[ConnectorError]
    ) -> None:
        intercept(always("<html>no JSON</html>", status=status))
        with pytest.raises(error):
            next(iter(ledger.connector.read(Kind.INVOICE, since=None)))

    def test_a_page_that_is_no_json_is_a_retry(self, ledger: Ledger, intercept: Install) -> None:
        intercept(always("<html>maintenance</html>", status=200))
        with pytest.raises(Retry):
            next(iter(ledger.connector.read(Kind.INVOICE, since=None)))
        outcome = write_one(ledger, receipt(ledger, "html", {2: "10"}))
        assert isinstance(outcome, Retry)
        assert outcome.ambiguous

    def test_an_invoice_is_stated_in_full(self, ledger: Ledger) -> None:
        assert isinstance(ledger.connector, StatesInvoices)
        issuer = ledger.connector.issuer()
        stated = ledger.connector.invoiced(ledger.invoices[1], issuer)
        assert (stated.number, stated.total, stated.open_amount, stated.tax) == (
            "INV-1",
            gbp("10.10"),
            gbp("10.10"),
            gbp("0"),
        )
        assert [(line.net, line.quantity) for line in stated.lines] == [(gbp("10.10"), Decimal(1))]
        assert (issuer.currency, stated.buyer.name) == ("GBP", "Öz & Söhne")
        with pytest.raises(Absent):
            ledger.connector.invoiced("00000000-0000-4000-8000-000000000000", issuer)

    @pytest.mark.off_contract
    def test_an_invoice_that_lacks_its_total_is_refused_with_the_reason(
        self, ledger: Ledger, intercept: Install
    ) -> None:
        assert isinstance(ledger.connector, StatesInvoices)
        issuer = ledger.connector.issuer()

        def cut(_request: Request, handle: Callable[[], Response]) -> Response:
            answer = handle()
            return Response(answer.get_data().replace(b'"Total', b'"Sum'), status=answer.status_code)

        intercept(cut)
        with pytest.raises(Reject, match="the invoice cannot be read: 'Total") as refused:
            ledger.connector.invoiced(ledger.invoices[1], issuer)
        assert "correct it and save it" in refused.value.remedy

    def test_an_invoice_is_printed(self, ledger: Ledger) -> None:
        assert isinstance(ledger.connector, PrintsInvoices)
        assert ledger.connector.printed(ledger.invoices[1]).startswith(b"%PDF-")
        with pytest.raises(Absent):
            ledger.connector.printed("00000000-0000-4000-8000-000000000000")

    @pytest.mark.off_contract
    def test_what_is_no_pdf_of_an_invoice_is_not_passed_on(self, ledger: Ledger, intercept: Install) -> None:
        assert isinstance(ledger.connector, PrintsInvoices)
        intercept(lambda _request, _handle: Response(b"<html>sorry</html>", content_type="text/html"))
        with pytest.raises(Retry, match="no PDF"):
            ledger.connector.printed(ledger.invoices[1])
        intercept(lambda _request, _handle: Response(b"%PDF-" + b" " * MAX_PDF_BYTES))
        with pytest.raises(Retry, match="larger"):
            ledger.connector.printed(ledger.invoices[1])

    def test_published_limits_are_kept(self, ledger: Ledger) -> None:
        held_back = 0
        for _ in range(75):
            try:
                list(ledger.connector.read(Kind.ACCOUNT, since=None))
            except Retry as error:
                held_back += 1
                ledger.time.sleep(error.after_seconds)
        assert ledger.time.slept > 0
        assert held_back <= 2
        assert ledger.standin.avoidable_429 == 0

    def test_many_pages(self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
        module = f"connectors.ledgers.{ledger.consent.declaration.system}.read"
        monkeypatch.setattr(f"{module}.PAGE_SIZE", 2)
        monkeypatch.setattr(f"{module}.OVERLAP", 1, raising=False)
        since = ledger.time.now() - timedelta(days=60)
        for window in (None, since):
            pages = list(ledger.connector.read(Kind.INVOICE, since=window))
            records = [record.external_id for page in pages for record in page.records]
            assert len(pages) > 2
            assert sorted(records) == sorted(ledger.invoices)

    def test_a_page_that_leaves_out_what_is_new_is_not_the_last(
        self, ledger: Ledger, intercept: Install, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        module = f"connectors.ledgers.{ledger.consent.declaration.system}.read"
        monkeypatch.setattr(f"{module}.PAGE_SIZE", 2)
        monkeypatch.setattr(f"{module}.OVERLAP", 1, raising=False)
        since = ledger.time.now() - timedelta(days=60)
        for window in (None, since):
            left_out: list[str] = []
            intercept(partial(_without_the_last, left_out))
            found = read(ledger, Kind.INVOICE, window)
            assert len(left_out) == 1
            assert {*found, *left_out} == {*ledger.invoices}


def _without_the_last(left_out: list[str], _request: Request, handle: Callable[[], Response]) -> Response:
    """Answer the first page of invoices as a replica that lags does: its last one is too new to be shown."""
    response = handle()
    shown = json.loads(response.get_data()) if not left_out else {}
    rows = shown.get("Invoices") or shown.get("QueryResponse", {}).get("Invoice")
    if rows:
        row = rows.pop()
        left_out.append(row.get("InvoiceID") or row["Id"])
        response.set_data(json.dumps(shown))
    return response


def always(body: str = "", **options: Any) -> Callable[[Request, Callable[[], Response]], Response]:  # noqa: ANN401
    """Answer every request with this, without performing it."""
    return lambda *_: Response(body, **options)


def is_write(request: Request) -> bool:
    return request.method in ("POST", "PUT") and not request.path.endswith(("/query", "/token", "/tokens/bearer"))


def test_exact_json_keeps_every_digit() -> None:
    value = {"Amount": Decimal("0.10"), "Money": gbp(HUGE), "On": date(2026, 1, 2), "Text": 'a"é', "None": None}
    assert exact.dumps(value) == (
        '{"Amount":0.10,"Money":90071992547409.93,"On":"2026-01-02","Text":"a\\"\\u00e9","None":null}'
    )
    with pytest.raises(TypeError):
        exact.dumps({"Amount": 0.1})
