"""Policies count from the moment they are set, for whom they are meant, and each version says who set it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reminders.policy_book import BY_SIZE, DEFAULT_BOOK, Asked
from reminders.policy_file import read_policies, write_policies
from runtime.operations.errors import InputError
from runtime.operations.reminding.certificates import stored
from runtime.operations.reminding.debtors import debtors
from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.reminding.policies import current, set_policies, versions
from runtime.operations.reminding.policy_preview import preview
from runtime.operations.reminding.replay import replay_days
from runtime.operations.reminding.send import send_reminders
from runtime.store import connections
from runtime.store import tables as t
from runtime.store.connections import Organisation
from tests.operations.firm import TODAY, Firm

PATIENT = """\
policies:
  - name: patient with {whom}
    for: {{{condition}}}
    levels:
      - {{days_after_due: 30, tone: understanding}}
  - name: everyone
    levels:
      - {{days_after_due: 1, tone: firm}}
      - {{days_after_due: 2, tone: understanding}}
    days_between_messages: 0
"""


def _set(firm: Firm, text: str, actor: str = "Dana Fenwick") -> int:
    made = set_policies(firm.app, organisation_id=firm.id, text=text, source="policies.yaml", actor=actor)
    return made.version


def _organisation(firm: Firm) -> Organisation:
    with firm.app.store.read() as db:
        found = connections.organisation(db, firm.id)
    assert found is not None
    return found


def _send(firm: Firm) -> list[str]:
    firm.switch_sending()
    plan_reminders(firm.app, firm.id)
    send_reminders(firm.app, firm.id)
    return sorted(recipient for mail in firm.mailbox.mails for recipient in mail.recipients)


def test_each_version_is_kept_with_who_and_when(stored_firm: Firm) -> None:
    with stored_firm.app.store.read() as db:
        assert current(db, stored_firm.id).book == DEFAULT_BOOK
    assert _set(stored_firm, write_policies(DEFAULT_BOOK)) == 1, "the built-in text makes no version"
    first = write_policies(BY_SIZE)
    assert _set(stored_firm, first) == 2
    assert _set(stored_firm, first) == 2, "the same text makes no version"
    assert _set(stored_firm, first + "# patience", "Ola Berg") == 3
    with stored_firm.app.store.read() as db:
        kept = versions(db, stored_firm.id)
    assert [(each.version, each.set_by) for each in kept] == [(3, "Ola Berg"), (2, "Dana Fenwick"), (1, "")]
    assert kept[1].text == first
    assert kept[0].book == BY_SIZE.numbered(3)
    assert [row.detail for row in stored_firm.rows(t.event, action="policies_set")] == ["version 2", "version 3"]


def test_a_file_that_cannot_be_followed_changes_nothing(firm: Firm) -> None:
    for text, reason in (
        ("policies: []", "policies.yaml: line 1: policies must be a list"),
        (write_policies(BY_SIZE).replace("channel: email", "channel: voice", 1), "nothing sends by voice yet"),
    ):
        with pytest.raises(InputError, match=reason):
            _set(firm, text)
    assert firm.rows(t.policy_book) == []


@pytest.mark.parametrize(
    ("condition", "mailed"),
    [
        ("amount_at_least: {GBP: 250}", ["acme@example.com"]),
        ("overdue_at_least: 15", ["bolt@example.com"]),
        ("countries: [GB]", []),
        ("countries: [DE]", ["acme@example.com", "bolt@example.com"]),
    ],
)
def test_a_segment_decides_who_is_reminded(firm: Firm, condition: str, mailed: list[str]) -> None:
    """Acme owes 195.50, the oldest for 20 days; Bolt owes 300.00 for 5 days."""
    _set(firm, PATIENT.format(whom="some", condition=condition))
    assert _send(firm) == mailed


def test_the_gate_knows_all_that_a_customer_owes(firm: Firm) -> None:
    """One invoice of Acme is held; what is left in the message would by itself put Acme under another policy."""
    _set(firm, PATIENT.format(whom="small debts", condition="amount_less_than: {GBP: 100}"))
    firm.switch_sending()
    plan_reminders(firm.app, firm.id)
    firm.edit_in_crm("INV-1001", Disputed__c=True, Dispute_Reason__c="wrong price")
    firm.time.advance(minutes=5)
    send_reminders(firm.app, firm.id)
    (mail,) = [mail for mail in firm.mailbox.mails if mail.recipients == ("acme@example.com",)]
    assert "INV-1002" in mail.text
    assert "INV-1001" not in mail.text


def test_certificates_name_the_policy_and_its_version(firm: Firm) -> None:
    version = _set(firm, PATIENT.format(whom="nobody", condition="countries: [DE]"))
    _send(firm)
    with firm.app.store.read() as db:
        proofs = [sealed.as_json() for sealed in stored(db, firm.id)]
    assert {(each["policy"], each["policy_version"]) for each in proofs} == {("everyone", version)}


def test_how_late_somebody_usually_pays_is_the_median_of_three_or_more(firm: Firm) -> None:
    for number, days in enumerate((2, 30, 40)):
        firm.invoice("Acme", f"INV-9{number}", "10.00", late=60)
        firm.ledger.pay_by_hand(f"INV-9{number}", "10.00", on=TODAY - timedelta(days=60 - days))
    firm.invoice("Bolt", "INV-95", "10.00", late=60)
    firm.ledger.pay_by_hand("INV-95", "10.00", on=TODAY)
    firm.settle()
    ids = {row.name: row.id for row in firm.rows(t.customer)}
    with firm.app.store.read() as db:
        found = debtors(
            db, _organisation(firm), customer_ids=list(ids.values()), now=firm.app.clock(), asked=list(Asked)
        )
    assert found[ids["Acme"]].usually_late == 30
    assert found[ids["Bolt"]].usually_late is None, "one invoice is no habit"
    _set(firm, PATIENT.format(whom="late payers", condition="usually_late_at_least: 30"))
    assert _send(firm) == ["bolt@example.com"]


def test_a_preview_tells_what_would_change_and_changes_nothing(firm: Firm) -> None:
    book = read_policies(PATIENT.format(whom="large debts", condition="amount_at_least: {GBP: 250}"))
    with firm.app.store.read() as db:
        found = preview(db, _organisation(firm), book=book, now=firm.app.clock())
    assert (found.messages, found.messages_now, found.lines) == (1, 2, 2)
    assert found.customers_by_policy == (("patient with large debts", 1), ("everyone", 1))
    assert [(each.name, each.now, each.then) for each in found.changes] == [
        ("Acme", "level 1, friendly: 2 invoices, 195.50 GBP", "level 1, firm: 2 invoices, 195.50 GBP"),
        ("Bolt", "level 1, friendly: INV-2001, 300.00 GBP", "no message"),
    ]
    assert (firm.rows(t.reminder), firm.rows(t.policy_book)) == ([], [])


def test_days_are_replayed_by_the_policies_that_count(firm: Firm) -> None:
    _set(firm, PATIENT.format(whom="large debts", condition="amount_at_least: {GBP: 250}"))
    with firm.app.store.read() as db:
        found = replay_days(
            db,
            _organisation(firm),
            first=TODAY - timedelta(days=8),
            last=TODAY - timedelta(days=1),
            now=firm.app.clock(),
        )
    assert found.policy == "patient with large debts, everyone, version 2"
    assert found.all.customers == 1, "Bolt owes 300 for a few days only"


@pytest.mark.parametrize(("first", "quiet"), [(-27, ()), (-20, ()), (-19, (("prompt", 1),)), (1, (("prompt", 1),))])
def test_the_preview_says_where_no_message_tells_of_a_discount_in_time(
    firm: Firm, first: int, quiet: tuple[tuple[str, int], ...]
) -> None:
    for number in ("INV-1001", "INV-1002", "INV-2001"):
        firm.ledger.pay_by_hand(number, str(firm.ledger.balance(number)), on=TODAY)
    firm.invoice("Acme", "INV-3001", "100.00", late=-25)  # issued thirty days before it is due
    firm.settle()
    tone = "upcoming" if first < 1 else "friendly"
    text = (
        f"policies:\n  - name: prompt\n    levels:\n      - {{days_after_due: {first}, tone: {tone}}}\n"
        "    early_discount: {within_days: 10, per_cent: 2}\n"
    )
    with firm.app.store.read() as db:
        found = preview(db, _organisation(firm), book=read_policies(text), now=firm.time())
    assert found.quiet_discounts == quiet
