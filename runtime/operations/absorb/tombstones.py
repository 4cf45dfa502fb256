"""What was deleted at the vendor: marked here, never erased, and only where we know the object."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import update

from connectors.contract import Kind, Role
from receivables.document import DocumentStatus
from runtime.operations.absorb.scope import Scope
from runtime.store import tables as t
from runtime.store.touch import touch_documents


def bury(scope: Scope, kind: Kind, external_ids: Sequence[str]) -> None:
    """Mark ledger objects as gone. A record deleted in the CRM ends nothing: the ledger owns the objects."""
    if scope.role is not Role.LEDGER or not external_ids:
        return
    if kind is Kind.CUSTOMER:
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
    elif kind in (Kind.PAYMENT, Kind.CODED_RECEIPT):
        ids = [scope.local_id("pay", external_id) for external_id in external_ids]
        scope.db.execute(
            update(t.ledger_payment).where(t.ledger_payment.c.id.in_(ids)).values(deleted=True, read_at=scope.read_at)
        )
