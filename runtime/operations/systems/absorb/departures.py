"""Customers and accounts that are gone: deleted, or merged into another that takes over everything of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from sqlalchemy import Connection, delete, select, update

from connectors.contract import Role
from connectors.records import CustomerFields, Kind, Record
from receivables.document import DocumentStatus
from receivables.problem import Problem
from runtime.operations.autopay.agree import pause_for_merge
from runtime.operations.reaching.opt_out import pass_opt_outs_on
from runtime.operations.reminding.withdraw import PLANNED, SENDING, withdraw_reminders
from runtime.operations.systems.absorb.accounts import (
    TWO_ACCOUNTS,
    forget_business,
    forget_contacts,
    read_again,
)
from runtime.operations.systems.absorb.scope import CONTACT_LINK, CUSTOMER_LINK, DOCUMENT_LINK, Scope
from runtime.operations.systems.absorb.told_contacts import forget_told
from runtime.store import proposals, queues
from runtime.store import tables as t
from runtime.store.links import forget
from runtime.store.touch import touch_customers

MAX_MERGES = 20  # that are followed from one customer to the next
_OWNED = (  # what has a `customer_id`
    t.document,
    t.receipt,
    t.ledger_payment,
    t.held_cash,
    t.checkout,
    t.payer_account,
    t.mandate,
    t.automatic_payment,
    t.discount,
    t.reminder,
    t.reply,
    t.answer,
    t.task,
)
_FORGOTTEN = {Kind.CONTACT: CONTACT_LINK, Kind.INVOICE: DOCUMENT_LINK}


def follow_departures(scope: Scope, kind: Kind, records: Sequence[Record]) -> None:
    """Follow what was deleted or merged: in the ledger customers, in the CRM accounts, contacts and shown invoices."""
    if kind is Kind.CUSTOMER:
        for record in sorted(records, key=lambda each: each.external_id):
            if scope.role is Role.LEDGER:
                _follow_customer(scope, record)
            else:
                _follow_account(scope, record)
    elif scope.role is Role.CRM and kind in _FORGOTTEN and records:
        gone = [record.external_id for record in records]
        if kind is Kind.INVOICE:
            _show_again(scope, gone)
        else:
            forget_told(scope, {link["local_id"] for link in scope.known_links(CONTACT_LINK, gone).values()})
        # An invoice that is shown again is a new record: nothing was agreed on with it yet.
        _forget(scope, _FORGOTTEN[kind], gone)


def _show_again(scope: Scope, external_ids: Sequence[str]) -> None:
    """Let what is open be shown in a record of its own again: the ledger has it still."""
    documents = [link["local_id"] for link in scope.known_links(DOCUMENT_LINK, external_ids).values()]
    document = t.document.c
    scope.db.execute(
        update(t.document)
        .where(
            document.organisation_id == scope.organisation_id,
            document.id.in_(documents),
            document.status == DocumentStatus.OPEN.value,
        )
        .values(shown_at=None)
    )


def _forget(scope: Scope, kind: str, external_ids: Sequence[str]) -> None:
    forget(scope.db, scope.organisation_id, scope.system, kind, external_ids)


# --- customers of the ledger


def _follow_customer(scope: Scope, record: Record) -> None:
    into = cast(CustomerFields, record.fields).merged_into_external_id
    if into is None:
        return
    dead_id = scope.local_id("cus", record.external_id)
    survivor_id = surviving(scope.db, scope.organisation_id, scope.local_id("cus", into))
    known = scope.rows(t.customer, [dead_id, survivor_id])
    if dead_id not in known or dead_id == survivor_id or known[dead_id]["merged_into"] == survivor_id:
        return
    if survivor_id not in known:
        # Both are read again, once and together, so that there is somebody to take over.
        read_again(scope, Kind.CUSTOMER, [record.external_id, into], because=f"{record.external_id} into {into}")
        return
    _take_over(scope, known[dead_id], known[survivor_id])
    _redirect_postings(scope, record.external_id, into)


def surviving(db: Connection, organisation_id: str, customer_id: str) -> str:
    """Return the customer that took the place of `customer_id`, itself when it was never merged."""
    for _ in range(MAX_MERGES):
        into = db.scalar(
            select(t.customer.c.merged_into).where(
                t.customer.c.organisation_id == organisation_id, t.customer.c.id == customer_id
            )
        )
        if into is None:
            break
        customer_id = into
    return customer_id


def _take_over(scope: Scope, dead: dict[str, Any], survivor: dict[str, Any]) -> None:
    """Give everything of a customer that is gone to the one that took its place."""
    db, organisation_id, at = scope.db, scope.organisation_id, scope.read_at
    _withdraw(scope, [dead["id"], survivor["id"]], f"{dead['name']} was merged into {survivor['name']}")
    pause_for_merge(db, organisation_id, [dead["id"], survivor["id"]], at)
    for table in _OWNED:
        mine = (table.c.organisation_id == organisation_id) & (table.c.customer_id == dead["id"])
        db.execute(update(table).where(mine).values(customer_id=survivor["id"]))
    customer, conflict, asked = t.customer.c, t.conflict.c, t.link_proposal.c
    ours = customer.organisation_id == organisation_id
    db.execute(update(t.customer).where(ours, customer.parent_id == dead["id"]).values(parent_id=survivor["id"]))
    db.execute(update(t.customer).where(ours, customer.merged_into == dead["id"]).values(merged_into=survivor["id"]))
    db.execute(
        update(t.conflict)
        .where(conflict.organisation_id == organisation_id, conflict.local_id == dead["id"])
        .values(local_id=survivor["id"])
    )
    db.execute(
        update(t.link_proposal)
        .where(asked.organisation_id == organisation_id, asked.customer_id == dead["id"])
        .values(customer_id=survivor["id"])
    )
    parent = None if survivor["parent_id"] == dead["id"] else survivor["parent_id"]
    db.execute(update(t.customer).where(customer.id == survivor["id"]).values(parent_id=parent))
    pass_opt_outs_on(db, organisation_id, dead["id"], to=survivor["id"])
    gone = {"deleted": True, "merged_into": survivor["id"], "changed_at": at}
    db.execute(update(t.customer).where(customer.id == dead["id"]).values(**gone))
    _move_proposals(scope, dead["id"], survivor["id"])
    _move_accounts(scope, dead, survivor)
    proposals.weigh_again(db, organisation_id)
    touch_customers(db, organisation_id, [survivor["id"]], at)
    scope.record("customer_merged", survivor["id"], f"{dead['name']} was merged into {survivor['name']} in the ledger")


def _withdraw(scope: Scope, customer_ids: Sequence[str], why: str) -> None:
    """Take back what is planned for these customers: what is due is planned anew, in one message with one address."""
    planned = scope.db.scalars(
        select(t.reminder_item.c.document_id)
        .join(t.reminder, t.reminder.c.id == t.reminder_item.c.reminder_id)
        .where(
            t.reminder.c.organisation_id == scope.organisation_id,
            t.reminder.c.customer_id.in_(customer_ids),
            t.reminder.c.state.in_((PLANNED, SENDING)),
        )
    ).all()
    withdraw_reminders(scope.db, organisation_id=scope.organisation_id, document_ids=planned, why=why, at=scope.read_at)


def _move_proposals(scope: Scope, dead_id: str, survivor_id: str) -> None:
    """What waits for a decision about a receipt names the customer that is there."""
    mine = (t.proposal.c.organisation_id == scope.organisation_id) & (t.proposal.c.state == "pending")
    for row in scope.db.execute(select(t.proposal.c.receipt_id, t.proposal.c.body).where(mine)).all():
        if row.body.get("customer_id") == dead_id:
            body = {**row.body, "customer_id": survivor_id}
            scope.db.execute(update(t.proposal).where(t.proposal.c.receipt_id == row.receipt_id).values(body=body))


def _move_accounts(scope: Scope, dead: dict[str, Any], survivor: dict[str, Any]) -> None:
    """Give the accounts and contacts of the CRM to the survivor; where both have an account, a person merges them."""
    links = scope.db.execute(
        select(t.link).where(
            t.link.c.organisation_id == scope.organisation_id,
            t.link.c.system != scope.system,
            t.link.c.kind.in_((CUSTOMER_LINK, CONTACT_LINK)),
            t.link.c.local_id == dead["id"],
        )
    ).all()
    for link in links:
        there = replace(scope, system=link.system, role=Role.CRM, links=[])
        taken = there.external_ids(CUSTOMER_LINK).get(survivor["id"])
        if taken is not None and link.kind == CUSTOMER_LINK:
            _forget(there, CUSTOMER_LINK, [link.external_id])
            forget_contacts(there, dead["id"])
            text = f"{dead['name']} was merged into {survivor['name']}, and each has an account in {link.system}"
            remedy = (
                f"Merge the account {link.external_id} into {taken} there; until then only {taken} is kept up to date."
            )
            scope.problem(Problem(TWO_ACCOUNTS, text, remedy, survivor["id"]))
    for link in links:
        there = replace(scope, system=link.system, role=Role.CRM, links=[])
        mine = (t.link.c.organisation_id == scope.organisation_id) & (t.link.c.system == link.system)
        mine &= (t.link.c.kind == link.kind) & (t.link.c.external_id == link.external_id)
        base = link.base if link.kind == CUSTOMER_LINK else {}  # a contact meets the survivor for the first time
        moved = scope.db.execute(
            update(t.link).where(mine, t.link.c.local_id == dead["id"]).values(local_id=survivor["id"], base=base)
        )
        if moved.rowcount:
            read_again(there, Kind(link.kind), [link.external_id], because=f"{dead['id']} {survivor['id']}")


def _redirect_postings(scope: Scope, dead_external_id: str, into: str) -> None:
    """Let postings that were promised for the dead customer go to the one that took its place."""
    mine = (t.outbox.c.organisation_id == scope.organisation_id) & (t.outbox.c.system == scope.system)
    waiting = select(t.outbox.c.id, t.outbox.c.intent).where(mine, t.outbox.c.state == queues.NEW)
    for row in scope.db.execute(waiting).all():
        if row.intent.get("customer_external_id") != dead_external_id:
            continue
        if row.intent["intent"] == "edit_customer":
            queues.settle(scope.db, t.outbox, row.id, state=queues.SUPERSEDED, done_at=scope.read_at)
        else:
            intent = {**row.intent, "customer_external_id": into}
            queues.settle(scope.db, t.outbox, row.id, intent=intent)


# --- accounts of the CRM


def _follow_account(scope: Scope, record: Record) -> None:
    into = cast(CustomerFields, record.fields).merged_into_external_id
    known = scope.known_links(CUSTOMER_LINK, [each for each in (record.external_id, into) if each])
    gone = proposals.proposal_id(scope.organisation_id, scope.system, record.external_id)
    scope.db.execute(delete(t.link_proposal).where(t.link_proposal.c.id == gone))
    link = known.get(record.external_id)
    if link is None:
        return
    customer_id = link["local_id"]
    _forget(scope, CUSTOMER_LINK, [record.external_id])
    forget_business(scope, customer_id)
    master = known.get(into) if into else None
    if into and master is None:
        _move_to_master(scope, link, into)
        return
    if master is not None and master["local_id"] == customer_id:
        return
    forget_contacts(scope, customer_id)
    if master is not None:
        names = scope.rows(t.customer, [customer_id, master["local_id"]])
        here, there = (names[each]["name"] if each in names else each for each in (customer_id, master["local_id"]))
        text = f"{scope.system} merged the account of {here} into that of {there}, who are two customers in the ledger"
        remedy = f"Merge the two customers in the ledger, or make an account for {here} again."
        scope.problem(Problem(TWO_ACCOUNTS, text, remedy, customer_id))
    scope.record("account_gone", customer_id, f"the account {record.external_id} is no longer there")


def _move_to_master(scope: Scope, link: dict[str, Any], master: str) -> None:
    scope.keep_link(CUSTOMER_LINK, master, link["local_id"], {})
    scope.flush_links()
    row_id = proposals.proposal_id(scope.organisation_id, scope.system, master)
    proposals.decide(
        scope.db,
        row_id,
        state=proposals.LINKED,
        customer_id=link["local_id"],
        by=scope.system,
        at=scope.read_at,
    )
    touch_customers(scope.db, scope.organisation_id, [link["local_id"]], scope.read_at)
    read_again(scope, Kind.CUSTOMER, [master], because=f"{link['external_id']} into {master}")
    scope.record("account_merged", link["local_id"], f"its account {link['external_id']} was merged into {master}")
