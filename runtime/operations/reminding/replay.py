"""Replay past days from an organisation's own data: what would have been sent, and how much of it in vain."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, func, select

from receivables.allocation import ResidualKind
from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money, total
from receivables.receipt import ReceiptStatus
from reminders.business_time import next_business_day
from reminders.evidence import Flag, FlagCode
from reminders.replay import MAX_DAYS, PastHold, PastInvoice, PastMoney, Replay, replay
from runtime.operations.errors import InputError
from runtime.operations.matching.open_items import OpenDocument, open_documents
from runtime.operations.reminding.debtors import debtors
from runtime.operations.reminding.evidence import gather
from runtime.operations.reminding.policies import PolicyVersion, current
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.rows import chunks

ITEMS_AT_ONCE = 5_000  # each heap is gathered with a few queries
_GIVEN_UP = (ResidualKind.WRITE_OFF.value, ResidualKind.DISCOUNT.value)


@dataclass(frozen=True, slots=True)
class Period:
    """What a month (or all) came to. Messages go to customers; `lines` are the invoices that they name.

    `lines_paid` of these had been paid by then, `paid_that_day` of them on the very day; `messages_naming_paid` is how
    many messages named at least one such invoice.
    """

    name: str
    messages: int
    customers: int
    lines: int
    messages_naming_paid: int
    lines_paid: int
    paid_that_day: int


@dataclass(frozen=True, slots=True)
class PaidLine:
    """An invoice that would have been reminded although it had been paid."""

    item_id: str
    number: str
    level: int
    sent_on: date
    paid_on: date
    amount: Money


@dataclass(frozen=True, slots=True)
class Replayed:
    """What would have been sent from `first` to `last`.

    `held` counts the invoices that each hold kept back on some day; `undated` those of which a part was taken off
    without a day, by a credit note for instance: that part counts as known from the start.
    """

    first: date
    last: date
    policy: str
    invoices: int
    months: tuple[Period, ...]
    all: Period
    paid: tuple[PaidLine, ...]
    held: dict[str, int]
    undated: int


def replay_days(
    db: Connection,
    organisation: Organisation,
    *,
    first: date,
    last: date,
    now: datetime,
) -> Replayed:
    """Play the days from `first` to `last`; InputError unless they lie before today and are at most MAX_DAYS.

    Money of a bank line, or recorded in the ledger, is known from the banking day after its own: reminders wait for
    the statement of the last banking day. A processor's money is known from the day on which the payment began.
    """
    _check(first, last, now.astimezone(organisation.zone).date())
    invoices = _invoices(db, organisation, first=first, last=last, now=now)
    policies = current(db, organisation.id)
    customers = {each.evidence.contact.recipient_id for each in invoices} if policies.book.asked else set()
    known = debtors(db, organisation, customer_ids=customers, now=now, asked=policies.book.asked)
    played = replay(invoices=invoices, first=first, last=last, book=policies.book, known=known)
    months = sorted({message.day.strftime("%Y-%m") for message in played.messages})
    return Replayed(
        first=first,
        last=last,
        policy=_spoken(policies),
        invoices=len(invoices),
        months=tuple(_period(played, month) for month in months),
        all=_period(played, ""),
        paid=_paid(played),
        held={code.value: len(items) for code, items in sorted(played.held.items())},
        undated=sum(each.owed < each.evidence.document_total for each in invoices),
    )


def _spoken(policies: PolicyVersion) -> str:
    names = ", ".join(choice.policy.name for choice in policies.book.choices)
    return f"{names}, version {policies.version}"


def open_invoices(db: Connection, organisation_id: str) -> int:
    """Return how many invoices are open, of which most of the work of a replay comes."""
    count = select(func.count()).where(
        t.document.c.organisation_id == organisation_id,
        t.document.c.kind == DocumentKind.INVOICE.value,
        t.document.c.status == DocumentStatus.OPEN.value,
    )
    return db.scalar(count) or 0


def _check(first: date, last: date, today: date) -> None:
    if first > last:
        raise InputError(f"the days {first} to {last} run backwards: name the earlier one first")
    if last >= today:
        raise InputError(f"{last} is not past: only days before today, {today}, can be replayed")
    if (last - first).days >= MAX_DAYS:
        raise InputError(f"{first} to {last} is more than {MAX_DAYS} days: name a shorter time")


def _period(played: Replay, month: str) -> Period:
    """What was sent in a month such as `2026-03`; with the empty name, in all of them."""
    messages = [each for each in played.messages if each.day.strftime("%Y-%m").startswith(month)]
    lines = [(each.day, line) for each in messages for line in each.lines]
    return Period(
        name=month,
        messages=len(messages),
        customers=len({each.recipient_id for each in messages}),
        lines=len(lines),
        messages_naming_paid=sum(each.names_paid for each in messages),
        lines_paid=sum(line.paid_on is not None for _, line in lines),
        paid_that_day=sum(line.paid_on == day for day, line in lines),
    )


def _paid(played: Replay) -> tuple[PaidLine, ...]:
    return tuple(
        PaidLine(line.item_id, line.number, line.level, message.day, line.paid_on, line.amount_due)
        for message in played.messages
        for line in message.lines
        if line.paid_on is not None
    )


def _invoices(
    db: Connection, organisation: Organisation, *, first: date, last: date, now: datetime
) -> list[PastInvoice]:
    """The invoices that were overdue on one of the days, by what was known on it."""
    money = payments_of(db, organisation)
    candidates = db.scalars(
        select(t.document.c.id)
        .where(
            t.document.c.organisation_id == organisation.id,
            t.document.c.kind == DocumentKind.INVOICE.value,
            t.document.c.status.in_((DocumentStatus.OPEN.value, DocumentStatus.PAID.value)),
            t.document.c.issued_on <= last,
        )
        .order_by(t.document.c.id)
    ).all()
    holds = _holds(db, organisation.id)
    found = []
    for chunk in chunks(candidates, ITEMS_AT_ONCE):
        documents = {
            each.document.document_id: each for each in open_documents(db, organisation.id, document_ids=chunk)
        }
        owed = {item_id: owed_of(each, money.get(item_id, ())) for item_id, each in documents.items()}
        wanted = [item_id for item_id in chunk if _open_on(owed[item_id], money.get(item_id, ()), first)]
        for evidence in gather(db, organisation, now=now, document_ids=wanted):
            item_id = evidence.item.item_id
            parts, placed = tuple(money.get(item_id, ())), tuple(holds.get(item_id, ()))
            found.append(PastInvoice(evidence, owed[item_id], parts, placed))
    return found


def owed_of(each: OpenDocument, money: Collection[PastMoney]) -> Money:
    """The total less what was taken off it by something else than this money."""
    paid = total([part.amount for part in money], each.document.total.currency)
    undated = each.document.total - each.open_amount - paid
    return each.document.total - max(undated, Money.zero(undated.currency))


def _open_on(owed: Money, money: Collection[PastMoney], day: date) -> bool:
    return owed > total([part.amount for part in money if part.known_on <= day], owed.currency)


def payments_of(
    db: Connection,
    organisation: Organisation,
    documents: Collection[OpenDocument] | None = None,
    *,
    cash_only: bool = False,
) -> dict[str, list[PastMoney]]:
    """What is set against each invoice (or these): our allocations, and what the ledger recorded beside them.

    Of these invoices it is what their customers, those customers' parents and nobody named paid. What the ledger
    recorded of somebody else counts as money without a day (`owed_of`). `cash_only` leaves out what no money closed:
    rests written off, discounts, and as much of each line as credits that the same payment uses may have closed.
    """
    found: defaultdict[str, list[PastMoney]] = defaultdict(list)
    ours: defaultdict[str, set[str]] = defaultdict(set)
    allocated = list(_allocated(db, organisation.id, documents))
    given_up = _given_up(db, organisation.id, {row.id for row in allocated}) if cash_only else {}
    for row in allocated:
        ours[row.document_id].add(row.id)
        known_on = _known_on(organisation, row.received_on, row.begun_at)
        if minor := max(row.amount_minor - given_up.get(row.id, 0), 0):
            found[row.document_id].append(PastMoney(Money(minor, row.currency), row.received_on, known_on))
    for each in _recorded(db, organisation.id, documents):
        paid_on = min(each.received_on, each.came_on or each.received_on)  # what is booked by hand is booked later
        known_on = _known_on(organisation, paid_on, each.begun_at)
        credit = -sum(min(minor, 0) for _, minor in each.lines) if cash_only else 0
        for document_id, minor in each.lines:
            if minor > credit and each.receipt_id not in ours[document_id]:
                found[document_id].append(PastMoney(Money(minor - credit, each.currency), paid_on, known_on))
    return found


def _given_up(db: Connection, organisation_id: str, receipt_ids: Iterable[str]) -> dict[str, int]:
    """What of these receipts' allocations no money closed, but a person gave up, in minor units."""
    residual = t.residual.c
    given_up: Counter[str] = Counter()
    for chunk in chunks(sorted(receipt_ids)):
        mine = (residual.organisation_id == organisation_id) & residual.receipt_id.in_(chunk)
        for row in db.execute(
            select(residual.receipt_id, residual.amount_minor).where(
                mine, residual.kind.in_(_GIVEN_UP), residual.undone_at.is_(None)
            )
        ):
            given_up[row.receipt_id] += row.amount_minor
    return given_up


def _allocated(db: Connection, organisation_id: str, documents: Collection[OpenDocument] | None) -> Iterator[Any]:
    allocation, receipt = t.allocation.c, t.receipt.c
    all_of_them = (
        select(
            allocation.document_id,
            allocation.amount_minor,
            allocation.currency,
            receipt.id,
            receipt.received_on,
            receipt.begun_at,
        )
        .join(t.receipt, receipt.id == allocation.receipt_id)
        .where(
            allocation.organisation_id == organisation_id,
            allocation.undone_at.is_(None),
            allocation.is_credit.is_(False),
            receipt.status == ReceiptStatus.RECEIVED.value,
        )
    )
    if documents is None:
        yield from db.execute(all_of_them)
        return
    for chunk in chunks(sorted({each.document.document_id for each in documents})):
        yield from db.execute(all_of_them.where(allocation.document_id.in_(chunk)))


def _recorded(db: Connection, organisation_id: str, documents: Collection[OpenDocument] | None) -> Iterator[Any]:
    payment, receipt = t.ledger_payment.c, t.receipt.c
    all_of_them = (
        select(
            payment.lines,
            payment.currency,
            payment.received_on,
            payment.receipt_id,
            receipt.received_on.label("came_on"),
            receipt.begun_at,
        )
        .outerjoin(t.receipt, (receipt.id == payment.receipt_id) & (receipt.organisation_id == organisation_id))
        .where(payment.organisation_id == organisation_id, payment.deleted.is_(False), payment.coded.is_(False))
    )
    if documents is None:
        yield from db.execute(all_of_them)
        return
    yield from db.execute(all_of_them.where(payment.customer_id.is_(None)))
    payers = {each.document.customer_id for each in documents} | {each.parent_id for each in documents}
    for chunk in chunks(sorted(each for each in payers if each)):
        yield from db.execute(all_of_them.where(payment.customer_id.in_(chunk)))


def _known_on(organisation: Organisation, received_on: date, begun_at: datetime | None) -> date:
    if begun_at is not None:
        return min(received_on, begun_at.astimezone(organisation.zone).date())
    return next_business_day(received_on, organisation.country)


def _holds(db: Connection, organisation_id: str) -> Mapping[str, list[PastHold]]:
    found: defaultdict[str, list[PastHold]] = defaultdict(list)
    for row in db.execute(select(t.hold).where(t.hold.c.organisation_id == organisation_id)):
        flag = Flag(FlagCode(row.code), row.reason, row.until)
        found[row.document_id].append(PastHold(flag, row.placed_at, row.released_at))
    return found


def replay_json(organisation: Organisation, found: Replayed) -> dict[str, Any]:
    """The object that `truedue remind --replay … --json` prints."""
    return {
        "organisation": organisation.id,
        "from": found.first.isoformat(),
        "to": found.last.isoformat(),
        "policy": found.policy,
        "invoices": found.invoices,
        **_counts(found.all),
        "months": [{"month": each.name, **_counts(each)} for each in found.months],
        "paid": [
            {
                "item_id": each.item_id,
                "number": each.number,
                "level": each.level,
                "sent_on": each.sent_on.isoformat(),
                "paid_on": each.paid_on.isoformat(),
                "amount": each.amount.text(),
                "currency": each.amount.currency,
            }
            for each in found.paid
        ],
        "held": found.held,
        "undated": found.undated,
    }


def _counts(each: Period) -> dict[str, int]:
    return {
        "messages": each.messages,
        "customers": each.customers,
        "lines": each.lines,
        "messages_naming_paid": each.messages_naming_paid,
        "lines_paid": each.lines_paid,
        "paid_that_day": each.paid_that_day,
    }
