"""Decide whose word counts for a field."""

from __future__ import annotations

from runtime.app import App
from runtime.operations.errors import InputError
from runtime.store import journal
from runtime.store.owners import keep_owner, owners_of
from sync.owners import choose


def change_owner(app: App, *, organisation_id: str, field: str, owner: str, actor: str) -> None:
    """Let `owner` have the last word about `field` from now on; what was merged before stays as it is.

    InputError for an unknown field, or an owner that the field cannot have (amounts and numbers are the ledger's).
    """
    try:
        chosen = choose(field, owner)
    except ValueError as error:
        raise InputError(str(error)) from None
    with app.store.write() as db:
        before = owners_of(db, organisation_id)[field]
        if before is chosen:
            return
        keep_owner(db, organisation_id, field, chosen)
        journal.record(
            db,
            organisation_id=organisation_id,
            at=app.clock(),
            actor=actor,
            action="owner_changed",
            subject=organisation_id,
            detail=f"{field}: {before} → {chosen}",
        )
