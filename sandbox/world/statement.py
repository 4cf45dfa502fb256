"""Bank statements, before they are written in a bank's format."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True)
class Line:
    """One line of the bank statement; debits are negative.

    `gross` and `fee` are told when the bank took a charge, `returned` (an ISO 20022 reason code) when it takes an
    earlier payment back.
    """

    booked_on: date
    amount: Decimal
    counterparty: str
    counterparty_account: str
    remittance: str
    reference: str
    end_to_end: str = "NOTPROVIDED"
    gross: Decimal | None = None
    fee: Decimal | None = None
    returned: str = ""


@dataclass(frozen=True)
class BankStatement:
    """One day's statement of one account; the closing balance is the opening balance and the lines."""

    account: str
    currency: str
    owner: str
    number: int
    on: date
    opening: Decimal
    lines: tuple[Line, ...]

    @property
    def closing(self) -> Decimal:
        """The balance at the end of the day."""
        return self.opening + sum((line.amount for line in self.lines), Decimal(0))
