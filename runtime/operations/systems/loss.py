"""A vendor that no longer lets us in: whoever is told so ends the calls, and a person is asked to connect again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from connectors.errors import Reconnect
from runtime.app import App
from runtime.store import connections
from runtime.store.connections import VendorConnection


@contextmanager
def noting_loss(app: App, connection: VendorConnection) -> Iterator[None]:
    """Note that a connection is lost when a call in this context is refused for good; the error is passed on."""
    try:
        yield
    except Reconnect as error:
        note_loss(app, connection, [error])
        raise


def note_loss(app: App, connection: VendorConnection, answers: Iterable[object]) -> None:
    """Note that a connection is lost when one of these answers says so."""
    refused = next((answer for answer in answers if isinstance(answer, Reconnect)), None)
    if refused is not None:
        with app.store.write() as db:
            connections.lose(db, connection, str(refused), app.clock())
