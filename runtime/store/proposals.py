"""Accounts of another system that nobody of ours is known behind: what was read of them, and who they may be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from receivables.identity import stable_id
from runtime.store import tables as t
from runtime.store.rows import chunks, upsert
from sync.links import Account, Likeness

# Nobody is like it; a person is asked; a person said who it is; a person said that it is somebody else.
UNKNOWN, OPEN, LINKED, SEPARATE = "unknown", "open", "linked", "separate"
WAITING = (UNKNOWN, OPEN)
MAX_EMAILS = 5  # of an account's contacts that are compared


def proposal_id(organisation_id: str, system: str, external_id: str) -> str:
    """Return the id of the question who an account is; what belongs to the account waits under it."""
    return stable_id("lnk", organisation_id, system, external_id)


def keep_unlinked(
    db: Connection, organisation_id: str, system: str, accounts: Mapping[str, tuple[Account, str | None]], at: datetime
) -> None:
    """Remember accounts that no exact key names, each with its parent account; they are weighed (again) soon."""
    known = _known(db, [proposal_id(organisation_id, system, external_id) for external_id in accounts])
    rows = []
    for external_id, (account, parent) in accounts.items():
        row_id = proposal_id(organisation_id, system, external_id)
        old = known.get(row_id)
        facts = {**asdict(account), "parent": parent, "emails": old["facts"]["emails"] if old else []}
        facts["keys"] = list(account.keys)
        state = UNKNOWN if old is None or old["state"] == LINKED else old["state"]  # what a person decided stays
        if old is not None and (old["facts"], old["state"]) == (facts, state):
            continue
        rows.append(
            {
                "id": row_id,
                "organisation_id": organisation_id,
                "system": system,
                "external_id": external_id,
                "name": account.name,
                "facts": facts,
                "candidates": old["candidates"] if old else [],
                "state": state,
                "found_at": at,
                "weighed_at": None,
            }
        )
    upsert(db, t.link_proposal, rows, keys=["id"], keep=["found_at"])


def _known(db: Connection, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    return {
        row["id"]: dict(row)
        for chunk in chunks(ids)
        for row in db.execute(select(t.link_proposal).where(t.link_proposal.c.id.in_(chunk))).mappings()
    }


def account_of(row: Mapping[str, Any]) -> Account:
    """Return an unlinked account as it was read."""
    facts = row["facts"]
    return Account(facts["name"], tuple(facts["keys"]), tuple(facts["emails"]), facts["country"])


def weigh_again(db: Connection, organisation_id: str) -> None:
    """Ask again who the unlinked accounts are: customers came or changed."""
    db.execute(
        update(t.link_proposal)
        .where(
            t.link_proposal.c.organisation_id == organisation_id,
            t.link_proposal.c.state.in_(WAITING),
            t.link_proposal.c.weighed_at.is_not(None),
        )
        .values(weighed_at=None)
    )


def set_weighed(db: Connection, row: Mapping[str, Any], candidates: Sequence[Likeness], at: datetime) -> None:
    """Keep who an account may be; with nobody alike, nobody is asked."""
    db.execute(
        update(t.link_proposal)
        .where(t.link_proposal.c.id == row["id"])
        .values(candidates=[asdict(each) for each in candidates], state=OPEN if candidates else UNKNOWN, weighed_at=at)
    )


def decide(db: Connection, row_id: str, *, state: str, customer_id: str | None, by: str, at: datetime) -> None:
    """Keep the answer to who an account is."""
    db.execute(
        update(t.link_proposal)
        .where(t.link_proposal.c.id == row_id)
        .values(state=state, customer_id=customer_id, decided_by=by, decided_at=at, weighed_at=at)
    )


def add_emails(db: Connection, organisation_id: str, system: str, emails: Mapping[str, Iterable[str]]) -> None:
    """Remember addresses of unlinked accounts' contacts (by account): they may prove who the account is."""
    rows = db.execute(
        select(t.link_proposal.c.id, t.link_proposal.c.external_id, t.link_proposal.c.facts).where(
            t.link_proposal.c.organisation_id == organisation_id,
            t.link_proposal.c.system == system,
            t.link_proposal.c.external_id.in_(emails),
            t.link_proposal.c.state.in_(WAITING),
        )
    ).all()
    for row in rows:
        known = row.facts["emails"]
        found = list(dict.fromkeys([*known, *emails[row.external_id]]))[:MAX_EMAILS]
        if found != known:
            facts = {**row.facts, "emails": found}
            db.execute(
                update(t.link_proposal).where(t.link_proposal.c.id == row.id).values(facts=facts, weighed_at=None)
            )
