"""What QuickBooks refuses, and what a person should do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.errors import Absent, ConnectorError, Reject, Stale
from connectors.ledgers import exact

THROTTLED = "3001"
OBJECT_NOT_FOUND = "610"
STALE = "5010"

_LOOK = "Look at the document in QuickBooks, correct what the message names, then try again."
# Intuit's error codes: https://developer.intuit.com/app/developer/qbo/docs/develop/troubleshooting/error-codes
_REMEDIES = {
    "6000": "QuickBooks' own rules refuse it, often because the invoice has less open than this pays: read it again.",
    "6070": "The invoice has less open than this pays: read it again and keep the rest as the customer's credit.",
    "6190": "The customer or account is inactive in QuickBooks: make it active there.",
    "6200": "The books are closed for this date: choose a later date or ask the accountant to open the period.",
    "6210": "The books are closed for this date: choose a later date or ask the accountant to open the period.",
    "6540": "It was deposited in QuickBooks: remove it from the deposit there first.",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """The first error of a refusal: Intuit's code without leading zeros, and its words."""

    code: str
    text: str

    def error(self) -> ConnectorError:
        """Name the refusal by what the caller must do."""
        if self.code == STALE:
            return Stale(
                "it changed in QuickBooks since it was read", code=STALE, remedy="Read it again and decide anew."
            )
        if self.code == OBJECT_NOT_FOUND:
            return Absent("QuickBooks does not have this object")
        return Reject(f"QuickBooks refuses: {self.text}", code=self.code, remedy=_REMEDIES.get(self.code, _LOOK))


def fault_of(body: bytes) -> Fault | None:
    """Find the fault in an answer, whatever its status; None when it is none or no JSON."""
    try:
        answer = exact.loads(body)
    except ValueError:
        return None
    return fault_in(answer) if isinstance(answer, dict) else None


def fault_in(answer: Mapping[str, Any]) -> Fault | None:
    """Find the fault in an answer or in one item of a batch's answer."""
    fault = answer.get("Fault") or answer.get("fault")
    if not isinstance(fault, dict):
        return None
    errors = fault.get("Error") or fault.get("error") or [{}]
    first = errors[0] if isinstance(errors, list) and isinstance(errors[0], dict) else {}
    message = str(first.get("Message") or first.get("message") or "no reason given")
    detail = str(first.get("Detail") or first.get("detail") or "")
    code = str(first.get("code") or "").lstrip("0")
    return Fault(code, f"{message}: {detail}" if detail and detail != message else message)
