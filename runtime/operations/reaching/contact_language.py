"""In which language a customer is written to: the one that they chose on their page, else their country's."""

from __future__ import annotations

from sqlalchemy import Connection, select

from reminders.wording import LANGUAGES
from runtime.app import App
from runtime.operations.customers import keep_choice
from runtime.operations.errors import InputError
from runtime.store import connections
from runtime.store import tables as t

_BY_COUNTRY = {"DE": "de", "AT": "de", "FR": "fr", "US": "en-US"}
_ENGLISH = "en-GB"  # dates that cannot be misread: the day, the month in letters, the year


def language_of(country: str | None) -> str:
    """Return the language tag that a customer in `country` (ISO 3166-1) is written to, unless they chose another."""
    return _BY_COUNTRY.get(country or "", _ENGLISH)


def language_for(db: Connection, organisation_id: str, customer_id: str, country: str | None) -> str:
    """Return the language tag that a customer is written to, in the manner of their country where it speaks it."""
    mine = (t.customer.c.organisation_id == organisation_id) & (t.customer.c.id == customer_id)
    chosen = db.scalar(select(t.customer.c.language).where(mine))
    usual = language_of(country)
    if chosen is None or usual.startswith(chosen):
        return usual
    return _ENGLISH if _ENGLISH.startswith(chosen) else str(chosen)


def choose_language(app: App, *, organisation_id: str, customer_id: str, language: str, actor: str) -> None:
    """Write to this customer in `language` from now on. InputError for one that we do not write."""
    if language not in LANGUAGES:
        raise InputError(f"choose one of these languages: {', '.join(LANGUAGES)}")
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        keep_choice(
            db,
            organisation_id,
            customer_id,
            {"language": language},
            action="language_chosen",
            detail=f"the customer is written to in {language}",
            actor=actor,
            at=app.clock(),
        )
