"""What became of money by account, and each payout of a processor broken down by its balance transactions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, func, select

from connectors.intents import PostPayout
from receivables.money import Money
from runtime.operations.matching.payouts import PAYOUT_PROBLEMS
from runtime.operations.views.receipts import paid_by
from runtime.store import queues
from runtime.store import tables as t

PAGE_ROWS = 50
SHOWN_LINES = 100
MAX_ACCOUNTS = 100
# What became of a receipt, for whoever compares it with the bank: the states of each group.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "matched": ("applied", "recorded", "payout"),
    "waiting": ("new", "suggested", "awaited", "in_flight"),
    "unmatched": ("unidentified", "undone", "coded"),
    "back": ("returned",),
}
_GROUP_OF = {state: group for group, states in GROUPS.items() for state in states}


@dataclass(frozen=True, slots=True)
class AccountRow:
    """The receipts of one account in one currency: how many and how much, by group; groups without any are left out."""

    source: str
    account: str
    currency: str
    groups: Mapping[str, tuple[int, Money]]


@dataclass(frozen=True, slots=True)
class PayoutRow:
    """One payout. `difference` is what its lines leave unexplained, `line_id` the bank's line that brought it."""

    payout_id: str
    external_id: str
    arrival_on: date
    amount: Money
    fees: Money
    difference: Money
    state: str
    line_id: str | None


@dataclass(frozen=True, slots=True)
class PayoutKind:
    """All balance transactions of one type in a payout."""

    kind: str
    count: int
    gross: Money
    fee: Money

    @property
    def net(self) -> Money:
        """What they add to the payout."""
        return self.gross - self.fee


@dataclass(frozen=True, slots=True)
class PayoutLineRow:
    """One balance transaction; `paid` are the invoices (id, number, amount) that its payment is set against."""

    kind: str
    payment: str
    payer_name: str
    gross: Money
    fee: Money
    paid: tuple[tuple[str, str, Money], ...]

    @property
    def net(self) -> Money:
        """What it adds to the payout."""
        return self.gross - self.fee


@dataclass(frozen=True, slots=True)
class PayoutView:
    """A payout with the sums of its lines by kind, and a page of the lines, SHOWN_LINES on each, counted from 1."""

    row: PayoutRow
    kinds: tuple[PayoutKind, ...]
    lines: tuple[PayoutLineRow, ...]
    count: int
    page: int
    received_on: date | None
    posted: bool
    problem: str | None

    @property
    def pages(self) -> int:
        """How many pages of lines there are, at least one."""
        return max(1, -(-self.count // SHOWN_LINES))


def accounts(db: Connection, organisation_id: str) -> tuple[AccountRow, ...]:
    """Return what became of the money of each account; what closes items without money is none."""
    receipt = t.receipt.c
    keys = (receipt.source, receipt.source_account, receipt.currency, receipt.state)
    rows = db.execute(
        select(*keys, func.count().label("times"), func.sum(receipt.amount_minor).label("minor"))
        .where(receipt.organisation_id == organisation_id, receipt.source.not_in(("write_off", "ledger")))
        .group_by(*keys)
        .order_by(*keys)
    )
    found: defaultdict[tuple[str, str, str], dict[str, tuple[int, Money]]] = defaultdict(dict)
    for row in rows:
        groups, group = found[row.source, row.source_account, row.currency], _GROUP_OF.get(row.state, "unmatched")
        count, amount = groups.get(group, (0, Money.zero(row.currency)))
        groups[group] = (count + row.times, amount + Money(int(row.minor), row.currency))
    return tuple(AccountRow(*key, groups) for key, groups in list(found.items())[:MAX_ACCOUNTS])


def payouts(db: Connection, organisation_id: str, *, page: int = 1) -> tuple[tuple[PayoutRow, ...], int]:
    """Return a page of PAGE_ROWS payouts, the newest first, and how many there are in all."""
    payout = t.payout.c
    count = db.scalar(select(func.count()).where(payout.organisation_id == organisation_id)) or 0
    rows = db.execute(
        select(t.payout)
        .where(payout.organisation_id == organisation_id)
        .order_by(payout.arrival_on.desc(), payout.id)
        .limit(PAGE_ROWS)
        .offset((page - 1) * PAGE_ROWS)
    )
    return tuple(_row(dict(row._mapping)) for row in rows), count


def payout(db: Connection, organisation_id: str, payout_id: str, *, page: int = 1) -> PayoutView | None:
    """Return one payout, None when the organisation has none of this id."""
    found = db.execute(
        select(t.payout).where(t.payout.c.organisation_id == organisation_id, t.payout.c.id == payout_id)
    ).first()
    if found is None:
        return None
    row = dict(found._mapping)
    lines = row["lines"][(page - 1) * SHOWN_LINES : page * SHOWN_LINES]
    return PayoutView(
        row=_row(row),
        kinds=_kinds(row),
        lines=_lines(db, organisation_id, lines, row["currency"]),
        count=len(row["lines"]),
        page=page,
        received_on=_received_on(db, organisation_id, row["receipt_id"]),
        posted=_is_posted(db, organisation_id, row["receipt_id"]),
        problem=db.scalar(
            select(t.problem.c.text).where(
                t.problem.c.organisation_id == organisation_id,
                t.problem.c.code.in_(PAYOUT_PROBLEMS),
                t.problem.c.subject == (row["receipt_id"] or ""),
                t.problem.c.resolved_at.is_(None),
            )
        ),
    )


def _row(row: Mapping[str, Any]) -> PayoutRow:
    currency = row["currency"]
    net = sum(amount - fee for _, amount, fee, _ in row["lines"])
    return PayoutRow(
        payout_id=row["id"],
        external_id=row["external_id"],
        arrival_on=row["arrival_on"],
        amount=Money(row["amount_minor"], currency),
        fees=Money(row["fees_minor"], currency),
        difference=Money(row["amount_minor"] - net, currency),
        state=row["state"],
        line_id=row["receipt_id"],
    )


def _kinds(row: Mapping[str, Any]) -> tuple[PayoutKind, ...]:
    sums: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for kind, amount, fee, _ in row["lines"]:
        sums[kind] = [sums[kind][0] + 1, sums[kind][1] + amount, sums[kind][2] + fee]
    currency = row["currency"]
    return tuple(
        PayoutKind(kind, count, Money(amount, currency), Money(fee, currency))
        for kind, (count, amount, fee) in sorted(sums.items())
    )


def _lines(
    db: Connection, organisation_id: str, lines: Sequence[Sequence[Any]], currency: str
) -> tuple[PayoutLineRow, ...]:
    receipt = t.receipt.c
    payments = {payment for *_, payment in lines if payment}
    rows = db.execute(
        select(receipt.id, receipt.external_id, receipt.payer_name).where(
            receipt.organisation_id == organisation_id,
            receipt.source == "stripe",
            receipt.external_id.in_(payments),
        )
    ).all()
    known = {row.external_id: row for row in rows}
    paid = paid_by(db, organisation_id, [row.id for row in rows])
    return tuple(
        PayoutLineRow(
            kind=kind,
            payment=payment or "",
            payer_name=known[payment].payer_name if payment in known else "",
            gross=Money(amount, currency),
            fee=Money(fee, currency),
            paid=tuple(paid[known[payment].id]) if payment in known and amount > 0 else (),
        )
        for kind, amount, fee, payment in lines
    )


def _received_on(db: Connection, organisation_id: str, line_id: str | None) -> date | None:
    """The day on which the bank booked a payout: as a receipt, or as a debit where the processor took money."""
    if line_id is None:
        return None
    days = [
        db.scalar(select(day).where(table.c.organisation_id == organisation_id, table.c.id == line_id))
        for table, day in ((t.receipt, t.receipt.c.received_on), (t.debit, t.debit.c.booked_on))
    ]
    return next((found for found in days if found is not None), None)


def _is_posted(db: Connection, organisation_id: str, line_id: str | None) -> bool:
    if line_id is None:
        return False
    rows = db.execute(
        select(t.outbox).where(
            t.outbox.c.organisation_id == organisation_id,
            t.outbox.c.subject == line_id,
            t.outbox.c.state == queues.DONE,
        )
    )
    return any(isinstance(queues.read_intent(dict(row._mapping)), PostPayout) for row in rows)
