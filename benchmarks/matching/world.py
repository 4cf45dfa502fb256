"""A company's customers and open items, drawn from a seed: names, groups, accounts, numbers and amounts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

NUMBERINGS = ("sequential", "sparse")
ITEMS_A_CUSTOMER = 12  # on average; most have a few, some have hundreds
MAX_WEIGHT = 150  # of one customer, where the least has 1: some hundreds of items
SUBSCRIPTION_PRICES = (19_00, 29_00, 49_00, 99_00, 149_00, 199_00, 299_00, 499_00, 990_00, 1_490_00)
CURRENCIES = {"EUR": 70, "USD": 20, "GBP": 10}
LEGAL_FORMS = ("GmbH", "Ltd", "Ltd", "AG", "B.V.", "S.A.", "S.r.l.", "Inc.", "LLC", "plc", "Oy", "AB", "KG", "SARL")
PLACES = (
    "Harbour Quarry Bay Nordic Alpine Rhein Loire Iberia Adria Baltic Clyde Danube Elbe Fjord Garonne Humber Isar Jura "
    "Kent Lahn Meuse Neckar Oder Po Rhône Seine Tagus Umbria Volga Weser Ystad Zürich Åland Ébro Ötztal Crown Summit"
).split()
TRADES = (
    "Supplies Tools Dental Foods Logistics Printing Textiles Metals Energy Systems Software Electronics Furniture "
    "Chemicals Optics Plastics Ceramics Brewery Dairy Bakery Pharma Motors Marine Timber Paper Glass Consulting Media"
).split()
ENDINGS = ("", "", "", "Services", "Trading", "International", "Solutions", "& Sons", "Partners", "Works", "Europe")


@dataclass(eq=False)
class Customer:
    """Who buys; a `parent` pays for it now and then, and `accounts` are those that its money comes from."""

    customer_id: str
    name: str
    currency: str
    accounts: list[str]
    parent: Customer | None = None


@dataclass(eq=False)
class Item:
    """A document with a balance, in minor units; `order` is the buyer's own order number."""

    item_id: str
    kind: str
    number: str
    order: str
    customer: Customer
    amount: int
    issued_on: date
    due_on: date


@dataclass
class Ledger:
    """The items open on one day, by customer too, the latest due last."""

    day: date
    items: list[Item]
    by_customer: dict[str, list[Item]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for item in sorted(self.items, key=lambda each: (each.due_on, each.item_id)):
            self.by_customer.setdefault(item.customer.customer_id, []).append(item)


def make_customers(random: Random, items: int) -> list[Customer]:
    """Draw the customers for a ledger of so many items. One in twenty-five belongs to another's group."""
    customers: list[Customer] = []
    names: set[str] = set()
    for at in range(max(3, items // ITEMS_A_CUSTOMER)):
        name = _name(random)
        while name in names and len(names) < 50_000:
            name = f"{random.choice(PLACES)}-{_name(random)}"
        names.add(name)
        currency = random.choices(list(CURRENCIES), list(CURRENCIES.values()))[0]
        customer = Customer(f"C{at:06}", name, currency, [_account(random)])
        if random.random() < 0.10:
            customer.accounts.append(_account(random))
        if customers and random.random() < 0.04:
            customer.parent = random.choice(customers)
        customers.append(customer)
    return customers


def make_ledger(random: Random, customers: list[Customer], *, items: int, numbering: str, day: date) -> Ledger:
    """Draw what is open on `day`. Sequential numbers have gaps where others are paid; sparse ones are random."""
    weights = [min(MAX_WEIGHT, random.paretovariate(1.2)) for _ in customers]
    owners = random.choices(customers, weights, k=items)
    issued = sorted(day - timedelta(days=int(random.triangular(1, 150, 30))) for _ in range(items))
    numbers = _numbers(random, items, numbering)
    prefix = f"{day:%y%m}"
    drawn: list[Item] = []
    order = ""
    for at, (customer, on) in enumerate(zip(owners, issued, strict=True)):
        is_credit = random.random() < 0.03
        if not (order and random.random() < 0.05):  # now and then one order number stands on two documents
            order = f"{random.choice(['PO', 'PO-', '45000', 'B/'])}{random.randrange(10**5, 10**6)}"
        amount = _amount(random)
        drawn.append(
            Item(
                item_id=f"{prefix}-{at:07}",
                kind="credit_note" if is_credit else "invoice",
                number=f"CN-{numbers[at]}" if is_credit else _series(random, numbering, numbers[at]),
                order=order if random.random() < 0.4 else "",
                customer=customer,
                amount=max(5_00, amount // 5) if is_credit else amount,
                issued_on=on,
                due_on=on + timedelta(days=random.choice([14, 30, 30, 30, 45, 60])),
            )
        )
    return Ledger(day, drawn)


def _series(random: Random, numbering: str, number: str) -> str:
    return f"INV-{number}" if numbering == "sequential" or random.random() < 0.4 else number


def _name(random: Random) -> str:
    words = [random.choice(PLACES), random.choice(TRADES), random.choice(ENDINGS), random.choice(LEGAL_FORMS)]
    if random.random() < 0.35:
        words.insert(1, random.choice(PLACES))
    return " ".join(word for word in words if word)


def _account(random: Random) -> str:
    return f"{random.choice(['DE', 'FR', 'NL', 'IT', 'GB'])}{random.randrange(10**19, 10**20)}"


def _numbers(random: Random, count: int, numbering: str) -> list[str]:
    if numbering == "sparse":
        return [str(number) for number in random.sample(range(10**9, 10**10), count)]
    start = 10 ** max(5, len(str(count * 3)) - 1)
    found: list[str] = []
    for _ in range(count):
        start += random.choice([1, 1, 1, 2, 3, 5])
        found.append(f"{start:06}")
    return found


def _amount(random: Random) -> int:
    kind = random.random()
    if kind < 0.12:
        return random.choice(SUBSCRIPTION_PRICES)
    amount = min(500_000_00, max(10_00, int(100 * random.lognormvariate(6.8, 1.3))))
    if kind < 0.24:
        return max(50_00, amount // 50_00 * 50_00)
    return amount
