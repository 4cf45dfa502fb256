"""Queries, change data capture, limits and consent of the QuickBooks stand-in, through the official SDK over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest
from intuitlib.exceptions import AuthClientError  # type: ignore[import-untyped]
from quickbooks.cdc import change_data_capture  # type: ignore[import-untyped]
from quickbooks.exceptions import (  # type: ignore[import-untyped]
    AuthorizationException,
    QuickbooksException,
    ValidationException,
)
from quickbooks.objects.company_info import CompanyInfo  # type: ignore[import-untyped]
from quickbooks.objects.customer import Customer  # type: ignore[import-untyped]
from quickbooks.objects.invoice import Invoice  # type: ignore[import-untyped]
from quickbooks.objects.payment import Payment  # type: ignore[import-untyped]
from quickbooks.objects.preferences import Preferences  # type: ignore[import-untyped]

from tests.sandbox.quickbooks_client import QuickBooksScene, api, consent, quickbooks_scene


@pytest.fixture
def scene() -> Iterator[QuickBooksScene]:
    with quickbooks_scene() as made:
        yield made


def test_pages_cover_every_invoice_once(scene: QuickBooksScene) -> None:
    expected = [scene.invoice(f"{n}") for n in range(25)]
    pages = [
        Invoice.where("", start_position=start, max_results=10, order_by="Id", qb=scene.api)
        for start in (1, 11, 21, 31)
    ]
    assert [invoice.Id for page in pages for invoice in page] == expected
    assert Invoice.count(qb=scene.api) == 25


def test_a_page_holds_a_thousand(scene: QuickBooksScene) -> None:
    for n in range(1_001):
        scene.invoice(f"{n}")
    answer = scene.call("GET", "/query", params={"query": "select * from Invoice where Balance > '0' maxresults 1000"})
    assert len(answer.json()["QueryResponse"]["Invoice"]) == 1_000


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("Balance > '50'", ["A1", "C3"]),
        ("Balance <= 50", ["B2"]),
        ("TxnDate >= '2026-01-10' AND DueDate < '2026-03-01'", ["B2"]),
        ("DocNumber IN ('A1', 'C3')", ["A1", "C3"]),
        ("DocNumber LIKE '%2'", ["B2"]),
        ("CustomerRef = '{customer}' AND EmailStatus = 'NotSet'", ["B2"]),
        ("MetaData.LastUpdatedTime > '2026-03-03T02:00:00-08:00'", ["C3"]),
        ("MetaData.LastUpdatedTime >= '2026-03-03T10:00:00Z' AND DocNumber = 'A1'", ["A1"]),
        ("DocNumber = 'x\\'y'", []),
    ],
)
def test_where(scene: QuickBooksScene, where: str, expected: list[str]) -> None:
    scene.invoice("A1", "90.50")
    scene.invoice("B2", "50", issued_on=date(2026, 1, 10), due_on=date(2026, 2, 1), sent=False)
    scene.clock.advance(seconds=5)
    scene.invoice("C3", "100", issued_on=date(2026, 2, 1), due_on=date(2026, 3, 1))
    found = Invoice.where(where.format(customer=scene.customer_id), qb=scene.api)
    assert [invoice.DocNumber for invoice in found] == expected


def test_names_with_quotes_are_found_and_inactive_ones_only_when_asked_for(scene: QuickBooksScene) -> None:
    assert [c.Id for c in Customer.filter(DisplayName="O'Neil", qb=scene.api)] == [scene.customer_id]
    assert [c.Id for c in Customer.choose(["O'Neil", "x"], field="DisplayName", qb=scene.api)] == [scene.customer_id]
    scene.books.edit_customer(scene.customer_id, Active=False)
    assert Customer.all(qb=scene.api) == []
    assert len(Customer.filter(Active=False, qb=scene.api)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "", "select", "select * from Nothing", "select * from Invoice where", "select * from Invoice where a ~ 'b'",
        "select * from Invoice where DocNumber = 'O'Neil'", "select * from Invoice maxresults 1001",
        "select * from Invoice startposition 0", "select * from Invoice where Balance > 'x'", "delete from Invoice",
        "select * from Invoice where A = '1' or B = '2'",
    ],
)  # fmt: skip
def test_a_query_that_does_not_parse_is_refused(scene: QuickBooksScene, text: str) -> None:
    scene.invoice("A1")
    answer = scene.call("POST", "/query", data=text)
    assert answer.status_code == 400
    fault = answer.json()["Fault"]
    assert (fault["type"], fault["Error"][0]["code"]) == ("ValidationFault", "4000")
    with pytest.raises(ValidationException):
        scene.api.query(text)


def test_change_data_capture_tells_changes_and_deletions(scene: QuickBooksScene) -> None:
    scene.invoice("old")
    scene.clock.advance(days=2)
    invoice_id = scene.invoice("new")
    payment_id = scene.books.add_payment(
        customer_id=scene.customer_id, lines=[(invoice_id, Decimal("5"))], total=Decimal("5"), paid_on=date(2026, 3, 1)
    )
    scene.books.delete_payment(payment_id)
    fresh = api(scene.url, consent(scene.url))
    told = change_data_capture([Invoice, Payment], scene.clock.now - timedelta(hours=1), qb=fresh)
    assert [invoice.DocNumber for invoice in told.Invoice] == ["new"]
    assert [(payment.Id, payment.status) for payment in told.Payment] == [(payment_id, "Deleted")]
    with pytest.raises(ValidationException):
        change_data_capture([Invoice], scene.clock.now - timedelta(days=31), qb=fresh)


def test_company_and_preferences(scene: QuickBooksScene) -> None:
    assert CompanyInfo.get(1, qb=scene.api).CompanyName == "Demo"
    assert Preferences.get(qb=scene.api).CurrencyPrefs.HomeCurrency.value == "USD"


def test_calls_above_the_limits_are_refused(scene: QuickBooksScene) -> None:
    def status() -> int:
        return scene.call("GET", "/companyinfo/1").status_code

    for _ in range(10):
        CompanyInfo.get(1, qb=scene.api)
    with pytest.raises(ValidationException) as refused:
        CompanyInfo.get(1, qb=scene.api)
    assert (refused.value.error_code, "statusCode=429" in refused.value.message) == (3001, True)
    scene.clock.advance(minutes=2)
    for _ in range(50):
        scene.clock.advance(seconds=1)
        for _ in range(10):
            scene.api.get(f"{scene.url}/v3/company/{scene.books.realm_id}/companyinfo/1")
    assert status() == 429
    scene.clock.advance(seconds=60)
    answer = scene.call("GET", "/companyinfo/1")
    assert answer.status_code == 200
    assert answer.headers["intuit_tid"]
    assert scene.standin.avoidable_429 == 2


def test_batches_have_their_own_limit(scene: QuickBooksScene) -> None:
    batch = {"BatchItemRequest": [{"bId": "1", "Query": "select * from Invoice"}]}
    statuses = [scene.call("POST", "/batch", json=batch).status_code for _ in range(41)]
    assert statuses == [200] * 40 + [429]


def test_a_token_reaches_only_its_company(scene: QuickBooksScene) -> None:
    other = scene.standin.add_company(name="Other", home_currency="EUR")
    with pytest.raises(QuickbooksException, match="ApplicationAuthorizationFailed"):
        CompanyInfo.get(1, qb=api(scene.url, scene.auth, realm_id=other.realm_id))
    theirs = api(scene.url, consent(scene.url, realm_id=other.realm_id))
    assert CompanyInfo.get(1, qb=theirs).CompanyName == "Other"
    assert Invoice.count(qb=theirs) == 0


def test_tokens_expire_rotate_and_are_revoked(scene: QuickBooksScene) -> None:
    first = scene.auth.refresh_token
    scene.clock.advance(minutes=61)
    with pytest.raises(AuthorizationException):
        CompanyInfo.get(1, qb=scene.api)
    scene.auth.refresh()
    assert scene.auth.refresh_token != first
    fresh = api(scene.url, scene.auth)
    assert CompanyInfo.get(1, qb=fresh).CompanyName == "Demo"
    with pytest.raises(AuthClientError):
        scene.auth.refresh(refresh_token=first)
    assert scene.auth.revoke()
    with pytest.raises(AuthorizationException):
        CompanyInfo.get(1, qb=fresh)
