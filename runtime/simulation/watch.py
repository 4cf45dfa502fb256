"""Listens to what the product writes to its log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from runtime.operations import work

MAX_LINES = 200_000
_PRODUCT = ("runtime", "connectors", "sync", "reconcile", "reminders", "receivables")


class LogListener(logging.Handler):
    """Keeps what was logged since it was last asked; nothing is printed."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []
        self.endless: list[str] = []  # rounds of work that did not end
        self.setFormatter(logging.Formatter())

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record as a server would write it, its traceback included."""
        if len(self.lines) < MAX_LINES:
            self.lines.append(self.format(record))
        if record.name == work.__name__ and record.levelno >= logging.WARNING:
            self.endless.append(record.getMessage())

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear everything that the product logs."""
        loggers = [logging.getLogger(name) for name in _PRODUCT]
        kept = [(each, each.propagate, each.level) for each in loggers]
        for each in loggers:
            each.addHandler(self)
            each.propagate = False
            each.setLevel(logging.INFO)
        try:
            yield
        finally:
            for each, propagate, level in kept:
                each.removeHandler(self)
                each.propagate = propagate
                each.setLevel(level)
