"""An index that is kept answers like one built afresh, whatever changed meanwhile and whoever changed it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from sqlalchemy import Connection, Table, delete, func, select, update

from receivables.money import Money
from receivables.receipt import Receipt
from reconcile.match import propose
from runtime import kept_indexes
from runtime.kept_indexes import KeptIndex, KeptIndexes
from runtime.store import tables as t
from runtime.store.engine import Store
from tests.store.build import organisations, put

NOW = datetime(2026, 3, 10, 10, 0, tzinfo=UTC)
ORGANISATION = "org"
NAMES = ("Harbour Supplies Ltd", "Quarry Tools GmbH", "Bay Street Dental", "Harbour Supply", "Nordic Foods AB", "")
AMOUNTS = (49_00, 49_00, 99_00, 120_50, 250_00, 1_000_00)
CUSTOMERS = tuple(f"c{at}" for at in range(6))
DOCUMENTS = tuple(f"d{at:02}" for at in range(30))
STEPS = 40


class _Company:
    """Changes a company's documents, customers and applications as other workers would, at random."""

    def __init__(self, db: Connection, random: Random) -> None:
        self._db = db
        self._random = random
        for at, customer in enumerate(CUSTOMERS):
            put(db, t.customer, id=customer, organisation_id=ORGANISATION, name=NAMES[at])
        for document in DOCUMENTS[::2]:
            self._write(document)
        put(db, t.receipt, id="r", organisation_id=ORGANISATION, external_id="x")

    def change(self) -> None:
        choose = self._random.choice
        ways: tuple[Callable[[], object], ...] = (
            lambda: self._write(choose(DOCUMENTS)),
            lambda: self._set(t.document, choose(DOCUMENTS), status=choose(["open", "open", "paid", "void", "draft"])),
            lambda: self._set(t.document, choose(DOCUMENTS), balance_minor=choose(AMOUNTS)),
            lambda: self._set(t.document, choose(DOCUMENTS), customer_id=choose(CUSTOMERS)),
            lambda: self._set(t.document, choose(DOCUMENTS), references=[f"PO-{choose('12')}5500"]),
            lambda: self._set(t.document, choose(DOCUMENTS), issued_on=choose([date(2024, 1, 1), date(2026, 1, 5)])),
            lambda: self._set(t.document, choose(DOCUMENTS), read_at=NOW + timedelta(days=choose([-2, 0, 2]))),
            lambda: self._set(t.customer, choose(CUSTOMERS), name=choose(NAMES[:5])),
            lambda: self._set(t.customer, choose(CUSTOMERS), parent_id=choose([None, *CUSTOMERS])),
            self._apply,
            lambda: self._on_allocations(undone_at=choose([None, NOW])),
            lambda: self._on_allocations(posted_at=choose([None, NOW])),
            lambda: self._db.execute(delete(t.document).where(t.document.c.id == choose(DOCUMENTS))),
        )
        choose(ways)()

    def _write(self, document: str) -> None:
        choose, number = self._random.choice, self._random.randrange(1001, 1040)
        self._db.execute(delete(t.document).where(t.document.c.id == document))
        total = choose(AMOUNTS)
        put(
            self._db, t.document, id=document, organisation_id=ORGANISATION, customer_id=choose(CUSTOMERS),
            kind=choose(["invoice", "invoice", "invoice", "credit_note"]), number=f"INV-{number}", references=[],
            currency=choose(["EUR", "EUR", "USD"]), total_minor=total, balance_minor=total, status="open",
            issued_on=date(2026, 1, 5), due_on=date(2026, 2, self._random.randrange(1, 28)), read_at=NOW,
        )  # fmt: skip

    def _set(self, table: Table, key: str, **values: object) -> None:
        self._db.execute(update(table).where(table.c.id == key).values(**values))

    def _apply(self) -> None:
        document = self._db.execute(select(t.document).order_by(t.document.c.id)).first()
        count = self._db.scalar(select(func.count()).select_from(t.allocation))
        if document is not None:
            put(
                self._db, t.allocation, id=f"a{count}", organisation_id=ORGANISATION, receipt_id="r",
                document_id=document.id, currency=document.currency, amount_minor=document.balance_minor,
            )  # fmt: skip

    def _on_allocations(self, **values: object) -> None:
        self._db.execute(update(t.allocation).values(**values))


def _money() -> list[Receipt]:
    texts = ("", "INV-1007", "INV-1011 1012", "INV-1O13", "PO-15500", "INV-1002, INV-1020", "10115", "1021/22")
    return [
        Receipt(f"R{at}{name}", NOW.date(), Money(AMOUNTS[at % len(AMOUNTS)], "EUR"), name, "", text)
        for at, text in enumerate(texts)
        for name in (*NAMES, "Harbor Supplies")
    ]


def _answers(kept: KeptIndex) -> object:
    index = kept.index
    return (
        [index.get(document) for document in DOCUMENTS],
        [index.closed_item(document) for document in DOCUMENTS],
        len(index),
        propose(index=index, receipts=_money(), as_of=NOW.date()),
    )


@pytest.mark.parametrize("seed", range(4))
def test_a_kept_index_answers_like_a_fresh_one_after_any_changes(store: Store, seed: int) -> None:
    _answers_like_a_fresh_one(store, seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4, 24))
def test_a_kept_index_answers_like_a_fresh_one_after_many_more_changes(store: Store, seed: int) -> None:
    _answers_like_a_fresh_one(store, seed)


def _answers_like_a_fresh_one(store: Store, seed: int) -> None:
    organisations(store, ORGANISATION)
    random, indexes, now = Random(seed), KeptIndexes(), NOW  # noqa: S311 - a repeatable draw, no secret
    with store.write() as db:
        company = _Company(db, random)
        for _ in range(STEPS):
            for _ in range(random.randrange(4)):
                company.change()
            now += timedelta(days=random.choice([0, 0, 30]))
            kept = indexes.up_to_date(db, ORGANISATION, now)
            assert _answers(kept) == _answers(KeptIndexes().up_to_date(db, ORGANISATION, now))
            if random.random() < 0.3:  # applied in this run, and perhaps rolled back or undone before the next
                item = random.choice(DOCUMENTS)
                kept.doubt(item)
                kept.index.remove(item)


def test_what_is_kept_in_all_is_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    organisations(store, ORGANISATION, "other")
    monkeypatch.setattr(kept_indexes, "MAX_KEPT_DOCUMENTS", 10)
    indexes = KeptIndexes()
    with store.write() as db:
        _Company(db, Random(1))  # noqa: S311
        big = indexes.up_to_date(db, ORGANISATION, NOW)
        assert indexes.up_to_date(db, ORGANISATION, NOW) is big, "whoever was asked for last stays, however large"
        indexes.up_to_date(db, "other", NOW)
        assert indexes.up_to_date(db, ORGANISATION, NOW) is not big
