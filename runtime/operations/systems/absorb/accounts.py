"""Accounts of the CRM and the customers behind them: linked by exact keys; whoever has none waits to be weighed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

from sqlalchemy import Connection, Select, delete, or_, select, update

from connectors.records import CustomerFields, Kind, Record
from runtime.operations.systems.absorb.scope import CONTACT_LINK, CUSTOMER_LINK, Scope, version_of
from runtime.operations.systems.absorb.told_contacts import forget_told
from runtime.store import connections, journal, proposals
from runtime.store import tables as t
from runtime.store.intake import ask_to_read
from runtime.store.rows import chunks, update_rows
from runtime.store.touch import touch_customers
from runtime.store.weighing import weigh_again
from sync.links import Account, Candidate, CustomerBook
from sync.owners import Owner
from sync.versions import Version

TWO_ACCOUNTS = "two_accounts"  # the problem that accounts and customers were not merged alike
PARENT = "parent_account"  # in the base of an account's link: which account is its parent there


def link_accounts(scope: Scope, records: list[Record]) -> None:
    """Link the accounts that an exact key names; remember the others until they are weighed."""
    known = scope.known_links(CUSTOMER_LINK, [record.external_id for record in records])
    accounts = {record.external_id: _account(record) for record in records if record.external_id not in known}
    keys = [key for account in accounts.values() for key in account.keys]
    book = CustomerBook(candidates(scope.db, scope.organisation_id, scope.system, keys))
    taken = scope.external_ids(CUSTOMER_LINK) if accounts else {}
    unlinked: dict[str, tuple[Account, str | None]] = {}
    linked: dict[str, str | None] = {}
    told: dict[str, CustomerFields] = {}
    for record in records:
        fields = cast(CustomerFields, record.fields)
        parent = fields.parent_external_id
        link = known.get(record.external_id)
        customer_id = link["local_id"] if link else book.by_key(accounts[record.external_id])
        if customer_id is None or taken.get(customer_id, record.external_id) != record.external_id:
            unlinked[record.external_id] = (accounts[record.external_id], parent)
            continue
        taken[customer_id] = record.external_id
        linked[record.external_id] = parent
        told[customer_id] = fields
        keep_account(scope, record.external_id, customer_id, version=version_of(record), parent=parent)
        if link is None:
            welcome(scope, record.external_id, customer_id)
    scope.flush_links()
    keep_business(scope, told)
    proposals.keep_unlinked(scope.db, scope.organisation_id, scope.system, unlinked, scope.read_at)
    adopt_parents(scope, {child: parent for child, parent in linked.items() if parent})


def _account(record: Record) -> Account:
    fields = cast(CustomerFields, record.fields)
    emails = (fields.email,) if fields.email else ()
    return Account(fields.name, fields.keys, emails, fields.country)


def keep_account(scope: Scope, external_id: str, customer_id: str, *, version: Version, parent: str | None) -> None:
    """Remember who an account is, and which account is its parent."""
    pairs = {PARENT: (parent, parent)} if parent else {}
    scope.keep_link(CUSTOMER_LINK, external_id, customer_id, pairs, version=version)


def keep_business(scope: Scope, told: Mapping[str, CustomerFields]) -> None:
    """Keep what the CRM tells of these customers' businesses, by our id, in place of what it told before."""
    known = scope.rows(t.customer, told)
    new = {customer_id: {"industry": each.industry, "employees": each.employees} for customer_id, each in told.items()}
    news = [each for each, row in known.items() if any(row[name] != value for name, value in new[each].items())]
    update_rows(scope.db, t.customer, "id", [{"id": customer_id, **new[customer_id]} for customer_id in news])
    weigh_again(scope.db, scope.organisation_id, customer_ids=news)


def forget_business(scope: Scope, customer_id: str) -> None:
    """Let go of what the CRM told of a customer's business: its account went, or belongs to somebody else."""
    keep_business(scope, {customer_id: CustomerFields("")})


def welcome(scope: Scope, external_id: str, customer_id: str) -> None:
    """Let a customer that has a page in the CRM only now be shown there, and its contacts be read from there."""
    touch_customers(scope.db, scope.organisation_id, [customer_id], scope.read_at)
    for table, column in ((t.customer, "id"), (t.document, "customer_id"), (t.receipt, "customer_id")):
        mine = (table.c.organisation_id == scope.organisation_id) & (table.c[column] == customer_id)
        # Whoever showed it meanwhile, with nowhere to show it, did so after `read_at`: that counts for nothing.
        scope.db.execute(update(table).where(mine).values(shown_at=None))
    waiting = scope.db.scalars(
        select(t.link.c.external_id).where(
            t.link.c.organisation_id == scope.organisation_id,
            t.link.c.system == scope.system,
            t.link.c.kind == CONTACT_LINK,
            t.link.c.local_id == proposals.proposal_id(scope.organisation_id, scope.system, external_id),
        )
    ).all()
    read_again(scope, Kind.CONTACT, waiting, because=f"{external_id} {scope.read_at.isoformat()}")
    journal.resolve_problem(
        scope.db, organisation_id=scope.organisation_id, code=TWO_ACCOUNTS, subject=customer_id, at=scope.read_at
    )


def read_again(scope: Scope, kind: Kind, external_ids: Iterable[str], *, because: str) -> None:
    """Ask to read these objects once more, as if a webhook had named them; `because` of one thing only once."""
    known = connections.connections(scope.db, scope.organisation_id)
    account = next((each.account.external_id for each in known if each.system == scope.system), None)
    if account is None:
        return
    objects = [(kind, external_id) for external_id in sorted(external_ids)]
    ask_to_read(scope.db, system=scope.system, account=account, objects=objects, because=because, at=scope.read_at)


def adopt_parents(scope: Scope, parents: Mapping[str, str]) -> None:
    """Take a parent account (by child) as the payer of its child, as far as the CRM has a say in it."""
    if scope.owners["parent_id"] is Owner.LEDGER or not parents:
        return
    known = scope.known_links(CUSTOMER_LINK, {*parents, *parents.values()})
    pairs = {
        known[child]["local_id"]: known[parent]["local_id"]
        for child, parent in parents.items()
        if child in known and parent in known
    }
    children = scope.rows(t.customer, pairs)
    adopted = [
        {"id": child, "parent_id": parent}
        for child, parent in pairs.items()
        if child in children
        and children[child]["parent_id"] != parent
        and (children[child]["parent_id"] is None or scope.owners["parent_id"] is Owner.CRM)
    ]
    update_rows(scope.db, t.customer, "id", adopted)


def candidates(db: Connection, organisation_id: str, system: str, keys: Iterable[str] | None = None) -> list[Candidate]:
    """Return the customers that an account of `system` may be: all, or those that one of `keys` names exactly.

    What names a customer that was merged into another names the one that took its place.
    """
    found: dict[str, Candidate] = {}
    for row in _customers(db, organisation_id, system, keys):
        names = tuple(key for key in (row["id"], row["number"], row["external_id"]) if key)
        customer_id = row["merged_into"] or row["id"]
        old = found.get(customer_id)
        keys_of = (*(old.keys if old else ()), *names)
        if old is not None and customer_id != row["id"]:
            found[customer_id] = replace(old, keys=keys_of)
        else:
            found[customer_id] = Candidate(customer_id, row["name"], keys_of, row["email"], row["country"])
    return list(found.values())


def _customers(
    db: Connection, organisation_id: str, system: str, keys: Iterable[str] | None
) -> Iterator[Mapping[str, Any]]:
    customer, link = t.customer.c, t.link.c
    statement = (
        select(t.customer, link.external_id)
        .join(t.link, (link.local_id == customer.id) & (link.kind == CUSTOMER_LINK) & (link.system != system))
        .where(customer.organisation_id == organisation_id, link.organisation_id == organisation_id)
        .where(or_(customer.deleted.is_(False), customer.merged_into.is_not(None)))
    )
    if keys is None:
        yield from _mappings(db, statement)
        return
    for chunk in chunks(sorted(set(keys))):
        named = or_(customer.id.in_(chunk), customer.number.in_(chunk), link.external_id.in_(chunk))
        yield from _mappings(db, statement.where(named))


def _mappings(db: Connection, statement: Select[Any]) -> Iterator[dict[str, Any]]:
    return (dict(row) for row in db.execute(statement).mappings())


def forget_contacts(scope: Scope, customer_id: str) -> None:
    """Let go of a customer's contacts in this system: they went with its account, or belong to another one now."""
    scope.db.execute(
        delete(t.link).where(
            t.link.c.organisation_id == scope.organisation_id,
            t.link.c.system == scope.system,
            t.link.c.kind == CONTACT_LINK,
            t.link.c.local_id == customer_id,
        )
    )
    forget_told(scope, [customer_id])
