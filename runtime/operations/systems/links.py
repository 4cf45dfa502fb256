"""Who an account of the CRM is: decided by proof beside its name, else asked of a person, who confirms or separates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from connectors.contract import Role
from connectors.records import Kind
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.systems.absorb.accounts import (
    PARENT,
    adopt_parents,
    candidates,
    keep_account,
    read_again,
    welcome,
)
from runtime.operations.systems.absorb.scope import CUSTOMER_LINK, Scope
from runtime.store import connections, journal, proposals
from runtime.store import tables as t
from sync.links import CustomerBook, Likeness, namesakes
from sync.versions import UNKNOWN

ACCOUNTS_A_ROUND = 5_000  # weighed in one unit of work; the others follow in the next round

# The organisations of the accounts that were not weighed since something changed.
UNWEIGHED = select(t.link_proposal.c.organisation_id).where(
    t.link_proposal.c.state.in_(proposals.WAITING), t.link_proposal.c.weighed_at.is_(None)
)
_WITH_UNWEIGHED = UNWEIGHED.distinct()


def weigh_accounts(app: App, organisation_id: str) -> int:
    """Ask who the unlinked accounts are, after something changed. Returns how many were asked about."""
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)  # a person may answer meanwhile
        crm = connections.connection_for_role(db, organisation_id, Role.CRM)
        rows = _to_weigh(db, organisation_id, crm.system) if crm else []
        if crm is None or not rows:
            return 0
        _weigh(Scope(db, organisation_id, crm.system, crm.role, app.clock()), rows)
    return len(rows)


def anything_to_weigh(db: Connection) -> list[str]:
    """Return the organisations with accounts that were not weighed since something changed."""
    return list(db.scalars(_WITH_UNWEIGHED))


def _to_weigh(db: Connection, organisation_id: str, system: str) -> list[Mapping[str, Any]]:
    proposal = t.link_proposal.c
    statement = (
        select(t.link_proposal)
        .where(
            proposal.organisation_id == organisation_id,
            proposal.system == system,
            proposal.state.in_(proposals.WAITING),
            proposal.weighed_at.is_(None),
        )
        .order_by(proposal.external_id)
        .limit(ACCOUNTS_A_ROUND)
    )
    return [dict(row) for row in db.execute(statement).mappings()]


def _weigh(scope: Scope, rows: list[Mapping[str, Any]]) -> None:
    book = CustomerBook(candidates(scope.db, scope.organisation_id, scope.system))
    shared = _namesakes(scope)
    taken = scope.external_ids(CUSTOMER_LINK)
    linked = 0
    for row in rows:
        account = proposals.account_of(row)
        by_key = book.by_key(account)
        customer_id = by_key or (None if row["id"] in shared else book.by_name(account))
        if customer_id is None or customer_id in taken:
            found = [_unless_taken(each, taken) for each in book.candidates(account)]
            proposals.set_weighed(scope.db, row, found, scope.read_at)
            continue
        taken[customer_id] = row["external_id"]
        _link(scope, row, customer_id, actor="sync", why="an exact key" if by_key else "its name and proof beside it")
        linked += 1
    if linked:
        adopt_parents(scope, _parents(scope))


def _namesakes(scope: Scope) -> set[str]:
    """Unlinked accounts whose name another one bears: a name cannot tell which of them is the customer."""
    rows = scope.db.execute(
        select(t.link_proposal.c.id, t.link_proposal.c.name).where(
            t.link_proposal.c.organisation_id == scope.organisation_id,
            t.link_proposal.c.system == scope.system,
            t.link_proposal.c.state != proposals.LINKED,
        )
    )
    return namesakes({row.id: row.name for row in rows})


def _unless_taken(likeness: Likeness, taken: Mapping[str, str]) -> Likeness:
    if likeness.customer_id not in taken:
        return likeness
    reason = f"but it has the account {taken[likeness.customer_id]} already"
    return Likeness(likeness.customer_id, likeness.score, (*likeness.reasons, reason))


def _parents(scope: Scope) -> dict[str, str]:
    rows = scope.db.execute(
        select(t.link.c.external_id, t.link.c.base).where(
            t.link.c.organisation_id == scope.organisation_id,
            t.link.c.system == scope.system,
            t.link.c.kind == CUSTOMER_LINK,
        )
    )
    return {row.external_id: row.base[PARENT][1] for row in rows if row.base.get(PARENT)}


def _link(scope: Scope, row: Mapping[str, Any], customer_id: str, *, actor: str, why: str) -> None:
    keep_account(scope, row["external_id"], customer_id, version=UNKNOWN, parent=row["facts"]["parent"])
    scope.flush_links()
    proposals.decide(scope.db, row["id"], state=proposals.LINKED, customer_id=customer_id, by=actor, at=scope.read_at)
    welcome(scope, row["external_id"], customer_id)
    because = f"{row['external_id']} is {customer_id} since {scope.read_at.isoformat()}"
    read_again(scope, Kind.CUSTOMER, [row["external_id"]], because=because)  # for what it tells of their business
    _record(scope, actor, "account_linked", customer_id, f"{row['name']} in {scope.system} is this customer, by {why}")


def confirm(app: App, *, organisation_id: str, proposal_id: str, customer_id: str, actor: str) -> None:
    """Say that an account is this customer. RefusedError when it is decided already, or the customer has one."""
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        row, scope = _asked(app, db, organisation_id, proposal_id)
        customer = scope.rows(t.customer, [customer_id]).get(customer_id)
        if customer is None or customer["deleted"]:
            raise RefusedError("there is no such customer")
        other = scope.external_ids(CUSTOMER_LINK).get(customer_id)
        if other is not None:
            raise RefusedError(f"{customer['name']} has the account {other} there: merge the two accounts there first")
        _link(scope, row, customer_id, actor=actor, why="a person's word")
        adopt_parents(scope, _parents(scope))
    app.wake()


def separate(app: App, *, organisation_id: str, proposal_id: str, actor: str) -> None:
    """Say that an account is none of the customers proposed; only an exact key links it from now on."""
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        row, scope = _asked(app, db, organisation_id, proposal_id)
        proposals.decide(db, row["id"], state=proposals.SEPARATE, customer_id=None, by=actor, at=scope.read_at)
        _record(scope, actor, "account_separate", proposal_id, f"{row['name']} in {scope.system} is another customer")


def _asked(app: App, db: Connection, organisation_id: str, proposal_id: str) -> tuple[Mapping[str, Any], Scope]:
    row = (
        db.execute(
            select(t.link_proposal).where(
                t.link_proposal.c.organisation_id == organisation_id, t.link_proposal.c.id == proposal_id
            )
        )
        .mappings()
        .first()
    )
    if row is None:
        raise RefusedError("nobody asks about such an account")
    if row["state"] not in proposals.WAITING:
        raise RefusedError("this account is decided already")
    return dict(row), Scope(db, organisation_id, row["system"], Role.CRM, app.clock())


def _record(scope: Scope, actor: str, action: str, subject: str, detail: str) -> None:
    journal.record(
        scope.db,
        organisation_id=scope.organisation_id,
        at=scope.read_at,
        actor=actor,
        action=action,
        subject=subject,
        detail=detail,
    )
