"""A process is killed at random moments and started again: each payment stands once, and no penny is lost."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from multiprocessing.context import ForkServerContext
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import func, select

from connectors.contract import Role
from connectors.records import Kind
from receivables.money import Money
from runtime.store import queues
from runtime.store import tables as t
from tests.operations.firm import Firm, money_in, open_firm, statement
from tests.operations.killed import WRONGLY_PAID, live

FILES, LINES_A_FILE = 12, 4
KILLS, LATEST_KILL_SECONDS = 8, 0.6
QUIET_SECONDS = 0.1  # a killed process's last call has ended at the stand-in by then
PATIENCE_SECONDS = 60.0
LONG_SEEDS = 12


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Processes that begin with everything imported: most of their lives is work."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.operations.killed", "runtime.vendors", "connectors.ledgers.quickbooks"])
    return context


@contextmanager
def _firm(folder: Path, database: str | None) -> Iterator[Firm]:
    with open_firm(folder, "quickbooks", database_url=database) as firm:
        for number in range(FILES * LINES_A_FILE):
            firm.invoice("Acme", f"INV-{1000 + number}", _amount(number))
        firm.connect("quickbooks", firm.ledger.account)
        firm.poll()
        firm.work()
        yield firm


def _amount(number: int) -> str:
    return f"{100 + number}.{number:02}"


def _is_wrong(number: int) -> bool:
    return number % LINES_A_FILE == 1


def _write_files(folder: Path) -> None:
    folder.mkdir()
    for file in range(FILES):
        numbers = range(file * LINES_A_FILE, (file + 1) * LINES_A_FILE)
        lines = [
            money_in(f"L{n}", _amount(n), "ACME", f"INV-{1000 + n}{' ' + WRONGLY_PAID if _is_wrong(n) else ''}")
            for n in numbers
        ]
        (folder / f"{file:02}.xml").write_bytes(statement(*lines))


def _killed_until_done(firm: Firm, processes: ForkServerContext, files: Path, rng: Random) -> None:
    """Kill the process KILLS times, each time a random while after it began; then let it come to an end."""
    for kill in range(KILLS + 1):
        begun = processes.Event()
        process = processes.Process(target=live, args=(firm.app.settings, firm.time, firm.id, files, begun))
        process.start()
        assert begun.wait(PATIENCE_SECONDS)
        if kill == KILLS:
            process.join(PATIENCE_SECONDS)
            assert process.exitcode == 0
            return
        process.join(rng.uniform(0.0, LATEST_KILL_SECONDS))
        process.kill()
        process.join()
        time.sleep(QUIET_SECONDS)
        firm.time.advance(seconds=queues.LEASE.total_seconds())  # what it had claimed is free again
        _refresh(firm)


def _refresh(firm: Firm) -> None:
    """Have fresh tokens at hand: refreshing them is tried elsewhere, and one that is lost needs a person."""
    ledger = firm.app.vendors.connector(firm.connection(Role.LEDGER))
    ledger.fetch(Kind.INVOICE, [firm.ledger.ids["INV-1000"]])


def _judge(firm: Firm) -> None:
    numbers = range(FILES * LINES_A_FILE)
    kept = [Decimal(_amount(number)) for number in numbers if not _is_wrong(number)]
    assert firm.ledger.payments() == sorted(kept)
    opened = {f"INV-{1000 + n}": Decimal(_amount(n)) if _is_wrong(n) else Decimal(0) for n in numbers}
    assert {number: firm.ledger.balance(number) for number in opened} == opened
    assert {row.state for row in firm.rows(t.outbox)} <= {queues.DONE, queues.SUPERSEDED}
    assert {row.state for row in firm.rows(t.inbox)} <= {queues.DONE}
    receipts = {row.id: row for row in firm.rows(t.receipt)}
    assert len(receipts) == len(numbers)
    mine = t.allocation.c.undone_at.is_(None)
    applied = select(t.allocation.c.receipt_id, func.sum(t.allocation.c.amount_minor)).where(mine)
    with firm.app.store.read() as db:
        standing = {row[0]: row[1] for row in db.execute(applied.group_by(t.allocation.c.receipt_id))}
    for row in receipts.values():
        is_kept = WRONGLY_PAID not in row.remittance
        assert standing.get(row.id, 0) + row.unapplied_minor == (row.amount_minor if is_kept else 0)
    assert sum(standing.values()) == sum(Money.parse(str(each), "GBP").minor for each in kept)
    assert firm.problems() == []
    assert firm.writes_at_rest() == []


def _play(folder: Path, database: str | None, processes: ForkServerContext, seed: int) -> None:
    print(f"the moments come from seed {seed}")  # noqa: T201 - shown when the test fails
    with _firm(folder, database) as firm:
        files = folder / "files"
        _write_files(files)
        _killed_until_done(firm, processes, files, Random(seed))  # noqa: S311 - moments, no secret
        firm.time.advance(seconds=2 * queues.LEASE.total_seconds())
        firm.settle()
        _judge(firm)


def test_killed_at_random_moments_it_pays_each_invoice_once(
    tmp_path: Path, database: str | None, processes: ForkServerContext
) -> None:
    _play(tmp_path, database, processes, seed=1)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 2 + LONG_SEEDS))
def test_killed_at_many_random_moments_it_pays_each_invoice_once(
    tmp_path: Path, database: str | None, processes: ForkServerContext, seed: int
) -> None:
    _play(tmp_path, database, processes, seed=seed)
