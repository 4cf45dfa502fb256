"""What the frame of every page of an organisation shows beside the page's own: how its connected systems stand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from runtime.app import App
from runtime.operations.views.connected import ConnectedSystem, Standing, connected_systems

# Set for as long as a request is answered: the frame asks for itself, so that no page can forget it.
_RUNNING: ContextVar[App | None] = ContextVar("running", default=None)


@contextmanager
def framed(app: App) -> Iterator[None]:
    """Let the frame of the page that is being made ask this product."""
    token = _RUNNING.set(app)
    try:
        yield
    finally:
        _RUNNING.reset(token)


def standing_systems(organisation_id: str) -> list[tuple[ConnectedSystem, Standing]]:
    """Return the systems that an organisation connected and how each stands: one query by an index."""
    app = _RUNNING.get()
    if app is None:
        return []
    with app.store.read() as db:
        systems = connected_systems(db, organisation_id)
    now = app.clock()
    return [(each, each.standing(now)) for each in systems]
