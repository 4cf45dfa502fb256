"""All open items in flat columns, indexed for one receipt at a time: by reference, customer, amount and name."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from receivables.discount import DiscountOffer
from receivables.document import DocumentKind
from receivables.money import Money
from receivables.open_item import OpenItem
from receivables.receipt import Receipt
from reconcile.mention import Mention
from reconcile.payer import NameBook, PayerEvidence
from reconcile.postings import Postings
from reconcile.reference_book import ReferenceBook

MAX_SAME_AMOUNT: Final = 64  # an amount that more items share (a subscription price) needs other evidence
_SEPARATOR: Final = "\x1f"
_GONE: Final = b""
_BETWEEN: Final = b"\xff"  # no text in UTF-8 has it
_NO_CORE: Final = bytes(set(range(256)) - set(b"0123456789\x1f\xff"))
_NOBODY: Final = -1


@dataclass(frozen=True, slots=True)
class ClosedItem:
    """An item paid not long ago, kept to recognise that it is paid twice."""

    item_id: str
    number: str
    customer_id: str


class OpenItemIndex:
    """Every open item of one organisation: a row of the arrays each, and the texts as one piece of bytes.

    Changes cost as much as the item has keys, not as there are items; a row that was left is used again. Rows are
    what the matcher works with; nothing of what it answers depends on their order.
    """

    def __init__(self, items: Iterable[OpenItem] = ()) -> None:
        # Lists where the matcher asks most: it reads an array by way of Python, even when it is compiled.
        self.signed: list[int] = []  # the open amounts in minor units, negative for a credit note
        self.issued = array("i")
        self.due = array("i")
        self.customer: list[int] = []
        self.parent = array("i")
        self.currency = array("h")
        self.names = NameBook()
        self._discounts: dict[str, DiscountOffer] = {}
        self._texts: list[bytes] = []
        self._free: list[int] = []
        self._by_id = Postings()
        self._by_amount = Postings()
        self._by_payer: list[array[int]] = []
        self._of_payer: dict[tuple[int, int], list[int]] = {}  # asked for since the last change: a row twice at most
        self._references = ReferenceBook()
        self._currencies: dict[str, int] = {}
        self._currency_names: list[str] = []
        self._closed: dict[str, int] = {}
        self._closed_texts: list[bytes] = []
        self._closed_free: list[int] = []
        self._closed_references = ReferenceBook()
        for item in items:
            self.add(item)

    def __len__(self) -> int:
        return len(self._texts) - len(self._free)

    def __contains__(self, item_id: object) -> bool:
        return isinstance(item_id, str) and self.row_of(item_id) is not None

    def add(self, item: OpenItem) -> None:
        """Add an item, or replace what is known of it."""
        self.remove(item.item_id)
        self._of_payer.clear()
        minor = item.open_amount.minor
        row = self._free.pop() if self._free else self._new_row()
        self.signed[row] = -minor if item.kind is DocumentKind.CREDIT_NOTE else minor
        self.issued[row] = item.issued_on.toordinal()
        self.due[row] = item.due_on.toordinal()
        self.customer[row] = self._payer(self.names.add(item.customer_id, item.customer_name))
        self.parent[row] = _NOBODY if item.parent_id is None else self._payer(self.names.code(item.parent_id))
        self.currency[row] = self._currency(item.open_amount.currency)
        numbers = tuple(dict.fromkeys((item.number, *item.references)))
        self._texts[row] = _SEPARATOR.join((item.item_id, *numbers)).encode()
        self._by_id.add(hash(item.item_id), row)
        self._by_amount.add(hash((self.currency[row], self.signed[row])), row)
        for payer in self._payers(row):
            insort(self._by_payer[payer], row, key=self._order)
        self._references.add(row, numbers)

    def offer_discounts(self, offers: Mapping[str, DiscountOffer]) -> None:
        """Know which discounts payers were offered, by item, in the place of those known before."""
        self._discounts = dict(offers)

    def discount(self, row: int, receipt: Receipt) -> int:
        """The minor units of the discount that a receipt takes with right where it pays this item; mostly none."""
        offer = self._discounts.get(self.item_id(row)) if self._discounts else None
        return offer.amount.minor if offer is not None and offer.is_kept_by(receipt) else 0

    def update(self, item: OpenItem) -> None:
        """Replace what is known of an item; the same as `add`."""
        self.add(item)

    def remove(self, item_id: str) -> None:
        """Forget an item, open or closed; unknown ids are ignored. The customer's name stays known."""
        self._forget_closed(item_id)
        row = self.row_of(item_id)
        if row is None:
            return
        self._of_payer.clear()
        self._by_id.remove(hash(item_id), row)
        self._by_amount.remove(hash((self.currency[row], self.signed[row])), row)
        for payer in self._payers(row):
            rows = self._by_payer[payer]
            del rows[bisect_left(rows, self._order(row), key=self._order)]
        self._references.remove(row, self.numbers(row))
        self._texts[row] = _GONE
        self._free.append(row)

    def _new_row(self) -> int:
        self.signed.append(0)
        self.customer.append(_NOBODY)
        for column in (self.issued, self.due, self.parent, self.currency):
            column.append(0)
        self._texts.append(_GONE)
        return len(self._texts) - 1

    def _payer(self, code: int) -> int:
        while len(self._by_payer) <= code:
            self._by_payer.append(array("i"))
        return code

    def _payers(self, row: int) -> tuple[int, ...]:
        customer, parent = self.customer[row], self.parent[row]
        return (customer,) if parent in (_NOBODY, customer) else (customer, parent)

    def _currency(self, name: str) -> int:
        code = self._currencies.setdefault(name, len(self._currencies))
        if code == len(self._currency_names):
            self._currency_names.append(name)
        return code

    def _order(self, row: int) -> tuple[int, bytes]:
        return self.due[row], self._texts[row]

    def note_closed(self, number: str, item_id: str, customer_id: str) -> None:
        """Remember an item that was paid, so that a second payment of it is recognised. It leaves the open items."""
        self.remove(item_id)
        if not self._closed_free:
            self._closed_free.append(len(self._closed_texts))
            self._closed_texts.append(_GONE)
        row = self._closed[item_id] = self._closed_free.pop()
        self._closed_texts[row] = _SEPARATOR.join((item_id, number, customer_id)).encode()
        self._closed_references.add(row, (number,))

    def note_customer(self, customer_id: str, name: str) -> None:
        """Make a customer's name known although it may have no items, such as a parent that pays for others."""
        self._payer(self.names.add(customer_id, name))

    def row_of(self, item_id: str) -> int | None:
        """The row of an open item, None when it is not open."""
        start = f"{item_id}{_SEPARATOR}".encode()
        return next(
            (r for r in self._by_id.find(hash(item_id), MAX_SAME_AMOUNT) if self._texts[r].startswith(start)), None
        )

    def item_id(self, row: int) -> str:
        """The id of the item in a row."""
        return self._texts[row].partition(b"\x1f")[0].decode()

    def numbers(self, row: int) -> list[str]:
        """The document number of the item in a row, and its further references."""
        return self._texts[row].decode().split(_SEPARATOR)[1:]

    def item(self, row: int) -> OpenItem:
        """The item in a row."""
        item_id, number, *references = self._texts[row].decode().split(_SEPARATOR)
        code, parent, minor = self.customer[row], self.parent[row], self.signed[row]
        return OpenItem(
            item_id=item_id,
            kind=DocumentKind.CREDIT_NOTE if minor < 0 else DocumentKind.INVOICE,
            number=number,
            customer_id=self.names.id_of(code),
            customer_name=self.names.name_of(code),
            open_amount=Money(abs(minor), self._currency_names[self.currency[row]]),
            issued_on=date.fromordinal(self.issued[row]),
            due_on=date.fromordinal(self.due[row]),
            references=tuple(references),
            parent_id=None if parent == _NOBODY else self.names.id_of(parent),
        )

    def get(self, item_id: str) -> OpenItem | None:
        """The item, or None when it is not open."""
        row = self.row_of(item_id)
        return None if row is None else self.item(row)

    def sorted(self, rows: Iterable[int]) -> list[int]:
        """Rows by due date, then item id."""
        return sorted(rows, key=self._order)

    def currency_code(self, currency: str) -> int:
        """The number that stands for a currency in the rows; -1 when no item has ever been open in it."""
        return self._currencies.get(currency, -1)

    def currency_name(self, code: int) -> str:
        """The currency that a number in the rows stands for."""
        return self._currency_names[code]

    def of_payer(self, code: int, currency: int) -> list[int]:
        """The rows that this customer pays, its children's included, by due date; the list is not the caller's."""
        known = self._of_payer.get((code, currency))
        if known is None:
            rows = self._by_payer[code] if code < len(self._by_payer) else ()
            held = self.currency
            known = self._of_payer[code, currency] = [row for row in rows if held[row] == currency]
        return known

    def count_of_payer(self, code: int) -> int:
        """How many items this customer pays, in whatever currency."""
        return len(self._by_payer[code]) if code < len(self._by_payer) else 0

    def of_amount(self, signed: int, currency: int) -> list[int]:
        """The rows open for exactly this amount, in no order: at most MAX_SAME_AMOUNT and one more."""
        return self._by_amount.find(hash((currency, signed)), MAX_SAME_AMOUNT)

    def mentions(self, text: str) -> list[Mention]:
        """What `text` names among the open items; the mentions' `rows` are ours."""
        return self._references.mentions(text) if text else []

    def damaged(self, text: str, *, least: float = -math.inf) -> list[Mention]:
        """What `text` would name among the open items if one character of a number were wrong."""
        return self._references.damaged(text, least=least) if text else []

    def within(self, text: str, rows: Sequence[int]) -> list[Mention]:
        """What `text` names among `rows` where numbers are cut, run together, or damaged more than once."""
        return self._references.within(text, self._cores(rows)) if text else []

    def _cores(self, rows: Sequence[int]) -> Iterator[tuple[int, list[str]]]:
        """The rows with the cores of their numbers; all texts are translated at once, which takes half the time."""
        digits = _BETWEEN.join([self._texts[row] for row in rows]).translate(None, _NO_CORE).decode("latin-1")
        for row, text in zip(rows, digits.split("\xff"), strict=False):  # of no rows there is one empty text
            yield row, [number.lstrip("0") for number in text.split(_SEPARATOR)[1:]]

    def named(self, number: str) -> list[OpenItem]:
        """The open items whose document number is `number` to the letter."""
        rows = {row for mention in self.mentions(number) if mention.exact for row in mention.rows}
        return [item for item in map(self.item, self.sorted(rows)) if item.number == number]

    def closed_mentions(self, text: str) -> list[ClosedItem]:
        """The items paid not long ago that `text` names exactly."""
        if not text or not self._closed:
            return []
        mentions = [mention for mention in self._closed_references.mentions(text) if mention.exact]
        return [self._closed_item(mention.rows[0]) for mention in mentions if len(mention.rows) == 1]

    def closed_item(self, item_id: str) -> ClosedItem | None:
        """What is remembered of an item paid not long ago, or None."""
        row = self._closed.get(item_id)
        return None if row is None else self._closed_item(row)

    def resolve_name(self, payer_name: str) -> dict[int, PayerEvidence]:
        """The customers, by code, that a payer's name could be."""
        return self.names.resolve(payer_name)

    def name_of(self, customer_id: str) -> str:
        """A customer's name, or its id."""
        code = self.names.known_code(customer_id)
        return customer_id if code is None else self.names.name_of(code)

    def _closed_item(self, row: int) -> ClosedItem:
        return ClosedItem(*self._closed_texts[row].decode().split(_SEPARATOR))

    def _forget_closed(self, item_id: str) -> None:
        row = self._closed.pop(item_id, None)
        if row is not None:
            self._closed_references.remove(row, (self._closed_item(row).number,))
            self._closed_texts[row] = _GONE
            self._closed_free.append(row)
