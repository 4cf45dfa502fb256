"""What goes wrong for one organisation, or for one row, stops nobody else."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import delete

from connectors.errors import Reconnect
from runtime.operations import deliver, process_inbox, work
from runtime.operations.absorb.page import absorb as absorb_page
from runtime.operations.decide import confirm
from runtime.operations.errors import RefusedError
from runtime.operations.match import match_receipts
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
