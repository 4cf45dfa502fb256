"""The two organisations and their customers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sandbox.world.model import Customer, Organisation
from sandbox.world.words import company_names, person, slug

GROUPS = 3
CHILDREN_PER_GROUP = 2
_COUNTRIES = {"GBP": ("GB",), "EUR": ("DE", "DE", "FR", "IE", "NL", "AT"), "USD": ("US",)}
_TERMS_DAYS = (14, 30, 30, 30, 45, 60)
_NO_EMAIL, _OPTED_OUT, _BY_NAME_ONLY = 0.06, 0.04, 0.10
_BRANCHES = {"GB": ("York", "Bristol", "Leeds", "Norwich", "Exeter", "Perth"), "US": ("Boulder", "Pueblo", "Aurora")}


@dataclass(frozen=True)
class Profile:
    """What makes one organisation different from the other."""

    key: str
    name: str
    system: str
    currency: str
    country: str
    bank_account: str
    customers: int
    invoices: int
    currencies: tuple[tuple[str, int], ...]
    customer_number: str
    invoice_number: str
    first_invoice: int
    phone: str
    opening_balance: Decimal
    bank_days: tuple[date, ...]
    debit_method: str


def _november(*days: int) -> tuple[date, ...]:
    return tuple(date(2026, 11, day) for day in days)


HARBOUR = Profile(
    key="harbour-pine",
    name="Harbour & Pine Ltd",
    system="xero",
    currency="GBP",
    country="GB",
    bank_account="GB42SAND20412987654321",
    customers=170,
    invoices=1650,
    currencies=(("GBP", 72), ("EUR", 18), ("USD", 10)),
    customer_number="HP-{:04d}",
    invoice_number="INV-{:05d}",
    first_invoice=2604,
    phone="+44 20 7946 {:04d}",
    opening_balance=Decimal("84512.37"),
    bank_days=_november(10, 11, 12, 13, 16),
    debit_method="bacs_debit",
)
CEDAR = Profile(
    key="cedar-ridge",
    name="Cedar Ridge Supply Inc.",
    system="quickbooks",
    currency="USD",
    country="US",
    bank_account="107000271/4820117765",
    customers=150,
    invoices=1550,
    currencies=(("USD", 74), ("EUR", 14), ("GBP", 12)),
    customer_number="CR{:04d}",
    invoice_number="{}",
    first_invoice=10012,
    phone="+1 303 555 {:04d}",
    opening_balance=Decimal("127904.18"),
    bank_days=_november(9, 10, 12, 13, 16),  # the eleventh is Veterans Day: banks are closed
    debit_method="us_bank_account",
)
PROFILES = (HARBOUR, CEDAR)


def found(profile: Profile, rng: random.Random) -> Organisation:
    """Return the organisation with its customers and nothing sold yet."""
    organisation = Organisation(
        key=profile.key,
        name=profile.name,
        system=profile.system,
        currency=profile.currency,
        country=profile.country,
        bank_account=profile.bank_account,
    )
    singles = profile.customers - GROUPS * CHILDREN_PER_GROUP
    currencies = _currencies(profile, rng, singles)
    names = company_names(rng, (rng.choice(_COUNTRIES[currency]) for currency in currencies))
    for number, (currency, name) in enumerate(zip(currencies, names, strict=True), start=1):
        customer = _customer(profile, rng, number, name, currency)
        organisation.customers[customer.key] = customer
    _add_groups(profile, rng, organisation)
    return organisation


def _currencies(profile: Profile, rng: random.Random, count: int) -> list[str]:
    codes, weights = zip(*profile.currencies, strict=True)
    drawn: list[str] = rng.choices(codes, weights=weights, k=count)
    drawn[:GROUPS] = [profile.currency] * GROUPS  # the first customers become parents of groups
    return drawn


def _customer(profile: Profile, rng: random.Random, number: int, name: str, currency: str) -> Customer:
    who = person(rng)
    box = rng.choice(("accounts", "accounts", "finance", "payables", "ap", f"{who.first}.{who.last}".lower()))
    silent = rng.random() < _NO_EMAIL and number > GROUPS
    return Customer(
        key=f"C{number:04d}",
        name=name,
        number=profile.customer_number.format(1000 + number),
        country=rng.choice(_COUNTRIES[currency]) if currency != "EUR" else _euro_country(name),
        currency=currency,
        terms_days=rng.choice(_TERMS_DAYS),
        scale=Decimal(round(rng.lognormvariate(7.0, 0.6))),
        late_days=round(rng.gauss(7, 8)),
        first_name=who.first,
        last_name=who.last,
        email=None if silent else f"{box}@{slug(name)}.example",
        phone=profile.phone.format(rng.randrange(10_000)),
        opted_out=not silent and number > GROUPS and rng.random() < _OPTED_OUT,
        crm_by_number=rng.random() >= _BY_NAME_ONLY,
    )


def _euro_country(name: str) -> str:
    by_suffix = {"GmbH": "DE", "KG": "DE", "AG": "AT", "SARL": "FR", "SAS": "FR", "BV": "NL"}
    return by_suffix.get(name.rsplit(maxsplit=1)[-1], "IE")


def _add_groups(profile: Profile, rng: random.Random, organisation: Organisation) -> None:
    parents = list(organisation.customers.values())[:GROUPS]
    numbers: Iterator[int] = iter(range(len(organisation.customers) + 1, profile.customers + 1))
    for parent in parents:
        for branch in rng.sample(_BRANCHES[profile.country], CHILDREN_PER_GROUP):
            stem, _, suffix = parent.name.rpartition(" ")
            child = _customer(profile, rng, next(numbers), f"{stem} {branch} {suffix}", profile.currency)
            child.parent = parent.key
            child.opted_out = False
            child.email = parent.email
            if profile.system == "quickbooks":
                child.bill_with_parent = True
            else:
                child.email = f"{slug(branch)}@{slug(parent.name)}.example"
            organisation.customers[child.key] = child
