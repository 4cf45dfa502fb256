"""Two workers on one database: what one decides about an organisation's money, the other does not undo unseen."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from decimal import Decimal

import pytest
from sqlalchemy import delete, insert, select, text, update

from connectors.contract import Role
from connectors.errors import Reject, Retry
from connectors.intents import Done
from runtime.operations.applying.apply import HYPOTHESIS, apply_hypothesis
from runtime.operations.applying.posted import still_wanted
from runtime.operations.applying.undo import reverse_application
from runtime.operations.errors import RefusedError
from runtime.operations.matching.match import match_receipts
from runtime.operations.organisations import create_organisation
from runtime.operations.systems import deliver
from runtime.operations.systems.connect import finish_connect
from runtime.store import connections, queues
from runtime.store import tables as t
from tests.operations.firm import START, Firm, money_in

PATIENCE_SECONDS = 20.0
_BLOCKED = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")


def _until_it_waits(firm: Firm, other: Future[None]) -> None:
    """Return when the other worker waits for a lock, or has finished."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and not other.done():
        with firm.app.store.read() as db:
            if db.scalar(_BLOCKED):
                return
        time.sleep(0.01)


def meanwhile(pool: ThreadPoolExecutor, firm: Firm, work: Callable[[], object]) -> Future[None]:
    """Begin `work` in the other worker, and go on once it can go no further."""

    def run() -> None:
        work()

    other = pool.submit(run)
    _until_it_waits(firm, other)
    return other


def _show_card_payment(firm: Firm, payer: str) -> None:
    firm.show_card_payment(payer_name=payer, created_at=START.replace(hour=9))


def _deliver_until_answered(firm: Firm) -> dict[str, object]:
    """Claim the only waiting write and mark it as on its way, as a worker does before it calls the ledger."""
    with firm.app.store.write() as db:
        (row,) = queues.claim(db, t.outbox, firm.app.clock())
        assert still_wanted(db, [row], firm.app.clock()) == [row]
        queues.mark_in_doubt(db, [row["id"]])
    return row


@pytest.fixture
def matched(shared_firm: Firm) -> Firm:
    """INV-1001 is paid; its posting waits in the outbox."""
    shared_firm.import_lines(money_in("L1", "120.00", "ACME LTD", "INV-1001"))
    shared_firm.time.advance(seconds=2)
    match_receipts(shared_firm.app, shared_firm.id)
    return shared_firm


def test_a_payment_read_again_while_it_is_applied_stays_applied(shared_firm: Firm) -> None:
    firm = shared_firm
    _show_card_payment(firm, "Acme")
    match_receipts(firm.app, firm.id)
    first = firm.receipt()
    assert first.state == "applied"
    body = firm.rows(t.proposal)[0].body
    with firm.app.store.write() as db:
        reverse_application(db, firm.id, first.id, actor="dana", at=firm.app.clock())
    with ThreadPoolExecutor(1) as pool:
        with firm.app.store.write() as db:
            connections.lock_organisation(db, firm.id)
            apply_hypothesis(
                db,
                receipt=dict(db.execute(select(t.receipt)).one()._mapping),
                hypothesis=HYPOTHESIS.validate_python(body["best"]),
                customer_id=body["customer_id"],
                actor="dana",
                at=firm.app.clock(),
            )
            other = meanwhile(pool, firm, lambda: _show_card_payment(firm, "Acme Limited"))
        other.result()
    assert (firm.receipt().state, firm.receipt().applications, firm.receipt().payer_name) == (
        "applied",
        2,
        "Acme Limited",
    )


def test_an_undo_while_the_ledgers_answer_is_settled_is_undone_there_too(matched: Firm) -> None:
    row = _deliver_until_answered(matched)
    ledger = matched.connection(Role.LEDGER)
    with ThreadPoolExecutor(1) as pool:
        with matched.app.store.write() as db:
            connections.lock_organisation(db, matched.id)
            reverse_application(db, matched.id, matched.receipt().id, actor="dana", at=matched.app.clock())
            answer = [Done(("BatchPayments/1",))]
            other = meanwhile(pool, matched, lambda: deliver._settle(matched.app, ledger, [row], answer))
        other.result()
    assert [each.intent["intent"] for each in matched.rows(t.outbox) if each.state == "new"] == ["undo_posting"]


def test_what_is_undone_before_it_leaves_is_never_written(matched: Firm) -> None:
    ledger = matched.connection(Role.LEDGER)
    with matched.app.store.write() as db:
        rows = queues.claim(db, t.outbox, matched.app.clock())
    with ThreadPoolExecutor(1) as pool:
        with matched.app.store.write() as db:
            connections.lock_organisation(db, matched.id)
            reverse_application(db, matched.id, matched.receipt().id, actor="dana", at=matched.app.clock())
            other = meanwhile(
                pool, matched, lambda: deliver._deliver_group(matched.app, matched.id, ledger.system, rows)
            )
        other.result()
    assert [(each.state, each.in_doubt) for each in matched.rows(t.outbox)] == [("superseded", False)]


def test_of_two_organisations_that_connect_one_account_at_once_the_first_has_it(shared_firm: Firm) -> None:
    firm = shared_firm
    other = create_organisation(firm.app, name="Other", base_currency="GBP", time_zone="Europe/London", country="GB")
    with firm.app.store.write() as db:
        mine = dict(db.execute(select(t.connection).where(t.connection.c.role == "ledger")).one()._mapping)
        db.execute(delete(t.watermark).where(t.watermark.c.connection_id == mine["id"]))
        db.execute(delete(t.connection).where(t.connection.c.id == mine["id"]))
    query = firm.consent(firm.ledger.system, firm.ledger.account, other.id)
    with ThreadPoolExecutor(1) as pool:
        with firm.app.store.write() as db:
            db.execute(insert(t.connection).values(mine))
            late = meanwhile(pool, firm, lambda: finish_connect(firm.app, system=firm.ledger.system, query=query))
        with pytest.raises(RefusedError, match="another organisation"):
            late.result()
    assert firm.connection(Role.LEDGER).consent_id == mine["consent_id"]


def test_a_write_whose_lease_went_to_another_worker_is_left_to_it(matched: Firm) -> None:
    with matched.app.store.write() as db:
        (slow,) = queues.claim(db, t.outbox, matched.app.clock())
    with matched.app.store.write() as db:
        db.execute(update(t.outbox).values(next_at=matched.app.clock()))
        (fast,) = queues.claim(db, t.outbox, matched.app.clock())
    with matched.app.store.write() as db:
        assert still_wanted(db, [slow], matched.app.clock()) == []
        assert still_wanted(db, [fast], matched.app.clock()) == [fast]


def _claimed_twice(firm: Firm) -> tuple[dict[str, object], dict[str, object]]:
    """One write, as two workers hold it: the first was about to send it, and was away until its lease ended."""
    slow = _deliver_until_answered(firm)
    firm.time.advance(seconds=queues.LEASE.total_seconds())
    return slow, _deliver_until_answered(firm)


def test_what_a_worker_says_after_its_lease_ended_is_not_recorded_over_another_ones_word(matched: Firm) -> None:
    ledger = matched.connection(Role.LEDGER)
    slow, fast = _claimed_twice(matched)
    deliver._settle(matched.app, ledger, [fast], [Done(("BatchPayments/1",))])
    assert deliver._settle(matched.app, ledger, [slow], [Reject("it is paid already")]) == {"late": 1}
    assert [(row.state, row.external_ids) for row in matched.rows(t.outbox)] == [("done", ["BatchPayments/1"])]
    assert matched.receipt().state == "applied" and matched.problems() == []


@pytest.mark.parametrize("is_settled", [True, False], ids=["refused", "still held"])
def test_a_write_that_took_effect_for_a_worker_whose_lease_ended_is_looked_up(matched: Firm, is_settled: bool) -> None:
    ledger = matched.connection(Role.LEDGER)
    slow, fast = _claimed_twice(matched)
    written = matched.app.vendors.connector(ledger).write([queues.read_intent(slow)])
    if is_settled:
        deliver._settle(matched.app, ledger, [fast], [Reject("it is paid already")])
        assert matched.receipt().state == "undone"
    deliver._settle(matched.app, ledger, [slow], written)
    deliver._settle(matched.app, ledger, [fast], [Reject("it is paid already")])
    matched.time.advance(seconds=queues.LEASE.total_seconds())  # who holds it may be calling for so long
    for _ in range(2):
        matched.work()
    # Refused, its application was taken back: so is the posting, once it is found. Else the posting is its own.
    assert matched.ledger.payments() == ([] if is_settled else [Decimal(120)])
    assert {row.state for row in matched.rows(t.outbox)} == {"done"}


def test_what_a_late_worker_doubts_is_looked_up_once_the_other_ones_call_has_ended(matched: Firm) -> None:
    """Looked up while that call is on its way, nothing is found, and what was undone is taken for never written."""
    ledger = matched.connection(Role.LEDGER)
    slow, fast = _claimed_twice(matched)
    deliver._settle(matched.app, ledger, [slow], [Retry("the connection broke", ambiguous=True)])
    with matched.app.store.write() as db:
        connections.lock_organisation(db, matched.id)
        reverse_application(db, matched.id, matched.receipt().id, actor="dana", at=matched.app.clock())
    matched.work()
    matched.app.vendors.connector(ledger).write([queues.read_intent(fast)])  # and its worker dies
    assert matched.ledger.payments() == [Decimal(120)]
    matched.time.advance(seconds=queues.LEASE.total_seconds())
    for _ in range(2):
        matched.work()
    assert matched.ledger.payments() == []
    assert [row.state for row in matched.rows(t.outbox)] == ["done", "done"]


def test_two_effects_of_one_promise_are_shown_to_a_person(matched: Firm) -> None:
    ledger = matched.connection(Role.LEDGER)
    slow, fast = _claimed_twice(matched)
    deliver._settle(matched.app, ledger, [fast], [Done(("BatchPayments/1",))])
    deliver._settle(matched.app, ledger, [slow], [Done(("BatchPayments/2",))])
    assert matched.problems() == ["written_twice"]
