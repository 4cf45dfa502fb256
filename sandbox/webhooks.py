"""Webhook delivery: signed posts to the subscribers, with the vendors' habit of trying again."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import requests

DELIVERY_TIMEOUT_SECONDS = 5.0
MAX_ATTEMPTS = 6
MAX_QUEUED = 100_000
_BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)


@dataclass
class Delivery:
    """One signed post. `delivered_at` is set once the subscriber answered 2xx.

    `sign` makes the headers of a vendor that signs each attempt with its own time.
    """

    url: str
    body: bytes
    headers: dict[str, str]
    event_ids: tuple[str, ...]
    created_at: datetime
    sign: Callable[[], dict[str, str]] | None = None
    attempts: int = 0
    status: int | None = None
    delivered_at: datetime | None = None


@dataclass
class Courier:
    """Delivers in order from one thread; a delivery that fails is tried again at most MAX_ATTEMPTS times.

    A simulation does not start the thread and takes deliveries from `pending` itself.
    """

    clock: Callable[[], datetime]
    log: list[Delivery] = field(default_factory=list)
    pending: queue.Queue[Delivery | None] = field(default_factory=lambda: queue.Queue(MAX_QUEUED))
    _thread: threading.Thread | None = None

    def send(
        self,
        *,
        url: str,
        body: bytes,
        headers: dict[str, str],
        event_ids: tuple[str, ...],
        sign: Callable[[], dict[str, str]] | None = None,
    ) -> Delivery:
        """Queue one post and return its record."""
        delivery = Delivery(url, body, headers | (sign() if sign else {}), event_ids, self.clock(), sign)
        self.log.append(delivery)
        self.pending.put_nowait(delivery)
        return delivery

    def start(self) -> None:
        """Begin delivering in the background."""
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Deliver what is queued, then end the thread."""
        if self._thread is not None:
            self.pending.put(None)
            self._thread.join(timeout=30)
            self._thread = None

    def idle(self) -> bool:
        """Whether every queued post was delivered or given up."""
        return all(d.delivered_at or d.attempts >= MAX_ATTEMPTS for d in self.log)

    def deliver(self, delivery: Delivery, session: requests.Session) -> bool:
        """Try once; True when the subscriber answered 2xx."""
        delivery.attempts += 1
        if delivery.sign is not None:
            delivery.headers |= delivery.sign()
        try:
            answer = session.post(
                delivery.url, data=delivery.body, headers=delivery.headers, timeout=DELIVERY_TIMEOUT_SECONDS
            )
        except requests.RequestException:
            return False
        delivery.status = answer.status_code
        if answer.ok:
            delivery.delivered_at = self.clock()
        return answer.ok

    def _run(self) -> None:
        session = requests.Session()
        session.trust_env = False
        while (delivery := self.pending.get()) is not None:
            for pause in (*_BACKOFF_SECONDS, None):
                if self.deliver(delivery, session) or pause is None:
                    break
                time.sleep(pause)
