"""What payers do on their pages: pay by card or begin to, promise, contest, ask, agree on a plan or to autopay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from connectors.errors import ConnectorError
from receivables.document import DocumentKind
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.payers.dispute import dispute, settle_dispute
from runtime.operations.payers.pay_by_card import pay_by_card
from runtime.operations.payers.promise import promise
from runtime.operations.payers.question import ANSWERED_WITHIN, ask, mark_answered
from runtime.operations.plans.agree_plan import agree_plan
from runtime.operations.plans.payment_plans import offers
from runtime.simulation.autopay import agree, withdraw
from runtime.simulation.crashes import Crash
from runtime.simulation.discounts import take_discount
from runtime.simulation.stage import PUBLIC_URL, Play
from runtime.store import connections
from runtime.store import tables as t
from sandbox.life import Debt, Fact, Firm, Source
from sandbox.life.discounts import early, offer_on, took
from sandbox.life.hands import REFUSALS
from sandbox.life.processor import new_charge
from sandbox.world.takings import card_fee

ACTOR = "a payer"
CHECKOUT_ENDS = "checkout ends"
QUESTION = "Which delivery is this invoice for?"
_CHECKOUT, _ASKED = "checkout", "reply_unread"
_GIVES_UP, _PART = 0.3, 0.3
_PAYS_WITHIN_MINUTES = (1, 45)
_HELD_FOR = timedelta(minutes=50)  # a page lives an hour by the product's clock, which may be five minutes off
_KEEPS_PROMISE_DAYS = (1, 6)
_FIRST_INSTALMENT_DAYS, _INSTALMENTS = (4, 12), 3
_SAYS_AGAIN_AFTER = timedelta(hours=1)
_ANSWERED_AFTER_DAYS = (1, 9)  # some later than a question may hold


@dataclass(frozen=True, slots=True)
class Page:
    """A payer's page: one of their open invoices as the product has it."""

    firm: Firm
    debt: Debt
    organisation_id: str
    customer_id: str
    document_id: str

    def about(self) -> dict[str, Any]:
        """Return whom and what the product is told about."""
        return {
            "organisation_id": self.organisation_id,
            "customer_id": self.customer_id,
            "document_id": self.document_id,
        }


def visit(play: Play) -> str:
    """Let a payer do something on their page."""
    page = _open_page(play)
    if page is None:
        return "nobody looks at their page"
    weights = [weight * play.often.get(name, 1.0) for name, (weight, _) in _ACTS.items()]
    _, act = play.rng.choices(list(_ACTS.values()), weights=weights)[0]
    try:
        return f"{page.firm.key}: on their page: {act(play, page)}"
    except (RefusedError, InputError, ConnectorError, *REFUSALS) as error:
        return f"{page.firm.key}: on their page: refused ({error})"


def _open_page(play: Play) -> Page | None:
    """Draw an invoice about which nobody said anything yet, of those that the product knows."""
    key = play.rng.choice(sorted(play.ids))
    firm, today = play.life.firms[key], play.time.now().date()
    quiet = [each for each in firm.unpaid.values() if not each.state(today).held and not _was_told(each)]
    if not quiet:
        return None
    return _page_about(play, firm, play.rng.choice(quiet))


def _page_about(play: Play, firm: Firm, debt: Debt) -> Page | None:
    organisation_id = play.ids[firm.key]
    mine = (t.document.c.organisation_id == organisation_id) & (t.document.c.number == debt.number)
    with play.app.store.read() as db:
        row = db.execute(select(t.document.c.id, t.document.c.customer_id).where(mine)).first()
    return None if row is None else Page(firm, debt, organisation_id, row.customer_id, row.id)


def _was_told(debt: Debt) -> bool:
    """Whether somebody has spoken of it, in the CRM or here: two words about one invoice are another story."""
    return any(fact.source in (Source.CRM, Source.INSTRUCTIONS, Source.DESK) for fact in debt.facts)


def _note(play: Play, page: Page, **facts: object) -> None:
    """What is said on a page is known to the product at once."""
    at = play.time.now()
    page.firm.happened(page.debt, Fact(Source.DESK, at, at, **facts))  # type: ignore[arg-type]


def _pay(play: Play, page: Page) -> str:
    """Begin to pay; some give up, the others pay while their page lives."""
    owed = page.debt.state(play.time.now().date()).open
    part = str((owed / 2).quantize(Decimal("0.01"))) if play.rng.random() < _PART and owed > 1 else ""
    address = pay_by_card(
        play.app,
        organisation_id=page.organisation_id,
        customer_id=page.customer_id,
        document_ids=[page.document_id],
        part=part,
        back_to=f"{PUBLIC_URL}/p/page",
    )
    _note(play, page, holds=_CHECKOUT)
    session = address.rsplit("/", 1)[-1]
    pays = play.rng.random() >= _GIVES_UP

    def end() -> str:
        if not (pays and _complete(play, page, session)):
            _note(play, page, frees=_CHECKOUT)
        return f"{page.firm.key}: the page on which {page.debt.number} was to be paid is left"

    after = timedelta(minutes=play.rng.uniform(*_PAYS_WITHIN_MINUTES)) if pays else _HELD_FOR
    play.agenda.later(after, CHECKOUT_ENDS, end)
    return f"begins to pay {page.debt.number}"


def _complete(play: Play, page: Page, session: str) -> bool:
    """Pay what the page asks for; False when it is more than is owed by now, or the page is over."""
    account, debt, at = page.firm.processor.account, page.debt, play.time.now()
    amount = Decimal(account.checkout_sessions[session]["amount_total"]).scaleb(-2)
    state = debt.state(at.date())
    if amount > state.open or state.held - {_CHECKOUT}:
        return False
    fee = min(amount, card_fee(amount, debt.invoice.currency))
    try:
        paid = account.complete_checkout(session, fee=int(fee.scaleb(2)))
    except REFUSALS:
        return False
    new_charge(page.firm, debt, method="card", amount=amount, fee=fee, at=at, payment_intent=paid)
    page.firm.happened(debt, Fact(Source.PROCESSOR, at, at, paid=amount, frees=_CHECKOUT))
    offer = offer_on(page.firm, debt)
    if offer is not None and amount == debt.invoice.total - offer.amount == state.open - offer.amount:
        offer = page.firm.offers.setdefault(debt.number, offer)
        took(debt, offer, min(at.date(), offer.last_on))  # the page ends with the offer, on the payer's clock
    return True


def _promise(play: Play, page: Page) -> str:
    on = play.time.now().date() + timedelta(days=play.rng.randint(*_KEEPS_PROMISE_DAYS))
    promise(play.app, **page.about(), promised_on=on, actor=ACTOR)
    _note(play, page, holds="promised", until=on)
    return f"promises {page.debt.number} by {on}"


def _contest(play: Play, page: Page) -> str:
    dispute(play.app, **page.about(), reason="Two boxes arrived damaged", actor=ACTOR)
    _note(play, page, holds="disputed")
    told = f"{page.firm.key}: the dispute about {page.debt.number} is settled"
    settle = _decided(play, page, settle_dispute, frees="disputed", told=told)
    play.agenda.later(timedelta(days=play.rng.randint(1, 6)), told, settle)
    return f"contests {page.debt.number}"


def _decided(play: Play, page: Page, end: Callable[..., None], *, frees: str, told: str) -> Callable[[], str]:
    """Have the accountant decide; where the product dies at it, before it kept that or after, she says it once more."""

    def say() -> str:
        try:
            with suppress(RefusedError):
                end(play.app, organisation_id=page.organisation_id, document_id=page.document_id, actor="accountant")
        except (Crash, SQLAlchemyError):
            play.agenda.later(_SAYS_AGAIN_AFTER, told, say)
            raise
        return told

    def decide() -> str:
        _note(play, page, frees=frees)
        return say()

    return decide


def _ask(play: Play, page: Page) -> str:
    at = play.time.now()
    ask(play.app, **page.about(), question=QUESTION, actor=ACTOR)
    _note(play, page, holds=_ASKED, until=(at + ANSWERED_WITHIN).date() - timedelta(days=1))
    told = f"{page.firm.key}: the question about {page.debt.number} is answered"
    answer = _decided(play, page, mark_answered, frees=_ASKED, told=told)
    play.agenda.later(timedelta(days=play.rng.randint(*_ANSWERED_AFTER_DAYS)), told, answer)
    return f"asks about {page.debt.number}"


def _agree_on_a_plan(play: Play, page: Page) -> str:
    """Agree that all that is overdue is paid in instalments; whether they come is another matter."""
    mine = (t.document.c.organisation_id == page.organisation_id, t.document.c.kind == DocumentKind.INVOICE.value)
    with play.app.store.read() as db:
        organisation = connections.organisation(db, page.organisation_id)
        found = offers(db, organisation, page.customer_id, now=play.clock()) if organisation else []
        overdue = t.document.c.id.in_([each for offer in found[:1] for each in offer.documents])
        numbers = db.scalars(select(t.document.c.number).where(*mine, overdue)).all()
    if not found:
        raise RefusedError("nothing is overdue")
    first_on = play.time.now().date() + timedelta(days=play.rng.randint(*_FIRST_INSTALMENT_DAYS))
    agree_plan(
        play.app,
        organisation_id=page.organisation_id,
        customer_id=page.customer_id,
        debt=found[0].debt,
        count=_INSTALMENTS,
        first_on=first_on,
        consent="as agreed by telephone",
        actor="accountant",
    )
    for number in numbers:
        _note(play, replace(page, debt=page.firm.debts[number]), holds="plan", until=first_on)
    return f"agrees to pay {', '.join(numbers)} in instalments, the first on {first_on}"


def _agree_to_autopay(play: Play, page: Page) -> str:
    return agree(play, page.firm, page.firm.customer_of(page.debt))


def _take_a_discount(play: Play, page: Page) -> str:
    """Of what may be paid early, a payer looks at what falls due soon; at any other invoice they find nothing."""
    debt = early(play.life.hands, page.firm)
    looked_at = (_page_about(play, page.firm, debt) if debt is not None else None) or page
    return take_discount(play, looked_at.firm, looked_at.debt, looked_at.document_id)


def _withdraw(play: Play, page: Page) -> str:
    return withdraw(play, page.firm)


_ACTS: Mapping[str, tuple[int, Callable[[Play, Page], str]]] = {
    "pay on a page": (5, _pay),
    "promise on a page": (2, _promise),
    "contest on a page": (1, _contest),
    "ask on a page": (2, _ask),
    "agree on a plan": (1, _agree_on_a_plan),
    "take a discount": (3, _take_a_discount),
    "agree to autopay": (3, _agree_to_autopay),
    "withdraw from autopay": (1, _withdraw),
}
PAGE_ACTS = frozenset(_ACTS)
