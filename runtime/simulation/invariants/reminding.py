"""Reminders: only what is truly due, once, and what was due."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from reminders.business_time import in_contact_window
from reminders.holds import HoldCode
from runtime.demo.people import ZONES
from runtime.operations.reminding.certificates import verify_certificates
from runtime.operations.reminding.plan import decide
from runtime.simulation.stage import Play
from runtime.store import connections
from runtime.store import tables as t
from sandbox.life import Objection

Found = tuple[int, list[str]]
GRACE_DAYS = 7
MAX_SKEW = timedelta(minutes=6)
MISSED_SHARE, MISSED_AT_LEAST = 20, 2  # one in so many


def no_false_reminder(play: Play) -> Found:
    """[19] No message named an invoice that was covered, held or not due."""
    return play.judge.sent, _wrongs(play, Objection.NOT_DUE)


def amounts_as_checked(play: Play) -> Found:
    """[22] Messages name what is open and go to whom it concerns, as both were when the message was handed over."""
    return play.judge.sent, _wrongs(play, Objection.AMOUNT, Objection.ADDRESS)


def contact_limits_kept(play: Play) -> Found:
    """[19] Nobody is written to who does not want it, or more often than they put up with, by what arrived."""
    return play.judge.sent, _wrongs(play, Objection.TOO_OFTEN, Objection.UNWANTED)


def _wrongs(play: Play, *objections: Objection) -> list[str]:
    return [wrong.text for wrong in play.judge.wrongs if wrong.objection in objections and wrong.window is None]


def quiet_hours(play: Play) -> Found:
    """[23] No message in the payer's night, weekend or holiday, give or take what the product's clock is off."""
    asked, play.judge.unheard = play.judge.unheard, []
    violations = []
    for firm, customer, at in asked:
        hours = {"time_zone": ZONES[firm.profile.country], "country": customer.country}
        moments = (at, at + MAX_SKEW, at - MAX_SKEW)
        if not any(in_contact_window(moment, **hours) for moment in moments):
            violations.append(f"{firm.key}: {customer.name} was asked at {at}")
    return len(asked), violations


def one_message_per_slot(play: Play) -> Found:
    """[20] At most one message an item, level and channel, by our own books and by what arrived in the mailboxes."""
    with play.app.store.read() as db:
        rows = db.execute(
            select(t.reminder_item.c.document_id, t.reminder_item.c.level, func.count())
            .where(t.reminder_item.c.state == "sent")
            .group_by(t.reminder_item.c.document_id, t.reminder_item.c.level)
        ).all()
    twice = [f"{row[0]} was reminded {row[2]} times at level {row[1]}" for row in rows if row[2] > 1]
    return len(rows) + len(play.judge.named), twice + _wrongs(play, Objection.AGAIN)


def due_is_reminded(play: Play) -> Found:
    """[21] Of what is truly due and reachable, at most one in twenty was missed with no contact rule saying why.

    In a short run two may be: the messages of the last days wait for their hours.
    """
    on = play.time.now().date()
    due, missed = play.judge.due(on, grace_days=GRACE_DAYS), unexplained(play)
    return len(due), missed if len(missed) > max(MISSED_AT_LEAST, len(due) // MISSED_SHARE) else []


def unexplained(play: Play) -> list[str]:
    """Return the missed items that no rule of contact (hours, caps, pauses) holds: those count as missed."""
    on = play.time.now().date()
    missed = {f"{firm.key} {debt.number}" for firm, debt in play.judge.missed(on, grace_days=GRACE_DAYS)}
    for key, organisation_id in play.ids.items():
        with play.app.store.read() as db:
            organisation = connections.organisation(db, organisation_id)
            if organisation is None:
                continue
            plan = decide(db, organisation, now=play.clock(), freshness_is_reported=True)
        for decision in plan.decisions:
            if {hold.code for hold in decision.holds} == {HoldCode.CONTACT}:
                missed.discard(f"{key} {decision.evidence.item.number}")
    return sorted(missed)


def certificates_chain(play: Play) -> Found:
    """Every message has its certificates, and their chain is whole."""
    checked, violations = 0, []
    for organisation_id in play.ids.values():
        found = verify_certificates(play.app.store, organisation_id)
        checked += found.count
        violations += [found.problem.text] if found.problem else []
    with play.app.store.read() as db:
        bare = t.reminder_item.c.certificate.is_(None) & (t.reminder_item.c.state == "sent")
        violations += [
            f"{item} was sent without" for item in db.scalars(select(t.reminder_item.c.document_id).where(bare))
        ]
    return checked, violations
