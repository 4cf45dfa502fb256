"""All open items, indexed for one receipt at a time: by reference, customer, amount and name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from receivables.open_item import OpenItem
from reconcile.payer import NameBook, PayerEvidence
from reconcile.reference_book import Mention, ReferenceBook

MAX_AMOUNT_BUCKET = 1_000  # beyond, an amount alone (a subscription price) says nothing about who paid
MAX_SAME_AMOUNT = 64  # an amount that more items share (a subscription price) needs other evidence


@dataclass(frozen=True, slots=True)
class ClosedItem:
    """An item paid not long ago, kept to recognise that it is paid twice."""

    item_id: str
    number: str
    customer_id: str


class OpenItemIndex:
    """Every open item of one organisation. Changes cost as much as the item has keys, not as there are items."""

    def __init__(self, items: Iterable[OpenItem] = ()) -> None:
        self._items: dict[str, OpenItem] = {}
        self._by_payer: defaultdict[str, set[str]] = defaultdict(set)
        self._by_amount: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
        self._references = ReferenceBook()
        self._names = NameBook()
        self._closed: dict[str, ClosedItem] = {}
        self._closed_references = ReferenceBook()
        for item in items:
            self.add(item)

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._items

    def add(self, item: OpenItem) -> None:
        """Add an item, or replace what is known of it."""
        self.remove(item.item_id)
        self._items[item.item_id] = item
        self._by_amount[_amount_key(item)].add(item.item_id)
        for payer in _payers(item):
            self._by_payer[payer].add(item.item_id)
        self._references.add(item.item_id, dict.fromkeys((item.number, *item.references)))
        self._names.add(item.customer_id, item.customer_name)
        self._forget_closed(item.item_id)

    def update(self, item: OpenItem) -> None:
        """Replace what is known of an item; the same as `add`."""
        self.add(item)

    def remove(self, item_id: str) -> None:
        """Forget an item; unknown ids are ignored. The customer's name stays known."""
        item = self._items.pop(item_id, None)
        if item is None:
            return
        self._by_amount[_amount_key(item)].discard(item_id)
        for payer in _payers(item):
            self._by_payer[payer].discard(item_id)
        self._references.remove(item_id)

    def note_closed(self, number: str, item_id: str, customer_id: str) -> None:
        """Remember an item that was paid, so that a second payment of it is recognised. It leaves the open items."""
        self.remove(item_id)
        self._forget_closed(item_id)
        self._closed[item_id] = ClosedItem(item_id, number, customer_id)
        self._closed_references.add(item_id, (number,))

    def note_customer(self, customer_id: str, name: str) -> None:
        """Make a customer's name known although it may have no items, such as a parent that pays for others."""
        self._names.add(customer_id, name)

    def get(self, item_id: str) -> OpenItem | None:
        """The item, or None when it is not open."""
        return self._items.get(item_id)

    def items(self, item_ids: Iterable[str]) -> list[OpenItem]:
        """The open ones of `item_ids`, by due date, then id."""
        found = [self._items[item_id] for item_id in item_ids if item_id in self._items]
        return sorted(found, key=lambda item: (item.due_on, item.item_id))

    def of_payer(self, customer_id: str, currency: str) -> list[OpenItem]:
        """The open items that this customer pays, its children's included, by due date."""
        items = self.items(self._by_payer.get(customer_id, ()))
        return [item for item in items if item.open_amount.currency == currency]

    def of_amount(self, minor: int, currency: str, *, payers: Iterable[str] = ()) -> list[OpenItem]:
        """The items open for exactly this amount, by due date; only those of `payers` where very many share it."""
        bucket = self._by_amount.get((currency, minor), set())
        if len(bucket) > MAX_AMOUNT_BUCKET:
            bucket = {item_id for payer in payers for item_id in self._by_payer.get(payer, ()) if item_id in bucket}
        return self.items(bucket)

    def mentions(self, text: str) -> list[Mention]:
        """What `text` names among the open items."""
        return self._references.mentions(text) if text else []

    def closest(self, text: str, items: Iterable[OpenItem]) -> list[Mention]:
        """What `text` names among `items` when one character of a number may be wrong."""
        return self._references.closest(text, [item.item_id for item in items])

    def inside(self, text: str, items: Iterable[OpenItem]) -> list[Mention]:
        """What `text` names among `items` when numbers are run together and one or more of them damaged."""
        return self._references.inside(text, [item.item_id for item in items])

    def closed_mentions(self, text: str) -> list[ClosedItem]:
        """The items paid not long ago that `text` names exactly."""
        if not text or not self._closed:
            return []
        mentions = [mention for mention in self._closed_references.mentions(text) if mention.exact]
        return [self._closed[mention.item_ids[0]] for mention in mentions if len(mention.item_ids) == 1]

    def closed_item(self, item_id: str) -> ClosedItem | None:
        """What is remembered of an item paid not long ago, or None."""
        return self._closed.get(item_id)

    def resolve_name(self, payer_name: str) -> dict[str, PayerEvidence]:
        """The customers that a payer's name could be."""
        return self._names.resolve(payer_name)

    def name_of(self, customer_id: str) -> str:
        """A customer's name, or its id."""
        return self._names.name_of(customer_id)

    def _forget_closed(self, item_id: str) -> None:
        if self._closed.pop(item_id, None) is not None:
            self._closed_references.remove(item_id)


def _amount_key(item: OpenItem) -> tuple[str, int]:
    return item.open_amount.currency, item.open_amount.minor


def _payers(item: OpenItem) -> tuple[str, ...]:
    return (item.customer_id,) if item.parent_id is None else (item.customer_id, item.parent_id)
