"""How an accountant wants booked what closes an item without cash: account and tax code by kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, select

from receivables.allocation import ResidualKind
from runtime.app import App
from runtime.operations.errors import InputError
from runtime.operations.systems.tax_codes import tax_codes
from runtime.store import journal
from runtime.store import tables as t
from runtime.store.rows import upsert

INCOME = "income"  # of a draft invoice's line
LATE_CHARGE = "late_charge"  # interest and fixed sums of late invoices
KINDS = (*(kind.value for kind in ResidualKind), INCOME, LATE_CHARGE)
MAX_TAX_CODE_CHARS = 64
_WITH_ACCOUNTS = (
    select(t.treatment, t.account.c.id.label("account_id"))
    .outerjoin(
        t.account,
        (t.account.c.organisation_id == t.treatment.c.organisation_id) & (t.account.c.handle == t.treatment.c.account),
    )
    .where(t.treatment.c.organisation_id == bindparam("organisation_id"))
)


@dataclass(frozen=True, slots=True)
class Treatment:
    """The ledger account by its handle, and the tax code (empty: none)."""

    account: str
    tax_code: str


class Treatments(dict[str, Treatment]):
    """The treatments by kind that the ledger can follow; `gone` says by kind what it no longer has for the others."""

    def __init__(self, known: Mapping[str, Treatment], gone: Mapping[str, str]) -> None:
        super().__init__(known)
        self.gone = gone

    def lack(self, kind: str) -> str:
        """Say what a person must set before `kind` can be booked."""
        what = kind.replace("_", " ")
        if kind in self.gone:
            return f"the ledger no longer has the {self.gone[kind]} of {what}: choose another in the settings"
        return f"name the account for {what} in the settings: nothing says how the ledger books it"


def treatments(db: Connection, organisation_id: str) -> Treatments:
    """Return the treatments of an organisation. A tax code counts until the ledger's were read and it is not there."""
    rows = db.execute(_WITH_ACCOUNTS, {"organisation_id": organisation_id}).all()
    codes = tax_codes(db, organisation_id) if any(row.tax_code for row in rows) else None
    known, gone = {}, {}
    for row in rows:
        if row.account_id is None:
            gone[row.kind] = f"account {row.account}"
        elif codes is not None and codes.read_at is not None and not codes.has(row.tax_code):
            gone[row.kind] = f"tax code {row.tax_code}"
        else:
            known[row.kind] = Treatment(row.account, row.tax_code)
    return Treatments(known, gone)


def set_treatment(app: App, *, organisation_id: str, kind: str, account: str, tax_code: str = "", actor: str) -> None:
    """Keep how `kind` is booked; an empty account forgets it. InputError for what is unknown."""
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
            _check_tax_code(db, organisation_id, tax_code)
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


def _check_account(db: Connection, organisation_id: str, account: str) -> None:
    known = db.scalar(
        select(t.account.c.id)
        .where(t.account.c.organisation_id == organisation_id, t.account.c.handle == account)
        .limit(1)
    )
    if known is None:
        raise InputError(f"the ledger has no account {account}")


def _check_tax_code(db: Connection, organisation_id: str, tax_code: str) -> None:
    if not tax_code:
        return
    codes = tax_codes(db, organisation_id)
    if codes.read_at is None:
        raise InputError("the ledger's tax codes were not read yet: sync it, then choose one")
    if not codes.has(tax_code):
        raise InputError(f"the ledger has no tax code {tax_code} for sales")
