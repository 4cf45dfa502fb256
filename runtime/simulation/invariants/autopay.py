"""Autopay: only what was agreed to, announced and owed is taken, and what was taken is known."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select

from reminders.autopay import PaymentState
from runtime.simulation.stage import Play
from runtime.store import tables as t
from sandbox.life import Objection
from sandbox.life.processor import DECLINED, LIVE, PART_BACK, PROCESSING, TAKEN_BACK

Found = tuple[int, list[str]]
# What a payment is here, by what it is in the firm's books.
_HERE: Mapping[str, tuple[PaymentState, ...]] = {
    PROCESSING: (PaymentState.TAKEN,),
    LIVE: (PaymentState.PAID,),
    PART_BACK: (PaymentState.PAID,),
    DECLINED: (PaymentState.FAILED,),
    TAKEN_BACK: (PaymentState.PAID, PaymentState.FAILED),
}


def taken_as_agreed(play: Play) -> Found:
    """[33] Nothing is taken without a mandate that stands, above its ceiling, or of which its payer was not told."""
    return play.takings.count, _wrongs(play, Objection.NOT_AGREED, Objection.NOT_TOLD)


def taken_once_and_owed(play: Play) -> Found:
    """[34] Nothing is taken that was taken before, or that evidence which a source showed says not to ask for now."""
    return play.takings.count, _wrongs(play, Objection.AGAIN, Objection.NOT_DUE)


def taken_is_known(play: Play) -> Found:
    """[34] At rest, whatever was asked of a saved means is known as one payment, and what came of it."""
    checked, violations = 0, []
    payment = t.automatic_payment.c
    for key, organisation_id in play.ids.items():
        mine = (payment.organisation_id == organisation_id) & payment.external_id.is_not(None)
        with play.app.store.read() as db:
            rows = {row.external_id: row for row in db.execute(select(t.automatic_payment).where(mine))}
        for charge in play.life.firms[key].charges:
            if not charge.taken_from:
                continue
            checked += 1
            state = rows[charge.payment_intent].state if charge.payment_intent in rows else "unknown"
            if state not in _HERE[charge.state]:
                violations.append(f"{key} {charge.invoice}: {charge.amount} is {charge.state}, and {state} here")
    return checked, violations


def _wrongs(play: Play, *objections: Objection) -> list[str]:
    return [f"{wrong.objection}: {wrong.text}" for wrong in play.takings.wrongs if wrong.objection in objections]
