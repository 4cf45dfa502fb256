"""The carriers that this installation can hand messages to: opened once, by the settings of their name."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from connectors.channels import registry
from connectors.channels.contract import Carrier, CarrierDeclaration
from runtime.settings import Settings


class Carriers:
    """Gives carriers by name. Safe to use from many threads."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._clock = clock
        self._open: dict[str, Carrier] = {}
        self._lock = threading.Lock()

    def get(self, name: str) -> Carrier | None:
        """Return a carrier, None while a setting of it is missing; KeyError for an unknown name."""
        declaration = registry.carrier(name)
        if self.missing(declaration):
            return None
        with self._lock:
            if name not in self._open:
                self._open[name] = declaration.open(self._settings.of(name), self._clock)
            return self._open[name]

    def missing(self, declaration: CarrierDeclaration) -> tuple[str, ...]:
        """Return the names of the variables without which there is no such carrier."""
        given = self._settings.of(declaration.name)
        return tuple(f"TRUEDUE_{declaration.name}_{need}".upper() for need in declaration.needs if not given[need])
