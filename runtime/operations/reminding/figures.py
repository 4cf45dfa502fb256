"""The sums of an organisation's open invoices: what is open by age, what is truly due, what is held and why.

Where an invoice stands takes every fact about it. Of a few hundred that is asked whenever somebody looks; of more, the
sums are counted now and then, by heaps of customers, and kept with the moment at which that began.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import nsmallest
from time import monotonic
from typing import Any

from sqlalchemy import Connection, Row, func, select

from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money
from reminders.holds import HoldCode
from runtime.app import App
from runtime.operations.balances import Owed, owed
from runtime.operations.isolated import isolated
from runtime.operations.views.ageing import BUCKETS, Ageing, bucket
from runtime.operations.views.standing import Standing, standings
from runtime.store import connections
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.rows import upsert

COUNTED_WHEN_ASKED = 500  # open invoices: more are counted ahead
CUSTOMERS_A_HEAP = 500
MAX_HEAPS = 20_000  # ten million customers
LEAST_PAUSE = timedelta(minutes=15)
MAX_RANKED = 200  # customers of each currency, in the order of what is overdue of them: the first to call
PAUSE_FOR_EACH = 20  # times as long as a counting took: it takes a twentieth of one processor at most

Sums = defaultdict[str, int]


@dataclass(frozen=True, slots=True)
class Sum:
    """A number of invoices and what is open on them, by currency, the organisation's own first."""

    count: int
    amounts: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """The sums. `counted_at` is None where they were counted for whoever asked; nothing was counted yet: no `ageing`.

    `held_by_code` counts overdue invoices, one that is held for two reasons under both. `gaps` has a sentence for each
    source whose evidence is too old to remind on.
    """

    ageing: tuple[Ageing, ...]
    truly_due: Sum
    held: Sum
    held_by_code: tuple[tuple[HoldCode, int], ...]
    gaps: tuple[str, ...]
    counted_at: datetime | None = None
    is_counted: bool = True


@dataclass(frozen=True, slots=True)
class Ranks:
    """By currency, the ids of the MAX_RANKED customers of whom most is overdue, the most first.

    `counted_at` and `is_counted` as in Figures.
    """

    customers: Mapping[str, Sequence[str]]
    counted_at: datetime | None = None
    is_counted: bool = True


@dataclass
class Tally:
    """Sums of invoices, one after the other."""

    minor: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0] * len(BUCKETS)))
    counts: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0] * len(BUCKETS)))
    due: Sums = field(default_factory=lambda: defaultdict(int))
    held: Sums = field(default_factory=lambda: defaultdict(int))
    numbers: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    ranks: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    gaps: tuple[str, ...] = ()

    def rank(self, owing: Mapping[str, Sequence[Owed]]) -> None:
        """Add what customers owe, by their ids."""
        found = defaultdict(list, self.ranks)
        for customer_id, every in owing.items():
            for each in every:
                if each.overdue:
                    found[each.overdue.currency].append((-each.overdue.minor, customer_id))
        self.ranks = {currency: nsmallest(MAX_RANKED, those) for currency, those in found.items()}

    def add(self, invoices: Iterable[Standing], gaps: tuple[str, ...]) -> None:
        """Add invoices; `gaps` are the organisation's."""
        self.gaps = gaps or self.gaps
        for each in invoices:
            currency, minor = each.open_amount.currency, each.open_amount.minor
            if minor:
                self.minor[currency][bucket(each.days_overdue)] += minor
                self.counts[currency][bucket(each.days_overdue)] += 1
            if not each.overdue:
                continue
            self.codes.update(hold.code.value for hold in each.holds)
            for name, sums, belongs in (("due", self.due, each.truly_due), ("held", self.held, each.covered)):
                if belongs:
                    self.numbers[name] += 1
                    sums[currency] += minor

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return {
            "minor": dict(self.minor),
            "counts": dict(self.counts),
            "due": dict(self.due),
            "held": dict(self.held),
            "numbers": dict(self.numbers),
            "codes": dict(self.codes),
            "gaps": list(self.gaps),
            "ranks": {currency: [customer_id for _, customer_id in those] for currency, those in self.ranks.items()},
        }


def figures(db: Connection, organisation: Organisation, *, now: datetime) -> Figures:
    """Return the sums: counted now where they are few, else as they were counted last."""
    ids = open_ids(db, organisation.id, limit=COUNTED_WHEN_ASKED + 1)
    if len(ids) <= COUNTED_WHEN_ASKED:
        tally = Tally()
        found = standings(db, organisation, now=now, document_ids=ids)
        tally.add(found.invoices.values(), found.gaps)
        return figures_of(tally.as_json(), organisation.base_currency, None)
    kept = _kept(db, organisation.id)
    if kept is None:
        return Figures((), Sum(0, ()), Sum(0, ()), (), (), is_counted=False)
    return figures_of(kept.body, organisation.base_currency, kept.counted_at)


def most_overdue(db: Connection, organisation: Organisation, *, now: datetime) -> Ranks:
    """Return of whom most is overdue: counted now where few invoices are open, else as it was counted last."""
    ids = open_ids(db, organisation.id, limit=COUNTED_WHEN_ASKED + 1)
    if len(ids) <= COUNTED_WHEN_ASKED:
        tally = Tally()
        mine = (t.document.c.organisation_id == organisation.id) & t.document.c.id.in_(ids)
        customers = db.scalars(select(t.document.c.customer_id).where(mine).distinct()).all()
        tally.rank(owed(db, organisation.id, customers, today=now.astimezone(organisation.zone).date()))
        return Ranks(tally.as_json()["ranks"])
    kept = _kept(db, organisation.id)
    if kept is None or "ranks" not in kept.body:  # what was counted by an earlier version
        return Ranks({}, is_counted=False)
    return Ranks(kept.body["ranks"], kept.counted_at)


def _kept(db: Connection, organisation_id: str) -> Row[Any] | None:
    return db.execute(select(t.open_figures).where(t.open_figures.c.organisation_id == organisation_id)).first()


def open_ids(
    db: Connection, organisation_id: str, *, limit: int | None = None, customer_ids: Collection[str] | None = None
) -> list[str]:
    """Return the ids of open invoices, in no order: at most `limit`, or those of these customers."""
    document = t.document.c
    statement = select(document.id).where(
        document.organisation_id == organisation_id,
        document.status == DocumentStatus.OPEN.value,
        document.kind == DocumentKind.INVOICE.value,
    )
    if customer_ids is not None:
        statement = statement.where(document.customer_id.in_(customer_ids))
    return list(db.scalars(statement.limit(limit)))


def count_figures(app: App, organisation_id: str) -> int:
    """Count the sums of an organisation and keep them; returns of how many invoices."""
    tally, began, started, after, counted = Tally(), app.clock(), monotonic(), "", 0
    customer = t.customer.c
    for _ in range(MAX_HEAPS):
        with app.store.read() as db:
            organisation = connections.organisation(db, organisation_id)
            heap = (customer.organisation_id == organisation_id) & (customer.id > after)
            ids = list(db.scalars(select(customer.id).where(heap).order_by(customer.id).limit(CUSTOMERS_A_HEAP)))
            if organisation is None or not ids:
                break
            documents = open_ids(db, organisation_id, customer_ids=ids)
            found = standings(db, organisation, now=began, document_ids=documents)
            tally.add(found.invoices.values(), found.gaps)
            tally.rank(owed(db, organisation_id, ids, today=began.astimezone(organisation.zone).date()))
            counted, after = counted + len(documents), ids[-1]
    row = {
        "organisation_id": organisation_id,
        "body": tally.as_json(),
        "counted_at": began,
        "took_seconds": round(monotonic() - started),
    }
    with app.store.write() as db:
        upsert(db, t.open_figures, [row], keys=["organisation_id"])
    return counted


def count_due_figures(app: App) -> int:
    """Count the sums of every organisation of which they are kept and old. Returns of how many organisations."""
    with app.store.read() as db:
        due = [each.id for each in connections.organisations(db) if _is_due(db, each.id, app.clock())]
    counted = 0
    for organisation_id in due:
        with isolated(app, organisation_id, "counting"), app.turns.take(f"count {organisation_id}") as is_ours:
            if is_ours:
                count_figures(app, organisation_id)
                counted += 1
    return counted


def _is_due(db: Connection, organisation_id: str, now: datetime) -> bool:
    kept = t.open_figures.c
    row = db.execute(select(kept.counted_at, kept.took_seconds).where(kept.organisation_id == organisation_id)).first()
    if row is not None:
        pause = max(LEAST_PAUSE, timedelta(seconds=PAUSE_FOR_EACH * row.took_seconds))
        if now < row.counted_at + pause:
            return False
    few = select(1).where(
        t.document.c.organisation_id == organisation_id, t.document.c.status == DocumentStatus.OPEN.value
    )
    looked_at = few.limit(COUNTED_WHEN_ASKED + 1).subquery()
    return (db.scalar(select(func.count()).select_from(looked_at)) or 0) > COUNTED_WHEN_ASKED


def figures_of(kept: dict[str, Any], home: str, counted_at: datetime | None) -> Figures:
    """Return the sums of a tally as it is kept; `home` is the organisation's own currency, which comes first."""

    def home_first(currencies: Iterable[str]) -> list[str]:
        return sorted(currencies, key=lambda code: (code != home, code))

    def summed(name: str) -> Sum:
        amounts = tuple(Money(kept[name][code], code) for code in home_first(kept[name]))
        return Sum(kept["numbers"].get(name, 0), amounts)

    return Figures(
        ageing=tuple(
            Ageing(code, tuple(Money(minor, code) for minor in kept["minor"][code]), tuple(kept["counts"][code]))
            for code in home_first(kept["minor"])
        ),
        truly_due=summed("due"),
        held=summed("held"),
        held_by_code=tuple((code, kept["codes"][code.value]) for code in HoldCode if kept["codes"].get(code.value)),
        gaps=tuple(kept["gaps"]),
        counted_at=counted_at,
    )
