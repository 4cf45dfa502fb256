"""Documents that are made in Xero: the credit note of a write-down, a draft invoice, the invoice of a charge."""

from __future__ import annotations

from connectors.intents import DraftInvoice, PostCharge, WriteDown
from connectors.ledgers.xero import read
from connectors.ledgers.xero.client import Json
from connectors.ledgers.xero.steps import Step, line_account, line_item
from receivables.identity import stable_id


def write_down_step(intent: WriteDown) -> Step:
    """An approved credit note with one line on the reason's account; its amount includes the tax."""
    tax = {"TaxType": intent.tax_code} if intent.tax_code else {}
    line = line_item(f"{intent.reason}: {intent.reference}", intent.amount) | line_account(intent.account) | tax
    body: Json = {
        "Type": "ACCRECCREDIT",
        "Status": "AUTHORISED",
        "Contact": {"ContactID": intent.customer_external_id},
        "Date": intent.on,
        "Reference": intent.reference,
        "CurrencyCode": intent.amount.currency,
        "LineAmountTypes": "Inclusive" if intent.tax_code else "NoTax",
        "LineItems": [line],
    }
    key = stable_id("td", intent.key, "note")
    marks = (intent.reference,)
    return Step(read.CREDIT_NOTES, "create_credit_notes", key, body, (("", intent.amount),), marks)


def draft_step(intent: DraftInvoice) -> Step:
    """A draft invoice: one line, and our reference on a line of text below it.

    Reference is the customer's order number, and the number is Xero's to give. What stands in the line itself is
    printed and edited; a line of text alone changes neither words nor amounts, and whoever approves the draft removes
    it in one click. It is needed only until we have the draft's id.
    """
    body: Json = {
        "Type": "ACCREC",
        "Status": "DRAFT",
        "Contact": {"ContactID": intent.customer_external_id},
        "Date": intent.issued_on,
        "DueDate": intent.due_on,
        "CurrencyCode": intent.amount.currency,
        "LineAmountTypes": "Exclusive",
        "LineItems": [
            line_item(intent.description, intent.amount) | line_account(intent.account),
            {"Description": intent.reference},
        ],
    }
    if intent.purchase_order:
        body["Reference"] = intent.purchase_order
    key = stable_id("td", intent.key, "draft")
    return Step(read.OUR_INVOICES, "create_invoices", key, body, (), (intent.reference,))


def charge_step(intent: PostCharge) -> Step:
    """An approved invoice that was not sent; its reference finds it again, whatever people do to it.

    Xero replays a refusal under its key, so another day or account is another call.
    """
    tax = {"TaxType": intent.tax_code} if intent.tax_code else {}
    body: Json = {
        "Type": "ACCREC",
        "Status": "AUTHORISED",
        "Contact": {"ContactID": intent.customer_external_id},
        "Date": intent.issued_on,
        "DueDate": intent.due_on,
        "Reference": intent.reference,
        "CurrencyCode": intent.amount.currency,
        "LineAmountTypes": "Inclusive" if intent.tax_code else "NoTax",
        "LineItems": [
            line_item(line.description, line.amount) | line_account(intent.account) | tax for line in intent.lines
        ],
    }
    key = stable_id("td", intent.key, "charge", intent.issued_on.isoformat(), intent.account, intent.tax_code)
    return Step(read.OUR_INVOICES, "create_invoices", key, body, (), (intent.reference,))
