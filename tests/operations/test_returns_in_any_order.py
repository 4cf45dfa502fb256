"""However a bank's lines are cut into files, ordered and repeated, the same goes back."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from runtime.app import App
from runtime.operations.bank_files.import_statement import import_statement
from runtime.operations.matching.match import match_receipts
from runtime.store import tables as t
from tests.operations.camt_lines import UNPAID, camt, line
from tests.web.build import TODAY, Books, running

CAME, WENT = TODAY - timedelta(days=20), TODAY - timedelta(days=3)
OTHER = "DE91100000000123456789"
LINES = (
    line("120.00", reference="C1", on=CAME, end_to_end="COLLECT-0001", text="INV-1001"),
    line("120.00", reference="C2", on=CAME, end_to_end="COLLECT-0002", text="INV-1002"),
    line("75.50", reference="C3", on=CAME, text="INV-1003", account=OTHER, name="BOLT LTD"),
    line("-120.00", reference="D1", on=WENT, end_to_end="COLLECT-0001", code=UNPAID, text="unpaid"),
    line("-75.50", reference="D2", on=WENT, code=UNPAID, text="unpaid", account=OTHER, name="BOLT LTD"),
    line("-8450.00", reference="D3", on=WENT, text="RENT", account="DE11", name="ESTATES"),
    line("-120.00", reference="D4", on=WENT, text="no word of a return"),
)
State = dict[str, list[tuple[object, ...]]]
EXPECTED_DEBITS = {
    ("out", 845_000, None),
    ("returned", 12_000, "INV-1001"),
    ("returned", 7_550, "INV-1003"),
    ("suggested", 12_000, "INV-1002"),
}


def end_state(files: list[list[int]], *, match_between: bool) -> State:
    """What is known after these files (each a list of places in LINES)."""
    with TemporaryDirectory() as folder, running(Path(folder)) as (app, _):
        books = Books(app, "org", "Firm")
        books.customer("acme", "Acme Ltd")
        books.customer("bolt", "Bolt Ltd")
        books.invoice("inv-1001", "acme", late=10, total=12_000)
        books.invoice("inv-1002", "acme", late=10, total=12_000)
        books.invoice("inv-1003", "bolt", late=10, total=7_550)
        for number, places in enumerate(files):
            content = camt(*(LINES[place] for place in places))
            import_statement(app, organisation_id="org", name=f"{number}.xml", content=content)
            if match_between:
                match_receipts(app, "org")
        match_receipts(app, "org")
        return _state(app)


def _state(app: App) -> State:
    questions = {
        "debits": select(t.debit.c.state, t.debit.c.amount_minor, t.receipt.c.remittance).outerjoin(
            t.receipt, t.receipt.c.id == t.debit.c.receipt_id
        ),
        "receipts": select(t.receipt.c.remittance, t.receipt.c.status, t.receipt.c.state),
        "paid": select(t.allocation.c.document_id).where(t.allocation.c.undone_at.is_(None)),
        "held": select(t.hold.c.document_id, t.hold.c.code).where(t.hold.c.released_at.is_(None)),
        "told": select(t.problem.c.subject).where(t.problem.c.code == "payment_returned"),
    }
    with app.store.read() as db:
        return {name: sorted(tuple(row) for row in db.execute(question)) for name, question in questions.items()}


@cache
def whole() -> State:
    return end_state([list(range(len(LINES)))], match_between=True)


def test_all_at_once() -> None:
    state = whole()
    assert set(state["debits"]) == EXPECTED_DEBITS
    assert state["paid"] == [("inv-1002",)]
    assert state["held"] == [("inv-1001", "refund_review"), ("inv-1003", "refund_review")]
    assert len(state["told"]) == 2


@settings(max_examples=12, deadline=None)
@given(order=st.permutations(range(len(LINES))), data=st.data())
def test_in_any_order_and_any_number_of_times(order: list[int], data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(order), max_size=4))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(order) - 1), max_size=3)))
    files = [order[start:end] for start, end in pairwise([0, *cuts, len(order)])] + [[place] for place in again]
    assert end_state(files, match_between=data.draw(st.booleans())) == whole()
