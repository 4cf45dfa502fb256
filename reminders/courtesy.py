"""May a message that nobody has to answer leave now: a thank-you, a monthly statement, an instalment that comes up?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reminders.contact import ContactLimits, obstacles
from reminders.evidence import ContactEvidence
from reminders.holds import Hold, HoldCode

# Holds with which a statement is still true: they say when somebody may be asked, not what is owed.
_SAY_NOTHING_OF_THE_DEBT = frozenset({HoldCode.CONTACT, HoldCode.PROMISED, HoldCode.PLAN})


class CourtesyVerdict(StrEnum):
    """Write now, wait for the payer's hours, or leave it."""

    NOW = "now"
    LATER = "later"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class CourtesyDecision:
    """The verdict with its reason in plain words."""

    verdict: CourtesyVerdict
    reason: str = ""


def decide_courtesy(*, contact: ContactEvidence, as_of: datetime, limits: ContactLimits) -> CourtesyDecision:
    """Decide by all that forbids a reminder to this person now, or for good."""
    found = obstacles(contact=contact, as_of=as_of, limits=limits)
    if not found:
        return CourtesyDecision(CourtesyVerdict.NOW)
    lasting = [obstacle.reason for obstacle in found if obstacle.until is None]
    if lasting:
        return CourtesyDecision(CourtesyVerdict.NEVER, " ".join(lasting))
    return CourtesyDecision(CourtesyVerdict.LATER, " ".join(obstacle.reason for obstacle in found))


def is_certain(holds: tuple[Hold, ...]) -> bool:
    """Whether what an invoice shows as open can be stated: nothing about the debt is contested, paid or on its way."""
    return {hold.code for hold in holds} <= _SAY_NOTHING_OF_THE_DEBT
