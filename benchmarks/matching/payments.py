"""Receipts with their truth: what was paid, why the cash differs, and what the bank shows of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from benchmarks.matching.noise import HARSH, USUAL, Noise, draw, write_name, write_reference
from benchmarks.matching.world import Customer, Item, Ledger

DISCOUNTS = (200, 200, 300)  # basis points
WITHHOLDINGS = (200, 500, 1000, 1500, 2000)
MAX_TRIES = 50
WORDS = ("", "", "Payment ", "Invoice ", "Rechnung ", "Facture no ", "inv ", "Ref: ", "RG-NR ", "SEPA CT ")
NOTES = ("thank you", "monthly payment", "", "bank transfer", "Zahlung", "account settlement", "as agreed")
STRANGERS = (
    ("Finanzamt Mitte", "tax refund 04/2026"), ("Bank interest", "interest credit Q1"),
    ("City Insurance", "claim 88213"), ("Landlord Ltd", "deposit returned"),
    ("Card Services", "cashback"), ("Employment Office", "short-time pay"),
)  # fmt: skip


@dataclass(frozen=True)
class Mix:
    """Weights of the kinds of payment, and the noise on them."""

    kinds: Mapping[str, float]
    noise: Noise


USUAL_MIX = Mix(
    {
        "single": 55, "listed": 16, "bank_fee": 5, "discount": 4, "withholding": 1.5, "unnamed_sum": 2.5, "oldest": 1,
        "partial": 2.5, "partial_bare": 0.5, "instalments": 1.5, "overpaid": 1.5, "credit": 3, "processor_fee": 3,
        "duplicate": 1, "unrelated": 2,
    },
    USUAL,
)  # fmt: skip
SHIFTED_MIX = Mix(
    {
        "single": 40, "listed": 22, "bank_fee": 9, "discount": 5, "withholding": 2, "unnamed_sum": 4, "oldest": 2,
        "partial": 3, "partial_bare": 0.5, "instalments": 2, "overpaid": 2, "credit": 3.5, "processor_fee": 2,
        "duplicate": 1, "unrelated": 2,
    },
    HARSH,
)  # fmt: skip
MIXES = {"usual": USUAL_MIX, "shifted": SHIFTED_MIX}


@dataclass
class Payment:
    """What the bank shows, in minor units, and the truth behind it: the amounts by item, and the kind."""

    receipt_id: str
    kind: str
    received_on: date
    currency: str
    amount: int
    payer_name: str = ""
    payer_account: str = ""
    remittance: str = ""
    fee: int = 0
    paid: dict[str, int] = field(default_factory=dict)


class Payers:
    """Draws payments from a ledger; each item is paid once."""

    def __init__(self, random: Random, ledger: Ledger, mix: Mix) -> None:
        self._random = random
        self._ledger = ledger
        self._mix = mix
        self._spent: set[str] = set()
        self._kinds: dict[str, Callable[[Customer, list[Item]], list[Payment]]] = {
            "single": self._single, "listed": self._listed, "bank_fee": self._bank_fee, "discount": self._discount,
            "withholding": self._withholding, "unnamed_sum": self._unnamed_sum, "oldest": self._oldest,
            "partial": self._partial, "partial_bare": self._partial_bare, "instalments": self._instalments,
            "overpaid": self._overpaid, "credit": self._credit, "processor_fee": self._processor_fee,
            "duplicate": self._duplicate,
        }  # fmt: skip

    def draw(self, count: int) -> list[Payment]:
        """Draw `count` payments, in the order of their days."""
        found: list[Payment] = []
        while len(found) < count:
            kind = draw(self._random, self._mix.kinds)
            found += [self._unrelated()] if kind == "unrelated" else self._of_kind(kind)
        found = found[:count]
        for at, payment in enumerate(found):
            payment.receipt_id = f"R{at:06}"
        return sorted(found, key=lambda payment: (payment.received_on, payment.receipt_id))

    def _of_kind(self, kind: str) -> list[Payment]:
        for _ in range(MAX_TRIES):
            customer = self._random.choice(self._ledger.items).customer
            items = [i for i in self._ledger.by_customer[customer.customer_id] if i.item_id not in self._spent]
            payments = self._kinds[kind](customer, items)
            if payments:
                for payment in payments:
                    payment.kind = kind
                    self._spent.update(payment.paid)
                return payments
        return []

    def _pay(
        self, customer: Customer, items: Sequence[Item], *, short: int = 0, named: bool = True, fee: int = 0
    ) -> Payment:
        """Pay items with `short` less than is open (negative: more); the items close in full if it is not negative."""
        total = sum(-item.amount if item.kind == "credit_note" else item.amount for item in items)
        payment = Payment(
            receipt_id="",
            kind="",
            received_on=self._ledger.day - timedelta(days=self._random.randrange(7)),
            currency=customer.currency,
            amount=total - short - fee,
            remittance=self._text(items) if named else self._random.choice(NOTES),
            fee=fee,
            paid={item.item_id: item.amount for item in items},
        )
        self._sign(payment, customer)
        return payment

    def _sign(self, payment: Payment, customer: Customer) -> None:
        noise, random = self._mix.noise, self._random
        payer = customer
        if customer.parent is not None and random.random() < 0.5:
            payer = customer.parent
        elif random.random() < noise.pays_for_other:
            payer = random.choice(self._ledger.items).customer
        payment.payer_name = write_name(random, draw(random, noise.name), payer.name)
        if random.random() >= noise.no_account:
            is_new = random.random() < noise.new_account
            payment.payer_account = f"XX{random.randrange(10**18)}" if is_new else random.choice(payer.accounts)

    def _text(self, items: Sequence[Item]) -> str:
        noise, random = self._mix.noise, self._random
        way = draw(random, noise.reference)
        ways = [way if random.random() < 0.85 else draw(random, noise.reference) for _ in items]
        if len(items) > 1 and random.random() < noise.shorthand_list:
            text = _shorthand([item.number for item in items])
        else:
            written = [write_reference(random, w, i.number, i.order) for w, i in zip(ways, items, strict=True)]
            is_joined = len(items) > 1 and random.random() < noise.joined_list
            gap = "" if is_joined else random.choice([", ", " ", " ", "/", " + ", ";", " and "])
            text = gap.join(each for each in written if each)
        if not text:
            return random.choice(NOTES)
        return self._frame(text, items[0])

    def _frame(self, text: str, item: Item) -> str:
        noise, random = self._mix.noise, self._random
        text = random.choice(WORDS) + text
        extra = random.random()
        if extra < 0.10:
            text += f" {item.issued_on:%d.%m.%Y}"
        elif extra < 0.16:
            text += f" customer {random.randrange(10_000, 99_999)}"
        elif extra < 0.22:
            text = f"E2E{random.randrange(10**9, 10**10)} {text}"
        elif extra < 0.26:
            text += f" EUR {item.amount / 100:.2f}"
        if random.random() < noise.cut_35:
            return text[:35]
        return text[:140] if random.random() < noise.cut_140 else text

    def _invoices(self, items: Sequence[Item]) -> list[Item]:
        return [item for item in items if item.kind == "invoice"]

    def _one(self, items: Sequence[Item]) -> Item | None:
        invoices = self._invoices(items)
        if not invoices:
            return None
        return invoices[min(int(self._random.expovariate(0.4)), len(invoices) - 1)]  # the older due, the likelier

    def _some(self, items: Sequence[Item], most: int) -> list[Item]:
        invoices = self._invoices(items)
        if len(invoices) < 2:
            return []
        count = min(2 + int(self._random.expovariate(0.6)), most, len(invoices))
        start = self._random.randrange(max(1, min(4, len(invoices) - count + 1)))
        near = invoices[start : start + count + 3]
        return sorted(self._random.sample(near, min(count, len(near))), key=lambda i: (i.due_on, i.item_id))

    def _single(self, customer: Customer, items: list[Item]) -> list[Payment]:
        item = self._one(items)
        return [self._pay(customer, [item])] if item else []

    def _listed(self, customer: Customer, items: list[Item]) -> list[Payment]:
        some = self._some(items, 12)
        return [self._pay(customer, some)] if some else []

    def _unnamed_sum(self, customer: Customer, items: list[Item]) -> list[Payment]:
        some = self._some(items, 4)
        return [self._pay(customer, some, named=False)] if some else []

    def _oldest(self, customer: Customer, items: list[Item]) -> list[Payment]:
        due = [item for item in self._invoices(items) if item.due_on <= self._ledger.day]
        return [self._pay(customer, due, named=False)] if 2 <= len(due) <= 15 else []

    def _bank_fee(self, customer: Customer, items: list[Item]) -> list[Payment]:
        some = self._some(items, 3) if self._random.random() < 0.25 else []
        some = some or [item for item in [self._one(items)] if item]
        total = sum(item.amount for item in some)
        fee = self._random.choice([5_00, 7_50, 10_00, 12_00, 15_00, 20_00, 25_00, self._random.randrange(1_50, 30_00)])
        return [self._pay(customer, some, short=fee)] if total >= 40 * fee else []

    def _discount(self, customer: Customer, items: list[Item]) -> list[Payment]:
        early = [item for item in self._invoices(items) if item.due_on >= self._ledger.day]
        some = self._some(early, 3) if self._random.random() < 0.25 else early[:1]
        short = sum(_part(item.amount, rate) for item in some for rate in [self._random.choice(DISCOUNTS)])
        if len({item.item_id for item in some}) > 1:
            rate = self._random.choice(DISCOUNTS)
            short = sum(_part(item.amount, rate) for item in some)
        return [self._pay(customer, some, short=short)] if some else []

    def _withholding(self, customer: Customer, items: list[Item]) -> list[Payment]:
        item = self._one(items)
        short = _part(item.amount, self._random.choice(WITHHOLDINGS)) if item else 0
        return [self._pay(customer, [item], short=short)] if item else []

    def _partial(self, customer: Customer, items: list[Item], *, named: bool = True) -> list[Payment]:
        item = self._one(items)
        if item is None or item.amount < 200_00:
            return []
        paid = _round_part(self._random, item.amount)
        payment = self._pay(customer, [item], short=item.amount - paid, named=named)
        payment.paid = {item.item_id: paid}
        return [payment]

    def _partial_bare(self, customer: Customer, items: list[Item]) -> list[Payment]:
        return self._partial(customer, items, named=False)

    def _instalments(self, customer: Customer, items: list[Item]) -> list[Payment]:
        first = self._partial(customer, items)
        if not first:
            return []
        ((item_id, paid),) = first[0].paid.items()
        item = next(each for each in items if each.item_id == item_id)
        second = self._pay(customer, [item], short=paid)
        second.paid = {item_id: item.amount - paid}
        return [*first, second]

    def _overpaid(self, customer: Customer, items: list[Item]) -> list[Payment]:
        item = self._one(items)
        more = self._random.choice([10_00, 50_00, self._random.randrange(1_00, 200_00)])
        return [self._pay(customer, [item], short=-more)] if item else []

    def _credit(self, customer: Customer, items: list[Item]) -> list[Payment]:
        credits = [item for item in items if item.kind == "credit_note"]
        item = self._one(items)
        if not credits or item is None or item.amount <= credits[0].amount:
            return []
        return [self._pay(customer, [item, credits[0]])]

    def _processor_fee(self, customer: Customer, items: list[Item]) -> list[Payment]:
        item = self._one(items)
        return [self._pay(customer, [item], fee=_part(item.amount, 290) + 30)] if item else []

    def _duplicate(self, customer: Customer, items: list[Item]) -> list[Payment]:
        item = self._one(items)
        if item is None:
            return []
        first = self._pay(customer, [item])
        second = self._pay(customer, [item])
        first.received_on -= timedelta(days=7)
        second.paid = {}
        return [first, second]

    def _unrelated(self) -> Payment:
        name, text = self._random.choice(STRANGERS)
        return Payment(
            receipt_id="",
            kind="unrelated",
            received_on=self._ledger.day - timedelta(days=self._random.randrange(7)),
            currency="EUR",
            amount=self._random.randrange(10_00, 5_000_00),
            payer_name=name,
            payer_account=f"YY{self._random.randrange(10**18)}",
            remittance=text,
        )


def _part(amount: int, basis_points: int) -> int:
    return (amount * basis_points + 5_000) // 10_000


def _round_part(random: Random, amount: int) -> int:
    """A third, a half or two thirds of an amount, or a round sum below it."""
    if random.random() < 0.5:
        return amount * random.choice([1, 2, 3, 4]) // 6 // 100 * 100 or amount // 2
    return max(50_00, int(amount * random.uniform(0.2, 0.8)) // 50_00 * 50_00)


def _shorthand(numbers: Sequence[str]) -> str:
    """Write the first number in full and of each like it only the last digits, as people do (`INV-100401/217`)."""
    first = numbers[0]
    return first + "".join(f"/{number[-3:] if number[:-3] == first[:-3] else number}" for number in numbers[1:])
