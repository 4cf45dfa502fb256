"""Named safeguards of the real code, each switched off by injection to see whether the invariants notice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from connectors import registry
from reminders import holds
from runtime.operations import gate
from runtime.operations.absorb import documents


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


SABOTAGES = (
    Sabotage("webhook-signature", "a webhook is taken only with a valid signature", _any_signature),
    Sabotage("hold-settled", "what is paid is not reminded", _without_hold(holds.settled)),
    Sabotage("hold-probably-paid", "money that may pay an item holds it", _without_hold(holds.probably_paid)),
    Sabotage("hold-in-flight", "money on its way holds its item", _without_hold(holds.in_flight)),
    Sabotage("hold-credit", "unapplied credit holds the items it covers", _without_hold(holds.credit_available)),
    Sabotage("hold-disputed", "a contested invoice is not reminded", _without_hold(holds.disputed)),
    Sabotage("hold-promised", "a promised invoice is not reminded before its day", _without_hold(holds.promised)),
    Sabotage(
        "ledger-read-again",
        "an invoice is read again before its reminder leaves",
        lambda: patch.object(gate.Gate, "_read_ledger_again", lambda *_: None),
    ),
    Sabotage(
        "crm-edits",
        "what people edit in the CRM is taken over",
        lambda: patch.object(documents, "_absorb_crm_invoices", lambda *_: None),
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
