"""What became of past matches, by people's word or because nobody took them back: an organisation learns from it.

A case is a receipt of ours, the set of items that was proposed for it, how good its evidence was, and what was decided,
here or by whoever deleted or changed our posting in the ledger. No organisation's cases count for another.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, case, delete, func, select

from receivables.identity import stable_id
from receivables.receipt import ReceiptStatus
from reconcile.calibrate import BANDS_A_DECADE, Case, History
from runtime.operations.applying.applications import proposed_items
from runtime.store import tables as t
from runtime.store.rows import upsert

REMEMBERED = timedelta(days=730)
STOOD = timedelta(days=60)  # by then a month's books are closed: what nobody took back has been looked at


class Word(StrEnum):
    """The last word on a match."""

    APPLIED = "applied"  # by itself; nobody has said anything yet
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    UNDONE = "undone"


def keep_word(db: Connection, organisation_id: str, receipt_id: str, word: Word, *, actor: str, at: datetime) -> None:
    """Keep what was said last about the items that are proposed for a receipt; nothing where none were matched."""
    mine = (t.proposal.c.organisation_id == organisation_id) & (t.proposal.c.receipt_id == receipt_id)
    body = db.scalar(select(t.proposal.c.body).where(mine))
    if body is None or body.get("case") is None:
        return
    items = proposed_items(body)
    row = body["case"] | {
        "id": _case_id(receipt_id, items),
        "organisation_id": organisation_id,
        "receipt_id": receipt_id,
        "word": word.value,
        "said_by": actor,
        "said_at": at,
    }
    upsert(db, t.past_case, [row], keys=["id"])


def undone_in_ledger(db: Connection, organisation_id: str, receipt_id: str, *, system: str, at: datetime) -> None:
    """Count against a match that somebody undid it in the ledger, while it stands here.

    Of money that went back the match was right, and what we took back ourselves was judged then.
    """
    receipt = t.receipt.c
    stands = db.scalar(
        select(receipt.id).where(
            receipt.organisation_id == organisation_id,
            receipt.id == receipt_id,
            receipt.state == "applied",
            receipt.status == ReceiptStatus.RECEIVED.value,
            receipt.refunded_minor == 0,
        )
    )
    if stands is not None:
        keep_word(db, organisation_id, receipt_id, Word.UNDONE, actor=system, at=at)


def booked_again(db: Connection, organisation_id: str, receipt_id: str, *, at: datetime) -> None:
    """Count for a match that was undone in the ledger that its money was booked there for just the same items."""
    payment, proposal = t.ledger_payment.c, t.proposal.c
    lines = db.scalars(
        select(payment.lines).where(
            payment.organisation_id == organisation_id, payment.receipt_id == receipt_id, payment.deleted.is_(False)
        )
    ).all()
    body = db.scalar(
        select(proposal.body).where(proposal.organisation_id == organisation_id, proposal.receipt_id == receipt_id)
    )
    if body is not None and {document for each in lines for document, _ in each} == set(proposed_items(body)):
        keep_word(db, organisation_id, receipt_id, Word.CONFIRMED, actor="ledger", at=at)


def forget_word(db: Connection, receipt_id: str, items: Collection[str]) -> None:
    """Forget what was said about these items for a receipt, where it was a slip."""
    db.execute(delete(t.past_case).where(t.past_case.c.id == _case_id(receipt_id, items)))


def _case_id(receipt_id: str, items: Collection[str]) -> str:
    return stable_id("cas", receipt_id, *sorted(items))


def count_cases(db: Connection, organisation_id: str, history: History, now: datetime) -> None:
    """Count an organisation's own cases into its history.

    An application that nobody said anything about speaks only for its class, that nothing refutes it, until it STOOD.
    """
    past = t.past_case.c
    stood = case((past.said_at < now - STOOD, 1), else_=0).label("stood")
    rows = db.execute(
        select(past.kind, past.band, past.word, stood, func.count().label("times"))
        .where(past.organisation_id == organisation_id, past.said_at >= now - REMEMBERED)
        .group_by(past.kind, past.band, past.word, stood)
    )
    for row in rows:
        history.count(
            Case(row.kind, row.band),
            right=row.word in (Word.APPLIED, Word.CONFIRMED),
            times=row.times,
            seen=row.word != Word.APPLIED or bool(row.stood),
        )


def describe(db: Connection, organisation_id: str, now: datetime) -> str:
    """Say in one line what matching applies by itself, and on what experience."""
    history = History()
    count_cases(db, organisation_id, history, now)
    seen = sum(band.count for band in history.scores.values())
    wrong = seen - sum(band.right for band in history.scores.values())
    said = f"{seen:,} matches looked at, {wrong:,} of them wrong"
    refuted = history.refuted()
    if refuted:
        said += f"; asks again about {len(refuted)} kind(s) of evidence that proved wrong"
    least = history.least_band()
    if least is None:
        return f"applies proof only: {said}"
    return f"applies proof and chances from {100 * (1 - 10 ** (-least / BANDS_A_DECADE)):.4g} % on: {said}"
