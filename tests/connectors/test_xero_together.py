"""Receipts that share calls in Xero: what one of them is refused, and what a lost answer leaves of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from werkzeug.wrappers import Request, Response

from connectors.errors import Reject, Retry
from connectors.ledgers.xero import together
from tests.connectors.ledger_suite import Install, Ledger, done, heap, intercept, receipt
from tests.connectors.lookups import find_one
from tests.connectors.xero_organisation import ledger

__all__ = ["intercept", "ledger"]


def test_a_heap_costs_a_call_for_each_kind_of_object(ledger: Ledger) -> None:
    before = Counter(ledger.standin.calls)
    for outcome in ledger.connector.write(heap(ledger)):
        done(outcome)
    calls = Counter(ledger.standin.calls) - before
    assert sorted(calls.values()) == [1, 1, 1]
    assert {call.rpartition("/")[2] for call in calls} == {"Payments", "BatchPayments", "BankTransactions"}


def test_a_refused_fee_takes_back_its_own_payment_only(ledger: Ledger) -> None:
    before, calls = ledger.postings(), sum(ledger.standin.calls.values())
    closed = receipt(ledger, "closed", {3: "10"}, fee="0.30", fee_account=ledger.closed_to_fees)
    too_dear = receipt(ledger, "too dear", {3: "10"}, fee="10.01")  # refused here already
    first, refused, dear, last = ledger.connector.write(
        [receipt(ledger, "a", {2: "10"}, fee="0.30"), closed, too_dear, receipt(ledger, "b", {3: "10"}, fee="0.30")]
    )
    assert len(done(first).external_ids) == len(done(last).external_ids) == 2
    assert isinstance(refused, Reject)
    assert isinstance(dear, Reject)
    assert (refused.code, dear.code) == ("account", "fee")
    assert ledger.postings() == before + 4
    assert [ledger.balance(ledger.invoices[index]) for index in (2, 3)] == [90, 90]
    assert sum(ledger.standin.calls.values()) - calls == 3  # the shared one; the payment looked at, and deleted


def test_a_payment_that_cannot_be_taken_back_now_is_looked_up(ledger: Ledger, intercept: Install) -> None:
    before = ledger.postings()
    intents = [
        receipt(ledger, "closed", {3: "10"}, fee="0.30", fee_account=ledger.closed_to_fees),
        receipt(ledger, "open", {3: "10"}, fee="0.30"),
    ]
    intercept(lambda request, handle: Response(status=503) if request.method == "POST" else handle())
    half, whole = ledger.connector.write(intents)
    done(whole)
    assert isinstance(half, Retry)
    assert half.ambiguous
    assert ledger.postings() == before + 3
    ledger.standin.interceptor = None
    ledger.time.sleep(3600)
    with pytest.raises(Reject):
        find_one(ledger.connector, intents[0])
    assert find_one(ledger.connector, intents[0]) is None
    assert ledger.postings() == before + 2


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_receipt_that_two_calls_share_is_completed(
    ledger: Ledger, intercept: Install, monkeypatch: pytest.MonkeyPatch, carried_out: bool
) -> None:
    """Three payments a call: the second receipt's cash is in the first call, its fee in the second, which is lost."""
    monkeypatch.setattr(together, "MAX_ELEMENTS_PER_CALL", 3)
    before = ledger.postings()
    intents = [receipt(ledger, key, {2: "10"}, fee="0.30") for key in ("a", "b", "c")]
    puts: list[str] = []

    def lose(request: Request, handle: Callable[[], Response]) -> Response:
        puts.append(request.headers["Idempotency-Key"])
        answer = handle() if len(puts) == 1 or carried_out else None
        return answer if answer is not None and len(puts) == 1 else Response(status=502)

    intercept(lose)
    outcomes = ledger.connector.write(intents)
    ledger.standin.interceptor = None
    assert len(set(puts)) == 2
    done(outcomes[0])
    for outcome in outcomes[1:]:
        assert isinstance(outcome, Retry)
        assert outcome.ambiguous
    assert "in part" in str(outcomes[1])
    ledger.time.sleep(3600)
    second = find_one(ledger.connector, intents[1])
    assert second is not None
    assert len(second.external_ids) == 2
    assert (find_one(ledger.connector, intents[2]) is not None) == carried_out
    assert ledger.postings() == before + (6 if carried_out else 4)


def test_nothing_more_is_sent_of_a_receipt_whose_cash_is_refused(ledger: Ledger) -> None:
    before, calls = ledger.postings(), Counter(ledger.standin.calls)
    (refused,) = ledger.connector.write([receipt(ledger, "over", {1: "10.11"}, unapplied="5")])
    assert isinstance(refused, Reject)
    assert refused.code == "over_payment"
    assert (Counter(ledger.standin.calls) - calls).total() == 1
    assert ledger.postings() == before
