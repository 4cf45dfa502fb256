"""What happened, for the audit trail and an invoice's history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Event:
    """`actor` (a person, or the part of the product that acted) did `action` to `subject` at an aware time."""

    at: datetime
    actor: str
    action: str
    subject: str
    detail: str
