"""A dispute's files reach the ledger's invoice once, where the ledger takes them and its consent covers them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update
from werkzeug.wrappers import Request, Response

from runtime.operations.payers import attach_files
from runtime.operations.payers.dispute import dispute
from runtime.operations.payers.dispute_files import SentFile
from runtime.store import queues
from runtime.store import tables as t
from sandbox.xero.books import XeroBooks
from tests.operations.copied import synced
from tests.operations.faults import lose_answer
from tests.operations.firm import Firm, XeroLedger, open_firm
from tests.web.sent_files import pdf, picture


def _books(firm: Firm) -> XeroBooks:
    assert isinstance(firm.ledger, XeroLedger)
    return firm.ledger.books


def _contest(firm: Firm, *files: SentFile) -> None:
    document = firm.document("INV-1001")
    dispute(
        firm.app,
        files or (SentFile("door.png", picture()), SentFile("order.pdf", pdf())),
        organisation_id=firm.id,
        customer_id=document.customer_id,
        document_id=document.id,
        reason="A door is missing",
        actor="customer",
    )


def _states(firm: Firm) -> list[str]:
    return [row.state for row in firm.rows(t.outbox) if row.intent["intent"] == "attach_file"]


def _calls(firm: Firm) -> int:
    return sum(count for rule, count in firm.ledger.standin.calls.items() if "Attachments" in rule)


def test_files_stand_on_the_ledgers_invoice_and_no_queue_keeps_them(stored_firm: Firm) -> None:
    firm = stored_firm
    _contest(firm)
    rows = [row for row in firm.rows(t.outbox) if row.intent["intent"] == "attach_file"]
    assert [row.intent["content"] for row in rows] == ["", ""]
    firm.settle()
    kept = _books(firm).attachments.values()
    assert sorted(each["Content"] for each in kept) == sorted([picture(), pdf()])
    assert {each["InvoiceID"] for each in kept} == {firm.ledger.ids["INV-1001"]}
    assert not any(each["IncludeOnline"] for each in kept)
    assert _states(firm) == [queues.DONE] * 2
    assert all(row.intent["content"] == "" for row in firm.rows(t.outbox) if row.intent["intent"] == "attach_file")
    assert firm.problems() == ["disputed"]
    assert not firm.writes_at_rest()


def test_a_file_whose_answer_was_lost_is_looked_up_and_not_attached_again(firm: Firm) -> None:
    _contest(firm, SentFile("door.png", picture()))
    firm.ledger.standin.interceptor = lose_answer(firm.ledger.standin)
    firm.work()
    assert _states(firm) == [queues.NEW]
    firm.work(minutes=10)
    assert _states(firm) == [queues.DONE]
    assert len(_books(firm).attachments) == 1
    assert firm.ledger.standin.calls["PUT /api.xro/2.0/Invoices/<invoice_id>/Attachments/<file_name>"] == 1


@pytest.mark.parametrize("granted", [None, "accounting.invoices accounting.payments"])
def test_a_consent_that_covers_no_files_is_not_called(firm: Firm, granted: str | None) -> None:
    with firm.app.store.write() as db:
        db.execute(update(t.consent).where(t.consent.c.system == "xero").values(scopes=granted))
    _contest(firm)
    firm.settle()
    assert (_calls(firm), _states(firm)) == (0, [queues.SUPERSEDED] * 2)
    assert firm.problems() == ["disputed"]
    assert len(firm.rows(t.dispute_file)) == 2


def test_what_a_consent_covers_is_known_from_its_first_answer_and_from_a_renewal(firm: Firm) -> None:
    (told,) = (row.scopes for row in _consents(firm))
    assert "accounting.attachments" in told.split()
    with firm.app.store.write() as db:
        db.execute(update(t.consent).values(scopes=None))
    firm.time.advance(hours=1)
    firm.poll()
    assert [row.scopes for row in _consents(firm)] == [told]


def _consents(firm: Firm) -> list[Any]:
    return firm.rows(t.consent, system="xero")


def test_a_file_that_was_removed_meanwhile_is_not_attached(firm: Firm) -> None:
    _contest(firm)
    with firm.app.store.write() as db:
        db.execute(delete(t.dispute_file))
    firm.settle()
    assert (_calls(firm), _states(firm)) == (0, [queues.SUPERSEDED] * 2)
    assert firm.problems() == ["disputed"]


def test_more_files_than_fit_in_memory_are_attached_in_turn(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attach_files, "MAX_AT_ONCE", 1)
    _contest(firm)
    firm.work()
    assert sorted(_states(firm)) == [queues.DONE, queues.NEW]
    firm.work(seconds=queues.LEASE.total_seconds())
    assert _states(firm) == [queues.DONE] * 2
    assert firm.problems() == ["disputed"]


def test_files_that_the_ledger_refuses_are_one_line_and_hold_nothing_else_up(firm: Firm) -> None:
    _contest(firm)

    def refuse(request: Request, handle: Callable[[], Response]) -> Response:
        return Response(status=404) if "Attachments" in request.path else handle()

    firm.ledger.standin.interceptor = refuse
    firm.settle()
    assert _states(firm) == [queues.ASIDE] * 2
    assert firm.problems() == ["disputed", "write_refused"]
    (told,) = firm.rows(t.problem, code="write_refused")
    assert "attach it in the ledger yourself" in told.remedy
    assert firm.document("INV-1001").disputed


def test_nothing_is_promised_to_a_ledger_that_takes_no_files(tmp_path: Path) -> None:
    with open_firm(tmp_path, "quickbooks") as firm:
        _contest(synced(firm))
        firm.settle()
        assert _states(firm) == []
        assert len(firm.rows(t.dispute_file)) == 2
        assert firm.problems() == ["disputed"]
