"""Where each open invoice stands at this moment: what is open, how late it is, and what holds its reminders."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from receivables.money import Money
from reminders.evidence import Freshness
from reminders.freshness import gaps
from reminders.holds import Hold, HoldCode
from reminders.policy import DunningPolicy, level_ahead
from reminders.schedule import Candidate
from runtime.operations.reminding.plan import candidates
from runtime.store.connections import Organisation


@dataclass(frozen=True, slots=True)
class Standing:
    """One open invoice. Holds leave out `stale`: the ledger is read again just before anything is sent.

    `all_sent`: every level of its customer's policy was sent about it.
    """

    document_id: str
    open_amount: Money
    days_overdue: int
    holds: tuple[Hold, ...]
    all_sent: bool = False

    @property
    def overdue(self) -> bool:
        """Whether something is open after the due date."""
        return self.days_overdue > 0 and self.open_amount.minor > 0

    @property
    def covered(self) -> bool:
        """Whether something speaks against the debt itself, not only against a message at this hour."""
        return any(hold.code is not HoldCode.CONTACT for hold in self.holds)

    @property
    def truly_due(self) -> bool:
        """Overdue, and nothing covers or suspends it."""
        return self.overdue and not self.covered


@dataclass(frozen=True, slots=True)
class Standings:
    """The invoices by id, and a sentence for each source whose evidence is too old to remind on."""

    invoices: dict[str, Standing]
    gaps: tuple[str, ...]


def standings(
    db: Connection, organisation: Organisation, *, now: datetime, document_ids: Collection[str] | None = None
) -> Standings:
    """Return where every open invoice stands, or exactly these invoices."""
    found = candidates(db, organisation, now=now, document_ids=document_ids, freshness_is_reported=True)
    items = found.items
    return Standings(
        invoices={each.evidence.item.item_id: _standing(each, found.policy(each), now) for each in items},
        gaps=_gaps(items[0].evidence.freshness, now) if items else (),
    )


def _standing(candidate: Candidate, policy: DunningPolicy, now: datetime) -> Standing:
    evidence = candidate.evidence
    days, level = evidence.days_overdue(now), candidate.reminded_level
    return Standing(
        document_id=evidence.item.item_id,
        open_amount=max(evidence.remaining, Money.zero(evidence.remaining.currency)),
        days_overdue=days,
        holds=candidate.holds,
        all_sent=level != 0 and level_ahead(policy=policy, days_overdue=days, reminded_level=level) is None,
    )


def _gaps(freshness: Freshness, now: datetime) -> tuple[str, ...]:
    read_just_now = replace(freshness, ledger_read_at=now)
    return tuple(gaps(freshness=read_just_now, as_of=now))
