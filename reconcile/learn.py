"""Learn from confirmed work: who pays for whom, and how often each class of evidence was right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from receivables.open_item import OpenItem
from receivables.receipt import Receipt
from reconcile.calibrate import History
from reconcile.candidates import OpenItemIndex
from reconcile.match import propose_with_evidence


def learn(*, items: Sequence[OpenItem], receipts: Sequence[Receipt], paid: Mapping[str, Iterable[str]]) -> History:
    """Return the history of confirmed work: `paid` maps each receipt id to the ids of the items it paid (maybe none).

    `items` are as they were before the receipts. The matcher is replayed over all receipts, each time without what
    the receipt itself has taught, and the outcome of each is recorded under its band: right when the item sets agree.
    """
    history = History()
    customers = {item.item_id: item.customer_id for item in items}
    for receipt in receipts:
        owners = {customers[item_id] for item_id in paid.get(receipt.receipt_id, ()) if item_id in customers}
        history.learn_payer(receipt, owners)
    if not receipts:
        return history
    last: date = max(receipt.received_on for receipt in receipts)
    index = OpenItemIndex(items)
    outcomes = propose_with_evidence(index=index, receipts=receipts, history=history, as_of=last, blind=True)
    for outcome in outcomes:
        if outcome.draft is not None:
            right = {index.item_id(row) for row in outcome.draft.rows} == set(paid.get(outcome.proposal.receipt_id, ()))
            history.record(outcome.draft.evidence, outcome.chance, right=right)
    return history
