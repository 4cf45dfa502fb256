"""Cash that Stripe keeps for payers: it holds and is shown, and is posted once, when it has become a payment."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from connectors.contract import Role
from connectors.records import Kind
from receivables.money import Money
from reminders.holds import PROBABLY_PAID_DAYS
from runtime.operations.reminding.dry_run import dry_run
from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.systems.absorb.page import absorb
from runtime.operations.views.receipts import held_cash, problems
from runtime.store import connections
from runtime.store import tables as t
from runtime.store.connections import Organisation
from tests.operations.firm import CURRENCY, Firm, money_in

GBP = CURRENCY.lower()


def _hear(firm: Firm) -> None:
    firm.deliver_webhooks()
    firm.work()


def _acme(firm: Firm, email: str = "acme@example.com") -> str:
    return firm.stripe.add_customer(name="Acme", email=email)


def _holds(firm: Firm, number: str) -> set[str]:
    """The codes of what holds an invoice now."""
    item_id, now = firm.document(number).id, firm.time()
    decided = dry_run(firm.app.store, _organisation(firm), as_of=now, now=now)
    return {hold["code"] for line in decided if line["item_id"] == item_id for hold in line["holds"]}


def _organisation(firm: Firm) -> Organisation:
    with firm.app.store.read() as db:
        found = connections.organisation(db, firm.id)
    assert found is not None
    return found


def _reminded(firm: Firm) -> set[str]:
    plan_reminders(firm.app, firm.id)
    ids = {row.id: row.number for row in firm.rows(t.document)}
    return {ids[row.document_id] for row in firm.rows(t.reminder_item, state="planned")}


def _shown(firm: Firm) -> list[tuple[str | None, Money]]:
    organisation = _organisation(firm)
    with firm.app.store.read() as db:
        return [(row.customer, row.amount) for row in held_cash(db, organisation)]


def test_a_customers_cash_holds_what_it_covers_and_withdraws_what_was_planned(any_firm: Firm) -> None:
    assert _reminded(any_firm) == {"INV-1001", "INV-1002", "INV-2001"}
    any_firm.stripe.transfer_in(_acme(any_firm), 12_000, GBP)
    _hear(any_firm)
    # The oldest due of Acme's that 120.00 closes comes first; what is left of it closes no other.
    assert _reminded(any_firm) == {"INV-1001", "INV-2001"}
    assert "credit_available" in _holds(any_firm, "INV-1002") - _holds(any_firm, "INV-1001")
    assert _shown(any_firm) == [("Acme", Money(12_000, CURRENCY))]
    assert any_firm.rows(t.outbox) == [] and any_firm.ledger.payments() == [], "it is posted nowhere"


def test_what_is_left_of_money_in_question_holds_other_invoices_as_long_as_that_money_does(firm: Firm) -> None:
    firm.import_lines(money_in("L1", "500.00", "Acme", "payment thanks"))
    firm.settle()
    (proposal,) = firm.rows(t.proposal)
    assert proposal.state == "pending"
    named = [each["item_id"] for each in proposal.body["best"]["allocations"]]
    assert named == [firm.document("INV-1001").id], "120.00 of it would pay this one, and 380.00 is left"
    assert "probably_paid" in _holds(firm, "INV-1001") & _holds(firm, "INV-1002")
    assert not {"credit_available"} & (_holds(firm, "INV-1001") | _holds(firm, "INV-1002")), "nobody said it is credit"
    assert "INV-1002" not in _reminded(firm)
    firm.time.advance(days=PROBABLY_PAID_DAYS + 1)
    assert "probably_paid" not in _holds(firm, "INV-1001") | _holds(firm, "INV-1002")


def test_cash_that_is_applied_to_a_payment_is_posted_once(any_firm: Firm) -> None:
    payer = _acme(any_firm)
    any_firm.stripe.transfer_in(payer, 12_000, GBP)
    _hear(any_firm)
    any_firm.stripe.ask_for_transfer(payer, 12_000, GBP, {"invoice": "INV-1001"})
    any_firm.settle()
    assert any_firm.receipt().state == "applied"
    assert any_firm.ledger.payments() == [Decimal(120)]
    assert any_firm.ledger.balance("INV-1001") == 0
    assert _shown(any_firm) == []
    assert "INV-1002" in _reminded(any_firm), "the money is spent: it holds nothing any more"


def test_what_fills_a_payment_in_part_holds_until_the_rest_comes(any_firm: Firm) -> None:
    payer = _acme(any_firm)
    any_firm.stripe.ask_for_transfer(payer, 20_000, GBP, {"invoice": "INV-1001"})
    any_firm.stripe.transfer_in(payer, 7_550, GBP)
    _hear(any_firm)
    assert _shown(any_firm) == [("Acme", Money(7_550, CURRENCY))]
    assert "INV-1002" not in _reminded(any_firm)
    assert any_firm.rows(t.receipt) == [], "a payment that waits for a transfer is nothing on its way"


def test_cash_that_goes_back_holds_no_longer(any_firm: Firm) -> None:
    payer = _acme(any_firm)
    any_firm.stripe.transfer_in(payer, 12_000, GBP)
    _hear(any_firm)
    any_firm.stripe.return_cash(payer, 12_000, GBP)
    _hear(any_firm)
    assert _reminded(any_firm) == {"INV-1001", "INV-1002", "INV-2001"}
    assert _shown(any_firm) == []
    moved = [row.detail for row in any_firm.rows(t.event, action="cash_moved")]
    assert moved == ["120.00 GBP → 0.00 GBP kept for Acme"]


def test_cash_of_an_unknown_payer_holds_what_it_names_and_asks_a_person(any_firm: Firm) -> None:
    stranger = any_firm.stripe.add_customer(name="J. Smith", email="js@mail.example")
    any_firm.stripe.transfer_in(stranger, 30_000, GBP, reference="INV-2001")
    _hear(any_firm)
    assert _reminded(any_firm) == {"INV-1001", "INV-1002"}
    assert "probably_paid" in _holds(any_firm, "INV-2001")
    assert any_firm.problems() == ["held_cash_unknown"]
    assert _shown(any_firm) == [(None, Money(30_000, CURRENCY))]
    # Somebody corrects the payer at Stripe; the next movement shows it.
    any_firm.stripe.customers[stranger] |= {"name": "Bolt", "email": "bolt@example.com"}
    any_firm.stripe.return_cash(stranger, 100, GBP)
    _hear(any_firm)
    assert any_firm.problems() == []
    assert _shown(any_firm) == [("Bolt", Money(29_900, CURRENCY))]


def test_who_paid_before_is_known_by_the_payments(any_firm: Firm) -> None:
    payer = any_firm.stripe.add_customer(name="A. C. M. E.", email="else@mail.example")
    any_firm.stripe.pay(amount=7_550, currency=CURRENCY, customer_id=payer, metadata={"invoice": "INV-1002"})
    any_firm.settle()
    any_firm.stripe.transfer_in(payer, 12_000, GBP)
    _hear(any_firm)
    assert _shown(any_firm) == [("Acme", Money(12_000, CURRENCY))]
    assert "INV-1001" not in _reminded(any_firm)


def test_a_transfer_that_the_bank_takes_back_after_it_paid_is_shown_to_a_person(any_firm: Firm) -> None:
    payer = _acme(any_firm)
    any_firm.stripe.transfer_in(payer, 12_000, GBP)
    _hear(any_firm)
    any_firm.stripe.reverse_transfer(payer, 12_000, GBP)
    _hear(any_firm)
    assert any_firm.problems() == ["cash_gone"]
    with any_firm.app.store.read() as db:
        (shown,) = problems(db, any_firm.id)
    assert "120.00 GBP kept for Acme" in shown.text


@pytest.mark.parametrize("seconds", [5, -5])
def test_an_older_reading_of_cash_changes_nothing(firm: Firm, seconds: int) -> None:
    """Neither one that began before nor one that a replica answers later."""
    payer = _acme(firm)
    firm.stripe.transfer_in(payer, 12_000, GBP)
    firm.settle()
    connector = firm.app.vendors.connector(firm.connection(Role.PROCESSOR))
    old = connector.fetch(Kind.HELD_CASH, [payer])
    firm.time.advance(seconds=2)
    firm.stripe.return_cash(payer, 12_000, GBP)
    firm.settle()
    with firm.app.store.write() as db:
        at = firm.app.clock() + timedelta(seconds=seconds)
        absorb(db, connection=firm.connection(Role.PROCESSOR), page=old, read_at=at)
    assert _shown(firm) == []


def test_merged_customers_take_their_cash_along(any_firm: Firm) -> None:
    any_firm.stripe.transfer_in(_acme(any_firm), 12_000, GBP)
    _hear(any_firm)
    books = any_firm.ledger.books  # type: ignore[attr-defined]
    gone, kept = any_firm.customers["Acme"], any_firm.customers["Bolt"]
    if any_firm.ledger.system == "xero":
        books.merge_contact(gone, into=kept)
    else:
        books.merge_customers(kept_id=kept, gone_id=gone)
    any_firm.settle()
    assert _shown(any_firm) == [("Bolt", Money(12_000, CURRENCY))]
