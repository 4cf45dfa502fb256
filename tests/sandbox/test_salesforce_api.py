"""The Salesforce stand-in, met by the real SDK over loopback HTTP."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
import requests
from simple_salesforce.exceptions import (
    SalesforceError,
    SalesforceExpiredSession,
    SalesforceGeneralError,
    SalesforceMalformedRequest,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)
from simple_salesforce.format import format_external_id, format_soql

from sandbox.salesforce.refusal import Refused
from tests.sandbox.salesforce_wired import CALLBACK, CLIENT_SECRET, VERIFIER, Client, Json, Wired, wired


@pytest.fixture
def sf() -> Iterator[Wired]:
    with wired() as one:
        yield one


@pytest.fixture
def client(sf: Wired) -> Client:
    return sf.client()


def _errors(raised: pytest.ExceptionInfo[SalesforceError]) -> Json:
    return raised.value.content


def _upsert_many(client: Client, sobject: str, key: str, rows: list[dict[str, Any]], **body: Json) -> Json:
    records = [{"attributes": {"type": sobject}, **row} for row in rows]
    return client.restful(
        f"composite/sobjects/{sobject}/{key}", method="PATCH", json={"allOrNone": False, "records": records, **body}
    )


def test_sign_in_answers_as_salesforce_does(sf: Wired) -> None:
    assert sf.authorize()["state"] == "s1"
    tokens = sf.sign_in()
    assert tokens["instance_url"] == sf.url
    assert tokens["id"].endswith(f"/id/{sf.org.org_id}/{sf.org.user_id}")
    mac = hmac.new(CLIENT_SECRET.encode(), (tokens["id"] + tokens["issued_at"]).encode(), hashlib.sha256)
    assert tokens["signature"] == base64.b64encode(mac.digest()).decode()
    identity = requests.get(tokens["id"], timeout=5).json()
    assert identity["organization_id"] == sf.org.org_id


def test_pkce_is_required_and_checked(sf: Wired) -> None:
    with pytest.raises(AssertionError, match="missing required code challenge"):
        sf.authorize(code_challenge="")
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK}
    wrong = sf.token(**form, code=sf.authorize()["code"], code_verifier="w" * 43)
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")
    code = sf.authorize()["code"]
    assert sf.token(**form, code=code, code_verifier=VERIFIER).status_code == 200
    assert sf.token(**form, code=code, code_verifier=VERIFIER).json()["error"] == "invalid_grant"
    assert sf.token(grant_type="refresh_token", client_secret="no").json()["error"] == "invalid_client"


def test_refresh_rotates_and_sessions_end(sf: Wired) -> None:
    first = sf.sign_in()
    second = sf.token(grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    reused = sf.token(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert (reused.status_code, reused.json()["error"]) == (400, "invalid_grant")
    client = sf.client(second["access_token"])
    assert client.limits()["DailyApiRequests"]["Max"] == 100_000
    sf.clock.advance(hours=2)
    with pytest.raises(SalesforceExpiredSession) as expired:
        client.limits()
    assert _errors(expired) == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
    third = sf.token(grant_type="refresh_token", refresh_token=second["refresh_token"]).json()
    revoked = requests.post(f"{sf.url}/services/oauth2/revoke", data={"token": third["refresh_token"]}, timeout=5)
    assert revoked.status_code == 200
    with pytest.raises(SalesforceExpiredSession):
        sf.client(third["access_token"]).limits()


def test_tokens_open_only_their_own_org(sf: Wired, client: Client) -> None:
    other = sf.standin.add_org(name="Contoso")
    hidden = other.create("Account", Name="Hidden")
    assert other.org_id != sf.org.org_id
    assert client.query("SELECT Id FROM Account")["totalSize"] == 0
    with pytest.raises(SalesforceResourceNotFound):
        client.Account.get(hidden)


def test_records_are_created_read_changed_and_deleted(sf: Wired, client: Client) -> None:
    account = client.Account
    made = account.create(
        {"Name": "Alder & Co", "TrueDue_Balance__c": 10.5, "TrueDue_Oldest_Due_Date__c": "2026-10-01"}
    )
    assert made["success"] is True
    assert len(made["id"]) == 18
    before = account.get(made["id"])
    assert before["TrueDue_Balance__c"] == 10.5
    assert sf.org.records["Account"][made["id"]]["TrueDue_Balance__c"] == Decimal("10.5")
    assert account.get(made["id"][:15])["Id"] == made["id"]
    sf.clock.advance(seconds=5)
    assert account.update(made["id"], {"Name": "Alder & Co"}) == 204
    after = account.get(made["id"])
    assert after["SystemModstamp"] > before["SystemModstamp"]
    assert after["CreatedDate"] == before["CreatedDate"] == "2026-11-17T10:00:00.000+0000"
    assert account.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound) as gone:
        account.get(made["id"])
    assert _errors(gone)[0]["errorCode"] == "ENTITY_IS_DELETED"
    assert client.query("SELECT Id FROM Account")["totalSize"] == 0
    assert client.query("SELECT Id, IsDeleted FROM Account", include_deleted=True)["records"][0]["IsDeleted"] is True


def test_upsert_makes_one_record_whatever_the_key_holds(sf: Wired, client: Client) -> None:
    account = client.Account
    keys = ["a/b?c", "a", "a//b", "50%", "ä ö+ü", "x#y&z"]
    for key in keys:
        first = account.upsert(format_external_id("TrueDue_Id__c", key), {"Name": key}, raw_response=True)
        assert (first.status_code, first.json()["created"]) == (201, True)
        again = account.upsert(format_external_id("TrueDue_Id__c", key), {"Name": "again " + key}, raw_response=True)
        assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    stored = {record["TrueDue_Id__c"]: record["Name"] for record in sf.org.records["Account"].values()}
    assert stored == {key: "again " + key for key in keys}
    found = account.get(f"TrueDue_Id__c/{quote('a/b?c', safe='')}")
    assert found["Name"] == "again a/b?c"


def test_an_unquoted_key_hits_another_record(sf: Wired, client: Client) -> None:
    account = client.Account
    sf.org.create("Account", Name="A", TrueDue_Id__c="a")
    account.upsert("TrueDue_Id__c/a?c", {"Name": "meant for a?c"})
    assert [r["Name"] for r in sf.org.records["Account"].values()] == ["meant for a?c"]
    with pytest.raises(SalesforceResourceNotFound):
        account.upsert("TrueDue_Id__c/a/b", {"Name": "B"})


def test_collections_keep_order_and_answer_for_each_record(sf: Wired, client: Client) -> None:
    home = sf.org.create("Account", Name="Home", TrueDue_Id__c="acc-1")
    rows: list[dict[str, Any]] = [
        {"External_Id__c": "i/1?x", "Total__c": 120, "Account__c": home, "Due_Date__c": "2026-12-01"},
        {"External_Id__c": "i2", "Account__c": home, "Due_Date__c": "01.12.2026"},
        {"External_Id__c": "i3", "Account__c": "001000000000000AAA"},
        {"External_Id__c": "twin", "Account__c": home},
        {"External_Id__c": "twin", "Account__c": home},
        {"External_Id__c": None, "Total__c": 1},
        {"External_Id__c": "i4", "Nonsense__c": 1},
        {"External_Id__c": "i5", "Account__r": {"TrueDue_Id__c": "acc-1"}, "Disputed__c": True},
        {"External_Id__c": "i6", "Total__c": "abc"},
        {"External_Id__c": "I5", "Account__c": home},
        {"External_Id__c": "i7"},
        {"External_Id__c": "i8", "Account__c": home, "Status__c": "Escalated"},
        {"External_Id__c": "i9", "Account__c": home, "Currency__c": "EURO"},
    ]
    results = _upsert_many(client, "TrueDue_Invoice__c", "External_Id__c", rows)
    assert [r["success"] for r in results] == [True, *[False] * 6, True, False, True, *[False] * 3]
    codes = [r["errors"][0]["statusCode"] for r in results if not r["success"]]
    assert codes == [
        "JSON_PARSER_ERROR",
        "INVALID_CROSS_REFERENCE_KEY",
        "DUPLICATE_VALUE",
        "DUPLICATE_VALUE",
        "MISSING_ARGUMENT",
        "INVALID_FIELD",
        "JSON_PARSER_ERROR",
        "REQUIRED_FIELD_MISSING",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "STRING_TOO_LONG",
    ]
    assert results[0]["created"] is True
    records = sf.org.records["TrueDue_Invoice__c"]
    assert {r["External_Id__c"] for r in records.values()} == {"i/1?x", "i5", "I5"}, "case counts in the project's ids"
    assert records[results[7]["id"]]["Account__c"] == home
    assert records[results[7]["id"]]["Status__c"] == "requested", "the picklist's default"
    again = _upsert_many(client, "TrueDue_Invoice__c", "External_Id__c", rows[:1])
    assert (again[0]["id"], again[0]["created"]) == (results[0]["id"], False)
    assert len(records) == 3


def test_all_or_none_leaves_nothing_behind(sf: Wired, client: Client) -> None:
    home = sf.org.create("Account", Name="Home")
    rows = [{"External_Id__c": "ok", "Account__c": home}, {"External_Id__c": "bad", "Due_Date__c": "soon"}]
    results = _upsert_many(client, "TrueDue_Invoice__c", "External_Id__c", rows, allOrNone=True)
    assert [r["errors"][0]["statusCode"] for r in results] == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "JSON_PARSER_ERROR"]
    assert sf.org.records["TrueDue_Invoice__c"] == {}
    assert _upsert_many(client, "TrueDue_Invoice__c", "External_Id__c", rows[:1], allOrNone=True)[0]["created"] is True


def test_collections_hold_200_records(sf: Wired, client: Client) -> None:
    home = sf.org.create("Account", Name="Home")
    rows = [{"External_Id__c": f"i{n}", "Account__c": home} for n in range(201)]
    with pytest.raises(SalesforceMalformedRequest) as refused:
        _upsert_many(client, "TrueDue_Invoice__c", "External_Id__c", rows)
    assert _errors(refused)[0]["errorCode"] == "EXCEEDED_ID_LIMIT"
    assert all(r["success"] for r in _upsert_many(client, "TrueDue_Invoice__c", "External_Id__c", rows[:200]))


def test_collections_create_and_update_by_id(sf: Wired, client: Client) -> None:
    rows = [{"attributes": {"type": "Account"}, "Name": "One"}, {"attributes": {"type": "Account"}}]
    made = client.restful("composite/sobjects", method="POST", json={"records": rows})
    assert [r["success"] for r in made] == [True, False]
    assert made[1]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    change = [{"attributes": {"type": "Account"}, "id": made[0]["id"], "Phone": "1"}]
    changed = client.restful("composite/sobjects", method="PATCH", json={"records": change})
    assert changed == [{"id": made[0]["id"], "success": True, "errors": []}]
    assert sf.org.records["Account"][made[0]["id"]]["Phone"] == "1"
    gone = client.restful("composite/sobjects", method="DELETE", params={"ids": made[0]["id"]})
    assert gone == [{"id": made[0]["id"], "success": True, "errors": []}]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"Name": "N", "TrueDue_Id__c": " taken "}, "DUPLICATE_VALUE"),
        ({"Name": "N", "MasterRecordId": None}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"Name": "N", "CurrencyIsoCode": "EUR"}, "INVALID_FIELD"),
        ({"Name": "N", "TrueDue_Balance__c": "1" + "0" * 16}, "NUMBER_OUTSIDE_VALID_RANGE"),
        ({"Name": "N", "Nope": 1}, "INVALID_FIELD"),
        ({"Name": "N", "CreatedDate": "2026-01-01T00:00:00Z"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"Name": "N" * 256}, "STRING_TOO_LONG"),
        ({"Name": None}, "REQUIRED_FIELD_MISSING"),
        ({"Name": "N", "ParentId": "x"}, "MALFORMED_ID"),
        ({"Name": "N", "TrueDue_Oldest_Due_Date__c": "2026-02-30"}, "JSON_PARSER_ERROR"),
        ({"Name": "N", "TrueDue_Balance__c": "twelve"}, "JSON_PARSER_ERROR"),
        ({"Name": "N", "TrueDue_Balance__c": True}, "JSON_PARSER_ERROR"),
    ],
)
def test_bad_writes_are_refused(sf: Wired, client: Client, fields: dict[str, Any], code: str) -> None:
    sf.org.create("Account", Name="First", TrueDue_Id__c="taken")
    with pytest.raises(SalesforceMalformedRequest) as refused:
        client.Account.create(fields)
    assert _errors(refused)[0]["errorCode"] == code
    assert len(sf.org.records["Account"]) == 1


def test_big_answers_come_in_pages_of_2000(sf: Wired, client: Client) -> None:
    for number in range(4_001):
        sf.org.create("Account", Name=f"Account {number:04d}")
    first = client.query("SELECT Id, Name FROM Account ORDER BY Name")
    assert (first["totalSize"], first["done"], len(first["records"])) == (4_001, False, 2_000)
    sf.org.create("Account", Name="Account 0000")
    names = [r["Name"] for r in client.query_all("SELECT Name FROM Account ORDER BY Name")["records"]]
    assert len(names) == 4_002
    second = client.query_more(first["nextRecordsUrl"], identifier_is_url=True)
    assert (second["totalSize"], second["records"][0]["Name"]) == (4_001, "Account 2000")
    small = client.restful(
        "query", params={"q": "SELECT Id FROM Account"}, headers={"Sforce-Query-Options": "batchSize=200"}
    )
    assert len(small["records"]) == 200
    with pytest.raises(SalesforceMalformedRequest) as refused:
        client.query_more("01gnothing-2000")
    assert _errors(refused)[0]["errorCode"] == "INVALID_QUERY_LOCATOR"
    assert client.query("SELECT COUNT() FROM Account")["totalSize"] == 4_002


def test_the_daily_limit_is_told_and_kept() -> None:
    with wired(daily_limit=3) as sf:
        client = sf.client()
        client.limits()
        assert client.api_usage["api-usage"] == (1, 3)
        client.query("SELECT Id FROM Account")
        client.query("SELECT Id FROM Account")
        with pytest.raises(SalesforceRefusedRequest) as refused:
            client.query("SELECT Id FROM Account")
        assert _errors(refused)[0]["errorCode"] == "REQUEST_LIMIT_EXCEEDED"
        assert sf.standin.avoidable_429 == 1
        sf.clock.now += timedelta(hours=1)
        assert sf.standin.calls["GET /services/data/v<version>/query"] == 3
        fresh = sf.client()
        with pytest.raises(SalesforceRefusedRequest):
            fresh.limits()
        sf.clock.now += timedelta(hours=23)
        assert sf.client().limits()["DailyApiRequests"]["Remaining"] == 2


def test_what_changed_is_told_by_the_minute(sf: Wired, client: Client) -> None:
    old = sf.org.create("Account", Name="Old")
    sf.clock.advance(minutes=10)
    new, gone = sf.org.create("Account", Name="New"), sf.org.create("Account", Name="Gone")
    sf.org.delete("Account", gone)
    account = client.Account
    start, end = sf.clock() - timedelta(minutes=5), sf.clock() + timedelta(minutes=5)
    assert account.updated(start, end)["ids"] == [new]
    assert [d["id"] for d in account.deleted(start, end)["deletedRecords"]] == [gone]
    sf.org.update("Account", old, Phone="2")
    assert set(account.updated(start, end)["ids"]) == {old, new}
    with pytest.raises(SalesforceMalformedRequest) as refused:
        account.updated(end, start)
    assert _errors(refused)[0]["errorCode"] == "INVALID_REPLICATION_DATE"


def test_descriptions_name_the_fields(client: Client) -> None:
    described = client.describe()
    assert {"Account", "TrueDue_Invoice__c"} <= {o["name"] for o in described["sobjects"]}
    columns = {f["name"]: f for f in client.TrueDue_Invoice__c.describe()["fields"]}
    assert columns["External_Id__c"]["externalId"] is True
    assert columns["Account__c"]["referenceTo"] == ["Account"]
    assert (columns["Account__c"]["nillable"], columns["External_Id__c"]["caseSensitive"]) == (False, True)
    assert (columns["Total__c"]["type"], columns["Total__c"]["precision"], columns["Total__c"]["scale"]) == (
        "double",
        18,
        2,
    )
    assert columns["Note__c"]["length"] == 32_768
    status = columns["Status__c"]
    assert status["restrictedPicklist"] and [v["value"] for v in status["picklistValues"] if v["defaultValue"]] == [
        "requested"
    ]
    assert "CurrencyIsoCode" not in columns
    with pytest.raises(SalesforceResourceNotFound):
        client.Nothing.describe()
    assert client.is_sandbox() is False


def test_people_write_through_the_same_rules(sf: Wired, client: Client) -> None:
    home = sf.org.create("Account", Name="Home")
    person = sf.org.create("Contact", AccountId=home, FirstName="Ada", LastName="O'Hara", Email="ada@example.com")
    query = format_soql("SELECT Name, HasOptedOutOfEmail FROM Contact WHERE LastName = {}", "O'Hara")
    row = client.query(query)["records"][0]
    assert (row["Name"], row["HasOptedOutOfEmail"]) == ("Ada O'Hara", False)
    invoice = sf.org.create(
        "TrueDue_Invoice__c", Account__c=home, Due_Date__c=date(2026, 12, 1), Total__c=Decimal("9.99")
    )
    assert client.TrueDue_Invoice__c.get(invoice)["Due_Date__c"] == "2026-12-01"
    assert client.Contact.get(person)["AccountId"] == home


def test_an_org_with_several_currencies_gives_each_record_one(sf: Wired) -> None:
    org = sf.standin.add_org(name="Many", currencies=("USD", "EUR"))
    home = org.create("Account", Name="Home")
    assert org.find("Account", home)["CurrencyIsoCode"] == "USD"
    with pytest.raises(Refused) as refused:
        org.update("Account", home, CurrencyIsoCode="CHF")
    assert refused.value.error_code == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"


def test_more_decimals_than_pages_show_are_kept(sf: Wired, client: Client) -> None:
    home = sf.org.create("Account", Name="Home", TrueDue_Balance__c=Decimal("1.234"))
    assert client.Account.get(home)["TrueDue_Balance__c"] == 1.234


def test_parents_are_read_through_their_relationship(sf: Wired, client: Client) -> None:
    home = sf.org.create("Account", Name="Home")
    won = sf.org.create("Opportunity", Name="Doors", StageName="Closed Won", CloseDate="2026-11-01")
    sf.org.create("TrueDue_Invoice__c", Account__c=home, Opportunity__c=won)
    sf.org.create("TrueDue_Invoice__c", Account__c=home)
    soql = "SELECT Account__r.Name, Opportunity__r.Name, Opportunity__r.IsWon FROM TrueDue_Invoice__c ORDER BY Id"
    first, second = client.query(soql)["records"]
    assert first["Account__r"]["Name"] == "Home"
    assert (first["Opportunity__r"]["Name"], first["Opportunity__r"]["IsWon"]) == ("Doors", True)
    assert second["Opportunity__r"] is None


def test_a_merged_account_names_the_one_that_took_its_place(sf: Wired, client: Client) -> None:
    kept, gone = sf.org.create("Account", Name="Kept"), sf.org.create("Account", Name="Gone", TrueDue_Id__c="cus-1")
    invoice = sf.org.create("TrueDue_Invoice__c", Account__c=gone)
    person = sf.org.create("Contact", LastName="P", AccountId=gone)
    sf.org.merge("Account", kept, gone)
    assert client.TrueDue_Invoice__c.get(invoice)["Account__c"] == client.Contact.get(person)["AccountId"] == kept
    (row,) = client.query("SELECT MasterRecordId FROM Account WHERE IsDeleted = true", include_deleted=True)["records"]
    assert row["MasterRecordId"] == kept
    sf.org.update("Account", kept, TrueDue_Id__c="cus-1")


def test_an_account_with_invoices_cannot_be_deleted(sf: Wired, client: Client) -> None:
    home = sf.org.create("Account", Name="Home")
    won = sf.org.create("Opportunity", Name="Doors", AccountId=home, StageName="Closed Won", CloseDate="2026-11-01")
    invoice = sf.org.create("TrueDue_Invoice__c", Account__c=home, Opportunity__c=won)
    with pytest.raises(SalesforceMalformedRequest) as refused:
        client.Account.delete(home)
    assert _errors(refused)[0]["errorCode"] == "DELETE_FAILED"
    client.Opportunity.delete(won)
    assert client.TrueDue_Invoice__c.get(invoice)["Opportunity__c"] is None
    client.TrueDue_Invoice__c.delete(invoice)
    client.Account.delete(home)


def test_a_single_record_is_changed_on_condition(sf: Wired, client: Client) -> None:
    home = sf.org.create("Account", Name="Home")
    account = client.Account
    read_at = {"If-Unmodified-Since": "Tue, 17 Nov 2026 10:00:00 GMT"}
    assert account.update(home, {"Phone": "1"}, headers=read_at) == 204
    sf.clock.advance(seconds=1)
    sf.org.update("Account", home, Phone="2")
    with pytest.raises(SalesforceGeneralError) as refused:
        account.update(home, {"Phone": "3"}, headers=read_at)
    assert refused.value.status == 412 and sf.org.find("Account", home)["Phone"] == "2"
    with pytest.raises(SalesforceMalformedRequest):
        account.update(home, {"Phone": "3"}, headers={"If-Unmodified-Since": "yesterday"})
