"""Change the key that tokens are sealed with: everything is opened with the old one and sealed with the new one."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Row, select, update

from runtime.app import App
from runtime.store import tables as t
from runtime.vault import VaultError

MAX_CONSENTS = 100_000  # of one run; far above what one installation serves


@dataclass(frozen=True, slots=True)
class Rotation:
    """How many consents were sealed anew, and which none of the keys given opens (of `system`, with their ids)."""

    sealed_anew: int
    closed: tuple[tuple[str, str], ...]


def rotate_key(app: App) -> Rotation:
    """Seal every stored token with TRUEDUE_KEY; those that TRUEDUE_OLD_KEYS sealed open until then.

    Each consent is a unit of work of its own, and one whose tokens were renewed meanwhile is left: it has the new key.
    """
    with app.store.read() as db:
        rows = db.execute(
            select(t.consent).where(t.consent.c.key_version != app.vault.version).limit(MAX_CONSENTS)
        ).all()
    closed = [(row.system, row.id) for row in rows if not _seal_anew(app, row)]
    return Rotation(len(rows) - len(closed), tuple(closed))


def _seal_anew(app: App, row: Row[tuple[object, ...]]) -> bool:
    consent = row._mapping
    names = {"access_token": "access", "refresh_token": "refresh"}
    try:
        tokens = {
            column: app.vault.open(consent[column], consent["id"], consent["system"], kind)
            for column, kind in names.items()
        }
    except VaultError:
        return False
    sealed = {
        column: app.vault.seal(token, consent["id"], consent["system"], names[column])
        for column, token in tokens.items()
    }
    with app.store.write() as db:
        db.execute(
            update(t.consent)
            .where(
                t.consent.c.id == consent["id"],
                t.consent.c.generation == consent["generation"],
                t.consent.c.key_version == consent["key_version"],
            )
            .values(**sealed, key_version=app.vault.version)
        )
    return True
