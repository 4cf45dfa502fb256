"""Payments that the ledger records, and its accounts."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import update

from connectors.records import (
    AccountFields,
    CodedReceiptFields,
    PaymentFields,
    Record,
)
from receivables.document import DocumentStatus
from receivables.money import Money
from runtime.operations.matching.experience import undone_in_ledger
from runtime.operations.systems.absorb.scope import ACCOUNT_LINK, POSTING_LINK, Scope, version_of
from runtime.store import tables as t
from runtime.store.rows import upsert
from runtime.store.weighing import weigh_again


def absorb_accounts(scope: Scope, records: list[Record]) -> None:
    """Take in the ledger's accounts."""
    rows = []
    for record in records:
        fields, local_id = cast(AccountFields, record.fields), scope.local_id("acc", record.external_id)
        scope.keep_link(ACCOUNT_LINK, record.external_id, local_id, {}, version=version_of(record))
        rows.append(
            {
                "id": local_id,
                "organisation_id": scope.organisation_id,
                "name": fields.name,
                "handle": fields.handle,
                "purpose": fields.purpose.value,
                "currency": fields.currency,
            }
        )
    upsert(scope.db, t.account, rows, keys=["id"])
    scope.flush_links()


def absorb_payments(scope: Scope, records: list[Record]) -> None:
    """Take in payments as the ledger records them; those that we posted are recognised by their id."""
    ours = scope.known_links(POSTING_LINK, [record.external_id for record in records])
    paying = [cast(PaymentFields, record.fields).customer_external_id for record in records]
    customers = scope.customers(each for each in paying if each)
    rows = []
    for record in records:
        fields = cast(PaymentFields, record.fields)
        lines = [[scope.local_id("doc", line.document_external_id), line.amount.minor] for line in fields.lines]
        customer = fields.customer_external_id
        rows.append(
            _ledger_payment(scope, record, fields.received_on, fields.amount)
            | {
                "customer_id": customers[customer] if customer else None,
                "unapplied_minor": fields.unapplied.minor,
                "reference": fields.reference,
                "lines": lines,
                "coded": False,
                "payer_name": "",
                "receipt_id": ours[record.external_id]["local_id"] if record.external_id in ours else None,
            }
        )
    _follow_changes(scope, [row for row in rows if row["receipt_id"]])
    _keep_payments(scope, rows)


def _follow_changes(scope: Scope, rows: list[dict[str, Any]]) -> None:
    """Note that somebody changed in the ledger what a posting of ours pays: a line of it is gone, or smaller.

    Balances are the ledger's, so nothing else follows. What the money pays there beside our lines says nothing of
    them, nor does the end of an invoice that was voided.
    """
    before = scope.rows(t.ledger_payment, [row["id"] for row in rows])
    for row in rows:
        old, now = before.get(row["id"]), dict(row["lines"])
        if old is None or old["deleted"] or old["receipt_id"] != row["receipt_id"]:
            continue
        less = [document for document, minor in old["lines"] if now.get(document, 0) < minor]
        if any(each["status"] != DocumentStatus.VOID.value for each in scope.rows(t.document, less).values()):
            undone_in_ledger(scope.db, scope.organisation_id, row["receipt_id"], system=scope.system, at=scope.read_at)


def absorb_coded_receipts(scope: Scope, records: list[Record]) -> None:
    """Take in money that was booked straight to an account: it may really pay an invoice."""
    rows = []
    for record in records:
        fields = cast(CodedReceiptFields, record.fields)
        rows.append(
            _ledger_payment(scope, record, fields.received_on, fields.amount)
            | {
                "customer_id": None,
                "unapplied_minor": 0,
                "reference": fields.reference,
                "lines": [],
                "coded": True,
                "payer_name": fields.payer_name,
                "receipt_id": None,
            }
        )
    _keep_payments(scope, rows)


def _keep_payments(scope: Scope, rows: list[dict[str, Any]]) -> None:
    upsert(scope.db, t.ledger_payment, rows, keys=["organisation_id", "external_id"], keep=["receipt_id"])
    payers = {row["customer_id"] for row in rows if row["customer_id"]}
    weigh_again(scope.db, scope.organisation_id, customer_ids=payers)  # what is unapplied is their credit


def _ledger_payment(scope: Scope, record: Record, received_on: Any, amount: Money) -> dict[str, Any]:  # noqa: ANN401
    return {
        "id": scope.local_id("pay", record.external_id),
        "organisation_id": scope.organisation_id,
        "external_id": record.external_id,
        "received_on": received_on,
        "currency": amount.currency,
        "amount_minor": amount.minor,
        "deleted": False,
        **scope.stamps(record),
    }


def link_own_postings(scope: Scope, receipt_id: str, external_ids: list[str]) -> None:
    """Remember that these ledger payments are our posting of a receipt, also where they were read before."""
    for external_id in external_ids:
        scope.keep_link(POSTING_LINK, external_id, receipt_id, {})
    scope.flush_links()
    scope.db.execute(
        update(t.ledger_payment)
        .where(
            t.ledger_payment.c.organisation_id == scope.organisation_id,
            t.ledger_payment.c.external_id.in_(external_ids),
        )
        .values(receipt_id=receipt_id)
    )
