"""What a processor says of payments and payouts: begun, arrived, failed late, refunded, charged back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, cast

from connectors.records import (
    PayoutFields,
    ProcessorPaymentFields,
    ProcessorState,
    Record,
)
from receivables.decline import DeclineGroup
from receivables.money import Money, total
from receivables.problem import Problem
from receivables.receipt import ReceiptStatus, account_key
from runtime.operations.applying.undo import ask_again, reverse_application
from runtime.operations.matching.debits import look_again
from runtime.operations.matching.in_question import (
    CHARGEBACK,
    LOST,
    OPEN,
    REFUND,
    answer,
    follow_lost,
    hold_what_is_in_question,
    tell_of_chargeback,
)
from runtime.operations.matching.payouts import BROUGHT_BACK, payout_came_back
from runtime.operations.systems.absorb.scope import Scope
from runtime.store import tables as t
from runtime.store.rows import upsert

STRIPE_SOURCE = "stripe"
_STATUS = {
    ProcessorState.IN_FLIGHT: ReceiptStatus.IN_FLIGHT,
    ProcessorState.SUCCEEDED: ReceiptStatus.RECEIVED,
    ProcessorState.FAILED: ReceiptStatus.FAILED,
}


def absorb_processor_payments(scope: Scope, records: list[Record]) -> None:
    """Follow each payment at the processor: begun, arrived, failed late, refunded, charged back."""
    ids = {record.external_id: scope.local_id("rcp", record.external_id) for record in records}
    known = scope.rows(t.receipt, ids.values())
    for record in records:
        receipt_id = ids[record.external_id]
        old = known.get(receipt_id)
        row = _processor_row(scope, record, receipt_id, old)
        if old is not None and all(old[name] == value for name, value in row.items()):
            continue
        stamps = scope.stamps(record) | {"changed_at": scope.read_at}
        upsert(scope.db, t.receipt, [row | stamps], keys=["id"])
        _follow(scope, old, row, cast(ProcessorPaymentFields, record.fields))


def _processor_row(scope: Scope, record: Record, receipt_id: str, old: dict[str, Any] | None) -> dict[str, Any]:
    fields = cast(ProcessorPaymentFields, record.fields)
    # What is left of a payment that was refunded in part is money still.
    status = ReceiptStatus.REFUNDED if fields.refunded >= fields.amount else _STATUS[fields.state]
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
        "received_on": fields.created_at.astimezone(scope.zone).date(),
        "begun_at": fields.created_at,
        "currency": fields.amount.currency,
        "amount_minor": fields.amount.minor,
        "fee_minor": None,
        "unapplied_minor": old["unapplied_minor"] if old else 0,
        "refunded_minor": fields.refunded.minor,
        "dispute": _dispute(fields),
        "payer_name": fields.payer_name,
        "payer_account": fields.payer_external_id or "",
        "payer_account_key": account_key(fields.payer_external_id or ""),
        "remittance": " ".join((*fields.invoice_numbers, record.external_id)),
        "customer_id": old["customer_id"] if old else None,
        "hints": {
            "item_ids": list(fields.item_ids),
            "numbers": list(fields.invoice_numbers),
            "also_named": list(fields.also_named),
            "settled": [fields.settled.minor, fields.settled.currency] if fields.settled else None,
        },
        "status": status.value,
        "state": "new" if old is None or arrived else _state_after(old, status),
        "method": fields.method,
        "decline": asdict(fields.decline) if fields.decline else None,
        "applications": old["applications"] if old else 0,
        "noticed_at": scope.read_at if old is None or _came_back(old, fields) else old["noticed_at"],
    }


def _state_after(old: dict[str, Any], status: ReceiptStatus) -> str:
    """A refund that fails, or a chargeback won late, brings money back: what it paid is asked about anew.

    Unless it pays that still.
    """
    gone = (ReceiptStatus.REFUNDED.value, ReceiptStatus.REVERSED.value)
    is_back = status is ReceiptStatus.RECEIVED and old["status"] in gone
    if not is_back or old["state"] in ("applied", "recorded"):
        return str(old["state"])
    return "undone" if old["applications"] else "new"


def _came_back(old: dict[str, Any], fields: ProcessorPaymentFields) -> bool:
    """Whether a refund failed: from now on it is money, and holds what it may pay as long as money that is new."""
    return bool(fields.refunded.minor < old["refunded_minor"])


def _dispute(fields: ProcessorPaymentFields) -> str:
    if not fields.disputed:
        return ""
    return OPEN if fields.dispute_open else LOST


def _follow(scope: Scope, old: dict[str, Any] | None, row: dict[str, Any], fields: ProcessorPaymentFields) -> None:
    """Let a change of the payment's fate reach the items it paid."""
    receipt_id = row["id"]
    if old is not None and old["status"] != row["status"]:
        because = f" ({fields.decline.text})" if fields.decline else ""
        scope.record("payment_" + row["status"], receipt_id, f"{old['status']} → {row['status']}{because}")
    if row["status"] == ReceiptStatus.FAILED.value:
        _tell_if_ours(scope, row, fields)
        reverse_application(scope.db, scope.organisation_id, receipt_id, actor=scope.system, at=scope.read_at)
        return
    if old is not None and _came_back(old, fields):
        _refund_failed(scope, row, Money(old["refunded_minor"], row["currency"]) - fields.refunded)
    hold_what_is_in_question(scope.db, scope.organisation_id, row | {"read_at": scope.read_at}, scope.read_at)
    if row["dispute"] and (old is None or old["dispute"] != row["dispute"]):
        tell_of_chargeback(scope.db, scope.organisation_id, row, scope.read_at)
    if row["dispute"] == LOST:
        follow_lost(scope.db, scope.organisation_id, row, scope.read_at)
    if old is None:
        return
    if old["refunded_minor"] and not fields.refunded:
        answer(scope.db, scope.organisation_id, row, REFUND, scope.read_at)
    if old["dispute"] and not fields.disputed:
        _chargeback_won(scope, row)


def _chargeback_won(scope: Scope, row: dict[str, Any]) -> None:
    """The money is ours after all: it pays what it paid, or is asked about where its match was taken back meanwhile."""
    answer(scope.db, scope.organisation_id, row, CHARGEBACK, scope.read_at)
    if row["state"] == "undone":
        ask_again(scope.db, scope.organisation_id, row["id"], scope.read_at)


def _tell_if_ours(scope: Scope, row: dict[str, Any], fields: ProcessorPaymentFields) -> None:
    """Ask a person to put right what makes payments fail at our side; the payer is told that somebody does."""
    if fields.decline is None or fields.decline.group is not DeclineGroup.OURS:
        return
    text = f"A payment of {fields.amount} by {row['payer_name'] or 'a payer'} failed at our side: {fields.decline.text}"
    remedy = f"Look the code up in {scope.system}'s list and correct the setting, so that it can be paid."
    scope.problem(Problem("payment_failed_here", text, remedy, row["id"]))


def _refund_failed(scope: Scope, row: dict[str, Any], amount: Money) -> None:
    """The payer's bank sent a refund back: the money is ours again, and only a person knows what was agreed."""
    problem = Problem(
        "refund_failed",
        f"A refund of {amount} to {row['payer_name'] or 'a payer'} failed: the money came back to {scope.system}.",
        "Refund it another way, or let it pay what it paid before.",
        row["id"],
    )
    scope.problem(problem)
    if row["state"] == "undone":
        ask_again(scope.db, scope.organisation_id, row["id"], scope.read_at)


def absorb_payouts(scope: Scope, records: list[Record]) -> None:
    """Take in payouts with their balance transactions; one whose lines do not add up becomes a problem."""
    rows: list[dict[str, Any]] = []
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
                **scope.stamps(record),
            }
        )
    known = scope.rows(t.payout, [row["id"] for row in rows])
    upsert(scope.db, t.payout, rows, keys=["id"])
    debited = {abs(row["amount_minor"]) for row in rows if row["amount_minor"] < 0 or row["state"] in BROUGHT_BACK}
    if debited:
        look_again(scope.db, scope.organisation_id, amounts=debited)
    for row in rows:
        old = known.get(row["id"])
        if old is not None and old["state"] == "paid" and row["state"] in BROUGHT_BACK:
            payout_came_back(scope.db, old, scope.read_at)
