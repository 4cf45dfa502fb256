"""On whose terms late payment is charged: the law's or the contract's, at which reference rates, for whom."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import Connection, Row, select

from receivables.money import Money, MoneyError
from reminders.late_payment import LatePaymentError, Rate, Regime, contracted
from runtime.app import App
from runtime.operations.customers import keep_choice
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.organisations import keep_switch
from runtime.store import connections, journal
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.rows import upsert

DUE_DAYS = 14  # until a charge is to be paid, where nobody said otherwise
MAX_DUE_DAYS = 90
MAX_RATES = 200  # a hundred years of half-years
_PER_CENT = re.compile(r"-?\d{1,3}(\.\d{1,2})?")


@dataclass(frozen=True, slots=True)
class ChargeTerms:
    """`contract` counts instead of the law where it is set; a charge is to be paid within `due_days`."""

    contract: Regime | None
    due_days: int
    rates: tuple[Rate, ...]


def charge_terms(db: Connection, organisation: Organisation) -> ChargeTerms:
    """Return the terms of an organisation, with the reference rates that somebody entered, oldest first."""
    row = db.execute(select(t.charge_terms).where(t.charge_terms.c.organisation_id == organisation.id)).first()
    rates = db.execute(
        select(t.reference_rate)
        .where(t.reference_rate.c.organisation_id == organisation.id)
        .order_by(t.reference_rate.c.since)
    )
    return ChargeTerms(
        contract=_contract(row, organisation),
        due_days=row.due_days if row else DUE_DAYS,
        rates=tuple(Rate(each.since, each.basis_points) for each in rates),
    )


def switch_charges(app: App, *, organisation_id: str, on: bool, actor: str) -> None:
    """Let charges be proposed and approved, or none. Switching it on posts nothing."""
    with app.store.write() as db:
        keep_switch(db, organisation_id, {"charges_on": on}, action="charges_switched", actor=actor, at=app.clock())


def set_terms(
    app: App, *, organisation_id: str, contract_rate: str, contract_fee: str, due_days: int, actor: str
) -> None:
    """Charge by the contract's rate (per cent a year) and flat fee, by the law where the rate is empty.

    InputError for what is no rate, amount or number of days from 1 to MAX_DUE_DAYS.
    """
    if not 1 <= due_days <= MAX_DUE_DAYS:
        raise InputError(f"a charge is to be paid within 1 to {MAX_DUE_DAYS} days")
    with app.store.write() as db:
        organisation = _organisation(db, organisation_id)
        rate = basis_points(contract_rate, "the contract's rate") if contract_rate else None
        fee = _fee(contract_fee, organisation) if rate is not None else 0
        if rate is not None:
            contract_of(rate, fee, organisation)
        row = {
            "organisation_id": organisation_id,
            "contract_basis_points": rate,
            "contract_fee_minor": fee,
            "due_days": due_days,
            "set_by": actor,
            "set_at": app.clock(),
        }
        upsert(db, t.charge_terms, [row], keys=["organisation_id"])
        by = (
            "the law"
            if rate is None
            else f"the contract, {contract_rate} % a year and {Money(fee, organisation.base_currency)}"
        )
        detail = f"by {by}; to be paid within {due_days} days"
        _note(db, app, organisation_id, actor=actor, action="charge_terms_set", detail=detail)


def set_rate(app: App, *, organisation_id: str, since: date, per_cent: str, actor: str) -> None:
    """Keep the reference rate that counts from `since` on; an empty one forgets it. InputError for what is no rate."""
    rate = basis_points(per_cent, "the reference rate") if per_cent else None
    mine = (t.reference_rate.c.organisation_id == organisation_id) & (t.reference_rate.c.since == since)
    with app.store.write() as db:
        if rate is None:
            db.execute(t.reference_rate.delete().where(mine))
        else:
            _check_room(db, organisation_id)
            row = {"organisation_id": organisation_id, "since": since, "basis_points": rate}
            row |= {"set_by": actor, "set_at": app.clock()}
            upsert(db, t.reference_rate, [row], keys=["organisation_id", "since"])
        detail = f"{since}: {per_cent} %" if per_cent else f"{since}: none"
        _note(db, app, organisation_id, actor=actor, action="reference_rate_set", detail=detail)


def note_business(app: App, *, organisation_id: str, customer_id: str, is_business: bool, actor: str) -> None:
    """Keep whether a customer is a business; what their name says then no longer counts. RefusedError if unknown."""
    with app.store.write() as db:
        keep_choice(
            db,
            organisation_id,
            customer_id,
            {"is_business": is_business},
            action="business_noted",
            detail="a business" if is_business else "no business",
            actor=actor,
            at=app.clock(),
        )


def basis_points(text: str, what: str) -> int:
    """Read per cent with at most two decimals as basis points (3.75 is 375); InputError that names `what`."""
    if not _PER_CENT.fullmatch(text.strip()):
        raise InputError(f"{what} {text}: not a number of per cent with at most two decimals")
    return int(Decimal(text.strip()) * 100)


def contract_of(rate: int, fee_minor: int, organisation: Organisation) -> Regime:
    """Return the contract's rule in the organisation's currency; InputError for less than nothing."""
    try:
        return contracted(basis_points=rate, currency=organisation.base_currency, fixed_minor=fee_minor)
    except LatePaymentError as error:
        raise InputError(str(error)) from None


def _contract(row: Row[tuple[object, ...]] | None, organisation: Organisation) -> Regime | None:
    if row is None or row.contract_basis_points is None:
        return None
    return contract_of(row.contract_basis_points, row.contract_fee_minor, organisation)


def _fee(text: str, organisation: Organisation) -> int:
    try:
        return Money.parse(text.strip() or "0", organisation.base_currency).minor
    except MoneyError as error:
        raise InputError(str(error)) from None


def _check_room(db: Connection, organisation_id: str) -> None:
    mine = t.reference_rate.c.organisation_id == organisation_id
    if len(db.execute(select(t.reference_rate.c.since).where(mine).limit(MAX_RATES)).all()) == MAX_RATES:
        raise InputError(f"there are {MAX_RATES} reference rates already: remove old ones first")


def _organisation(db: Connection, organisation_id: str) -> Organisation:
    organisation = connections.organisation(db, organisation_id)
    if organisation is None:
        raise RefusedError(f"there is no organisation {organisation_id}")
    return organisation


def _note(db: Connection, app: App, organisation_id: str, *, actor: str, action: str, detail: str) -> None:
    journal.record(
        db,
        organisation_id=organisation_id,
        at=app.clock(),
        actor=actor,
        action=action,
        subject=organisation_id,
        detail=detail,
    )
