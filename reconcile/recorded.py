"""Whether the ledger already records a receipt, so that the same money is never booked twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from receivables.money import Money
from receivables.receipt import Receipt
from reconcile.payer import PayerEvidence, compare

# People book money on the day it arrives, or some banking days around it.
BOOKED_WITHIN: Final = timedelta(days=5)


@dataclass(frozen=True, slots=True)
class Recorded:
    """Money in the ledger that no receipt of ours is linked to; `names` are its customer's or payer's names."""

    payment_id: str
    received_on: date
    amount: Money
    reference: str
    names: tuple[str, ...]
    numbers: tuple[str, ...]  # of the invoices it is set against


def recognise(receipt: Receipt, recorded: Sequence[Recorded]) -> Recorded | None:
    """Return the ledger's own record of `receipt`, the nearest in time; None when there is none.

    Amount and currency must be equal and the days close; besides, the reference, an invoice number or the payer's
    name must agree. Two equal payments of one day are told apart by taking each record once (the caller removes it).
    """
    near = [
        each
        for each in recorded
        if each.amount in (receipt.amount, receipt.gross)
        and abs(each.received_on - receipt.received_on) <= BOOKED_WITHIN
        and _agrees(receipt, each)
    ]
    if not near:
        return None
    near.sort(key=lambda each: (abs(each.received_on - receipt.received_on), each.payment_id))
    return near[0]


def _agrees(receipt: Receipt, record: Recorded) -> bool:
    text = receipt.remittance.casefold()
    if record.reference and record.reference.casefold() in text:
        return True
    if any(number.casefold() in text for number in record.numbers):
        return True
    return any(compare(receipt.payer_name, name) >= PayerEvidence.NAME for name in record.names)
