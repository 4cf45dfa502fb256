"""The ledger's own history of an invoice is told what happened to it: each thing in one line, and never twice."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from pydantic import TypeAdapter
from sqlalchemy import event, update
from sqlalchemy.exc import OperationalError

from connectors.ledgers.quickbooks.notes import HEADING
from connectors.limits import CallBook, Told
from runtime.operations.errors import RefusedError
from runtime.operations.matching.decide import undo
from runtime.operations.payers.dispute import dispute, settle_dispute
from runtime.operations.payers.promise import promise
from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.reminding.send import send_reminders
from runtime.operations.systems.deliver import deliver_outbox
from runtime.operations.systems.tell_history import (
    COMMITTED_WITHIN,
    LINES_AT_ONCE,
    TOLD,
    TOLD_WITHIN,
    line,
    switch_ledger_history,
    tell_history,
)
from runtime.store import journal, queues
from runtime.store import tables as t
from runtime.store.budget import StoredCalls
from runtime.web.action_words import ACTIONS
from tests.operations.faults import counting_writes, lose_answer, unavailable
from tests.operations.firm import TODAY, Firm, QuickBooksLedger, XeroLedger, money_in

DAY_SECONDS = 86_400


def _switch(firm: Firm, *, on: bool = True) -> Firm:
    switch_ledger_history(firm.app, organisation_id=firm.id, on=on, actor="owner")
    return firm


def _told(firm: Firm, number: str = "INV-1001") -> list[str]:
    """The lines of ours in the ledger, less the marks that tell equal ones apart."""
    assert isinstance(firm.ledger, XeroLedger)
    kept = [each for each in firm.ledger.books.history.values() if each["ObjectID"] == firm.ledger.ids[number]]
    said = [str(each["Details"]) for each in kept]
    assert len(said) == len(set(said)), "each line bears a mark of its own"
    return [each.rsplit(" [", 1)[0] for each in said if each.startswith("TrueDue: ")]


def _happens(firm: Firm, detail: str, *, ago: timedelta = timedelta(0), number: str = "INV-1001") -> None:
    with firm.app.store.write() as db:
        journal.record(
            db,
            organisation_id=firm.id,
            at=firm.time() - ago,
            actor="dana",
            action="promised",
            subject=firm.document(number).id,
            detail=detail,
        )


def _lines(firm: Firm) -> list[tuple[str, int]]:
    return [(row.state, row.attempts) for row in firm.rows(t.outbox) if row.intent["intent"] == "note_document"]


def test_what_happens_to_an_invoice_is_told_once(stored_firm: Firm) -> None:
    firm = _switch(stored_firm)
    firm.import_lines(money_in("L1", "120.00", "ACME", "INV-1001"))
    firm.settle()
    applied = f"TrueDue: Payment applied: 120.00 GBP of 120.00 GBP received on {TODAY - timedelta(days=1)} (exact)"
    assert _told(firm) == [f"{applied} (matching)"]
    undo(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="dana@firm.example")
    firm.settle()
    firm.time.advance(hours=2)
    firm.settle()
    first, second = _told(firm)
    assert first.startswith(applied)
    assert second == "TrueDue: Application taken back: 120.00 GBP no longer pay this item (d***@firm.example)"
    assert not _told(firm, "INV-1002")
    assert not firm.writes_at_rest()
    assert not firm.problems()


def test_promises_disputes_and_reminders_are_told_with_as_little_of_an_address_as_tells_it(firm: Firm) -> None:
    _switch(firm).switch_sending()
    plan_reminders(firm.app, firm.id)
    send_reminders(firm.app, firm.id)
    one = firm.document("INV-1001")
    which = {"organisation_id": firm.id, "customer_id": one.customer_id, "document_id": one.id}
    promise(firm.app, **which, promised_on=TODAY + timedelta(days=3), actor="customer")
    dispute(firm.app, **which, reason="Two were\nbroken", actor="customer")
    settle_dispute(firm.app, organisation_id=firm.id, document_id=one.id, actor="dana")
    firm.edit_in_crm("INV-2001", Promised_On__c=str(TODAY + timedelta(days=4)), Disputed__c=True)
    firm.settle()
    firm.edit_in_crm("INV-2001", Promised_On__c=None, Disputed__c=False)
    firm.ledger.edit_due_date("INV-1002", TODAY + timedelta(days=30))
    for _ in range(3):
        firm.settle()
    assert _told(firm, "INV-1002") == _told(firm)[:1], "what the ledger itself changed it knows"
    assert _told(firm) == [
        "TrueDue: Reminder sent: level 1 by e-mail to a***@example.com (reminders)",
        f"TrueDue: Payment promised: INV-1001 will be paid on {TODAY + timedelta(days=3)} (customer)",
        "TrueDue: Contested by the customer: the customer contests INV-1001: Two were broken (customer)",
        "TrueDue: Dispute settled: the dispute is settled (dana)",
    ]
    assert _told(firm, "INV-2001") == [
        "TrueDue: Reminder sent: level 1 by e-mail to b***@example.com (reminders)",
        f"TrueDue: Payment promised: {TODAY + timedelta(days=4)}; Contested by the customer (salesforce)",
        "TrueDue: Promise taken back; Dispute settled (salesforce)",
    ]


def test_numbers_and_addresses_in_a_note_are_cut() -> None:
    said = line("called", "call to +44 20 7946 0958: promised, says Ann@Firm.example: ask x.y@acme.example", "dana")
    assert said == "TrueDue: Called: call to ***58: promised, says A***@Firm.example: ask x***@acme.example (dana)"
    assert line("hold_placed", "legal: Handed over for collection on 2026-03-10.", "dana") == (
        "TrueDue: Handed over for collection on 2026-03-10. (dana)"
    )


def test_what_is_told_has_the_words_of_our_own_history() -> None:
    assert {action: ACTIONS[action] for action in TOLD} == dict(TOLD)


def test_what_happened_before_the_switch_or_while_it_was_off_is_never_told(firm: Firm) -> None:
    _happens(firm, "before")
    firm.time.advance(minutes=1)
    assert tell_history(firm.app, firm.id) == 0
    _switch(firm)
    _switch(firm)  # said twice: nothing begins anew
    _happens(firm, "on")
    assert tell_history(firm.app, firm.id) == 1
    _switch(firm, on=False)
    _happens(firm, "off")
    firm.time.advance(minutes=1)
    firm.settle()
    _switch(firm)
    firm.settle()
    assert _told(firm) == ["TrueDue: Payment promised: on (dana)"]
    switched = [row.detail for row in firm.rows(t.event, action="ledger_history_switched")]
    assert switched == ["on", "on", "off", "on"]


def test_what_is_committed_after_later_events_were_told_is_told_too(stored_firm: Firm) -> None:
    firm = _switch(stored_firm)
    firm.time.advance(hours=3)
    _happens(firm, "later")
    firm.settle()
    _happens(firm, "earlier, and committed late", ago=COMMITTED_WITHIN - timedelta(minutes=1))
    _happens(firm, "too late", ago=COMMITTED_WITHIN + timedelta(minutes=10))
    firm.settle()
    assert [each.split(": ")[2] for each in _told(firm)] == ["later (dana)", "earlier, and committed late (dana)"]


def test_a_heap_of_events_is_told_bit_by_bit(stored_firm: Firm) -> None:
    firm = _switch(stored_firm)
    names = [f"event {number}" for number in range(2 * LINES_AT_ONCE + 1)]
    for name in names:
        _happens(firm, name)
    assert [tell_history(firm.app, firm.id) for _ in range(2)] == [LINES_AT_ONCE, 0], "no more wait at once"
    deliver_outbox(firm.app)
    assert len(_told(firm)) == LINES_AT_ONCE
    for _ in range(2):
        firm.time.advance(minutes=5)
        firm.poll()
        deliver_outbox(firm.app)
    assert _told(firm) == [f"TrueDue: Payment promised: {name} (dana)" for name in names]


def test_a_line_that_waits_keeps_none_of_the_others_waiting(firm: Firm) -> None:
    _switch(firm)
    _happens(firm, "put off")
    tell_history(firm.app, firm.id)
    with firm.app.store.write() as db:
        db.execute(update(t.outbox).values(next_at=firm.time() + timedelta(hours=1)))
    for number in range(LINES_AT_ONCE + 1):
        _happens(firm, f"event {number}")
    assert [tell_history(firm.app, firm.id) for _ in range(2)] == [LINES_AT_ONCE - 1, 0]
    deliver_outbox(firm.app)
    assert len(_told(firm)) == LINES_AT_ONCE - 1


def test_what_is_told_on_a_later_day_says_when_it_was(firm: Firm) -> None:
    _switch(firm)
    _happens(firm, "kept for a day")
    day = firm.time().date()
    firm.time.advance(days=1)
    tell_history(firm.app, firm.id)
    deliver_outbox(firm.app)
    assert _told(firm) == [f"TrueDue: Payment promised: kept for a day (dana, {day})"]


def test_a_line_that_waited_over_a_week_for_a_consent_is_left(firm: Firm) -> None:
    _switch(firm)
    _happens(firm, "promised before the consent ended")
    tell_history(firm.app, firm.id)
    firm.time.advance(seconds=TOLD_WITHIN.total_seconds() + 60)
    _happens(firm, "since then")
    tell_history(firm.app, firm.id)
    deliver_outbox(firm.app)
    assert [state for state, _ in _lines(firm)] == [queues.SUPERSEDED, queues.DONE]
    assert len(_told(firm)) == 1
    assert not firm.problems()


def test_what_is_older_than_a_week_by_the_time_the_ledger_is_back_is_not_told(firm: Firm) -> None:
    _switch(firm)
    _happens(firm, "long ago")
    firm.time.advance(seconds=TOLD_WITHIN.total_seconds() + 60)
    assert tell_history(firm.app, firm.id) == 0


def test_a_line_whose_answer_was_lost_stands_once(firm: Firm) -> None:
    _switch(firm)
    _happens(firm, "once")
    tell_history(firm.app, firm.id)
    firm.ledger.standin.interceptor = lose_answer(firm.ledger.standin)
    deliver_outbox(firm.app)
    assert _lines(firm) == [(queues.NEW, 1)]
    firm.work(minutes=30)
    assert len(_told(firm)) == 1
    assert _lines(firm) == [(queues.DONE, 2)]


def test_lines_that_no_time_was_left_to_look_up_after_a_defect_stand_once(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two lines were written when the third call could not be counted, and by then the lease was over."""
    _switch(firm)
    for name in ("first", "second", "third"):
        _happens(firm, name)
    tell_history(firm.app, firm.id)
    begin, calls_begun = StoredCalls.begin, itertools.count(1)

    def count(calls: StoredCalls, *, urgent: bool, of: str) -> str | float:
        if next(calls_begun) != 3:
            return begin(calls, urgent=urgent, of=of)
        firm.time.advance(seconds=queues.LEASE.total_seconds())
        raise OperationalError("UPDATE call_book", None, Exception("database is locked"))

    monkeypatch.setattr(StoredCalls, "begin", count)
    deliver_outbox(firm.app)
    assert len(_told(firm)) == 2
    assert [row.in_doubt for row in firm.rows(t.outbox) if row.intent["intent"] == "note_document"] == [True] * 3
    firm.work(minutes=30)
    assert [each.split(": ")[2] for each in _told(firm)] == ["first (dana)", "second (dana)", "third (dana)"]


def test_a_line_is_no_edit_and_no_reading(firm: Firm) -> None:
    _switch(firm)
    before = firm.rows(t.link)
    _happens(firm, "said")
    tell_history(firm.app, firm.id)
    deliver_outbox(firm.app)
    assert len(_told(firm)) == 1
    assert firm.rows(t.link) == before


def test_lines_yield_to_what_is_urgent_and_being_put_off_counts_for_nothing(firm: Firm) -> None:
    """Of the day's calls no more are left than are kept for what is urgent."""
    _switch(firm)
    _happens(firm, "can wait")
    tell_history(firm.app, firm.id)
    until = (firm.time() + timedelta(hours=6)).timestamp()
    _told_by_the_vendor(firm, Told(400, until))
    for _ in range(queues.MAX_ATTEMPTS + 2):
        deliver_outbox(firm.app)
        with firm.app.store.write() as db:
            db.execute(update(t.outbox).values(next_at=firm.time()))
    assert _lines(firm) == [(queues.NEW, 0)]
    firm.import_lines(money_in("L1", "120.00", "ACME", "INV-1001"))
    firm.work()
    assert [str(each) for each in firm.ledger.payments()] == ["120.00"], "money is posted all the same"
    assert not _told(firm)
    firm.time.advance(hours=7)
    firm.settle()
    assert _told(firm)[0] == "TrueDue: Payment promised: can wait (dana)"
    assert not firm.problems()


def _told_by_the_vendor(firm: Firm, told: Told) -> None:
    book = TypeAdapter(CallBook).dump_json(CallBook(told={DAY_SECONDS: told})).decode()
    with firm.app.store.write() as db:
        db.execute(update(t.call_book).where(t.call_book.c.system == "xero").values(book=book))


def test_money_is_written_before_lines_that_were_promised_earlier(firm: Firm) -> None:
    _switch(firm)
    _happens(firm, "earlier")
    tell_history(firm.app, firm.id)
    seen: list[str] = []
    firm.import_lines(money_in("L1", "120.00", "ACME", "INV-1001"))
    firm.ledger.standin.interceptor = counting_writes(seen)
    firm.work()
    assert [path.rsplit("/", 1)[-1] for path in seen] == ["Payments", "History"]


def test_what_the_ledger_does_not_take_bothers_nobody(firm: Firm) -> None:
    _switch(firm)
    _happens(firm, "the ledger is away")
    tell_history(firm.app, firm.id)
    firm.ledger.standin.interceptor = unavailable
    for _ in range(queues.MAX_ATTEMPTS):
        deliver_outbox(firm.app)
        firm.time.advance(hours=2)
    assert _lines(firm) == [(queues.SUPERSEDED, queues.MAX_ATTEMPTS)]
    firm.ledger.standin.interceptor = None
    assert isinstance(firm.ledger, XeroLedger)
    _happens(firm, "the invoice is unknown", number="INV-1002")
    tell_history(firm.app, firm.id)
    del firm.ledger.books.invoices[firm.ledger.ids["INV-1002"]]
    deliver_outbox(firm.app)
    assert [state for state, _ in _lines(firm)] == [queues.SUPERSEDED] * 2
    assert not firm.problems()


def test_only_organisations_that_tell_are_asked_and_a_quiet_run_asks_once(firm: Firm) -> None:
    with _reading_events(firm) as seen:
        firm.poll()
    assert not seen
    _switch(firm)
    with _reading_events(firm) as seen:
        firm.poll()
    assert len(seen) == 1


@contextmanager
def _reading_events(firm: Firm) -> Iterator[list[str]]:
    """Note each statement that reads the trail."""
    seen: list[str] = []

    def note(*arguments: object) -> None:
        if "FROM event" in str(arguments[2]):
            seen.append(str(arguments[2]))

    event.listen(firm.app.store.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(firm.app.store.engine, "before_cursor_execute", note)


def test_an_organisation_without_a_ledger_is_told_so(unconnected: Firm) -> None:
    with pytest.raises(RefusedError, match="connect one first"):
        _switch(unconnected)


def test_in_quickbooks_it_is_told_in_a_note_beside_the_invoice(any_firm: Firm) -> None:
    firm = _switch(any_firm)
    _happens(firm, "by 2026-12-05")
    firm.settle()
    if isinstance(firm.ledger, XeroLedger):
        assert _told(firm) == ["TrueDue: Payment promised: by 2026-12-05 (dana)"]
    else:
        assert isinstance(firm.ledger, QuickBooksLedger)
        (note,) = firm.ledger.books.notes_of(firm.ledger.ids["INV-1001"])
        heading, said = note.split("\n")
        assert (heading, said.rsplit(" [", 1)[0]) == (HEADING, "TrueDue: Payment promised: by 2026-12-05 (dana)")
    assert not firm.writes_at_rest()
    assert not firm.problems()
