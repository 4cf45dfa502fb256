"""What is looked up all the time is found by an index: PostgreSQL says how many rows the product's statements read.

SQLite counts nothing, so of a lookup that it once planned badly its plan is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Table, case, event, func, insert, literal, select, text
from sqlalchemy.sql import ColumnElement

from connectors.contract import Role
from connectors.intents import PostReceipt
from reconcile.calibrate import History
from runtime.operations.applying.undo import take_back
from runtime.operations.matching import recognise
from runtime.operations.matching.known_payers import learn_payers
from runtime.operations.matching.open_items import open_documents
from runtime.operations.reminding.withdraw import withdraw_reminders
from runtime.operations.systems import tell_history
from runtime.operations.systems.absorb.scope import Scope
from runtime.store import journal, links, queues
from runtime.store import tables as t
from runtime.store.engine import Store
from runtime.store.touch import touch_documents
from tests import postgres
from tests.store.build import NOW, organisations, plain

ROWS = 50_000  # of each table, all of one organisation
WAITING = 20  # of these rows still wait for something
FEW = 1_000  # rows that a statement may read for what a page of a vendor names
ORG = "org"
DOCUMENTS = [f"doc-{number}" for number in range(100, 200)]
NAMES = [f"ext-{number}" for number in range(100, 200)]
_N = func.generate_series(1, ROWS).column_valued("n")


def _named(prefix: str, number: Any = _N) -> ColumnElement[str]:  # noqa: ANN401 - a number of SQL
    return literal(f"{prefix}-").concat(number)


def _waits(state: str, otherwise: str) -> ColumnElement[str]:
    return case((_N <= WAITING, literal(state)), else_=literal(otherwise))


def _fill(db: Connection, table: Table, **own: ColumnElement[Any]) -> None:
    """Insert ROWS rows, the plainest but for `own`."""
    ours = {name: value for name, value in (("organisation_id", ORG), ("currency", "GBP")) if name in table.c}
    same = {name: literal(value, table.c[name].type) for name, value in (plain(table) | ours).items()}
    columns = same | own
    db.execute(insert(table).from_select(list(columns), select(*columns.values())))


@pytest.fixture(scope="module")
def filled(postgres_server: postgres.Server, migrated_template: str) -> Iterator[Store]:
    """One organisation with ROWS rows of everything, counted by PostgreSQL as it does after a while by itself."""
    with postgres_server.database(template=migrated_template) as name:
        store = Store(postgres_server.url(name))
        organisations(store, ORG)
        document, receipt, external = _named("doc"), _named("rcp"), _named("ext")
        posting = literal({"intent": "post_receipt"}, t.outbox.c.intent.type)
        with store.write() as db:
            _fill(db, t.customer, id=_named("cus"))
            whose, status = _named("cus", _N // 10), _waits("open", "paid")
            _fill(db, t.document, id=document, customer_id=whose, kind=literal("invoice"), status=status)
            _fill(db, t.link, system=literal("xero"), kind=literal("document"), external_id=external, local_id=document)
            came = {"id": receipt, "external_id": external, "state": _waits("new", "applied"), "amount_minor": _N}
            _fill(db, t.receipt, payer_account_key=_named("ACC"), payer_name=_named("payer"), **came)
            _fill(db, t.allocation, id=_named("alo"), receipt_id=receipt, document_id=document)
            _fill(db, t.ledger_payment, id=_named("pay"), external_id=external, receipt_id=receipt, amount_minor=_N)
            _fill(db, t.inbox, event_id=external, state=_waits(queues.NEW, queues.DONE))
            _fill(db, t.outbox, key=external, subject=receipt, intent=posting, state=_waits(queues.NEW, queues.DONE))
            _fill(db, t.reminder, id=_named("rem"), state=_waits("planned", "sent"))
            _fill(db, t.reminder_item, reminder_id=_named("rem"), document_id=document, state=_waits("planned", "sent"))
            _fill(db, t.event, subject=document)
            _fill(db, t.problem, id=_named("prb"), subject=receipt, resolved_at=literal(NOW))
        with store.write() as db:
            db.execute(text("ANALYZE"))
        yield store
        store.close()


def _know_payers(db: Connection) -> None:
    learn_payers(db, ORG, History(), [(f"acc - {number}", f"payer-{number}") for number in range(100, 200)])


def _take_back(db: Connection) -> None:
    take_back(db, ORG, "rcp-0", (PostReceipt,), NOW)


def _recorded(db: Connection) -> None:
    row = db.execute(select(t.receipt).where(t.receipt.c.id == "rcp-7")).one()
    recognise._unlinked(db, dict(row._mapping))


LOOKUPS: dict[str, Callable[[Connection], object]] = {
    "notices that are due": lambda db: queues.claim(db, t.inbox, NOW),
    "writes that are due": lambda db: queues.claim(db, t.outbox, NOW),
    "a promised write": lambda db: queues.promised(db, organisation_id=ORG, system="xero", key="ext-7"),
    "the postings of a receipt": _take_back,
    "what a page of a vendor's objects is here": lambda db: links.links_to(db, ORG, "xero", "document", NAMES),
    "what our objects are elsewhere": lambda db: links.links_of(db, ORG, DOCUMENTS),
    "what our objects are in one system": lambda db: links.external_ids(db, ORG, "xero", "document", DOCUMENTS),
    "the documents of a page": lambda db: Scope(db, ORG, "xero", Role.LEDGER, NOW).rows(t.document, DOCUMENTS),
    "documents that changed": lambda db: touch_documents(db, ORG, DOCUMENTS, NOW),
    "reminders of what was paid": lambda db: withdraw_reminders(
        db, organisation_id=ORG, document_ids=DOCUMENTS, why="paid", at=NOW
    ),
    "what happened to an invoice": lambda db: journal.history(db, ORG, DOCUMENTS[:2]),
    "a problem that is settled": lambda db: journal.resolve_problem(
        db, organisation_id=ORG, code="not_posted", subject="rcp-7", at=NOW + timedelta(days=1)
    ),
    "what is open of some invoices": lambda db: open_documents(db, ORG, document_ids=DOCUMENTS),
    "what the ledger records of an amount": _recorded,
    "whom payers paid for before": _know_payers,
    "what the ledger's history is not told yet": lambda db: tell_history._untold(
        db, ORG, "xero", NOW + timedelta(days=1), tell_history.LINES_AT_ONCE
    ),
    "how many lines wait": lambda db: tell_history._waiting(db, ORG, "xero"),
}


@pytest.mark.parametrize("name", LOOKUPS)
def test_what_is_looked_up_all_the_time_reads_few_rows(filled: Store, name: str) -> None:
    read: dict[str, float] = {}

    def note(db: Connection, _cursor: object, statement: str, parameters: Any, *_others: object) -> None:  # noqa: ANN401
        read[statement] = _read(db, statement, parameters)

    with filled.engine.connect() as db, db.begin() as unit_of_work:
        event.listen(db, "before_cursor_execute", note)
        LOOKUPS[name](db)
        unit_of_work.rollback()
    assert read
    assert {statement: rows for statement, rows in read.items() if rows > FEW} == {}


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_payers_are_looked_up_by_whole_keys_where_nothing_was_counted(store: Store) -> None:
    steps: list[str] = []

    def note(db: Connection, _cursor: object, statement: str, parameters: Any, *_others: object) -> None:  # noqa: ANN401
        raw = db.connection.driver_connection
        assert raw is not None
        steps.extend(step for *_, step in raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))

    with store.read() as db:
        event.listen(db, "before_cursor_execute", note)
        _know_payers(db)
    searches = [step for step in steps if step.startswith(("SEARCH", "SCAN")) and step != "SCAN paid"]
    assert len(searches) == 10, "receipts and what belongs to them: of accounts and names, applied and booked"
    assert [step for step in searches if step.endswith("(organisation_id=?)") or step.startswith("SCAN")] == []


def _read(db: Connection, statement: str, parameters: Any) -> float:  # noqa: ANN401 - as the driver takes them
    """How many rows the statement reads from tables and indexes: it is run and taken back again."""
    raw = db.connection.driver_connection
    assert raw is not None
    first = parameters[0] if isinstance(parameters, list) else parameters
    raw.execute("SAVEPOINT before")
    explained = raw.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", first).fetchone()
    raw.execute("ROLLBACK TO SAVEPOINT before")
    return _rows(explained[0][0]["Plan"])


def _rows(plan: dict[str, Any]) -> float:
    here = 0.0
    if plan["Node Type"].endswith("Scan"):
        looked_at = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
        here = sum(plan.get(each, 0) for each in looked_at) * plan["Actual Loops"]
    return here + sum(_rows(below) for below in plan.get("Plans", ()))
