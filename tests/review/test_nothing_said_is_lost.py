"""What a person empties is an edit as any other, and a change that was read late is shown all the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from connectors.contract import Role
from connectors.records import ContactFields, DocumentFields, Kind, Page
from runtime.operations.applying.undo import reverse_application
from runtime.operations.systems.absorb.page import absorb
from runtime.operations.systems.show_in_crm import anything_unshown
from runtime.store import tables as t
from sync.merge import Conflict, merge
from sync.owners import OWNERS, Owner
from tests.operations.firm import Firm, money_in


@pytest.mark.parametrize(
    ("owner", "speaker", "ours", "theirs", "expected"),
    [
        (Owner.SHARED, Owner.CRM, "PO-2", None, Conflict("purchase_order", kept="PO-2", lost=None)),
        (Owner.SHARED, Owner.LEDGER, None, "PO-2", Conflict("purchase_order", kept="PO-2", lost=None)),
        (Owner.LEDGER, Owner.CRM, "PO-1", None, Conflict("purchase_order", kept="PO-1", lost=None)),
    ],
)
def test_an_emptied_field_that_loses_is_a_conflict(
    owner: Owner, speaker: Owner, ours: str | None, theirs: str | None, expected: Conflict
) -> None:
    merged = merge(
        owners={**OWNERS, "purchase_order": owner},
        speaker=speaker,
        pairs={"purchase_order": ("PO-1", "PO-1")},
        ours={"purchase_order": ours},
        theirs={"purchase_order": theirs},
    )
    assert merged.conflicts == (expected,)


def test_a_change_that_was_read_before_its_invoice_was_shown_is_shown(firm: Firm) -> None:
    ledger = firm.connection(Role.LEDGER)
    document = firm.document("INV-1001")
    firm.time.advance(minutes=1)
    began_at = firm.app.clock()
    page = firm.app.vendors.connector(ledger).fetch(Kind.INVOICE, [firm.ledger.ids["INV-1001"]])
    (record,) = page.records
    assert isinstance(record.fields, DocumentFields)
    later = replace(record, fields=replace(record.fields, number="INV-1001a"))
    with firm.app.store.write() as db:
        at = began_at + timedelta(seconds=1)
        db.execute(update(t.document).where(t.document.c.id == document.id).values(changed_at=at))
    firm.work()
    with firm.app.store.write() as db:
        absorb(db, connection=ledger, page=Page((later,)), read_at=began_at)
    firm.work()
    assert firm.shown("INV-1001a")["Number__c"] == "INV-1001a"


def _unshown(firm: Firm) -> bool:
    with firm.app.store.read() as db:
        return anything_unshown(db, firm.id)


@pytest.mark.parametrize("same_time", [True, False], ids=["that of a change shown", "later"])
def test_a_contact_is_shown_whatever_the_time_of_its_reading(firm: Firm, same_time: bool) -> None:
    crm = firm.connection(Role.CRM)
    page = firm.app.vendors.connector(crm).fetch(Kind.CONTACT, [firm.contacts["Acme"]])
    (record,) = page.records
    assert isinstance(record.fields, ContactFields)
    firm.time.advance(minutes=1)
    shown = firm.app.clock()
    with firm.app.store.write() as db:
        db.execute(update(t.customer).values(changed_at=shown))
    firm.work()
    for opted_out in (True, False):
        later = replace(record, fields=replace(record.fields, opted_out=opted_out))
        firm.time.advance(minutes=1)
        at = shown if same_time else firm.app.clock()
        with firm.app.store.write() as db:
            db.execute(update(t.link).values(read_at=None))
            absorb(db, connection=crm, page=Page((later,)), read_at=at)
        assert _unshown(firm)
        firm.work()
        assert not _unshown(firm)


def test_a_reversal_that_was_read_before_its_receipt_was_shown_is_shown(firm: Firm) -> None:
    firm.import_lines(money_in("L1", "120.00", "ACME LTD", "INV-1001"))
    firm.time.advance(minutes=1)
    began_at = firm.app.clock()
    firm.work(minutes=1)
    receipt = firm.receipt()
    assert receipt.state == "applied" and receipt.changed_at > began_at and not _unshown(firm)
    with firm.app.store.write() as db:
        reverse_application(db, firm.id, receipt.id, actor="xero", at=began_at)
        db.execute(update(t.document).values(shown_at=t.document.c.changed_at))
        db.execute(update(t.customer).values(shown_at=t.customer.c.changed_at))
    assert _unshown(firm)
