"""Early-payment discounts: told, taken in time, applied without the rest, posted after a person's approval alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import requests

from receivables.money import Money
from reminders.holds import HoldCode
from runtime.operations.charges.terms import note_business
from runtime.operations.discounts.decide import grant_discount, refuse_discount
from runtime.operations.discounts.offers import Offered, offer_on_page
from runtime.operations.errors import RefusedError
from runtime.operations.inbox.set_aside import replay, set_aside
from runtime.operations.matching.decide import confirm, undo
from runtime.operations.payers.pay_by_card import pay_by_card, switch_card_payments
from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.reminding.policies import set_policies
from runtime.operations.reminding.send import send_reminders
from runtime.operations.systems.treatments import set_treatment
from runtime.operations.views.discounts import Discounts, discounts_view
from runtime.operations.views.portal import portal
from runtime.operations.views.standing import standings
from runtime.store import connections
from runtime.store import tables as t
from tests.operations.copied import copied_firm, synced
from tests.operations.faults import refused
from tests.operations.firm import LEDGERS, TODAY, Firm, money_in

NUMBER, OTHER = "INV-3001", "INV-3002"
LAST = TODAY + timedelta(days=5)
OFF = Money(2_000, "GBP")
POLICIES = """policies:
  - name: prompt
    levels:
      - {days_after_due: -27, tone: upcoming}
      - {days_after_due: 1, tone: friendly}
    early_discount: {within_days: 10, per_cent: 2, at_most: {GBP: 50.00}}
"""


@pytest.fixture(params=sorted(LEDGERS))
def firm(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Firm]:
    with copied_firm(tmp_path, request.param, prepare=_discounting) as firm:
        yield firm


def _discounting(firm: Firm) -> None:
    """Let the firm give Acme, a business, 2 % within ten days: of 1,000.00 issued five days ago, due in twenty-five."""
    synced(firm)
    for number in (NUMBER, OTHER):
        firm.ledger.invoice(firm.customers["Acme"], number, "1000.00", due=TODAY + timedelta(days=25))
    firm.settle()
    _business(firm)
    _set(firm)


def _set(firm: Firm, text: str = POLICIES) -> None:
    set_policies(firm.app, organisation_id=firm.id, text=text, source="a test", actor="dana")


def _business(firm: Firm, *, yes: bool = True) -> None:
    customer = firm.document(NUMBER).customer_id
    note_business(firm.app, organisation_id=firm.id, customer_id=customer, is_business=yes, actor="dana")


def _book(firm: Firm) -> None:
    (account,) = [row.handle for row in firm.rows(t.account) if row.purpose == "fees"]
    set_treatment(firm.app, organisation_id=firm.id, kind="discount", account=account, actor="dana")


def _look(firm: Firm, *numbers: str) -> dict[str, Offered]:
    """What the payer's page offers."""
    ids = {firm.document(number).id: number for number in numbers or (NUMBER, OTHER)}
    return {ids[key]: each for key, each in offer_on_page(firm.app, firm.id, list(ids)).items()}


def _pay(firm: Firm, amount: str, *, days: int = 0, text: str = NUMBER) -> None:
    """A bank transfer of Acme arrives, so many days from today."""
    on = TODAY + timedelta(days=days)
    firm.time.advance(days=days + 1)
    firm.import_lines(money_in("D1", amount, "ACME", text, on=on), on=on)
    firm.settle()


def _states(firm: Firm) -> dict[str, str]:
    numbers = {row.id: row.number for row in firm.rows(t.document)}
    return {numbers[row.document_id]: row.state for row in firm.rows(t.discount)}


def _holds(firm: Firm, number: str = NUMBER) -> set[HoldCode]:
    with firm.app.store.read() as db:
        organisation = connections.organisation(db, firm.id)
        assert organisation is not None
        found = standings(db, organisation, now=firm.app.clock(), document_ids=[firm.document(number).id])
    return {hold.code for each in found.invoices.values() for hold in each.holds}


def _page(firm: Firm) -> Discounts:
    with firm.app.store.read() as db:
        organisation = connections.organisation(db, firm.id)
        assert organisation is not None
        return discounts_view(db, organisation, now=firm.app.clock())


def _grant(firm: Firm, amount: Money = OFF) -> None:
    grant_discount(firm.app, organisation_id=firm.id, document_id=firm.document(NUMBER).id, amount=amount, actor="dana")


def test_an_offered_discount_is_applied_without_its_rest_and_posted_after_approval(firm: Firm) -> None:
    _book(firm)
    offered = _look(firm)[NUMBER]
    assert (offered.to_pay.text(), offered.offer.amount, offered.offer.last_on) == ("980.00", OFF, LAST)
    _pay(firm, "980.00", days=4)
    assert firm.receipt().state == "applied"
    assert firm.ledger.balance(NUMBER) == Decimal("20.00"), "only the cash is posted"
    assert _states(firm)[NUMBER] == "waiting"
    assert HoldCode.DISCOUNT in _holds(firm)
    assert firm.problems() == []
    firm.time.advance(days=25)
    firm.settle()
    assert HoldCode.DISCOUNT in _holds(firm), "nobody is reminded of it however long it waits"
    _grant(firm)
    firm.settle()
    assert firm.ledger.balance(NUMBER) == 0
    assert _states(firm)[NUMBER] == "granted"
    assert HoldCode.DISCOUNT not in _holds(firm)
    assert [row.actor for row in firm.rows(t.event) if row.action == "discount_granted"] == ["dana"]
    assert firm.problems() == []
    assert firm.writes_at_rest() == []
    with pytest.raises(RefusedError, match="no such discount waits"):
        _grant(firm)


@pytest.mark.parametrize(
    ("told", "days", "amount"),
    [(False, 2, "980.00"), (True, 6, "980.00"), (True, 2, "979.99"), (True, 2, "950.00")],
    ids=["not offered", "too late", "a cent short", "another amount"],
)
def test_what_was_not_offered_or_comes_late_is_a_short_payment_for_a_person(
    firm: Firm, amount: str, days: int, *, told: bool
) -> None:
    _book(firm)
    if told:
        _look(firm)
    _pay(firm, amount, days=days)
    assert firm.receipt().state == "suggested", "a person decides"
    assert firm.rows(t.allocation) == []
    assert set(_states(firm).values()) <= {"offered"}
    assert HoldCode.DISCOUNT not in _holds(firm)


def test_the_last_day_counts(firm: Firm) -> None:
    _look(firm)
    _pay(firm, "980.00", days=5)
    assert _states(firm)[NUMBER] == "waiting"


def test_two_invoices_paid_at_once_take_two_discounts(firm: Firm) -> None:
    _look(firm)
    _pay(firm, "1960.00", days=1, text=f"{NUMBER} {OTHER}")
    assert firm.receipt().state == "applied"
    assert _states(firm) == {NUMBER: "waiting", OTHER: "waiting"}
    assert firm.ledger.balance(NUMBER) == firm.ledger.balance(OTHER) == Decimal("20.00")


def test_a_refused_discount_is_owed_like_any_rest(firm: Firm) -> None:
    _look(firm)
    _pay(firm, "980.00", days=1)
    which = {"organisation_id": firm.id, "document_id": firm.document(NUMBER).id, "actor": "dana"}
    with pytest.raises(RefusedError, match="no such discount"):
        refuse_discount(firm.app, **which, amount=Money(1_999, "GBP"))
    refuse_discount(firm.app, **which, amount=OFF)
    assert _states(firm)[NUMBER] == "refused"
    assert HoldCode.DISCOUNT not in _holds(firm)
    assert firm.ledger.balance(NUMBER) == Decimal("20.00")
    firm.time.advance(days=30)
    firm.settle()
    with firm.app.store.read() as db:
        organisation = connections.organisation(db, firm.id)
        assert organisation is not None
        (standing,) = standings(
            db, organisation, now=firm.app.clock(), document_ids=[which["document_id"]]
        ).invoices.values()
    assert standing.truly_due


def test_without_an_account_or_with_another_rest_nothing_is_granted(firm: Firm) -> None:
    _look(firm)
    _pay(firm, "980.00", days=1)
    with pytest.raises(RefusedError, match="name the account for discount in the settings"):
        _grant(firm)
    _book(firm)
    firm.ledger.pay_by_hand(NUMBER, "5.00", on=TODAY)  # nobody has told us yet
    with pytest.raises(RefusedError, match=r"15\.00.* is open of this invoice now"):
        _grant(firm)
    assert _states(firm)[NUMBER] == "waiting"


def test_what_was_settled_otherwise_waits_for_nobody(firm: Firm) -> None:
    _look(firm)
    _pay(firm, "980.00", days=1)
    assert [each.number for each in _page(firm).waiting] == [NUMBER]
    assert [each.number for each in _page(firm).offered] == [OTHER]
    firm.ledger.pay_by_hand(NUMBER, "20.00", on=TODAY)
    firm.ledger.pay_by_hand(OTHER, "1000.00", on=TODAY)
    firm.settle()
    assert _page(firm).waiting == _page(firm).offered == ()


def test_only_whole_invoices_of_businesses_are_offered_any_and_only_by_the_policy(firm: Firm) -> None:
    firm.ledger.pay_by_hand(OTHER, "1.00", on=TODAY)
    firm.settle()
    assert set(_look(firm)) == {NUMBER}
    _business(firm, yes=False)
    firm.ledger.invoice(firm.customers["Acme"], "INV-3003", "10.00", due=TODAY + timedelta(days=25))
    firm.settle()
    assert set(_look(firm, NUMBER, "INV-3003")) == {NUMBER}, "what was told stands"
    _business(firm)
    _set(firm, POLICIES.replace("    early_discount: {within_days: 10, per_cent: 2, at_most: {GBP: 50.00}}\n", ""))
    assert set(_look(firm, NUMBER, "INV-3003")) == {NUMBER}, "what was told stands, and nothing else is offered"


def test_money_that_goes_back_takes_its_discount_along(firm: Firm) -> None:
    _book(firm)
    _look(firm)
    _pay(firm, "980.00", days=1)
    paid = firm.receipt().id
    undo(firm.app, organisation_id=firm.id, receipt_id=paid, actor="dana")
    firm.deliver_webhooks()
    assert _states(firm)[NUMBER] == "offered"
    assert HoldCode.DISCOUNT not in _holds(firm)


def test_a_granted_discount_ends_with_the_payment_that_took_it(firm: Firm) -> None:
    _book(firm)
    _look(firm)
    _pay(firm, "980.00", days=1)
    (paid,) = [row.id for row in firm.rows(t.receipt)]
    _grant(firm)
    firm.settle()
    undo(firm.app, organisation_id=firm.id, receipt_id=paid, actor="dana")
    firm.settle()
    assert firm.ledger.balance(NUMBER) == Decimal("1000.00")
    assert _states(firm)[NUMBER] == "offered"
    assert [row.state for row in firm.rows(t.receipt) if row.amount_minor == 0] == ["undone"]


def test_taking_the_grant_back_refuses_it(firm: Firm) -> None:
    _book(firm)
    _look(firm)
    _pay(firm, "980.00", days=1)
    _grant(firm)
    firm.settle()
    (granted,) = [row.id for row in firm.rows(t.receipt) if row.amount_minor == 0]
    undo(firm.app, organisation_id=firm.id, receipt_id=granted, actor="dana")
    firm.settle()
    assert firm.ledger.balance(NUMBER) == Decimal("20.00")
    assert _states(firm)[NUMBER] == "refused"


def test_what_was_granted_is_asked_of_nobody_because_the_ledger_refused_it(firm: Firm) -> None:
    _book(firm)
    _look(firm)
    _pay(firm, "980.00", days=1)
    firm.ledger.standin.interceptor = refused
    _grant(firm)
    firm.settle()
    assert (firm.problems(), _states(firm)[NUMBER]) == (["write_refused"], "granted")
    assert firm.ledger.balance(NUMBER) == 20
    assert HoldCode.SETTLED in _holds(firm)
    firm.ledger.standin.interceptor = None
    with firm.app.store.read() as db:
        (waiting,) = set_aside(db, firm.id)
    replay(firm.app, organisation_id=firm.id, queue=waiting.queue, row_id=waiting.row_id, actor="dana")
    firm.settle()
    assert (firm.problems(), _states(firm)[NUMBER]) == ([], "granted")
    assert firm.ledger.balance(NUMBER) == 0


def test_the_message_before_the_due_date_says_it_and_makes_it_stand(firm: Firm) -> None:
    firm.switch_sending()
    for number in ("INV-1001", "INV-1002"):  # what is overdue would come first
        firm.ledger.pay_by_hand(number, str(firm.ledger.balance(number)), on=TODAY)
    firm.settle()
    plan_reminders(firm.app, firm.id)
    assert _states(firm) == {}
    send_reminders(firm.app, firm.id)
    (mail,) = [each for each in firm.mailbox.mails if each.recipients == ("acme@example.com",)]
    assert "Pay £980.00 instead for invoice INV-3001 by 15 Mar 2026, and £20.00 is taken off" in " ".join(
        mail.text.split()
    )
    assert _states(firm) == {NUMBER: "offered", OTHER: "offered"}


def test_by_card_the_page_asks_for_less_until_the_day_is_over(firm: Firm) -> None:
    switch_card_payments(firm.app, organisation_id=firm.id, on=True, actor="owner")
    document = firm.document(NUMBER)

    def opened(part: str = "") -> str:
        return pay_by_card(
            firm.app,
            organisation_id=firm.id,
            customer_id=document.customer_id,
            document_ids=[document.id],
            part=part,
            back_to="http://127.0.0.1:8000/p/token",
        )

    address = opened()
    (session,) = firm.stripe.checkout_sessions.values()
    assert session["amount_total"] == 98_000
    assert requests.post(address, allow_redirects=False, timeout=10).status_code == 303
    firm.deliver_webhooks()
    firm.work()
    firm.settle()
    assert _states(firm)[NUMBER] == "waiting"
    assert firm.ledger.balance(NUMBER) == Decimal("20.00")
    with firm.app.store.read() as db:
        organisation = connections.organisation(db, firm.id)
        assert organisation is not None
        account = portal(db, organisation, document.customer_id, now=firm.app.clock())
    assert account is not None
    assert NUMBER not in {each.number for each in account.invoices}, "nothing is asked of the payer"


def test_a_page_for_cards_ends_with_the_day(firm: Firm) -> None:
    switch_card_payments(firm.app, organisation_id=firm.id, on=True, actor="owner")
    document = firm.document(NUMBER)
    which = {
        "organisation_id": firm.id,
        "customer_id": document.customer_id,
        "document_ids": [document.id],
        "back_to": "http://127.0.0.1:8000/p/token",
    }
    firm.time.advance(days=5, hours=13, minutes=20)  # 23:20 of the last day
    pay_by_card(firm.app, **which, part="")
    (first,) = firm.rows(t.checkout)
    assert (first.amount_minor, first.expires_at) == (98_000, _look(firm, NUMBER)[NUMBER].offer.ends_at)
    firm.time.advance(minutes=15)  # a page would end too late
    pay_by_card(firm.app, **which, part="")
    assert sorted(row.amount_minor for row in firm.rows(t.checkout)) == [98_000, 100_000]
    firm.time.advance(minutes=30)
    assert _look(firm, NUMBER) == {}, "the day is over"


def test_a_person_who_applies_the_cash_alone_leaves_the_discount_waiting(firm: Firm) -> None:
    """A part payment that nothing names is proposed; what it leaves open is just what was offered."""
    _look(firm)
    _pay(firm, "980.00", days=1, text="thank you")
    if firm.receipt().state == "suggested":
        with firm.app.store.write() as db:  # as after a posting that somebody deleted: the cash is asked about again
            (proposal,) = firm.rows(t.proposal)
            best = dict(proposal.body["best"])
            best["residuals"] = []
            best["allocations"] = [
                {**each, "amount": {"minor": 98_000, "currency": "GBP"}} for each in best["allocations"]
            ]
            db.execute(t.proposal.update().values(body=proposal.body | {"best": best}))
        confirm(firm.app, organisation_id=firm.id, receipt_id=firm.receipt().id, actor="dana")
    assert list(_states(firm).values()).count("waiting") == 1
    assert HoldCode.DISCOUNT in _holds(firm) | _holds(firm, OTHER)


def test_a_card_payment_of_less_that_nobody_offered_is_asked_about(firm: Firm) -> None:
    """The page names the invoice, which alone would be proof."""
    _book(firm)
    _set(firm, POLICIES.replace("    early_discount: {within_days: 10, per_cent: 2, at_most: {GBP: 50.00}}\n", ""))
    switch_card_payments(firm.app, organisation_id=firm.id, on=True, actor="owner")
    document = firm.document(NUMBER)
    address = pay_by_card(
        firm.app,
        organisation_id=firm.id,
        customer_id=document.customer_id,
        document_ids=[document.id],
        part="980.00",
        back_to="http://127.0.0.1:8000/p/token",
    )
    assert requests.post(address, allow_redirects=False, timeout=10).status_code == 303
    firm.deliver_webhooks()
    firm.work()
    assert firm.receipt().state == "suggested"
    assert firm.rows(t.allocation) == []


def test_what_is_on_its_way_with_its_discount_leaves_nothing_to_pay_and_without_it_forfeits_it(firm: Firm) -> None:
    switch_card_payments(firm.app, organisation_id=firm.id, on=True, actor="owner")
    assert set(_look(firm)) == {NUMBER, OTHER}
    for number, amount in ((NUMBER, 98_000), (OTHER, 20_000)):
        firm.stripe.pay(amount=amount, currency="GBP", metadata={"invoice_number": number}, method="bacs_debit")
    firm.deliver_webhooks()
    firm.settle()
    asked = {"organisation_id": firm.id, "customer_id": firm.document(NUMBER).customer_id}
    with pytest.raises(RefusedError, match="on its way"):
        pay_by_card(firm.app, document_ids=[firm.document(NUMBER).id], part="", back_to="http://x/p", **asked)
    pay_by_card(firm.app, document_ids=[firm.document(OTHER).id], part="", back_to="http://x/p", **asked)
    assert [each["amount_total"] for each in firm.stripe.checkout_sessions.values()] == [80_000]
