"""Matching learns from what people confirm, reject and undo: it begins by asking, applies by itself, and asks again."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from reconcile.calibrate import History
from runtime.app import App, build
from runtime.operations.bank_files.import_statement import import_statement
from runtime.operations.matching.decide import confirm, reject, undo
from runtime.operations.matching.experience import STOOD, count_cases, describe
from runtime.operations.matching.match import match_receipts
from runtime.store import tables as t
from sandbox.world.statement import Line
from tests.databases import migrate
from tests.operations.firm import CURRENCY, TODAY, settings_for, statement
from tests.store.build import organisations, plain

NOW = datetime(2026, 3, 10, 10, 0, tzinfo=UTC)
CONFIRMED = 600  # 538 without an error are needed for a lower bound of 99.5 %
CENTS = 7_919  # no two amounts of the first thousand customers are the same
OURS, OTHERS = "ours", "others"


class Office:
    """Two organisations of one installation, with a ledger's documents in the store and no vendor connected."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.now = NOW

    def customers(self, organisation_id: str, count: int) -> None:
        """Give the organisation so many customers with two invoices each."""
        people = [
            plain(t.customer) | {"id": f"{organisation_id}-{at}", "organisation_id": organisation_id, "name": _name(at)}
            for at in range(count)
        ]
        documents = [
            plain(t.document)
            | {
                "id": f"{organisation_id}-{at}-{copy}",
                "organisation_id": organisation_id,
                "customer_id": f"{organisation_id}-{at}",
                "kind": "invoice",
                "number": _number(at, copy),
                "references": [],
                "currency": CURRENCY,
                "total_minor": _cents(at, copy),
                "balance_minor": _cents(at, copy),
                "issued_on": date(2026, 1, 5),
                "due_on": date(2026, 2, 1 + at % 20),
                "status": "open",
            }
            for at in range(count)
            for copy in (1, 2)
        ]
        with self.app.store.write() as db:
            db.execute(insert(t.customer), people)
            db.execute(insert(t.document), documents)

    def paid(self, organisation_id: str, customers: Sequence[int], *, named: bool = False) -> dict[int, str]:
        """Import money of these customers for the first invoice of each, and match it; `named`: it says which."""

        lines = [
            Line(
                TODAY,
                Decimal(_cents(at, 1)) / 100,
                _name(at),
                f"DE{at:020d}",
                _number(at, 1) if named else "thank you",
                f"L{at}",
            )
            for at in customers
        ]
        name = f"{organisation_id} {customers[0]}.xml"
        import_statement(self.app, organisation_id=organisation_id, name=name, content=statement(*lines))
        match_receipts(self.app, organisation_id)
        with self.app.store.read() as db:
            mine = t.receipt.c.organisation_id == organisation_id
            found = {row.amount_minor: row.id for row in db.execute(select(t.receipt).where(mine))}
        return {at: found[_cents(at, 1)] for at in customers}

    def states(self, organisation_id: str, customers: Sequence[int]) -> list[str]:
        """What becomes of money of these customers."""
        return [self.state(receipt_id) for receipt_id in self.paid(organisation_id, customers).values()]

    def waiting(self, organisation_id: str) -> list[str]:
        with self.app.store.read() as db:
            mine = (t.receipt.c.organisation_id == organisation_id) & (t.receipt.c.state == "suggested")
            return list(db.scalars(select(t.receipt.c.id).where(mine)))

    def state(self, receipt_id: str) -> str:
        with self.app.store.read() as db:
            return str(db.scalar(select(t.receipt.c.state).where(t.receipt.c.id == receipt_id)))

    def history(self, organisation_id: str, *, after: timedelta = timedelta(0)) -> History:
        history = History()
        with self.app.store.read() as db:
            count_cases(db, organisation_id, history, self.now + after)
        return history

    def said(self, organisation_id: str) -> str:
        with self.app.store.read() as db:
            return describe(db, organisation_id, self.now)


def _number(at: int, copy: int) -> str:
    return f"INV-{copy}{100_000 + at}"


def _name(at: int) -> str:
    return f"{('Adler', 'Boyd', 'Costa', 'Diaz', 'Ebert')[at % 5]} {at * 37 % 1000:03} Works"


def _cents(at: int, copy: int) -> int:
    return 100_00 + at * CENTS % 9_999_991 + copy


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    key = b64encode(b"k" * 32).decode()
    settings = settings_for({}, database_url=f"sqlite:///{tmp_path}/store.sqlite3", key=key)
    app = build(settings, clock=lambda: NOW)
    migrate(app.store)
    organisations(app.store, OURS, OTHERS)
    yield Office(app)
    app.close()


def test_matching_asks_until_its_answers_have_proved_right_and_again_once_they_are_undone(office: Office) -> None:
    office.customers(OURS, CONFIRMED + 100)
    office.customers(OTHERS, 700)
    for receipt_id in office.paid(OURS, range(CONFIRMED - 100)).values():
        assert office.state(receipt_id) == "suggested"
        confirm(office.app, organisation_id=OURS, receipt_id=receipt_id, actor="ann")
    assert set(office.states(OURS, range(CONFIRMED - 100, CONFIRMED))) == {"suggested"}, "500 are too few"
    for receipt_id in office.waiting(OURS):
        confirm(office.app, organisation_id=OURS, receipt_id=receipt_id, actor="ann")
    applied = office.paid(OURS, range(CONFIRMED, CONFIRMED + 3))
    assert {office.state(receipt_id) for receipt_id in applied.values()} == {"applied"}
    assert office.said(OURS) == "applies proof and chances from 99.9 % on: 600 matches looked at, 0 of them wrong"

    assert office.states(OTHERS, [CONFIRMED]) == ["suggested"], "nobody else's experience counts"
    assert office.said(OTHERS) == "applies proof only: 0 matches looked at, 0 of them wrong"

    for receipt_id in applied.values():
        undo(office.app, organisation_id=OURS, receipt_id=receipt_id, actor="ann")
    assert office.states(OURS, [CONFIRMED + 3]) == ["suggested"]
    assert office.said(OURS) == "applies proof only: 603 matches looked at, 3 of them wrong"


def test_the_last_word_on_a_match_is_what_counts(office: Office) -> None:
    office.customers(OURS, 20)
    first, second, third = office.paid(OURS, range(3)).values()
    confirm(office.app, organisation_id=OURS, receipt_id=first, actor="ann")
    reject(office.app, organisation_id=OURS, receipt_id=second, actor="bob")
    confirm(office.app, organisation_id=OURS, receipt_id=third, actor="ann")
    undo(office.app, organisation_id=OURS, receipt_id=third, actor="bob")
    with office.app.store.read() as db:
        kept = {row.receipt_id: (row.word, row.said_by, row.said_at) for row in db.execute(select(t.past_case))}
    assert kept == {first: ("confirmed", "ann", NOW), second: ("rejected", "bob", NOW), third: ("undone", "bob", NOW)}
    (band,) = office.history(OURS).scores.values()
    assert (band.right, band.count) == (1, 3)


def test_what_was_applied_by_itself_proves_nothing_before_it_stood(office: Office) -> None:
    office.customers(OURS, 20)
    first, second = office.paid(OURS, [0, 1], named=True).values()
    assert (office.state(first), office.state(second)) == ("applied", "applied")
    history = office.history(OURS)
    assert (history.scores, [(own.right, own.count) for own in history.classes.values()]) == ({}, [(2, 2)])
    undo(office.app, organisation_id=OURS, receipt_id=second, actor="ann")
    assert [(band.right, band.count) for band in office.history(OURS).scores.values()] == [(0, 1)]
    later = office.history(OURS, after=STOOD + timedelta(seconds=1))
    assert [(band.right, band.count) for band in later.scores.values()] == [(1, 2)]


def test_money_that_went_back_says_nothing_against_what_it_paid(office: Office) -> None:
    office.customers(OURS, 20)
    (paid,) = office.paid(OURS, [0], named=True).values()
    with office.app.store.write() as db:
        db.execute(update(t.receipt).where(t.receipt.c.id == paid).values(status="refunded"))
    undo(office.app, organisation_id=OURS, receipt_id=paid, actor="ann")
    assert [(own.right, own.count) for own in office.history(OURS).classes.values()] == [(1, 1)]


def test_proof_that_people_undo_is_asked_about(office: Office) -> None:
    office.customers(OURS, 40)
    for receipt_id in office.paid(OURS, range(3), named=True).values():
        undo(office.app, organisation_id=OURS, receipt_id=receipt_id, actor="ann")
    (again,) = office.paid(OURS, [3], named=True).values()
    assert office.state(again) == "suggested"
    assert "asks again about 1 kind(s) of evidence" in office.said(OURS)
