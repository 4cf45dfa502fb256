"""What a person approves when they approve a message: to whom, how, at which level, and which amounts it asks for."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

from reminders.schedule import PlannedReminder

APPROVAL_LASTS = timedelta(days=7)  # after that it is asked again, also for the same message
MAX_NOTE_CHARACTERS = 500


def digest_of(planned: PlannedReminder) -> str:
    """Return a digest of all that a message says but its words and the days that pass."""
    said = [
        planned.recipient_id,
        planned.address,
        planned.channel.value,
        planned.level.level,
        planned.level.tone.value,
        sorted([line.item_id, line.amount_due.minor, line.amount_due.currency] for line in planned.lines),
    ]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def one_line(note: str) -> str:
    """Return a note as it stands in the message: its words, printable, with single spaces."""
    return " ".join("".join(each if each.isprintable() else " " for each in note).split())
