"""A worker inside the serving process: Celery's own, on threads, with its broker in memory."""

from __future__ import annotations

import threading
from types import TracebackType

from celery import Celery
from celery.worker import WorkController

CONCURRENCY = 2
STOP_SECONDS = 30.0


class EmbeddedWorker:
    """Runs a Celery worker and the clock that sweeps and polls, until the context ends."""

    def __init__(self, celery: Celery) -> None:
        self._celery = celery
        self._worker = WorkController(
            app=celery,
            pool_cls="threads",
            concurrency=CONCURRENCY,
            without_heartbeat=True,
            without_mingle=True,
            without_gossip=True,
        )
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._worker.start, name="worker", daemon=True),
            *(
                threading.Thread(
                    target=self._tick, args=(entry["task"], entry["schedule"]), name=f"beat-{name}", daemon=True
                )
                for name, entry in celery.conf.beat_schedule.items()
            ),
        ]

    def __enter__(self) -> EmbeddedWorker:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._worker.stop()
        for thread in self._threads:
            thread.join(timeout=STOP_SECONDS)

    def _tick(self, task: str, seconds: float) -> None:
        while not self._stopping.wait(seconds):
            self._celery.send_task(task)
