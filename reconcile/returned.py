"""Whether a debit of a bank account takes back money that came earlier, and which receipt it takes back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import IntEnum
from typing import Final

from receivables.allocation import Decision
from receivables.money import Money
from receivables.receipt import Receipt
from reconcile.payer import PayerEvidence, compare

RETURNED_WITHIN: Final = timedelta(days=400)  # SEPA: a debit without a mandate can be taken back for thirteen months
UNMARKED_WITHIN: Final = timedelta(days=90)  # an equal amount to the same account says less the longer ago it came
MAX_CHARGE: Final = Decimal(50)  # units of the currency; banks charge 3 to 40 for a returned item
_WORD_WITH_DIGITS: Final = re.compile(r"[A-Z0-9][A-Z0-9/.-]*\d[A-Z0-9/.-]*")
_MIN_WORD_CHARACTERS: Final = 4


class Tie(IntEnum):
    """What ties a debit to a receipt beside the amount; a higher value ties them more closely."""

    NOTHING = 0
    NAME = 1
    TEXT = 2
    ACCOUNT = 3
    REFERENCE = 4


@dataclass(frozen=True, slots=True)
class Debit:
    """Money that left a bank account: `amount` is positive, `references` are its end-to-end ids.

    `taken_back` is why the bank takes an earlier payment back, in its own words; None where it does not say that it
    does. `original` is how much had been paid, where the bank says so: the rest is a charge.
    """

    booked_on: date
    amount: Money
    payee_name: str = ""
    payee_account: str = ""
    text: str = ""
    references: tuple[str, ...] = ()
    taken_back: str | None = None
    original: Money | None = None


@dataclass(frozen=True, slots=True)
class Came:
    """A receipt of the same bank account, with its end-to-end ids."""

    receipt: Receipt
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Returned:
    """The receipt that a debit takes back: beyond doubt (`apply`) or for a person to say (`suggest`), and why.

    `charge` is what the bank took beside the money that had come (not negative).
    """

    receipt_id: str
    decision: Decision
    tie: Tie
    charge: Money
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Candidate:
    came: Came
    tie: Tie
    charge: Money
    is_exact: bool
    contradicts: bool

    @property
    def strength(self) -> tuple[bool, Tie, bool]:
        return not self.contradicts, self.tie, self.is_exact


def returned(debit: Debit, receipts: Sequence[Came]) -> Returned | None:
    """Return the receipt that `debit` takes back; None when it takes back none of these.

    Proof is a receipt that alone fits best, with an amount that is exact to the minor unit, and that bears the debit's
    own end-to-end id; or, where the bank says that it takes money back, the same account or reference.
    """
    found = [each for came in receipts if (each := _candidate(debit, came)) is not None]
    if not found:
        return None
    best = max(each.strength for each in found)
    alike = [each for each in found if each.strength == best]
    chosen = max(alike, key=lambda each: (each.came.receipt.received_on, each.came.receipt.receipt_id))
    enough = Tie.REFERENCE if debit.taken_back is None else Tie.TEXT
    is_proof = len(alike) == 1 and chosen.is_exact and not chosen.contradicts and chosen.tie >= enough
    said = _reasons(debit, chosen, others=len(alike) - 1)
    return Returned(
        receipt_id=chosen.came.receipt.receipt_id,
        decision=Decision.APPLY if is_proof else Decision.SUGGEST,
        tie=chosen.tie,
        charge=chosen.charge,
        reasons=(*said, "Taken back: this is proof.") if is_proof else said,
    )


def _candidate(debit: Debit, came: Came) -> _Candidate | None:
    receipt = came.receipt
    age = debit.booked_on - receipt.received_on
    if receipt.amount.currency != debit.amount.currency or not timedelta(0) <= age <= RETURNED_WITHIN:
        return None
    paid = debit.original or debit.amount
    nearest = min((receipt.amount, receipt.gross), key=lambda amount: abs(paid - amount))
    missing = paid - nearest
    if missing.minor < 0 or missing.decimal > MAX_CHARGE or (missing and debit.original is not None):
        return None
    tie = _tie(debit, came)
    is_exact = not missing
    marked = debit.taken_back is not None
    if marked:
        fits = is_exact or tie >= Tie.TEXT
    else:
        fits = is_exact and (tie is Tie.REFERENCE or (tie is Tie.ACCOUNT and age <= UNMARKED_WITHIN))
    if not fits:
        return None
    contradicts = bool(debit.references and came.references) and tie is not Tie.REFERENCE
    return _Candidate(came, tie, debit.amount - nearest, is_exact, contradicts)


def _tie(debit: Debit, came: Came) -> Tie:
    if set(debit.references) & set(came.references):
        return Tie.REFERENCE
    account = plain_account(debit.payee_account)
    if account and account == plain_account(came.receipt.payer_account):
        return Tie.ACCOUNT
    if _words(debit.text) & _words(came.receipt.remittance):
        return Tie.TEXT
    named = debit.payee_name and came.receipt.payer_name
    is_same = named and compare(debit.payee_name, came.receipt.payer_name) >= PayerEvidence.NAME
    return Tie.NAME if is_same else Tie.NOTHING


def plain_account(account: str) -> str:
    """Return an account's letters and digits alone, in capitals: banks group them differently."""
    return re.sub(r"[^A-Z0-9]", "", account.upper())


def _words(text: str) -> set[str]:
    """The words of a text that have a digit, such as invoice numbers."""
    return {word for word in _WORD_WITH_DIGITS.findall(text.upper()) if len(word) >= _MIN_WORD_CHARACTERS}


def _reasons(debit: Debit, chosen: _Candidate, *, others: int) -> tuple[str, ...]:
    receipt = chosen.came.receipt
    payment = f"the payment of {receipt.amount} that came on {receipt.received_on}"
    if debit.taken_back is None:
        said = ["The bank does not say that it takes an earlier payment back."]
    else:
        said = [f"The bank says that it takes an earlier payment back: {debit.taken_back}."]
    said.append(_TIE_TEXT[chosen.tie].format(payment=payment))
    if chosen.charge:
        sure = "the bank states it" if chosen.is_exact else "the bank does not say for what"
        said.append(f"It is {chosen.charge} more than had come, a charge for the return: {sure}.")
    if chosen.contradicts:
        said.append("But the two bear different end-to-end ids.")
    if others:
        said.append(f"{others} other payment(s) fit as well, so a person should decide.")
    return tuple(said)


_TIE_TEXT: Final = {
    Tie.REFERENCE: "It bears the end-to-end id of {payment}.",
    Tie.ACCOUNT: "It went to the account from which {payment} was sent.",
    Tie.TEXT: "Its text names what the text of {payment} names.",
    Tie.NAME: "It names the payer of {payment}.",
    Tie.NOTHING: "Nothing but the amount ties it to {payment}.",
}
