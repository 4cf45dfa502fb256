"""What QuickBooks refuses, and what a person should do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.errors import Absent, ConnectorError, Reject, Retry, Stale
from connectors.ledgers import exact

THROTTLED = "3001"
OBJECT_NOT_FOUND = "610"
STALE = "5010"
DEFAULT_RETRY_AFTER_SECONDS = 60.0  # what Intuit asks for after a refusal for its limit that names no time

_LOOK = "Look at the document in QuickBooks, correct what the message names, then try again."
# Intuit's error codes: https://developer.intuit.com/app/developer/qbo/docs/develop/troubleshooting/error-codes
_REMEDIES = {
    "6000": "QuickBooks' own rules refuse it, often because the invoice has less open than this pays: read it again.",
    "2050": "A text is longer than QuickBooks takes (an order number: 31 characters): shorten it.",
    "2500": "The customer, account or item is inactive or gone in QuickBooks: make it active there, or choose another.",
    "5020": "The user who connected QuickBooks may not do this: connect again as an administrator.",
    "6190": "The QuickBooks subscription has ended or has a billing problem: settle that with Intuit.",
    "6200": "The books are closed for this date: choose a later date or ask the accountant to open the period.",
    "6210": "The books are closed for this date: choose a later date or ask the accountant to open the period.",
    "6240": "QuickBooks has something of this name already, perhaps inactive: rename or reactivate it there.",
    "6430": "This kind of account cannot be sold through: choose an income or expense account in the settings.",
    "6480": "It is matched to a line of the bank in QuickBooks: undo the match there first.",
    "6540": "It was deposited in QuickBooks: remove it from the deposit there first.",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """The first error of a refusal: Intuit's code without leading zeros, and its words."""

    code: str
    text: str

    def error(self) -> ConnectorError:
        """Name the refusal by what the caller must do."""
        if self.code == THROTTLED:
            return Retry("QuickBooks' call limit", after_seconds=DEFAULT_RETRY_AFTER_SECONDS)
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
