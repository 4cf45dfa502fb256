"""Payments that the ledger records, its accounts, and what a processor says of payments and payouts."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import select, update

from connectors.records import (
    AccountFields,
    CodedReceiptFields,
    PaymentFields,
    PayoutFields,
    ProcessorPaymentFields,
    ProcessorState,
    Record,
)
from receivables.money import Money, total
from receivables.receipt import ReceiptStatus
from runtime.operations.absorb.scope import POSTING_LINK, Scope
from runtime.operations.standing_holds import place_hold, release_hold
from runtime.operations.undo import reverse_application
from runtime.store import tables as t
from runtime.store.rows import upsert

STRIPE_SOURCE = "stripe"
_STATUS = {
    ProcessorState.IN_FLIGHT: ReceiptStatus.IN_FLIGHT,
    ProcessorState.SUCCEEDED: ReceiptStatus.RECEIVED,
    ProcessorState.FAILED: ReceiptStatus.FAILED,
}


def absorb_accounts(scope: Scope, records: list[Record]) -> None:
    """Take in the ledger's accounts."""
    rows = []
    for record in records:
        fields = cast(AccountFields, record.fields)
        rows.append(
            {
                "id": scope.local_id("acc", record.external_id),
                "organisation_id": scope.organisation_id,
                "name": fields.name,
                "handle": fields.handle,
                "purpose": fields.purpose.value,
                "currency": fields.currency,
            }
        )
    upsert(scope.db, t.account, rows, keys=["id"])


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
    _keep_payments(scope, rows)


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
    """Store what the ledger records, except where a later reading is here already."""
    known = scope.rows(t.ledger_payment, [row["id"] for row in rows])
    newer = [row for row in rows if row["id"] not in known or known[row["id"]]["read_at"] <= scope.read_at]
    upsert(scope.db, t.ledger_payment, newer, keys=["organisation_id", "external_id"], keep=["receipt_id"])


def _ledger_payment(scope: Scope, record: Record, received_on: Any, amount: Money) -> dict[str, Any]:  # noqa: ANN401
    return {
        "id": scope.local_id("pay", record.external_id),
        "organisation_id": scope.organisation_id,
        "external_id": record.external_id,
        "received_on": received_on,
        "currency": amount.currency,
        "amount_minor": amount.minor,
        "deleted": False,
        "read_at": scope.read_at,
    }


def absorb_processor_payments(scope: Scope, records: list[Record]) -> None:
    """Follow each payment at the processor: begun, arrived, failed late, refunded, charged back."""
    ids = {record.external_id: scope.local_id("rcp", record.external_id) for record in records}
    known = scope.rows(t.receipt, ids.values())
    for record in records:
        receipt_id = ids[record.external_id]
        old = known.get(receipt_id)
        if old is not None and old["read_at"] is not None and old["read_at"] > scope.read_at:
            continue  # a later reading is already here
        row = _processor_row(scope, record, receipt_id, old)
        if old is not None and all(old[name] == value for name, value in row.items()):
            continue
        stamps = {"read_at": scope.read_at, "changed_at": scope.read_at}
        upsert(scope.db, t.receipt, [row | stamps], keys=["id"])
        _follow(scope, old, row, cast(ProcessorPaymentFields, record.fields))


def _processor_row(scope: Scope, record: Record, receipt_id: str, old: dict[str, Any] | None) -> dict[str, Any]:
    fields = cast(ProcessorPaymentFields, record.fields)
    # What is left of a payment that was refunded in part before it paid anything may still pay something.
    settled = old is not None and old["state"] in ("applied", "recorded")
    is_refund = bool(fields.refunded) and (settled or fields.refunded >= fields.amount)
    status = ReceiptStatus.REFUNDED if is_refund else _STATUS[fields.state]
    if fields.disputed and not fields.dispute_open:
        status = ReceiptStatus.REVERSED
    before = (ReceiptStatus.IN_FLIGHT.value, ReceiptStatus.FAILED.value)  # a failed payment can be tried again
    arrived = status is ReceiptStatus.RECEIVED and (old is None or old["status"] in before)
    return {
        "id": receipt_id,
        "organisation_id": scope.organisation_id,
        "source": STRIPE_SOURCE,
        "source_account": scope.system,
        "external_id": record.external_id,
        "received_on": fields.created_at.date(),
        "begun_at": fields.created_at,
        "currency": fields.amount.currency,
        "amount_minor": fields.amount.minor,
        "fee_minor": None,
        "unapplied_minor": old["unapplied_minor"] if old else 0,
        "refunded_minor": fields.refunded.minor,
        "dispute": _dispute(fields),
        "payer_name": fields.payer_name,
        "payer_account": fields.payer_external_id or "",
        "remittance": " ".join((*fields.invoice_numbers, record.external_id)),
        "customer_id": old["customer_id"] if old else None,
        "hints": {
            "item_ids": list(fields.item_ids),
            "numbers": list(fields.invoice_numbers),
            "also_named": list(fields.also_named),
        },
        "status": status.value,
        "state": "new" if old is None or arrived else old["state"],
        "method": fields.method,
        "applications": old["applications"] if old else 0,
        "noticed_at": old["noticed_at"] if old else scope.read_at,
    }


def _dispute(fields: ProcessorPaymentFields) -> str:
    if not fields.disputed:
        return ""
    return "open" if fields.dispute_open else "lost"


def _follow(scope: Scope, old: dict[str, Any] | None, row: dict[str, Any], fields: ProcessorPaymentFields) -> None:
    """Let a change of the payment's fate reach the items it paid."""
    receipt_id = row["id"]
    if old is not None and old["status"] != row["status"]:
        scope.record("payment_" + row["status"], receipt_id, f"{old['status']} → {row['status']}")
    if row["status"] == ReceiptStatus.FAILED.value:
        reverse_application(scope.db, scope.organisation_id, receipt_id, actor=scope.system, at=scope.read_at)
        return
    amount = Money(row["amount_minor"], row["currency"])
    for document_id in documents_paid_by(scope, row):
        if fields.refunded:
            reason = f"{fields.refunded} of the payment of {amount} was refunded: choose credit or reopen"
            _place(scope, document_id, "refund_review", reason)
        if fields.dispute_open:
            reason = f"The payment of {amount} is being charged back; it holds until the bank decides"
            _place(scope, document_id, "chargeback_open", reason)
        elif old is not None and old["dispute"] == "open" and not fields.disputed:
            release_hold(scope.db, scope.organisation_id, document_id, "chargeback_open", scope.read_at)


def _place(scope: Scope, document_id: str, code: str, reason: str) -> None:
    place_hold(
        scope.db,
        organisation_id=scope.organisation_id,
        document_id=document_id,
        code=code,
        reason=reason,
        placed_by=scope.system,
        at=scope.read_at,
    )


def documents_paid_by(scope: Scope, receipt: dict[str, Any]) -> list[str]:
    """Return the documents that a processor payment paid: by our allocations, else by the ledger's own record of it."""
    ours = scope.db.scalars(
        select(t.allocation.c.document_id).where(
            t.allocation.c.organisation_id == scope.organisation_id,
            t.allocation.c.receipt_id == receipt["id"],
            t.allocation.c.undone_at.is_(None),
        )
    ).all()
    if ours:
        return list(ours)
    recorded = scope.db.scalars(
        select(t.ledger_payment.c.lines).where(
            t.ledger_payment.c.organisation_id == scope.organisation_id,
            t.ledger_payment.c.reference.contains(receipt["external_id"], autoescape=True),
        )
    )
    return sorted({line[0] for lines in recorded for line in lines})


def absorb_payouts(scope: Scope, records: list[Record]) -> None:
    """Take in payouts with their balance transactions; one whose lines do not add up becomes a problem."""
    rows = []
    for record in records:
        fields = cast(PayoutFields, record.fields)
        currency = fields.amount.currency
        rows.append(
            {
                "id": scope.local_id("pyo", record.external_id),
                "organisation_id": scope.organisation_id,
                "external_id": record.external_id,
                "arrival_on": fields.arrival_on,
                "currency": currency,
                "amount_minor": fields.amount.minor,
                "fees_minor": total([line.fee for line in fields.lines], currency).minor,
                "state": fields.state,
                "lines": [
                    [line.kind, line.amount.minor, line.fee.minor, line.payment_external_id] for line in fields.lines
                ],
            }
        )
    upsert(scope.db, t.payout, rows, keys=["id"])


def link_own_postings(scope: Scope, receipt_id: str, external_ids: list[str]) -> None:
    """Remember that these ledger payments are our posting of a receipt, also where they were read before."""
    for external_id in external_ids:
        scope.keep_link(POSTING_LINK, external_id, receipt_id, "", {})
    scope.flush_links()
    scope.db.execute(
        update(t.ledger_payment)
        .where(
            t.ledger_payment.c.organisation_id == scope.organisation_id,
            t.ledger_payment.c.external_id.in_(external_ids),
        )
        .values(receipt_id=receipt_id)
    )
