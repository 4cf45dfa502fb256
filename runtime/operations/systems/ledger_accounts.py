"""Which account of the ledger money lies in, where only one can be meant."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from connectors.records import AccountPurpose
from runtime.store import tables as t

_DECLARED = (
    select(t.bank_account)
    .where(t.bank_account.c.organisation_id == bindparam("organisation_id"))
    .order_by(t.bank_account.c.identification, t.bank_account.c.currency)
)
_BANKS = (
    select(t.account)
    .where(
        t.account.c.organisation_id == bindparam("organisation_id"), t.account.c.purpose == AccountPurpose.BANK.value
    )
    .order_by(t.account.c.handle)
)


def account_of(db: Connection, organisation_id: str, receipt: dict[str, Any]) -> str | None:
    """Return the ledger account where the money lies: a processor's clearing account, or the statement's own."""
    if receipt["source"] == "stripe":
        return account_for(db, organisation_id, AccountPurpose.CLEARING, receipt["currency"])
    named = db.scalar(
        select(t.bank_account.c.ledger_account).where(
            t.bank_account.c.organisation_id == organisation_id,
            t.bank_account.c.identification == receipt["source_account"],
            t.bank_account.c.currency == receipt["currency"],
        )
    )
    return named or account_for(db, organisation_id, AccountPurpose.BANK, receipt["currency"])


def account_for(db: Connection, organisation_id: str, purpose: AccountPurpose, currency: str) -> str | None:
    """Return the only account of a purpose that takes this currency; two candidates are nobody's guess."""
    rows = db.execute(
        select(t.account.c.handle, t.account.c.currency).where(
            t.account.c.organisation_id == organisation_id, t.account.c.purpose == purpose.value
        )
    ).all()
    exact = [row.handle for row in rows if row.currency == currency]
    open_to_all = [row.handle for row in rows if row.currency is None or purpose is not AccountPurpose.BANK]
    candidates = exact or open_to_all
    return candidates[0] if len(candidates) == 1 else None


def currency_of(db: Connection, organisation_id: str, handle: str | None) -> str | None:
    """Return the one currency that an account keeps; None where it takes any, or is not known."""
    return db.scalar(
        select(t.account.c.currency).where(t.account.c.organisation_id == organisation_id, t.account.c.handle == handle)
    )


def bank_accounts(db: Connection, organisation_id: str) -> list[tuple[Row[Any], Row[Any] | None]]:
    """Return the ledger's bank accounts by their handles, each with what was declared for it, None when nothing was."""
    mine = {"organisation_id": organisation_id}
    declared = {row.ledger_account: row for row in db.execute(_DECLARED, mine)}
    return [(account, declared.get(account.handle)) for account in db.execute(_BANKS, mine)]
