"""Whether a payer may be thanked: what forbids a reminder forbids it, but nothing makes it wait for days."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reminders.contact import DEFAULT_LIMITS
from reminders.evidence import ContactEvidence
from reminders.thanks import THANKED_WITHIN, ThanksVerdict, decide_thanks
from tests.reminders.facts import DAY, NOW, SECOND, contact


@pytest.mark.parametrize(
    ("who", "verdict"),
    [
        (contact(), ThanksVerdict.NOW),
        (contact(contacts_this_week=1, last_contact_at=NOW - DAY), ThanksVerdict.NOW),
        (contact(ledger_reminder_sent_at=NOW - DAY), ThanksVerdict.NOW),
        (contact(contacts_this_week=2, last_contact_at=NOW - DAY), ThanksVerdict.LATER),
        (contact(time_zone="Pacific/Auckland", country="NZ"), ThanksVerdict.LATER),
        (contact(opted_out=True), ThanksVerdict.NEVER),
        (contact(bounced=True), ThanksVerdict.NEVER),
        (contact(address=None), ThanksVerdict.NEVER),
    ],
)
def test_who_is_thanked_now_later_or_never(who: ContactEvidence, verdict: ThanksVerdict) -> None:
    decision = decide_thanks(contact=who, applied_at=NOW - DAY, as_of=NOW, limits=DEFAULT_LIMITS)
    assert decision.verdict is verdict
    assert bool(decision.reason) == (verdict is not ThanksVerdict.NOW)


@pytest.mark.parametrize(("age", "verdict"), [(THANKED_WITHIN, "now"), (THANKED_WITHIN + SECOND, "never")])
def test_thanks_do_not_come_late(age: timedelta, verdict: str) -> None:
    decision = decide_thanks(contact=contact(), applied_at=NOW - age, as_of=NOW, limits=DEFAULT_LIMITS)
    assert decision.verdict == verdict
