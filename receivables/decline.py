"""Why a payment came to nothing, and what its payer had better do next."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class DeclineGroup(StrEnum):
    """Where a payment failed: at the card, the bank, the money, between the banks, the mandate, or with us."""

    CARD = "card"
    BANK = "bank"
    FUNDS = "funds"
    NETWORK = "network"
    MANDATE = "mandate"
    OURS = "ours"


class Advice(StrEnum):
    """What to do next: the same again later, with the details corrected, or another card, account or way."""

    LATER = "later"
    DETAILS = "details"
    OTHER_WAY = "other_way"


@dataclass(frozen=True, slots=True)
class Decline:
    """Why a payment was declined. `text` is the processor's own words, for people here and never for the payer."""

    group: DeclineGroup
    advice: Advice
    text: str
