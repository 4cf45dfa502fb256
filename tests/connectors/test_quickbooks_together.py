"""What is two objects in QuickBooks, in two batches: a refused deposit takes its payment back, and only that."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from werkzeug.wrappers import Request, Response

from connectors.errors import Reject, Retry
from connectors.intents import Intent, PostReceipt, WriteDown
from tests.connectors.ledger_suite import PAID_ON, Install, Ledger, done, gbp, intercept, receipt
from tests.connectors.lookups import find_one
from tests.connectors.quickbooks_company import books_of, ledger

__all__ = ["intercept", "ledger"]

Interceptor = Callable[[Request, Callable[[], Response]], Response]


def nowhere(ledger: Ledger, key: str) -> PostReceipt:
    """A receipt whose deposit is refused: its account does not exist."""
    return replace(receipt(ledger, key, {3: "10"}, fee="0.30"), account="987654")


def before_batch_with(text: str, act: Callable[[], Response | None]) -> Interceptor:
    """Act before the batch whose body holds `text`; what `act` returns is answered in its place."""

    def watch(request: Request, handle: Callable[[], Response]) -> Response:
        concerned = request.path.endswith("/batch") and text in request.get_data(as_text=True, cache=True)
        answer = act() if concerned else None
        return answer or handle()

    return watch


def test_refused_deposits_take_back_their_payments_in_one_call(ledger: Ledger) -> None:
    before, calls = ledger.postings(), Counter(ledger.standin.calls)
    outcomes = ledger.connector.write(
        [
            receipt(ledger, "a", {2: "10"}, fee="0.30"),
            nowhere(ledger, "x"),
            receipt(ledger, "b", {2: "10"}, fee="0.30"),
            nowhere(ledger, "y"),
            receipt(ledger, "plain", {2: "5"}),
        ]
    )
    assert [len(done(outcomes[index]).external_ids) for index in (0, 2, 4)] == [2, 2, 1]
    for index in (1, 3):
        assert isinstance(outcomes[index], Reject)
    assert ledger.postings() == before + 5
    assert [ledger.balance(ledger.invoices[index]) for index in (2, 3)] == [75, 100]
    assert (Counter(ledger.standin.calls) - calls).total() == 3  # payments, deposits, deletions


def test_a_heap_of_everything_takes_two_batches(ledger: Ledger) -> None:
    calls = Counter(ledger.standin.calls)
    down = WriteDown("w", ledger.customer, ledger.invoices[2], PAID_ON, gbp("1"), "small", ledger.fees, "", "TrueDue w")
    intents: list[Intent] = [receipt(ledger, "fee", {2: "10"}, fee="0.30"), down, receipt(ledger, "plain", {2: "5"})]
    outcomes = ledger.connector.write(intents)
    assert [len(done(outcome).external_ids) for outcome in outcomes] == [2, 2, 1]
    assert ledger.balance(ledger.invoices[2]) == 84
    written = Counter(ledger.standin.calls) - calls
    assert sum(count for call, count in written.items() if call.endswith("/batch")) == 2


@pytest.mark.parametrize("act", ["answer lost", "edited meanwhile"])
def test_a_payment_that_cannot_be_taken_back_now_is_looked_up(ledger: Ledger, intercept: Install, act: str) -> None:
    before = ledger.postings()
    intents = [nowhere(ledger, "x"), nowhere(ledger, "y")]

    def edit() -> None:
        for payment in books_of(ledger).payments.values():
            payment["SyncToken"] = str(int(payment["SyncToken"]) + 1)

    lost = Response(status=502)
    intercept(before_batch_with('"delete"', lambda: lost if act == "answer lost" else edit()))
    for outcome in ledger.connector.write(intents):
        assert isinstance(outcome, Retry), repr(outcome)
        assert outcome.ambiguous
        assert "in part" in str(outcome)
    assert ledger.postings() == before + 2
    ledger.standin.interceptor = None
    ledger.time.sleep(3600 * 25)
    for intent in intents:
        with pytest.raises(Reject):
            find_one(ledger.connector, intent)
        assert find_one(ledger.connector, intent) is None
    assert ledger.postings() == before


@pytest.mark.off_contract
def test_an_object_that_a_batch_does_not_answer_for_is_in_doubt(ledger: Ledger, intercept: Install) -> None:
    intents = [receipt(ledger, key, {2: "10"}, fee="0.30") for key in ("a", "b", "c")]

    def forget(request: Request, handle: Callable[[], Response]) -> Response:
        answer = json.loads(handle().get_data())
        if request.path.endswith("/batch"):
            del answer["BatchItemResponse"][0]
        return Response(json.dumps(answer), content_type="application/json")

    intercept(forget)
    first, second, third = ledger.connector.write(intents)
    ledger.standin.interceptor = None
    done(third)
    for outcome in (first, second):  # the payment of one, the deposit of the other
        assert isinstance(outcome, Retry)
        assert outcome.ambiguous
    before = ledger.postings()
    found = [find_one(ledger.connector, intent) for intent in intents]
    assert all(each is not None and len(each.external_ids) == 2 for each in found)
    assert ledger.postings() == before + 1
