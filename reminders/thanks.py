"""May a payer be thanked now? One message for a payment, at most: politeness never presses, and never comes late."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from reminders.contact import ContactLimits
from reminders.courtesy import CourtesyDecision, CourtesyVerdict, decide_courtesy
from reminders.evidence import ContactEvidence

THANKED_WITHIN = timedelta(days=3)  # a thank-you later than this reads like a machine's


def decide_thanks(
    *, contact: ContactEvidence, applied_at: datetime, as_of: datetime, limits: ContactLimits
) -> CourtesyDecision:
    """Decide about a payment that was applied at `applied_at`.

    All that forbids a reminder to this person forbids it too, but the pause between two reminders: nothing is asked.
    """
    if as_of - applied_at > THANKED_WITHIN:
        days = THANKED_WITHIN.days
        return CourtesyDecision(CourtesyVerdict.NEVER, f"The payment was applied more than {days} days ago.")
    patient = replace(contact, ledger_reminder_sent_at=None)
    return decide_courtesy(contact=patient, as_of=as_of, limits=replace(limits, min_days_between=0))
