"""The invoices that a receipt could pay, for a person to choose from, and what their choice would do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Subquery, case, false, or_, select

from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money
from reminders.replies.amounts import written_amount
from runtime.operations.applying.applications import proposed_items
from runtime.operations.errors import SaidError
from runtime.operations.matching.choose import MAX_CHOSEN, Choice, choice_of, payable, proposal_of, why_not_chosen
from runtime.operations.matching.decide import receipt_of
from runtime.operations.matching.open_items import OpenDocument
from runtime.operations.systems.treatments import treatments
from runtime.operations.views.ledger_ahead import LedgerAhead, PostingAhead
from runtime.store import tables as t
from runtime.store.rows import beside_an_index

PAGE_ROWS = 25  # of those that are offered; a search finds the others
MAX_CUSTOMERS = 20  # of those that a name fits
# Open invoices, those due first, in which an amount and a part of a number are looked for. A whole number and a name
# are found in all of them, by an index.
MAX_SEARCHED = 5_000
_LOOKED_AT = ("id", "kind", "currency", "number", "balance_minor", "total_minor", "due_on")
_document = t.document.c
_IS_OPEN = _document.status == DocumentStatus.OPEN.value


@dataclass(frozen=True, slots=True)
class InvoiceChoice:
    """An open invoice. `text` is the amount as it was written, or is meant; `left` what would stay open of it."""

    document_id: str
    number: str
    customer_name: str
    due_on: date
    open_amount: Money
    text: str = ""
    left: Money | None = None


@dataclass(frozen=True, slots=True)
class ChoiceEffect:
    """What a choice would do: `unapplied` becomes the credit of `customer_name`; `ahead` is written in the ledger."""

    unapplied: Money
    customer_name: str
    ahead: tuple[PostingAhead, ...]


@dataclass(frozen=True, slots=True)
class Choices:
    """A receipt, what is chosen for it and what else could be.

    `obstacle` says why nothing can be chosen for it now, `wrong` what of the choice cannot be; `effect` is None where
    nothing is chosen or it cannot be. Of `offered` there may be `more`; not `is_whole`, not all were searched.
    """

    receipt_id: str
    received_on: date
    amount: Money
    payer_name: str
    payer_account: str
    remittance: str
    obstacle: str | None = None
    wrong: str | None = None
    chosen: tuple[InvoiceChoice, ...] = ()
    effect: ChoiceEffect | None = None
    offered: tuple[InvoiceChoice, ...] = ()
    more: bool = False
    is_whole: bool = True


def choices(
    db: Connection, organisation_id: str, receipt_id: str, *, amounts: Mapping[str, str], text: str = ""
) -> Choices:
    """Return what a receipt could pay and what the choice of `amounts` (as written, by invoice) would do.

    First what is proposed for it, then what its customer has open, what is open for just its amount and what is due
    first; with `text` the one of that number, else those of whose number or customer's name it is a part, or which come
    to that amount. RefusedError without such a receipt.
    """
    receipt, proposal = receipt_of(db, organisation_id, receipt_id), proposal_of(db, organisation_id, receipt_id)
    about: dict[str, Any] = {name: receipt[name] for name in ("received_on", "payer_name", "payer_account")}
    about |= {"receipt_id": receipt_id, "remittance": receipt["remittance"], "amount": _amount(receipt)}
    if (obstacle := why_not_chosen(receipt, proposal)) is not None:
        return Choices(**about, obstacle=obstacle)
    invoices = payable(db, organisation_id, list(amounts)[: MAX_CHOSEN + 1])
    choice, wrong = None, None
    if amounts:
        try:
            choice = choice_of(db, receipt, invoices, amounts)
        except SaidError as error:
            wrong = str(error)
    offered, more = _offered(db, receipt, proposal, text, without=invoices)
    return Choices(
        **about,
        wrong=wrong,
        chosen=tuple(_chosen(invoices, amounts, choice)),
        effect=None if choice is None else _effect(db, receipt, choice),
        offered=tuple(map(_row, offered)),
        more=more,
        is_whole=not text or _is_whole(db, organisation_id),
    )


def _effect(db: Connection, receipt: dict[str, Any], choice: Choice) -> ChoiceEffect:
    organisation_id = receipt["organisation_id"]
    customer = (t.customer.c.organisation_id == organisation_id) & (t.customer.c.id == choice.customer_id)
    return ChoiceEffect(
        unapplied=choice.best.unapplied,
        customer_name=db.scalar(select(t.customer.c.name).where(customer)) or "",
        ahead=LedgerAhead(db, organisation_id, treatments(db, organisation_id)).of(receipt, choice.best),
    )


def _chosen(
    invoices: Mapping[str, OpenDocument], amounts: Mapping[str, str], choice: Choice | None
) -> Iterator[InvoiceChoice]:
    paid = {each.item_id: each.amount for each in choice.best.allocations} if choice else {}
    for document_id, text in amounts.items():
        if document_id in invoices:
            amount, opened = paid.get(document_id), invoices[document_id].open_amount
            left = None if amount is None else opened - amount
            yield _row(invoices[document_id], text if amount is None else amount.text(), left)


def _row(invoice: OpenDocument, text: str = "", left: Money | None = None) -> InvoiceChoice:
    document = invoice.document
    return InvoiceChoice(
        document.document_id, document.number, invoice.customer_name, document.due_on, invoice.open_amount, text, left
    )


def _offered(
    db: Connection, receipt: Mapping[str, Any], proposal: Mapping[str, Any], text: str, *, without: Iterable[str]
) -> tuple[list[OpenDocument], bool]:
    """Return the first PAGE_ROWS invoices that fit, and whether there may be more."""
    if text:
        found = _numbered(db, receipt, text)
        if not found:  # whoever writes a whole number means that one
            found = [*_of(db, receipt, _called(db, receipt, text)), *_said_by_the_oldest(db, receipt, text)]
    else:
        likely = receipt["customer_id"] or proposal["body"].get("customer_id")
        found = [*_proposed(proposal["body"]), *_of(db, receipt, [likely] if likely else [])]
        found += _oldest_of_its_amount_first(db, receipt)
    distinct, taken = dict.fromkeys(found), set(without)
    ordered = [each for each in distinct if each not in taken]
    known = payable(db, receipt["organisation_id"], ordered)
    fits = [
        known[each]
        for each in ordered
        if each in known and known[each].open_amount and known[each].open_amount.currency == receipt["currency"]
    ]
    return fits[:PAGE_ROWS], len(distinct) > PAGE_ROWS


def _proposed(body: Mapping[str, Any]) -> list[str]:
    runner_up = body["runner_up"]["allocations"] if body["runner_up"] else []
    return proposed_items(body) + [each["item_id"] for each in runner_up]


def _numbered(db: Connection, receipt: Mapping[str, Any], text: str) -> list[str]:
    """Those of just this number, in any case: found by an index, however many are open."""
    alike = {text, text.upper(), text.lower()}
    return list(db.scalars(_open(receipt).where(_document.number.in_(alike)).limit(PAGE_ROWS + 1)))


def _of(db: Connection, receipt: Mapping[str, Any], customer_ids: list[str]) -> list[str]:
    """Those of these customers, the ones due first."""
    if not customer_ids:
        return []
    theirs = _open(receipt).where(_document.customer_id.in_(customer_ids))
    return list(db.scalars(theirs.order_by(_document.due_on, _document.id).limit(PAGE_ROWS + 1)))


def _open(receipt: Mapping[str, Any]) -> Select[tuple[str]]:
    """Open invoices in the currency of a receipt, for a condition that few of them meet and an index serves."""
    return select(_document.id).where(
        _document.organisation_id == receipt["organisation_id"],
        beside_an_index(_document.status) == DocumentStatus.OPEN.value,
        _document.kind == DocumentKind.INVOICE.value,
        _document.currency == receipt["currency"],
    )


def _called(db: Connection, receipt: Mapping[str, Any], text: str) -> list[str]:
    customer = t.customer.c
    mine = (customer.organisation_id == receipt["organisation_id"]) & customer.name.icontains(text, autoescape=True)
    return list(db.scalars(select(customer.id).where(mine).order_by(customer.id).limit(MAX_CUSTOMERS)))


def _said_by_the_oldest(db: Connection, receipt: Mapping[str, Any], text: str) -> list[str]:
    """Of those that are due first, the ones that have `text` in their number, or come to the amount that it is."""
    oldest, found = _oldest_in(receipt)
    amount = written_amount(text, currency=receipt["currency"])
    is_so_much = _comes_to(oldest, amount.minor) if amount is not None else false()
    return list(db.scalars(found.where(oldest.c.number.icontains(text, autoescape=True) | is_so_much)))


def _oldest_of_its_amount_first(db: Connection, receipt: Mapping[str, Any]) -> list[str]:
    """Those that are due first, but before them the ones that come to just what the payer paid."""
    oldest, found = _oldest_in(receipt)
    is_so_much = _comes_to(oldest, receipt["amount_minor"] + (receipt["fee_minor"] or 0))
    by_amount = found.order_by(None).order_by(case((is_so_much, 0), else_=1), oldest.c.due_on, oldest.c.id)
    return list(db.scalars(by_amount))


def _oldest_in(receipt: Mapping[str, Any]) -> tuple[Subquery, Select[tuple[str]]]:
    """The MAX_SEARCHED open documents that are due first, and a page of the invoices among them in its currency."""
    oldest = (
        select(*(_document[name] for name in _LOOKED_AT))
        .where(_document.organisation_id == receipt["organisation_id"], _IS_OPEN)
        .order_by(_document.due_on, _document.id)
        .limit(MAX_SEARCHED)
        .subquery()
    )
    mine = (oldest.c.kind == DocumentKind.INVOICE.value) & (oldest.c.currency == receipt["currency"])
    return oldest, select(oldest.c.id).where(mine).order_by(oldest.c.due_on, oldest.c.id).limit(PAGE_ROWS + 1)


def _comes_to(oldest: Subquery, minor: int) -> ColumnElement[bool]:
    return or_(oldest.c.balance_minor == minor, oldest.c.total_minor == minor)


def _is_whole(db: Connection, organisation_id: str) -> bool:
    """Whether no more is open than is searched."""
    open_ones = select(_document.id).where(_document.organisation_id == organisation_id, _IS_OPEN)
    beyond = open_ones.order_by(_document.due_on, _document.id).offset(MAX_SEARCHED).limit(1)
    return db.scalar(beyond) is None


def _amount(receipt: Mapping[str, Any]) -> Money:
    return Money(receipt["amount_minor"], receipt["currency"])
