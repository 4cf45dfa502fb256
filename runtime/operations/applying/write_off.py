"""Give up a small rest of an invoice: a person's decision, booked as the settings say, and undone like a payment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from receivables.allocation import Allocation, Explanation, Hypothesis, Residual, ResidualKind
from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money
from runtime.app import App
from runtime.operations.applying.apply import apply_hypothesis
from runtime.operations.applying.cashless import CASHLESS, cashless_id
from runtime.operations.errors import RefusedError
from runtime.operations.matching.open_items import OpenDocument, open_documents
from runtime.operations.systems.treatments import treatments
from runtime.store import connections
from runtime.store import tables as t
from runtime.store.rows import insert_new

SOURCE = CASHLESS
MAX_BASIS_POINTS = 1_000  # of the invoice; giving up more is booked in the ledger by the accountant
_WHOLE = 10_000


@dataclass(frozen=True, slots=True)
class Offer:
    """What could be written off, and where it is booked; `obstacle` says why it cannot be now."""

    amount: Money
    account: str
    obstacle: str | None


def offer(db: Connection, organisation_id: str, document_id: str) -> Offer | None:
    """Return what a person may write off of an invoice; None when its rest is nothing or not small."""
    rest = _small_rest(db, organisation_id, document_id)
    if rest is None:
        return None
    known = treatments(db, organisation_id)
    if (treatment := known.get(ResidualKind.WRITE_OFF)) is None:
        return Offer(rest.open_amount, "", known.lack(ResidualKind.WRITE_OFF))
    return Offer(rest.open_amount, treatment.account, None)


def write_off(app: App, *, organisation_id: str, document_id: str, amount: Money, actor: str) -> None:
    """Write off what is open of an invoice. RefusedError when that is not `amount` any more, or nothing small."""
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        rest = _small_rest(db, organisation_id, document_id)
        if rest is None:
            raise RefusedError("there is no small rest to write off on this invoice")
        if rest.open_amount != amount:
            raise RefusedError(f"{rest.open_amount} is open now and not {amount}: look again, then decide")
        close_rest(
            db,
            organisation_id,
            rest,
            kind=ResidualKind.WRITE_OFF,
            actor=actor,
            at=app.clock(),
            why=f"the rest of {amount} was written off",
        )
    app.wake()


def close_rest(
    db: Connection,
    organisation_id: str,
    rest: OpenDocument,
    *,
    kind: ResidualKind,
    actor: str,
    at: datetime,
    why: str,
) -> None:
    """Close what is open of an invoice without cash, booked as the settings say for `kind`; RefusedError as they say.

    The decision is kept as a receipt of no cash (`cashless_id`), which is taken back as a payment is.
    """
    amount = rest.open_amount
    explanation = Explanation.DISCOUNT if kind is ResidualKind.DISCOUNT else Explanation.WRITE_OFF
    apply_hypothesis(
        db,
        receipt=_receipt(db, organisation_id, rest, at),
        hypothesis=Hypothesis(
            explanation=explanation,
            confidence=1.0,
            allocations=(Allocation(rest.document.document_id, amount),),
            residuals=(Residual(kind, amount),),
            unapplied=Money.zero(amount.currency),
        ),
        customer_id=rest.document.customer_id,
        actor=actor,
        at=at,
        why=why,
    )


def _small_rest(db: Connection, organisation_id: str, document_id: str) -> OpenDocument | None:
    found = open_documents(db, organisation_id, document_ids=[document_id])
    if not found or found[0].document.status is not DocumentStatus.OPEN:
        return None
    (each,) = found
    most = each.document.total.minor * MAX_BASIS_POINTS
    small = 0 < each.open_amount.minor * _WHOLE <= most
    return each if small and each.document.kind is DocumentKind.INVOICE else None


def _receipt(db: Connection, organisation_id: str, rest: OpenDocument, now: datetime) -> dict[str, Any]:
    """The receipt of no cash that stands for the decision: the same one each time it is made about this invoice."""
    document = rest.document
    zone = connections.organisation(db, organisation_id)
    row = {
        "id": cashless_id(organisation_id, document.document_id),
        "organisation_id": organisation_id,
        "source": SOURCE,
        "source_account": "",
        "external_id": document.document_id,
        "received_on": (now.astimezone(zone.zone) if zone else now).date(),
        "currency": document.total.currency,
        "amount_minor": 0,
        "unapplied_minor": 0,
        "refunded_minor": 0,
        "dispute": "",
        "payer_name": rest.customer_name,
        "payer_account": "",
        "payer_account_key": "",
        "remittance": f"rest of {document.number}",
        "customer_id": document.customer_id,
        "hints": {},
        "status": "received",
        "state": "undone",
        "method": SOURCE,
        "applications": 0,
        "noticed_at": now,
        "changed_at": now,
    }
    insert_new(db, t.receipt, [row], keys=["id"])
    kept = db.execute(select(t.receipt).where(t.receipt.c.id == row["id"])).one()
    if kept.state == "applied":
        raise RefusedError("a rest of this invoice was written off before: take that back first")
    return dict(kept._mapping)
