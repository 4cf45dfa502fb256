"""Named safeguards of the real code, each switched off by injection to see whether the invariants notice.

The numbers in brackets are those of the invariants that should.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError

from connectors import registry
from connectors.records import Kind, Page, Record
from reminders import holds
from runtime.operations import apply, gate, pull, take_webhook
from runtime.operations.absorb import documents, page
from runtime.operations.absorb.scope import DOCUMENT_LINK
from runtime.store import connections, queues
from runtime.store import tables as t
from runtime.vendors import Vendors

_TOO_LONG = timedelta(days=10_000)


@dataclass(frozen=True, slots=True)
class Sabotage:
    """A safeguard by name, what it is for, and how it is switched off."""

    name: str
    safeguard: str
    switch_off: Callable[[], Any]


def _without_hold(check: Callable[..., Any]) -> Callable[[], Any]:
    return lambda: patch.object(holds, "_CHECKS", tuple(each for each in holds._CHECKS if each is not check))


def _any_signature() -> Any:  # noqa: ANN401 - a patcher
    real = registry.declaration

    def trusting(system: str) -> Any:  # noqa: ANN401 - a declaration whose check is gone
        return _Trusting(real(system))

    return patch("runtime.operations.take_webhook.registry.declaration", trusting)


class _Trusting:
    """A declaration that takes every signature for good."""

    def __init__(self, declaration: Any) -> None:  # noqa: ANN401
        self._declaration = declaration

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name == "verify":
            return lambda *_: True
        return getattr(self._declaration, name)


def _answer_anyway() -> Any:  # noqa: ANN401 - a patcher
    real = take_webhook.store_webhooks

    def forgetful(store: Any, webhooks: Any) -> int:  # noqa: ANN401
        with suppress(SQLAlchemyError):
            return real(store, webhooks)
        return 0

    return patch.object(take_webhook, "store_webhooks", forgetful)


def _new_event_each_time() -> Any:  # noqa: ANN401 - a patcher
    real = take_webhook.read_webhook

    def renaming(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        webhook = real(*args, **kwargs)
        return replace(webhook, rows=[{**row, "event_id": secrets.token_hex(8)} for row in webhook.rows])

    return patch.object(take_webhook, "read_webhook", renaming)


def _rest_forgotten() -> Any:  # noqa: ANN401 - a patcher
    real = apply._keep

    def losing(db: Any, receipt: Any, *args: Any) -> Any:  # noqa: ANN401
        applied = real(db, receipt, *args)
        db.execute(update(t.receipt).where(t.receipt.c.id == receipt["id"]).values(unapplied_minor=0))
        return applied

    return patch.object(apply, "_keep", losing)


def _missing_is_deleted() -> Any:  # noqa: ANN401 - a patcher
    real = page.absorb

    def hasty(db: Any, *, connection: Any, page: Page, read_at: Any) -> None:  # noqa: ANN401
        real(db, connection=connection, page=page, read_at=read_at)
        if page.records or connection.system not in ("xero", "quickbooks"):
            return
        mine = (t.link.c.organisation_id == connection.organisation_id) & (t.link.c.system == connection.system)
        row = db.execute(t.link.select().where(mine, t.link.c.kind == DOCUMENT_LINK).limit(1)).first()
        if row is not None:
            gone = Record(Kind.INVOICE, row.external_id, row.version, read_at, None, deleted=True)  # type: ignore[arg-type]
            real(db, connection=connection, page=Page((gone,)), read_at=read_at)

    return patch.object(pull, "absorb", hasty)


def _watermark_first() -> Any:  # noqa: ANN401 - a patcher
    real = Vendors.pages

    def early(self: Vendors, connection: Any, kind: Any, *, since: Any) -> Any:  # noqa: ANN401
        now = self._clock()
        if since is not None:
            with self._store.write() as db:
                connections.set_watermark(db, connection.id, kind, now)
        return real(self, connection, kind, since=since)

    return patch.object(Vendors, "pages", early)


def _one_connector_a_system() -> Any:  # noqa: ANN401 - a patcher
    real = Vendors.connector
    first: dict[str, Any] = {}

    def shared(self: Vendors, connection: Any) -> Any:  # noqa: ANN401
        return real(self, first.setdefault(connection.system, connection))

    return patch.object(Vendors, "connector", shared)


def _talkative() -> Any:  # noqa: ANN401 - a patcher
    real = Vendors.token

    def telling(self: Vendors, consent_id: str, system: str) -> str:
        token = real(self, consent_id, system)
        logging.getLogger("runtime.vendors").info("calling %s with %s", system, token)
        return token

    return patch.object(Vendors, "token", telling)


SABOTAGES = (
    Sabotage("answer-after-commit", "a webhook is answered once it is stored [1]", _answer_anyway),
    Sabotage("one-row-per-event", "an event is stored once [2]", _new_event_each_time),
    Sabotage("webhook-signature", "a webhook is taken only with a valid signature [3]", _any_signature),
    Sabotage(
        "leases-end",
        "what a dead worker had claimed comes back [4]",
        lambda: patch.object(queues, "LEASE", _TOO_LONG),
    ),
    Sabotage("rest-kept", "what is left of a payment is kept as credit [6]", _rest_forgotten),
    Sabotage(
        "crm-edits",
        "what people edit in the CRM is taken over [11]",
        lambda: patch.object(documents, "_absorb_crm_invoices", lambda *_: None),
    ),
    Sabotage("missing-is-not-deleted", "what a listing does not show is not deleted [16]", _missing_is_deleted),
    Sabotage("watermark-last", "the watermark moves with the last page [18]", _watermark_first),
    Sabotage("hold-settled", "what is paid is not reminded [19]", _without_hold(holds.settled)),
    Sabotage("hold-disputed", "a contested invoice is not reminded [19]", _without_hold(holds.disputed)),
    Sabotage("hold-promised", "a promised invoice is not reminded before its day [19]", _without_hold(holds.promised)),
    Sabotage(
        "ledger-read-again",
        "an invoice is read again before its reminder leaves [21]",
        lambda: patch.object(gate.Gate, "_read_ledger_again", lambda *_: None),
    ),
    Sabotage("connector-each", "every connection has a connector of its own [24]", _one_connector_a_system),
    Sabotage(
        "token-kept",
        "a token is renewed only when it is about to end [25]",
        lambda: patch.object(Vendors, "_fresh", lambda *_: None),
    ),
    Sabotage("secrets-not-logged", "no token is logged [28]", _talkative),
    Sabotage(
        "trail",
        "every application leaves a line in the trail [29]",
        lambda: patch("runtime.operations.apply.journal.record", lambda *_, **__: None),
    ),
)


def by_name(name: str) -> Sabotage:
    """Return a sabotage; KeyError when there is none of this name."""
    return {each.name: each for each in SABOTAGES}[name]


@contextmanager
def sabotaged(name: str | None) -> Iterator[None]:
    """Switch one safeguard off for a while; None switches nothing off."""
    if name is None:
        yield
        return
    with by_name(name).switch_off():
        yield
