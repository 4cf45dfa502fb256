"""What one receipt says: how much, from whom, and which open items its text or a trusted system names."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from receivables.money import exponent
from receivables.receipt import Receipt
from reconcile.calibrate import History
from reconcile.candidates import ClosedItem, OpenItemIndex
from reconcile.likelihood import (
    LOG_ACCOUNT,
    LOG_LIKE_NAME,
    LOG_NAME,
    LOG_OTHER_ACCOUNT,
    LOG_OTHER_NAME,
    LOG_STRANGE_NAME,
    MAX_LIKE_NAME,
    MAX_NAME,
    MIN_PAYERS,
)
from reconcile.mention import Mention, ReferenceEvidence
from reconcile.payer import PayerEvidence

Payer = tuple[PayerEvidence, float]
_NEVER: Final = (PayerEvidence.UNKNOWN, -math.inf)


@dataclass(slots=True)
class Payers:
    """The customers, by code, that a receipt's payer could be, with the likelihood; and what all others are."""

    likely: dict[int, Payer]
    others: Payer

    def of(self, code: int) -> Payer:
        """How well the payer agrees with one customer."""
        return self.likely.get(code, self.others)

    @property
    def best(self) -> int | None:
        """The one customer that the payer most likely is; None when there is none or two are as likely."""
        ranked = sorted(((value, code) for code, (level, value) in self.likely.items() if level >= PayerEvidence.NAME))
        if not ranked or (len(ranked) > 1 and ranked[-1][0] == ranked[-2][0]):
            return None
        return ranked[-1][1]


@dataclass(slots=True)
class Reading:
    """`levels` and `weights`: the named rows of the receipt's currency with the best evidence each; `pieces`: the
    mentions that name them; `exact`: those that an exact reference names alone; `groups`: rows that one
    exact reference shares; `foreign`: ids named exactly that are open in another currency; `closed`: those named
    exactly that are paid already.
    """

    receipt: Receipt
    gross: int
    currency: int
    unit: int
    payers: Payers
    hints: tuple[int, ...] = ()
    closed: tuple[ClosedItem, ...] = ()
    levels: dict[int, ReferenceEvidence] = field(default_factory=dict)
    weights: dict[int, float] = field(default_factory=dict)
    pieces: dict[int, Mention] = field(default_factory=dict)
    exact: set[int] = field(default_factory=set)
    groups: list[tuple[int, ...]] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def take(self, mentions: Iterable[Mention], index: OpenItemIndex) -> set[int]:
        """Take mentions in, and return the rows of which they tell more than was known."""
        news: set[int] = set()
        for mention in mentions:
            local = [row for row in mention.rows if index.currency[row] == self.currency]
            if mention.exact and not local:
                self.foreign += map(index.item_id, index.sorted(mention.rows))
            level = mention.level
            if mention.exact and len(local) > 1:
                self.groups.append(tuple(index.sorted(local)))
                level = ReferenceEvidence.WEAK
            for row in local:
                if mention.weight > self.weights.get(row, -math.inf):
                    self.weights[row] = mention.weight
                    self.pieces[row] = mention
                    news.add(row)
                if level > self.levels.get(row, ReferenceEvidence.NONE):
                    self.levels[row] = level
                    news.add(row)
                if level is ReferenceEvidence.EXACT:
                    self.exact.add(row)
        return news

    def payer_of(self, row: int, index: OpenItemIndex) -> Payer:
        """How well the payer agrees with a row's customer or the parent who pays for it."""
        found = self.payers.of(index.customer[row])
        parent = index.parent[row]
        return found if parent < 0 else max(found, self.payers.likely.get(parent, _NEVER), key=lambda each: each[1])

    def is_parents(self, row: int, index: OpenItemIndex) -> bool:
        """Whether the payer agrees with a row's customer only by the parent who pays for it."""
        parent = index.parent[row]
        return parent >= 0 and self.payers.likely.get(parent, _NEVER)[1] > self.payers.of(index.customer[row])[1]


def read(receipt: Receipt, index: OpenItemIndex, history: History, *, blind: bool) -> Reading:
    """Read a receipt against the open items and what is known of payers."""
    currency = receipt.amount.currency
    reading = Reading(
        receipt=receipt,
        gross=receipt.gross.minor,
        currency=index.currency_code(currency),
        unit=10 ** exponent(currency),
        payers=_payers(receipt, index, history, blind=blind),
    )
    rows = [row for hint in receipt.item_hints if (row := index.row_of(hint)) is not None]
    reading.hints = tuple(row for row in dict.fromkeys(rows) if index.currency[row] == reading.currency)
    reading.take(index.mentions(receipt.remittance), index)
    closed = [found for hint in receipt.item_hints if (found := index.closed_item(hint)) is not None]
    reading.closed = tuple(closed or index.closed_mentions(receipt.remittance))
    return reading


def _payers(receipt: Receipt, index: OpenItemIndex, history: History, *, blind: bool) -> Payers:
    log_customers = math.log(max(MIN_PAYERS, len(index.names)))
    likely = {code: _by_name(level, log_customers) for code, level in index.resolve_name(receipt.payer_name).items()}
    crowd = math.log(max(1, len(likely)))
    likely = {code: (level, value - crowd) for code, (level, value) in likely.items()}
    others = _others(receipt, likely)
    accounts, names = history.customers_of(receipt, blind=blind)
    for customers, level, chance in (
        (names, PayerEvidence.NAME, LOG_NAME),
        (accounts, PayerEvidence.KNOWN, LOG_ACCOUNT),
    ):
        codes = {
            code: share
            for customer, share in customers.items()
            if (code := index.names.known_code(customer)) is not None
        }
        for code, share in codes.items():
            reached = level if len(codes) == 1 else PayerEvidence.WEAK
            value = chance + log_customers + math.log(share)
            before = likely.get(code, others)
            agreed = value + max(0.0, 0.3 * before[1]) + min(0.0, before[1])
            likely[code] = (max(reached, before[0]), max(agreed, before[1]))
    if accounts:
        for code in likely:
            if index.names.id_of(code) not in accounts:
                likely[code] = (likely[code][0], likely[code][1] + LOG_OTHER_ACCOUNT)
        others = (PayerEvidence.CONFLICT, others[1] + LOG_OTHER_ACCOUNT)
    if receipt.payer_id is not None:
        known = index.names.code(receipt.payer_id)
        likely[known] = (PayerEvidence.KNOWN, log_customers + LOG_ACCOUNT)
        others = (PayerEvidence.CONFLICT, min(others[1], LOG_OTHER_ACCOUNT))
    return Payers(likely, others)


def _by_name(level: PayerEvidence, log_customers: float) -> Payer:
    if level is PayerEvidence.NAME:
        return level, min(MAX_NAME, log_customers) + LOG_NAME
    return level, min(MAX_LIKE_NAME, max(0.5, log_customers + LOG_LIKE_NAME))


def _others(receipt: Receipt, likely: dict[int, Payer]) -> Payer:
    if any(level is PayerEvidence.NAME for level, _ in likely.values()):
        return PayerEvidence.CONFLICT, LOG_OTHER_NAME
    return PayerEvidence.UNKNOWN, LOG_STRANGE_NAME if receipt.payer_name.strip() else 0.0
