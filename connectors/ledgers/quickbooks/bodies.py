"""What is sent to QuickBooks, field by field: only what an intent names, never a whole object read before."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from connectors.intents import AllocateCredit, DraftInvoice, PostCharge, PostPayout, PostReceipt, WriteDown
from connectors.ledgers.quickbooks.client import Json
from connectors.ledgers.quickbooks.convert import WITHOUT_TAX
from connectors.records import PaymentLine
from receivables.identity import stable_id
from receivables.money import Money, exponent, total

Posting = PostReceipt | PostPayout | AllocateCredit | WriteDown

UNTAXED = ("", WITHOUT_TAX)
_REFERENCE_CHARACTERS = 21  # of PaymentRefNum and DocNumber
_RATE_PLACES = Decimal("1e-12")  # so fine that the amount banked comes back to the cent


def short_key(intent: Posting) -> str:
    """A digest of the intent's key that fits QuickBooks' number fields (72 bits): how a posting is found again."""
    return stable_id("TD", intent.key)[:_REFERENCE_CHARACTERS]


def payment(intent: PostReceipt) -> Json:
    """ONE payment with a line an invoice; what is left over stays the customer's credit.

    With a fee it goes to Undeposited Funds, from where the deposit takes it.
    """
    body: Json = {
        "CustomerRef": {"value": intent.customer_external_id},
        "CurrencyRef": {"value": intent.unapplied.currency},
        "TxnDate": intent.received_on,
        "TotalAmt": whole(intent),
        "PaymentRefNum": short_key(intent),
        "PrivateNote": intent.reference,
        "Line": _invoice_lines(intent.lines),
        **_exchange(intent),
    }
    return body if intent.fee else body | {"DepositToAccountRef": {"value": intent.account}}


def deposit(intent: PostReceipt, payment_id: str) -> Json:
    """The deposit of a payment less its fee: what the bank statement shows."""
    return {
        "DepositToAccountRef": {"value": intent.account},
        "CurrencyRef": {"value": intent.unapplied.currency},
        "TxnDate": intent.received_on,
        "PrivateNote": intent.reference,
        "Line": [
            {"Amount": whole(intent), "LinkedTxn": [{"TxnId": payment_id, "TxnType": "Payment", "TxnLineId": "0"}]},
            {
                "Amount": -intent.fee,
                "DetailType": "DepositLineDetail",
                "DepositLineDetail": {"AccountRef": {"value": intent.fee_account}},
            },
        ],
        **_exchange(intent),
    }


def allocation(intent: AllocateCredit) -> Json:
    """A payment of nothing that links a credit memo to invoices: QuickBooks knows no other way to apply one."""
    credit = (intent.credit_external_id, "CreditMemo")
    return _settlement(intent, intent.customer_external_id, intent.lines, credit) | {
        "PrivateNote": f"TrueDue {intent.key}"
    }


def write_down_entry(intent: WriteDown, receivables_account: str) -> Json:
    """ONE journal entry: the named account bears what receivables lose, for this customer."""
    customer = {"Type": "Customer", "EntityRef": {"value": intent.customer_external_id}}
    receivable = _journal_line(receivables_account, -intent.amount)
    receivable["JournalEntryLineDetail"]["Entity"] = customer
    return {
        "TxnDate": intent.on,
        "DocNumber": short_key(intent),
        "PrivateNote": intent.reference,
        "CurrencyRef": {"value": intent.amount.currency},
        "Line": [_journal_line(intent.account, intent.amount), receivable],
    }


def write_down_memo(intent: WriteDown, item: str, tax_rate: Decimal) -> Json:
    """A credit memo through an item of the named account: it lowers the tax on sales too, under its code."""
    return {
        "CustomerRef": {"value": intent.customer_external_id},
        "CurrencyRef": {"value": intent.amount.currency},
        "TxnDate": intent.on,
        "DocNumber": short_key(intent),
        "PrivateNote": intent.reference,
        "GlobalTaxCalculation": "TaxInclusive",
        "Line": [_taxed_line(intent.amount, item, intent.tax_code, tax_rate)],
    }


def charge(intent: PostCharge, item: str, tax_rate: Decimal | None) -> Json:
    """An invoice that waits to be sent; without a tax rate its lines bear no tax. Its note finds it again."""
    lines = [
        {"Description": line.description}
        | (
            _sales_line(line.amount, {"ItemRef": {"value": item}})
            if tax_rate is None
            else _taxed_line(line.amount, item, intent.tax_code, tax_rate)
        )
        for line in intent.lines
    ]
    return {
        "CustomerRef": {"value": intent.customer_external_id},
        "CurrencyRef": {"value": intent.amount.currency},
        "TxnDate": intent.issued_on,
        "DueDate": intent.due_on,
        "EmailStatus": "NeedToSend",
        "PrivateNote": intent.reference,
        **({} if tax_rate is None else {"GlobalTaxCalculation": "TaxInclusive"}),
        "Line": lines,
    }


def write_down_payment(intent: WriteDown, entity: str, credit_id: str) -> Json:
    """The payment of nothing that sets the credit of a write-down against its invoice."""
    line = PaymentLine(intent.document_external_id, intent.amount)
    return _settlement(intent, intent.customer_external_id, (line,), (credit_id, entity)) | {
        "PrivateNote": intent.reference
    }


def estimate(intent: DraftInvoice, item: str, order_field: str | None) -> Json:
    """A pending estimate, which posts nothing: QuickBooks has no draft invoice. What it has no field for is noted."""
    order = intent.purchase_order
    notes = [intent.reference, f"due {intent.due_on.isoformat()}"]
    notes += [f"purchase order {order}"] if order and not order_field else []
    fields = [custom_field(order_field, order)] if order and order_field else []
    return {
        "CustomerRef": {"value": intent.customer_external_id},
        "CurrencyRef": {"value": intent.amount.currency},
        "TxnDate": intent.issued_on,
        "DueDate": intent.due_on,
        "TxnStatus": "Pending",
        "EmailStatus": "NotSet",
        "PrivateNote": ", ".join(notes),
        "CustomField": fields,
        "Line": [
            {
                "Amount": intent.amount,
                "Description": intent.description,
                "DetailType": "SalesItemLineDetail",
                "SalesItemLineDetail": {"ItemRef": {"value": item}, "Qty": 1, "UnitPrice": intent.amount},
            }
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


def custom_field(definition_id: str, value: str) -> Json:
    """A value of a sales form's own field; the other fields keep theirs."""
    return {"DefinitionId": definition_id, "Type": "StringType", "StringValue": value}


def whole(intent: PostReceipt) -> Money:
    """What the payer paid."""
    return total([*(line.amount for line in intent.lines), intent.unapplied], intent.unapplied.currency)


def _settlement(
    intent: AllocateCredit | WriteDown, customer: str, lines: Sequence[PaymentLine], credit: tuple[str, str]
) -> Json:
    used = total([line.amount for line in lines], lines[0].amount.currency)
    credit_id, kind = credit
    return {
        "CustomerRef": {"value": customer},
        "CurrencyRef": {"value": used.currency},
        "TxnDate": intent.on,
        "TotalAmt": Money.zero(used.currency),
        "PaymentRefNum": short_key(intent),
        "Line": [*_invoice_lines(lines), {"Amount": used, "LinkedTxn": [{"TxnId": credit_id, "TxnType": kind}]}],
    }


def _invoice_lines(lines: Sequence[PaymentLine]) -> list[Json]:
    return [
        {"Amount": line.amount, "LinkedTxn": [{"TxnId": line.document_external_id, "TxnType": "Invoice"}]}
        for line in lines
    ]


def _taxed_line(amount: Money, item: str, tax_code: str, tax_rate: Decimal) -> Json:
    """A line whose amount includes the tax of its code."""
    cent = Decimal(1).scaleb(-exponent(amount.currency))
    net = (amount.decimal / (1 + tax_rate)).quantize(cent)
    detail = {"ItemRef": {"value": item}, "TaxCodeRef": {"value": tax_code}, "TaxInclusiveAmt": amount}
    return _sales_line(net, detail)


def _sales_line(amount: Money | Decimal, detail: Json) -> Json:
    sold = detail | {"Qty": 1, "UnitPrice": amount}
    return {"Amount": amount, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": sold}


def _exchange(intent: PostReceipt) -> Json:
    """The rate at which the bank took the money: home units for one of the invoices' currency."""
    if intent.banked is None:
        return {}
    arrived = whole(intent) - intent.fee
    return {"ExchangeRate": (intent.banked.decimal / arrived.decimal).quantize(_RATE_PLACES)}


def _journal_line(account: str, amount: Money) -> Json:
    return {
        "Amount": abs(amount),
        "DetailType": "JournalEntryLineDetail",
        "JournalEntryLineDetail": {
            "PostingType": "Debit" if amount.minor > 0 else "Credit",
            "AccountRef": {"value": account},
        },
    }
