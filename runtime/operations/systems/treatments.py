"""How an accountant wants booked what closes an item without cash: account and tax code by kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select

from receivables.allocation import ResidualKind
from runtime.app import App
from runtime.operations.errors import InputError
from runtime.store import journal
from runtime.store import tables as t
from runtime.store.rows import upsert

INCOME = "income"  # of a draft invoice's line
LATE_CHARGE = "late_charge"  # interest and fixed sums of late invoices
KINDS = (*(kind.value for kind in ResidualKind), INCOME, LATE_CHARGE)
MAX_TAX_CODE_CHARS = 64


@dataclass(frozen=True, slots=True)
class Treatment:
    """The ledger account by its handle, and the tax code (empty: none)."""

    account: str
    tax_code: str


def treatments(db: Connection, organisation_id: str) -> Mapping[str, Treatment]:
    """Return the treatments by kind, without those whose account the ledger has no more."""
    rows = db.execute(
        select(t.treatment)
        .join(
            t.account,
            (t.account.c.organisation_id == t.treatment.c.organisation_id)
            & (t.account.c.handle == t.treatment.c.account),
        )
        .where(t.treatment.c.organisation_id == organisation_id)
    )
    return {row.kind: Treatment(row.account, row.tax_code) for row in rows}


def set_treatment(app: App, *, organisation_id: str, kind: str, account: str, tax_code: str = "", actor: str) -> None:
    """Keep how `kind` is booked; an empty account forgets it. InputError for an unknown kind, account or long code."""
    if kind not in KINDS:
        raise InputError(f"{kind!r} is not one of {', '.join(KINDS)}")
    if len(tax_code) > MAX_TAX_CODE_CHARS or not (tax_code.isprintable() and account.isprintable()):
        raise InputError(f"the tax code is longer than {MAX_TAX_CODE_CHARS} characters, or no text")
    with app.store.write() as db:
        mine = (t.treatment.c.organisation_id == organisation_id) & (t.treatment.c.kind == kind)
        if not account:
            db.execute(delete(t.treatment).where(mine))
        else:
            _check_account(db, organisation_id, account)
            row = {"organisation_id": organisation_id, "kind": kind, "account": account, "tax_code": tax_code}
            upsert(db, t.treatment, [row], keys=["organisation_id", "kind"])
        journal.record(
            db,
            organisation_id=organisation_id,
            at=app.clock(),
            actor=actor,
            action="treatment_set",
            subject=organisation_id,
            detail=f"{kind}: {f'{account} {tax_code}'.strip() or 'none'}",
        )
    app.wake()


def missing(kind: str) -> str:
    """Say what a person must set before `kind` can be booked."""
    return f"name the account for {kind.replace('_', ' ')} in the settings: nothing says how the ledger books it"


def _check_account(db: Connection, organisation_id: str, account: str) -> None:
    known = db.scalar(
        select(t.account.c.id)
        .where(t.account.c.organisation_id == organisation_id, t.account.c.handle == account)
        .limit(1)
    )
    if known is None:
        raise InputError(f"the ledger has no account {account}")
