"""Safeguards of money."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import update

from receivables.identity import stable_id
from runtime.simulation.sabotages.sabotage import Sabotage, all_of, doing_nothing, replacing, wrapping
from runtime.simulation.stage import ABROAD
from runtime.store import tables as t


def _new_line_in_each_file(real: Any) -> Any:  # noqa: ANN401
    def renaming(organisation_id: str, statement: Any, entry: Any, name: str) -> Any:  # noqa: ANN401
        row = real(organisation_id, statement, entry, name)
        if row is None:
            return None
        external_id = f"{name} {row['external_id']}"
        return row | {"external_id": external_id, "id": stable_id("rcp", organisation_id, "bank", external_id)}

    return renaming


def _rest_forgotten(real: Any) -> Any:  # noqa: ANN401
    def losing(db: Any, receipt: Any, *args: Any) -> Any:  # noqa: ANN401
        applied = real(db, receipt, *args)
        db.execute(update(t.receipt).where(t.receipt.c.id == receipt["id"]).values(unapplied_minor=0))
        return applied

    return losing


def _rest_on_the_item(real: Any) -> Any:  # noqa: ANN401
    def overpaying(db: Any, receipt: Any, hypothesis: Any, *args: Any) -> Any:  # noqa: ANN401
        if hypothesis.unapplied.minor > 0 and hypothesis.allocations:
            first, *others = hypothesis.allocations
            more = replace(first, amount=first.amount + hypothesis.unapplied)
            nothing = hypothesis.unapplied - hypothesis.unapplied
            hypothesis = replace(hypothesis, allocations=(more, *others), unapplied=nothing)
        return real(db, receipt, hypothesis, *args)

    return overpaying


def _one_for_all(index: Any, name: str) -> int:  # noqa: ANN401
    index._currencies[name] = 0
    if not index._currency_names:
        index._currency_names.append(name)
    return 0


def _forgotten(kept: Any, item_id: str, *_: Any) -> None:  # noqa: ANN401
    kept.doubt(item_id)
    kept.index.remove(item_id)


def _always_new(real: Any) -> Any:  # noqa: ANN401
    def forgetful(*args: Any) -> Any:  # noqa: ANN401
        return real(*args) | {"state": "new"}

    return forgetful


SABOTAGES = (
    Sabotage(
        "line-once",
        "a line of the bank is the same in every file",
        5,
        wrapping("runtime.operations.bank_files.import_statement._receipt", _new_line_in_each_file),
    ),
    Sabotage(
        "rest-kept",
        "what is left of a payment is kept",
        6,
        wrapping("runtime.operations.applying.apply._keep", _rest_forgotten),
    ),
    Sabotage(
        "currencies-apart",
        "money is matched with what is open in its own currency",
        6,
        all_of(
            replacing("reconcile.candidates.OpenItemIndex._currency", _one_for_all),
            replacing("runtime.operations.matching.match._lower", _forgotten),
        ),
        often={ABROAD: 3, "pay by bank": 4},
    ),
    Sabotage(
        "rest-is-credit",
        "what is paid too much becomes credit",
        7,
        wrapping("runtime.operations.applying.apply._keep", _rest_on_the_item),
    ),
    Sabotage(
        "known-payment",
        "a payment that is read again is the one that was read before",
        8,
        wrapping("runtime.operations.systems.absorb.processor._processor_row", _always_new),
    ),
    Sabotage(
        "lost-answer",
        "a write whose answer was lost is looked up before it is repeated",
        14,
        replacing("runtime.operations.systems.deliver.look_up", lambda *_: {}),
        often={"key_expired": 4, "pay by card": 3, "pay in instalments": 4},
    ),
    Sabotage(
        "discount-in-time",
        "a discount is taken until its last day",
        35,
        replacing("receivables.discount.DiscountOffer.is_kept_by", lambda *_: True),
        often={"nights": 8, "visits": 6, "take a discount": 6},
    ),
    Sabotage(
        "discount-approved",
        "a discount is written off once a person granted it",
        35,
        replacing("runtime.operations.matching.match.cash_alone", lambda hypothesis, **_: (hypothesis, {})),
        often={"nights": 8, "visits": 6, "take a discount": 6},
    ),
    Sabotage(
        "trail",
        "every application leaves a line in the trail",
        29,
        replacing("runtime.operations.applying.apply.journal.record", doing_nothing),
    ),
)
