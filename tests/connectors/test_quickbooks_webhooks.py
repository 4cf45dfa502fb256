"""QuickBooks' webhooks, both shapes, and the customers that a merge or a person takes away."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from connectors.ledgers.quickbooks import DECLARATION
from connectors.records import CustomerFields, Kind
from tests.connectors.ledger_suite import PAID_ON, Ledger, read
from tests.connectors.quickbooks_company import books_of, ledger
from tests.shared import shared_specs

__all__ = ["ledger"]

NOW = datetime(2026, 11, 17, tzinfo=UTC)


def cloud_event(realm: str, kind: str, identity: str, data: dict[str, str] | None = None) -> dict[str, object]:
    return {
        "specversion": "1.0",
        "id": f"{realm}-{kind}-{identity}",
        "source": "intuit.app",
        "type": f"qbo.{kind}.v1",
        "datacontenttype": "application/json",
        "time": "2026-11-17T09:00:00Z",
        "intuitentityid": identity,
        "intuitaccountid": realm,
        **({"data": data} if data else {}),
    }


def test_intuits_own_vector_is_accepted_and_a_changed_one_is_not() -> None:
    vector = json.loads((shared_specs() / "intuit" / "webhook_signature_vector.json").read_text())
    body, secret = vector["body"].encode(), vector["verifier_token"]
    headers = {"intuit-signature": vector["intuit_signature"]}
    assert DECLARATION.verify(secret, headers, body, NOW)
    assert not DECLARATION.verify(secret, headers, body.replace(b'"1"', b'"2"'), NOW)
    assert not DECLARATION.verify(f"{secret}0", headers, body, NOW)
    (notice,) = DECLARATION.notices(body)
    assert (notice.account, notice.kind, notice.external_id) == ("1185883450", Kind.CUSTOMER, "1")
    assert notice.occurred_at is not None


def test_one_post_spans_companies() -> None:
    events = [
        cloud_event("1", "invoice.updated", "5"),
        cloud_event("2", "payment.deleted", "5"),
        cloud_event("2", "estimate.updated", "9"),
    ]
    found = DECLARATION.notices(json.dumps(events).encode())
    assert [(each.account, each.kind, each.external_id) for each in found] == [
        ("1", Kind.INVOICE, "5"),
        ("2", Kind.PAYMENT, "5"),
        ("2", None, "9"),
    ]
    assert len({each.event_id for each in found}) == 3


def test_the_older_shape_spans_companies_too() -> None:
    def told(realm: str, name: str, operation: str) -> dict[str, object]:
        entity = {"name": name, "id": "5", "operation": operation, "lastUpdated": "2026-11-17T09:00:00.000Z"}
        return {"realmId": realm, "dataChangeEvent": {"entities": [entity]}}

    body = {"eventNotifications": [told("1", "CreditMemo", "Update"), told("2", "Deposit", "Delete")]}
    found = DECLARATION.notices(json.dumps(body).encode())
    assert [(each.account, each.kind) for each in found] == [("1", Kind.CREDIT_NOTE), ("2", Kind.CODED_RECEIPT)]
    again = DECLARATION.notices(json.dumps(body).encode())
    assert [each.event_id for each in again] == [each.event_id for each in found]


@pytest.mark.parametrize("old_shape", [False, True])
def test_a_merge_is_read_on_both_sides(old_shape: bool) -> None:
    entity = {"name": "Customer", "id": "5", "operation": "Merge", "lastUpdated": "2026-11-17T09:00:00Z"}
    old = {"realmId": "1", "dataChangeEvent": {"entities": [entity | {"deletedId": "27"}]}}
    new = cloud_event("1", "customer.merged", "5", {"deletedid": "27"})
    body = {"eventNotifications": [old]} if old_shape else [new]
    found = DECLARATION.notices(json.dumps(body).encode())
    assert [(each.kind, each.external_id) for each in found] == [(Kind.CUSTOMER, "5"), (Kind.CUSTOMER, "27>5")]
    assert len({each.event_id for each in found}) == 2


def test_a_merged_customer_is_gone_and_its_invoices_belong_to_the_other(ledger: Ledger) -> None:
    books = books_of(ledger)
    twin = books.add_customer(name="Twin")
    invoice = books.add_invoice(
        customer_id=twin, number="T1", total=Decimal(9), currency="GBP", issued_on=PAID_ON, due_on=PAID_ON
    )
    ledger.time.sleep(60)
    since = ledger.time.now()
    books.merge_customers(kept_id=ledger.customer, gone_id=twin)
    customers = read(ledger, Kind.CUSTOMER, since)
    assert customers[twin].deleted
    assert not customers[ledger.customer].deleted
    fields = read(ledger, Kind.INVOICE, since)[invoice].fields
    assert getattr(fields, "customer_external_id", None) == ledger.customer


def test_a_merge_that_is_told_is_read_only_where_it_is_borne_out(ledger: Ledger) -> None:
    books = books_of(ledger)
    twin = books.add_customer(name="Twin")
    told = f"{twin}>{ledger.customer}"
    assert not any(record.deleted for record in ledger.connector.fetch(Kind.CUSTOMER, [told]).records)
    books.merge_customers(kept_id=ledger.customer, gone_id=twin)
    records = {each.external_id: each for each in ledger.connector.fetch(Kind.CUSTOMER, [told]).records}
    fields = records[twin].fields
    assert isinstance(fields, CustomerFields)
    assert (records[twin].deleted, fields.merged_into_external_id) == (True, ledger.customer)
    assert not records[ledger.customer].deleted


def test_a_customer_made_inactive_is_deleted_also_when_read_by_its_id(ledger: Ledger) -> None:
    books = books_of(ledger)
    gone = books.add_customer(name="Closed")
    books.edit_customer(gone, Active=False)
    (record,) = ledger.connector.fetch(Kind.CUSTOMER, [gone]).records
    assert isinstance(record.fields, CustomerFields)
    assert (record.deleted, record.fields.name) == (True, "Closed (deleted)")
    assert gone not in read(ledger, Kind.CUSTOMER)
