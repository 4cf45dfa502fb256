"""Whether a payer may be thanked: what forbids a reminder forbids it, but nothing makes it wait for days."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reminders.contact import DEFAULT_LIMITS
from reminders.courtesy import CourtesyVerdict
from reminders.evidence import ContactEvidence
from reminders.thanks import THANKED_WITHIN, decide_thanks
from tests.reminders.facts import DAY, NOW, SECOND, contact


@pytest.mark.parametrize(
    ("who", "verdict"),
    [
        (contact(), CourtesyVerdict.NOW),
        (contact(contacts_this_week=1, last_contact_at=NOW - DAY), CourtesyVerdict.NOW),
        (contact(ledger_reminder_sent_at=NOW - DAY), CourtesyVerdict.NOW),
        (contact(contacts_this_week=2, last_contact_at=NOW - DAY), CourtesyVerdict.LATER),
        (contact(time_zone="Pacific/Auckland", country="NZ"), CourtesyVerdict.LATER),
        (contact(opted_out=True), CourtesyVerdict.NEVER),
        (contact(bounced=True), CourtesyVerdict.NEVER),
        (contact(address=None), CourtesyVerdict.NEVER),
    ],
)
def test_who_is_thanked_now_later_or_never(who: ContactEvidence, verdict: CourtesyVerdict) -> None:
    decision = decide_thanks(contact=who, applied_at=NOW - DAY, as_of=NOW, limits=DEFAULT_LIMITS)
    assert decision.verdict is verdict
    assert bool(decision.reason) == (verdict is not CourtesyVerdict.NOW)


@pytest.mark.parametrize(("age", "verdict"), [(THANKED_WITHIN, "now"), (THANKED_WITHIN + SECOND, "never")])
def test_thanks_do_not_come_late(age: timedelta, verdict: str) -> None:
    decision = decide_thanks(contact=contact(), applied_at=NOW - age, as_of=NOW, limits=DEFAULT_LIMITS)
    assert decision.verdict == verdict
