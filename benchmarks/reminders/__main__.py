"""`make bench-reminders`: what planning a day costs, by how much is open, on both stores.

Each measurement is a process of its own, for its peak memory, on a fresh copy of a database that was filled once. Times
are of the process's own CPU, because the cores are shared; PostgreSQL's own work is beside them, in the seconds. With
--write the table goes into docs/reminders.md.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from runtime.store.engine import Store
from runtime.store.migrate import upgrade
from tests import postgres

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reminders.md"
BEGIN, END = "<!-- figures: made by `make bench-reminders` -->", "<!-- end of figures -->"
PART_SECONDS = 3_600  # far above what a part takes on a busy machine
STORES = ("sqlite", "postgresql")
MOST_SECONDS, MOST_MIB = 60, 1_024  # a day of a million open items
MILLION = 1_000_000

Row = dict[str, Any]


def _run(part: str, url: str, *options: str) -> str:
    command = [sys.executable, "-m", "benchmarks.reminders.parts", part, "--database", url, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PART_SECONDS, check=False)
    if done.returncode:
        raise SystemExit(f"{part} on {url.split(':', maxsplit=1)[0]} failed:\n{done.stderr[-2_000:]}")
    return done.stdout


def _migrate(url: str) -> None:
    store = Store(url)
    upgrade(store)
    store.close()


@contextmanager
def _sqlite(count: int) -> Iterator[Generator[str]]:
    with tempfile.TemporaryDirectory(prefix="truedue-bench-reminders-") as text:
        filled = Path(text) / "filled.sqlite3"
        _migrate(f"sqlite:///{filled}")
        _run("fill", f"sqlite:///{filled}", "--count", str(count))

        def copies() -> Generator[str]:
            while True:
                copy = shutil.copy(filled, Path(text) / "copy.sqlite3")
                yield f"sqlite:///{copy}"
                for file in Path(text).glob("copy.sqlite3*"):
                    file.unlink()

        yield copies()


@contextmanager
def _postgresql(count: int) -> Iterator[Generator[str]]:
    with postgres.server() as server, server.database() as filled:
        _migrate(server.url(filled))
        _run("fill", server.url(filled), "--count", str(count))

        def copies() -> Generator[str]:
            while True:
                with server.database(template=filled) as name:
                    yield server.url(name)

        yield copies()


def measure(store: str, count: int, rounds: int) -> list[Row]:
    """Return the medians of each step."""
    with {"sqlite": _sqlite, "postgresql": _postgresql}[store](count) as copies, closing(copies):
        runs: list[list[Row]] = [json.loads(_run("measure", next(copies))) for _ in range(rounds)]
    return [_median(store, count, [run[place] for run in runs]) for place in range(len(runs[0]))]


def _median(store: str, count: int, rows: list[Row]) -> Row:
    figures = {name: statistics.median(row[name] for row in rows) for name in rows[0] if name != "what"}
    return {"store": store, "open": count, "what": rows[0]["what"], **figures}


def table(rows: list[Row]) -> str:
    """Return the figures as they stand in the page: times beside those of planning everything."""
    lines = [
        "| store | open invoices | planning | weighed | messages | CPU | of everything | wall clock | peak |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    whole = 1.0
    for row in rows:
        whole = row["cpu_seconds"] if row["what"].startswith("everything") else whole
        lines.append(
            f"| {row['store']} | {row['open']:,} | {row['what']} | {row['weighed']:,.0f} | {row['messages']:,.0f} "
            f"| {row['cpu_seconds']:.2f} s | {row['cpu_seconds'] / whole:.1%} | {row['seconds']:.2f} s "
            f"| {row['peak_mib']:.0f} MiB |"
        )
    return "\n".join(lines)


def _write(text: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def main() -> int:
    """Print the table, or with --json the figures; 1 when a million items take more than is promised."""
    parser = argparse.ArgumentParser(prog="bench-reminders", description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=[100_000, MILLION])
    parser.add_argument("--stores", nargs="+", choices=STORES, default=STORES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", action="store_true", help="put the table into docs/reminders.md")
    given = parser.parse_args()
    rows = [row for store in given.stores for count in given.counts for row in measure(store, count, given.rounds)]
    print(json.dumps(rows) if given.json else table(rows))
    if given.write:
        _write(table(rows))
    large = [row for row in rows if row["open"] >= MILLION]
    kept = all(row["cpu_seconds"] <= MOST_SECONDS and row["peak_mib"] <= MOST_MIB for row in large)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
