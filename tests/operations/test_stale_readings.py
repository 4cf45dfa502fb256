"""A replica that lags shows what was there before, to a later call: it changes nothing, and hides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Table

from connectors import registry
from connectors.contract import Role
from connectors.records import DocumentFields, Kind, Page, Record
from runtime.operations.reminding.remind import remind_organisation
from runtime.operations.reminding.withdraw import HELD
from runtime.operations.systems.absorb.page import absorb
from runtime.operations.systems.disconnect import disconnect
from runtime.operations.systems.edits import promise_pending_edits
from runtime.operations.systems.pull import pull
from runtime.store import tables as t
from runtime.store.queues import MAX_ATTEMPTS
from sync.cursor import OVERLAP
from tests.operations.faults import not_shown_yet
from tests.operations.firm import CURRENCY, TODAY, Firm, QuickBooksLedger

Shown = dict[tuple[Role, Kind], list[Page]]
_KEPT: Mapping[Table, tuple[str, ...]] = {
    t.customer: ("name", "email", "deleted", "merged_into"),
    t.opt_out: ("customer_id", "channel", "source", "ended_at"),
    t.document: ("customer_id", "balance_minor", "due_on", "status", "note", "disputed"),
    t.ledger_payment: ("amount_minor", "lines", "deleted"),
    t.account: ("name", "handle"),
    t.receipt: ("state", "status", "amount_minor", "refunded_minor"),
    t.payout: ("state", "lines"),
    t.link: ("kind", "local_id", "version", "modified_at", "surpassed", "base"),
    t.conflict: ("field", "kept", "lost"),
    t.outbox: ("key", "state"),
}


def _everything(firm: Firm) -> Shown:
    """All that the vendors show, of every kind that is read."""
    shown: Shown = {}
    for role in Role:
        connection = firm.connection(role)
        connector = firm.app.vendors.connector(connection)
        for kind in registry.declaration(connection.system).reads:
            shown[role, kind] = list(connector.read(kind, since=None))
    return shown


def _show(firm: Firm, role: Role, page: Page) -> None:
    with firm.app.store.write() as db:
        absorb(db, connection=firm.connection(role), page=page, read_at=firm.app.clock())


def _state(firm: Firm) -> dict[str, list[Any]]:
    found = {}
    for table, columns in _KEPT.items():
        named = [column for column in ("id", "external_id", *columns) if column in table.c]
        found[table.name] = sorted(repr([getattr(row, column) for column in named]) for row in firm.rows(table))
    return found


def _books(firm: Firm) -> Any:  # noqa: ANN401 - of either ledger
    return firm.ledger.books  # type: ignore[attr-defined]


def _live_on(firm: Firm, payment: str, coded: str, card: str, paid_out: str) -> None:
    """Something happens to an object of every kind."""
    firm.ledger.edit_due_date("INV-1001", TODAY + timedelta(days=9))
    firm.ledger.edit_email(firm.customers["Bolt"], "books@bolt.example")
    _books(firm).delete_payment(payment)
    if isinstance(firm.ledger, QuickBooksLedger):
        books = firm.ledger.books
        gone = firm.customers.pop("Old")
        books.merge_customers(kept_id=firm.customers["Acme"], gone_id=gone)
        books.delete("Deposit", {"Id": coded, "SyncToken": books.deposits[coded]["SyncToken"]})
    else:
        _books(firm).merge_contact(firm.customers.pop("Old"), into=firm.customers["Acme"])
    firm.crm.delete("Contact", firm.contacts["Bolt"])
    firm.crm.update("Contact", firm.contacts["Acme"], Email="ap@acme.example")
    firm.edit_in_crm("INV-2001", Disputed__c=True, Dispute_Reason__c="short delivery")
    firm.stripe.settle(card)
    firm.stripe.fail_payout(paid_out)


@pytest.fixture
def lived(any_firm: Firm) -> tuple[Firm, Shown]:
    """A firm to whose objects something happened, and what the vendors showed before."""
    firm = any_firm
    firm.customer("Old")
    firm.invoice("Old", "INV-3001", "10.00")
    payment = firm.ledger.pay_by_hand("INV-1002", "20.00", on=TODAY)
    coded = firm.ledger.code_to_income("33.00", on=TODAY, memo="something")
    sold = firm.stripe.pay(amount=5_000, currency=CURRENCY)
    paid_out = firm.stripe.pay_out([sold], arrival_on=TODAY)
    card = firm.stripe.pay(amount=30_000, currency=CURRENCY, method="bacs_debit", metadata={"invoice": "INV-2001"})
    firm.settle()
    shown = _everything(firm)
    firm.time.advance(seconds=90)
    _live_on(firm, payment, coded, card, paid_out)
    firm.time.advance(seconds=2)
    firm.settle()
    return firm, shown


def test_what_was_there_before_changes_nothing_when_a_later_call_shows_it(lived: tuple[Firm, Shown]) -> None:
    firm, shown = lived
    before = _state(firm)
    firm.time.advance(seconds=5)
    for (role, _), pages in shown.items():
        for page in pages:
            _show(firm, role, page)
    after = _state(firm)
    assert {name: after[name] for name in before if after[name] != before[name]} == {
        name: before[name] for name in before if after[name] != before[name]
    }


def test_after_a_stale_reading_the_next_good_one_is_taken(lived: tuple[Firm, Shown]) -> None:
    firm, shown = lived
    for (role, _), pages in shown.items():
        for page in pages:
            _show(firm, role, page)
    firm.time.advance(seconds=5)
    firm.ledger.edit_due_date("INV-1001", TODAY + timedelta(days=11))
    firm.settle()
    assert firm.document("INV-1001").due_on == TODAY + timedelta(days=11)
    assert firm.ledger.due_on("INV-1001") == TODAY + timedelta(days=11)


def _invoice(firm: Firm, number: str) -> Record:
    connector = firm.app.vendors.connector(firm.connection(Role.LEDGER))
    (record,) = connector.fetch(Kind.INVOICE, [firm.ledger.ids[number]]).records
    return record


def test_an_edit_that_moves_no_version_is_taken_when_it_is_read_later(any_firm: Firm) -> None:
    """Xero may leave UpdatedDateUTC as it was when the due date of a partly paid invoice changes."""
    record = _invoice(any_firm, "INV-1001")
    assert isinstance(record.fields, DocumentFields)
    later = replace(record, fields=replace(record.fields, due_on=TODAY + timedelta(days=30)))
    _show(any_firm, Role.LEDGER, Page((later,)))
    assert any_firm.document("INV-1001").due_on == TODAY + timedelta(days=30)


def test_pages_that_shift_may_show_the_older_state_after_the_newer_one(any_firm: Firm) -> None:
    old = _invoice(any_firm, "INV-1001")
    any_firm.time.advance(seconds=2)
    any_firm.ledger.edit_due_date("INV-1001", TODAY + timedelta(days=3))
    _show(any_firm, Role.LEDGER, Page((_invoice(any_firm, "INV-1001"), old)))
    assert any_firm.document("INV-1001").due_on == TODAY + timedelta(days=3)


def test_what_we_wrote_to_the_crm_is_not_taken_back_by_the_state_before(any_firm: Firm) -> None:
    """Salesforce's answer tells no version: what is shown again as it was before our write is from before it."""
    crm = any_firm.app.vendors.connector(any_firm.connection(Role.CRM))
    any_firm.settle()
    before = list(crm.read(Kind.INVOICE, since=None)) + list(crm.read(Kind.CONTACT, since=None))
    any_firm.time.advance(seconds=2)
    any_firm.ledger.edit_due_date("INV-1001", TODAY + timedelta(days=3))
    any_firm.ledger.edit_email(any_firm.customers["Acme"], "new@acme.example")
    pull(any_firm.app, any_firm.connection(Role.LEDGER))
    promise_pending_edits(any_firm.app, any_firm.id)
    any_firm.work()
    assert any_firm.crm.records["Contact"][any_firm.contacts["Acme"]]["Email"] == "new@acme.example"
    assert any_firm.shown("INV-1001")["Due_Date__c"] == (TODAY + timedelta(days=3)).isoformat()
    for page in before:
        _show(any_firm, Role.CRM, page)
    any_firm.work()
    assert any_firm.document("INV-1001").due_on == TODAY + timedelta(days=3)
    assert any_firm.ledger.due_on("INV-1001") == TODAY + timedelta(days=3)
    assert any_firm.ledger.email(any_firm.customers["Acme"]) == "new@acme.example"


def test_a_person_who_edits_the_crm_after_us_is_heard(any_firm: Firm) -> None:
    any_firm.ledger.edit_due_date("INV-1001", TODAY + timedelta(days=3))
    any_firm.settle()
    any_firm.time.advance(seconds=2)
    any_firm.edit_in_crm("INV-1001", Due_Date__c=TODAY + timedelta(days=7))
    any_firm.settle()
    assert any_firm.ledger.due_on("INV-1001") == TODAY + timedelta(days=7)


def test_a_connection_that_is_made_again_reads_what_changed_meanwhile(any_firm: Firm) -> None:
    disconnect(any_firm.app, organisation_id=any_firm.id, role=Role.LEDGER, actor="owner")
    any_firm.time.advance(seconds=2)
    any_firm.ledger.edit_due_date("INV-1001", TODAY + timedelta(days=3))
    any_firm.connect(any_firm.ledger.system, any_firm.ledger.account)
    pull(any_firm.app, any_firm.connection(Role.LEDGER))
    assert any_firm.document("INV-1001").due_on == TODAY + timedelta(days=3)


def _paid_and_not_shown(firm: Firm) -> None:
    """Polls read the event of a payment and are not shown the payment; the next one looks at what came later."""
    firm.stripe.pay(amount=30_000, currency=CURRENCY, metadata={"invoice_number": "INV-2001"})
    firm.estate.stripe.interceptor = not_shown_yet
    firm.pending_webhooks()
    for _ in range(2):
        firm.poll()
        firm.time.advance(seconds=OVERLAP.total_seconds() + 60)


def test_a_payment_that_is_named_before_it_is_shown_is_read_later(firm: Firm) -> None:
    _paid_and_not_shown(firm)
    firm.estate.stripe.interceptor = None
    firm.poll()
    assert firm.rows(t.receipt) == []
    firm.work()
    assert firm.receipt().state == "applied"


def test_nobody_is_reminded_while_a_payment_that_was_named_is_not_shown(firm: Firm) -> None:
    firm.switch_sending()
    _paid_and_not_shown(firm)
    firm.work()
    remind_organisation(firm.app, firm.id)
    assert ({row.state for row in firm.rows(t.reminder)}, firm.mailbox.mails) == ({HELD}, [])
    for _ in range(MAX_ATTEMPTS):
        firm.work(minutes=31)
    assert "webhook_not_processed" in firm.problems()
    remind_organisation(firm.app, firm.id)
    assert len(firm.mailbox.mails) > 0, "a person looks for it now"
