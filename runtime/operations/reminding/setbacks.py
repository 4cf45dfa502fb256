"""Payments that came to nothing after all, as the next message about what they had paid must tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from receivables.decline import Advice, Decline, DeclineGroup
from receivables.money import Money
from receivables.receipt import ReceiptStatus
from reminders.message import Setback, SetbackKind
from runtime.operations.reminding.evidence import reminded
from runtime.store import tables as t

TOLD_WITHIN = timedelta(days=60)  # what failed longer ago is no news to anybody
_KINDS = {ReceiptStatus.FAILED.value: SetbackKind.FAILED, ReceiptStatus.REVERSED.value: SetbackKind.RETURNED}
_ACTIONS = ("payment_failed", "payment_reversed")


def setbacks(
    db: Connection, organisation_id: str, document_ids: Collection[str], *, now: datetime
) -> tuple[Setback, ...]:
    """Return the payments of these invoices that failed or went back since the last message about them.

    A chargeback that was lost is none: it is a matter of the network and for a person to talk about.
    """
    wanted = set(document_ids)
    told = reminded(db, organisation_id, wanted)
    receipt, event = t.receipt.c, t.event.c
    rows = db.execute(
        select(t.receipt, event.at)
        .join(t.event, (event.subject == receipt.id) & (event.organisation_id == receipt.organisation_id))
        .where(
            receipt.organisation_id == organisation_id,
            receipt.status.in_(tuple(_KINDS)),
            receipt.dispute != "lost",
            event.action.in_(_ACTIONS),
            event.at > now - TOLD_WITHIN,
        )
        .order_by(receipt.received_on, receipt.id)
    ).all()
    paid = _paid(db, organisation_id, [row.id for row in rows])
    found: dict[str, Setback] = {}
    for row in rows:
        news = [document for document in paid[row.id] & wanted if document not in told or told[document][1] < row.at]
        if news:
            amount = Money(row.amount_minor, row.currency)
            found[row.id] = Setback(
                _KINDS[row.status], amount, row.received_on, tuple(sorted(news)), _decline(row.decline)
            )
    return tuple(found.values())


def _decline(kept: Mapping[str, str] | None) -> Decline | None:
    if kept is None:
        return None
    return Decline(DeclineGroup(kept["group"]), Advice(kept["advice"]), kept["text"])


def _paid(db: Connection, organisation_id: str, receipt_ids: Collection[str]) -> Mapping[str, set[str]]:
    """What each receipt had paid, or would have."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    allocation, proposal = t.allocation.c, t.proposal.c
    for row in db.execute(
        select(allocation.receipt_id, allocation.document_id).where(
            allocation.organisation_id == organisation_id, allocation.receipt_id.in_(receipt_ids)
        )
    ):
        found[row.receipt_id].add(row.document_id)
    for row in db.execute(
        select(proposal.receipt_id, proposal.body).where(
            proposal.organisation_id == organisation_id, proposal.receipt_id.in_(receipt_ids)
        )
    ):
        found[row.receipt_id] |= {each["item_id"] for each in row.body["best"]["allocations"]}
    return found
