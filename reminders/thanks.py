"""May a payer be thanked now? One message for a payment, at most: politeness never presses, and never comes late."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from reminders.contact import ContactLimits, obstacles
from reminders.evidence import ContactEvidence

THANKED_WITHIN = timedelta(days=3)  # a thank-you later than this reads like a machine's


class ThanksVerdict(StrEnum):
    """Thank now, wait for the payer's hours, or leave it."""

    NOW = "now"
    LATER = "later"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class ThanksDecision:
    """The verdict with its reason in plain words."""

    verdict: ThanksVerdict
    reason: str = ""


def decide_thanks(
    *, contact: ContactEvidence, applied_at: datetime, as_of: datetime, limits: ContactLimits
) -> ThanksDecision:
    """Decide about a payment that was applied at `applied_at`.

    All that forbids a reminder to this person forbids it too, but the pause between two reminders: nothing is asked.
    """
    if as_of - applied_at > THANKED_WITHIN:
        days = THANKED_WITHIN.days
        return ThanksDecision(ThanksVerdict.NEVER, f"The payment was applied more than {days} days ago.")
    patient = replace(contact, ledger_reminder_sent_at=None)
    found = obstacles(contact=patient, as_of=as_of, limits=replace(limits, min_days_between=0))
    if not found:
        return ThanksDecision(ThanksVerdict.NOW)
    lasting = [obstacle.reason for obstacle in found if obstacle.until is None]
    if lasting:
        return ThanksDecision(ThanksVerdict.NEVER, " ".join(lasting))
    return ThanksDecision(ThanksVerdict.LATER, " ".join(obstacle.reason for obstacle in found))
