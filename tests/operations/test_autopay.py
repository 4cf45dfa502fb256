"""Autopay: announced before, taken once, and not at all while anything speaks against the debt."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import NoReturn

import pytest
from sqlalchemy import insert, update

from connectors.contract import Role
from reminders.autopay import MAX_FAILURES, Terms
from reminders.evidence import Channel
from runtime.operations.autopay import mandates
from runtime.operations.autopay.agree import MAX_A_DAY, PAGE_LIFETIME, end_autopay, switch_autopay
from runtime.operations.autopay.announce import announce_payments
from runtime.operations.autopay.follow import watch_autopay
from runtime.operations.autopay.take import promise_payments
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.payers.dispute import dispute
from runtime.operations.payers.pay_by_card import pay_by_card, switch_card_payments
from runtime.operations.reaching.opt_out import opt_out
from runtime.operations.reminding.evidence import gather
from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.systems import deliver
from runtime.operations.systems.disconnect import disconnect
from runtime.operations.work import work
from runtime.store import connections, queues
from runtime.store import tables as t
from tests.operations.autopay import (
    BACK_TO,
    CONSENT,
    acme,
    begin,
    gbp,
    go_on,
    hear,
    mails,
    mandate,
    payment,
    remind,
    save,
    states,
    switch_on,
    taken,
)
from tests.operations.faults import counting_writes, lose_answer, unavailable
from tests.operations.firm import CURRENCY, TODAY, Firm, XeroLedger


def _reminded(firm: Firm) -> set[str]:
    plan_reminders(firm.app, firm.id)
    numbers = {row.id: row.number for row in firm.rows(t.document)}
    return {numbers[row.document_id] for row in firm.rows(t.reminder_item, state="planned")}


def _promise(firm: Firm) -> None:
    """Announce, and promise what was announced on its day; nothing is written yet."""
    remind(firm)
    firm.time.advance(days=2)
    firm.settle()
    promise_payments(firm.app, firm.id)


# --- agreeing


def test_the_consent_is_kept_word_for_word_and_nothing_is_on_before_a_means_is_saved(firm: Firm) -> None:
    switch_autopay(firm.app, organisation_id=firm.id, on=True, actor="owner")
    address = begin(firm, Terms(CURRENCY, gbp(50_000), 1))
    row = mandate(firm)
    assert (row.state, row.consent, row.consent_version, row.consent_language) == ("begun", CONSENT, 1, "en")
    assert (row.agreed_by, row.ceiling_minor, row.days_before) == ("customer", 50_000, 1)
    assert row.page_address == address
    save(firm)
    row = mandate(firm)
    assert (row.state, row.method, row.ending, row.account) == ("on", "card", "4242", firm.stripe.account_id)
    said = {(row.action, row.actor) for row in firm.rows(t.event) if row.subject == acme(firm)}
    assert {("autopay_agreed", "customer"), ("autopay_on", "customer")} <= said


def test_a_means_whose_webhook_was_lost_is_found_by_its_page(firm: Firm) -> None:
    switch_autopay(firm.app, organisation_id=firm.id, on=True, actor="owner")
    begin(firm)
    firm.stripe.complete_setup(list(firm.stripe.checkout_sessions)[-1])
    firm.pending_webhooks()
    watch_autopay(firm.app, firm.id)
    assert mandate(firm).state == "on"


def test_a_page_that_was_left_is_over(firm: Firm) -> None:
    switch_autopay(firm.app, organisation_id=firm.id, on=True, actor="owner")
    begin(firm)
    firm.time.advance(seconds=PAGE_LIFETIME.total_seconds() + 1_000)
    watch_autopay(firm.app, firm.id)
    assert (mandate(firm).state, mandate(firm).why) == ("ended", "no means of payment was saved")


def test_what_is_saved_after_it_was_switched_off_is_forgotten(firm: Firm) -> None:
    switch_autopay(firm.app, organisation_id=firm.id, on=True, actor="owner")
    begin(firm)
    assert end_autopay(firm.app, organisation_id=firm.id, customer_id=acme(firm), actor="customer")
    means = save(firm)
    firm.settle()
    assert mandate(firm).state == "ended"
    assert firm.stripe.payment_methods[means]["customer"] is None


def test_autopay_is_offered_only_where_it_was_switched_on(firm: Firm) -> None:
    with pytest.raises(RefusedError, match="not offered"):
        begin(firm)
    disconnect(firm.app, organisation_id=firm.id, role=Role.PROCESSOR, actor="owner")
    with pytest.raises(RefusedError, match="connect Stripe"):
        switch_autopay(firm.app, organisation_id=firm.id, on=True, actor="owner")
    assert firm.rows(t.mandate) == []


def test_terms_and_pages_are_bounded(firm: Firm) -> None:
    switch_autopay(firm.app, organisation_id=firm.id, on=True, actor="owner")
    for wrong in (Terms(CURRENCY, None, 2), Terms(CURRENCY, gbp(0), 0), Terms("EUR", gbp(100), 0)):
        with pytest.raises(InputError):
            begin(firm, wrong)
    with pytest.raises(InputError):
        begin(firm, consent=" ")
    for _ in range(MAX_A_DAY):
        begin(firm)
    with pytest.raises(RefusedError, match="tomorrow"):
        begin(firm)


def test_a_page_that_is_not_opened_leaves_nothing(firm: Firm) -> None:
    switch_autopay(firm.app, organisation_id=firm.id, on=True, actor="owner")
    firm.estate.stripe.interceptor = unavailable
    with pytest.raises(RefusedError, match="does not work just now"):
        begin(firm)
    assert firm.rows(t.mandate) == []


def test_another_means_takes_the_place_of_the_first(firm: Firm) -> None:
    first = switch_on(firm)
    remind(firm)
    begin(firm)
    save(firm, method="bacs_debit")
    firm.settle()
    assert {row.state for row in firm.rows(t.mandate)} == {"on", "ended"}
    assert (mandate(firm).method, mandate(firm).ending) == ("bacs_debit", "2345")
    assert states(firm) == ["left"], "it was announced from another means"
    assert firm.stripe.payment_methods[first]["customer"] is None


# --- announced, taken, arrived


def test_what_is_due_is_announced_then_taken_and_never_reminded_of(firm: Firm) -> None:
    switch_on(firm)
    assert "INV-1001" in _reminded(firm)
    remind(firm)
    (told,) = mails(firm)
    assert "from your card ending 4242, each invoice on its day" in told
    assert "INV-1001: £120.00" in told and "Taken on 12 Mar 2026" in told
    assert states(firm) == states(firm, "INV-1002") == ["announced"]
    assert "INV-1001" not in _reminded(firm) and "INV-1002" not in _reminded(firm)
    assert taken(firm) == [], "nothing is taken before its day"
    go_on(firm, 1)
    assert taken(firm) == []
    go_on(firm, 1)
    assert taken(firm) == [(7_550, "succeeded"), (12_000, "succeeded")]
    assert states(firm) == ["paid"]
    assert firm.ledger.balance("INV-1001") == firm.ledger.balance("INV-1002") == Decimal(0)
    go_on(firm, 3)
    assert len(taken(firm)) == 2
    assert len(mails(firm)) == 1, "the one that announced it"


def test_every_invoice_under_way_is_held_however_many_there_are(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    switch_on(firm)
    remind(firm)
    assert states(firm) == states(firm, "INV-1002") == ["announced"]
    monkeypatch.setattr(mandates, "MAX_PAYMENTS", 1)
    with firm.app.store.read() as db:
        organisation = connections.organisation(db, firm.id)
        assert organisation is not None
        evidence = gather(db, organisation, now=firm.time())
    held = {each.item.number for each in evidence if each.in_flight}
    assert held >= {"INV-1001", "INV-1002"}


def test_a_payment_in_time_is_taken_on_its_day_or_the_day_before(firm: Firm) -> None:
    firm.invoice("Acme", "INV-1003", "40.00", late=-5)
    firm.ledger.pay_by_hand("INV-1001", "120.00", on=TODAY)
    firm.ledger.pay_by_hand("INV-1002", "75.50", on=TODAY)
    firm.settle()
    switch_on(firm, Terms(CURRENCY, None, 1))
    remind(firm)
    assert payment(firm, "INV-1003").take_on == TODAY + timedelta(days=4)
    go_on(firm, 3)
    assert taken(firm) == []
    go_on(firm, 1)
    assert taken(firm) == [(4_000, "succeeded")]


def test_what_is_due_later_is_neither_announced_nor_taken(firm: Firm) -> None:
    firm.invoice("Acme", "INV-1003", "40.00", late=-30)
    firm.settle()
    switch_on(firm)
    remind(firm)
    assert states(firm, "INV-1003") == []


def test_a_debit_is_announced_three_banking_days_before_and_on_its_way_for_days(firm: Firm) -> None:
    switch_on(firm, method="bacs_debit")
    remind(firm)
    assert payment(firm).take_on == TODAY + timedelta(days=3)
    go_on(firm, 3)
    assert {state for _, state in taken(firm)} == {"processing"}
    assert states(firm) == ["taken"]
    assert "INV-1001" not in _reminded(firm)
    for intent in list(firm.stripe.payment_intents):
        firm.stripe.settle(intent)
    hear(firm)
    firm.settle()
    assert states(firm) == ["paid"]
    assert firm.ledger.balance("INV-1001") == 0


def test_an_invoice_above_the_ceiling_is_reminded_of_and_not_taken(firm: Firm) -> None:
    switch_on(firm, Terms(CURRENCY, gbp(10_000), 0))
    remind(firm)
    assert states(firm) == []
    assert states(firm, "INV-1002") == ["announced"]
    go_on(firm, 2)
    assert taken(firm) == [(7_550, "succeeded")]
    go_on(firm, 4)
    assert any("INV-1001" in mail and "taken" not in mail for mail in mails(firm)), "it is asked for as ever"


def test_who_cannot_be_told_beforehand_is_not_charged(firm: Firm) -> None:
    switch_on(firm)
    opt_out(firm.app, organisation_id=firm.id, customer_id=acme(firm), channel=Channel.EMAIL, actor="customer")
    go_on(firm, 3)
    assert firm.rows(t.automatic_payment) == []
    assert taken(firm) == []


def test_what_was_perhaps_not_told_is_not_taken(firm: Firm) -> None:
    switch_on(firm)
    remind(firm)
    with firm.app.store.write() as db:
        db.execute(t.courtesy.update().values(state="in_doubt"))
    firm.time.advance(days=2)
    firm.settle()
    assert promise_payments(firm.app, firm.id)["left"] == 2
    assert payment(firm).why == "The payer could not be told of it beforehand."


# --- what keeps an invoice from being taken


def _contest(firm: Firm) -> None:
    document_id = firm.document("INV-1001").id
    dispute(
        firm.app,
        organisation_id=firm.id,
        customer_id=acme(firm),
        document_id=document_id,
        reason="wrong price",
        actor="customer",
    )


def _pay_in_ledger(firm: Firm) -> None:
    firm.ledger.pay_by_hand("INV-1001", "120.00", on=TODAY)


def _pay_a_part(firm: Firm) -> None:
    firm.ledger.pay_by_hand("INV-1001", "20.00", on=TODAY)


def _begin_to_pay(firm: Firm) -> None:
    switch_card_payments(firm.app, organisation_id=firm.id, on=True, actor="owner")
    document_id = firm.document("INV-1001").id
    with firm.app.store.write() as db:  # as if the promise were not there: two people act at once
        db.execute(t.automatic_payment.update().values(state="announced"))
    pay_by_card(
        firm.app,
        organisation_id=firm.id,
        customer_id=acme(firm),
        document_ids=[document_id],
        part="",
        back_to=BACK_TO,
    )
    with firm.app.store.write() as db:
        db.execute(t.automatic_payment.update().values(state="promised"))


def _pay_at_stripe(firm: Firm) -> None:
    firm.stripe.pay(amount=12_000, currency=CURRENCY, method="bacs_debit", metadata={"invoice_number": "INV-1001"})


def _move_the_due_date(firm: Firm) -> None:
    firm.ledger.edit_due_date("INV-1001", TODAY + timedelta(days=60))


def _offer_a_discount(firm: Firm) -> None:
    document, day = firm.document("INV-1001"), TODAY + timedelta(days=6)
    told = {
        "organisation_id": firm.id,
        "document_id": document.id,
        "customer_id": document.customer_id,
        "currency": CURRENCY,
        "total_minor": document.total_minor,
        "amount_minor": 240,
        "last_on": day,
        "ends_at": firm.time() + timedelta(days=4),
        "policy": "prompt",
        "offered_at": firm.time(),
        "state": "offered",
    }
    with firm.app.store.write() as db:
        db.execute(update(t.organisation).values(discounts_on=True))
        db.execute(insert(t.discount).values(**told))


def _switch_off(firm: Firm) -> None:
    switch_autopay(firm.app, organisation_id=firm.id, on=False, actor="owner")


def _withdraw_consent(firm: Firm) -> None:
    end_autopay(firm.app, organisation_id=firm.id, customer_id=acme(firm), actor="customer")


@pytest.mark.parametrize(
    ("happens", "why"),
    [
        (_contest, "The customer contests this invoice"),
        (_pay_in_ledger, "0.00 GBP are open now"),
        (_pay_a_part, "100.00 GBP are open now"),
        (_begin_to_pay, "A checkout of 120.00 GBP"),
        (_pay_at_stripe, "still processing"),
        (_move_the_due_date, "It is due later by now"),
        (_offer_a_discount, "it is 2.40 GBP less"),
        (_switch_off, "switched off"),
        (_withdraw_consent, "switched off"),
    ],
)
def test_what_arrives_between_promising_and_taking_keeps_it_from_being_taken(
    any_firm: Firm, happens: Callable[[Firm], None], why: str
) -> None:
    switch_on(any_firm)
    _promise(any_firm)
    assert states(any_firm) == ["promised"]
    happens(any_firm)
    before = len(any_firm.stripe.payment_intents)
    work(any_firm.app)
    assert why in payment(any_firm).why
    assert states(any_firm) == ["left"]
    asked = [each for each in any_firm.stripe.payment_intents.values() if each["metadata"].get("truedue_payment")]
    assert all(each["amount"] != 12_000 for each in asked)
    if happens not in (_switch_off, _withdraw_consent):
        assert len(any_firm.stripe.payment_intents) == before + 1, "the other invoice is taken all the same"


def test_what_cannot_be_read_again_waits_and_is_left_in_the_end(firm: Firm) -> None:
    switch_on(firm)
    _promise(firm)
    firm.ledger.standin.interceptor = unavailable
    firm.time.advance(minutes=2)
    work(firm.app)
    assert states(firm) == ["promised"] and taken(firm) == []
    for _ in range(queues.MAX_ATTEMPTS):
        firm.time.advance(minutes=61)
        work(firm.app)
    assert states(firm) == ["left"] and taken(firm) == []
    assert "must be read within 60 seconds" in payment(firm).why
    firm.ledger.standin.interceptor = None
    assert "write_not_delivered" not in firm.problems()
    firm.time.advance(hours=16)  # it has become evening
    go_on(firm, 5)
    assert len(taken(firm)) == 2, "it is announced anew, and taken"
    assert states(firm) == ["left", "paid"]


def test_consent_that_is_withdrawn_forgets_the_means_at_once(firm: Firm) -> None:
    means = switch_on(firm)
    remind(firm)
    end_autopay(firm.app, organisation_id=firm.id, customer_id=acme(firm), actor="customer")
    assert states(firm) == ["left"]
    work(firm.app)
    assert firm.stripe.payment_methods[means]["customer"] is None
    go_on(firm, 4)
    assert taken(firm) == []
    row = mandate(firm)
    assert (row.state, row.ended_by) == ("ended", "customer")


def test_a_payment_that_is_being_taken_cannot_be_paid_beside_it(firm: Firm) -> None:
    switch_card_payments(firm.app, organisation_id=firm.id, on=True, actor="owner")
    switch_on(firm)
    _promise(firm)
    with pytest.raises(RefusedError, match="INV-1001 is on its way"):
        pay_by_card(
            firm.app,
            organisation_id=firm.id,
            customer_id=acme(firm),
            document_ids=[firm.document("INV-1001").id],
            part="",
            back_to=BACK_TO,
        )


# --- once


def test_a_lost_answer_and_a_killed_worker_take_nothing_twice(any_firm: Firm) -> None:
    switch_on(any_firm)
    _promise(any_firm)
    any_firm.estate.stripe.interceptor = lose_answer(any_firm.estate.stripe)
    work(any_firm.app)
    any_firm.pending_webhooks()  # nobody tells of it
    any_firm.time.advance(minutes=6)  # another worker, after the lease
    work(any_firm.app)
    hear(any_firm)
    any_firm.settle()
    assert taken(any_firm) == [(7_550, "succeeded"), (12_000, "succeeded")]
    assert states(any_firm) == states(any_firm, "INV-1002") == ["paid"]
    assert any_firm.ledger.balance("INV-1001") == 0


def test_a_worker_that_dies_between_the_write_and_its_answer_is_followed_by_a_look_up(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch_on(firm)
    _promise(firm)

    def die(*_given: object) -> NoReturn:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
        killed.setattr(deliver, "_settle", die)
        work(firm.app)
    assert len(taken(firm)) == 2 and states(firm) == ["promised"], "it was taken, and nobody here knows"
    assert all(row.in_doubt for row in firm.rows(t.outbox) if row.intent["intent"] == "take_payment")
    firm.pending_webhooks()
    seen: list[str] = []
    firm.estate.stripe.interceptor = counting_writes(seen)
    firm.time.advance(minutes=10)
    work(firm.app)
    assert seen == [], "it was looked up, and not asked for again"
    firm.settle()
    assert taken(firm) == [(7_550, "succeeded"), (12_000, "succeeded")]
    assert states(firm) == ["paid"]


def test_two_runs_promise_and_announce_once(firm: Firm) -> None:
    switch_on(firm)
    remind(firm)
    assert announce_payments(firm.app, firm.id) == {}
    assert len(mails(firm)) == 1
    firm.time.advance(days=2)
    firm.settle()
    assert promise_payments(firm.app, firm.id)["promised"] == 2
    assert promise_payments(firm.app, firm.id) == {}
    work(firm.app)
    work(firm.app)
    assert len(taken(firm)) == 2


# --- failures


def _decline(firm: Firm, means: str, code: str, decline_code: str) -> None:
    firm.stripe.refuse(means, code=code, decline_code=decline_code)


def _declined(firm: Firm, code: str, decline_code: str) -> None:
    """Let the payment of INV-1001, which alone is owed, be announced, and declined on its day."""
    firm.ledger.pay_by_hand("INV-1002", "75.50", on=TODAY)
    firm.settle()
    _decline(firm, switch_on(firm), code, decline_code)
    remind(firm)
    go_on(firm, 2)


def test_a_bank_that_wants_its_payer_there_leaves_the_invoice_to_them_with_a_way_to_pay(firm: Firm) -> None:
    _declined(firm, "authentication_required", "authentication_required")
    assert states(firm) == ["failed"]
    assert payment(firm).then == "leave"
    assert mandate(firm).state == "on", "one question of a bank pauses nothing"
    go_on(firm, 3)
    (told,) = [mail for mail in mails(firm) if "could not be taken" in mail]
    assert "a confirmation that your bank wanted" in told
    assert f"/pay/{firm.document('INV-1001').id}" in told
    assert "Not tried again: please pay it yourself" in told
    go_on(firm, 5)
    assert len(taken(firm)) == 1
    assert any("INV-1001" in mail and "taken" not in mail for mail in mails(firm)), "reminding goes on"


@pytest.mark.parametrize("paid", ["120.00", "50.00"])
def test_who_has_paid_since_is_not_asked_to_pay_what_failed(firm: Firm, paid: str) -> None:
    _declined(firm, "authentication_required", "authentication_required")
    assert states(firm) == ["failed"]
    firm.ledger.pay_by_hand("INV-1001", paid, on=TODAY)  # nobody has told us yet
    firm.time.advance(days=1)
    remind(firm)
    assert [mail for mail in mails(firm) if "could not be taken" in mail] == []


def test_what_may_work_later_is_tried_again_announced_and_then_left(firm: Firm) -> None:
    _declined(firm, "card_declined", "insufficient_funds")
    assert (states(firm), payment(firm).then) == (["failed"], "again")
    go_on(firm, 30)
    assert states(firm) == ["failed"] * MAX_FAILURES
    assert mandate(firm).state == "paused"
    assert len(taken(firm)) == MAX_FAILURES
    told = [mail for mail in mails(firm) if "could not be taken" in mail]
    assert "We try again on or after" in told[0] and "Please pay again" not in told[0]
    assert sum("Automatic payment is paused" in mail for mail in told) == 1, "the payer is told once"


def test_a_means_that_would_be_refused_again_pauses_autopay_at_once(firm: Firm) -> None:
    means = switch_on(firm)
    _decline(firm, means, "expired_card", "expired_card")
    remind(firm)
    go_on(firm, 2)
    assert mandate(firm).state == "paused"
    assert states(firm) == ["failed"]
    attempts = len(taken(firm))
    go_on(firm, 6)
    assert len(taken(firm)) == attempts
    assert sum("could not be taken" in mail for mail in mails(firm)) == 1
    begin(firm)
    save(firm)
    go_on(firm, 8)
    assert mandate(firm).state == "on"
    assert firm.ledger.balance("INV-1001") == 0, "with another means it is taken after all"


def test_a_debit_that_fails_days_later_is_open_again_and_tried_again(firm: Firm) -> None:
    firm.ledger.pay_by_hand("INV-1002", "75.50", on=TODAY)
    firm.settle()
    switch_on(firm, method="bacs_debit")
    remind(firm)
    go_on(firm, 3)
    (intent,) = firm.stripe.payment_intents
    firm.stripe.fail(intent)
    hear(firm)
    firm.settle()
    assert (states(firm), payment(firm).then) == (["failed"], "again")


def test_a_processor_that_makes_no_payment_pauses_it_and_a_person_is_asked(firm: Firm) -> None:
    means = switch_on(firm)
    _promise(firm)
    firm.stripe.detach(means)
    work(firm.app)
    assert states(firm) == ["failed"]
    assert mandate(firm).state == "paused"
    assert "write_refused" in firm.problems()
    assert taken(firm) == []


def test_a_payment_that_is_charged_back_pauses_autopay(firm: Firm) -> None:
    switch_on(firm)
    remind(firm)
    go_on(firm, 2)
    assert states(firm) == ["paid"]
    firm.stripe.dispute(next(iter(firm.stripe.payment_intents)))
    hear(firm)
    firm.settle()
    assert (mandate(firm).state, "taken back" in mandate(firm).why) == ("paused", True)


def test_nothing_more_is_taken_from_who_took_a_payment_back_a_moment_ago(firm: Firm) -> None:
    firm.invoice("Acme", "INV-1003", "40.00", late=-3)
    firm.settle()
    switch_on(firm)
    remind(firm)
    go_on(firm, 2)
    assert states(firm) == ["paid"]
    firm.time.advance(days=2)
    firm.settle()
    promise_payments(firm.app, firm.id)
    assert states(firm, "INV-1003") == ["promised"]
    firm.stripe.dispute(next(iter(firm.stripe.payment_intents)))
    before = len(taken(firm))
    work(firm.app)
    assert len(taken(firm)) == before
    assert states(firm, "INV-1003") == ["left"]
    assert mandate(firm).state == "paused"


# --- where the processor is lost


def test_a_processor_that_is_disconnected_takes_nothing_and_what_was_promised_is_free(firm: Firm) -> None:
    switch_on(firm)
    _promise(firm)
    disconnect(firm.app, organisation_id=firm.id, role=Role.PROCESSOR, actor="owner")
    for _ in range(queues.MAX_ATTEMPTS):
        firm.time.advance(minutes=61)
        work(firm.app)
    watch_autopay(firm.app, firm.id)
    assert states(firm) == ["left"]
    assert taken(firm) == []


def test_a_customer_that_is_merged_into_another_pays_nothing_by_itself(firm: Firm) -> None:
    switch_on(firm)
    remind(firm)
    hear(firm)
    assert isinstance(firm.ledger, XeroLedger)
    firm.ledger.books.merge_contact(firm.customers["Acme"], into=firm.customers["Bolt"])
    firm.settle()
    assert (mandate(firm).state, mandate(firm).why) == ("paused", "two customers were merged")
    assert states(firm) == ["left"]
    go_on(firm, 4)
    assert taken(firm) == []
    bolt = next(row.id for row in firm.rows(t.customer) if row.name == "Bolt")
    assert end_autopay(firm.app, organisation_id=firm.id, customer_id=bolt, actor="customer")
