"""How bank files say that a line takes earlier money back, and the ids by which the two lines know each other.

The code lists are ISO 20022's external bank transaction codes, SWIFT's types of field 61, the German banks' three-digit
business codes (DFÜ agreement, annex 3) and the detail codes of the BAI2 reference. Fees of a return are left out: they
are charges, and take back nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from receivables.statement import TakenBack

# Sub-families of camt's bank transaction code, whatever the family.
CAMT_CODES = {
    "UPDD": "unpaid direct debit",
    "PRDD": "direct debit reversed",
    "RCDD": "direct debit cancelled",
    "ARET": "ACH return",
    "AREV": "ACH reversal",
    "RRTN": "payment returned",
    "RPCR": "payment cancelled",
    "UPCQ": "unpaid cheque",
    "CQRV": "cheque reversed",
    "UPCT": "unpaid card payment",
    "UDFT": "unpaid draft",
}
SWIFT_TYPE = "RTI"  # of field 61, behind its first letter: a returned item
GERMAN_CODES = {
    "009": "direct debit returned",
    "059": "credit transfer returned",
    "108": "business direct debit returned",
    "109": "direct debit returned",
    "159": "credit transfer returned",
}
BAI2_CODES = {
    "257": "ACH item returned",
    "258": "ACH reversal",
    "266": "item returned",
    "468": "ACH item returned",
    "552": "credit reversed",
    "555": "deposited item returned",
    "557": "ACH item returned",
    "558": "ACH reversal",
    "566": "item returned",
    "694": "deposit reversed",
}
MIN_REFERENCE_CHARACTERS = 6  # of an id that tells two payments apart
_UNSTATED = {"NOTPROVIDED", "NONREF", "NOREF"}

# Formats without a code say it in the text: only words that a bank writes of a return, and no payer of a payment.
_WORDS = re.compile(
    r"\b(?:(?:returned|unpaid|reversed) (?:direct debit|dd\b|ach|debit entry|deposited item|item|cheque|check)"
    r"|(?:direct debit|ach|deposited item|cheque|check) (?:return(?:ed)?|reversal|unpaid)\b"
    r"|(?:sepa[- ])?(?:r(?:ü|ue)cklastschrift|lastschrift[- ]?r(?:ü|ue)ckgabe|retoure sepa)"
    r"|pr[ée]l[èe]vement (?:impay[ée]|rejet[ée])|rejet (?:de )?pr[ée]l[èe]vement"
    r"|storno(?:rering)? incasso|recibo devuelto|devoluci[óo]n (?:de )?recibo|insoluto sdd)",
    re.IGNORECASE,
)
_NAMED = re.compile(r"(?:\bEREF ?[+:]|/EREF/) ?([^\s/?]+)")


def in_words(*texts: str | None) -> TakenBack | None:
    """Return what a text says of a return in a bank's usual words, None when it says nothing of one."""
    for text in texts:
        found = _WORDS.search(text or "")
        if found:
            return TakenBack(found[0])
    return None


def usable(references: Iterable[str | None]) -> tuple[str, ...]:
    """Return the ids among `references` that can tell two payments apart, each once."""
    kept = dict.fromkeys(text.strip() for text in references if text)
    return tuple(text for text in kept if len(text) >= MIN_REFERENCE_CHARACTERS and text.upper() not in _UNSTATED)


def named_in(text: str | None) -> tuple[str, ...]:
    """Return the end-to-end ids that a text names behind the code word EREF."""
    return usable(_NAMED.findall(text or ""))
