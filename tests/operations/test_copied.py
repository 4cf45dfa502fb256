"""Copies of a firm share nothing: what a test does to one is never seen by another."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import pytest

from runtime.store import tables as t
from tests.operations.copied import copied_firm
from tests.operations.firm import LEDGERS, TODAY, Firm

# What code is made of is of the whole process, and what cannot be changed may be shared.
_OF_THE_PROCESS = (type, ModuleType, FunctionType, BuiltinFunctionType)
_CHANGEABLE = (dict, list, set, bytearray)


def _reached(firm: Firm) -> Iterator[Any]:
    """Everything that can be changed and is reached from the firm's vendors."""
    waiting: list[Any] = [firm.estate, firm.ledger, firm.crm, firm.stripe, firm.customers, firm.contacts]
    seen: set[int] = set()
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, _OF_THE_PROCESS):
            continue
        seen.add(id(thing))
        if isinstance(thing, _CHANGEABLE) or hasattr(thing, "__dict__"):
            yield thing
        waiting += gc.get_referents(thing)


@pytest.mark.parametrize("ledger", sorted(LEDGERS))
def test_the_vendors_of_two_copies_have_nothing_in_common(tmp_path: Path, ledger: str) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    with copied_firm(tmp_path / "one", ledger) as one, copied_firm(tmp_path / "other", ledger) as other:
        ours = {id(thing): thing for thing in _reached(one)}
        assert len(ours) > 300
        assert [ours[id(thing)] for thing in _reached(other) if id(thing) in ours] == []


@pytest.mark.parametrize("ledger", sorted(LEDGERS))
def test_a_copy_is_as_the_firm_was_whatever_befell_the_one_before(tmp_path: Path, ledger: str) -> None:
    def told(firm: Firm) -> tuple[list[str], Decimal, str, date]:
        numbers = sorted(row.number for row in firm.rows(t.document))
        email = firm.ledger.email(firm.customers["Acme"])
        return numbers, firm.ledger.balance("INV-1001"), email, firm.time().date()

    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    with copied_firm(tmp_path / "one", ledger) as one:
        before = told(one)
        assert before == (["INV-1001", "INV-1002", "INV-2001"], Decimal("120.00"), "acme@example.com", TODAY)
        one.time.advance(days=3)
        one.invoice("Acme", "INV-1003", "10.00")
        one.ledger.pay_by_hand("INV-1001", "120.00", on=TODAY)
        one.ledger.edit_email(one.customers["Acme"], "new@example.com")
        one.settle()
        assert told(one) == (
            ["INV-1001", "INV-1002", "INV-1003", "INV-2001"],
            Decimal(0),
            "new@example.com",
            TODAY + timedelta(days=3),
        )
    with copied_firm(tmp_path / "other", ledger) as other:
        assert told(other) == before
