"""The page of late charges: what waits for a decision with its arithmetic, why the rest cannot be charged, the past."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, exists, select

from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money
from reminders.late_payment import Regime, regime_of
from runtime.operations.charges.paid_late import named, paid_late, policies_that_charge
from runtime.operations.charges.propose import NOTHING_LEFT, Proposed, propose_charges
from runtime.operations.charges.terms import ChargeTerms, charge_terms
from runtime.operations.systems.treatments import LATE_CHARGE, Treatment, treatments
from runtime.store import queues
from runtime.store import tables as t
from runtime.store.connections import Organisation

MAX_SHOWN = 100  # of each list; whoever decides gets to the rest
MAX_LOOKED_AT = 500  # invoices that one page works out: the oldest overdue ones, and as many paid last


@dataclass(frozen=True, slots=True)
class Decided:
    """A charge that was decided about. `refused` is the ledger's answer where it did not take it."""

    charge_id: str
    document_id: str
    number: str
    customer_name: str
    since: date
    until: date
    interest: Money
    fixed: Money
    state: str
    decided_by: str
    decided_at: datetime
    refused: str
    charge_document_id: str | None
    charge_number: str


@dataclass(frozen=True, slots=True)
class Charges:
    """`regime` is the rule that counts, None where there is no law to go by; `treatment` how charges are booked.

    Without a treatment, `lack` says what is missing for one. `paid_late_by` names the policies that charge for lateness
    also once an invoice is paid.
    """

    terms: ChargeTerms
    regime: Regime | None
    treatment: Treatment | None
    lack: str
    waiting: tuple[Proposed, ...]
    more: int
    others: tuple[Proposed, ...]
    decided: tuple[Decided, ...]
    is_part: bool
    paid_late_by: tuple[str, ...]


def charges_view(db: Connection, organisation: Organisation, *, now: datetime, text: str = "") -> Charges:
    """Return the page, of the invoices whose number or customer has `text` in it; nothing while charges are off.

    `is_part` says that there are more late invoices than were looked at: a search reaches the others.
    """
    terms, known = charge_terms(db, organisation), treatments(db, organisation.id)
    regime = terms.contract or regime_of(organisation.country)
    found, is_part = [], False
    if organisation.charges_on and regime is not None:
        overdue, paid = _overdue(db, organisation, now, text), paid_late(db, organisation, now=now, text=text)
        is_part = paid.is_part or max(len(overdue), len(paid.document_ids)) > MAX_LOOKED_AT
        found = propose_charges(
            db,
            organisation,
            now=now,
            rates=terms.rates,
            contract=terms.contract,
            document_ids=[*overdue[:MAX_LOOKED_AT], *paid.document_ids[:MAX_LOOKED_AT]],
        )
    waiting = [each for each in found if each.ask]
    return Charges(
        terms=terms,
        regime=regime,
        treatment=known.get(LATE_CHARGE),
        lack="" if LATE_CHARGE in known else known.lack(LATE_CHARGE),
        waiting=tuple(waiting[:MAX_SHOWN]),
        more=max(0, len(waiting) - MAX_SHOWN),
        others=tuple(each for each in found if not each.ask and not _is_over(each))[:MAX_SHOWN],
        decided=_decided(db, organisation.id),
        is_part=is_part,
        paid_late_by=policies_that_charge(db, organisation.id),
    )


def _is_over(each: Proposed) -> bool:
    """Whether nothing will ever be asked for again: it is paid, and all was charged or waived."""
    return each.paid_on is not None and each.why_not == NOTHING_LEFT


def _overdue(db: Connection, organisation: Organisation, now: datetime, text: str) -> list[str]:
    """The oldest overdue invoices of which not all days were decided about, one more than are looked at."""
    document, charge, today = t.document.c, t.charge.c, now.astimezone(organisation.zone).date()
    mine = charge.organisation_id == organisation.id
    decided = exists(select(charge.id).where(mine, charge.document_id == document.id, charge.until >= today))
    ours = exists(select(charge.id).where(mine, charge.charge_document_id == document.id))
    wanted = select(document.id).where(
        document.organisation_id == organisation.id,
        document.kind == DocumentKind.INVOICE.value,
        document.status == DocumentStatus.OPEN.value,
        document.due_on < today,
        ~decided,
        ~ours,
        named(organisation.id, text),
    )
    return list(db.scalars(wanted.order_by(document.due_on, document.id).limit(MAX_LOOKED_AT + 1)))


def _decided(db: Connection, organisation_id: str) -> tuple[Decided, ...]:
    charge, late, made = t.charge.c, t.document.alias("late"), t.document.alias("made")
    rows = db.execute(
        select(t.charge, late.c.number, made.c.number.label("charge_number"), t.customer.c.name)
        .outerjoin(late, (late.c.id == charge.document_id) & (late.c.organisation_id == organisation_id))
        .outerjoin(made, (made.c.id == charge.charge_document_id) & (made.c.organisation_id == organisation_id))
        .outerjoin(
            t.customer, (t.customer.c.id == charge.customer_id) & (t.customer.c.organisation_id == organisation_id)
        )
        .where(charge.organisation_id == organisation_id)
        .order_by(charge.decided_at.desc(), charge.id)
        .limit(MAX_SHOWN)
    ).all()
    refused = _refused(db, organisation_id, [row.id for row in rows])
    return tuple(
        Decided(
            charge_id=row.id,
            document_id=row.document_id,
            number=row.number or "",
            customer_name=row.name or "",
            since=row.since,
            until=row.until,
            interest=Money(row.interest_minor, row.currency),
            fixed=Money(row.fixed_minor, row.currency),
            state=row.state,
            decided_by=row.decided_by,
            decided_at=row.decided_at,
            refused=refused.get(row.id, ""),
            charge_document_id=row.charge_document_id if row.charge_number is not None else None,
            charge_number=row.charge_number or "",
        )
        for row in rows
    )


def _refused(db: Connection, organisation_id: str, charge_ids: list[str]) -> dict[str, str]:
    outbox = t.outbox.c
    rows = db.execute(
        select(outbox.subject, outbox.problem).where(
            outbox.organisation_id == organisation_id,
            outbox.subject.in_(charge_ids),
            outbox.state.in_(queues.SET_ASIDE),
        )
    )
    return {row.subject: row.problem or "no reason was given" for row in rows}
