"""Invoices that were voided or deleted in the ledger: what we had applied to them pays nothing any more."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select, update

from receivables.money import Money
from runtime.operations.applying.undo import ask_again, reverse_application
from runtime.operations.systems.absorb.scope import Scope
from runtime.store import tables as t


def free_money(scope: Scope, document_ids: Collection[str]) -> None:
    """Let go of what we applied to invoices that are gone.

    Money that the ledger has already stays there, unapplied. What is not posted yet, or was more than money alone, is
    taken back as a whole, and a person is asked.
    """
    if not document_ids:
        return
    allocation, receipt = t.allocation.c, t.receipt.c
    rows = scope.db.execute(
        select(t.allocation, receipt.applications)
        .join(t.receipt, receipt.id == allocation.receipt_id)
        .where(
            allocation.organisation_id == scope.organisation_id,
            allocation.document_id.in_(sorted(document_ids)),
            allocation.undone_at.is_(None),
        )
        .order_by(allocation.receipt_id, allocation.document_id)
    ).all()
    for row in rows:
        if row.posted_at is None or row.is_credit or _is_mixed(scope, row.receipt_id):
            reverse_application(scope.db, scope.organisation_id, row.receipt_id, actor=scope.system, at=scope.read_at)
            ask_again(scope.db, scope.organisation_id, row.receipt_id, scope.read_at)
            continue
        scope.db.execute(update(t.allocation).where(allocation.id == row.id).values(undone_at=scope.read_at))
        left = receipt.unapplied_minor + row.amount_minor
        values = {"unapplied_minor": left, "changed_at": scope.read_at}
        scope.db.execute(update(t.receipt).where(receipt.id == row.receipt_id).values(**values))
        amount = Money(row.amount_minor, row.currency)
        detail = f"{amount} of receipt {row.receipt_id} pay nothing any more: the invoice is gone from the ledger"
        scope.record("application_undone", row.document_id, detail)


def _is_mixed(scope: Scope, receipt_id: str) -> bool:
    """Whether a receipt closes items by more than its money: credit notes, fees, discounts."""
    credit = select(t.allocation.c.id).where(
        t.allocation.c.receipt_id == receipt_id, t.allocation.c.is_credit.is_(True), t.allocation.c.undone_at.is_(None)
    )
    residual = select(t.residual.c.id).where(t.residual.c.receipt_id == receipt_id, t.residual.c.undone_at.is_(None))
    return scope.db.scalar(credit.union_all(residual).limit(1)) is not None
