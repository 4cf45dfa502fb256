"""The customers of an organisation: what each owes, what stands against reminding them, and how they usually pay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, Row, func, literal, or_, select, tuple_

from reminders.risk import RiskBand
from runtime.operations.balances import Owed, last_reminded, owed
from runtime.operations.errors import RefusedError
from runtime.operations.reaching.opt_outs import opt_outs
from runtime.operations.reminding.figures import MAX_RANKED, most_overdue
from runtime.operations.reminding.habits import paid_lately, risks
from runtime.operations.systems.shown_holds import holds_in_words, opt_outs_in_words
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.rows import IDS_A_QUERY

PAGE_ROWS = 50
MAX_TAKEN = 10_000  # customers of one file
MAX_TEXT_CHARS = 100
MAX_ID_CHARS = 64

_customer = t.customer.c


class Order(StrEnum):
    """In which order customers are listed; by what is overdue only those of whom something is."""

    OVERDUE = "overdue"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Asked:
    """Which customers: in which order, by what is overdue in which currency, and a part of a name, number or e-mail.

    `after` is the id of the customer behind whom the page begins. No `currency` is the first one that there is.
    """

    order: Order = Order.OVERDUE
    currency: str = ""
    text: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """One line. `owed` has the currency of the oldest invoice first; `held` says in words what keeps reminders back."""

    customer_id: str
    name: str
    number: str
    email: str
    owed: tuple[Owed, ...]
    held: str
    last_reminded_on: date | None
    risk: RiskBand

    @property
    def oldest_due_on(self) -> date | None:
        """The due date of the oldest open invoice."""
        return self.owed[0].oldest_due_on if self.owed else None


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """A page of PAGE_ROWS lines at most. `after` is what the next one begins behind, empty on the last.

    By what is overdue: `currency` is that of the order, one of `currencies`; `is_whole` says that nobody is left out,
    `counted_at` when the order was counted, None for now, and not `is_counted` that it never was.
    """

    rows: tuple[CustomerRow, ...]
    after: str
    currency: str = ""
    currencies: tuple[str, ...] = ()
    is_whole: bool = True
    counted_at: datetime | None = None
    is_counted: bool = True


def customers(db: Connection, organisation: Organisation, asked: Asked, *, now: datetime) -> CustomerPage:
    """Return a page of the customers that are asked for.

    What they owe is summed for those of the page only; the order by what is overdue is kept for the first of each
    currency. Who is not in it any more begins no page: the list is then shown from its beginning.
    """
    if asked.order is Order.NAME:
        found = _by_name(db, organisation.id, asked, limit=PAGE_ROWS + 1)
        return CustomerPage(*_page(db, organisation, found, now))
    ranks = most_overdue(db, organisation, now=now)
    currencies = tuple(sorted(ranks.customers, key=lambda code: (code != organisation.base_currency, code)))
    currency = asked.currency if asked.currency in currencies else next(iter(currencies), "")
    ranked = ranks.customers.get(currency, ())
    found = _these(db, organisation.id, ranked, asked.text)
    place = next((place for place, row in enumerate(found, 1) if row.id == asked.after), 0)
    rows, after = _page(db, organisation, found[place:], now)
    return CustomerPage(
        rows=rows,
        after=after,
        currency=currency,
        currencies=currencies,
        is_whole=len(ranked) < MAX_RANKED,
        counted_at=ranks.counted_at,
        is_counted=ranks.is_counted,
    )


def whole_list(db: Connection, organisation: Organisation, *, text: str, now: datetime) -> tuple[CustomerRow, ...]:
    """Return every customer whom `text` leaves, by name. RefusedError where there are more than MAX_TAKEN."""
    found = _by_name(db, organisation.id, Asked(Order.NAME, text=text), limit=MAX_TAKEN + 1)
    if len(found) > MAX_TAKEN:
        raise RefusedError(f"these are more than {MAX_TAKEN:,} customers: search for a part of a name")
    heaps = (found[start : start + IDS_A_QUERY] for start in range(0, len(found), IDS_A_QUERY))
    return tuple(row for heap in heaps for row in _rows(db, organisation, heap, now))


Found = Sequence[Row[str, str, str | None, str | None]]
_SHOWN = select(_customer.id, _customer.name, _customer.number, _customer.email)


def _by_name(db: Connection, organisation_id: str, asked: Asked, *, limit: int) -> Found:
    mine = _customer.organisation_id == organisation_id
    key = tuple_(func.lower(_customer.name), _customer.id)
    wanted = [mine, _customer.deleted.is_(False), *_mentions(asked.text)]
    name = db.scalar(select(func.lower(_customer.name)).where(mine, _customer.id == asked.after))
    if name is not None:
        wanted.append(key > tuple_(literal(name), literal(asked.after)))
    return db.execute(_SHOWN.where(*wanted).order_by(func.lower(_customer.name), _customer.id).limit(limit)).all()


def _these(db: Connection, organisation_id: str, ranked: Sequence[str], text: str) -> Found:
    """Of these customers those whom a text leaves, in their order."""
    mine = (_customer.organisation_id == organisation_id) & _customer.id.in_(ranked)
    found = {row.id: row for row in db.execute(_SHOWN.where(mine, *_mentions(text)))}
    return [found[each] for each in ranked if each in found]


def _mentions(text: str) -> list[ColumnElement[bool]]:
    columns = (_customer.name, _customer.number, _customer.email)
    return [or_(*(column.icontains(text, autoescape=True) for column in columns))] if text else []


def _page(
    db: Connection, organisation: Organisation, found: Found, now: datetime
) -> tuple[tuple[CustomerRow, ...], str]:
    """The first lines of what was found, and what the page after them begins behind."""
    shown = found[:PAGE_ROWS]
    return _rows(db, organisation, shown, now), shown[-1].id if len(found) > PAGE_ROWS else ""


def _rows(db: Connection, organisation: Organisation, found: Found, now: datetime) -> tuple[CustomerRow, ...]:
    ids, today = [row.id for row in found], now.astimezone(organisation.zone).date()
    owing = owed(db, organisation.id, ids, today=today)
    held = holds_in_words(db, organisation.id, ids, today=today, at=now)
    opted_out = opt_outs(db, organisation.id, ids)
    reminded = last_reminded(db, organisation, ids)
    paid = paid_lately(db, organisation.id, customer_ids=ids, today=today)
    risk = risks(db, organisation, customer_ids=ids, now=now, paid=paid)
    return tuple(
        CustomerRow(
            customer_id=row.id,
            name=row.name,
            number=row.number or "",
            email=row.email or "",
            owed=owing.get(row.id, ()),
            held="; ".join(filter(None, (opt_outs_in_words(opted_out, row.id), held.get(row.id, "")))),
            last_reminded_on=reminded.get(row.id),
            risk=risk[row.id].band,
        )
        for row in found
    )
