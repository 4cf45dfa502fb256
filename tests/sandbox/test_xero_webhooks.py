"""Webhooks of the Xero stand-in, delivered to a receiver on loopback."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from tests.sandbox.ticking import receiver
from tests.sandbox.xero_client import WEBHOOK_KEY, XeroScene, xero_scene


@pytest.fixture
def scene() -> Iterator[XeroScene]:
    with xero_scene() as made:
        yield made


def verify(headers: dict[str, str], body: bytes) -> int:
    expected = base64.b64encode(hmac.new(WEBHOOK_KEY.encode(), body, hashlib.sha256).digest()).decode()
    return 200 if hmac.compare_digest(headers["x-xero-signature"], expected) else 401


def wait_idle(scene: XeroScene) -> None:
    deadline = time.monotonic() + 10
    while not scene.standin.courier.idle() and time.monotonic() < deadline:
        time.sleep(0.01)


def test_changes_are_delivered_signed(scene: XeroScene) -> None:
    with receiver(verify) as received:
        scene.standin.subscribe(received.url)
        assert scene.standin.intent_to_receive_ok is True
        intents = len(received.posts)
        assert all(json.loads(body)["events"] == [] for _, body in received.posts)
        scene.standin.courier.start()
        invoice_id = scene.invoice("INV-1")
        scene.books.add_payment(
            invoice_id=invoice_id, amount=Decimal("5"), paid_on=date(2026, 3, 1), account_code="090"
        )
        scene.books.edit_contact(scene.contact_id, EmailAddress="other@example.com")
        note = scene.books.add_credit_note(
            contact_id=scene.contact_id, number="CN-1", total=Decimal("5"), currency="NZD", issued_on=date(2026, 3, 1)
        )
        wait_idle(scene)
        scene.standin.courier.stop()
    assert all(delivery.status == 200 for delivery in scene.standin.courier.log)
    told = [event for _, body in received.posts[intents:] for event in json.loads(body)["events"]]
    assert [(e["eventCategory"], e["eventType"], e["resourceId"]) for e in told] == [
        ("INVOICE", "CREATE", invoice_id),
        ("INVOICE", "UPDATE", invoice_id),
        ("CONTACT", "UPDATE", scene.contact_id),
        ("CREDITNOTE", "CREATE", note),
    ]
    assert {e["tenantId"] for e in told} == {scene.books.tenant_id}
    assert told[3]["data"] == {"Type": "ACCRECCREDIT", "Status": "AUTHORISED"}
    assert [json.loads(body)["firstEventSequence"] for _, body in received.posts[intents:]] == [1, 2, 3, 4]


@pytest.mark.parametrize("status", [200, 401, 500])
def test_a_subscriber_that_does_not_check_signatures_fails_the_intent(scene: XeroScene, status: int) -> None:
    with receiver(lambda _headers, _body: status) as received:
        scene.standin.subscribe(received.url)
    assert scene.standin.intent_to_receive_ok is False
