"""A payer pays by card or transfer: the processor opens a page for what they chose; the payment names the invoices."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from secrets import token_hex

from sqlalchemy import Connection, delete, insert, select, update

from connectors.contract import Role
from connectors.errors import ConnectorError, Retry
from connectors.intents import CheckoutLine, OpenCheckout, Outcome
from receivables.document import DocumentKind, DocumentStatus
from receivables.identity import stable_id
from receivables.money import Money, total
from receivables.problem import Problem
from runtime.app import App
from runtime.operations.discounts.offers import Offered, keep_offers, offers_of
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.matching.open_items import OpenDocument, open_documents
from runtime.operations.organisations import keep_switch
from runtime.operations.payers.checkouts import LIFETIME, Checkout, begun, begun_lately
from runtime.operations.payers.pay_by_transfer import open_for_transfer, transfers_in
from runtime.operations.payers.payers_word import amount_of
from runtime.operations.reminding.on_their_way import less_on_its_way, on_their_way
from runtime.operations.reminding.withdraw import withdraw_reminders
from runtime.store import connections, journal
from runtime.store import tables as t
from runtime.store.connections import Organisation, VendorConnection

MAX_INVOICES = 12  # in one payment, which names them all: Stripe keeps 500 characters of it
MAX_A_DAY = 20  # pages for one customer: each costs a call of the processor
SHORTEST = timedelta(minutes=31)  # Stripe takes no page that ends within half an hour
HOLDING_A_WEEK = 3  # of one invoice: a page opened after so many holds no reminder back, or one could dodge for ever
ACTOR = "customer"
_PROBLEM = "checkout_not_opened"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a payer pays on one page, by document, with the numbers that they know them by; it is paid before `ends`."""

    numbers: Mapping[str, str]
    amounts: Mapping[str, Money]
    ends: datetime


def may_pay_by_card(db: Connection, organisation: Organisation) -> bool:
    """Whether payers are offered to pay by card: the owner switched it on, and a processor is connected."""
    return (
        organisation.card_payments_on
        and connections.connection_for_role(db, organisation.id, Role.PROCESSOR) is not None
    )


def switch_card_payments(app: App, *, organisation_id: str, on: bool, actor: str) -> None:
    """Offer payers to pay by card, or no more; RefusedError when no processor is connected that could take a card."""
    with app.store.write() as db:
        if on and connections.connection_for_role(db, organisation_id, Role.PROCESSOR) is None:
            raise RefusedError("no processor is connected that could take cards: connect Stripe first")
        now, switch = app.clock(), {"card_payments_on": on}
        keep_switch(db, organisation_id, switch, action="card_payments_switched", actor=actor, at=now)


def pay_by_card(
    app: App,
    *,
    organisation_id: str,
    customer_id: str,
    document_ids: Sequence[str],
    part: str,
    back_to: str,
    in_hand: bool = False,
    by_transfer: bool = False,
) -> str:
    """Open a page on which the customer pays these invoices, and return its address.

    What is open and not on its way is asked now; a discount that stands for paying early is taken off where no part is
    named and nothing is on its way. `part`, decimal text, is what they pay of a single invoice; empty, all that is
    left. A page that was opened for just this and is not over serves again. Reminders of the invoices wait meanwhile,
    an hour at most. `back_to` is the payer's own page. An invoice must be marked as sent, unless they have it
    `in_hand`. `by_transfer`, the page tells where to transfer the money to; where the processor has no such page, it is
    one for other means. InputError for a choice that cannot be paid together; RefusedError when cards are not taken, an
    invoice is not open or all of it is on its way, or the processor opens no page.
    """

    def choose(db: Connection, organisation: Organisation, now: datetime) -> Choice:
        chosen = _chosen(db, organisation, customer_id, document_ids, in_hand=in_hand)
        left = _left(db, organisation, chosen, now)
        amounts = _amounts(left, part)
        whole = [each.document.document_id for each in chosen if left[each.document.document_id] == each.open_amount]
        offered = {} if in_hand else _discounts(db, organisation, whole, now)
        if part.strip():
            offered = {
                document_id: each for document_id, each in offered.items() if amounts[document_id] == each.to_pay
            }
        keep_offers(db, organisation_id, offered.values(), now=now)
        amounts |= {document_id: each.to_pay for document_id, each in offered.items()}
        ends = min((each.offer.ends_at for each in offered.values()), default=now + LIFETIME)
        return Choice({each.document.document_id: each.document.number for each in chosen}, amounts, ends)

    return open_page(
        app, choose, organisation_id=organisation_id, customer_id=customer_id, back_to=back_to, by_transfer=by_transfer
    )


def open_page(
    app: App,
    choose: Callable[[Connection, Organisation, datetime], Choice],
    *,
    organisation_id: str,
    customer_id: str,
    back_to: str,
    by_transfer: bool,
) -> str:
    """Open a page on which the customer pays what `choose` says, under the organisation's lock; return its address."""
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        organisation = connections.organisation(db, organisation_id)
        processor = connections.connection_for_role(db, organisation_id, Role.PROCESSOR)
        if organisation is None or processor is None or not organisation.card_payments_on:
            raise RefusedError("paying by card is not offered here: please pay by bank transfer")
        choice = choose(db, organisation, now)
        amounts, ends = choice.amounts, choice.ends
        by_transfer = by_transfer and _currency(amounts) in transfers_in(db, organisation)
        same = [each for each in begun(db, organisation_id, now) if _is_for(each, customer_id, amounts, by_transfer)]
        if same and same[0].address:
            return same[0].address
        checkout = _begin(db, organisation_id, customer_id, amounts, now, ends=ends, by_transfer=by_transfer)
        email = db.scalar(select(t.customer.c.email).where(t.customer.c.id == customer_id))
    intent = OpenCheckout(
        key=checkout.id,
        lines=tuple(
            CheckoutLine(document_id, number, amounts[document_id]) for document_id, number in choice.numbers.items()
        ),
        email=email or "",
        paid_url=f"{back_to}?notice={'transferring' if by_transfer else 'paying'}",
        given_up_url=back_to,
        expires_at=checkout.expires_at,
    )
    outcome = open_for_transfer(app, processor, organisation, customer_id, intent) if by_transfer else None
    if outcome is None:
        intent = replace(intent, paid_url=f"{back_to}?notice=paying")
        (outcome,) = app.vendors.connector(processor).write([intent])
    return _opened(app, processor, checkout, outcome)


def _chosen(
    db: Connection, organisation: Organisation, customer_id: str, document_ids: Sequence[str], *, in_hand: bool
) -> list[OpenDocument]:
    """Return what was chosen, once each; whatever is not open and theirs is refused."""
    wanted = list(dict.fromkeys(document_ids))
    if not wanted:
        raise InputError("choose at least one invoice")
    if len(wanted) > MAX_INVOICES:
        raise InputError("choose at most %(most)s invoices for one payment", most=MAX_INVOICES)
    chosen = [
        each
        for each in open_documents(db, organisation.id, document_ids=wanted, customer_ids=[customer_id])
        if each.document.kind is DocumentKind.INVOICE
        and each.document.status is DocumentStatus.OPEN
        and (each.document.sent or in_hand)
        and each.open_amount
    ]
    if len(chosen) != len(wanted):
        raise RefusedError("one of these invoices is not open any more: please look at your account again")
    if len({each.open_amount.currency for each in chosen}) > 1:
        raise InputError("choose invoices of one currency for one payment")
    return chosen


def _left(
    db: Connection, organisation: Organisation, chosen: Sequence[OpenDocument], now: datetime
) -> dict[str, Money]:
    """Return what is left to pay of each, less what is on its way; one that leaves nothing is refused.

    A payment for several fills the oldest first: one of which a part is on its way would be filled up with that part.
    """
    opened = {each.document.document_id: each.open_amount for each in chosen}
    coming = on_their_way(db, organisation, opened, now=now)
    left = less_on_its_way(opened, coming)
    covered = [each.document.number for each in chosen if not left[each.document.document_id]]
    if covered:
        raise RefusedError(
            "a payment for %(number)s is on its way already: please do not pay it twice", number=covered[0]
        )
    begun_for = [each.document.number for each in chosen if each.document.document_id in coming]
    if begun_for and len(chosen) > 1:
        raise InputError(
            "what is left of %(number)s is paid by itself: a part of it is on its way", number=begun_for[0]
        )
    return left


def _discounts(
    db: Connection, organisation: Organisation, document_ids: Collection[str], now: datetime
) -> dict[str, Offered]:
    """The discounts with which these are paid: only where a page can end in time, so that none is paid too late."""
    found = offers_of(db, organisation, document_ids, now=now)
    return {document_id: each for document_id, each in found.items() if each.offer.ends_at - now >= SHORTEST}


def _amounts(left: Mapping[str, Money], part: str) -> dict[str, Money]:
    if not part.strip():
        return dict(left)
    if len(left) > 1:
        raise InputError("a part can be paid of one invoice at a time")
    (document_id, opened), *_ = left.items()
    amount = amount_of(part, opened.currency)
    if not 0 < amount.minor <= opened.minor:
        raise InputError("the amount must be more than nothing and at most %(opened)s", opened=opened)
    return {document_id: amount}


def _currency(amounts: Mapping[str, Money]) -> str:
    return next(iter(amounts.values())).currency


def _is_for(checkout: Checkout, customer_id: str, amounts: Mapping[str, Money], by_transfer: bool) -> bool:
    same = checkout.customer_id == customer_id and checkout.by_transfer == by_transfer
    return same and checkout.amounts == amounts


def _begin(
    db: Connection,
    organisation_id: str,
    customer_id: str,
    amounts: Mapping[str, Money],
    now: datetime,
    *,
    ends: datetime,
    by_transfer: bool,
) -> Checkout:
    """Keep that a page is being opened, before it is: a payment that is made there must not be asked for meanwhile."""
    today = begun_lately(db, organisation_id, customer_id, now - timedelta(days=1))
    if len(today) >= MAX_A_DAY:
        raise RefusedError("too many payments were begun today: please pay by bank transfer, or try again tomorrow")
    lately = begun_lately(db, organisation_id, customer_id, now - timedelta(days=7))
    often = any(sum(document_id in each for each in lately) >= HOLDING_A_WEEK for document_id in amounts)
    key = stable_id("cko", organisation_id, customer_id, token_hex(8))
    checkout = Checkout(key, customer_id, amounts, None, not often, by_transfer, now, min(now + LIFETIME, ends))
    amount = total(list(amounts.values()), _currency(amounts))
    means = "by bank transfer" if by_transfer else "by card"
    db.execute(
        insert(t.checkout).values(
            id=checkout.id,
            organisation_id=organisation_id,
            customer_id=customer_id,
            amounts=[[document_id, each.minor] for document_id, each in amounts.items()],
            currency=amount.currency,
            amount_minor=amount.minor,
            address=None,
            holds=checkout.holds,
            by_transfer=by_transfer,
            begun_at=now,
            expires_at=checkout.expires_at,
        )
    )
    for document_id in amounts:
        journal.record(
            db,
            organisation_id=organisation_id,
            at=now,
            actor=ACTOR,
            action="checkout_begun",
            subject=document_id,
            detail=f"a payment of {amount} {means}",
        )
    if checkout.holds:
        why = f"a payment of {amount} {means} was begun"
        withdraw_reminders(db, organisation_id=organisation_id, document_ids=amounts, why=why, at=now)
    return checkout


def _opened(app: App, processor: VendorConnection, checkout: Checkout, outcome: Outcome) -> str:
    """Keep where the page is, or forget it where there is none."""
    mine, organisation_id = t.checkout.c.id == checkout.id, processor.organisation_id
    with app.store.write() as db:
        now = app.clock()
        if not isinstance(outcome, ConnectorError):
            db.execute(update(t.checkout).where(mine).values(address=outcome.address))
            journal.resolve_problem(db, organisation_id=organisation_id, code=_PROBLEM, subject=processor.id, at=now)
            return outcome.address
        db.execute(delete(t.checkout).where(mine))
        # A consent that does not cover this one call may cover all that is read: whether it is lost, a reading tells.
        if not isinstance(outcome, Retry):
            text = f"A payer could not pay by card: {outcome}"
            remedy = "Look at what Stripe says; payers are shown how to pay by bank transfer meanwhile."
            problem = Problem(_PROBLEM, text, remedy, processor.id)
            journal.raise_problem(db, organisation_id=organisation_id, problem=problem, at=now)
    raise RefusedError("paying by card does not work just now: please pay by bank transfer, or try again later")
