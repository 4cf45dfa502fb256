"""Webhooks of the QuickBooks stand-in, delivered to a receiver on loopback."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from decimal import Decimal

import pytest

from sandbox.quickbooks.standin import sign
from tests.sandbox.quickbooks_client import VERIFIER_TOKEN, QuickBooksScene, quickbooks_scene
from tests.sandbox.ticking import receiver
from tests.shared import shared_specs


@pytest.fixture
def scene() -> Iterator[QuickBooksScene]:
    with quickbooks_scene() as made:
        yield made


def test_the_signature_is_intuits() -> None:
    vector = json.loads((shared_specs() / "intuit" / "webhook_signature_vector.json").read_text())
    assert sign(vector["verifier_token"], vector["body"].encode()) == vector["intuit_signature"]


def test_changes_are_delivered_as_signed_cloud_events(scene: QuickBooksScene) -> None:
    with receiver(
        lambda headers, body: 200 if headers["intuit-signature"] == sign(VERIFIER_TOKEN, body) else 401
    ) as got:
        scene.standin.subscribe(got.url)
        scene.standin.courier.start()
        invoice_id = scene.invoice("1001")
        made = scene.payment("10", ("Invoice", invoice_id, "10")).save(qb=scene.api)
        scene.books.void_invoice(invoice_id)
        scene.books.delete_payment(made.Id)
        deadline = time.monotonic() + 10
        while not scene.standin.courier.idle() and time.monotonic() < deadline:
            time.sleep(0.01)
        scene.standin.courier.stop()
    assert [delivery.status for delivery in scene.standin.courier.log] == [200] * 4
    told = [json.loads(body) for _, body in got.posts]
    assert [sorted((event["type"], event["intuitentityid"]) for event in post) for post in told] == [
        [("qbo.invoice.created.v1", invoice_id)],
        [("qbo.invoice.updated.v1", invoice_id), ("qbo.payment.created.v1", made.Id)],
        [("qbo.invoice.voided.v1", invoice_id), ("qbo.payment.updated.v1", made.Id)],
        [("qbo.payment.deleted.v1", made.Id)],
    ]
    events = [event for post in told for event in post]
    assert {event["intuitaccountid"] for event in events} == {scene.books.realm_id}
    assert {event["specversion"] for event in events} == {"1.0"}
    assert len({event["id"] for event in events}) == len(events)


def test_a_refused_write_tells_nobody(scene: QuickBooksScene) -> None:
    scene.standin.subscribe("http://127.0.0.1:9/unused")
    invoice_id = scene.invoice("1001", str(Decimal("10")))
    before = len(scene.standin.courier.log)
    body = {"CustomerRef": {"value": scene.customer_id}, "TotalAmt": 99,
            "Line": [{"Amount": 99, "LinkedTxn": [{"TxnId": invoice_id, "TxnType": "Invoice"}]}]}  # fmt: skip
    assert scene.call("POST", "/payment", json=body).status_code == 400
    assert len(scene.standin.courier.log) == before
