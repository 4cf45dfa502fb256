"""The one door for everything that was read: a page of records goes to the room of its kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from connectors.records import DocumentFields, Kind, Page, Record
from receivables.document import DocumentStatus
from runtime.operations.systems.absorb import documents, money, parties, processor
from runtime.operations.systems.absorb.departures import follow_departures
from runtime.operations.systems.absorb.held_cash import absorb_held_cash
from runtime.operations.systems.absorb.saved_means import absorb_saved_means
from runtime.operations.systems.absorb.scope import Scope
from runtime.operations.systems.absorb.tombstones import bury, bury_payments, follow_deleted_postings
from runtime.operations.systems.absorb.versions import is_gone, is_not_coded, newer
from runtime.operations.systems.instructions import follow_instructions
from runtime.operations.systems.invoice_requests import absorb_requests, withdraw_requests
from runtime.store import connections, journal
from runtime.store.connections import VendorConnection

Room = Callable[[Scope, list[Record]], None]

_ROOMS: dict[Kind, Room] = {
    Kind.CUSTOMER: parties.absorb_customers,
    Kind.CONTACT: parties.absorb_contacts,
    Kind.INVOICE: documents.absorb_documents,
    Kind.CREDIT_NOTE: documents.absorb_documents,
    Kind.PAYMENT: money.absorb_payments,
    Kind.CODED_RECEIPT: money.absorb_coded_receipts,
    Kind.ACCOUNT: money.absorb_accounts,
    Kind.PROCESSOR_PAYMENT: processor.absorb_processor_payments,
    Kind.PAYOUT: processor.absorb_payouts,
    Kind.HELD_CASH: absorb_held_cash,
    Kind.SAVED_MEANS: absorb_saved_means,
    Kind.INVOICE_REQUEST: absorb_requests,
    Kind.INSTRUCTION: follow_instructions,
}


def absorb(db: Connection, *, connection: VendorConnection, page: Page, read_at: datetime) -> None:
    """Merge one page into the store; `read_at` is when the call that read it began, by our clock.

    What is merged is decided by what stands here, so nobody else decides about the organisation meanwhile.
    """
    connections.lock_organisation(db, connection.organisation_id)
    scope = Scope(db, connection.organisation_id, connection.system, connection.role, read_at)
    by_kind: defaultdict[Kind, list[Record]] = defaultdict(list)
    for record in page.records:
        by_kind[record.kind].append(record)
    for kind, shown in by_kind.items():
        records = newer(scope, kind, shown)
        _ROOMS[kind](scope, [record for record in records if not is_gone(record)])
        gone = [record for record in records if record.deleted]
        follow_departures(scope, kind, gone)
        if kind is Kind.INVOICE_REQUEST:
            withdraw_requests(scope, gone)
        else:
            bury(scope, kind, [record.external_id for record in gone])
        bury_payments(scope, [record.external_id for record in records if is_not_coded(record)])
        follow_deleted_postings(scope, [record.external_id for record in records if _is_void(record)])
    for problem in page.problems:
        found = replace(problem, subject=problem.subject or connection.id)
        journal.raise_problem(db, organisation_id=connection.organisation_id, problem=found, at=read_at)


def _is_void(record: Record) -> bool:
    return isinstance(record.fields, DocumentFields) and record.fields.status is DocumentStatus.VOID
