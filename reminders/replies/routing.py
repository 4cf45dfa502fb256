"""Who does a task, and until when: by what people know and by how much waits for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from reminders.business_time import next_business_day


class TaskKind(StrEnum):
    """What a person has to do. Each is a skill that somebody has or not."""

    READ_REPLY = "read_reply"
    ANSWER = "answer"
    DISPUTE = "dispute"
    ANOTHER_CONTACT = "another_contact"
    BROKEN_PROMISE = "broken_promise"
    ALL_REMINDED = "all_reminded"
    OPTED_OUT = "opted_out"  # who wants no messages may owe something
    REFUND = "refund"  # what it means for the invoice
    CHARGEBACK = "chargeback"  # the bank asks for evidence
    CALL = "call"  # a chargeback was lost


# Business days until it should be done, from the day it came up.
DAYS_ALLOWED: Mapping[TaskKind, int] = {
    TaskKind.READ_REPLY: 1,
    TaskKind.ANSWER: 2,
    TaskKind.DISPUTE: 5,
    TaskKind.ANOTHER_CONTACT: 3,
    TaskKind.BROKEN_PROMISE: 2,
    TaskKind.ALL_REMINDED: 3,
    TaskKind.OPTED_OUT: 3,
    TaskKind.REFUND: 3,
    TaskKind.CHARGEBACK: 2,
    TaskKind.CALL: 2,
}


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who takes tasks: of the kinds in `skills`, or of every kind where it is empty."""

    name: str
    skills: frozenset[TaskKind] = frozenset()

    def can(self, kind: TaskKind) -> bool:
        """Whether tasks of this kind are for them."""
        return not self.skills or kind in self.skills


def owner_for(kind: TaskKind, colleagues: Collection[Colleague], waiting: Mapping[str, int]) -> str | None:
    """Return who takes a task: of those who can, who has the fewest of `waiting`, then the one named for the kind.

    None where nobody can: the task is everybody's.
    """
    able = [each for each in colleagues if each.can(kind)]
    if not able:
        return None
    return min(able, key=lambda each: (waiting.get(each.name, 0), not each.skills, each.name)).name


def due_day(kind: TaskKind, *, today: date, country: str | None) -> date:
    """Return the last day on which a task that came up `today` is in time, by the business days of `country`."""
    day = today
    for _ in range(DAYS_ALLOWED[kind]):
        day = next_business_day(day, country)
    return day
