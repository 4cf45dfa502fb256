"""What an intent writes in Xero, object by object, and how each is recognised again by its reference."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from connectors.errors import Reject
from connectors.intents import PostPayout, PostReceipt
from connectors.ledgers.exact import money
from connectors.ledgers.xero import read
from connectors.ledgers.xero.client import Json
from connectors.ledgers.xero.convert import day
from connectors.records import PaymentLine
from receivables.identity import stable_id
from receivables.money import Money, MoneyError, split, total

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DETAILS_CHARACTERS = 18  # of a batch payment's Details, the only text it keeps outside New Zealand
_RATE_PLACES = Decimal("0.000001")  # of an exchange rate at Xero
FEE_CONTACT = "Payment processor"  # Xero wants a contact on money spent


@dataclass(frozen=True, slots=True)
class Step:
    """One object to create, and what it must show to be recognised as itself.

    `marks` are texts of which it has one; `lines` the (invoice id, amount) pairs. Without lines the mark is enough:
    the rest is for people to change.
    """

    source: read.Source
    create: str
    key: str
    body: Json
    lines: tuple[tuple[str, Money], ...]
    marks: tuple[str, ...]
    per_element_errors: bool = True

    def made(self, item: Mapping[str, Any]) -> bool:
        """Whether `item` of the source is what this step makes: the same mark, date and amounts, not deleted."""
        if texts_of(item).isdisjoint(self.marks):
            return False
        if not self.lines:
            return True
        if item.get("Status") in ("DELETED", "VOIDED"):
            return False
        try:
            shown = sorted(_shown(self.source, item, currency=self.lines[0][1].currency))
            return day(item, "Date") == self.body["Date"] and shown == sorted(self.lines)
        except (ValueError, KeyError, TypeError, MoneyError):
            return False

    def ids(self, item: Mapping[str, Any]) -> tuple[str, ...]:
        """The ids of the object that `item` shows: its own and, for credit kept, that of the overpayment."""
        own = str(item[self.source.identity])
        overpayment = item.get("OverpaymentID")
        return (own,) if not overpayment or overpayment == own else (own, str(overpayment))


def texts_of(item: Mapping[str, Any]) -> set[object]:
    """The texts of an object that may be a mark of ours."""
    described = [line.get("Description") for line in item.get("LineItems") or []]
    return {item.get("Reference"), item.get("Details"), *described}


def receipt_steps(intent: PostReceipt) -> list[Step]:
    """Money received: the cash on invoices (one line a Payment, several ONE BatchPayment), the fee, the credit kept.

    A batch names no rate, so money that was exchanged on its way is a Payment a line.
    """
    cash, fee = split_fee(intent)
    worth = _worth(intent, cash)
    steps: list[Step] = []
    if len(cash) > 1 and intent.banked is None:
        steps.append(_batch(intent, cash))
    else:
        for line, arrived in zip(cash, worth, strict=False):
            step = _payment(intent, line, account=intent.account, part="cash", reference=intent.reference)
            steps.append(replace(step, body=step.body | _exchange(line.amount, arrived, shown=True)))
    for line in fee:
        # The fee never reached the bank: its part of the invoice is paid into the fee account.
        account = intent.fee_account or ""
        step = _payment(intent, line, account=account, part="fee", reference=f"{intent.reference} fee")
        steps.append(replace(step, body=step.body | _exchange(_brought(intent, cash), intent.banked)))
    if intent.unapplied:
        step = _credit_kept(intent)
        steps.append(replace(step, body=step.body | _exchange(intent.unapplied, worth[-1])))
    return steps


def payout_steps(intent: PostPayout) -> list[Step]:
    """A payout: the fees spent from the clearing account, then the net moved between clearing and bank."""
    steps: list[Step] = []
    if intent.fees:
        body: Json = {
            "Type": "SPEND" if intent.fees.minor > 0 else "RECEIVE",
            "Contact": {"Name": FEE_CONTACT},
            "BankAccount": account_reference(intent.clearing_account),
            "Date": intent.paid_on,
            "Reference": intent.reference,
            "CurrencyCode": intent.fees.currency,
            "LineAmountTypes": "NoTax",
            "LineItems": [line_item(intent.reference, abs(intent.fees)) | line_account(intent.fee_account)],
        }
        steps.append(_bank_transaction(stable_id("td", intent.key, "fees"), body, abs(intent.fees)))
    if intent.amount:
        accounts = [account_reference(intent.clearing_account), account_reference(intent.bank_account)]
        source, target = accounts if intent.amount.minor > 0 else accounts[::-1]
        body = {
            "FromBankAccount": source,
            "ToBankAccount": target,
            "Amount": abs(intent.amount),
            "Date": intent.paid_on,
            "Reference": intent.reference,
        }
        key = stable_id("td", intent.key, "transfer")
        lines = (("", abs(intent.amount)),)
        marks = (intent.reference,)
        steps.append(Step(read.TRANSFERS, "create_bank_transfer", key, body, lines, marks, per_element_errors=False))
    return steps


def split_fee(intent: PostReceipt) -> tuple[list[PaymentLine], list[PaymentLine]]:
    """Divide the lines into what reached the bank and what the fee took; the largest lines bear the fee first.

    Reject when the fee is more than the lines, or has no account: credit that no cash backs cannot be kept in Xero.
    """
    left = intent.fee
    if left and (not intent.fee_account or left > total([line.amount for line in intent.lines], left.currency)):
        raise Reject(
            "the fee cannot be posted: it has no account or is more than what the invoices take",
            code="fee",
            remedy="Choose a fee account, or set more of the receipt against invoices.",
        )
    cash, fee = list(intent.lines), []
    for index in sorted(range(len(cash)), key=lambda each: -intent.lines[each].amount.minor):
        line = cash[index]
        part = min(left.minor, line.amount.minor)
        left = Money(left.minor - part, left.currency)
        if part:
            currency = line.amount.currency
            cash[index] = PaymentLine(line.document_external_id, Money(line.amount.minor - part, currency))
            fee.append(PaymentLine(line.document_external_id, Money(part, currency)))
    return [line for line in cash if line.amount], fee


def account_reference(handle: str) -> Json:
    """Name an account by its code, or by its id where it has no code."""
    return {"AccountID": handle} if _UUID.fullmatch(handle) else {"Code": handle}


def line_account(handle: str) -> Json:
    """Name the account of a line item, by its code or by its id."""
    return {"AccountID": handle} if _UUID.fullmatch(handle) else {"AccountCode": handle}


def line_item(description: str, amount: Money) -> Json:
    """One thing of that amount."""
    return {"Description": description, "Quantity": 1, "UnitAmount": amount, "LineAmount": amount}


def _brought(intent: PostReceipt, cash: Sequence[PaymentLine]) -> Money:
    """What reached the bank, in the invoices' currency."""
    return total([*(line.amount for line in cash), intent.unapplied], intent.unapplied.currency)


def _worth(intent: PostReceipt, cash: Sequence[PaymentLine]) -> list[Money | None]:
    """What each cash line, and last the credit kept, was worth when it arrived; None where nothing was exchanged."""
    amounts = [*(line.amount.minor for line in cash), intent.unapplied.minor]
    if intent.banked is None or not any(amounts):
        return [None] * len(amounts)
    return list(split(intent.banked, amounts))


def _exchange(amount: Money, arrived: Money | None, *, shown: bool = False) -> Json:
    """The rate at which `amount` became what arrived: units of its currency for one of the base currency.

    An account takes the currency of its invoices or the base currency, so what arrived is in the latter. A rate of
    six decimals may miss it by a cent; a payment has a field to say it (`shown`).
    """
    if not arrived:
        return {}
    rate = (amount.decimal / arrived.decimal).quantize(_RATE_PLACES)
    return {"CurrencyRate": rate, "BankAmount": arrived} if shown else {"CurrencyRate": rate}


def _payment(intent: PostReceipt, line: PaymentLine, *, account: str, part: str, reference: str) -> Step:
    body: Json = {
        "Invoice": {"InvoiceID": line.document_external_id},
        "Account": account_reference(account),
        "Date": intent.received_on,
        "Amount": line.amount,
        "Reference": reference,
    }
    key = stable_id("td", intent.key, part, line.document_external_id)
    return Step(read.PAYMENTS, "create_payments", key, body, ((line.document_external_id, line.amount),), (reference,))


def _batch(intent: PostReceipt, lines: list[PaymentLine]) -> Step:
    details = stable_id("td", intent.key)[:_DETAILS_CHARACTERS]
    body: Json = {
        "Account": account_reference(intent.account),
        "Date": intent.received_on,
        "Reference": intent.reference,
        "Details": details,
        "Payments": [{"Invoice": {"InvoiceID": line.document_external_id}, "Amount": line.amount} for line in lines],
    }
    pairs = tuple((line.document_external_id, line.amount) for line in lines)
    # Outside New Zealand a batch payment keeps its Details alone.
    marks = (intent.reference, details)
    return Step(read.BATCHES, "create_batch_payment", stable_id("td", intent.key, "batch"), body, pairs, marks)


def _credit_kept(intent: PostReceipt) -> Step:
    body: Json = {
        "Type": "RECEIVE-OVERPAYMENT",
        "Contact": {"ContactID": intent.customer_external_id},
        "BankAccount": account_reference(intent.account),
        "Date": intent.received_on,
        "Reference": intent.reference,
        "CurrencyCode": intent.unapplied.currency,
        "LineAmountTypes": "NoTax",
        "LineItems": [line_item(intent.reference, intent.unapplied)],
    }
    return _bank_transaction(stable_id("td", intent.key, "credit"), body, intent.unapplied)


def _bank_transaction(key: str, body: Json, amount: Money) -> Step:
    # Credit kept has no reference in Xero but its line's.
    return Step(read.BANK, "create_bank_transactions", key, body, (("", amount),), (str(body["Reference"]),))


def _shown(source: read.Source, item: Mapping[str, Any], *, currency: str) -> Iterator[tuple[str, Money]]:
    if source is read.BATCHES:
        for part in item["Payments"]:
            yield str(part["Invoice"]["InvoiceID"]), money(part["Amount"], currency)
    elif source is read.PAYMENTS:
        yield str(item["Invoice"]["InvoiceID"]), money(item["Amount"], currency)
    else:
        yield "", money(item["Amount" if source is read.TRANSFERS else "Total"], currency)
