"""Money that a processor keeps for payers: how much there is in each currency, and what moved it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from connectors.records import CashMovement, HeldCashFields, Kind, Record
from receivables.money import Money
from receivables.problem import Problem
from runtime.operations.systems.absorb.scope import Scope
from runtime.store import tables as t
from runtime.store.rows import upsert
from sync.versions import Version

HELD_CASH_LINK = Kind.HELD_CASH.value
# Money that left what is kept for a payer by none of their payments, nor back to them: nothing else would tell of it.
_UNUSUAL = {
    "funding_reversed": "was taken back by the payer's bank",
    "transferred_to_balance": "went to your own balance there without paying anything",
    "adjusted_for_overdraft": "was taken from your own balance there, because more was gone than there was",
}
_ARRIVED = "funded"


def absorb_held_cash(scope: Scope, records: list[Record]) -> None:
    """Take in what is kept for payers. Whose it is and what it may pay is asked when money is matched."""
    names = {
        (record.external_id, amount.currency): scope.local_id("csh", f"{record.external_id} {amount.currency}")
        for record in records
        for amount in cast(HeldCashFields, record.fields).held
    }
    known = scope.rows(t.held_cash, names.values())
    rows: list[dict[str, Any]] = []
    for record in records:
        fields = cast(HeldCashFields, record.fields)
        # Its version names a movement and counts nothing: the moment alone tells what is older.
        version = Version(modified_at=record.modified_at)
        scope.keep_link(
            HELD_CASH_LINK, record.external_id, scope.local_id("csh", record.external_id), {}, version=version
        )
        for amount in fields.held:
            row_id = names[record.external_id, amount.currency]
            old = known.get(row_id)
            row = _row(scope, record, fields, amount, old) | {"id": row_id}
            if old is not None and all(old[name] == value for name, value in row.items()):
                continue
            rows.append(row | {"state": "new", "changed_at": scope.read_at})
            if old is not None:
                _follow(scope, old, row, fields.movements)
    upsert(scope.db, t.held_cash, rows, keys=["id"])
    scope.flush_links()


def _row(
    scope: Scope, record: Record, fields: HeldCashFields, amount: Money, old: dict[str, Any] | None
) -> dict[str, Any]:
    movements = [each for each in fields.movements if each.amount.currency == amount.currency]
    arrived = _left_of(movements, amount)
    texts = dict.fromkeys(text for each in arrived for text in (each.reference, each.sender) if text)
    newest = arrived[0].moved_at if arrived else movements[0].moved_at if movements else scope.read_at
    return {
        "organisation_id": scope.organisation_id,
        "system": scope.system,
        "external_id": record.external_id,
        "currency": amount.currency,
        "amount_minor": amount.minor,
        "payer_name": fields.payer_name,
        "payer_email": fields.payer_email,
        "remittance": " ".join(texts),
        "received_on": newest.astimezone(scope.zone).date(),
        "movements": [
            [each.external_id, each.kind, each.amount.minor, each.moved_at.isoformat(), each.payment_external_id]
            for each in movements
        ],
        "customer_id": old["customer_id"] if old else None,
        "plausible": old["plausible"] if old else [],
        "noticed_at": old["noticed_at"] if old and old["amount_minor"] > 0 else scope.read_at,
    }


def _left_of(movements: Sequence[CashMovement], amount: Money) -> list[CashMovement]:
    """The newest transfers that what is left came by."""
    found: list[CashMovement] = []
    for each in movements:
        if each.kind == _ARRIVED and sum(one.amount.minor for one in found) < amount.minor:
            found.append(each)
    return found


def _follow(scope: Scope, old: dict[str, Any], row: dict[str, Any], movements: Sequence[CashMovement]) -> None:
    """Write down how the money moved, and show what nothing else would tell."""
    before, after = (Money(each["amount_minor"], row["currency"]) for each in (old, row))
    if before != after:
        scope.record("cash_moved", row["id"], f"{before} → {after} kept for {row['payer_name'] or row['external_id']}")
    seen = {movement[0] for movement in old["movements"]}
    for each in movements:
        if each.external_id in seen or each.kind not in _UNUSUAL or each.amount.currency != row["currency"]:
            continue
        problem = Problem(
            "cash_gone",
            f"{abs(each.amount)} kept for {row['payer_name'] or 'a payer'} by {scope.system} {_UNUSUAL[each.kind]}.",
            f"Look at the customer {row['external_id']} there, and book by hand what it means for their invoices.",
            each.external_id,
        )
        scope.problem(problem)
