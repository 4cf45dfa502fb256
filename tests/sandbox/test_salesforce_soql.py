"""SOQL as the stand-in reads it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simple_salesforce.format import format_soql

from sandbox.salesforce import SalesforceOrg
from sandbox.salesforce.ids import eighteen
from sandbox.salesforce.refusal import Refused
from sandbox.salesforce.schema import Schema
from sandbox.salesforce.soql import Query
from sandbox.salesforce.soql import parse as parse_in


def parse(text: str, org: SalesforceOrg | None = None) -> Query:
    schema = org.schema if org else Schema()
    return parse_in(text, schema, lambda name, key: org.records[name].get(key) if org else None)


@pytest.fixture(scope="module")
def org() -> SalesforceOrg:
    org = SalesforceOrg(name="Test", pod=0, clock=lambda: datetime(2026, 11, 17, 10, tzinfo=UTC))
    home = org.create("Account", Name="Home", TrueDue_Id__c="h")
    other = org.create("Account", Name="Other")
    won = org.create("Opportunity", Name="Won", AccountId=home, StageName="Closed Won", CloseDate="2026-10-01")
    open_ = org.create("Opportunity", Name="Open", AccountId=home, StageName="Prospecting", CloseDate="2026-10-01")
    opportunities = {"A": won, "b": open_}
    rows = [("A", "10", "2026-01-31", True), ("b", "9.5", "2026-02-01", False), ("C_%'x", "-1", None, False)]
    for name, total, due, disputed in rows:
        org.create(
            "TrueDue_Invoice__c",
            Name=name,
            Total__c=Decimal(total),
            Due_Date__c=due and date.fromisoformat(due),
            Disputed__c=disputed,
            Account__c=home if name == "A" else other,
            Opportunity__c=opportunities.get(name),
        )
    return org


def _names(org: SalesforceOrg, rest: str) -> list[str]:
    query = parse(f"SELECT Name FROM TrueDue_Invoice__c {rest}", org)  # noqa: S608 - the stand-in has no SQL
    return [str(r["Name"]) for r in query.run(org.records["TrueDue_Invoice__c"].values())]


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("WHERE Total__c = 10", ["A"]),
        ("WHERE Total__c >= 9.5", ["A", "b"]),
        ("WHERE Total__c < -0.5", ["C_%'x"]),
        ("WHERE Name = 'a'", ["A"]),
        ("WHERE Name != 'a'", ["b", "C_%'x"]),
        ("WHERE Name <> 'B'", ["A", "C_%'x"]),
        ("WHERE Name = 'c_%\\'x'", ["C_%'x"]),
        ("WHERE Name LIKE '_\\_\\%%'", ["C_%'x"]),
        ("WHERE Name LIKE '%'", ["A", "b", "C_%'x"]),
        ("WHERE Due_Date__c = null", ["C_%'x"]),
        ("WHERE Due_Date__c != NULL", ["A", "b"]),
        ("WHERE Due_Date__c > 2026-01-31", ["b"]),
        ("WHERE Due_Date__c != 2026-01-31", ["b", "C_%'x"]),
        ("WHERE Disputed__c = true", ["A"]),
        ("WHERE NOT Disputed__c = true", ["b", "C_%'x"]),
        ("WHERE Name IN ('A','B')", ["A", "b"]),
        ("WHERE Name NOT IN ('A','B')", ["C_%'x"]),
        ("WHERE Total__c IN (10, -1)", ["A", "C_%'x"]),
        ("WHERE (Name = 'A' OR Name = 'B') AND Disputed__c = false", ["b"]),
        ("WHERE Name = 'A' OR (Name = 'B' AND Disputed__c = false)", ["A", "b"]),
        ("WHERE Opportunity__r.IsWon = true", ["A"]),
        ("WHERE opportunity__R.Name != 'won'", ["b", "C_%'x"]),
        ("WHERE Account__r.Name = 'Home'", ["A"]),
        ("WHERE Number__c = null AND (Opportunity__c = null OR Opportunity__r.IsWon = true)", ["A", "C_%'x"]),
        ("ORDER BY Opportunity__r.Name NULLS LAST", ["b", "A", "C_%'x"]),
        ("WHERE SystemModstamp >= 2026-11-17T10:00:00Z", ["A", "b", "C_%'x"]),
        ("WHERE SystemModstamp > 2026-11-17T11:00:00.000+01:00", []),
        ("ORDER BY Total__c", ["C_%'x", "b", "A"]),
        ("ORDER BY Due_Date__c DESC", ["C_%'x", "b", "A"]),
        ("ORDER BY Due_Date__c ASC NULLS LAST, Name", ["A", "b", "C_%'x"]),
        ("ORDER BY Disputed__c, Name DESC LIMIT 2", ["C_%'x", "b"]),
        ("ORDER BY Disputed__c DESC, Name DESC", ["A", "C_%'x", "b"]),
        ("ORDER BY Name LIMIT 1 OFFSET 1", ["b"]),
        ("LIMIT 0", []),
    ],
)
def test_filters_and_order(org: SalesforceOrg, where: str, names: list[str]) -> None:
    assert _names(org, where) == names


def test_ids_are_found_in_either_length(org: SalesforceOrg) -> None:
    home = next(iter(org.records["Account"]))
    assert _names(org, f"WHERE Account__c = '{home}'") == _names(org, f"WHERE Account__c = '{home[:15]}'") == ["A"]
    assert eighteen("0013000000auCyT") == "0013000000auCyTAAU"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Nothing", "INVALID_TYPE"),
        ("SELECT Nope FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Nope = 1", "INVALID_FIELD"),
        ("SELECT Nope__r.Name FROM TrueDue_Invoice__c", "INVALID_FIELD"),
        ("SELECT Account__r.Nope FROM TrueDue_Invoice__c", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Name = 5", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Name = unquoted", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE TrueDue_Oldest_Due_Date__c > '2026-01-01'", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Name = 'a", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account LIMIT x", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE"),
        ("SELECT Id FROM Account; DROP", "MALFORMED_QUERY"),
    ],
)
def test_bad_queries(query: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(query)
    assert refused.value.error_code == code


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=40))
def test_any_text_quoted_by_the_sdk_finds_itself(text: str) -> None:
    query = parse(format_soql("SELECT Id FROM Account WHERE Name = {}", text))
    assert query.matches({"Name": text})
    assert not query.matches({"Name": text + "!"})
    like = parse(format_soql("SELECT Id FROM Account WHERE Name LIKE '%{:like}%'", text))
    assert like.matches({"Name": f"<{text}>"})
