"""Money received."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from receivables.money import Money


class ReceiptStatus(StrEnum):
    """Where the money is. Only `received` money can settle an item."""

    IN_FLIGHT = "in_flight"
    RECEIVED = "received"
    FAILED = "failed"
    REFUNDED = "refunded"
    REVERSED = "reversed"


# Money that may pay something, now or once it has arrived; of the rest nothing is left to decide.
LIVING = (ReceiptStatus.RECEIVED, ReceiptStatus.IN_FLIGHT)


def account_key(account: str) -> str:
    """Return what is the same for a payer's account however it is spaced and written."""
    return "".join(account.split()).upper()


@dataclass(frozen=True, slots=True)
class Receipt:
    """Net cash `amount` received on a day; `fee` (not negative) was deducted by a processor before it arrived.

    `payer_id` is a customer already known to have paid (a processor's customer, a learned account);
    `item_hints` are item ids that a trusted system named (a pay link's invoice), stronger than any text. `made_at` is
    the moment at which the payer paid, where that is told. `refused` are sets of items of which a person said that it
    does not pay just these.
    """

    receipt_id: str
    received_on: date
    amount: Money
    payer_name: str = ""
    payer_account: str = ""
    remittance: str = ""
    fee: Money | None = None
    payer_id: str | None = None
    item_hints: tuple[str, ...] = ()
    status: ReceiptStatus = ReceiptStatus.RECEIVED
    made_at: datetime | None = None
    refused: tuple[frozenset[str], ...] = ()

    @property
    def gross(self) -> Money:
        """What the payer paid: the cash and the fee deducted from it."""
        return self.amount if self.fee is None else self.amount + self.fee
