"""What one receipt says: how much, from whom, and which open items its text or a trusted system names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from receivables.open_item import OpenItem
from receivables.receipt import Receipt
from reconcile.calibrate import History
from reconcile.candidates import ClosedItem, OpenItemIndex
from reconcile.payer import PayerEvidence
from reconcile.score import ReferenceEvidence


@dataclass(frozen=True, slots=True)
class Reading:
    """`levels`: named items of the receipt's currency with the best evidence each; `groups`: items that one exact
    reference shares; `foreign`: items named exactly that are open in another currency; `closed`: those
    named exactly that are paid already.
    """

    receipt: Receipt
    gross: int
    currency: str
    payers: dict[str, PayerEvidence]
    levels: dict[str, ReferenceEvidence]
    groups: tuple[tuple[str, ...], ...]
    hints: tuple[str, ...]
    foreign: tuple[str, ...]
    closed: tuple[ClosedItem, ...] = ()

    @property
    def payer_known(self) -> bool:
        """Whether the payer is one of the customers beyond doubt or by name."""
        return any(level >= PayerEvidence.NAME for level in self.payers.values())

    @property
    def best_payer(self) -> str | None:
        """The one customer that the payer most likely is; None when there is none or two are as likely."""
        ranked = sorted(self.payers.items(), key=lambda pair: -pair[1])
        if not ranked or ranked[0][1] < PayerEvidence.NAME:
            return None
        return ranked[0][0] if len(ranked) == 1 or ranked[1][1] < ranked[0][1] else None

    def payer_of(self, item: OpenItem) -> PayerEvidence:
        """How well the payer agrees with an item's customer or the parent who pays for it."""
        level = self.payers.get(item.customer_id)
        if item.parent_id is not None:
            parent = self.payers.get(item.parent_id)
            level = max((found for found in (level, parent) if found is not None), default=None)
        if level is not None:
            return level
        return PayerEvidence.CONFLICT if self.payer_known else PayerEvidence.UNKNOWN

    def with_damaged(self, item_ids: Iterable[str]) -> Reading:
        """The same reading with further items that a damaged reference may name."""
        levels = dict.fromkeys(item_ids, ReferenceEvidence.DAMAGED) | self.levels
        return replace(self, levels=levels)


def read(receipt: Receipt, index: OpenItemIndex, history: History, *, blind: bool) -> Reading:
    """Read a receipt against the open items and what is known of payers."""
    currency = receipt.amount.currency
    levels: dict[str, ReferenceEvidence] = {}
    groups: list[tuple[str, ...]] = []
    foreign: list[str] = []
    for mention in index.mentions(receipt.remittance):
        items = index.items(mention.item_ids)
        local = [item.item_id for item in items if item.open_amount.currency == currency]
        if mention.exact and not local:
            foreign += [item.item_id for item in items]
        level = ReferenceEvidence.DAMAGED if mention.damaged else ReferenceEvidence.WEAK
        if mention.exact and len(local) == 1:
            level = ReferenceEvidence.EXACT
        elif mention.exact and local:
            groups.append(tuple(local))
        for item_id in local:
            levels[item_id] = max(levels.get(item_id, level), level)
    hinted = index.items(receipt.item_hints)
    closed = [found for hint in receipt.item_hints if (found := index.closed_item(hint)) is not None]
    return Reading(
        receipt=receipt,
        gross=receipt.gross.minor,
        currency=currency,
        payers=_payers(receipt, index, history, blind=blind),
        levels=levels,
        groups=tuple(dict.fromkeys(groups)),
        hints=tuple(item.item_id for item in hinted if item.open_amount.currency == currency),
        foreign=tuple(dict.fromkeys(foreign)),
        closed=tuple(closed or index.closed_mentions(receipt.remittance)),
    )


def _payers(receipt: Receipt, index: OpenItemIndex, history: History, *, blind: bool) -> dict[str, PayerEvidence]:
    payers = dict(index.resolve_name(receipt.payer_name))
    for customer, level in history.customers_of(receipt, blind=blind).items():
        payers[customer] = max(payers.get(customer, level), level)
    if receipt.payer_id is not None:
        payers[receipt.payer_id] = PayerEvidence.KNOWN
    return payers
