"""Autopay as pages show it: who has it, what is taken next and what was, and why something is not."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from receivables.money import Money
from reminders.autopay import UNDER_WAY, MandateState, PaymentState
from runtime.operations.autopay.agree import may_agree
from runtime.operations.autopay.announce import next_payments
from runtime.operations.autopay.mandates import LIVE, Mandate, mandates, payments, standing_of
from runtime.operations.customers import names_of
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.rows import chunks

MAX_SHOWN = 100  # mandates, and payments of the past


@dataclass(frozen=True, slots=True)
class ShownPayment:
    """A payment by autopay: of which invoice, on which day, and what became of it."""

    customer_id: str
    customer_name: str
    document_id: str
    number: str
    amount: Money
    day: date
    state: PaymentState
    why: str


@dataclass(frozen=True, slots=True)
class PayersAutopay:
    """What a payer sees of their own autopay; `offered` is whether they may set it up (again)."""

    mandate: Mandate | None
    offered: bool
    coming: tuple[ShownPayment, ...]
    failed: tuple[ShownPayment, ...]


@dataclass(frozen=True, slots=True)
class NotTaken:
    """An invoice of a payer with autopay that is due soon and is not taken, with the reason."""

    customer_id: str
    customer_name: str
    document_id: str
    number: str
    amount: Money
    why: str


@dataclass(frozen=True, slots=True)
class AutopayPage:
    """Autopay of an organisation."""

    mandates: tuple[tuple[Mandate, str], ...]  # each with its customer's name
    coming: tuple[ShownPayment, ...]
    not_taken: tuple[NotTaken, ...]
    past: tuple[ShownPayment, ...]


def payers_autopay(db: Connection, organisation: Organisation, customer_id: str, *, now: datetime) -> PayersAutopay:
    """Return how autopay of one customer stands."""
    mandate = standing_of(db, organisation.id, customer_id, now)
    coming: tuple[ShownPayment, ...] = ()
    failed: tuple[ShownPayment, ...] = ()
    if mandate is not None:
        coming = _shown(db, organisation.id, payments(db, organisation.id, *UNDER_WAY, mandate_id=mandate.id))
        failing = payments(db, organisation.id, PaymentState.FAILED, mandate_id=mandate.id)
        failed = _shown(db, organisation.id, failing[-MAX_SHOWN:]) if mandate.state in LIVE else ()
    return PayersAutopay(mandate, may_agree(db, organisation), coming, failed)


def autopay_page(db: Connection, organisation: Organisation, *, now: datetime) -> AutopayPage:
    """Return who pays by autopay, what is taken next, what is not and why, and what became of the last ones."""
    standing = mandates(db, organisation.id, *LIVE)
    on = [each for each in standing if each.state is MandateState.ON]
    names = names_of(db, organisation.id, {each.customer_id for each in standing})
    ahead = next_payments(db, organisation, on, now=now)
    not_taken = [
        NotTaken(
            customer_id=mandate.customer_id,
            customer_name=names.get(mandate.customer_id, ""),
            document_id=each.evidence.item.item_id,
            number=each.evidence.item.number,
            amount=each.amount,
            why=each.refusal.reason if each.refusal else "It is announced with the next messages.",
        )
        for mandate in on
        for each in ahead.get(mandate.id, ())
    ]
    return AutopayPage(
        mandates=tuple((each, names.get(each.customer_id, "")) for each in standing[:MAX_SHOWN]),
        coming=_shown(db, organisation.id, payments(db, organisation.id, *UNDER_WAY)[:MAX_SHOWN]),
        not_taken=tuple(not_taken[:MAX_SHOWN]),
        past=_shown(db, organisation.id, _past(db, organisation.id)),
    )


def _past(db: Connection, organisation_id: str) -> list[Row[Any]]:
    payment = t.automatic_payment.c
    over = [PaymentState.PAID.value, PaymentState.FAILED.value, PaymentState.LEFT.value]
    mine = (payment.organisation_id == organisation_id) & payment.state.in_(over)
    newest = select(t.automatic_payment).where(mine).order_by(payment.settled_at.desc(), payment.id)
    return list(db.execute(newest.limit(MAX_SHOWN)))


def _shown(db: Connection, organisation_id: str, rows: Collection[Row[Any]]) -> tuple[ShownPayment, ...]:
    names = names_of(db, organisation_id, {row.customer_id for row in rows})
    numbers = _numbers(db, organisation_id, {row.document_id for row in rows})
    return tuple(
        ShownPayment(
            customer_id=row.customer_id,
            customer_name=names.get(row.customer_id, ""),
            document_id=row.document_id,
            number=numbers.get(row.document_id, ""),
            amount=Money(row.amount_minor, row.currency),
            day=row.take_on,
            state=PaymentState(row.state),
            why=row.why,
        )
        for row in rows
    )


def _numbers(db: Connection, organisation_id: str, document_ids: Collection[str]) -> dict[str, str]:
    document = t.document.c
    return {
        row.id: row.number
        for chunk in chunks(sorted(document_ids))
        for row in db.execute(
            select(document.id, document.number).where(
                document.organisation_id == organisation_id, document.id.in_(chunk)
            )
        )
    }
