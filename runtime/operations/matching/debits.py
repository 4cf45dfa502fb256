"""Debits of bank statements: kept as far as they may take back money that came, or be a processor's."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, update

from receivables.identity import stable_id
from receivables.money import Money
from receivables.statement import Entry, Part, TakenBack
from runtime.store import tables as t
from runtime.store.rows import insert_new

# Not looked at yet; takes back nothing of ours; a person is asked; took a receipt back; a processor's own debit.
NEW, OUT, SUGGESTED, RETURNED, PAYOUT = "new", "out", "suggested", "returned", "payout"
PROCESSOR_WORD = "stripe"
REVERSAL = "it is marked as a reversal"


def is_marked(entry: Entry) -> bool:
    """Whether the bank says that an entry, or a part of it, undoes an earlier payment."""
    return entry.reversal or entry.taken_back is not None or any(part.taken_back for part in entry.parts)


def debit_rows(
    *, organisation_id: str, account: str, entry: Entry, currency: str, at: datetime
) -> list[dict[str, Any]]:
    """Return the rows of an entry of money out: one, or one for each payment that a batch takes back.

    MoneyError when an amount is finer than the currency's minor unit. What the bank does not call a return keeps no
    name and no text, unless a processor is named in it; where nothing then could tie it to a receipt, there is no row.
    """
    several = _parts(entry)
    named = {f"{entry.entry_id}/{number}": part for number, part in enumerate(several, start=1)}
    rows = []
    for external_id, part in (named or {entry.entry_id: _whole(entry)}).items():
        facts = _facts(entry, part, currency)
        if facts is not None:
            own = {
                "id": stable_id("dbt", organisation_id, external_id),
                "organisation_id": organisation_id,
                "source_account": account,
                "external_id": external_id,
                "state": NEW,
                "reasons": [],
                "refused": [],
                "held": [],
                "changed_at": at,
            }
            rows.append(own | facts)
    return rows


def keep_debits(db: Connection, rows: list[dict[str, Any]]) -> int:
    """Store debits that were not there yet; returns how many were new."""
    return insert_new(db, t.debit, rows, keys=["organisation_id", "external_id"])


def look_again(
    db: Connection, organisation_id: str, *, accounts: Collection[str] = (), amounts: Collection[int] = ()
) -> None:
    """Ask again what debits of these accounts, or of these minor amounts, are: what they may belong to has come."""
    concerned = t.debit.c.source_account.in_(accounts) | t.debit.c.amount_minor.in_(amounts)
    db.execute(
        update(t.debit)
        .where(t.debit.c.organisation_id == organisation_id, t.debit.c.state == OUT, concerned)
        .values(state=NEW)
    )


def _parts(entry: Entry) -> list[Part]:
    """The single payments of a batch that takes several back; empty where they do not explain what was booked."""
    amounts = [part.amount for part in entry.parts]
    if len(amounts) < 2 or not is_marked(entry) or any(amount is None or amount >= 0 for amount in amounts):
        return []
    told = sum((amount for amount in amounts if amount is not None), Decimal(0))
    return list(entry.parts) if told == entry.amount else []


def _whole(entry: Entry) -> Part:
    alone = entry.parts[0] if len(entry.parts) == 1 else None
    return Part(
        amount=entry.amount,
        currency=entry.currency,
        counterparty=entry.counterparty or (alone.counterparty if alone else None),
        counterparty_account=entry.counterparty_account or (alone.counterparty_account if alone else None),
        remittance=entry.remittance or (alone.remittance if alone else None),
        references=entry.references,
        taken_back=entry.taken_back,
    )


def _facts(entry: Entry, part: Part, currency: str) -> dict[str, Any] | None:
    """Return what is kept of a payment out, None when nothing is."""
    taken_back = part.taken_back or entry.taken_back or (TakenBack(REVERSAL) if entry.reversal else None)
    name, text = part.counterparty or "", part.remittance or ""
    is_told = taken_back is not None or PROCESSOR_WORD in f"{name} {text}".casefold()
    if not (is_told or part.counterparty_account or part.references):
        return None
    original = taken_back.original if taken_back else None
    return {
        "booked_on": entry.booked_on or entry.value_on,
        "currency": currency,
        "amount_minor": Money.of(-(part.amount or Decimal(0)), currency).minor,
        "original_minor": None if original is None else Money.of(original, currency).minor,
        "payee_name": name if is_told else "",
        "payee_account": part.counterparty_account or "",
        "remittance": text if is_told else "",
        "references": list(part.references),
        "taken_back": taken_back.reason if taken_back else None,
    }
