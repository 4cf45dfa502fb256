"""What is sent to QuickBooks, field by field: only what an intent names, never a whole object read before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from connectors.intents import EditCustomer, EditDocument, PostPayout, PostReceipt
from connectors.ledgers.quickbooks.client import Json
from receivables.identity import stable_id
from receivables.money import Money, total

_REFERENCE_CHARACTERS = 21  # of PaymentRefNum and DocNumber


def short_key(intent: PostReceipt | PostPayout) -> str:
    """A digest of the intent's key that fits QuickBooks' number fields (72 bits): how a posting is found again."""
    return stable_id("TD", intent.key)[:_REFERENCE_CHARACTERS]


def payment(intent: PostReceipt) -> Json:
    """ONE payment with a line an invoice; what is left over stays the customer's credit.

    With a fee it goes to Undeposited Funds, from where the deposit takes it.
    """
    applied = [line.amount for line in intent.lines]
    body: Json = {
        "CustomerRef": {"value": intent.customer_external_id},
        "CurrencyRef": {"value": intent.unapplied.currency},
        "TxnDate": intent.received_on,
        "TotalAmt": total([*applied, intent.unapplied], intent.unapplied.currency),
        "PaymentRefNum": short_key(intent),
        "PrivateNote": intent.reference,
        "Line": [
            {"Amount": line.amount, "LinkedTxn": [{"TxnId": line.document_external_id, "TxnType": "Invoice"}]}
            for line in intent.lines
        ],
    }
    return body if intent.fee else body | {"DepositToAccountRef": {"value": intent.account}}


def deposit(intent: PostReceipt, payment_id: str) -> Json:
    """The deposit of a payment less its fee: what the bank statement shows."""
    applied = [line.amount for line in intent.lines]
    whole = total([*applied, intent.unapplied], intent.unapplied.currency)
    return {
        "DepositToAccountRef": {"value": intent.account},
        "CurrencyRef": {"value": whole.currency},
        "TxnDate": intent.received_on,
        "PrivateNote": intent.reference,
        "Line": [
            {"Amount": whole, "LinkedTxn": [{"TxnId": payment_id, "TxnType": "Payment", "TxnLineId": "0"}]},
            {
                "Amount": -intent.fee,
                "DetailType": "DepositLineDetail",
                "DepositLineDetail": {"AccountRef": {"value": intent.fee_account}},
            },
        ],
    }


def payout_entry(intent: PostPayout) -> Json:
    """ONE journal entry that empties the clearing account into bank and fees, so that it cannot stop half-way."""
    gross = intent.amount + intent.fees
    sides = ((intent.bank_account, intent.amount), (intent.fee_account, intent.fees), (intent.clearing_account, -gross))
    return {
        "TxnDate": intent.paid_on,
        "DocNumber": short_key(intent),
        "PrivateNote": intent.reference,
        "CurrencyRef": {"value": intent.amount.currency},
        "Line": [_journal_line(account, amount) for account, amount in sides if amount],
    }


def edit(intent: EditDocument | EditCustomer) -> tuple[str, Json]:
    """The sparse update of an edit: a sparse update leaves alone what it does not name."""
    if isinstance(intent, EditDocument):
        entity, identity, change = "Invoice", intent.document_external_id, {"DueDate": intent.due_on}
        return entity, {"Id": identity, "SyncToken": intent.version, "sparse": True, **change}
    email = {"PrimaryEmailAddr": {"Address": intent.email}}
    return "Customer", {"Id": intent.customer_external_id, "SyncToken": intent.version, "sparse": True, **email}


def is_edited(intent: EditDocument | EditCustomer, item: Mapping[str, Any]) -> bool:
    """Whether the object already shows what the edit wants."""
    if isinstance(intent, EditDocument):
        return bool(item.get("DueDate")) and date.fromisoformat(str(item["DueDate"])[:10]) == intent.due_on
    return (item.get("PrimaryEmailAddr") or {}).get("Address") == intent.email


def _journal_line(account: str, amount: Money) -> Json:
    return {
        "Amount": abs(amount),
        "DetailType": "JournalEntryLineDetail",
        "JournalEntryLineDetail": {
            "PostingType": "Debit" if amount.minor > 0 else "Credit",
            "AccountRef": {"value": account},
        },
    }
