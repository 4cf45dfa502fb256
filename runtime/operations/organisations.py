"""Set an organisation up: make it, say what its bank accounts prove, switch sending on."""

from __future__ import annotations

import secrets

from sqlalchemy import insert, update

from receivables.identity import stable_id
from receivables.money import exponent
from reminders.evidence import BankDeclaration
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.store import journal
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.rows import upsert


def create_organisation(app: App, *, name: str, base_currency: str, time_zone: str, country: str) -> Organisation:
    """Make an organisation. Sending is off until a person switches it on."""
    exponent(base_currency)
    organisation = Organisation(
        id=stable_id("org", name, secrets.token_hex(8)),
        name=name,
        base_currency=base_currency,
        time_zone=time_zone,
        country=country,
        sending_on=False,
    )
    with app.store.write() as db:
        db.execute(
            insert(t.organisation).values(
                id=organisation.id,
                name=name,
                base_currency=base_currency,
                time_zone=time_zone,
                country=country,
                created_at=app.clock(),
            )
        )
    return organisation


def switch_sending(app: App, *, organisation_id: str, on: bool, actor: str) -> None:
    """Allow or stop reminders of an organisation."""
    with app.store.write() as db:
        db.execute(update(t.organisation).where(t.organisation.c.id == organisation_id).values(sending_on=on))
        journal.record(
            db,
            organisation_id=organisation_id,
            at=app.clock(),
            actor=actor,
            action="sending_switched",
            subject=organisation_id,
            detail="on" if on else "off",
        )


def declare_evidence(
    app: App,
    *,
    organisation_id: str,
    ledger_account: str,
    identification: str,
    currency: str,
    declares: BankDeclaration,
    attested_by: str | None = None,
) -> None:
    """Say what a bank account of the ledger proves: statement files of account `identification`, a feed, or a name."""
    if declares is BankDeclaration.ATTESTED and not attested_by:
        raise RefusedError("name the person who attests that the ledger is complete for this account")
    with app.store.write() as db:
        row = {
            "id": stable_id("bnk", organisation_id, identification, currency),
            "organisation_id": organisation_id,
            "identification": identification,
            "currency": currency,
            "ledger_account": ledger_account,
            "declares": declares.value,
            "attested_by": attested_by,
        }
        upsert(db, t.bank_account, [row], keys=["id"])
