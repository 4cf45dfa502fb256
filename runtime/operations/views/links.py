"""Accounts of the CRM that a person is asked about: who they may be, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from runtime.store import proposals
from runtime.store import tables as t

MAX_PROPOSALS = 100  # on one page; the others come up when these are decided


@dataclass(frozen=True, slots=True)
class CandidateView:
    """A customer that an account may be."""

    customer_id: str
    name: str
    score: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProposalView:
    """An account that no exact key names."""

    proposal_id: str
    system: str
    external_id: str
    name: str
    candidates: tuple[CandidateView, ...]
    found_at: datetime


@dataclass(frozen=True, slots=True)
class Links:
    """What is asked; `waiting` is how many a person is asked about in all, `unknown` how many accounts are nobody's."""

    rows: tuple[ProposalView, ...]
    waiting: int
    unknown: int


def proposed_links(db: Connection, organisation_id: str) -> Links:
    """Return the accounts that a person is asked about, the oldest question first."""
    proposal = t.link_proposal.c
    mine = proposal.organisation_id == organisation_id
    rows = db.execute(
        select(t.link_proposal)
        .where(mine, proposal.state == proposals.OPEN)
        .order_by(proposal.found_at, proposal.id)
        .limit(MAX_PROPOSALS)
    ).all()
    wanted = sorted({each["customer_id"] for row in rows for each in row.candidates})
    named = select(t.customer.c.id, t.customer.c.name).where(
        t.customer.c.organisation_id == organisation_id, t.customer.c.id.in_(wanted)
    )
    names = {row.id: row.name for row in db.execute(named)}
    counted = select(proposal.state, func.count()).where(mine).group_by(proposal.state)
    counts: dict[str, int] = {row[0]: row[1] for row in db.execute(counted)}
    found = tuple(
        ProposalView(
            proposal_id=row.id,
            system=row.system,
            external_id=row.external_id,
            name=row.name,
            candidates=tuple(
                CandidateView(each["customer_id"], names[each["customer_id"]], each["score"], tuple(each["reasons"]))
                for each in row.candidates
                if each["customer_id"] in names
            ),
            found_at=row.found_at,
        )
        for row in rows
    )
    return Links(found, counts.get(proposals.OPEN, 0), counts.get(proposals.UNKNOWN, 0))
