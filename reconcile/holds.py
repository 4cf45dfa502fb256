"""Which open items a receipt that is not applied yet may well have paid, so that nobody is reminded of them."""

from __future__ import annotations

from typing import Final

from receivables.allocation import Decision, Explanation, Proposal
from receivables.document import DocumentKind
from receivables.receipt import Receipt, ReceiptStatus
from reconcile.calibrate import History
from reconcile.candidates import OpenItemIndex
from reconcile.payer import PayerEvidence
from reconcile.reading import read

MAX_HELD_ITEMS: Final = 5  # one unclear receipt must not silence reminders of everything it might conceivably pay


def plausible_items(
    *,
    proposal: Proposal,
    receipt: Receipt,
    index: OpenItemIndex,
    history: History | None = None,
    limit: int = MAX_HELD_ITEMS,
) -> tuple[str, ...]:
    """Return the ids of at most `limit` open invoices that `receipt` plausibly pays, the likeliest first.

    They are those of the best and the next best hypothesis, those its text names exactly in another currency, and those
    open for exactly its amount whose customer the payer could be. An applied receipt holds nothing: its items are
    settled. Money that is not there (failed, refunded, reversed) holds nothing either.
    """
    lost = receipt.status in {ReceiptStatus.FAILED, ReceiptStatus.REFUNDED, ReceiptStatus.REVERSED}
    if proposal.decision is Decision.APPLY or lost or proposal.best.explanation is Explanation.REVERSAL:
        return ()
    reading = read(receipt, index, history or History(), blind=False)
    found = [allocation.item_id for allocation in proposal.best.allocations]
    if proposal.runner_up is not None:
        found += [allocation.item_id for allocation in proposal.runner_up.allocations]
    found += reading.foreign
    payers = [code for code, (level, _) in reading.payers.likely.items() if level >= PayerEvidence.WEAK]
    owned = {row for code in payers for row in index.of_payer(code, reading.currency)}
    found += [index.item_id(row) for row in index.sorted(row for row in owned if index.signed[row] == reading.gross)]
    items = [index.get(item_id) for item_id in dict.fromkeys(found)]
    invoices = [item for item in items if item is not None and item.kind is DocumentKind.INVOICE]
    return tuple(item.item_id for item in invoices[:limit])
