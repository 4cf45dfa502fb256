"""A CRM user asks for an invoice: the ledger drafts it, once, and the record they made then shows that draft.

The draft's key is made of the request's id, so however often the request is read, it is promised once. The document
that comes of it is shown only in the adopted record: until then it waits (`waits_for_adoption`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import BindParameter, ColumnElement, Connection, and_, delete, or_, select

from connectors import registry
from connectors.contract import Role
from connectors.intents import AdoptInvoice, Done, DraftInvoice
from connectors.records import AccountPurpose, InvoiceRequestFields, Kind, Record
from receivables.identity import stable_id
from receivables.problem import Problem
from runtime.operations.systems.absorb.scope import CUSTOMER_LINK, DOCUMENT_LINK, Scope, version_of
from runtime.operations.systems.ledger_accounts import account_for
from runtime.operations.systems.treatments import INCOME, treatments
from runtime.store import connections, journal, queues
from runtime.store import tables as t
from runtime.store.connections import VendorConnection
from runtime.store.links import external_ids, links_of
from runtime.store.rows import upsert

REQUEST_LINK = Kind.INVOICE_REQUEST.value
WAITS = "invoice_request_waits"


def absorb_requests(scope: Scope, records: Sequence[Record]) -> None:
    """Promise a draft for each request that can have one, and say of the others what they lack."""
    _keep_links(scope, records)
    for record in records:
        _resolve(scope, "unreadable_record", record.external_id)
        ledger = connections.connection_for_role(scope.db, scope.organisation_id, Role.LEDGER)
        draft = _draft(scope, ledger, record)
        subject = _subject(scope, record.external_id)
        if ledger is None or isinstance(draft, str):
            lacks = draft if isinstance(draft, str) else ""
            what = cast(InvoiceRequestFields, record.fields).description
            text = f"The invoice asked for in {scope.system} ({what}) is not drafted yet: {lacks}"
            scope.problem(Problem(WAITS, text, "It is drafted by itself once that is done.", subject))
        else:
            _resolve(scope, WAITS, subject)
            _promise(scope, ledger, draft, subject)


def withdraw_requests(scope: Scope, records: Sequence[Record]) -> None:
    """Ask nobody any more about requests that were deleted or taken back. A draft that was made stays in the ledger."""
    _keep_links(scope, records)
    for record in records:
        _resolve(scope, WAITS, _subject(scope, record.external_id))
        _resolve(scope, "unreadable_record", record.external_id)


def after_draft(db: Connection, row: Mapping[str, Any], intent: DraftInvoice, done: Done, at: datetime) -> None:
    """Promise to make the request's record ours, now that the ledger has the draft; `row` is the draft's outbox row.

    What the request said is what both sides agree on. Where a draft is no invoice yet (an estimate), the record
    only says that there is one.
    """
    organisation_id = row["organisation_id"]
    requests = [each for each in links_of(db, organisation_id, [row["subject"]]) if each["kind"] == REQUEST_LINK]
    for request in requests:
        document_id = None
        if registry.declaration(row["system"]).draft_is_invoice:
            document_id = stable_id("doc", organisation_id, row["system"], done.external_ids[0])
            _link(db, request, document_id, intent)
        queues.enqueue(
            db,
            organisation_id=organisation_id,
            system=request["system"],
            intent=AdoptInvoice(_adoption_key(request), request["external_id"], document_id),
            subject=document_id or row["subject"],
            at=at,
        )
    settle_problems(db, row, at)


def after_refused_adoption(db: Connection, row: Mapping[str, Any], intent: AdoptInvoice) -> None:
    """Let the draft be shown in a record of its own: nothing was agreed on with that one. `row` is the outbox row."""
    db.execute(
        delete(t.link).where(
            t.link.c.organisation_id == row["organisation_id"],
            t.link.c.system == row["system"],
            t.link.c.kind == DOCUMENT_LINK,
            t.link.c.external_id == intent.request_external_id,
        )
    )


def settle_problems(db: Connection, row: Mapping[str, Any], at: datetime) -> None:
    """Ask nobody any more about a draft or adoption that stands; `row` is its outbox row."""
    journal.resolve_write_problems(db, organisation_id=row["organisation_id"], subject=row["subject"], at=at)


def waits_for_adoption(organisation_id: str | BindParameter[str]) -> ColumnElement[bool]:
    """The condition under which a document must not be shown in the CRM yet, because a record there is to become it.

    Nobody knows which document a draft on its way will be: until its answer is here, new ones of its customer wait.
    """
    intent = t.outbox.c.intent
    waiting = (queues.NEW, *queues.SET_ASIDE)
    mine = (t.outbox.c.organisation_id == organisation_id) & (t.outbox.c.state.in_(waiting))
    adopted = select(t.outbox.c.subject).where(mine, intent["intent"].as_string() == "adopt_invoice")
    drafted_for = (
        select(t.link.c.local_id)
        .join(
            t.outbox,
            (t.outbox.c.organisation_id == t.link.c.organisation_id)
            & (t.outbox.c.system == t.link.c.system)
            & (intent["customer_external_id"].as_string() == t.link.c.external_id),
        )
        .where(mine, t.link.c.kind == CUSTOMER_LINK, t.outbox.c.state == queues.NEW)
        .where(intent["intent"].as_string() == "draft_invoice")
    )
    return or_(
        t.document.c.id.in_(adopted),
        and_(t.document.c.shown_at.is_(None), t.document.c.customer_id.in_(drafted_for)),
    )


def _draft(scope: Scope, ledger: VendorConnection | None, record: Record) -> DraftInvoice | str:
    """Return the draft that a request asks for, or what is lacking for it."""
    fields = cast(InvoiceRequestFields, record.fields)
    if ledger is None:
        return "connect a ledger first."
    if DraftInvoice not in registry.declaration(ledger.system).writes:
        return f"{registry.declaration(ledger.system).title} takes no drafts from us; make the invoice there."
    links = scope.known_links(CUSTOMER_LINK, [fields.customer_external_id])
    customers = [link["local_id"] for link in links.values()]
    found = external_ids(scope.db, scope.organisation_id, ledger.system, CUSTOMER_LINK, customers)
    if not found:
        return "its account is linked to no customer of the ledger; link it, or make the customer there."
    known = treatments(scope.db, scope.organisation_id)
    treatment = known.get(INCOME)
    only = account_for(scope.db, scope.organisation_id, AccountPurpose.INCOME, fields.amount.currency)
    account = treatment.account if treatment else only
    if account is None:
        return f"{known.lack(INCOME)}."
    key = stable_id("draft", scope.organisation_id, record.external_id)
    return DraftInvoice(
        key=key,
        customer_external_id=next(iter(found.values())),
        description=fields.description,
        amount=fields.amount,
        issued_on=fields.issued_on,
        due_on=fields.due_on,
        account=account,
        purchase_order=fields.purchase_order,
        reference=key,
    )


def _promise(scope: Scope, ledger: VendorConnection, draft: DraftInvoice, subject: str) -> None:
    """Promise a draft, or again what was set aside: a refused one when it was changed since, an adoption always."""
    mine: dict[str, Any] = {"organisation_id": scope.organisation_id, "at": scope.read_at}
    if queues.enqueue(scope.db, system=ledger.system, intent=draft, subject=subject, **mine):
        scope.record("invoice_requested", subject, f"{draft.description}: {draft.amount}")
        return
    known = queues.promised(scope.db, organisation_id=scope.organisation_id, system=ledger.system, key=draft.key)
    if known is None or known["state"] == queues.DONE:
        for request in links_of(scope.db, scope.organisation_id, [subject]):
            queues.promise_again(scope.db, system=request["system"], key=_adoption_key(request), **mine)
    elif queues.read_intent(known) != draft or not _stands(scope, journal.WRITE_REFUSED, subject):
        queues.promise_again(scope.db, system=ledger.system, key=draft.key, intent=draft, **mine)


def _link(db: Connection, request: Mapping[str, Any], document_id: str, intent: DraftInvoice) -> None:
    said = {"due_on": intent.due_on.isoformat(), "purchase_order": intent.purchase_order or None}
    row = {name: request[name] for name in ("organisation_id", "system", "external_id", "version")}
    base = {name: [value, value] for name, value in said.items()}
    row |= {"kind": DOCUMENT_LINK, "local_id": document_id, "base": base}
    upsert(db, t.link, [row], keys=["organisation_id", "system", "kind", "external_id"])


def _keep_links(scope: Scope, records: Sequence[Record]) -> None:
    for record in records:
        subject = _subject(scope, record.external_id)
        scope.keep_link(REQUEST_LINK, record.external_id, subject, {}, version=version_of(record))
    scope.flush_links()


def _subject(scope: Scope, request_id: str) -> str:
    return scope.local_id("req", request_id)


def _adoption_key(request: Mapping[str, Any]) -> str:
    return stable_id("adopt", request["organisation_id"], request["external_id"])


def _resolve(scope: Scope, code: str, subject: str) -> None:
    journal.resolve_problem(
        scope.db, organisation_id=scope.organisation_id, code=code, subject=subject, at=scope.read_at
    )


def _stands(scope: Scope, code: str, subject: str) -> bool:
    standing = select(t.problem.c.id).where(
        t.problem.c.organisation_id == scope.organisation_id,
        t.problem.c.code == code,
        t.problem.c.subject == subject,
        t.problem.c.resolved_at.is_(None),
    )
    return scope.db.scalar(standing) is not None
