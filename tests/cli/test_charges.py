"""The command charges: proposals for truly due invoices of businesses, by law or contract; nothing is posted."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from runtime.operations.reminding.policies import set_policies
from runtime.store import tables as t
from tests.cli.command import Result, one_line
from tests.cli.test_sync import Command, command, firm
from tests.operations.firm import TODAY, Firm

__all__ = ["command", "firm"]

AT = ("--as-of", "2026-03-10T12:00:00Z")
RATE = ("--rate", "2026-01-01=3.75")


def _charged(result: Result) -> dict[str, dict[str, Any]]:
    assert result.returncode == 0, result.stderr
    return {line["number"]: line for line in map(json.loads, result.stdout.splitlines())}


def _limited(firm: Firm) -> str:
    """A customer whose name bears a legal form owes 1,000.00, ten days late."""
    quay = firm.customers["Quay Ltd"] = firm.ledger.customer("Quay Ltd", "quay@example.com")
    firm.crm.create("Account", Name="Quay Ltd", AccountNumber=quay)
    firm.invoice("Quay Ltd", "INV-3001", "1000.00")
    firm.settle()
    return str(next(row.id for row in firm.rows(t.customer) if row.name == "Acme"))


def test_a_business_is_charged_by_law_and_others_only_where_somebody_says_so(firm: Firm, command: Command) -> None:
    acme = _limited(firm)
    found = _charged(command("charges", *AT, *RATE, "--json"))
    quay = found["INV-3001"]
    # 10 days at 11.75 % of 1,000.00: 3.219; 70 of 1,000.00 and more
    assert (quay["interest"], quay["fixed"], quay["why_not"]) == ("3.22", "70.00", None)
    assert quay["source"].startswith("Late Payment of Commercial Debts (Interest) Act 1998")
    assert quay["spans"] == [{"since": "2026-03-01", "days": 10, "owed": "1000.00", "basis_points": 1175}]
    assert (found["INV-1001"]["interest"], found["INV-1001"]["why_not"]) == (
        None,
        "nothing says that this customer is a business",
    )
    named = _charged(command("charges", *AT, *RATE, "--business", acme, "--json"))
    assert (named["INV-1001"]["interest"], named["INV-1001"]["fixed"]) == ("0.39", "40.00")
    assert firm.ledger.payments() == []


def test_what_was_paid_on_the_way_and_what_is_contested_is_seen(firm: Firm, command: Command) -> None:
    _limited(firm)
    firm.ledger.pay_by_hand("INV-3001", "400.00", on=TODAY - timedelta(days=1))
    firm.settle()
    partly = _charged(command("charges", *AT, *RATE, "--json"))["INV-3001"]
    assert [(span["days"], span["owed"]) for span in partly["spans"]] == [(9, "1000.00"), (1, "600.00")]
    firm.edit_in_crm("INV-3001", Disputed__c=True, Dispute_Reason__c="wrong price")
    firm.settle()
    assert "INV-3001" not in _charged(command("charges", *AT, *RATE, "--json"))


def test_what_was_paid_late_is_seen_where_a_policy_says_so(firm: Firm, command: Command) -> None:
    _limited(firm)
    firm.ledger.pay_by_hand("INV-3001", "1000.00", on=TODAY - timedelta(days=2))
    firm.settle()
    assert "INV-3001" not in _charged(command("charges", *AT, *RATE, "--json"))
    text = "policies:\n  - {name: strict, charge_paid_late: yes, levels: [{days_after_due: 1, tone: friendly}]}\n"
    set_policies(firm.app, organisation_id=firm.id, text=text, source="a test", actor="owner")
    found = _charged(command("charges", *AT, *RATE, "--json"))["INV-3001"]
    assert (found["paid_on"], found["days_late"], found["open"]) == ("2026-03-08", 8, "0.00")
    assert (found["interest"], found["fixed"]) == ("2.58", "70.00")
    spoken = command("charges", *AT, *RATE).stdout
    assert "INV-3001  Quay Ltd: paid on 2026-03-08, 8 days late; interest 2.58 GBP, fixed sum 70.00 GBP" in spoken


def test_a_contract_takes_the_place_of_the_law(firm: Firm, command: Command) -> None:
    _limited(firm)
    found = _charged(command("charges", *AT, "--contract-rate", "18", "--contract-fee", "25.00", "--json"))
    assert (found["INV-3001"]["interest"], found["INV-3001"]["fixed"]) == ("4.93", "25.00")
    spoken = command("charges", *AT, "--contract-rate", "18").stdout.splitlines()
    charged = "1000.00 GBP open, 10 days late; interest 4.93 GBP, fixed sum 0.00 GBP (contract)"
    assert f"INV-3001  Quay Ltd: {charged}" in spoken


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "the reference rate of the half-year that begins on 2026-01-01 is not known"),
        (("--rate", "2026-01-01"), "not DAY=PERCENT"),
        (("--rate", "soon=3"), "not DAY=PERCENT"),
        (("--rate", "2026-01-01=3.755"), "not a number of per cent"),
        (("--contract-rate", "-1"), "not less than nothing"),
        (("--contract-rate", "18", "--contract-fee", "1.234"), "1.234"),
    ],
)
def test_what_is_missing_or_wrong_is_told_in_one_line(
    firm: Firm, command: Command, arguments: tuple[str, ...], reason: str
) -> None:
    _limited(firm)
    result = command("charges", *AT, *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert reason in one_line(result)
