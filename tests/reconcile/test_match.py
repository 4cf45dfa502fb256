from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from receivables.allocation import Decision, Explanation, Proposal, ResidualKind
from receivables.discount import DiscountOffer
from receivables.document import DocumentKind
from receivables.money import Money
from receivables.receipt import Receipt, ReceiptStatus
from reconcile.calibrate import History
from reconcile.candidates import OpenItemIndex
from reconcile.likelihood import AmountEvidence, Evidence
from reconcile.match import propose, propose_with_evidence
from reconcile.mention import ReferenceEvidence
from reconcile.payer import PayerEvidence
from tests.reconcile.build import DAY, item, match, paid, receipt, residuals


def test_a_named_item_with_the_exact_amount_and_the_right_payer_is_applied() -> None:
    (found,) = match(
        [item("A", 100_00, number="INV-0401"), item("B", 100_00, number="INV-0402")], receipt(100_00, "Inv 0401")
    )
    assert (found.decision, found.best.explanation, paid(found)) == (Decision.APPLY, Explanation.EXACT, {"A": 100_00})
    assert found.best.confidence >= 0.995
    assert found.customer_id == "HARBOUR-SUPPLIES-LTD"
    assert any("INV-0401" in reason for reason in found.reasons)
    assert any("100.00 EUR equals" in reason for reason in found.reasons)


def test_without_a_reference_it_is_only_suggested() -> None:
    (found,) = match([item("A", 100_00)], receipt(100_00, "thank you"))
    assert (found.decision, paid(found)) == (Decision.SUGGEST, {"A": 100_00})


def test_a_reference_from_another_payer_is_only_suggested() -> None:
    items = [item("A", 100_00, number="INV-0401"), item("B", 70_00, customer="Quarry Tools GmbH")]
    (found,) = match(items, receipt(100_00, "INV-0401", payer="Quarry Tools GmbH"))
    assert (found.decision, paid(found)) == (Decision.SUGGEST, {"A": 100_00})


def test_several_named_items_are_paid_in_full() -> None:
    items = [item("A", 100_00, number="INV-0401"), item("B", 50_00, number="INV-0217"), item("C", 150_00)]
    (found,) = match(items, receipt(150_00, "INV-0401/217"))
    assert (found.decision, found.best.explanation) == (Decision.APPLY, Explanation.REFERENCES)
    assert paid(found) == {"A": 100_00, "B": 50_00}


def test_a_sum_of_unnamed_items_is_suggested_and_two_such_sums_are_said() -> None:
    items = [item("A", 100_00), item("B", 33_33), item("C", 250_00)]
    (one,) = match(items, receipt(133_33))
    assert (one.decision, one.best.explanation, paid(one)) == (
        Decision.SUGGEST,
        Explanation.SUBSET,
        {"A": 100_00, "B": 33_33},
    )
    (two,) = match([*items, item("D", 100_00)], receipt(133_33))
    assert two.decision is Decision.SUGGEST
    assert any("other way" in reason for reason in two.reasons)
    assert two.best.confidence < one.best.confidence
    assert two.runner_up is not None
    assert {a.item_id for a in two.runner_up.allocations} == {"B", "D"}


def test_a_processor_fee_is_a_residual_beside_the_cash() -> None:
    (found,) = match([item("A", 100_00, number="INV-0401")], receipt(97_10, "INV-0401", fee=2_90))
    assert (found.decision, paid(found)) == (Decision.APPLY, {"A": 100_00})
    assert residuals(found) == {"processor_fee": 2_90}


@pytest.mark.parametrize(
    ("short", "kind", "decision"),
    [
        (3, "rounding", Decision.APPLY),
        (-2, "rounding", Decision.APPLY),
        (9_50, "bank_fee", Decision.APPLY),
        (43_70, "bank_fee", Decision.SUGGEST),
        (200_00, "withholding", Decision.SUGGEST),
    ],
)
def test_a_small_difference_is_explained(short: int, kind: str, decision: Decision) -> None:
    early = DAY - timedelta(days=1)
    (found,) = match([item("A", 2_000_00, number="INV-0401", due_on=early)], receipt(2_000_00 - short, "INV-0401"))
    assert (found.decision, paid(found), residuals(found)) == (decision, {"A": 2_000_00}, {kind: short})


def test_a_round_percentage_before_the_due_date_is_a_discount() -> None:
    items = [item("A", 2_000_00, number="INV-0401", due_on=DAY + timedelta(days=20))]
    (found,) = match(items, receipt(1_960_00, "INV-0401"))
    assert (found.best.explanation, residuals(found)) == (Explanation.DISCOUNT, {"discount": 40_00})


def test_part_of_the_money_leaves_the_item_open() -> None:
    (found,) = match([item("A", 2_000_00, number="INV-0401")], receipt(800_00, "INV-0401"))
    assert (found.decision, found.best.explanation) == (Decision.SUGGEST, Explanation.PARTIAL)
    assert (paid(found), residuals(found)) == ({"A": 800_00}, {})


def test_more_money_than_open_is_unapplied() -> None:
    (found,) = match([item("A", 100_00, number="INV-0401")], receipt(130_00, "INV-0401"))
    assert (found.best.explanation, paid(found), found.best.unapplied.minor) == (
        Explanation.OVERPAYMENT,
        {"A": 100_00},
        30_00,
    )


def test_a_credit_note_is_offset() -> None:
    credit = item("C", 20_00, number="CN-0009", kind=DocumentKind.CREDIT_NOTE)
    (found,) = match([item("A", 100_00, number="INV-0401"), credit], receipt(80_00, "INV-0401 less CN-0009"))
    assert (found.best.explanation, paid(found)) == (Explanation.CREDIT_OFFSET, {"A": 100_00, "C": 20_00})
    assert [a.is_credit for a in found.best.allocations if a.item_id == "C"] == [True]
    (unsaid,) = match([item("A", 100_00, number="INV-0401"), credit], receipt(80_00, "INV-0401"))
    assert paid(unsaid) == {"A": 100_00, "C": 20_00}
    assert unsaid.decision is Decision.SUGGEST


def test_instalments_that_together_pay_an_item_are_applied_and_one_alone_is_not() -> None:
    items = [item("A", 100_00, number="INV-0401")]
    first = receipt(40_00, "INV-0401", receipt_id="R1")
    second = receipt(60_00, "INV-0401", receipt_id="R2")
    assert [p.decision for p in match(items, first)] == [Decision.SUGGEST]
    both = match(items, first, second)
    assert [(p.decision, p.best.explanation) for p in both] == [(Decision.APPLY, Explanation.INSTALMENT)] * 2
    assert [paid(p) for p in both] == [{"A": 40_00}, {"A": 60_00}]


def test_identical_receipts_pay_identical_items_once_each() -> None:
    items = [item("A", 49_00), item("B", 49_00)]
    found = match(items, receipt(49_00, receipt_id="R1"), receipt(49_00, receipt_id="R2"))
    assert sorted(item_id for p in found for item_id in paid(p)) == ["A", "B"]


def test_the_second_payment_of_one_item_is_a_duplicate() -> None:
    one, two = match(
        [item("A", 49_00, number="INV-0401")],
        receipt(49_00, "INV-0401", receipt_id="R1"),
        receipt(49_00, "INV-0401", receipt_id="R2"),
    )
    assert (one.decision, paid(one)) == (Decision.APPLY, {"A": 49_00})
    assert (two.decision, two.best.explanation, paid(two)) == (Decision.SUGGEST, Explanation.DUPLICATE, {})
    assert two.best.unapplied.minor == 49_00


def test_a_payment_of_an_item_that_is_closed_is_a_duplicate() -> None:
    index = OpenItemIndex([item("A", 49_00, number="INV-0401"), item("B", 70_00, number="INV-0402")])
    index.note_closed("INV-0401", "A", "HARBOUR-SUPPLIES-LTD")
    (found,) = propose(index=index, receipts=[receipt(49_00, "INV-0401")], as_of=DAY)
    assert (found.decision, found.best.explanation, found.best.unapplied.minor) == (
        Decision.SUGGEST,
        Explanation.DUPLICATE,
        49_00,
    )
    assert found.customer_id == "HARBOUR-SUPPLIES-LTD"
    assert any("already paid" in reason for reason in found.reasons)


def test_a_parent_pays_for_its_child() -> None:
    child = item("A", 100_00, number="INV-0401", customer="Bay Street Branch", parent_id="HOLDING")
    index = OpenItemIndex([child, item("B", 10_00, customer="Other Firm")])
    index.note_customer("HOLDING", "Crown Holding plc")
    (found,) = propose(index=index, receipts=[receipt(100_00, "INV-0401", payer="Crown Holding PLC")], as_of=DAY)
    assert (found.decision, paid(found)) == (Decision.APPLY, {"A": 100_00})


def test_a_trusted_hint_is_proof_and_more_money_is_an_overpayment() -> None:
    items = [item("A", 100_00), item("B", 100_00)]
    (exact,) = match(items, receipt(100_00, payer="", item_hints=("A",)))
    (part,) = match(items, receipt(30_00, payer="", item_hints=("A",)))
    (more,) = match(items, receipt(130_00, payer="", item_hints=("A",)))
    assert [p.decision for p in (exact, part, more)] == [Decision.APPLY] * 3
    assert [paid(p) for p in (exact, part, more)] == [{"A": 100_00}, {"A": 30_00}, {"A": 100_00}]
    assert more.best.unapplied.minor == 30_00


def test_a_known_payer_counts_as_the_right_payer() -> None:
    items = [item("A", 100_00, number="INV-0401")]
    (named,) = match(items, receipt(100_00, "INV-0401", payer="J Doe", payer_id="HARBOUR-SUPPLIES-LTD"))
    assert named.decision is Decision.APPLY
    history = History()
    history.learn_payer(receipt(5, receipt_id="old", account="DE99", payer="J Doe"), ["HARBOUR-SUPPLIES-LTD"])
    (learned,) = propose(
        index=OpenItemIndex(items),
        as_of=DAY,
        history=history,
        receipts=[receipt(100_00, "INV-0401", payer="J Doe", account="DE99")],
    )
    assert learned.decision is Decision.APPLY


def test_another_currency_is_a_suggestion_without_allocations() -> None:
    (found,) = match([item("A", 100_00, number="INV-0401", currency="USD")], receipt(92_00, "INV-0401"))
    assert (found.decision, found.best.explanation, paid(found)) == (Decision.SUGGEST, Explanation.FX, {})


FOREIGN, FITS = item("A", 100_00, number="INV-0401", currency="USD"), item("B", 100_00, number="INV-0402")


def test_what_is_named_in_another_currency_is_asked_about_before_what_merely_fits() -> None:
    named = receipt(100_00, "INV-0401")
    (found,) = match([FOREIGN, FITS], named)
    assert (found.best.explanation, paid(found), found.foreign) == (Explanation.FX, {}, ("A",))
    (refused,) = match([FOREIGN, FITS], replace(named, refused=(frozenset({"A"}),)))
    assert (refused.decision, paid(refused)) == (Decision.SUGGEST, {"B": 100_00})
    (both,) = match([FOREIGN, FITS], receipt(100_00, "INV-0401 INV-0402"))
    assert (both.decision, paid(both)) == (Decision.APPLY, {"B": 100_00})
    (of_another,) = match([replace(FOREIGN, customer_id="OTHER", customer_name="Quay Traders"), FITS], named)
    assert paid(of_another) == {"B": 100_00}, "a number may be somebody else's"


def test_experience_applies_nothing_where_an_invoice_in_another_currency_is_named() -> None:
    history = History()
    proof = Evidence(ReferenceEvidence.EXACT, AmountEvidence.EXACT, PayerEvidence.NAME, items=1)
    for _ in range(600):
        history.record(proof, 0.99, right=True)
    silent = receipt(100_00, "thanks")
    others = [item(f"C{at}", 7_00 + at, number=f"INV-9{at:03}", customer=f"Customer {at}") for at in range(50)]
    for refused, told in (((), silent), ((frozenset({"A"}),), receipt(100_00, "INV-0401"))):
        index = OpenItemIndex([FOREIGN, FITS, *others])
        (found,) = propose(index=index, receipts=[replace(told, refused=refused)], history=history, as_of=DAY)
        assert paid(found) == {"B": 100_00}
        assert found.decision is (Decision.APPLY if told is silent else Decision.SUGGEST)
    index = OpenItemIndex([replace(FOREIGN, customer_id="OTHER", customer_name="Quay Traders"), FITS, *others])
    (found,) = propose(index=index, receipts=[receipt(100_00, "INV-0401")], history=history, as_of=DAY)
    assert (found.decision, paid(found)) == (Decision.APPLY, {"B": 100_00}), "a number may be somebody else's by chance"


def test_money_that_is_not_there_pays_nothing() -> None:
    items = [item("A", 100_00, number="INV-0401")]
    for status, decision in ((ReceiptStatus.IN_FLIGHT, Decision.NONE), (ReceiptStatus.REVERSED, Decision.SUGGEST)):
        base = receipt(100_00, "INV-0401")
        (found,) = match(
            items,
            Receipt(
                base.receipt_id,
                base.received_on,
                base.amount,
                base.payer_name,
                remittance=base.remittance,
                status=status,
            ),
        )
        assert (found.decision, paid(found), found.best.unapplied) == (decision, {}, Money(100_00, "EUR"))


def test_a_receipt_from_the_future_is_not_applied() -> None:
    index = OpenItemIndex([item("A", 100_00, number="INV-0401")])
    late = receipt(100_00, "INV-0401", received_on=date(2026, 3, 9))
    assert propose(index=index, receipts=[late], as_of=DAY)[0].decision is Decision.SUGGEST
    assert propose(index=index, receipts=[late], as_of=date(2026, 3, 9))[0].decision is Decision.APPLY


def test_nothing_that_fits_is_none() -> None:
    (found,) = match([item("A", 100_00, customer="Quarry Tools GmbH")], receipt(7_77, "interest", payer="Bank of Erin"))
    assert (found.decision, found.best.explanation, paid(found)) == (Decision.NONE, Explanation.UNRELATED, {})
    assert found.best.unapplied.minor == 7_77


def test_the_index_follows_changes() -> None:
    index = OpenItemIndex([item("A", 100_00, number="INV-0401")])
    index.update(item("A", 60_00, number="INV-0401"))
    money = [receipt(60_00, "INV-0401")]
    assert propose(index=index, receipts=money, as_of=DAY)[0].decision is Decision.APPLY
    index.remove("A")
    assert propose(index=index, receipts=money, as_of=DAY)[0].decision is Decision.NONE
    assert len(index) == 0


def test_a_pay_link_used_twice_is_a_duplicate_of_its_item() -> None:
    index = OpenItemIndex([item("B", 49_00, number="INV-0402")])
    index.note_closed("INV-0401", "A", "HARBOUR-SUPPLIES-LTD")
    money = receipt(49_00, payer="", item_hints=("A",))
    (found,) = propose(index=index, receipts=[money], as_of=DAY)
    assert (found.best.explanation, paid(found), found.customer_id) == (
        Explanation.DUPLICATE,
        {},
        "HARBOUR-SUPPLIES-LTD",
    )


def test_a_price_that_very_many_pay_is_found_for_its_payer() -> None:
    crowd = [item(f"X{at}", 49_00, customer=f"Subscriber {at}") for at in range(1_200)]
    (found,) = match([*crowd, item("A", 49_00)], receipt(49_00))
    assert paid(found) == {"A": 49_00}
    (nobody,) = match(crowd, receipt(49_00, payer=""))
    assert nobody.decision is Decision.NONE


def test_an_instalment_whose_other_part_lost_the_item_is_a_part_again() -> None:
    items = [
        item("A", 100_00, number="INV-0401"),
        item("B", 30_00, number="INV-0399", due_on=DAY - timedelta(days=9)),
    ]
    linked = receipt(80_00, receipt_id="R3", payer="", item_hints=("A", "B"))
    parts = [receipt(40_00, "INV-0401", receipt_id="R1"), receipt(60_00, "INV-0401", receipt_id="R2")]
    assert [p.best.explanation for p in match(items, *parts)] == [Explanation.INSTALMENT] * 2
    one, two, three = match(items, *parts, linked)
    assert (three.decision, paid(three)) == (Decision.APPLY, {"A": 50_00, "B": 30_00})
    assert (one.decision, one.best.explanation, paid(one)) == (Decision.SUGGEST, Explanation.PARTIAL, {"A": 40_00})
    assert (two.decision, paid(two)) == (Decision.SUGGEST, {})


def test_two_receipts_that_claim_one_item_about_as_well_are_for_a_person() -> None:
    items = [item("A", 100_00, number="INV-0401")]
    named = receipt(100_00, "INV-0401", receipt_id="R1")
    known = receipt(99_40, "INV-0401", receipt_id="R2", payer="J Doe", payer_id="HARBOUR-SUPPLIES-LTD")
    assert [p.decision for p in match(items, known)] == [Decision.APPLY]
    assert [p.decision for p in match(items, named, known)] == [Decision.SUGGEST, Decision.SUGGEST]


def test_an_item_that_opens_again_is_no_duplicate() -> None:
    index = OpenItemIndex()
    index.note_closed("INV-0401", "A", "HARBOUR-SUPPLIES-LTD")
    index.add(item("A", 49_00, number="INV-0401"))
    (found,) = propose(index=index, receipts=[receipt(49_00, "INV-0401")], as_of=DAY)
    assert (found.decision, paid(found)) == (Decision.APPLY, {"A": 49_00})


def test_numbers_run_together_with_a_damaged_one_are_read_where_the_sum_agrees() -> None:
    items = [
        item("A", 100_00, number="9338464501"),
        item("B", 55_10, number="2855126562"),
        item("C", 155_10, number="4431257942", customer="Quarry Tools GmbH"),
        item("D", 77_00, number="6360547862"),
    ]
    (found,) = match(items, receipt(155_10, "RECEIPT 93384645012855026562"))
    assert (found.decision, found.best.explanation, paid(found)) == (
        Decision.APPLY,
        Explanation.REFERENCES,
        {"A": 100_00, "B": 55_10},
    )


def test_one_number_in_the_text_names_one_item() -> None:
    """A number that is read to the letter is not read once more as the damaged number of an older item."""
    meant = item("I0", 439_075_05, number="2280980004", references=("INV100000000028202",))
    older = [
        item(f"I{last}", 29_500_00, references=(f"INV1000000000{last}",), due_on=DAY - timedelta(days=90))
        for last in (28207, 28292)
    ]
    (found,) = match([meant, *older], receipt(304_065_54, "receipt number INV100000000028202"))
    assert [allocation.item_id for allocation in found.best.allocations] == ["I0"]
    assert found.best.explanation == "partial"


def test_an_offered_discount_is_as_good_as_the_exact_amount_and_any_other_is_asked_about() -> None:
    items = [item("A", 100_00, number="INV-0401"), item("B", 100_00, number="INV-0402"), item("C", 70_00)]
    offers = {each: DiscountOffer(Money(3_10, "EUR"), DAY, datetime(2026, 3, 3, tzinfo=UTC)) for each in ("A", "B")}

    def found(money: Receipt, told: Mapping[str, DiscountOffer]) -> Proposal:
        index = OpenItemIndex(items)
        index.offer_discounts(told)
        (proposal,) = propose(index=index, receipts=[money], as_of=DAY + timedelta(days=1))
        return proposal

    one, both = receipt(96_90, "INV-0401"), receipt(193_80, "INV-0401 INV-0402")
    for money, off in ((one, 3_10), (both, 6_20)):
        taken = found(money, offers)
        assert (taken.decision, taken.best.explanation) == (Decision.APPLY, Explanation.DISCOUNT)
        assert [(each.kind, each.amount.minor) for each in taken.best.residuals] == [(ResidualKind.DISCOUNT, off)]
        assert any("which was offered" in reason for reason in taken.reasons)
    others = [
        found(one, {}),
        found(replace(one, received_on=DAY + timedelta(days=1)), offers),
        found(replace(one, amount=Money(96_89, "EUR")), offers),
        found(one, {"B": offers["B"]}),
    ]
    assert Decision.APPLY not in {each.decision for each in others}
    card = replace(one, received_on=DAY + timedelta(days=1), made_at=datetime(2026, 3, 2, 23, 59, tzinfo=UTC))
    assert found(card, offers).decision is Decision.APPLY


def test_who_pays_for_whom_is_said() -> None:
    items = [
        item("A", 100_00, number="INV-0401", customer="Child One", parent_id="CROWN-HOLDING"),
        item("B", 50_00, number="INV-0402", customer="Child Two", parent_id="CROWN-HOLDING"),
        item("C", 33_00, number="INV-0403", customer="Crown Holding"),
    ]
    (parents,) = match(items, receipt(150_00, "INV-0401, 402", payer="Crown Holding"))
    (own,) = match(items, receipt(100_00, "INV-0401", payer="Child One"))
    assert "The payer's name is that of Crown Holding, who pays for Child One, Child Two." in parents.reasons
    assert "The payer's name is that of Child One." in own.reasons


def test_why_proof_is_not_applied_is_said_truly() -> None:
    items = [item("A", 100_00, number="INV-0401")]
    (early,) = propose(
        index=OpenItemIndex(items), receipts=[receipt(100_00, "INV-0401", received_on=DAY)], as_of=DAY - timedelta(1)
    )
    assert early.decision is Decision.SUGGEST
    assert early.reasons[-1] == f"The money is dated {DAY}, which is yet to come: nothing of it is applied before."
    history = History()
    (sure,) = propose_with_evidence(index=OpenItemIndex(items), receipts=[receipt(100_00, "INV-0401")], as_of=DAY)
    assert sure.case is not None
    history.count(sure.case, right=False, times=10)
    (refuted,) = propose(index=OpenItemIndex(items), receipts=[receipt(100_00, "INV-0401")], history=history, as_of=DAY)
    assert refuted.reasons[-1] == "A person decides: experience is against it."
