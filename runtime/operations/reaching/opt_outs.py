"""Who wants no messages, by which channel: what was said and stands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select

from reminders.evidence import Channel
from runtime.store import tables as t
from runtime.store.rows import among, among_given, chunks, owned_by

EVERY = "all"  # stands in place of a channel: no message by any of them
PAYER = "payer"  # the source of what payers say, or a person for them; any other is as told_by says
OptOuts = Mapping[str, Collection[str]]


@dataclass(frozen=True, slots=True)
class OptOut:
    """A customer wants no messages by `channel`, None: by none at all; who said so, when and in which words."""

    channel: Channel | None
    source: str
    by: str
    at: datetime
    words: str

    @property
    def system(self) -> str:
        """The system that tells of it; PAYER where it was said here."""
        return self.source.partition(" ")[0]


def told_by(system: str, contact_external_id: str | None = None) -> str:
    """Return the source of what a system says: of the customer's own contact, or of another one of their address."""
    return system if contact_external_id is None else f"{system} {contact_external_id}"


def opt_outs(db: Connection, organisation_id: str, customer_ids: Collection[str]) -> OptOuts:
    """Return what these customers want nothing by: channels, or EVERY; those who never said so are left out."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for chunk in chunks(sorted(customer_ids)):
        theirs = {"organisation_id": organisation_id, "customer_ids": list(chunk)}
        for customer_id, channel in db.execute(_opted_out(db.dialect.name), theirs):
            found[customer_id].add(channel)
    return found


@cache
def _opted_out(dialect: str) -> Select[str, str]:
    of = t.opt_out.c
    theirs = owned_by(t.opt_out, bindparam("organisation_id")) & among_given(dialect, of.customer_id, "customer_ids")
    return select(of.customer_id, of.channel).where(theirs, of.ended_at.is_(None))


def told_opt_outs(db: Connection, organisation_id: str, customer_ids: Collection[str]) -> set[tuple[str, str]]:
    """Return which sources said of these customers that they opted out, whatever became of that here."""
    found: set[tuple[str, str]] = set()
    of = t.opt_out.c
    for chunk in chunks(sorted(customer_ids)):
        theirs = owned_by(t.opt_out, organisation_id) & among(db, of.customer_id, chunk)
        rows = db.execute(select(of.customer_id, of.source).where(theirs))
        found |= {(row.customer_id, row.source) for row in rows}
    return found


def is_stopped(opt_outs: OptOuts, customer_id: str, channel: Channel) -> bool:
    """Whether a customer wants nothing by `channel`."""
    of = opt_outs.get(customer_id)
    return of is not None and (channel.value in of or EVERY in of)


def parents_who_opted_out(db: Connection, organisation_id: str, customer_ids: Collection[str]) -> dict[str, str]:
    """Return, by customer, the parent of those whose parent wants nothing by some channel."""
    found: dict[str, str] = {}
    for chunk in chunks(sorted(customer_ids)):
        theirs = {"organisation_id": organisation_id, "customer_ids": list(chunk)}
        found |= {row.id: row.parent_id for row in db.execute(_with_parents(db.dialect.name), theirs)}
    return found


@cache
def _with_parents(dialect: str) -> Select[Any]:
    child, of = t.customer.c, t.opt_out.c
    theirs = owned_by(t.customer, bindparam("organisation_id")) & among_given(dialect, child.id, "customer_ids")
    parents = select(child.id, child.parent_id).join(t.opt_out, of.customer_id == child.parent_id)
    return parents.where(theirs, of.ended_at.is_(None))


def standing_opt_outs(db: Connection, organisation_id: str, customer_id: str) -> tuple[OptOut, ...]:
    """Return what a customer wants nothing by, as it was said, the first word of it first."""
    of = t.opt_out.c
    mine = (of.organisation_id == organisation_id) & (of.customer_id == customer_id) & of.ended_at.is_(None)
    return tuple(
        OptOut(None if row.channel == EVERY else Channel(row.channel), row.source, row.said_by, row.said_at, row.words)
        for row in db.execute(select(t.opt_out).where(mine).order_by(of.said_at, of.channel, of.source))
    )
