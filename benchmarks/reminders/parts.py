"""What one measured process does: it plans a filled database again and again, after different changes."""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr
from sqlalchemy import select

from benchmarks.reminders.world import ITEMS_A_CUSTOMER, NOW, ORGANISATION, fill
from runtime.app import App, build
from runtime.operations.reminding.plan import plan_reminders
from runtime.settings import Settings
from runtime.store import tables as t
from runtime.store.touch import touch_documents

ONE_IN = 100
KEY = "dHJ1ZWR1ZSBiZW5jaG1hcmsga2V5IDMyIGJ5dGVzISE="


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now


@contextmanager
def _app(url: str, clock: Clock) -> Iterator[App]:
    app = build(Settings(database_url=url, key=SecretStr(KEY)), clock=clock)
    try:
        yield app
    finally:
        app.close()


def measure(url: str) -> list[dict[str, Any]]:
    """Plan everything, then nothing, 1 % and a day; return what each took."""
    clock = Clock()
    with _app(url, clock) as app:
        found = [_plan(app, "everything, for the first time"), _plan(app, "again, nothing changed")]
        clock.now += timedelta(minutes=15)
        _touch(app, every=ONE_IN, whole_customers=True)
        found.append(_plan(app, "1 % of the customers changed"))
        clock.now += timedelta(minutes=15)
        _touch(app, every=ONE_IN, whole_customers=False)
        found.append(_plan(app, "1 % of the invoices changed, each of another customer"))
        clock.now += timedelta(days=1)
        found.append(_plan(app, "the next day"))
    return found


def _plan(app: App, what: str) -> dict[str, Any]:
    began, cpu = time.perf_counter(), time.process_time()
    counted = plan_reminders(app, ORGANISATION)
    return {
        "what": what,
        "weighed": counted["remind"] + counted["held"] + counted["not_due"],
        "messages": counted["messages"],
        "cpu_seconds": time.process_time() - cpu,
        "seconds": time.perf_counter() - began,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _touch(app: App, *, every: int, whole_customers: bool) -> None:
    """Let one invoice in `every` change: all of some customers, or one each of as many as there are."""
    with app.store.read() as db:
        ids = list(db.scalars(select(t.document.c.id).order_by(t.document.c.id)))
    if whole_customers:
        changed = [each for place, each in enumerate(ids) if place // ITEMS_A_CUSTOMER % every == 0]
    else:
        changed = ids[::every]
    with app.store.write() as db:
        touch_documents(db, ORGANISATION, changed, app.clock())


def main() -> None:
    """Fill a database, or measure a filled one and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=("fill", "measure"))
    parser.add_argument("--database", required=True)
    parser.add_argument("--count", type=int, default=0)
    given = parser.parse_args()
    if given.part == "measure":
        print(json.dumps(measure(given.database)))
        return
    with _app(given.database, Clock()) as app:
        fill(app.store, given.count)


if __name__ == "__main__":
    main()
