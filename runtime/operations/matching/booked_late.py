"""What somebody booked long after money came: perhaps this money, perhaps other; only a person knows.

Within days of its coming a booking is taken for the money (`recognise`). Later the same amount on the same invoice may
be a second payment as well, so nothing is applied or posted beside it before a person has said so.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select, update

from receivables.money import Money
from reconcile.recorded import BOOKED_WITHIN
from runtime.operations.applying.applications import proposed_items
from runtime.operations.applying.undo import ask_again, reverse_application
from runtime.store import tables as t
from runtime.store.rows import chunks

BOOKED_LATE = timedelta(days=90)  # after that it is no answer to this money any more
BY_MATCHING = "applied"  # the state of a proposal that nobody confirmed


def booked_late(db: Connection, row: dict[str, Any], document_ids: Collection[str]) -> str:
    """Say what somebody booked of a receipt's amount on one of these documents since it came; "" where nothing is.

    What is known to be another receipt's, or is coded to an account, is not meant.
    """
    payment = t.ledger_payment.c
    after = row["received_on"] + BOOKED_WITHIN
    rows = db.execute(
        select(t.ledger_payment).where(
            payment.organisation_id == row["organisation_id"],
            payment.currency == row["currency"],
            payment.amount_minor.in_((row["amount_minor"], row["amount_minor"] + (row["fee_minor"] or 0))),
            payment.receipt_id.is_(None),
            payment.deleted.is_(False),
            payment.coded.is_(False),
            payment.received_on > after,
            payment.received_on <= after + BOOKED_LATE,
        )
    )
    for each in rows:
        if any(line[0] in document_ids for line in each.lines):
            amount = Money(each.amount_minor, each.currency)
            return f"somebody booked {amount} on {each.received_on} for the same invoice: is that this money?"
    return ""


def ask_about_late_bookings(db: Connection, organisation_id: str, receipt_ids: Collection[str], now: datetime) -> None:
    """Take back what the matcher applied by itself and is not posted yet, where it may be what somebody booked late."""
    receipt, proposal, allocation = t.receipt.c, t.proposal.c, t.allocation.c
    for ids in chunks(sorted(receipt_ids)):
        rows = db.execute(
            select(t.receipt, proposal.body)
            .join(t.proposal, proposal.receipt_id == receipt.id)
            .where(
                receipt.organisation_id == organisation_id,
                receipt.id.in_(ids),
                receipt.state == "applied",
                proposal.state == BY_MATCHING,
            )
        ).all()
        for each in rows:
            row = dict(each._mapping)
            why = booked_late(db, row, proposed_items(row["body"]))
            posted = (allocation.receipt_id == each.id) & allocation.posted_at.is_not(None)
            if why and db.scalar(select(allocation.id).where(posted).limit(1)) is None:
                reverse_application(db, organisation_id, each.id, actor="matching", at=now)
                reasons = [*row["body"]["reasons"], why_it_waits(why)]
                mine = (proposal.organisation_id == organisation_id) & (proposal.receipt_id == each.id)
                db.execute(update(t.proposal).where(mine).values(body=row["body"] | {"reasons": reasons}))
                ask_again(db, organisation_id, each.id, now)


def why_it_waits(booked: str) -> str:
    """What a proposal says of it."""
    return f"It waits for a person: {booked}"
