"""What Xero refuses, and what a person should do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.errors import ConnectorError, Fatal, Reject
from connectors.ledgers import exact

_LOCKED = (
    "The books are locked up to that day. Use a later date, or have an adviser move the lock date in Xero under "
    "Accounting, Advanced, Financial settings; then try again."
)
# Xero's validation errors have no codes: a part of the message (lower case), our code, the remedy.
_KNOWN = (
    (
        "exceeds the amount outstanding",
        "over_payment",
        "The invoice has less open than this pays: read it again and keep the rest as the customer's credit.",
    ),
    ("exceeds the credit", "credit_used", "The credit has less left than this takes: read it again and allocate less."),
    ("same contact", "other_customer", "A credit pays only invoices of its own customer: choose one of those."),
    ("lock date", "locked_period", _LOCKED),
    ("locked", "locked_period", _LOCKED),
    (
        "reconciled",
        "reconciled",
        "It is confirmed against a bank line. In Xero open the bank account's transactions, choose this one, "
        "Options, Unreconcile; then try again.",
    ),
    (
        "allocated to",
        "allocated",
        "Something is paid or credited with this document. Remove that in Xero first, then try again.",
    ),
    ("not of valid status", "wrong_status", "The document's status in Xero does not allow this: look at it there."),
    ("authorised", "wrong_status", "The document's status in Xero does not allow this: look at it there."),
    ("taxtype", "tax_code", "Choose a tax rate that Xero allows on sales, in the settings of write-downs."),
    ("account", "account", "Choose another account, or enable payments to this one in Xero's chart of accounts."),
)
_OTHER = ("validation", "Look at the document in Xero, correct what the message names, then try again.")


def refusal(status: int, body: bytes) -> ConnectorError:
    """Turn a 4xx answer into an error: Fatal when our idempotency key was used for something else, else Reject."""
    try:
        answer = exact.loads(body)
    except ValueError:
        return Reject(f"Xero refuses the request ({status})", code=str(status), remedy=_OTHER[1])
    if not isinstance(answer, dict):
        answer = {}
    messages = [
        text for element in answer.get("Elements") or [] if isinstance(element, dict) for text in _messages(element)
    ]
    text = "; ".join(messages) or str(answer.get("Message") or answer.get("Detail") or f"status {status}")
    if "idempotency" in text.lower():
        return Fatal(f"one key was used for two different postings: {text}")
    return reject(text)


def element_error(element: Mapping[str, Any]) -> Reject | None:
    """Return the error of one element of an answer given with summarizeErrors=false; None when it was accepted."""
    messages = _messages(element)
    refused = (
        bool(messages) or element.get("StatusAttributeString") == "ERROR" or bool(element.get("HasValidationErrors"))
    )
    return reject("; ".join(messages) or "no reason given") if refused else None


def reject(text: str) -> Reject:
    """Name a refusal by its message."""
    lowered = text.lower()
    code, remedy = next(((code, remedy) for part, code, remedy in _KNOWN if part in lowered), _OTHER)
    return Reject(f"Xero refuses: {text}", code=code, remedy=remedy)


def _messages(element: Mapping[str, Any]) -> list[str]:
    return [str(error.get("Message", "")) for error in element.get("ValidationErrors") or []]
