"""What goes wrong for one organisation, or for one row, stops nobody else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, delete

from connectors.errors import Reconnect
from connectors.intents import Intent, Outcome, PostReceipt
from connectors.ledgers.connector import LedgerConnector
from runtime.operations import work
from runtime.operations.applying.posted import after_posting
from runtime.operations.errors import RefusedError
from runtime.operations.inbox import process_inbox
from runtime.operations.inbox.set_aside import SetAside, replay, set_aside
from runtime.operations.matching.decide import confirm
from runtime.operations.matching.match import match_receipts
from runtime.operations.systems import deliver
from runtime.operations.systems.absorb.page import absorb as absorb_page
from runtime.store import queues
from runtime.store import tables as t
from tests.operations.faults import lose_answer
from tests.operations.firm import Firm, money_in

EXACT = money_in("L1", "120.00", "ACME LTD", "INV-1001")


def test_a_customer_that_the_ledger_has_not_shown_yet_is_a_problem_and_no_crash(firm: Firm) -> None:
    with firm.app.store.write() as db:
        db.execute(delete(t.link).where(t.link.c.system == "xero", t.link.c.kind == "customer"))
    firm.import_lines(EXACT)
    firm.work()
    assert firm.receipt().state == "suggested"
    assert firm.rows(t.allocation) == []
    with pytest.raises(RefusedError, match="has not shown this customer"):
        confirm(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="dana")


def test_one_organisations_failing_match_does_not_stop_delivery(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    firm.import_lines(EXACT)
    match_receipts(firm.app, firm.id)
    firm.import_lines(money_in("L9", "1.23", "X", "y"), name="b.xml")
    monkeypatch.setattr(work, "match_receipts", _fail)
    firm.work()
    assert firm.ledger.payments() == [Decimal("120.00")]
    assert firm.problems() == ["work_failed"]
    monkeypatch.undo()
    firm.work()
    assert firm.problems() == []


def test_a_notice_that_cannot_be_absorbed_is_set_aside_and_the_others_are_read(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = absorb_page

    def absorb(db, *, connection, page, read_at):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        if connection.system == "xero":
            raise KeyError("poison")
        real(db, connection=connection, page=page, read_at=read_at)

    monkeypatch.setattr(process_inbox, "absorb", absorb)
    firm.ledger.pay_by_hand("INV-1001", "120.00", on=firm.time().date())
    firm.deliver_webhooks()
    for _ in range(queues.MAX_ATTEMPTS + 1):
        firm.work(hours=2)
    assert {row.state for row in firm.rows(t.inbox) if row.kind is not None} == {queues.ASIDE}
    assert "webhook_not_processed" in firm.problems()


THREE = (EXACT, money_in("L2", "75.50", "ACME LTD", "INV-1002"), money_in("L3", "300.00", "BOLT LTD", "INV-2001"))
OTHERS = [Decimal("75.50"), Decimal("300.00")]


def _poison(intent: Intent) -> bool:
    return isinstance(intent, PostReceipt) and intent.lines[0].amount.minor == 12_000


def _states(firm: Firm) -> dict[str, int]:
    """How many writes are in each state."""
    return Counter(row.state for row in firm.rows(t.outbox))


@pytest.mark.parametrize("is_carried_out", [False, True], ids=["before it is sent", "after it is sent"])
def test_a_defect_that_one_write_uncovers_keeps_no_other_from_being_written(
    any_firm: Firm, monkeypatch: pytest.MonkeyPatch, is_carried_out: bool
) -> None:
    firm, real = any_firm, LedgerConnector.write

    def write(self: LedgerConnector, intents: Sequence[Intent]) -> list[Outcome]:
        is_bad = any(map(_poison, intents))
        if is_bad and not is_carried_out:
            raise KeyError("poison")
        outcomes = real(self, intents)
        if is_bad:
            raise KeyError("poison")
        return outcomes

    firm.import_lines(*THREE)
    monkeypatch.setattr(LedgerConnector, "write", write)
    firm.work()
    assert firm.ledger.payments() == OTHERS if not is_carried_out else sorted([*OTHERS, Decimal(120)])
    waits = [row for row in firm.rows(t.outbox) if row.state == queues.NEW]
    if is_carried_out:
        assert waits == [], "what the stopped call did is found"
        return
    (bad,) = waits
    assert bad.next_at < firm.time() + queues.LEASE / 2 and bad.in_doubt and "KeyError" in bad.problem
    for _ in range(queues.MAX_ATTEMPTS):
        firm.work(hours=2)
    assert _states(firm) == {queues.DONE: 2, queues.ASIDE: 1} and firm.problems() == ["write_not_delivered"]
    monkeypatch.undo()
    (row,) = _aside(firm)
    replay(firm.app, organisation_id=firm.id, queue=row.queue, row_id=row.row_id, actor="owner")
    firm.work()
    assert firm.ledger.payments() == sorted([*OTHERS, Decimal(120)]) and firm.problems() == []


def test_an_outcome_that_cannot_be_settled_keeps_no_other_from_being_settled(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    def after(db: Connection, row: dict[str, Any], posting: Any, *rest: Any) -> None:  # noqa: ANN401
        if _poison(posting):
            raise KeyError("poison")
        after_posting(db, row, posting, *rest)

    firm.import_lines(*THREE)
    monkeypatch.setattr(deliver, "after_posting", after)
    for _ in range(queues.MAX_ATTEMPTS):
        firm.work(hours=2)
    assert _states(firm) == {queues.DONE: 2, queues.ASIDE: 1} and firm.problems() == ["write_not_delivered"]
    assert len(firm.ledger.payments()) == 3, "it stands there, and is looked up each time"
    monkeypatch.undo()
    (row,) = _aside(firm)
    replay(firm.app, organisation_id=firm.id, queue=row.queue, row_id=row.row_id, actor="owner")
    firm.work()
    assert _states(firm) == {queues.DONE: 3} and len(firm.ledger.payments()) == 3


def test_what_a_defect_stops_before_any_call_is_tried_again_soon(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    firm.import_lines(EXACT)
    monkeypatch.setattr(deliver, "still_wanted", _fail)
    firm.work()
    (row,) = firm.rows(t.outbox)
    assert (row.state, row.in_doubt) == (queues.NEW, False) and row.next_at < firm.time() + queues.LEASE / 2
    assert firm.problems() == ["work_failed"]
    monkeypatch.undo()
    firm.work(minutes=1)
    assert firm.ledger.payments() == [Decimal("120.00")] and firm.problems() == []


def _aside(firm: Firm) -> list[SetAside]:
    with firm.app.store.read() as db:
        return set_aside(db, firm.id)


def test_a_write_in_doubt_stays_in_doubt_while_the_consent_is_gone(firm: Firm) -> None:
    firm.import_lines(EXACT)
    firm.ledger.standin.interceptor = lose_answer(firm.ledger.standin)
    firm.work()
    (row,) = firm.rows(t.outbox)
    assert row.in_doubt
    intent = queues.read_intent(dict(row._mapping))
    with firm.app.store.write() as db:
        deliver._settle_one(db, dict(row._mapping), intent, Reconnect("refused"), firm.app.clock())
    (row,) = firm.rows(t.outbox)
    assert row.in_doubt


def _fail(*_arguments: object) -> None:
    raise KeyError("poison")
