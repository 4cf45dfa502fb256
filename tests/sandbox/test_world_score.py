from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from sandbox.capture import CapturedMail
from sandbox.world import DEMO_START, TrueInvoice, World, build_world
from sandbox.world.score import mentions

TODAY = DEMO_START.date()
DAY = timedelta(days=1)


@pytest.fixture
def world() -> World:
    return build_world(clock=lambda: DEMO_START)


def _mail(to: str | None, text: str, *, kind: str = "reminder") -> CapturedMail:
    return CapturedMail(
        recipients=(to or "nobody@nowhere.example",),
        subject="Reminder",
        text=text,
        html="",
        headers={"X-TrueDue-Kind": kind},
        received_at=DEMO_START,
    )


def _due(world: World) -> list[TrueInvoice]:
    return [i for i in world.invoices if i.truth.truly_due(TODAY) and i.reachable]


def _email(world: World, invoice: TrueInvoice) -> str | None:
    return world.organisations[invoice.organisation].customer_of(invoice).email


def _right(world: World, invoice: TrueInvoice) -> CapturedMail:
    line = f"{invoice.number}  due {invoice.due_on:%d.%m.%Y}  {invoice.true_open:,.2f} {invoice.currency}"
    return _mail(_email(world, invoice), f"Dear customer,\n\n{line}\n\nIgnore: 1.00")


def _of(world: World, organisation: str, role: str) -> TrueInvoice:
    return world.organisations[organisation].by_role(role)[0]


def test_reminding_of_all_that_is_truly_due_scores_clean(world: World) -> None:
    score = world.score([_right(world, invoice) for invoice in _due(world)])
    assert score.false_reminders == []
    assert score.missed_reminders == []
    assert 130 <= score.reachable_due <= 180


def test_silence_misses_everything(world: World) -> None:
    score = world.score([])
    assert len(score.missed_reminders) == score.reachable_due > 0


def test_an_invoice_left_out_is_missed(world: World) -> None:
    left_out = next(i for i in _due(world) if (TODAY - i.due_on).days > 20)
    score = world.score([_right(world, invoice) for invoice in _due(world) if invoice is not left_out])
    assert score.missed_reminders == [f"{left_out.organisation} {left_out.number}"]


@pytest.mark.parametrize("organisation", ["harbour-pine", "cedar-ridge"])
@pytest.mark.parametrize(
    ("role", "reason"),
    [
        ("bank", "covered (paid_by_bank)"),
        ("paid", "covered (paid)"),
        ("case:credit_note", "covered (credit_available)"),
        ("case:coded_to_income", "covered (paid_by_coded_to_income)"),
        ("case:payout_with_fees", "covered (paid_by_stripe)"),
        ("case:wrong_reference", "covered (paid_by_bank)"),
        ("case:unknown_payer", "held (probably_paid)"),
        ("case:ach_in_flight", "held (in_flight)"),
        ("not_due", "not due before"),
    ],
)
def test_a_reminder_of_what_is_not_truly_due_is_false(world: World, organisation: str, role: str, reason: str) -> None:
    invoice = _of(world, organisation, role)
    customer = world.organisations[organisation].customer_of(invoice)
    customer.email = customer.email or "accounts@somebody.example"
    customer.opted_out = False
    text = f"{invoice.number}: {invoice.total:.2f}"
    (false,) = world.score([_mail(customer.email, text)]).false_reminders
    assert reason in false
    assert invoice.number in false


def test_a_wrong_amount_and_a_wrong_recipient_are_false(world: World) -> None:
    invoice = _of(world, "harbour-pine", "case:partial")
    right = _email(world, invoice)
    whole = world.score([_mail(right, f"{invoice.number} {invoice.total:,.2f}")]).false_reminders
    assert len(whole) == 1
    assert "is open" in whole[0]
    both = f"{invoice.number} of {invoice.total:,.2f}, open {invoice.true_open:,.2f}"
    assert world.score([_mail(right, both)]).false_reminders == []
    stranger = world.score([_mail("other@else.example", both)]).false_reminders
    assert len(stranger) == 1
    assert "sent to other@else.example" in stranger[0]


def test_an_amount_of_the_next_paragraph_is_no_invoices_however_lines_end(world: World) -> None:
    one, other = [each for each in _due(world) if each.organisation == "cedar-ridge"][:2]
    text = f"So this is open again: {one.number}.\n\nAnd 7.00 was taken back, so this is: {other.number}.\n\n"
    text += f"{one.number}: {one.total:.2f}\n{other.number}: {other.total:.2f}"
    for ending in ("\n", "\r\n"):
        mail = _mail(_email(world, one), text.replace("\n", ending))
        found = {named.number: amounts for _, named, amounts in mentions(world.organisations, mail)}
        assert [amount for amount, _ in found[one.number]] == [one.total]


def test_a_mail_is_judged_by_the_truth_it_was_sent_under(world: World) -> None:
    invoice = next(i for i in _due(world) if (TODAY - i.due_on).days > 20)
    early = _right(world, invoice)
    invoice.change(held="disputed")
    late = _right(world, invoice)
    assert world.score([early]).false_reminders == []
    assert len(world.score([late]).false_reminders) == 1
    assert f"{invoice.organisation} {invoice.number}" not in world.score([]).missed_reminders


def test_a_corrected_address_is_right_only_from_then_on(world: World) -> None:
    invoice = _of(world, "cedar-ridge", "case:crm_contact_email")
    customer = world.organisations["cedar-ridge"].customer_of(invoice)
    before, old = _right(world, invoice), customer.email
    customer.change_email("new@there.example")
    after, stale = _right(world, invoice), _mail(old, f"{invoice.number}")
    assert world.score([before]).false_reminders == []
    assert world.score([after]).false_reminders == []
    assert len(world.score([stale]).false_reminders) == 1


def test_a_mail_that_asks_for_nothing_is_no_reminder(world: World) -> None:
    invoice = _of(world, "harbour-pine", "bank")
    assert world.score([_mail(_email(world, invoice), f"Thanks for {invoice.number}", kind="thanks")]) == world.score(
        []
    )


def test_digits_inside_other_words_name_no_invoice(world: World) -> None:
    invoice = _due(world)[-1]
    assert invoice.organisation == "cedar-ridge"
    number = invoice.number
    text = f"ref {number}.50 and {number}-7, A{number}; total 3.{number}, {number},50"
    assert list(mentions(world.organisations, _mail(_email(world, invoice), text))) == []
    listed = mentions(world.organisations, _mail(_email(world, invoice), f"{number},{int(number) - 1}"))
    assert [named.number for _, named, _ in listed] == [number, str(int(number) - 1)]
    ((organisation, named, amounts),) = mentions(
        world.organisations, _mail(_email(world, invoice), f"Invoice {number}.\nPlease pay 1.234,50 EUR by 17.11.2026.")
    )
    assert (organisation.key, named.number) == ("cedar-ridge", number)
    assert amounts == [(Decimal("1234.50"), "EUR")]
