"""Lists, documents, limits and consent of the Xero stand-in, through the official SDK over HTTP."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest
import requests
from xero_python import accounting as x  # type: ignore[import-untyped]
from xero_python.exceptions import (  # type: ignore[import-untyped]
    AccountingBadRequestException,
    HTTPStatusException,
    NotFoundException,
    RateLimitException,
)

from tests.sandbox.xero_client import XeroScene, api, consent, token, xero_scene


@pytest.fixture
def scene() -> Iterator[XeroScene]:
    with xero_scene() as made:
        yield made


def numbers(scene: XeroScene, **asked: object) -> list[str]:
    listed = scene.api.get_invoices(scene.books.tenant_id, **{"page": 1, **asked}).invoices
    return [invoice.invoice_number for invoice in listed]


def test_pages_cover_every_invoice_once(scene: XeroScene) -> None:
    expected = [f"INV-{n:03d}" for n in range(250)]
    for number in expected:
        scene.invoice(number)
    first = scene.api.get_invoices(scene.books.tenant_id, page=1, page_size=100)
    assert (first.pagination.page_count, first.pagination.item_count) == (3, 250)
    found = [n for page in (1, 2, 3) for n in numbers(scene, page=page, page_size=100)]
    assert found == expected
    assert numbers(scene, page=4, page_size=100) == []


def test_a_page_holds_a_thousand(scene: XeroScene) -> None:
    for n in range(1_001):
        scene.invoice(f"INV-{n}")
    assert len(scene.call("GET", "/Invoices?page=1&pageSize=1000").json()["Invoices"]) == 1_000
    assert len(scene.call("GET", "/Invoices?page=2&pageSize=1000").json()["Invoices"]) == 1


def test_only_what_changed_since_is_listed(scene: XeroScene) -> None:
    first = scene.invoice("INV-1")
    scene.invoice("INV-2")
    scene.clock.advance(minutes=5)
    since = scene.clock.now
    assert numbers(scene, if_modified_since=since) == []
    scene.books.add_payment(invoice_id=first, amount=Decimal("1"), paid_on=date(2026, 3, 1), account_code="090")
    assert numbers(scene, if_modified_since=since) == ["INV-1"]
    assert numbers(scene, if_modified_since=since - timedelta(hours=1)) == ["INV-1", "INV-2"]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ('Type=="ACCREC"', ["A1", "B2", "C3"]),
        ('Type=="ACCPAY"', []),
        ("Date >= DateTime(2026, 01, 10)", ["B2", "C3"]),
        ('Date >= DateTime.Parse("2026-01-10") AND Date < DateTime(2026, 2, 1, 0, 0, 0)', ["B2"]),
        ("Date > DateTime(2026,1,5) AND DueDate < DateTime(2026,3,1)", ["B2"]),
        ('AmountDue > 20 OR InvoiceNumber == "C3"', ["A1", "B2", "C3"]),
        ('(AmountDue == 10 or AmountDue == 90.50) && Reference != null && Status=="AUTHORISED"', ["A1", "C3"]),
        ('InvoiceNumber.StartsWith("A") || InvoiceNumber.Contains("2")', ["A1", "B2"]),
        ('Contact.Name == "Ridgeway" and SentToContact == false', ["B2"]),
    ],
)
def test_where(scene: XeroScene, where: str, expected: list[str]) -> None:
    scene.invoice("A1", "90.50")
    scene.invoice("B2", "50", issued_on=date(2026, 1, 10), due_on=date(2026, 2, 1), sent=False)
    scene.invoice("C3", "10", issued_on=date(2026, 2, 1), due_on=date(2026, 3, 1))
    assert numbers(scene, where=where) == expected


def test_where_by_contact_id(scene: XeroScene) -> None:
    other = scene.books.add_contact(name="Other")
    scene.invoice("A1")
    scene.invoice("B2", contact_id=other)
    assert numbers(scene, where=f'Contact.ContactID == guid("{other}")') == ["B2"]
    assert numbers(scene, contact_i_ds=[other]) == ["B2"]


@pytest.mark.parametrize("where", ["Type==", 'Type=="ACCREC" AND', "%%", 'AmountDue > "x"', "DateTime(2026,1,1)"])
def test_a_where_that_makes_no_sense_is_refused(scene: XeroScene, where: str) -> None:
    scene.invoice("A1")
    with pytest.raises(AccountingBadRequestException) as refused:
        numbers(scene, where=where)
    assert refused.value.error_data["Type"] == "QueryParseException"


def test_filters_and_order(scene: XeroScene) -> None:
    ids = [scene.invoice(number, total) for number, total in (("A1", "5"), ("B2", "7"), ("C3", "6"))]
    scene.invoice("D4", status="DRAFT")
    assert numbers(scene, i_ds=[ids[2], ids[0]]) == ["A1", "C3"]
    assert numbers(scene, invoice_numbers=["B2"]) == ["B2"]
    assert numbers(scene, statuses=["DRAFT", "VOIDED"]) == ["D4"]
    assert numbers(scene, order="Total DESC, InvoiceNumber") == ["D4", "B2", "C3", "A1"]
    light = scene.api.get_invoices(scene.books.tenant_id, page=1, summary_only=True).invoices[0]
    assert (light.line_items, light.payments, light.amount_due) == (None, None, 5)


def test_an_invoice_carries_what_the_sdk_reads(scene: XeroScene) -> None:
    invoice_id = scene.invoice("INV-1", "12.34", reference="PO 7")
    shown = scene.api.get_invoice(scene.books.tenant_id, invoice_id).invoices[0]
    assert (shown.date, shown.due_date) == (date(2026, 1, 5), date(2026, 2, 4))
    assert (shown.total, shown.currency_code.value, shown.reference) == (Decimal("12.34"), "NZD", "PO 7")
    assert (shown.contact.contact_number, shown.sent_to_contact) == ("R1", True)
    raw = scene.call("GET", f"/Invoices/{invoice_id}").json()["Invoices"][0]
    assert raw["Date"] == "/Date(1767571200000+0000)/"
    assert raw["DateString"] == "2026-01-05T00:00:00"
    with pytest.raises(NotFoundException):
        scene.api.get_invoice(scene.books.tenant_id, "00000000-0000-0000-0000-000000000000")


def test_an_invoice_is_changed_within_its_status(scene: XeroScene) -> None:
    tenant, invoice_id = scene.books.tenant_id, scene.invoice("INV-1")
    later = x.Invoices(invoices=[x.Invoice(invoice_id=invoice_id, due_date=date(2026, 5, 1))])
    assert scene.api.update_invoice(tenant, invoice_id, later).invoices[0].due_date == date(2026, 5, 1)
    scene.books.add_payment(invoice_id=invoice_id, amount=Decimal("1"), paid_on=date(2026, 3, 1), account_code="090")
    void = x.Invoices(invoices=[x.Invoice(invoice_id=invoice_id, status="VOIDED")])
    with pytest.raises(AccountingBadRequestException, match="payment or credit note allocated"):
        scene.api.update_invoice(tenant, invoice_id, void)
    line = x.LineItem(description="work", unit_amount=Decimal("2.50"), quantity=Decimal(2), account_code="200")
    draft = x.Invoice(type="ACCREC", contact=x.Contact(contact_id=scene.contact_id), line_items=[line])
    made = scene.api.update_or_create_invoices(tenant, x.Invoices(invoices=[draft])).invoices[0]
    assert (made.status, made.total) == ("DRAFT", 5)


def test_contacts_are_changed_archived_and_merged(scene: XeroScene) -> None:
    tenant = scene.books.tenant_id
    change = x.Contacts(contacts=[x.Contact(email_address="new@example.com")])
    shown = scene.api.update_contact(tenant, scene.contact_id, change).contacts[0]
    assert (shown.email_address, shown.name) == ("new@example.com", "Ridgeway")
    twin = scene.books.add_contact(name="Ridgeway Ltd")
    invoice_id = scene.invoice("INV-1", contact_id=twin)
    scene.books.merge_contact(twin, into=scene.contact_id)
    assert scene.api.get_invoice(tenant, invoice_id).invoices[0].contact.contact_id == scene.contact_id
    assert len(scene.api.get_contacts(tenant, page=1).contacts) == 1
    archived = scene.api.get_contacts(tenant, page=1, include_archived=True).contacts
    assert [c.merged_to_contact_id for c in archived] == [None, scene.contact_id]


def test_notes_reminder_settings_and_the_customers_link(scene: XeroScene) -> None:
    tenant, invoice_id = scene.books.tenant_id, scene.invoice("INV-1")
    note = x.HistoryRecords(history_records=[x.HistoryRecord(details="Reminder sent")])
    scene.api.create_invoice_history(tenant, invoice_id, note)
    records = scene.api.get_invoice_history(tenant, invoice_id).history_records
    assert [r.details for r in records] == ["Reminder sent"]
    assert [r["ObjectID"] for r in scene.books.history.values()] == [invoice_id]
    assert scene.api.get_invoice_reminders(tenant).invoice_reminders[0].enabled is False
    scene.books.sends_reminders = True
    assert scene.api.get_invoice_reminders(tenant).invoice_reminders[0].enabled is True
    link = scene.api.get_online_invoice(tenant, invoice_id).online_invoices[0].online_invoice_url
    assert link.startswith("https://in.xero.com/")


def test_the_sixty_first_call_of_a_minute_is_refused_until_the_minute_is_over(scene: XeroScene) -> None:
    for _ in range(60):
        answer = scene.call("GET", "/Organisation")
    assert answer.headers["X-MinLimit-Remaining"] == "0"
    assert answer.headers["X-DayLimit-Remaining"] == "4940"
    scene.clock.advance(seconds=20)
    with pytest.raises(RateLimitException) as refused:
        scene.api.get_organisations(scene.books.tenant_id)
    assert refused.value.headers["Retry-After"] == "40"
    assert refused.value.rate_limit == "minute"
    assert scene.standin.avoidable_429 == 1
    scene.clock.advance(seconds=40)
    assert scene.call("GET", "/Organisation").status_code == 200


def test_a_sixth_call_at_once_is_refused(scene: XeroScene) -> None:
    answers: list[requests.Response] = []
    lock = threading.Lock()

    def ask() -> None:
        answer = scene.call("GET", "/Organisation")
        with lock:
            answers.append(answer)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    with scene.standin.lock:
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 10
        while not answers and time.monotonic() < deadline:
            time.sleep(0.01)
        assert [(a.status_code, a.headers["X-Rate-Limit-Problem"]) for a in answers] == [(429, "concurrent")]
    for thread in threads:
        thread.join(timeout=10)
    assert sorted(a.status_code for a in answers) == [200] * 5 + [429]


def test_a_token_reaches_only_the_tenants_of_its_consent(scene: XeroScene) -> None:
    other = scene.standin.add_organisation(name="Other", base_currency="EUR", short_code="!other")
    assert scene.call("GET", "/Invoices", headers={"xero-tenant-id": other.tenant_id}).status_code == 403
    both = consent(scene.url, tenants=(scene.books.tenant_id, other.tenant_id))["access_token"]
    names = [
        api(scene.url, both).get_organisations(t).organisations[0].name
        for t in (scene.books.tenant_id, other.tenant_id)
    ]
    assert names == ["Demo", "Other"]
    login = {"Authorization": f"Bearer {both}"}
    listed = requests.get(f"{scene.url}/connections", headers=login, timeout=5).json()
    assert {c["tenantId"] for c in listed} == {scene.books.tenant_id, other.tenant_id}
    gone = next(c["id"] for c in listed if c["tenantId"] == other.tenant_id)
    assert requests.delete(f"{scene.url}/connections/{gone}", headers=login, timeout=5).status_code == 204
    with pytest.raises(HTTPStatusException) as refused:
        api(scene.url, both).get_organisations(other.tenant_id)
    assert refused.value.status == 403


def test_tokens_expire_rotate_and_are_revoked(scene: XeroScene) -> None:
    first = consent(scene.url)
    scene.clock.advance(minutes=31)
    with pytest.raises(HTTPStatusException) as expired:
        api(scene.url, first["access_token"]).get_organisations(scene.books.tenant_id)
    assert expired.value.status == 401
    second = token(scene.url, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert second["refresh_token"] != first["refresh_token"]
    assert api(scene.url, second["access_token"]).get_organisations(scene.books.tenant_id).organisations
    reused = token(scene.url, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert (reused["status"], reused["error"]) == ("400", "invalid_grant")
    scene.clock.advance(days=61)
    late = token(scene.url, grant_type="refresh_token", refresh_token=second["refresh_token"])
    assert late["error"] == "invalid_grant"


def test_the_same_seed_gives_the_same_ids() -> None:
    def ids() -> list[str]:
        with xero_scene() as made:
            return [made.books.tenant_id, made.contact_id, made.invoice("INV-1")]

    assert ids() == ids()
