"""Xero's and QuickBooks' webhooks: signature, shape, and what they tell."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest

from connectors.ledgers import quickbooks, xero
from connectors.records import Kind
from tests.connectors.conformance import NOW, findings
from tests.shared import shared_specs


@pytest.mark.parametrize("declaration", [xero.DECLARATION, quickbooks.DECLARATION], ids=lambda each: each.system)
def test_a_ledger_conforms(declaration: object) -> None:
    assert isinstance(declaration, type(xero.DECLARATION))
    assert findings(declaration) == []


def test_a_xero_webhook_is_read() -> None:
    event = {
        "resourceUrl": "https://api.xero.com/api.xro/2.0/Invoices/i",
        "resourceId": "i",
        "tenantId": "t",
        "tenantType": "ORGANISATION",
        "eventCategory": "INVOICE",
        "eventType": "UPDATE",
        "eventDateUtc": "2026-11-17T10:00:00.123",
    }
    others = [event | {"eventCategory": name} for name in ("CONTACT", "CREDITNOTE", "SUBSCRIPTION")]
    body = json.dumps({"events": [event, *others], "firstEventSequence": 1, "lastEventSequence": 4, "entropy": "X"})
    notices = xero.DECLARATION.notices(body.encode())
    assert [notice.kind for notice in notices] == [Kind.INVOICE, Kind.CUSTOMER, Kind.CREDIT_NOTE, None]
    assert {(notice.account, notice.external_id) for notice in notices} == {("t", "i")}
    assert len({notice.event_id for notice in notices}) == 4
    assert notices[0].occurred_at is not None
    assert notices[0].occurred_at.isoformat() == "2026-11-17T10:00:00.123000+00:00"
    assert xero.DECLARATION.notices(body.encode()) == notices
    signature = base64.b64encode(hmac.new(b"key", body.encode(), hashlib.sha256).digest()).decode()
    assert xero.DECLARATION.verify("key", {"x-xero-signature": signature}, body.encode(), NOW)
    assert not xero.DECLARATION.verify("key", {"x-xero-signature": signature}, body.encode() + b" ", NOW)
    assert not xero.DECLARATION.verify("other", {"x-xero-signature": signature}, body.encode(), NOW)


def test_an_intent_to_receive_has_no_notices() -> None:
    body = b'{"events":[],"firstEventSequence":0,"lastEventSequence":0,"entropy":"S0m3r4Nd0mt3xt"}'
    assert xero.DECLARATION.notices(body) == []


def test_a_quickbooks_cloud_event_is_read() -> None:
    def event(number: int, name: str, realm: str) -> dict[str, object]:
        return {
            "specversion": "1.0",
            "id": f"e{number}",
            "source": "intuit.x",
            "type": f"qbo.{name}.updated.v1",
            "time": "2026-11-17T10:00:00Z",
            "intuitentityid": str(number),
            "intuitaccountid": realm,
            "data": {},
        }

    names = ("invoice", "customer", "creditmemo", "payment", "deposit", "estimate")
    body = json.dumps([event(number, name, f"r{number % 2}") for number, name in enumerate(names)]).encode()
    notices = quickbooks.DECLARATION.notices(body)
    assert [notice.kind for notice in notices] == [
        Kind.INVOICE,
        Kind.CUSTOMER,
        Kind.CREDIT_NOTE,
        Kind.PAYMENT,
        Kind.CODED_RECEIPT,
        None,
    ]
    assert [notice.account for notice in notices] == ["r0", "r1"] * 3
    assert [notice.event_id for notice in notices] == [f"e{number}" for number in range(6)]


def test_intuit_s_published_vector_is_verified_and_read() -> None:
    vector = json.loads((shared_specs() / "intuit" / "webhook_signature_vector.json").read_text())
    secret, body = vector["verifier_token"], vector["body"].encode()
    headers = {"intuit-signature": vector["intuit_signature"]}
    assert quickbooks.DECLARATION.verify(secret, headers, body, NOW)
    assert not quickbooks.DECLARATION.verify(secret, headers, body.replace(b"Create", b"Delete"), NOW)
    (notice,) = quickbooks.DECLARATION.notices(body)
    assert (notice.account, notice.external_id, notice.kind) == ("1185883450", "1", Kind.CUSTOMER)
    assert notice.occurred_at is not None
    assert notice.occurred_at.isoformat() == "2015-10-05T14:42:19-07:00"
