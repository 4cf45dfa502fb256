"""`make bench-web`: the pages that a large business opens, beside `GET /healthz` and beside their own queries run bare.

A page's queries are noted once, and then run as they are on a connection of their own. Page, bare queries and /healthz
take turns, so that a busy moment of the machine meets all of them. With --write the table goes into docs/web.md. Exit 1
when, with a million open invoices, a page takes more at p99 than AIM times what /healthz and its queries take together.
"""

from __future__ import annotations

import argparse
import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import uvicorn
from pydantic import SecretStr
from sqlalchemy import event

from benchmarks.web_world import INVOICES_A_CUSTOMER, NOW, ORGANISATION, fill
from runtime.app import App, build
from runtime.long_lived import keep_long_lived
from runtime.operations.reminding.figures import count_figures
from runtime.settings import Settings
from runtime.store.engine import Store
from runtime.store.migrate import upgrade
from runtime.web.application import create_web
from tests import postgres
from tests.web.serving import serving

PAGE = Path(__file__).resolve().parents[1] / "docs" / "web.md"
BEGIN, END = "<!-- figures: made by `make bench-web` -->", "<!-- end of figures -->"
KEY = "dHJ1ZWR1ZSBiZW5jaG1hcmsga2V5IDMyIGJ5dGVzISE="
MILLION, AIM = 1_000_000, 5.0
MOST_COUNTED = 100_000  # open invoices whose sums are counted here too: a million take minutes
START_SECONDS, REQUEST_SECONDS = 60.0, 120.0
PAYERS = 40  # whose pages are opened in turn
WARM_UP = 5
HEALTH = "/healthz"
KINDS = ("page", "health", "bare")

Row = dict[str, Any]
Queries = list[tuple[str, Any]]


def _clock() -> Any:  # noqa: ANN401 - an instant
    return NOW


def _app(url: str) -> App:
    return build(Settings(database_url=url, key=SecretStr(KEY)), clock=_clock)


def serve(url: str) -> None:
    """Serve the product on a free port, which is the first line on stdout, until killed."""
    app = _app(url)
    config = uvicorn.Config(
        create_web(app), log_level="error", lifespan="off", access_log=False, timeout_keep_alive=600
    )
    keep_long_lived()  # as `truedue serve` does
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    uvicorn.Server(config).run(sockets=[listener])


def pages(app: App, count: int) -> dict[str, list[str]]:
    """The addresses that are opened in turn, by page."""
    links = app.portal_links()
    customers = count // INVOICES_A_CUSTOMER
    chosen = [f"cus-{number * 7919 % customers}" for number in range(PAYERS)]
    return {
        "a payer's page": [f"/p/{links.link(ORGANISATION, customer)}" for customer in chosen],
        "overview": [f"/o/{ORGANISATION}"],
        "review queue": [f"/o/{ORGANISATION}/review"],
        "choosing invoices": [
            f"/o/{ORGANISATION}/receipts/rcp-{number}/choose?pay=doc-{number}&amount=10.00&pay=doc-{number + PAYERS}"
            for number in range(PAYERS)
        ],
        "invoices": [f"/o/{ORGANISATION}/invoices"],
        "customers": [f"/o/{ORGANISATION}/customers"],
        "customers by name": [f"/o/{ORGANISATION}/customers?sort=name"],
        "a customer searched": [f"/o/{ORGANISATION}/customers?sort=name&q={customer}" for customer in chosen],
    }


def noted(app: App, here: str, address: str) -> Queries:
    """Return what a page of the product served at `here` asks the database, statement by statement."""
    found: Queries = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:  # noqa: ANN401 - SQLAlchemy's
        found.append((statement, parameters))

    event.listen(app.store.engine, "before_cursor_execute", note)
    try:
        httpx.get(f"{here}{address}", timeout=REQUEST_SECONDS).raise_for_status()
    finally:
        event.remove(app.store.engine, "before_cursor_execute", note)
    return found


def _took(what: Callable[[], object]) -> float:
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


def _percentile(seconds: list[float], share: float) -> float:
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def measure(url: str, count: int, requests: int) -> list[Row]:
    """Open each page `requests` times; return a row a page."""
    app = _app(url)
    rows = []
    with serving(app) as here:
        opened = pages(app, count)
        asked = {name: [noted(app, here, each) for each in addresses] for name, addresses in opened.items()}
    with _served(url) as port, psycopg.connect(url, options="-c truedue.organisation=* -c timezone=UTC") as bare:
        server = http.client.HTTPConnection("127.0.0.1", port, timeout=REQUEST_SECONDS)

        def get(address: str) -> bytes:
            server.request("GET", address)
            answer = server.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise SystemExit(f"{address} answered {answer.status}")
            return body

        def run(queries: Queries) -> None:
            for statement, parameters in queries:
                cursor = bare.execute(statement, parameters)
                if cursor.description:
                    cursor.fetchall()

        for name, addresses in opened.items():
            queries = asked[name]
            times: dict[str, list[float]] = {"page": [], "health": [], "bare": []}
            for number in range(-WARM_UP, requests):
                place = number % len(addresses)
                taken = {
                    "page": _took(lambda at=addresses[place]: get(at)),  # type: ignore[misc]
                    "health": _took(lambda: get(HEALTH)),
                    "bare": _took(lambda these=queries[place]: run(these)),  # type: ignore[misc]
                }
                for kind, seconds in taken.items() if number >= 0 else ():
                    times[kind].append(seconds)
            rows.append(_row(count, name, len(queries[0]), times))
    app.close()
    return rows


def _row(count: int, name: str, statements: int, times: dict[str, list[float]]) -> Row:
    row: Row = {"open": count, "page": name, "statements": statements, "requests": len(times["page"])}
    for kind, seconds in times.items():
        row[f"{kind}_p50"], row[f"{kind}_p99"] = _percentile(seconds, 0.5), _percentile(seconds, 0.99)
    for share in ("p50", "p99"):
        row[f"ratio_{share}"] = row[f"page_{share}"] / (row[f"health_{share}"] + row[f"bare_{share}"])
    return row


@contextmanager
def _served(url: str) -> Iterator[int]:
    command = [sys.executable, "-m", "benchmarks.web", "--serve", url]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        port = int(process.stdout.readline()) if process.stdout else 0
        deadline = time.monotonic() + START_SECONDS
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("the server did not start")
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(START_SECONDS)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def table(rows: list[Row]) -> str:
    """Return the figures as they stand in the page, in milliseconds."""
    lines = [
        "| open invoices | page | page p50 | page p99 | `/healthz` p50 | p99 | its queries bare p50 | p99 | queries "
        "| page ÷ (healthz + bare) p50 | p99 |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        times = [f"{row[f'{kind}_{share}'] * 1_000:.1f} ms" for kind in KINDS for share in ("p50", "p99")]
        shown = " | ".join(times)
        ratios = f"{row['ratio_p50']:.1f} | {row['ratio_p99']:.1f}"
        lines.append(f"| {row['open']:,} | {row['page']} | {shown} | {row['statements']} | {ratios} |")
    return "\n".join(lines)


def _write(text: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def _filled(count: int, requests: int) -> list[Row]:
    with postgres.server() as server, server.database() as name:
        url = server.url(name)
        store = Store(url)
        upgrade(store)
        store.close()
        seconds = _took(lambda: fill(url, count))
        sys.stderr.write(f"{count:,} open invoices were made in {seconds:.0f} s\n")
        rows = measure(url, count, requests)
        if count <= MOST_COUNTED:
            began = time.process_time()
            with closing(_app(url)) as app:
                count_figures(app, ORGANISATION)
            taken = time.process_time() - began
            sys.stderr.write(f"counting the sums of {count:,} took {taken:.1f} s of this process's CPU\n")
        return rows


def main() -> int:
    """Print the table, or with --json the figures; 1 when a page misses the aim with a million open invoices."""
    parser = argparse.ArgumentParser(prog="bench-web", description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=[10_000, MILLION])
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", action="store_true", help="put the table into docs/web.md")
    parser.add_argument("--serve", metavar="URL", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve)
        return 0
    rows = [row for count in given.counts for row in _filled(count, given.requests)]
    print(json.dumps(rows) if given.json else table(rows))
    if given.write:
        _write(table(rows))
    return 0 if all(row["ratio_p99"] <= AIM for row in rows if row["open"] >= MILLION) else 1


if __name__ == "__main__":
    sys.exit(main())
