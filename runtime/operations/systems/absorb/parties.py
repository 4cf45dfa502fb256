"""Customers of the ledger, accounts and contacts of the CRM."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, cast

from connectors.contract import Role
from connectors.records import ContactFields, CustomerFields, Record
from reminders.evidence import Channel
from runtime.operations.reaching.bad_addresses import another_is_known, normal
from runtime.operations.reaching.opt_out import note_told_no_opt_out, note_told_opt_out
from runtime.operations.reaching.opt_outs import told_by, told_opt_outs
from runtime.operations.systems.absorb.accounts import link_accounts
from runtime.operations.systems.absorb.scope import CONTACT_LINK, CUSTOMER_LINK, Scope, pairs_of, version_of
from runtime.operations.systems.absorb.told_contacts import Told, keep_told
from runtime.store import proposals
from runtime.store import tables as t
from runtime.store.rows import update_rows, upsert
from runtime.store.touch import touch_balances
from runtime.store.weighing import weigh_again
from sync.merge import merge
from sync.owners import Owner


def absorb_customers(scope: Scope, records: list[Record]) -> None:
    """Take in ledger customers, or link CRM accounts to the customers they are."""
    if scope.role is Role.LEDGER:
        _absorb_ledger_customers(scope, records)
        scope.flush_links()
    else:
        link_accounts(scope, records)


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
        scope.keep_link(CUSTOMER_LINK, record.external_id, local_id, merged.pairs, version=version_of(record))
        parent = scope.local_id("cus", fields.parent_external_id) if fields.parent_external_id else None
        row: dict[str, Any] = {
            "id": local_id,
            "organisation_id": scope.organisation_id,
            "name": merged.values["name"],
            "email": merged.values["email"],
            "number": fields.number,
            "parent_id": _parent(scope, parent, old),
            "country": fields.country,
            "deleted": False,
            "merged_into": None,
        }
        if old is not None and old["email"] != row["email"]:
            another_is_known(scope.db, scope.organisation_id, local_id, channel=Channel.EMAIL, at=scope.read_at)
        changed = old is None or any(old[name] != value for name, value in row.items())
        row["changed_at"] = scope.read_at if changed or old is None else old["changed_at"]
        rows.append(row)
    upsert(scope.db, t.customer, rows, keys=["id"])
    keep_told(scope, _told_by_ledger(records, ids))
    news = [row["id"] for row in rows if row["changed_at"] == scope.read_at]
    weigh_again(scope.db, scope.organisation_id, customer_ids=news)
    if news:
        proposals.weigh_again(scope.db, scope.organisation_id)


def _told_by_ledger(records: list[Record], ids: dict[str, str]) -> dict[str, Told]:
    fields = {ids[record.external_id]: cast(CustomerFields, record.fields) for record in records}
    return {
        customer_id: Told(each.name, each.country, each.ways)
        for customer_id, each in fields.items()
        if each.ways is not None
    }


def _parent(scope: Scope, in_ledger: str | None, old: dict[str, Any] | None) -> str | None:
    known = old["parent_id"] if old else None
    return (known or in_ledger) if scope.owners["parent_id"] is Owner.CRM else (in_ledger or known)


def absorb_contacts(scope: Scope, records: list[Record]) -> None:
    """Merge the e-mail address of each account's first contact with its customer, and follow what it opted out of.

    First is who has the customer's address where nobody was before. Another contact of that address is another entry of
    the same mailbox: that it opted out counts too.
    """
    links = scope.known_links(CONTACT_LINK, [record.external_id for record in records])
    accounts = scope.known_links(
        CUSTOMER_LINK, [cast(ContactFields, record.fields).customer_external_id for record in records]
    )
    customers = scope.rows(t.customer, [account["local_id"] for account in accounts.values()])
    taken = scope.external_ids(CONTACT_LINK)
    rows: list[dict[str, Any]] = []
    told: dict[str, Told] = {}
    opted_out: dict[tuple[str, str], bool] = {}
    others: list[tuple[str, str, ContactFields]] = []
    strangers: defaultdict[str, list[str]] = defaultdict(list)
    emails = {customer_id: row["email"] for customer_id, row in customers.items()}

    def rank(record: Record) -> tuple[bool, str]:
        fields = cast(ContactFields, record.fields)
        account = accounts.get(fields.customer_external_id)
        is_theirs = account is not None and _is_same(fields.email, emails.get(account["local_id"]))
        return not is_theirs, record.external_id

    for record in sorted(records, key=rank):
        fields = cast(ContactFields, record.fields)
        account = accounts.get(fields.customer_external_id)
        link = links.get(record.external_id)
        if account is None:
            waiting = proposals.proposal_id(scope.organisation_id, scope.system, fields.customer_external_id)
            scope.keep_link(CONTACT_LINK, record.external_id, waiting, {}, version=version_of(record))
            strangers[fields.customer_external_id] += [fields.email] if fields.email else []
            continue
        local_id = account["local_id"]
        if taken.setdefault(local_id, record.external_id) != record.external_id:
            others.append((local_id, record.external_id, fields))
            continue
        old = customers[local_id]
        told[local_id] = Told(old["name"], old["country"], fields.ways, attention=fields.name)
        # What it agreed on with the customer of another account says nothing about this one.
        has_met = link is not None and link["local_id"] == local_id
        if fields.opted_out or has_met:
            opted_out[local_id, told_by(scope.system)] = fields.opted_out
        merged = merge(
            owners=scope.owners,
            speaker=scope.speaker,
            pairs=pairs_of(link) if has_met else {},
            ours={"email": old["email"]},
            theirs={"email": fields.email},
        )
        scope.note_conflicts(local_id, merged.conflicts)
        scope.keep_link(CONTACT_LINK, record.external_id, local_id, merged.pairs, version=version_of(record))
        email = merged.values["email"]
        if email != old["email"]:
            another_is_known(scope.db, scope.organisation_id, local_id, channel=Channel.EMAIL, at=scope.read_at)
            scope.record("contact_changed", local_id, f"e-mail {email}")
            rows.append({"id": local_id, "email": email, "changed_at": scope.read_at})
            emails[local_id] = email
    for local_id, external_id, fields in others:
        if _is_same(fields.email, emails[local_id]):
            opted_out[local_id, told_by(scope.system, external_id)] = fields.opted_out
    update_rows(scope.db, t.customer, "id", rows)
    touch_balances(scope.db, scope.organisation_id, [row["id"] for row in rows], scope.read_at)
    keep_told(scope, told)
    _follow_opt_outs(scope, opted_out)
    scope.flush_links()
    proposals.add_emails(scope.db, scope.organisation_id, scope.system, strangers)


def _is_same(one: str | None, other: str | None) -> bool:
    return bool(one and other) and normal(one or "") == normal(other or "")


def _follow_opt_outs(scope: Scope, opted_out: dict[tuple[str, str], bool]) -> None:
    """Note what contacts say of e-mail, by customer and source; one that says it no longer takes back its own word."""
    said = told_opt_outs(scope.db, scope.organisation_id, {customer_id for customer_id, _ in opted_out})
    for (customer_id, source), wants_none in opted_out.items():
        if wants_none != ((customer_id, source) in said):
            note = note_told_opt_out if wants_none else note_told_no_opt_out
            note(
                scope.db,
                scope.organisation_id,
                customer_id,
                channel=Channel.EMAIL,
                system=scope.system,
                source=source,
                at=scope.read_at,
            )
