"""The certificate says what was read and checked, and its chain shows any change."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receivables.promise import Dispute
from reminders.certificate import (
    CertificateError,
    SealedCertificate,
    certify,
    decision_json,
    verify_chain,
)
from reminders.evidence import ItemEvidence
from reminders.holds import HoldCode, evaluate
from reminders.policy import DEFAULT_POLICY, SMALL_DEBT
from reminders.schedule import Candidate, ItemDecision, plan
from tests.reminders.facts import DAY, NOW, contact, eur, evidence, freshness, item


def decide(facts: ItemEvidence, *, freshness_is_reported: bool = False) -> ItemDecision:
    holds = evaluate(evidence=facts, as_of=NOW, freshness_is_reported=freshness_is_reported)
    return plan(candidates=[Candidate(facts, holds)], policy=DEFAULT_POLICY, as_of=NOW).decisions[0]


def chain(length: int) -> list[SealedCertificate]:
    sealed: list[SealedCertificate] = []
    for number in range(length):
        decision = decide(evidence(item=item(item_id=f"item-{number}")))
        previous = sealed[-1].digest if sealed else None
        certificate = certify(organisation="org-1", decision=decision, as_of=NOW, previous=previous)
        sealed.append(certificate.seal())
    return sealed


def test_a_certificate_holds_what_the_reminder_rests_on() -> None:
    content = chain(1)[0].as_json()
    assert content["verdict"] == "remind"
    assert content["amount_due"] == {"amount": "1190.00", "currency": "EUR"}
    assert (content["policy"], content["policy_version"], content["level"]) == ("standard", 1, 1)
    assert content["evidence"]["versions"] == [
        {"system": "xero", "subject": "item-0", "version": "7", "read_at": "2026-11-17T09:59:50+00:00"}
    ]
    assert content["evidence"]["contact"]["lawful_basis"] == "contract"
    assert content["evidence"]["freshness"]["processors"][0]["name"] == "stripe"
    assert [check["code"] for check in content["checks"]] == [code.value for code in HoldCode]
    assert {check["outcome"] for check in content["checks"]} == {"clear"}
    assert all(check["finding"] for check in content["checks"])
    assert len(content["digest"]) == 64


def test_equal_facts_have_equal_digests() -> None:
    assert chain(3) == chain(3)
    assert verify_chain(chain(3)) is None
    assert verify_chain([]) is None


def test_a_decision_its_evidence_does_not_bear_out_gets_no_certificate() -> None:
    disputed = evidence(disputes=(Dispute("item-1", "wrong price"),))
    (forged,) = plan(candidates=[Candidate(disputed, ())], policy=DEFAULT_POLICY, as_of=NOW).decisions
    good = decide(evidence())
    for decision, as_of in (
        (forged, NOW),
        (good, NOW + timedelta(minutes=2)),
        (replace(decide(evidence(contact=contact(contacts_this_week=1))), policy=SMALL_DEBT), NOW),
        (replace(decide(disputed), verdict=good.verdict), NOW),
        (replace(decide(disputed), holds=decide(evidence(ledger_balance=eur("0"))).holds), NOW),
    ):
        with pytest.raises(CertificateError):
            certify(organisation="org-1", decision=decision, as_of=as_of, previous=None)


@given(st.integers(0, 3), st.data())
def test_any_change_of_any_character_breaks_the_chain(which: int, data: st.DataObject) -> None:
    sealed = chain(4)
    content = sealed[which].content
    place = data.draw(st.integers(0, len(content) - 1))
    letter = data.draw(st.characters(codec="ascii").filter(lambda c: c != content[place]))
    sealed[which] = replace(sealed[which], content=content[:place] + letter + content[place + 1 :])
    problem = verify_chain(sealed)
    assert problem is not None
    assert problem.code == "certificate_changed"


def test_one_missing_added_moved_or_resealed_breaks_the_chain() -> None:
    a, b, c, d = chain(4)
    for broken in ([b, c, d], [a, c, d], [a, c, b, d], [a, b, b, c, d], [a, a]):
        problem = verify_chain(broken)
        assert problem is not None
        assert problem.code == "chain_broken"
    resealed = certify(organisation="org-2", decision=decide(evidence()), as_of=NOW, previous=a.digest).seal()
    problem = verify_chain([a, resealed, c, d])
    assert problem is not None
    assert problem.code == "chain_broken"


def test_a_cut_end_shows_against_the_head_kept_elsewhere() -> None:
    sealed = chain(3)
    assert verify_chain(sealed, head=sealed[-1].digest) is None
    problem = verify_chain(sealed[:-1], head=sealed[-1].digest)
    assert problem is not None
    assert problem.code == "chain_head"


def lines(decision: ItemDecision, *, freshness_is_reported: bool = False) -> dict[str, Any]:
    result = decision_json(
        organisation="org-1",
        decision=decision,
        as_of=NOW,
        freshness_is_reported=freshness_is_reported,
    )
    parsed: dict[str, Any] = json.loads(json.dumps(result))
    return parsed


def test_the_dry_run_line_has_the_contracts_fields() -> None:
    reminded = lines(decide(evidence()))
    assert list(reminded) == ["organisation", "item_id", "decision", "level", "channel", "holds", "certificate"]
    assert (reminded["decision"], reminded["level"], reminded["channel"]) == ("remind", 1, "email")
    assert reminded["holds"] == []
    held = lines(decide(evidence(ledger_balance=eur("0"))))
    assert held["decision"] == "held"
    assert held["holds"] == [{"code": "settled", "reason": "Nothing is open any more."}]
    early = lines(decide(evidence(item=item(due_on=NOW.date()))))
    assert (early["decision"], early["level"]) == ("held", None)
    assert [reason["code"] for reason in early["holds"]] == ["not_due"]


def test_in_the_past_freshness_is_in_the_certificate_and_no_hold() -> None:
    old = evidence(freshness=freshness(NOW - 3 * DAY))
    assert [reason["code"] for reason in lines(decide(old))["holds"]] == ["stale"]
    reported = lines(decide(old, freshness_is_reported=True), freshness_is_reported=True)
    assert (reported["decision"], reported["holds"]) == ("remind", [])
    last = reported["certificate"]["checks"][-1]
    assert (last["code"], last["outcome"]) == ("stale", "reported")
    assert "must be read within 60 seconds" in last["finding"]
