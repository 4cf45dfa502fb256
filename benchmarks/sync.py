"""`make bench-sync`: the first load of invoices and payments into both stores, beside plain ways in the same run.

Each part runs in a process of its own, on a fresh database, in rounds that take turns; medians are printed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.recorded import record_pages
from runtime.store.engine import Store
from runtime.store.migrate import upgrade
from tests import postgres

PARTS = ("plain", "store", "decode", "whole")
STORES = ("sqlite", "postgresql")
START_SECONDS = 30
PART_SECONDS = 1_800  # far above what a part takes on a busy machine
STORE_SHARE = 0.3  # of a plain COPY or executemany
WHOLE_SHARE = 0.7  # of what the SDK's decoding alone allows

Measured = dict[str, float]


class Bench:
    """A folder of recorded pages, their server, and empty databases to load them into."""

    def __init__(self, folder: Path, api_url: str, server: postgres.Server, template: str) -> None:
        self._folder = folder
        self._api_url = api_url
        self._server = server
        self._template = template
        self._empty = folder / "empty.sqlite3"
        _migrate(f"sqlite:///{self._empty}")
        with self._database("sqlite") as url:
            self._run("prepare", url)

    def measure(self, part: str, store: str) -> Measured:
        """Run one part on a fresh database."""
        with self._database(store) as url:
            measured: Measured = json.loads(self._run(part, url))
        return measured | {"objects_per_second": measured["objects"] / measured["seconds"]}

    def _run(self, part: str, url: str) -> str:
        command = [sys.executable, "-m", "benchmarks.sync_parts", part]
        options = ["--folder", str(self._folder), "--database", url, "--api-url", self._api_url]
        done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=PART_SECONDS, check=False)
        if done.returncode:
            raise SystemExit(f"{part} on {url.split(':', maxsplit=1)[0]} failed:\n{done.stderr[-2_000:]}")
        return done.stdout

    @contextmanager
    def _database(self, store: str) -> Iterator[str]:
        if store == "postgresql":
            with self._server.database(template=self._template) as name:
                yield self._server.url(name)
            return
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            file = shutil.copy(self._empty, Path(folder) / "store.sqlite3")
            yield f"sqlite:///{file}"


@contextmanager
def bench(count: int) -> Iterator[Bench]:
    """Record the pages and serve them, with a migrated PostgreSQL database to copy, while the context lasts."""
    with tempfile.TemporaryDirectory(prefix="truedue-bench-sync-") as text, postgres.server() as server:
        folder = Path(text)
        record_pages(folder, count)
        with server.database() as template, _served(folder) as url:
            _migrate(server.url(template))
            yield Bench(folder, url, server, template)


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.recorded", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield next(iter(process.stdout or ())).strip()
        finally:
            process.terminate()
            process.wait(START_SECONDS)


def _migrate(url: str) -> None:
    store = Store(url)
    upgrade(store)
    store.close()


def run(count: int, rounds: int) -> dict[str, Any]:
    """Measure every part on every store and compare the medians."""
    kept: defaultdict[tuple[str, str], list[Measured]] = defaultdict(list)
    with bench(count) as open_bench:
        for number in range(rounds):
            for store in STORES:
                for part in PARTS:
                    _tell(f"round {number + 1} of {rounds}: {part} {store}")
                    kept[store, part].append(open_bench.measure(part, store))
    stores = {store: {part: _median(kept[store, part]) for part in PARTS} for store in STORES}
    return {"invoices": count, "payments": count, "rounds": rounds, "stores": stores, "shares": _shares(kept)}


def _median(all_rounds: list[Measured]) -> Measured:
    return {name: statistics.median(each[name] for each in all_rounds) for name in all_rounds[0]}


def _shares(kept: dict[tuple[str, str], list[Measured]]) -> dict[str, dict[str, float]]:
    """How our paths compare, by store: each round with itself, so that a slow moment slows both sides."""
    return {
        store: {
            "store_of_plain": _share(kept[store, "plain"], kept[store, "store"]),
            "whole_of_decoding": _share(kept[store, "decode"], kept[store, "whole"]),
        }
        for store in STORES
    }


def _share(reference: list[Measured], ours: list[Measured]) -> float:
    return statistics.median(a["seconds"] / b["seconds"] for a, b in zip(reference, ours, strict=True))


def _tell(text: str) -> None:
    if sys.stderr.isatty():
        print(text, file=sys.stderr)


def _table(result: dict[str, Any]) -> str:
    lines = [f"{'store':<12}{'part':<8}{'objects/s':>11}{'seconds':>9}{'CPU s':>8}{'peak MiB':>10}"]
    for store, parts in result["stores"].items():
        for part, m in parts.items():
            figures = (
                f"{m['objects_per_second']:>11,.0f}{m['seconds']:>9.2f}{m['cpu_seconds']:>8.2f}{m['peak_mib']:>10.0f}"
            )
            lines.append(f"{store:<12}{part:<8}{figures}")
    for store, shares in result["shares"].items():
        lines.append(
            f"{store}: the store's own path at {shares['store_of_plain']:.2f} of plain (at least {STORE_SHARE}), "
            f"the whole at {shares['whole_of_decoding']:.2f} of the SDK's decoding alone (at least {WHOLE_SHARE})"
        )
    return "\n".join(lines)


def main() -> int:
    """Print the table, or with --json the figures; 1 when a share is below what is promised."""
    parser = argparse.ArgumentParser(prog="bench-sync", description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="invoices, and as many payments")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    result = run(given.count, given.rounds)
    print(json.dumps(result) if given.json else _table(result))
    shares = result["shares"].values()
    kept = all(s["store_of_plain"] >= STORE_SHARE and s["whole_of_decoding"] >= WHOLE_SHARE for s in shares)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
