"""Each hold at its boundary: what makes it apply, what just does not, and when it ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receivables.allocation import Allocation
from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money
from receivables.promise import Dispute, PromiseToPay
from reminders.contact import ContactLimits
from reminders.evidence import (
    BankDeclaration,
    BankEvidence,
    Channel,
    CrmEvidence,
    EvidenceError,
    Flag,
    FlagCode,
    InFlight,
    InFlightKind,
    ItemEvidence,
    LawfulBasis,
    PlausibleReceipt,
    ProcessorEvidence,
)
from reminders.holds import (
    IN_FLIGHT_MAX_AGE,
    MAX_RANK_HELD,
    PROBABLY_PAID_DAYS,
    PROMISE_GRACE_DAYS,
    Hold,
    HoldCode,
    distribute_credit,
    evaluate,
)
from tests.reminders.facts import DAY, NOW, SECOND, contact, eur, evidence, freshness, item

CENT = Money(1, "EUR")
BERLIN = ZoneInfo("Europe/Berlin")
Facts = dict[str, Any]


def codes(facts: ItemEvidence, as_of: datetime = NOW, **options: Any) -> list[str]:  # noqa: ANN401
    return [hold.code.value for hold in evaluate(evidence=facts, as_of=as_of, **options)]


def only(facts: ItemEvidence, as_of: datetime = NOW) -> Hold:
    (hold,) = evaluate(evidence=facts, as_of=as_of)
    return hold


def in_flight(kind: InFlightKind, begun_at: datetime, expires_at: datetime, amount: str = "120.00") -> InFlight:
    return InFlight(eur(amount), kind, begun_at, expires_at)


def flag(code: str, until: datetime | None) -> Flag:
    return Flag(FlagCode(code), "set by Kim", until)


def receipt(received_on: date, rank: int = 1) -> PlausibleReceipt:
    return PlausibleReceipt("r-1", eur("1190.00"), received_on, "it names INV-2041", rank)


def test_an_open_sent_overdue_invoice_with_fresh_evidence_is_not_held() -> None:
    assert codes(evidence()) == []


FAR = NOW + 100 * DAY
BEGUN = NOW - 3 * DAY
CHECKOUT, DEBIT, AUTOPAY = InFlightKind.CHECKOUT, InFlightKind.BANK_DEBIT, InFlightKind.AUTOPAY
HOUR = timedelta(hours=1)
OLDEST_RECEIPT = NOW.date() - timedelta(days=PROBABLY_PAID_DAYS - 1)

# code, facts that just hold, facts that just do not
BOUNDARIES: list[tuple[str, Facts, Facts]] = [
    ("settled", {"ledger_balance": eur("0.00")}, {"ledger_balance": CENT}),
    ("settled", {"document_status": DocumentStatus.PAID}, {"document_status": DocumentStatus.OPEN}),
    (
        "settled",
        {"our_allocations": (Allocation("item-1", eur("1000.00")), Allocation("item-1", eur("190.00")))},
        {"our_allocations": (Allocation("item-1", eur("1189.99")),)},
    ),
    (
        "in_flight",
        {"in_flight": (in_flight(DEBIT, BEGUN, NOW + SECOND),)},
        {"in_flight": (in_flight(DEBIT, BEGUN, NOW),)},
    ),
    (
        "in_flight",
        {"in_flight": (in_flight(DEBIT, NOW - IN_FLIGHT_MAX_AGE[DEBIT] + SECOND, FAR),)},
        {"in_flight": (in_flight(DEBIT, NOW - IN_FLIGHT_MAX_AGE[DEBIT], FAR),)},
    ),
    (
        "in_flight",
        {"in_flight": (in_flight(CHECKOUT, NOW - HOUR + SECOND, FAR),)},
        {"in_flight": (in_flight(CHECKOUT, NOW - HOUR, FAR),)},
    ),
    (
        "in_flight",
        {"in_flight": (in_flight(AUTOPAY, NOW + 7 * DAY, FAR),)},
        {"in_flight": (in_flight(AUTOPAY, NOW + 7 * DAY + SECOND, FAR),)},
    ),
    (
        "in_flight",
        {"in_flight": (in_flight(InFlightKind.INSTALMENT, NOW - 7 * DAY + SECOND, FAR),)},
        {"in_flight": (in_flight(InFlightKind.INSTALMENT, NOW - 7 * DAY, FAR),)},
    ),
    (
        "probably_paid",
        {"plausible_receipts": (receipt(OLDEST_RECEIPT),)},
        {"plausible_receipts": (receipt(OLDEST_RECEIPT - DAY),)},
    ),
    (
        "probably_paid",
        {"plausible_receipts": (receipt(NOW.date(), MAX_RANK_HELD),)},
        {"plausible_receipts": (receipt(NOW.date(), MAX_RANK_HELD + 1),)},
    ),
    ("credit_available", {"credit_available": eur("1190.00")}, {"credit_available": eur("1189.99")}),
    ("disputed", {"disputes": (Dispute("item-1", "the chairs arrived broken"),)}, {"disputes": ()}),
    (
        "promised",
        {"promises": (PromiseToPay("item-1", NOW.date() - timedelta(days=PROMISE_GRACE_DAYS)),)},
        {"promises": (PromiseToPay("item-1", NOW.date() - timedelta(days=PROMISE_GRACE_DAYS + 1)),)},
    ),
    *[(code.value, {"flags": (flag(code, None),)}, {"flags": (flag(code, NOW),)}) for code in FlagCode],
    *[(code.value, {"flags": (flag(code, NOW + SECOND),)}, {"flags": ()}) for code in FlagCode],
    ("not_final", {"document_status": DocumentStatus.DRAFT}, {"document_status": DocumentStatus.OPEN}),
    ("not_final", {"document_status": DocumentStatus.VOID}, {"document_status": DocumentStatus.OPEN}),
    ("not_final", {"document_status": None}, {"document_status": DocumentStatus.OPEN}),
    ("not_final", {"document_sent": False}, {"document_sent": True}),
    ("contact", {"contact": contact(address=None)}, {"contact": contact()}),
    ("contact", {"contact": contact(address="")}, {"contact": contact()}),
    ("contact", {"contact": contact(opted_out=True)}, {"contact": contact()}),
    ("contact", {"contact": contact(bounced=True)}, {"contact": contact()}),
    (
        "contact",
        {"contact": contact(lawful_basis=None)},
        {"contact": contact(lawful_basis=LawfulBasis.LEGITIMATE_INTEREST)},
    ),
    ("contact", {"contact": contact(contacts_this_week=2)}, {"contact": contact(contacts_this_week=1)}),
    (
        "contact",
        {"contact": contact(last_contact_at=NOW - 3 * DAY + SECOND)},
        {"contact": contact(last_contact_at=NOW - 3 * DAY)},
    ),
    (
        "contact",
        {"contact": contact(ledger_reminder_sent_at=NOW - 3 * DAY + SECOND)},
        {"contact": contact(ledger_reminder_sent_at=NOW - 3 * DAY)},
    ),
    ("contact", {"contact": contact(other_channel_running=Channel.SMS)}, {"contact": contact()}),
    (
        "contact",
        {"contact": contact(channel=Channel.SMS, lawful_basis=LawfulBasis.LEGITIMATE_INTEREST)},
        {"contact": contact(channel=Channel.SMS, lawful_basis=LawfulBasis.CONTRACT)},
    ),
    (
        "stale",
        {"freshness": freshness(ledger_read_at=NOW - 61 * SECOND)},
        {"freshness": freshness(ledger_read_at=NOW - 60 * SECOND)},
    ),
    (
        "stale",
        {"freshness": freshness(ledger_read_at=NOW + 61 * SECOND)},
        {"freshness": freshness(ledger_read_at=NOW + 5 * SECOND)},
    ),
    ("stale", {"freshness": freshness(ledger_read_at=None)}, {"freshness": freshness()}),
    ("stale", {"freshness": freshness(has_unread_payments=True)}, {"freshness": freshness()}),
    (
        "stale",
        {"freshness": freshness(processors=(ProcessorEvidence("stripe", NOW - 301 * SECOND),))},
        {"freshness": freshness(processors=(ProcessorEvidence("stripe", NOW - 300 * SECOND),))},
    ),
    (
        "stale",
        {"freshness": freshness(processors=(ProcessorEvidence("stripe", None),))},
        {"freshness": freshness(processors=())},
    ),
    (
        "stale",
        {"freshness": freshness(crm=CrmEvidence("salesforce", NOW - 901 * SECOND))},
        {"freshness": freshness(crm=CrmEvidence("salesforce", NOW - 900 * SECOND))},
    ),
    (
        "stale",
        {"freshness": freshness(crm=CrmEvidence("salesforce", None))},
        {"freshness": freshness(crm=None)},
    ),
    ("stale", {"freshness": freshness(bank=())}, {"freshness": freshness()}),
    (
        "stale",
        {"freshness": freshness(bank=(BankEvidence("A", BankDeclaration.STATEMENT, date(2026, 11, 15)),))},
        {"freshness": freshness(bank=(BankEvidence("A", BankDeclaration.STATEMENT, date(2026, 11, 16)),))},
    ),
    (
        "stale",
        {"freshness": freshness(bank=(BankEvidence("A", BankDeclaration.ATTESTED, attested_by=" "),))},
        {"freshness": freshness(bank=(BankEvidence("A", BankDeclaration.ATTESTED, attested_by="Kim Ode"),))},
    ),
    (
        "stale",
        {"freshness": freshness(bank=(BankEvidence("A", BankDeclaration.LIVE_FEED, caught_up_at=NOW - DAY - SECOND),))},
        {"freshness": freshness(bank=(BankEvidence("A", BankDeclaration.LIVE_FEED, caught_up_at=NOW - DAY),))},
    ),
]


@pytest.mark.parametrize(("code", "holding", "free"), BOUNDARIES)
def test_a_hold_applies_up_to_its_boundary_and_not_beyond(code: str, holding: Facts, free: Facts) -> None:
    held = evidence(**holding)
    assert codes(held) == [code]
    assert only(held).reason
    assert codes(evidence(**free)) == []


def test_every_code_has_a_boundary_case() -> None:
    assert {code for code, _, _ in BOUNDARIES} == {code.value for code in HoldCode}


def test_a_text_to_the_united_states_needs_express_consent() -> None:
    def texted(country: str | None, basis: LawfulBasis) -> list[str]:
        who = contact(
            channel=Channel.SMS, address="+1", country=country, lawful_basis=basis, time_zone="America/New_York"
        )
        return codes(evidence(contact=who), NOW + 5 * HOUR, freshness_is_reported=True)

    assert texted("US", LawfulBasis.CONTRACT) == ["contact"]
    assert texted(None, LawfulBasis.CONTRACT) == ["contact"]
    assert texted("US", LawfulBasis.EXPRESS_CONSENT) == []
    assert texted("GB", LawfulBasis.CONTRACT) == []


def test_reasons_are_plain_words_with_amounts_and_dates() -> None:
    begun = datetime(2026, 11, 14, 9, tzinfo=UTC)
    held = only(evidence(in_flight=(in_flight(DEBIT, begun, datetime(2026, 11, 20, tzinfo=UTC)),)))
    assert held.reason == (
        "A bank debit of 120.00 EUR begun on 2026-11-14 is still processing; it settles or fails by 2026-11-20."
    )
    assert held.until == datetime(2026, 11, 20, tzinfo=UTC)
    promised = only(evidence(promises=(PromiseToPay("item-1", date(2026, 11, 18), eur("500.00")),)))
    assert promised.reason == "The customer promised to pay 500.00 EUR by 2026-11-18."
    assert promised.until == datetime(2026, 11, 21, tzinfo=BERLIN)
    kept = only(evidence(promises=(PromiseToPay("item-1", date(2026, 11, 18), eur("0.00")),)))
    assert kept.reason == "The part that was promised by 2026-11-18 is paid; the rest waits for that day."
    assert kept.until == promised.until


def test_all_that_apply_are_returned_in_the_order_of_the_design() -> None:
    facts = evidence(
        ledger_balance=eur("0"),
        document_sent=False,
        disputes=(Dispute("item-1", "wrong price"),),
        flags=(flag("legal", None), flag("plan", None)),
        contact=contact(opted_out=True),
        freshness=freshness(ledger_read_at=None),
    )
    assert codes(facts) == ["settled", "disputed", "plan", "legal", "not_final", "contact", "stale"]


def test_money_that_was_applied_is_no_guess_and_holds_until_a_person_has_answered() -> None:
    guess = PlausibleReceipt("r", evidence().remaining, NOW.date(), "it fits", noticed_on=NOW.date())
    later = NOW + 56 * DAY
    assert codes(evidence(as_of=later, plausible_receipts=(guess,)), later) == []
    known = replace(guess, was_applied=True)
    (hold,) = evaluate(evidence=evidence(as_of=later, plausible_receipts=(known,)), as_of=later)
    assert (hold.code, hold.until) == (HoldCode.PROBABLY_PAID, None)
    assert "until" not in hold.reason


def test_freshness_can_be_reported_instead_of_held() -> None:
    old = evidence(freshness=freshness(ledger_read_at=None))
    assert codes(old) == ["stale"]
    assert codes(old, freshness_is_reported=True) == []


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        # Berlin leaves summer time on 2026-10-25: 08:00 local is 06:00 UTC before and 07:00 UTC after.
        ("2026-10-23T05:59:59", "2026-10-23T06:00:00"),
        ("2026-10-23T16:00:00", "2026-10-26T07:00:00"),
        ("2026-10-26T06:59:59", "2026-10-26T07:00:00"),
        # 2026-03-29: summer time begins.
        ("2026-03-27T17:00:00", "2026-03-30T06:00:00"),
        # Good Friday and Easter Monday.
        ("2026-04-03T10:00:00", "2026-04-07T06:00:00"),
        # Christmas Day is a Friday, the year ends on a Thursday, New Year's Day is a holiday.
        ("2026-12-31T17:30:00", "2027-01-04T07:00:00"),
    ],
)
def test_quiet_hours_follow_the_payers_clock_through_holidays_and_summer_time(at: str, opens: str) -> None:
    closed, opening = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (at, opens))
    hold = only(evidence(as_of=closed, freshness=freshness(closed, bank=_attested())), closed)
    assert (hold.code, hold.until) == (HoldCode.CONTACT, opening)
    assert codes(evidence(freshness=freshness(opening, bank=_attested())), opening) == []


def test_the_window_closes_at_six() -> None:
    last = datetime(2026, 11, 17, 17, 59, 59, tzinfo=BERLIN)
    assert codes(evidence(last), last, freshness_is_reported=True) == []
    assert codes(evidence(last), last + SECOND, freshness_is_reported=True) == ["contact"]


def test_statements_must_reach_the_last_banking_day_of_the_account() -> None:
    tuesday_after_easter = datetime(2026, 4, 7, 10, tzinfo=UTC)

    def held(until: date, country: str | None) -> list[str]:
        bank = (BankEvidence("A", BankDeclaration.STATEMENT, until, country=country),)
        return codes(evidence(freshness=freshness(tuesday_after_easter, bank=bank)), tuesday_after_easter)

    assert held(date(2026, 4, 2), "DE") == []
    assert held(date(2026, 4, 1), "DE") == ["stale"]
    assert held(date(2026, 4, 2), None) == ["stale"]


def test_the_longest_obstacle_decides_when_a_contact_hold_ends() -> None:
    who = contact(last_contact_at=NOW - DAY, ledger_reminder_sent_at=NOW - HOUR)
    assert only(evidence(contact=who)).until == NOW - HOUR + 3 * DAY
    assert only(evidence(contact=replace(who, opted_out=True))).until is None
    assert codes(evidence(contact=who), limits=ContactLimits(weekly_cap=2, min_days_between=0)) == []


def test_credit_covers_the_oldest_due_first_and_only_in_full() -> None:
    old = item(item_id="old", due_on=date(2026, 9, 1), open_amount=eur("5000.00"))
    middle = item(item_id="middle", due_on=date(2026, 9, 2), open_amount=eur("60.00"))
    new = item(item_id="new", due_on=date(2026, 9, 3), open_amount=eur("50.00"))
    dollars = item(item_id="usd", due_on=date(2026, 1, 1), open_amount=Money(1, "USD"))
    items = [new, dollars, middle, old]
    assert distribute_credit(items=items, credit=eur("10.00")) == frozenset()
    assert distribute_credit(items=items, credit=eur("60.00")) == {"middle"}
    assert distribute_credit(items=items, credit=eur("110.00")) == {"middle", "new"}
    assert distribute_credit(items=items, credit=eur("5000.00")) == {"old"}


@given(st.lists(st.integers(1, 10_000), max_size=8), st.integers(0, 40_000))
def test_distributed_credit_never_covers_more_than_there_is_nor_leaves_one_it_could(
    amounts: list[int], credit: int
) -> None:
    items = [item(item_id=str(n), open_amount=Money(amount, "EUR")) for n, amount in enumerate(amounts)]
    covered = distribute_credit(items=items, credit=Money(credit, "EUR"))
    used = sum(one.open_amount.minor for one in items if one.item_id in covered)
    assert used <= credit
    assert all(one.open_amount.minor > credit - used for one in items if one.item_id not in covered)


def _around_now(*, days_before: int, days_after: int) -> st.SearchStrategy[datetime]:
    minutes = st.integers(-days_before * 24 * 60, days_after * 24 * 60)
    return minutes.map(lambda count: NOW + timedelta(minutes=count))


COVER = st.fixed_dictionaries(
    {},
    optional={
        "ledger_balance": st.integers(0, 119_000).map(lambda n: Money(n, "EUR")),
        "our_allocations": st.lists(
            st.integers(1, 119_000).map(lambda n: Allocation("item-1", Money(n, "EUR"))), max_size=3
        ).map(tuple),
        "in_flight": st.lists(
            st.builds(
                in_flight,
                st.sampled_from(InFlightKind),
                _around_now(days_before=47, days_after=14),
                _around_now(days_before=16, days_after=43),
            ),
            max_size=3,
        ).map(tuple),
        "plausible_receipts": st.lists(
            st.builds(receipt, st.dates(date(2026, 10, 20), date(2026, 11, 17)), st.integers(1, 5)), max_size=3
        ).map(tuple),
        "credit_available": st.integers(0, 200_000).map(lambda n: Money(n, "EUR")),
    },
)


@given(COVER, COVER)
def test_more_coverage_never_turns_held_into_remind(facts: Facts, more: Facts) -> None:
    before = evidence(**facts)
    after = replace(
        before,
        ledger_balance=min(before.ledger_balance, more.get("ledger_balance", before.ledger_balance)),
        our_allocations=before.our_allocations + more.get("our_allocations", ()),
        in_flight=before.in_flight + more.get("in_flight", ()),
        plausible_receipts=before.plausible_receipts + more.get("plausible_receipts", ()),
        credit_available=before.credit_available + more.get("credit_available", eur("0")),
    )
    if codes(before):
        assert codes(after)


@given(COVER)
def test_the_order_in_which_facts_became_known_changes_no_hold(facts: Facts) -> None:
    turned: Facts = {name: fact[::-1] if isinstance(fact, tuple) else fact for name, fact in facts.items()}
    before = evaluate(evidence=evidence(**facts), as_of=NOW)
    after = evaluate(evidence=evidence(**turned), as_of=NOW)
    assert [(hold.code, hold.until) for hold in after] == [(hold.code, hold.until) for hold in before]


@given(st.lists(st.integers(1, 10_000), max_size=8), st.integers(0, 40_000), st.randoms(use_true_random=False))
def test_the_order_of_items_changes_nothing_of_what_credit_covers(
    amounts: list[int], credit: int, random: Random
) -> None:
    items = [item(item_id=str(n), open_amount=Money(amount, "EUR")) for n, amount in enumerate(amounts)]
    covered = distribute_credit(items=items, credit=Money(credit, "EUR"))
    random.shuffle(items)
    assert distribute_credit(items=items, credit=Money(credit, "EUR")) == covered


@given(COVER, st.integers(0, 60 * 24 * 40))
def test_holds_that_rest_on_a_guess_end_when_they_say(facts: Facts, minutes: int) -> None:
    as_of = NOW + timedelta(minutes=minutes)
    guesses = {HoldCode.IN_FLIGHT, HoldCode.PROBABLY_PAID}
    facts_now = evidence(**facts)
    for hold in evaluate(evidence=facts_now, as_of=as_of):
        if hold.code in guesses:
            assert hold.until is not None
            assert hold.until > as_of
            assert hold.until <= as_of + timedelta(days=28)
            scheduled = any(payment.begun_at > as_of for payment in facts_now.in_flight)
            later = {after.code for after in evaluate(evidence=facts_now, as_of=hold.until)}
            assert hold.code not in later or scheduled


def test_evidence_refuses_facts_that_contradict_each_other() -> None:
    with pytest.raises(EvidenceError, match="item-2"):
        evidence(disputes=(Dispute("item-2", "not this one"),))
    with pytest.raises(EvidenceError, match="currencies"):
        evidence(credit_available=Money(1, "USD"))
    with pytest.raises(EvidenceError, match="credit_note"):
        evidence(item=item(kind=DocumentKind.CREDIT_NOTE))
    with pytest.raises(EvidenceError, match="IANA"):
        contact(time_zone="Mars/Olympus")
    with pytest.raises(EvidenceError, match="no time zone"):
        codes(evidence(), NOW.replace(tzinfo=None))
    with pytest.raises(EvidenceError, match="no time zone"):
        freshness(ledger_read_at=datetime(2026, 11, 17, 10))  # noqa: DTZ001


def _attested() -> tuple[BankEvidence, ...]:
    return (BankEvidence("A", BankDeclaration.ATTESTED, attested_by="Kim Ode"),)
