"""The sfdx project holds what the connector reads and writes, nothing else, in the form that Salesforce deploys."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from lxml import etree

from connectors.crm.salesforce import DECLARATION
from connectors.crm.salesforce.client import API_VERSION
from connectors.crm.salesforce.knock import HEADER, KINDS, MAX_RECORDS
from connectors.crm.salesforce.reading import ASKED, DONE, DRAFTED, REFUSED, REQUESTED, select, welcome_columns
from connectors.crm.salesforce.writing import LONG_TEXT_LENGTH, NAME_LENGTH, TEXT_LENGTH, change_of
from connectors.intents import (
    AdoptInvoice,
    AnswerInstruction,
    EditContact,
    Intent,
    Saying,
    ShowBalance,
    ShowInvoice,
    ShowReceipt,
    ShowReminder,
)
from connectors.records import Action, Kind
from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money
from reminders.evidence import Channel
from reminders.policy import EXAMPLE_POLICIES
from reminders.risk import RiskBand
from runtime.operations.payers.dispute import MAX_REASON_CHARS
from runtime.store.tables import ID_LENGTH
from runtime.web import salesforce_app
from runtime.web.words import RECEIPT_STATES
from sandbox.salesforce.metadata import PROJECT, custom_objects
from sandbox.salesforce.schema import Schema

NAMESPACE = "{http://soap.sforce.com/2006/04/metadata}"
MAIN = PROJECT / "force-app" / "main" / "default"
ROOTS = {
    "object": "CustomObject",
    "field": "CustomField",
    "layout": "Layout",
    "permissionset": "PermissionSet",
    "tab": "CustomTab",
    "listView": "ListView",
    "cls": "ApexClass",
    "trigger": "ApexTrigger",
    "js": "LightningComponentBundle",
    "customPermission": "CustomPermission",
    "externalCredential": "ExternalCredential",
    "namedCredential": "NamedCredential",
    "eca": "ExternalClientApplication",
    "ecaOauth": "ExtlClntAppOauthSettings",
    "ecaGlblOauth": "ExtlClntAppGlobalOauthSettings",
    "flexipage": "FlexiPage",
    "reportType": "ReportType",
    "report": "Report",
    "reportFolder": "ReportFolder",
    "dashboard": "Dashboard",
    "dashboardFolder": "DashboardFolder",
}
READ = DECLARATION.reads
MONEY = Money(1, "EUR")
DAY = date(2026, 11, 17)
INTENTS: tuple[Intent, ...] = (
    ShowInvoice(
        "k",
        "doc",
        "acc",
        "N",
        DocumentKind.INVOICE,
        DocumentStatus.OPEN,
        MONEY,
        MONEY,
        DAY,
        DAY,
        Saying(True, "r", DAY),
        "PO",
        "note",
    ),
    ShowBalance("k", "cus", "acc", MONEY, MONEY, DAY, "hold"),
    ShowReceipt("k", "rec", "acc", DAY, MONEY, "payer", "applied", "detail"),
    ShowReminder("k", "rem", "acc", 1, "email", datetime(2026, 11, 17, tzinfo=UTC), "detail"),
    AdoptInvoice("k", "req", "doc"),
    AdoptInvoice("k", "req", None),
    AnswerInstruction("k", "ins", True, "answer"),
    EditContact("k", "con", "v", "a@example.com"),
)


def used() -> set[tuple[str, str]]:
    """Every field that the connector reads or writes, by object."""
    found: set[tuple[str, str]] = set()
    for kind in READ:
        query = re.match(r"SELECT (.+) FROM (\w+)", select(kind, since=None))
        assert query is not None
        for name in query[1].split(", "):
            parent, _, last = name.rpartition("__r.")
            owner = Schema().objects[query[2]][f"{parent}__c"].refers_to if parent else query[2]
            found.add((str(owner), last))
    for intent in INTENTS:
        change = change_of(intent, ())
        assert change is not None
        found |= {(change.target.sobject, name) for name in (change.target.key_field, *change.fields)}
    return found


def documents() -> Iterator[tuple[Path, etree._Element]]:
    """Every file of metadata, parsed."""
    for path in sorted(MAIN.rglob("*-meta.xml")):
        yield path, etree.parse(str(path)).getroot()


def texts(root: etree._Element, path: str) -> list[str]:
    steps = "/".join(f"{NAMESPACE}{step}" for step in path.split("/"))
    return [str(each.text) for each in root.findall(steps)]


def test_every_field_that_is_read_or_written_exists() -> None:
    schema = Schema()
    missing = [(o, f) for o, f in sorted(used()) if f not in schema.objects[o]]
    assert missing == []


def test_no_field_stands_there_for_nothing() -> None:
    installed = {(o, f.name) for o, fields in custom_objects().items() for f in fields if not f.numbered}
    assert installed - used() == set()


def test_the_project_names_the_version_that_the_connector_speaks() -> None:
    project = json.loads((PROJECT / "sfdx-project.json").read_text())
    assert project["sourceApiVersion"] == API_VERSION == "67.0"
    assert [PROJECT / each["path"] for each in project["packageDirectories"]] == [PROJECT / "force-app"]


def test_each_file_is_metadata_of_its_kind() -> None:
    count = 0
    for path, root in documents():
        kind = path.name.removesuffix("-meta.xml").rsplit(".", 1)[1]
        assert root.tag == f"{NAMESPACE}{ROOTS[kind]}", path
        assert {each.tag.startswith(NAMESPACE) for each in root.iter("{*}*")} == {True}, path
        count += 1
    code = {".cls", ".trigger", ".js", ".html", ".css"}
    assert count == len([path for path in MAIN.rglob("*") if path.is_file() and path.suffix not in code]) > 60
    for path in (*MAIN.glob("classes/*.cls"), *MAIN.glob("triggers/*.trigger")):
        described = etree.parse(f"{path}-meta.xml").getroot()
        assert texts(described, "apiVersion") == [API_VERSION], path


def test_each_field_says_what_it_is_for() -> None:
    for path, root in documents():
        if path.name.endswith(".field-meta.xml"):
            assert texts(root, "label") and texts(root, "description"), path
            name = texts(root, "fullName")[0]
            assert len(name.removesuffix("__c")) <= 40 and len(texts(root, "label")[0]) <= 40, path


def test_what_addresses_a_record_is_unique_and_case_sensitive() -> None:
    ids = [(o, field) for o, fields in custom_objects().items() for field in fields if field.external_id]
    assert {o for o, _ in ids} == {"Account", "TrueDue_Invoice__c", "TrueDue_Receipt__c", "TrueDue_Reminder__c"}
    assert all(field.unique and field.case_sensitive and field.length >= ID_LENGTH for _, field in ids)


def test_each_record_belongs_to_an_account() -> None:
    objects = {name: fields for name, fields in custom_objects().items() if name.endswith("__c")}
    for name, fields in objects.items():
        (account,) = [field for field in fields if field.name == "Account__c"]
        assert (account.required, account.refers_to) == (True, "Account"), name


@pytest.mark.parametrize(
    ("sobject", "name", "values"),
    [
        ("TrueDue_Invoice__c", "Status__c", {REQUESTED, DRAFTED, *DocumentStatus}),
        ("Account", "TrueDue_Risk__c", set(RiskBand)),
        ("TrueDue_Instruction__c", "Action__c", set(Action)),
        ("TrueDue_Instruction__c", "Status__c", {ASKED, DONE, REFUSED}),
        ("TrueDue_Receipt__c", "Status__c", {"in_flight", *RECEIPT_STATES}),
        ("TrueDue_Reminder__c", "Channel__c", set(Channel)),
        ("TrueDue_Reminder__c", "Level__c", {str(s.level) for policy in EXAMPLE_POLICIES for s in policy.levels}),
    ],
)
def test_picklists_hold_what_is_written(sobject: str, name: str, values: set[str]) -> None:
    assert set(Schema().objects[sobject][name].values) == {str(value) for value in values}


def test_texts_fit() -> None:
    schema = Schema()
    for intent in INTENTS:
        change = change_of(intent, ())
        assert change is not None
        for name, value in change.fields.items():
            field = schema.objects[change.target.sobject][name]
            assert field.kind != "textarea" or field.length >= 1_000, "what people write at length"
            assert not isinstance(value, str) or len(value) <= field.length
    lengths = {(o, f.name): f.length for o, fields in schema.objects.items() for f in fields.values()}
    assert lengths["TrueDue_Receipt__c", "Name"] == NAME_LENGTH
    assert lengths["TrueDue_Receipt__c", "Payer__c"] == lengths["Account", "TrueDue_Hold__c"] == TEXT_LENGTH
    assert lengths["Account", "TrueDue_Risk_Reasons__c"] == TEXT_LENGTH
    assert lengths["TrueDue_Receipt__c", "Detail__c"] == lengths["TrueDue_Reminder__c", "Detail__c"] == LONG_TEXT_LENGTH
    assert lengths["TrueDue_Invoice__c", "Dispute_Reason__c"] >= MAX_REASON_CHARS


def test_permission_sets_grant_every_field_that_may_be_granted() -> None:
    """A required field cannot be granted (Salesforce refuses the deployment), every other one must be."""
    grantable = {
        f"{o}.{field.name}"
        for o, fields in custom_objects().items()
        for field in fields
        if not field.required and field.name != "Name"
    }
    for path, root in documents():
        if path.name.endswith(("User.permissionset-meta.xml", "Integration.permissionset-meta.xml")):
            granted = texts(root, "fieldPermissions/field")
            assert len(granted) == len(set(granted)), path
            assert {name for name in granted if name.endswith("__c")} == grantable, path


def test_whoever_connects_may_see_what_is_read_where_it_can_be_seen() -> None:
    sobject, welcome = welcome_columns(Kind.CUSTOMER)
    (root,) = [root for path, root in documents() if path.name.startswith("TrueDue_Integration.permissionset")]
    assert {f"{sobject}.{name}" for name in welcome} <= set(texts(root, "fieldPermissions/field"))


def test_layouts_show_fields_that_exist() -> None:
    schema = Schema()
    system = {"OwnerId", "CreatedById", "LastModifiedById"}
    for path, root in documents():
        if path.name.endswith(".layout-meta.xml"):
            sobject = path.name.split("-")[0]
            items = set(texts(root, "layoutSections/layoutColumns/layoutItems/field"))
            custom = {name for name in schema.objects[sobject] if name.endswith("__c")} | {"Name"}
            assert items - system == custom, path


def test_what_lists_and_reports_name_exists() -> None:
    schema = Schema()
    for path, root in documents():
        if path.name.endswith(".listView-meta.xml"):
            named = {*texts(root, "columns"), *texts(root, "filters/field")} - {"NAME"}
            assert named <= set(schema.objects[path.parents[1].name]), path
    (report_type,) = [root for path, root in documents() if path.name.endswith(".reportType-meta.xml")]
    columns = {
        (table.rpartition(".")[2], field)
        for table, field in zip(
            texts(report_type, "sections/columns/table"), texts(report_type, "sections/columns/field"), strict=True
        )
    }
    invoices = {field for table, field in columns if table == "TrueDue_Invoices__r"}
    assert invoices <= set(schema.objects["TrueDue_Invoice__c"])
    for path, root in documents():
        if path.name.endswith(".report-meta.xml"):
            parts = ("columns/field", "filter/criteriaItems/column", "groupingsDown/field")
            named_there = {name for part in parts for name in texts(root, part)}
            assert {tuple(name.rpartition(".")[2].split("$")) for name in named_there} <= columns, path
            assert texts(root, "reportType") == ["TrueDue_Invoices__c"]
    reports = {f"TrueDue/{path.name.split('.')[0]}" for path in MAIN.glob("reports/TrueDue/*")}
    (dashboard,) = [root for path, root in documents() if path.name.endswith(".dashboard-meta.xml")]
    part = "dashboardGridLayout/dashboardGridComponents/dashboardComponent/report"
    assert set(texts(dashboard, part)) == reports


def test_pages_show_the_panel_and_people_may_use_it() -> None:
    pages = {path.name: root for path, root in documents() if path.name.endswith(".flexipage-meta.xml")}
    shown = "flexiPageRegions/itemInstances/componentInstance/componentName"
    assert len(pages) == 2 and all("trueDuePanel" in texts(root, shown) for root in pages.values())
    bundle = etree.parse(str(MAIN / "lwc" / "trueDuePanel" / "trueDuePanel.js-meta.xml")).getroot()
    on = texts(bundle, "targetConfigs/targetConfig/objects/object")
    assert sorted(on) == sorted(str(root.findtext(f"{NAMESPACE}sobjectType")) for root in pages.values())
    user = etree.parse(str(MAIN / "permissionsets" / "TrueDue_User.permissionset-meta.xml")).getroot()
    script = (MAIN / "lwc" / "trueDuePanel" / "trueDuePanel.js").read_text()
    called = set(re.findall(r"@salesforce/apex/(\w+)\.", script))
    assert set(texts(user, "classAccesses/apexClass")) == called == {"TrueDuePanel", "TrueDueStatement"}


def test_a_knock_goes_where_it_is_taken_with_the_key_that_is_checked() -> None:
    knock = (MAIN / "classes" / "TrueDueKnock.cls").read_text()
    (address,) = re.findall(r"'callout:(\w+)(/[\w/]+)'", knock)
    assert address == ("TrueDue", "/webhooks/salesforce")
    assert int(re.findall(r"MOST_RECORDS = (\d+)", knock)[0]) == MAX_RECORDS
    credential = etree.parse(str(MAIN / "externalCredentials" / "TrueDue.externalCredential-meta.xml")).getroot()
    assert HEADER in [name.lower() for name in texts(credential, "externalCredentialParameters/parameterName")]
    triggers = {path.read_text().split(" on ")[1].split("(")[0] for path in MAIN.glob("triggers/*.trigger")}
    assert triggers == set(KINDS)
    needed = etree.parse(str(MAIN / "permissionsets" / "TrueDue_Knock.permissionset-meta.xml")).getroot()
    assert texts(needed, "customPermissions/name") == re.findall(r"checkPermission\('(\w+)'\)", knock)


def test_a_statement_is_asked_for_where_it_is_printed_by_who_may_use_the_key() -> None:
    statement = (MAIN / "classes" / "TrueDueStatement.cls").read_text()
    (address,) = re.findall(r"'callout:(\w+)(/[\w/]+)'", statement)
    assert address == ("TrueDue", salesforce_app.PATH)
    assert salesforce_app.HEADER == HEADER
    assert set(re.findall(r"'(\w+)' =>", statement)) == set(salesforce_app.Asked.model_fields)
    knock = etree.parse(str(MAIN / "permissionsets" / "TrueDue_Knock.permissionset-meta.xml")).getroot()
    part = "externalCredentialPrincipalAccesses/externalCredentialPrincipal"
    assert texts(knock, part) == ["TrueDue-Knock"]


def test_the_client_app_asks_for_the_scopes_and_the_address_that_are_used() -> None:
    folder = MAIN / "extlClntAppOauthSettings"
    settings = etree.parse(str(folder / "TrueDue_OAuth.ecaOauth-meta.xml")).getroot()
    scopes = [each.strip() for each in texts(settings, "commaSeparatedOauthScopes")[0].split(",")]
    assert {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", each).lower() for each in scopes} == set(DECLARATION.oauth.scopes)
    whole = etree.parse(
        str(MAIN / "extlClntAppGlobalOauthSets" / "TrueDue_Global_OAuth.ecaGlblOauth-meta.xml")
    ).getroot()
    assert texts(whole, "callbackUrl")[0].endswith("/connect/salesforce/callback")
    assert texts(whole, "isPkceRequired") == ["true"] and texts(whole, "isConsumerSecretOptional") == ["false"]


def test_what_apex_names_exists() -> None:
    known = set(custom_objects()) | {field.name for fields in custom_objects().values() for field in fields}
    for path in (*MAIN.glob("classes/*.cls"), *MAIN.glob("triggers/*.trigger")):
        named = set(re.findall(r"\b[A-Za-z]\w*__c\b", path.read_text()))
        assert named <= known, (path, named - known)
