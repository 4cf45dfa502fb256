"""Customers of the ledger, accounts and contacts of the CRM."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import select

from connectors.contract import Role
from connectors.records import ContactFields, CustomerFields, Record
from runtime.operations.absorb.scope import CONTACT_LINK, CUSTOMER_LINK, Scope, pairs_of
from runtime.store import tables as t
from runtime.store.rows import update_rows, upsert
from runtime.store.touch import touch_customers
from sync.links import Candidate, CustomerBook
from sync.merge import merge


def absorb_customers(scope: Scope, records: list[Record]) -> None:
    """Take in ledger customers, or link CRM accounts to the customers they are."""
    if scope.role is Role.LEDGER:
        _absorb_ledger_customers(scope, records)
    else:
        _link_accounts(scope, records)
    scope.flush_links()


def _absorb_ledger_customers(scope: Scope, records: list[Record]) -> None:
    ids = {record.external_id: scope.local_id("cus", record.external_id) for record in records}
    links = scope.known_links(CUSTOMER_LINK, ids)
    known = scope.rows(t.customer, ids.values())
    rows = []
    for record in records:
        fields = cast(CustomerFields, record.fields)
        local_id = ids[record.external_id]
        old = known.get(local_id)
        theirs = {"name": fields.name, "email": fields.email}
        ours = {"name": old["name"], "email": old["email"]} if old else {}
        merged = merge(
            owners=scope.owners,
            speaker=scope.speaker,
            pairs=pairs_of(links.get(record.external_id)),
            ours=ours,
            theirs=theirs,
        )
        scope.note_conflicts(local_id, merged.conflicts)
        scope.keep_link(CUSTOMER_LINK, record.external_id, local_id, record.version, merged.pairs)
        parent = scope.local_id("cus", fields.parent_external_id) if fields.parent_external_id else None
        row = {
            "id": local_id,
            "organisation_id": scope.organisation_id,
            "name": merged.values["name"],
            "email": merged.values["email"],
            "number": fields.number,
            "parent_id": parent or (old["parent_id"] if old else None),
            "country": fields.country,
            "deleted": False,
        }
        changed = old is None or any(old[name] != value for name, value in row.items())
        row["changed_at"] = scope.read_at if changed or old is None else old["changed_at"]
        rows.append(row)
    upsert(scope.db, t.customer, rows, keys=["id"])


def _link_accounts(scope: Scope, records: list[Record]) -> None:
    links = scope.known_links(CUSTOMER_LINK, [record.external_id for record in records])
    book = _customer_book(scope) if len(links) < len(records) else CustomerBook(())
    for record in records:
        fields = cast(CustomerFields, record.fields)
        link = links.get(record.external_id)
        local_id = link["local_id"] if link else book.find(keys=fields.keys, name=fields.name)
        if local_id is not None:
            scope.keep_link(CUSTOMER_LINK, record.external_id, local_id, record.version, {})
    linked = {str(link["external_id"]): str(link["local_id"]) for link in scope.links}
    scope.flush_links()
    # What belongs to a customer that has a page in the CRM only now is shown there from now on.
    touch_customers(scope.db, scope.organisation_id, set(linked.values()) - _known(links), scope.read_at)
    _adopt_parents(scope, records, linked)


def _known(links: dict[str, dict[str, Any]]) -> set[str]:
    return {link["local_id"] for link in links.values()}


def _adopt_parents(scope: Scope, records: list[Record], linked: dict[str, str]) -> None:
    """Take a parent account as the payer of its child where the ledger names none."""
    parents = {
        linked[record.external_id]: parent
        for record in records
        if record.external_id in linked and (parent := cast(CustomerFields, record.fields).parent_external_id)
    }
    parent_links = scope.known_links(CUSTOMER_LINK, parents.values())
    children = scope.rows(t.customer, parents)
    update_rows(
        scope.db,
        t.customer,
        "id",
        [
            {"id": child, "parent_id": parent_links[parent]["local_id"]}
            for child, parent in parents.items()
            if parent in parent_links and children[child]["parent_id"] is None
        ],
    )


def _customer_book(scope: Scope) -> CustomerBook:
    rows = scope.db.execute(
        select(t.customer.c.id, t.customer.c.name, t.customer.c.number, t.link.c.external_id)
        .join(t.link, (t.link.c.local_id == t.customer.c.id) & (t.link.c.kind == CUSTOMER_LINK))
        .where(
            t.customer.c.organisation_id == scope.organisation_id,
            t.link.c.organisation_id == scope.organisation_id,
            t.link.c.system != scope.system,
        )
    )
    return CustomerBook(
        Candidate(row.id, row.name, tuple(key for key in (row.id, row.number, row.external_id) if key)) for row in rows
    )


def absorb_contacts(scope: Scope, records: list[Record]) -> None:
    """Merge the e-mail address and the opt-out of each account's first contact with its customer."""
    links = scope.known_links(CONTACT_LINK, [record.external_id for record in records])
    accounts = scope.known_links(
        CUSTOMER_LINK, [cast(ContactFields, record.fields).customer_external_id for record in records]
    )
    customers = scope.rows(t.customer, [account["local_id"] for account in accounts.values()])
    taken = _customers_with_contact(scope)
    rows: list[dict[str, Any]] = []
    for record in sorted(records, key=lambda each: each.external_id):
        fields = cast(ContactFields, record.fields)
        account = accounts.get(fields.customer_external_id)
        if account is None:
            continue
        local_id = account["local_id"]
        if taken.setdefault(local_id, record.external_id) != record.external_id:
            continue
        old = customers[local_id]
        merged = merge(
            owners=scope.owners,
            speaker=scope.speaker,
            pairs=pairs_of(links.get(record.external_id)),
            ours={"email": old["email"], "opted_out": old["opted_out"]},
            theirs={"email": fields.email, "opted_out": fields.opted_out},
        )
        scope.note_conflicts(local_id, merged.conflicts)
        scope.keep_link(CONTACT_LINK, record.external_id, local_id, record.version, merged.pairs)
        new = {"email": merged.values["email"], "opted_out": bool(merged.values["opted_out"])}
        if new != {"email": old["email"], "opted_out": old["opted_out"]}:
            scope.record("contact_changed", local_id, f"e-mail {new['email']}, opted out: {new['opted_out']}")
            rows.append({"id": local_id, **new, "changed_at": scope.read_at})
    update_rows(scope.db, t.customer, "id", rows)
    scope.flush_links()


def _customers_with_contact(scope: Scope) -> dict[str, str]:
    rows = scope.db.execute(
        select(t.link.c.local_id, t.link.c.external_id).where(
            t.link.c.organisation_id == scope.organisation_id,
            t.link.c.system == scope.system,
            t.link.c.kind == CONTACT_LINK,
        )
    )
    return {row.local_id: row.external_id for row in rows}
