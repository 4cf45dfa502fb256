"""The demo's summary: the whole job is done, nobody is reminded falsely, and every case ends right."""

from __future__ import annotations

import json

import pytest

from tests.demo.conftest import Played

CASES = """
    exact_payment five_invoices partial overpayment net_of_fee parent_pays_child identical_twice wrong_reference
    unknown_payer credit_note ach_in_flight ach_fails_late refund chargeback payout_with_fees open_dispute promise
    coded_to_income paid_twice
""".split()
STEPS = [
    "connect",
    "first_sync",
    "edits",
    "bank_files",
    "review",
    "plan",
    "live_payments",
    "send",
    "later_events",
    "send_again",
    "settle",
]
SYSTEMS = {"xero", "quickbooks", "salesforce", "stripe"}
MAY_BE_MISSED = 0.05  # of what is truly due and can be reached


def test_stdout_is_one_object_and_the_exit_is_0(played: Played) -> None:
    assert played.result.returncode == 0, played.result.stderr[-3000:]
    assert played.result.stdout.count("\n") == 1
    assert isinstance(json.loads(played.result.stdout), dict)
    assert "Traceback" not in played.result.stderr


def test_reminders_are_sent_and_none_is_false(played: Played) -> None:
    summary = played.summary
    assert summary["reminders_sent"] > 0
    assert summary["items_reminded"] >= summary["reminders_sent"]
    assert (summary["false_reminders"], summary["false_reminder_reasons"]) == (0, [])


def test_hardly_anything_that_is_due_is_missed(played: Played) -> None:
    summary = played.summary
    assert summary["reachable_due"] > 0
    assert summary["missed_reminders"] <= MAY_BE_MISSED * summary["reachable_due"], summary["missed_items"]


def test_what_is_held_is_counted_by_hold(played: Played) -> None:
    held = played.summary["reminders_held"]
    shown = {"in_flight", "probably_paid", "credit_available", "disputed", "promised", "refund_review", "settled"}
    assert shown | {"chargeback_open", "contact", "not_final"} <= set(held)
    assert all(count > 0 for count in held.values())


@pytest.mark.parametrize("name", CASES)
def test_a_case_ends_right_in_every_organisation(played: Played, name: str) -> None:
    cases = {key: case for key, case in played.summary["cases"].items() if key.partition(":")[2] == name}
    assert len(cases) == len(played.organisations())
    for key, case in cases.items():
        assert case["ok"], (key, case)
        assert case["expected"]
        assert case["actual"] == case["expected"]


def test_every_case_is_ok(played: Played) -> None:
    assert [name for name, case in played.summary["cases"].items() if not case["ok"]] == []


def test_no_limit_of_a_vendor_is_overrun(played: Played) -> None:
    summary = played.summary
    assert summary["avoidable_429"] == 0
    assert set(summary["calls"]) == SYSTEMS
    assert all(count > 0 for count in summary["calls"].values())


def test_every_step_was_played_and_did_something(played: Played) -> None:
    summary = played.summary
    assert list(summary["steps"]) == STEPS
    assert list(summary["seconds"]) == STEPS
    for name in ("connect", "first_sync", "edits", "bank_files", "review", "plan", "live_payments", "send"):
        assert summary["steps"][name], name


def test_how_fast_webhooks_were_posted_is_told(played: Played) -> None:
    told = played.summary["webhook_to_posted_seconds"]
    assert told["payments"] > 0
    assert 0 <= told["p50"] <= told["p95"]
