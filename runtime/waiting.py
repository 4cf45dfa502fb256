"""Waiting for a person to stop the process."""

from __future__ import annotations

import signal
import threading


def wait_for_interrupt() -> None:
    """Return when the process is asked to stop."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    stopped.wait()
