"""What was deleted at the vendor: marked here, never erased, and only where we know the object."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, update

from connectors.contract import Role
from connectors.records import Kind
from receivables.document import DocumentStatus
from receivables.receipt import ReceiptStatus
from runtime.operations.applying.posted import after_deletion
from runtime.operations.systems.absorb.scope import POSTING_LINK, Scope
from runtime.operations.systems.absorb.voided import free_money
from runtime.store import journal
from runtime.store import tables as t
from runtime.store.touch import touch_documents

LEDGER_SOURCE = "ledger"  # of a receipt that was made from a booking in the ledger


def bury(scope: Scope, kind: Kind, external_ids: Sequence[str]) -> None:
    """Mark ledger objects as gone. A record deleted in the CRM ends nothing: the ledger owns the objects."""
    if scope.role is not Role.LEDGER or not external_ids:
        return
    if kind is Kind.ACCOUNT:
        ids = [scope.local_id("acc", external_id) for external_id in external_ids]
        scope.db.execute(delete(t.account).where(t.account.c.id.in_(ids)))
    elif kind is Kind.CUSTOMER:
        ids = [scope.local_id("cus", external_id) for external_id in external_ids]
        scope.db.execute(
            update(t.customer)
            .where(t.customer.c.id.in_(ids), t.customer.c.deleted.is_(False))
            .values(deleted=True, changed_at=scope.read_at)
        )
    elif kind in (Kind.INVOICE, Kind.CREDIT_NOTE):
        ids = [scope.local_id("doc", external_id) for external_id in external_ids]
        known = scope.rows(t.document, ids)
        living = [row["id"] for row in known.values() if row["status"] != DocumentStatus.VOID.value]
        scope.db.execute(
            update(t.document)
            .where(t.document.c.id.in_(living))
            .values(status=DocumentStatus.VOID.value, balance_minor=0, read_at=scope.read_at)
        )
        touch_documents(scope.db, scope.organisation_id, living, scope.read_at)
        free_money(scope, living)
        follow_deleted_postings(scope, external_ids)
    elif kind in (Kind.PAYMENT, Kind.CODED_RECEIPT):
        bury_payments(scope, external_ids)
        follow_deleted_postings(scope, external_ids)


def bury_payments(scope: Scope, external_ids: Sequence[str]) -> None:
    """Mark payments as gone from the ledger; whatever money they were found to record is matched again."""
    if not external_ids:
        return
    ids = [scope.local_id("pay", external_id) for external_id in external_ids]
    _release_receipts(scope, ids)
    scope.db.execute(
        update(t.ledger_payment).where(t.ledger_payment.c.id.in_(ids)).values(deleted=True, read_at=scope.read_at)
    )


def follow_deleted_postings(scope: Scope, external_ids: Sequence[str]) -> None:
    """Reverse the applications whose postings a person deleted in the ledger."""
    ours = scope.known_links(POSTING_LINK, external_ids).values()
    for receipt_id in sorted({link["local_id"] for link in ours}):
        after_deletion(scope, receipt_id, external_ids)


def _release_receipts(scope: Scope, payment_ids: Sequence[str]) -> None:
    """Match money again whose record in the ledger was taken away; a booking that was all we knew of it is gone."""
    records = scope.rows(t.ledger_payment, payment_ids).values()
    linked = scope.rows(t.receipt, {row["receipt_id"] for row in records if row["receipt_id"] and not row["deleted"]})
    for receipt in linked.values():
        if receipt["state"] not in ("recorded", "coded"):
            continue
        gone = receipt["source"] == LEDGER_SOURCE
        values = {"status": ReceiptStatus.REVERSED.value} if gone else {"state": "new"}
        scope.db.execute(
            update(t.receipt).where(t.receipt.c.id == receipt["id"]).values(**values, changed_at=scope.read_at)
        )
        journal.resolve_problem(
            scope.db,
            organisation_id=scope.organisation_id,
            code="coded_receipt",
            subject=receipt["id"],
            at=scope.read_at,
        )
