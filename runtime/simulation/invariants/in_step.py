"""Sync: the product, the ledger and the CRM say the same, and nobody's edit is lost."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from connectors import registry
from connectors.records import Kind
from receivables.document import DocumentStatus
from receivables.identity import stable_id
from receivables.money import Money
from runtime.operations.matching.open_items import open_documents
from runtime.operations.systems.absorb.scope import CUSTOMER_LINK
from runtime.operations.systems.looked_at import OVERWRITTEN
from runtime.simulation.stage import Play
from runtime.store import connections
from runtime.store import tables as t
from sandbox.life import Source
from sync.cursor import OVERLAP

Found = tuple[int, list[str]]
POLLED_WITHIN = timedelta(hours=1)


def hub_equals_ledger(play: Play) -> Found:
    """[10] At rest, our balance and due date of every invoice equal the ledger's."""
    checked, violations = 0, []
    for key, organisation_id in play.ids.items():
        firm = play.life.firms[key]
        mine = (t.document.c.organisation_id == organisation_id) & (t.document.c.kind == "invoice")
        with play.app.store.read() as db:
            rows = {row.number: row for row in db.execute(select(t.document).where(mine))}
        for debt in firm.debts.values():
            checked += 1
            row = rows.get(debt.number)
            if row is None:
                violations.append(f"{key} {debt.number}: unknown here")
                continue
            if row.status == DocumentStatus.VOID.value:
                continue
            here, there = Money(row.balance_minor, row.currency).decimal, firm.ledger.balance(debt.invoice)
            if here != there:
                violations.append(f"{key} {row.number}: {here} here, {there} in the ledger")
            if firm.ledger.due_on(debt.invoice) != row.due_on:
                violations.append(
                    f"{key} {row.number}: due {row.due_on} here, {firm.ledger.due_on(debt.invoice)} in the ledger"
                )
    return checked, violations


def crm_equals_hub(play: Play) -> Found:
    """[10] At rest, the CRM shows each open invoice's balance, in its currency."""
    checked, violations = 0, []
    for key, organisation_id in play.ids.items():
        firm = play.life.firms[key]
        with play.app.store.read() as db:
            documents = open_documents(db, organisation_id)
        for each in documents:
            debt = firm.debts.get(each.document.number)
            if debt is None:
                continue
            checked += 1
            shown = firm.crm.balance(debt.invoice)
            if shown != each.open_amount.decimal:
                violations.append(f"{key} {debt.number}: {shown} in the CRM, {each.open_amount} here")
            elif (named := firm.crm.currencies(debt.invoice)) != {debt.invoice.currency}:
                violations.append(
                    f"{key} {debt.number}: {', '.join(sorted(named))} in the CRM, {each.open_amount} here"
                )
    return checked, violations


def edits_arrive(play: Play) -> Found:
    """[11, 15] At rest, what a person edited stands in the ledger, or is shown as a conflict.

    Of two due dates that people wrote without seeing the other's, one stands and the other is in a conflict, or a
    person is told to look for it in the ledger's history.
    """
    checked, violations = 0, []
    for key, organisation_id in play.ids.items():
        firm = play.life.firms[key]
        with play.app.store.read() as db:
            conflict = t.conflict.c
            shown = select(conflict.local_id, conflict.field).where(conflict.organisation_id == organisation_id)
            in_conflict = {(row.local_id, row.field) for row in db.execute(shown)}
            shown_as = (t.problem.c.organisation_id == organisation_id) & (t.problem.c.code == OVERWRITTEN)
            overwritten = set(db.scalars(select(t.problem.c.subject).where(shown_as)))
            mine = t.document.c.organisation_id == organisation_id
            ids = {row.number: row.id for row in db.execute(select(t.document.c.number, t.document.c.id).where(mine))}
            linked = (t.link.c.organisation_id == organisation_id) & (t.link.c.system == firm.profile.system)
            customers = select(t.link.c.external_id, t.link.c.local_id).where(linked, t.link.c.kind == CUSTOMER_LINK)
            customer_ids = {row.external_id: row.local_id for row in db.execute(customers)}
        for debt in firm.debts.values():
            days = debt.state(play.time.now().date()).due_days
            checked += 1
            there = firm.ledger.due_on(debt.invoice)
            known = (ids.get(debt.number), "due_on") in in_conflict or ids.get(debt.number) in overwritten
            if days != {there} and not known:
                agreed = " and ".join(map(str, sorted(days)))
                violations.append(f"{key} {debt.number}: due {there} in the ledger, people wrote {agreed}")
        for customer in filter(firm.crm.has_contact, firm.organisation.customers.values()):
            # A correction waits while its customer is put away, and while it is in the bin with its contact.
            if customer.key in firm.archived:
                continue
            checked += 1
            local_id = customer_ids.get(customer.ledger_id)
            known = (local_id, "email") in in_conflict or local_id in overwritten
            if customer.email and firm.ledger.email(customer) != customer.email and not known:
                violations.append(
                    f"{key} {customer.name}: {firm.ledger.email(customer)} in the ledger, {customer.email}"
                )
    return checked, violations


def edits_are_noticed(play: Play) -> Found:
    """[10, 18] Whatever the ledger has shown of an invoice since before its watermark is known here."""
    checked, violations = 0, []
    for key, organisation_id in play.ids.items():
        firm = play.life.firms[key]
        mine = (t.document.c.organisation_id == organisation_id) & (t.document.c.kind == "invoice")
        with play.app.store.read() as db:
            until = _read_until(db, organisation_id, firm.profile.system)
            rows = {row.number: row for row in db.execute(select(t.document).where(mine))}
        for debt in firm.debts.values():
            row = rows.get(debt.number)
            if until is None or row is None or firm.ledger.changed_at(debt.invoice) >= until:
                continue
            checked += 1
            here, there = Money(row.balance_minor, row.currency).decimal, firm.ledger.balance(debt.invoice)
            if here != there and row.status != DocumentStatus.VOID.value:
                violations.append(f"{key} {debt.number}: {here} here, {there} in the ledger since before {until}")
            is_ours = any(fact.source is Source.CRM and fact.due_on for fact in debt.facts)  # it may be on its way
            if row.due_on != firm.ledger.due_on(debt.invoice) and not is_ours:
                violations.append(f"{key} {debt.number}: the due date of the ledger has not been noticed since {until}")
    return checked, violations


def everything_is_polled(play: Play) -> Found:
    """[10] At rest, whatever can be asked of a connected account was read to its end by the last polls."""
    checked, violations = 0, []
    for organisation_id in play.ids.values():
        with play.app.store.read() as db:
            for each in connections.connections(db, organisation_id):
                for kind in registry.declaration(each.system).reads:
                    checked += 1
                    since = connections.watermark(db, each.id, kind)
                    if since is None or since < play.clock() - POLLED_WITHIN:
                        violations.append(f"{kind} of {each.system} was last read to its end at {since}")
    return checked, violations


def _read_until(db: Connection, organisation_id: str, system: str) -> datetime | None:
    """Up to when nobody will read a ledger's invoices again."""
    mine = (t.connection.c.organisation_id == organisation_id) & (t.connection.c.system == system)
    since = db.scalar(
        select(t.watermark.c.since).join(t.connection).where(mine, t.watermark.c.kind == Kind.INVOICE.value)
    )
    return None if since is None else since - OVERLAP


def versions_never_go_back(play: Play) -> Found:
    """[9] What we know of an object is never older than what we knew."""
    with play.app.store.read() as db:
        rows = db.execute(select(t.link.c.system, t.link.c.kind, t.link.c.external_id, t.link.c.version)).all()
    back = []
    for row in rows:
        name = (row.system, row.kind, row.external_id)
        if not row.version:
            continue  # what we wrote ourselves, where the vendor does not tell the version it became
        before = play.versions.get(name, row.version)
        if _rank(row.version) < _rank(before):
            back.append(f"{row.system} {row.kind} {row.external_id}: version {before} became {row.version}")
        play.versions[name] = row.version
    return len(rows), back


def _rank(version: str) -> tuple[int, str]:
    """Versions are numbers that count up, or moments as ISO 8601 writes them."""
    return (int(version), "") if version.isdecimal() else (0, version)


def no_deletion_inferred(play: Play) -> Found:
    """[16] Nothing counts as deleted or void here that stands in the ledger."""
    checked, violations = 0, []
    for key, organisation_id in play.ids.items():
        firm = play.life.firms[key]
        dead = (t.document.c.organisation_id == organisation_id) & t.document.c.status.in_(("void", "deleted"))
        with play.app.store.read() as db:
            numbers = db.scalars(select(t.document.c.number).where(dead, t.document.c.kind == "invoice")).all()
        for number in numbers:
            checked += 1
            if number in firm.debts and "void" not in firm.debts[number].state(play.time.now().date()).held:
                violations.append(f"{key} {number} counts as gone here and stands in the ledger")
    return checked, violations


def tombstones_stay_dead(play: Play) -> Found:
    """[17] What counted as deleted or void once does not come back by an older event, known before its end or not."""
    document, payment, grave = t.document.c, t.ledger_payment.c, t.tombstone
    with play.app.store.read() as db:
        dead = set(db.scalars(select(document.id).where(document.status.in_(("void", "deleted")))))
        living = set(db.scalars(select(payment.id).where(payment.deleted.is_(False))))
        dead |= set(db.scalars(select(payment.id).where(payment.deleted.is_(True))))
        buried = db.execute(select(grave).where(grave.c.kind == Kind.PAYMENT.value)).all()
        dead |= {stable_id("pay", row.organisation_id, row.system, row.external_id) for row in buried} - living
    risen = sorted(play.dead - dead)
    play.dead |= dead
    return len(dead), [f"{name} was gone and is back" for name in risen]


def nothing_read_is_missed(play: Play) -> Found:
    """[18] Whatever the ledger showed before a watermark is known here: nobody will read it again."""
    checked, violations = 0, []
    for key, organisation_id in play.ids.items():
        firm = play.life.firms[key]
        with play.app.store.read() as db:
            until = _read_until(db, organisation_id, firm.profile.system)
            known = set(db.scalars(select(t.document.c.number).where(t.document.c.organisation_id == organisation_id)))
        for debt in firm.debts.values():
            if until is not None and debt.sold_at < until:
                checked += 1
                if debt.number not in known:
                    violations.append(f"{key} {debt.number} was sold before the watermark and is unknown")
    return checked, violations


def unmapped_fields_unchanged(play: Play) -> Found:
    """[12] What is no business of ours at the vendors stays as people left it."""
    checked, violations = 0, []
    for key, firm in play.life.firms.items():
        for name, written, now in firm.touched():
            checked += 1
            if now != written:
                violations.append(f"{key} {name}: {written} became {now}")
    return checked, violations
