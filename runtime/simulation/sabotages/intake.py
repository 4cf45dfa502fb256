"""Safeguards of the intake of webhooks."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from runtime.simulation.sabotages.sabotage import Sabotage, replacing, wrapping

_TOO_LONG = timedelta(days=10_000)


def _any_signature(real: Any) -> Any:  # noqa: ANN401
    return lambda system: _Trusting(real(system))


class _Trusting:
    """A declaration that takes every signature for good."""

    def __init__(self, declaration: Any) -> None:  # noqa: ANN401
        self._declaration = declaration

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name == "verify":
            return lambda *_: True
        return getattr(self._declaration, name)


def _answer_anyway(real: Any) -> Any:  # noqa: ANN401
    def forgetful(store: Any, webhooks: Any) -> int:  # noqa: ANN401
        with suppress(SQLAlchemyError):
            return int(real(store, webhooks))
        return 0

    return forgetful


def _new_event_each_time(real: Any) -> Any:  # noqa: ANN401
    def renaming(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        webhook = real(*args, **kwargs)
        return replace(webhook, rows=[{**row, "event_id": secrets.token_hex(8)} for row in webhook.rows])

    return renaming


SABOTAGES = (
    Sabotage(
        "answer-after-commit",
        "a webhook is answered once it is stored",
        1,
        wrapping("runtime.operations.inbox.take_webhook.store_webhooks", _answer_anyway),
    ),
    Sabotage(
        "one-row-per-event",
        "an event is stored once",
        2,
        wrapping("runtime.operations.inbox.take_webhook.read_webhook", _new_event_each_time),
    ),
    Sabotage(
        "webhook-signature",
        "a webhook is taken only with a valid signature",
        3,
        wrapping("runtime.operations.inbox.take_webhook.registry.declaration", _any_signature),
    ),
    Sabotage(
        "leases-end",
        "what a dead worker had claimed comes back",
        4,
        replacing("runtime.store.queues.LEASE", _TOO_LONG),
    ),
)
