"""Conservation over the real store: whatever is applied, undone and applied again, no penny appears or vanishes."""

from __future__ import annotations

import base64
import tempfile
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy import func, select

from receivables.allocation import Hypothesis
from receivables.money import Money
from runtime.app import App, build
from runtime.operations.applying.apply import HYPOTHESIS, apply_hypothesis
from runtime.operations.bank_files.import_statement import import_statement
from runtime.operations.errors import RefusedError
from runtime.operations.matching.decide import confirm, reject, undo
from runtime.operations.matching.match import match_receipts
from runtime.settings import Settings
from runtime.store import tables as t
from runtime.store.connections import lock_organisation
from tests.databases import migrate
from tests.operations.firm import START, TODAY, money_in, statement
from tests.store.build import organisations, put

INVOICES = {"INV-1001": 12_000, "INV-1002": 7_550, "INV-2001": 30_000, "INV-2002": 12_000}
CREDITS = {"CN-1003": 2_000, "CN-2003": 500}
DOCUMENTS = INVOICES | CREDITS
OWNER = {"INV-1001": "Acme", "INV-1002": "Acme", "INV-2001": "Bolt", "INV-2002": "Bolt"}
OWNER |= {"CN-1003": "Acme", "CN-2003": "Bolt"}

arrivals = st.tuples(
    st.just("arrive"),
    st.lists(st.sampled_from(sorted(DOCUMENTS)), min_size=0, max_size=3, unique=True),
    st.sampled_from([0, 0, 0, -500, 1_000, 1, -240, -2]),  # the last two: a tax withheld of 2 %, and a rounding
)
decisions = st.tuples(st.sampled_from(["confirm", "reject", "undo", "apply again"]), st.integers(0, 7), st.just(0))
stories = st.lists(st.one_of(arrivals, decisions), min_size=3, max_size=12)


class Books:
    """An organisation in a store of its own, without any vendor."""

    def __init__(self, folder: str) -> None:
        key = SecretStr(base64.b64encode(bytes(range(32))).decode())
        address = f"sqlite:///{Path(folder) / 'store.sqlite3'}"
        self.app: App = build(Settings(database_url=address, key=key), clock=lambda: START)
        migrate(self.app.store)
        organisations(self.app.store, "org")
        with self.app.store.write() as db:
            for name in sorted(set(OWNER.values())):
                put(db, t.customer, id=name, organisation_id="org", name=name)
            fees = {"id": "acc", "organisation_id": "org", "handle": "404", "name": "Differences", "purpose": "fees"}
            put(db, t.account, **fees)
            for kind in ("withholding", "discount", "rounding"):
                put(db, t.treatment, organisation_id="org", kind=kind, account="404", tax_code="")
            for number, minor in DOCUMENTS.items():
                put(
                    db,
                    t.document,
                    id=number,
                    organisation_id="org",
                    customer_id=OWNER[number],
                    kind="invoice" if number in INVOICES else "credit_note",
                    number=number,
                    references=[],
                    currency="GBP",
                    total_minor=minor,
                    balance_minor=minor,
                    due_on=TODAY - timedelta(days=9),
                    status="open",
                    sent=True,
                )

    def arrive(self, number: int, names: list[str], more: int) -> None:
        minor = sum(INVOICES.get(name, 0) - CREDITS.get(name, 0) for name in names) + more or 4_200
        payer = OWNER[names[0]] if names else "SOMEBODY"
        line = money_in(f"L{number}", str(Decimal(max(minor, 1)) / 100), payer, " ".join(names))
        import_statement(self.app, organisation_id="org", name=f"{number}.xml", content=statement(line))
        match_receipts(self.app, "org")

    def decide(self, action: str, which: int) -> None:
        receipts = self.all(t.receipt)
        if not receipts:
            return
        receipt = receipts[which % len(receipts)]
        try:
            if action == "apply again":
                self._apply_again(receipt)
            else:
                {"confirm": confirm, "reject": reject, "undo": undo}[action](
                    self.app, organisation_id="org", receipt_id=receipt["id"], actor="dana"
                )
        except RefusedError:
            return

    def _apply_again(self, receipt: dict[str, Any]) -> None:
        """Set an undone receipt against its items once more, as far as they have room."""
        if receipt["state"] != "undone":
            return
        with self.app.store.write() as db:
            lock_organisation(db, "org")
            body = db.execute(select(t.proposal.c.body).where(t.proposal.c.receipt_id == receipt["id"])).scalar_one()
            best: Hypothesis = HYPOTHESIS.validate_python(body["best"])
            if all(
                each.amount.minor <= DOCUMENTS[each.item_id] - self.applied(each.item_id) for each in best.allocations
            ):
                apply_hypothesis(
                    db, receipt=receipt, hypothesis=best, customer_id=body["customer_id"], actor="dana", at=START
                )

    def all(self, table: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - any table
        with self.app.store.read() as db:
            return [dict(row._mapping) for row in db.execute(select(table).order_by(table.c.id))]

    def applied(self, document_id: str) -> int:
        statement = select(func.sum(t.allocation.c.amount_minor)).where(
            t.allocation.c.document_id == document_id, t.allocation.c.undone_at.is_(None)
        )
        with self.app.store.read() as db:
            return db.scalar(statement) or 0

    def check(self) -> None:
        standing = [row for row in self.all(t.allocation) if row["undone_at"] is None]
        residuals = [row for row in self.all(t.residual) if row["undone_at"] is None]
        for receipt in self.all(t.receipt):
            mine = [row for row in standing if row["receipt_id"] == receipt["id"]]
            closed = sum(row["amount_minor"] for row in residuals if row["receipt_id"] == receipt["id"])
            against = sum(-row["amount_minor"] if row["is_credit"] else row["amount_minor"] for row in mine)
            if receipt["state"] == "applied":
                assert receipt["amount_minor"] + closed == against + receipt["unapplied_minor"]
            else:
                assert (mine, closed, receipt["unapplied_minor"]) == ([], 0, 0)
        for number, minor in DOCUMENTS.items():
            assert 0 <= self.applied(number) <= minor
            assert all(row["amount_minor"] > 0 for row in standing)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(stories)
@example([("arrive", ["INV-1001"], 0), ("undo", 0, 0), ("apply again", 0, 0), ("undo", 0, 0), ("apply again", 0, 0)])
@example([("arrive", ["INV-1001", "CN-1003"], 0), ("confirm", 0, 0), ("undo", 0, 0), ("apply again", 0, 0)])
@example([("arrive", ["INV-1001"], -240), ("confirm", 0, 0), ("undo", 0, 0), ("apply again", 0, 0)])
@example([("arrive", ["INV-1001"], 0), ("arrive", ["INV-1001"], 0), ("undo", 0, 0), ("confirm", 1, 0), ("undo", 1, 0)])
def test_no_order_of_applying_undoing_and_applying_again_makes_or_loses_a_penny(
    story: list[tuple[str, Any, int]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        books = Books(folder)
        try:
            for number, (action, what, more) in enumerate(story):
                if action == "arrive":
                    books.arrive(number, what, more)
                else:
                    books.decide(action, what)
                books.check()
        finally:
            books.app.close()


def test_the_check_sees_a_penny_that_is_missing() -> None:
    with tempfile.TemporaryDirectory() as folder:
        books = Books(folder)
        books.arrive(1, ["INV-1001"], 0)
        books.check()
        assert books.applied("INV-1001") == Money.parse("120.00", "GBP").minor
        with books.app.store.write() as db:
            db.execute(t.allocation.update().values(amount_minor=t.allocation.c.amount_minor - 1))
        with pytest.raises(AssertionError):
            books.check()
        books.app.close()
